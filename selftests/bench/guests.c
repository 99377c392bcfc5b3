// SPDX-License-Identifier: GPL-2.0
/*
 * Three KVM guests that serve, and what somebody who waits for them sees of a
 * scanner that works on their memory. pshare is measured first, at a limit of the
 * CPU share; ksmd, which can be held to any, then takes what pshare really took.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define GUESTS		3
#define GUEST_MIB	"128"
#define GUEST_WORK	"guest_mb=64 guest_turn_us=10000"
#define SHARE_PERCENT	20	/* as much as either may take */
#define ANSWER_SECONDS	60
#define NONE_SECONDS	10
#define BEGUN_NS	10000000	/* of CPU time: more than a look at what there is */
#define BEGIN_SECONDS	30	/* at most */
#define MERGING_SECONDS	90	/* at most */
#define TAIL_SECONDS	10	/* what is not the programs' is merged later */
#define AFTER_SECONDS	15
#define KSMD_ROUNDS	4	/* a page must have rested from one to the next */
#define STEP_MS		250
#define MAX_TURNS	16384	/* of a guest in a window */

static struct guest guests[GUESTS] = {
	{ .name = "anna" }, { .name = "bert" }, { .name = "cleo" },
};

/* How often they were asked for their turns. */
static unsigned int answers;

/* What pshare took of the CPU in each repeat, in percent; nothing before it was measured. */
static struct {
	double merging;
	double after;
} taken[MAX_REPEATS];

static void must(int err, const struct guest *guest, const char *what)
{
	if (err)
		die("guest %s, %s: %s", guest->name, what, strerror(err));
}

/* The guest's last line with the word in it; returns how many there are. */
static unsigned int find_line(const struct guest *guest, const char *word, char *found, size_t size)
{
	char path[64], line[256];
	unsigned int n = 0;
	FILE *file;

	guest_log(guest, path, sizeof(path));
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strchr(line, '\n') || !strstr(line, word))
			continue;
		snprintf(found, size, "%s", line);
		n++;
	}
	if (file)
		fclose(file);
	return n;
}

static void wait_line(const struct guest *guest, const char *word, unsigned int n,
		      char *found, size_t size)
{
	double end = now() + ANSWER_SECONDS;

	while (find_line(guest, word, found, size) < n) {
		if (now() > end)
			die("guest %s does not say \"%s\"", guest->name, word);
		pause_ms(100);
	}
}

static void end_guest(const struct guest *guest)
{
	kill(guest->pid, SIGKILL);
	wait_gone(guest->pid);
}

static void start_guest(struct guest *guest, char *line, size_t size)
{
	must(guest_start(guest, GUEST_MIB, GUEST_WORK), guest, "start");
	wait_line(guest, " ready: ", 1, line, size);
}

static uint64_t start_guests(void)
{
	unsigned long equal, zero;
	uint64_t possible = 0;
	char line[256];
	unsigned int i;

	for (i = 0; i < GUESTS; i++) {
		start_guest(&guests[i], line, sizeof(line));
		if (sscanf(line, "guest %*s ready: %*u pages, %lu equal, %lu zero", &equal,
			   &zero) != 2)
			die("not understood: %s", line);
		guest_find_ram(&guests[i]);
		possible += zero + (i ? equal : 0);
	}
	return possible;
}

static void end_guests(void)
{
	unsigned int i;

	for (i = 0; i < GUESTS; i++)
		end_guest(&guests[i]);
}

static void tell_all(char letter)
{
	unsigned int i;

	for (i = 0; i < GUESTS; i++)
		must(guest_tell(&guests[i], letter), &guests[i], "console");
}

static void add_figure(struct figures *figures, const char *window, const char *what, double value)
{
	char name[40];

	snprintf(name, sizeof(name), "%s_%s", window, what);
	figure(figures, name, value);
}

/* How long each turn of all guests took in the last window, in ns. */
static struct {
	double ns[GUESTS * MAX_TURNS];
	size_t n;
} turns;

static void add_turns(const char *line)
{
	const char *at = strstr(line, " took ") + strlen(" took ");
	double ns;
	int len;

	for (; sscanf(at, "%lf%n", &ns, &len) == 1; at += len) {
		if (turns.n == GUESTS * MAX_TURNS)
			die("more than %d turns", GUESTS * MAX_TURNS);
		turns.ns[turns.n++] = ns;
	}
}

