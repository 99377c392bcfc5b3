// SPDX-License-Identifier: GPL-2.0
/*
 * Real guests, merged while they boot, work and check their memory. They are started by
 * the first test that is run and live through the others; the last one ends them.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

HOST_FIXTURE(guests);

#define GUESTS		3
#define GUEST_MIB	"128"
/* Less work in each round than a guest does by itself: two levels of emulation are slow. */
#define GUEST_WORK	"guest_mb=40"
#define KSM		"/sys/kernel/mm/ksm/"
#define GUEST_SECONDS	700
/* Three of them, scanned at full speed, on a machine that may be busy. */
#define BOOT_SECONDS	420
#define ROUND_SECONDS	120
#define EVENT_SECONDS	30
/* Of each guest's 32768: shared is what they are for. */
#define MANY_PAGES	2000

static struct guest *guests;

/* How often a guest said that its memory is right; -1 if it ever said that it is not. */
static int rounds_of(const struct guest *guest)
{
	char path[64], line[256];
	int rounds = 0;
	FILE *file;

	guest_log(guest, path, sizeof(path));
	file = fopen(path, "re");
	while (file && rounds >= 0 && fgets(line, sizeof(line), file)) {
		if (strstr(line, "CORRUPT") || strstr(line, "panic") || strstr(line, "BUG") ||
		    strstr(line, "Oops"))
			rounds = -1;
		else if (strstr(line, "round ") && strstr(line, " ok"))
			rounds++;
	}
	if (file)
		fclose(file);
	return rounds;
}

/* Woken by each line that the guest writes. Return: rounds, or -1 for damage, or too few. */
static int wait_for_round(const struct guest *guest, int round)
{
	double end = deadline(ROUND_SECONDS);
	struct pollfd poll_fd = { .events = POLLIN };
	char path[64], events[4096];
	int rounds;

	guest_log(guest, path, sizeof(path));
	poll_fd.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	inotify_add_watch(poll_fd.fd, path, IN_MODIFY);
	while ((rounds = rounds_of(guest)) >= 0 && rounds < round && now() < end)
		if (poll(&poll_fd, 1, 1000) > 0 && read(poll_fd.fd, events, sizeof(events)) < 0)
			break;
	close(poll_fd.fd);
	return rounds;
}

/* The end of what a guest, and QEMU, said: why is it gone? */
static void show_last_words(struct __test_metadata *_metadata, const char *name)
{
	static const char * const suffixes[] = { "log", "out" };
	static char text[65536];
	char path[64];
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(suffixes); i++) {
		snprintf(path, sizeof(path), "/tmp/guest-%s.%s", name, suffixes[i]);
		if (read_file(path, text, sizeof(text)))
			continue;
		n = strlen(text);
		TH_LOG("%s: %s", path, n > 1200 ? text + n - 1200 : text);
	}
}

/* Everyone has checked all of its memory, from begin to end, since the call. */
static void expect_guests_right(struct __test_metadata *_metadata)
{
	int before[GUESTS], i;

	for (i = 0; i < GUESTS; i++)
		before[i] = rounds_of(&guests[i]);
	for (i = 0; i < GUESTS; i++) {
		if (!guests[i].pid)
			continue;
		EXPECT_LE(0, before[i]);
		EXPECT_LE(before[i] + 2, wait_for_round(&guests[i], before[i] + 2))
			TH_LOG("guest %s", guests[i].name);
	}
}

static int add_guests(struct __test_metadata *_metadata)
{
	int i, err = 0;

	for (i = 0; !err && i < GUESTS; i++) {
		if (!guests[i].pid)
			continue;
		err = vm_add(guests[i].pid, guests[i].name, 0);
		if (err)
			show_last_words(_metadata, guests[i].name);
	}
	return err;
}

static int64_t saved(void)
{
	struct host_info info;

	if (stats_get(&info, true))
		return -1;
	return info.counters.v[C(PAGES_SHARING)] + info.counters.v[C(ZERO_PAGES)];
}

static size_t frames_of(struct guest *guest)
{
	struct mapping map;

	guest_find_ram(guest);
	return mapping_count(guest->pid, guest->ram, guest->pages, &map) ? 0 : map.frames;
}

