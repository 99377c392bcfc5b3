// SPDX-License-Identifier: GPL-2.0
/*
 * Regions that rest: a probe knows them again by what is mapped where, and sees when that
 * has changed. Their page tables have holes of all lengths.
 */
#include "fixture.h"

HOST_FIXTURE(rest);

#define PAGES		1024UL
#define SEED		31
#define PROBES		6
#define REST_SECONDS	60

/* Lengths of holes; between them are one to three pages. */
static const size_t holes[] = {
	1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 63, 64, 65, 71, 72, 73, 80,
};

#define NR_HOLES	(sizeof(holes) / sizeof(holes[0]))

static size_t hole_start(size_t nr)
{
	size_t i, page = 2;

	for (i = 0; i < nr; i++)
		page += holes[i] + 1 + i % 3;
	return page;
}

/* Of all the process's regions together. */
static uint64_t sum_of(pid_t pid, int attribute)
{
	struct region_info infos[64];
	uint64_t sum = 0;
	unsigned int i, n;

	if (region_list(pid, 0, infos, 64, &n) || n > 64)
		return 0;
	for (i = 0; i < n; i++)
		sum += infos[i].v[attribute];
	return sum;
}

static bool is_quiet(pid_t pid)
{
	struct region_info infos[64];
	unsigned int i, n;

	if (region_list(pid, 0, infos, 64, &n) || !n || n > 64)
		return false;
	for (i = 0; i < n; i++)
		if (infos[i].v[PSHARE_A_REGION_STATE] != PSHARE_REGION_STATE_QUIET)
			return false;
	return true;
}

static uint64_t visits(pid_t pid)
{
	return sum_of(pid, PSHARE_A_REGION_VISITS);
}

static int64_t present_pages(pid_t pid)
{
	return sum_of(pid, PSHARE_A_REGION_PRESENT);
}

static int64_t scanned(pid_t pid)
{
	return vm_counter(pid, C(PAGES_SCANNED));
}

/* A process with holes, visited as often as it may be, whose regions have come to rest. */
static void begin(struct __test_metadata *_metadata, struct host *host, struct child *child)
{
	struct vm_args often = { .have = HAVE_WEIGHT, .weight = 1000 };
	double end = deadline(REST_SECONDS);
	size_t i;

	ASSERT_OK(host_filled(host, child, NULL, PAGES, MEM_SMALL, SEED, 0));
	for (i = 0; i < NR_HOLES; i++) {
		ASSERT_GE(PAGES, hole_start(i) + holes[i]);
		ASSERT_EQ(0, child_madvise(child, hole_start(i), holes[i], MADV_DONTNEED));
	}
	ASSERT_OK(vm_add(child->pid, "rest", 0));
	often.pid = child->pid;
	ASSERT_OK(vm_set(&often));
	while (!is_quiet(child->pid) && now() < end)
		pause_ms(20);
	ASSERT_TRUE(is_quiet(child->pid));
}

/* A probe looks at one page in 16; a visit at all. */
HOST_TEST(rest, a_page_table_with_holes_is_known_again)
{
	double end = deadline(REST_SECONDS);
	uint64_t visited;
	int64_t before, present;
	struct child child;

	begin(_metadata, &self->host, &child);
	present = present_pages(child.pid);
	visited = visits(child.pid);
	before = scanned(child.pid);
	while (scanned(child.pid) < before + present * PROBES / 16 && now() < end)
		pause_ms(20);
	EXPECT_LE(before + present * PROBES / 16, scanned(child.pid));
	EXPECT_EQ(visited, visits(child.pid));
}

/* A page in the hole, or one less before it. */
static long come_or_go(struct child *child, size_t nr)
{
	return nr % 2 ? child_fill(child, hole_start(nr) + nr, 1, SEED, PAGES + nr) :
			child_madvise(child, hole_start(nr) - 1, 1, MADV_DONTNEED);
}

/* One page more, one page less: seen by the next probe, whether it is of the sample or not. */
HOST_TEST(rest, a_page_that_comes_or_goes_is_seen)
{
	double end = deadline(REST_SECONDS);
	struct child child;
	size_t i;

	begin(_metadata, &self->host, &child);
	for (i = 3; i < NR_HOLES; i += 3) {
		int64_t before = scanned(child.pid);
		int64_t present = present_pages(child.pid);
		uint64_t visited = visits(child.pid);

		ASSERT_EQ(0, come_or_go(&child, i));
		while (visits(child.pid) == visited && now() < end)
			pause_ms(20);
		EXPECT_LT(visited, visits(child.pid));
		/* A visit, the probe before it, and one that was under way. */
		EXPECT_GT(before + present + present * 4 / 16, scanned(child.pid));
		while (!is_quiet(child.pid) && now() < end)
			pause_ms(20);
		ASSERT_TRUE(is_quiet(child.pid));
		EXPECT_EQ(present + (i % 2 ? 1 : -1), present_pages(child.pid));
	}
}

TEST_HARNESS_MAIN