/* Those that the guest told of before its last answer, and after the one before that. */
static void read_turns(const struct guest *guest, unsigned int answer)
{
	char path[64], line[256];
	unsigned int seen = 1;
	FILE *file;

	guest_log(guest, path, sizeof(path));
	file = fopen(path, "re");
	if (!file)
		die("%s: %s", path, strerror(errno));
	while (seen <= answer && fgets(line, sizeof(line), file)) {
		seen += !!strstr(line, " turns ");
		if (seen == answer && strstr(line, " took "))
			add_turns(line);
	}
	fclose(file);
}

/*
 * Of the turns of all guests together: which of them has to wait for another is the
 * host's choice, and differs from one time to the next by more than scanners do.
 */
static void figure_turns(struct figures *figures, const char *window)
{
	char line[256];
	unsigned int i, n, sum = 0;

	tell_all('p');
	answers++;
	turns.n = 0;
	for (i = 0; i < GUESTS; i++) {
		wait_line(&guests[i], " turns ", answers, line, sizeof(line));
		printf("# %s: %s", window, line);
		if (sscanf(line, "guest %*s turns %u median", &n) != 1 || !n)
			die("not understood: %s", line);
		sum += n;
		read_turns(&guests[i], answers);
	}
	if (turns.n != sum)
		die("%zu turns told of %u", turns.n, sum);
	qsort(turns.ns, turns.n, sizeof(*turns.ns), by_value);
	add_figure(figures, window, "turns", turns.n);
	add_figure(figures, window, "median_ns", turns.ns[turns.n / 2]);
	add_figure(figures, window, "p95_ns", turns.ns[turns.n * 95 / 100]);
	add_figure(figures, window, "p99_ns", turns.ns[turns.n * 99 / 100]);
	add_figure(figures, window, "worst_ns", turns.ns[turns.n - 1]);
	printf("# %s: all turns %zu p95 %.0f worst %.0f ns\n", window, turns.n,
	       turns.ns[turns.n * 95 / 100], turns.ns[turns.n - 1]);
}

/* Who looks on is not to be in the way of those who are watched; guests are begun without. */
static void look_on(int policy)
{
	const struct sched_param none = { 0 };

	if (sched_setscheduler(0, policy, &none))
		die("sched_setscheduler: %s", strerror(errno));
}

/* Keeps the scanner to its share until so many pages are saved, or the time is over. */
static void keep_on(const struct scanner *scanner, unsigned int seconds, uint64_t enough)
{
	double end = now() + seconds;
	struct sample sample = { 0 };

	do {
		pause_ms(STEP_MS);
		if (scanner)
			scanner->keep_share();
		if (enough)
			scanner->read(&sample);
	} while (now() < end && (!enough || sample.saved < enough));
}

