// SPDX-License-Identifier: GPL-2.0
/*
 * Init of a guest: works on its memory and checks it, for ever, and says so once a round.
 * With guest_turn_us it serves instead: work is due at regular moments, and how late it is
 * done is what somebody who waits for it would see.
 *
 * Unknown words of the kernel command line come as environment variables:
 *   guest_name   in every line that is printed; seeds what is unique to this guest
 *   guest_mb     how much memory to work on (default: half of what there is)
 *   guest_equal, guest_zero, guest_hot   percent of it that is equal in all guests, zero, and
 *                rewritten every round (default 50, 10, 10); the rest is unique
 *   guest_pause_ms   rest between rounds (default 500)
 *   guest_turn_us    time from one turn of service to the next, on average
 *
 * Letters on the console, when it serves:
 *   b  begin to note how long each turn takes, from the moment it was due until it is done
 *   e  end that; some turns after the first letter and before this one are left out
 *   p  print what was noted, and its quantiles
 *   c  check all memory, and say so as after a round
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))

struct part {
	const char *name;
	uint64_t seed;
	size_t first;
	size_t pages;
};

/* What a turn of service does: a third of a millisecond of work, if nothing is in its way. */
#define TURN_READS	32	/* pages anywhere, a word of each cache line */
#define TURN_WRITES	2	/* pages of the hot part */
#define TURN_STEPS	20000	/* of computing */
#define TURNS_A_BREAK	40	/* from one write to an equal page to the next */
#define MAX_NOTES	(1 << 16)
#define NOTES_A_LINE	16
#define EDGE_TURNS	5	/* left out: to ask the guests delays them */

enum { EQUAL, ZERO, HOT, UNIQUE, PARTS };

static uint64_t *memory;
static const char *guest = "?";
static struct part parts[PARTS] = {
	{ .name = "equal", .seed = 1 }, { .name = "zero" }, { .name = "hot" }, { .name = "unique" },
};

static unsigned long parameter(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : fallback;
}

/* One write a line: lines of the kernel may come between, never into one. */
static void say(const char *format, ...)
{
	char line[256];
	va_list args;
	size_t length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (length >= sizeof(line) || write(STDOUT_FILENO, line, length) < 0)
		_exit(1);
}

static uint64_t name_seed(const char *name)
{
	uint64_t seed = 0xcbf29ce484222325;

	for (; *name; name++)
		seed = (seed ^ (unsigned char)*name) * 0x100000001b3;
	return seed;
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The state that generates page i of a part; seed 0 means zeroes. */
static uint64_t page_state(uint64_t seed, size_t i)
{
	return seed ? (seed ^ (i + 1) * 0x9e3779b97f4a7c15) | 1 : 0;
}

static void fill_page(const struct part *part, size_t i)
{
	uint64_t *word = memory + (part->first + i) * PAGE_WORDS;
	uint64_t state = page_state(part->seed, i);
	size_t w;

	for (w = 0; w < PAGE_WORDS; w++)
		word[w] = next(&state);
}

static int check_page(const struct part *part, size_t i)
{
	const uint64_t *word = memory + (part->first + i) * PAGE_WORDS;
	uint64_t state = page_state(part->seed, i);
	size_t w;

	for (w = 0; w < PAGE_WORDS; w++) {
		uint64_t expected = next(&state);

		if (word[w] == expected)
			continue;
		say("guest %s CORRUPT %s page %zu word %zu: %016llx, expected %016llx\n", guest,
		    part->name, i, w, (unsigned long long)word[w], (unsigned long long)expected);
		return 1;
	}
	return 0;
}

static void fill(const struct part *part)
{
	size_t i;

	for (i = 0; i < part->pages; i++)
		fill_page(part, i);
}

static int check(const struct part *part)
{
	int bad = 0;
	size_t i;

	for (i = 0; i < part->pages; i++)
		bad |= check_page(part, i);
	return bad;
}

/* Breaks the sharing of one page a round: other content, checked, and the old content again. */
static int break_one(const struct part *part, unsigned long round)
{
	struct part other = *part;
	size_t i;
	int bad;

	if (!part->pages)
		return 0;
	i = round % part->pages;
	other.seed = name_seed(guest) + round;
	fill_page(&other, i);
	bad = check_page(&other, i);
	fill_page(part, i);
	return bad;
}

static void prepare_console(void)
{
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	dup2(open("/dev/console", O_RDWR), STDOUT_FILENO);
	dup2(STDOUT_FILENO, STDIN_FILENO);
}

static size_t pages_to_use(void)
{
	struct sysinfo info;
	unsigned long mb;

	sysinfo(&info);
	mb = parameter("guest_mb", info.totalram / 2 >> 20);
	return mb << 20 >> 12;
}

/* Return: nonzero if anything is not as it should be. */
static int check_all(void)
{
	int bad = 0;
	size_t i;

	for (i = 0; i < PARTS; i++)
		bad |= check(&parts[i]);
	return bad;
}

static void say_round(unsigned long round, int bad)
{
	say("guest %s round %lu %s\n", guest, round, bad ? "CORRUPT" : "ok");
}

static void __attribute__((noreturn)) work(unsigned long pause_ms)
{
	unsigned long round;
	int bad = 0;

	for (round = 1;; round++) {
		bad |= check_all();
		bad |= break_one(&parts[EQUAL], round) | break_one(&parts[ZERO], round);
		parts[HOT].seed++;
		fill(&parts[HOT]);
		say_round(round, bad);
		usleep(pause_ms * 1000);
	}
}

/* Service */

static struct {
	uint32_t ns[MAX_NOTES];
	size_t n;
	unsigned int passed;	/* turns at the beginning */
	int on;
} notes;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	struct timespec ts = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL))
		;
}