static bool all_share(void)
{
	int i;

	for (i = 0; i < GUESTS; i++)
		if (frames_of(&guests[i]) <= MANY_PAGES)
			return false;
	return saved() > 2 * MANY_PAGES;
}

static void expect_sharing(struct __test_metadata *_metadata)
{
	int i;

	EXPECT_TRUE(all_share())
		for (i = 0; i < GUESTS; i++)
			TH_LOG("guest %s: %zu frames", guests[i].name, frames_of(&guests[i]));
}

static bool all_have_booted(void)
{
	int i;

	for (i = 0; i < GUESTS; i++)
		if (rounds_of(&guests[i]) < 2)
			return false;
	return true;
}

/* Registered from their first moment on, and scanned over and over while they boot. */
static void need_guests(struct __test_metadata *_metadata)
{
	double end = deadline(BOOT_SECONDS);
	int64_t most = 0, seen;
	int i, scans;

	if (guests[0].pid)
		return;
	/* The guests need the processors, too. */
	ASSERT_OK(knob_set("cpu_percent", "40"));
	for (i = 0; i < GUESTS; i++) {
		ASSERT_EQ(0, guest_start(&guests[i], GUEST_MIB, GUEST_WORK));
		ASSERT_OK(vm_add(guests[i].pid, guests[i].name, 0));
	}
	for (scans = 0; !all_have_booted() && now() < end; scans++) {
		ASSERT_OK(scan_all_wait());
		seen = saved();
		if (seen > most)
			most = seen;
	}
	for (i = 0; i < GUESTS; i++)
		ASSERT_LE(2, rounds_of(&guests[i]))
			TH_LOG("guest %s", guests[i].name);
	TH_LOG("%lld pages saved at most while they booted, %d scans", (long long)most, scans);
	EXPECT_LT(MANY_PAGES, most);
	ASSERT_OK(vm_del_all());
}

static void merge_guests(struct __test_metadata *_metadata)
{
	need_guests(_metadata);
	ASSERT_OK(add_guests(_metadata));
	ASSERT_OK(scan_all_wait());
	expect_sharing(_metadata);
}

/* The guests outlive the test, and are not to share anything when the next begins. */
static void part_guests(struct __test_metadata *_metadata)
{
	int i;

	ASSERT_OK(unmerge(0, false, NULL));
	for (i = 0; i < GUESTS; i++)
		EXPECT_EQ(0, frames_of(&guests[i]));
	EXPECT_EQ(0, stat_settles(C(PAGES_SHARED), 0));
}

#define GUEST_TEST(name)	TEST_F_TIMEOUT(guests, name, GUEST_SECONDS)

GUEST_TEST(boot_and_work_while_they_are_merged)
{
	need_guests(_metadata);
	merge_guests(_metadata);
	TH_LOG("%lld pages saved after two passes", (long long)saved());
	expect_guests_right(_metadata);
	part_guests(_metadata);
}

/* Nobody asks for a scan: regions settle, are visited and visited again as they fall due. */
GUEST_TEST(work_while_they_are_merged_at_the_pace_of_the_scanner)
{
	double begun, end;

	need_guests(_metadata);
	ASSERT_OK(add_guests(_metadata));
	begun = now();
	end = deadline(ROUND_SECONDS);
	while (!all_share() && now() < end)
		pause_ms(500);
	TH_LOG("all share after %.0f s", now() - begun);
	expect_sharing(_metadata);
	expect_guests_right(_metadata);
	part_guests(_metadata);
}

static long long ksm_number(const char *file)
{
	char path[96], text[32];

	snprintf(path, sizeof(path), KSM "%s", file);
	return read_file(path, text, sizeof(text)) ? -1 : strtoll(text, NULL, 10);
}

/* Four passes: a page must have rested from one to the next to be looked for at all. */
static int wait_for_ksmd(void)
{
	long long passes = ksm_number("full_scans") + 4;
	double end = deadline(ROUND_SECONDS);

	while (ksm_number("full_scans") < passes && now() < end)
		pause_ms(100);
	return ksm_number("full_scans") < passes ? ETIMEDOUT : 0;
}