/* Notes the guests' turns meanwhile. Returns the scanner's share, in percent. */
static double watch(const struct scanner *scanner, const char *window, unsigned int seconds,
		    uint64_t enough, struct figures *figures)
{
	struct sample before = { 0 }, after = { 0 };
	double share = 0;

	if (scanner)
		scanner->read(&before);
	tell_all('b');
	look_on(SCHED_IDLE);
	keep_on(scanner, seconds, enough);
	look_on(SCHED_OTHER);
	if (scanner)
		scanner->read(&after);
	tell_all('e');
	pause_ms(STEP_MS);
	if (scanner) {
		share = (after.cpu_ns - before.cpu_ns) / (after.time - before.time) / 1e7;
		add_figure(figures, window, "s", after.time - before.time);
		add_figure(figures, window, "cpu_ns", after.cpu_ns - before.cpu_ns);
		add_figure(figures, window, "share", share / 100);
	}
	figure_turns(figures, window);
	return share;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * Pages saved as the page tables show it, whoever saved them: every mapping of a page
 * frame but the first, and of the zero page all.
 */
static uint64_t count_saved(void)
{
	uint64_t *frame, saved = 0, begin, n = 0;
	size_t pages = 0, i;

	for (i = 0; i < GUESTS; i++)
		pages += guests[i].pages;
	frame = calloc(pages, sizeof(*frame));
	if (!frame)
		die("no memory to count");
	for (i = 0; i < GUESTS; n += guests[i++].pages)
		pagemap_read(guests[i].pid, guests[i].ram, guests[i].pages, frame + n);
	for (i = 0; i < n; i++)
		frame[i] = frame[i] & PM_PRESENT ? frame[i] & ((1ULL << 55) - 1) : 0;
	qsort(frame, n, sizeof(*frame), by_number);
	for (begin = 0; begin < n; begin = i) {
		for (i = begin + 1; i < n && frame[i] == frame[begin]; i++)
			;
		if (frame[begin] && i - begin > 1)
			saved += i - begin - !page_is_zero(frame[begin]);
	}
	free(frame);
	return saved;
}

/* How many guests found something wrong in their memory. */
static unsigned int count_wrong(void)
{
	unsigned int i, wrong = 0;
	char line[256];

	tell_all('c');
	for (i = 0; i < GUESTS; i++) {
		wait_line(&guests[i], " round ", 1, line, sizeof(line));
		wrong += !strstr(line, " ok");
		printf("# %s", line);
	}
	return wrong;
}

static void all_that_can_be(const struct scanner *scanner)
{
	unsigned int i;

	scanner->full_speed();
	for (i = 0; i < KSMD_ROUNDS; i++)
		scanner->round();
}

/* A scanner may wait for a while before it begins: that is nobody's share. */
static void wait_begun(const struct scanner *scanner, uint64_t cpu_ns)
{
	double end = now() + BEGIN_SECONDS;
	struct sample sample;

	do {
		pause_ms(20);
		scanner->keep_share();
		scanner->read(&sample);
	} while (sample.cpu_ns < cpu_ns + BEGUN_NS && now() < end);
}

static size_t give_guests(const struct scanner *scanner)
{
	struct sample before;
	size_t pages = 0;
	unsigned int i;

	scanner->read(&before);
	for (i = 0; i < GUESTS; i++) {
		scanner->take(guests[i].pid);
		pages += status_kb(guests[i].pid, "RssAnon") / 4;
	}
	wait_begun(scanner, before.cpu_ns);
	return pages;
}

/*
 * After what is merged guests still fault for a while, page by page as they come back to it, so
 * that windows are compared which begin equally long after it. In the first either scanner may do
 * as much as before; in the second ksmd, which does not rest by itself, gets what pshare took.
 */
static void watch_all(const struct scanner *scanner, unsigned int repeat, uint64_t possible,
		      uint64_t saved_before, struct figures *figures)
{
	double merging, after;

	merging = watch(scanner, "merging", MERGING_SECONDS, 0.99 * possible, figures);
	figure(figures, "merging_saved", count_saved() - saved_before);
	keep_on(scanner, TAIL_SECONDS, 0);
	watch(scanner, "allowed", AFTER_SECONDS, 0, figures);
	figure(figures, "allowed_saved", count_saved() - saved_before);
	if (taken[repeat].after)
		scanner->share(taken[repeat].after);
	after = watch(scanner, "after", AFTER_SECONDS, 0, figures);
	figure(figures, "after_saved", count_saved() - saved_before);
	if (scanner == &pshare) {
		taken[repeat].merging = merging;
		taken[repeat].after = after;
	}
}

void run_guests(const struct workload *workload, const struct scanner *scanner,
		struct figures *figures)
{
	unsigned int i, repeat = figures->repeat;
	uint64_t possible, before;

	(void)workload;
	/* Polling before it sleeps would be most of what KVM does here. */
	write_file("/sys/module/kvm/parameters/halt_poll_ns", "0");
	answers = 0;
	possible = start_guests();
	sleep_seconds(1);
	watch(NULL, "none", NONE_SECONDS, 0, figures);
	before = count_saved();
	scanner->begin();
	scanner->share(taken[repeat].merging ?: SHARE_PERCENT);
	figure(figures, "pages", give_guests(scanner));
	watch_all(scanner, repeat, possible, before, figures);
	all_that_can_be(scanner);
	figure(figures, "saved", count_saved() - before);
	figure(figures, "possible", possible);
	scanner->extras(figures);
	scanner->split_all();
	all_that_can_be(scanner);
	figure(figures, "saved_split", count_saved() - before);
	figure(figures, "wrong_pages", count_wrong());
	for (i = 0; i < GUESTS; i++)
		scanner->drop(guests[i].pid);
	end_guests();
	scanner->end();
}