static uint64_t read_some(uint64_t *state, size_t pages)
{
	const uint64_t *word;
	uint64_t sum = 0;
	size_t i, w;

	for (i = 0; i < TURN_READS; i++) {
		word = memory + next(state) % pages * PAGE_WORDS;
		for (w = 0; w < PAGE_WORDS; w += 8)
			sum += word[w];
	}
	return sum;
}

/*
 * Hot pages change in turn: when the last has its new content, all have the next seed.
 * Until then those in front of @at are one ahead, for which check_served() makes up.
 */
static size_t hot_at;

static void write_some(void)
{
	struct part *hot = &parts[HOT], ahead = *hot;
	size_t i;

	ahead.seed++;
	for (i = 0; i < TURN_WRITES && hot->pages; i++) {
		fill_page(&ahead, hot_at++);
		if (hot_at < hot->pages)
			continue;
		hot_at = 0;
		hot->seed++;
		ahead.seed++;
	}
}

static int check_served(void)
{
	struct part *hot = &parts[HOT], ahead = *hot;
	int bad = check(&parts[EQUAL]) | check(&parts[ZERO]) | check(&parts[UNIQUE]);
	size_t i;

	ahead.seed++;
	for (i = 0; i < hot->pages; i++)
		bad |= check_page(i < hot_at ? &ahead : hot, i);
	return bad;
}

/* The page is for itself afterwards, and can be shared anew. */
static void break_quickly(const struct part *part, uint64_t random)
{
	volatile uint64_t *word = memory + (part->first + random % part->pages) * PAGE_WORDS;

	*word ^= random;
	*word ^= random;
}