/* Zero pages as shared ones, which is how both kernels' ksmd counts them. */
static long long pages_saved_by_ksmd(struct __test_metadata *_metadata, struct host *host)
{
	long long pages;

	EXPECT_EQ(0, host_set(host, KSM "use_zero_pages", "0"));
	EXPECT_EQ(0, host_set(host, KSM "pages_to_scan", "10000"));
	EXPECT_EQ(0, host_set(host, KSM "sleep_millisecs", "10"));
	EXPECT_EQ(0, write_file(KSM "run", "1"));
	EXPECT_EQ(0, wait_for_ksmd());
	pages = ksm_number("pages_sharing");
	EXPECT_EQ(0, write_file(KSM "run", "2"));
	EXPECT_EQ(0, write_file(KSM "run", "0"));
	return pages;
}

GUEST_TEST(save_at_least_as_much_as_with_ksmd)
{
	long long by_ksmd, by_us;

	need_guests(_metadata);
	by_ksmd = pages_saved_by_ksmd(_metadata, &self->host);
	ASSERT_LT(0, by_ksmd);
	merge_guests(_metadata);
	by_us = saved();
	TH_LOG("pages saved: %lld by ksmd, %lld by pshare", by_ksmd, by_us);
	EXPECT_LE(by_ksmd, by_us);
	expect_guests_right(_metadata);
	part_guests(_metadata);
}

GUEST_TEST(work_on_while_they_are_unmerged)
{
	merge_guests(_metadata);
	ASSERT_OK(unmerge(guests[0].pid, false, NULL));
	EXPECT_EQ(0, frames_of(&guests[0]));
	EXPECT_LT(MANY_PAGES, frames_of(&guests[1]));
	part_guests(_metadata);
	expect_guests_right(_metadata);
}

GUEST_TEST(work_on_while_the_module_goes_and_comes)
{
	uint64_t cookie;
	int turn;

	merge_guests(_metadata);
	for (turn = 0; turn < 3; turn++) {
		/* In the middle of a pass, later and later. */
		ASSERT_OK(scan_start(0, &cookie));
		pause_ms(turn * 50);
		ASSERT_EQ(0, module_unload());
		EXPECT_LT(MANY_PAGES, frames_of(&guests[turn % GUESTS]));
		ASSERT_EQ(0, module_load(NULL));
		ASSERT_OK(add_guests(_metadata));
	}
	ASSERT_EQ(0, events_open());
	ASSERT_OK(scan_all_wait());
	expect_sharing(_metadata);
	expect_guests_right(_metadata);
	part_guests(_metadata);
}

GUEST_TEST(do_not_notice_that_one_is_killed_while_it_is_scanned)
{
	struct event event;
	uint64_t cookie;
	int i;

	merge_guests(_metadata);
	ASSERT_OK(scan_start(guests[1].pid, &cookie));
	ASSERT_EQ(0, kill(guests[1].pid, SIGKILL));
	ASSERT_EQ(0, events_wait(PSHARE_CMD_VM_EXIT_NTF, EVENT_SECONDS, &event));
	EXPECT_EQ(guests[1].pid, event.pid);
	EXPECT_EQ(0, scan_wait(cookie, EVENT_SECONDS));
	guests[1].pid = 0;
	ASSERT_OK(scan_all_wait());
	EXPECT_LT(MANY_PAGES, frames_of(&guests[0]));
	expect_guests_right(_metadata);
	/* With the last one every frame is freed: the fixture sees to that. */
	for (i = 0; i < GUESTS; i++)
		if (guests[i].pid) {
			kill(guests[i].pid, SIGKILL);
			wait_gone(guests[i].pid);
			guests[i].pid = 0;
		}
}

int main(int argc, char **argv)
{
	static const char *const names[GUESTS] = { "anna", "bert", "cleo" };
	int i, status;

	guests = mmap(NULL, sizeof(*guests) * GUESTS, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < GUESTS; i++)
		guests[i].name = names[i];
	status = run_slowly(argc, argv);
	for (i = 0; i < GUESTS; i++)
		if (guests[i].pid)
			kill(guests[i].pid, SIGKILL);
	return status;
}