static void serve_turn(unsigned long turn, uint64_t *state, size_t pages)
{
	static volatile uint64_t sink __attribute__((unused));
	int i;

	sink = read_some(state, pages);
	write_some();
	if (turn % TURNS_A_BREAK == 0 && parts[EQUAL].pages)
		break_quickly(&parts[EQUAL], next(state));
	for (i = 0; i < TURN_STEPS; i++)
		next(state);
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void print_some(size_t first, size_t n)
{
	char text[NOTES_A_LINE * 12 + 1];
	size_t i, len = 0;

	for (i = first; i < first + n; i++)
		len += sprintf(text + len, " %u", notes.ns[i]);
	say("guest %s took%s ns\n", guest, text);
}

/* Every turn, by length, and then in short. */
static void print_notes(void)
{
	size_t n = notes.n, i;

	if (!n) {
		say("guest %s turns 0\n", guest);
		return;
	}
	qsort(notes.ns, n, sizeof(*notes.ns), by_size);
	for (i = 0; i < n; i += NOTES_A_LINE)
		print_some(i, n - i < NOTES_A_LINE ? n - i : NOTES_A_LINE);
	say("guest %s turns %zu median %u p95 %u p99 %u worst %u ns\n", guest, n,
	    notes.ns[n / 2], notes.ns[n * 95 / 100], notes.ns[n * 99 / 100], notes.ns[n - 1]);
}

static void note(uint64_t ns)
{
	if (!notes.on)
		return;
	if (notes.passed < EDGE_TURNS)
		notes.passed++;
	else if (notes.n < MAX_NOTES)
		notes.ns[notes.n++] = ns < UINT32_MAX ? ns : UINT32_MAX;
}

/* Return: whether so much time went by that what is due has to be set anew. */
static int obey(char letter)
{
	static unsigned long checks;

	switch (letter) {
	case 'b':
		notes.n = 0;
		notes.passed = 0;
		notes.on = 1;
		return 0;
	case 'e':
		notes.on = 0;
		notes.n -= notes.n < EDGE_TURNS ? notes.n : EDGE_TURNS;
		return 0;
	case 'p':
		print_notes();
		return 1;
	case 'c':
		say_round(++checks, check_served());
		return 1;
	}
	return 0;
}

/* Letters come one by one, and nobody waits for them. */
static void prepare_letters(void)
{
	struct termios settings;

	tcgetattr(STDIN_FILENO, &settings);
	settings.c_lflag &= ~(ICANON | ECHO | ISIG);
	settings.c_cc[VMIN] = 0;
	settings.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

static void __attribute__((noreturn)) serve(unsigned long turn_us, size_t pages)
{
	uint64_t due = now_ns(), state = name_seed(guest) | 1;
	unsigned long turn;
	char letter;

	prepare_letters();
	for (turn = 1;; turn++) {
		/* From half to one and a half, so that guests do not keep step. */
		due += turn_us * 500 + next(&state) % (turn_us * 1000);
		sleep_until(due);
		serve_turn(turn, &state, pages);
		note(now_ns() - due);
		if (read(STDIN_FILENO, &letter, 1) == 1 && obey(letter))
			due = now_ns();
	}
}

/* Return: how many pages there are to work on. */
static size_t make_parts(void)
{
	size_t pages = pages_to_use();

	memory = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED) {
		say("guest %s cannot have %zu pages\n", guest, pages);
		pause();
	}
	parts[EQUAL].pages = pages * parameter("guest_equal", 50) / 100;
	parts[ZERO].pages = pages * parameter("guest_zero", 10) / 100;
	parts[HOT].pages = pages * parameter("guest_hot", 10) / 100;
	parts[UNIQUE].pages = pages - parts[EQUAL].pages - parts[ZERO].pages - parts[HOT].pages;
	parts[ZERO].first = parts[EQUAL].pages;
	parts[HOT].first = parts[ZERO].first + parts[ZERO].pages;
	parts[UNIQUE].first = parts[HOT].first + parts[HOT].pages;
	parts[UNIQUE].seed = name_seed(guest);
	parts[HOT].seed = parts[UNIQUE].seed + 1;
	fill(&parts[EQUAL]);
	fill(&parts[HOT]);
	fill(&parts[UNIQUE]);
	return pages;
}

int main(void)
{
	unsigned long turn_us = parameter("guest_turn_us", 0);
	size_t pages;

	prepare_console();
	guest = getenv("guest_name") ?: "?";
	pages = make_parts();
	say("guest %s ready: %zu pages, %zu equal, %zu zero, %zu hot, %zu unique\n", guest, pages,
	    parts[EQUAL].pages, parts[ZERO].pages, parts[HOT].pages, parts[UNIQUE].pages);
	if (turn_us)
		serve(turn_us, pages);
	work(parameter("guest_pause_ms", 500));
}
