// SPDX-License-Identifier: GPL-2.0
/* Content stays right through everything that the kernel does to memory by itself. */
#include <sys/mman.h>

#include "fixture.h"

HOST_FIXTURE(reclaim);

#define PAGES		512UL
#define HALF		(PAGES / 2)
#define SEED_OWN	5
#define SEED_NEW	9

#define KHUGEPAGED	"/sys/kernel/mm/transparent_hugepage/khugepaged/"
#define KSM		"/sys/kernel/mm/ksm/"

static void expect_shared(struct __test_metadata *_metadata, struct child *a, struct child *b)
{
	EXPECT_EQ(-1, child_verify(a, 0, HALF, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(b, 0, HALF, SEED_PAIR, 0));
	EXPECT_MOST(HALF, frames_equal(a->pid, a->mem, b->pid, b->mem, HALF));
}

static void expect_own(struct __test_metadata *_metadata, struct child *a, struct child *b)
{
	EXPECT_EQ(-1, child_verify(a, HALF, HALF, SEED_OWN, 0));
	EXPECT_EQ(-1, child_verify(b, HALF, HALF, SEED_OWN, HALF));
}

static void expect_all(struct __test_metadata *_metadata, struct child *a, struct child *b)
{
	expect_shared(_metadata, a, b);
	expect_own(_metadata, a, b);
}

/* Half of each is equal to the other's half, the rest is its own. */
static void half_shared(struct __test_metadata *_metadata, struct host *host, struct child *a,
			struct child *b, int how)
{
	ASSERT_OK(host_filled(host, a, NULL, PAGES, how, SEED_PAIR, 0));
	ASSERT_OK(host_filled(host, b, NULL, PAGES, how, SEED_PAIR, 0));
	ASSERT_EQ(0, child_fill(a, HALF, HALF, SEED_OWN, 0));
	ASSERT_EQ(0, child_fill(b, HALF, HALF, SEED_OWN, HALF));
	ASSERT_OK(vm_add(a->pid, "a", 0));
	ASSERT_OK(vm_add(b->pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_MOST(HALF, frames_equal(a->pid, a->mem, b->pid, b->mem, HALF));
}

static long number_in(const char *path)
{
	char text[32];

	return read_file(path, text, sizeof(text)) ? -1 : strtol(text, NULL, 10);
}

/* Until a counter of the kernel's has grown by @more; false if it takes too long. */
static bool wait_grown(const char *path, long more)
{
	long from = number_in(path);
	double end = deadline(30);

	while (number_in(path) < from + more && now() < end)
		pause_ms(20);
	return number_in(path) >= from + more;
}

static void speed_up_khugepaged(struct __test_metadata *_metadata, struct host *host)
{
	ASSERT_EQ(0, host_set(host, KHUGEPAGED "scan_sleep_millisecs", "0"));
	ASSERT_EQ(0, host_set(host, KHUGEPAGED "alloc_sleep_millisecs", "0"));
	ASSERT_EQ(0, host_set(host, KHUGEPAGED "pages_to_scan", "65536"));
	ASSERT_EQ(0, host_set(host, KHUGEPAGED "max_ptes_shared", "511"));
}

HOST_TEST(reclaim, khugepaged_at_full_speed_harms_no_merged_page)
{
	struct child a, b;
	int i;

	ASSERT_OK(knob_set("thp", "never"));
	half_shared(_metadata, &self->host, &a, &b, MEM_SMALL);
	ASSERT_EQ(0, child_madvise(&a, 0, PAGES, MADV_HUGEPAGE));
	ASSERT_EQ(0, child_madvise(&b, 0, PAGES, MADV_HUGEPAGE));
	speed_up_khugepaged(_metadata, &self->host);
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(wait_grown(KHUGEPAGED "full_scans", 2));
		ASSERT_OK(scan_all_wait());
		EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_PAIR, 0));
		EXPECT_EQ(-1, child_verify(&b, 0, HALF, SEED_PAIR, 0));
		expect_own(_metadata, &a, &b);
	}
	ASSERT_EQ(0, child_fill(&a, 0, PAGES, SEED_NEW, 0));
	ASSERT_TRUE(wait_grown(KHUGEPAGED "full_scans", 2));
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, HALF, SEED_PAIR, 0));
}

/* Both at work on the same pages: one makes huge ones, the other splits them. */
HOST_TEST(reclaim, khugepaged_and_splitting_take_turns_without_harm)
{
	struct child a, b;
	int i;

	ASSERT_OK(knob_set("thp", "always"));
	ASSERT_OK(host_filled(&self->host, &a, "a", PAGES, MEM_HUGE, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, "b", PAGES, MEM_HUGE, SEED_PAIR, 0));
	speed_up_khugepaged(_metadata, &self->host);
	for (i = 0; i < 4; i++) {
		ASSERT_OK(scan_once_wait(0));
		EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_PAIR, 0));
		EXPECT_EQ(-1, child_verify(&b, 0, PAGES, SEED_PAIR, 0));
		ASSERT_EQ(0, child_fill(i & 1 ? &a : &b, 0, PAGES, SEED_PAIR, 0));
		ASSERT_TRUE(wait_grown(KHUGEPAGED "full_scans", 1));
	}
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, PAGES, SEED_PAIR, 0));
}

HOST_TEST(reclaim, compaction_moves_no_frame)
{
	uint64_t before[HALF], after[HALF];
	struct child a, b;
	int i;

	half_shared(_metadata, &self->host, &a, &b, MEM_SMALL);
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, HALF, before));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, write_file("/proc/sys/vm/compact_memory", "1"));
		ASSERT_OK(scan_all_wait());
		expect_all(_metadata, &a, &b);
	}
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, HALF, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
}

static size_t count_swapped(struct child *child, size_t page, size_t count)
{
	struct mapping map;

	return mapping_count(child->pid, child_page(child, page), count, &map) ? 0 : map.swapped;
}

HOST_TEST(reclaim, own_pages_are_swapped_and_frames_stay)
{
	struct child a, b;
	int64_t skipped;

	half_shared(_metadata, &self->host, &a, &b, MEM_SMALL);
	ASSERT_EQ(0, host_swap_on(&self->host, 64));
	ASSERT_EQ(0, child_madvise(&a, 0, PAGES, MADV_PAGEOUT));
	ASSERT_EQ(0, child_madvise(&b, 0, PAGES, MADV_PAGEOUT));
	EXPECT_EQ(0, count_swapped(&a, 0, HALF));
	EXPECT_LT(HALF / 2, count_swapped(&a, HALF, HALF));
	skipped = stat_now(C(SKIPPED_SWAP));
	ASSERT_OK(scan_all_wait());
	/* Passed by, not brought back in. */
	EXPECT_LT(skipped, stat_now(C(SKIPPED_SWAP)));
	EXPECT_LT(HALF / 2, count_swapped(&a, HALF, HALF));
	expect_all(_metadata, &a, &b);
	ASSERT_EQ(0, host_swap_off(&self->host));
	expect_all(_metadata, &a, &b);
}

static long long swap_used_kb(void)
{
	return meminfo_kb("SwapTotal") - meminfo_kb("SwapFree");
}

static void swap_out(struct __test_metadata *_metadata, struct child *child)
{
	ASSERT_EQ(0, child_madvise(child, 0, PAGES, MADV_PAGEOUT));
	ASSERT_LT(HALF, count_swapped(child, 0, PAGES));
}

/* Pages in the swap cache have one more reference, and a slot that must be given back. */
HOST_TEST(reclaim, pages_in_the_swap_cache_are_merged_and_leave_it)
{
	struct child a, b;

	ASSERT_EQ(0, host_swap_on_loop(&self->host, 64));
	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	swap_out(_metadata, &a);
	swap_out(_metadata, &b);
	/* Pages that are only read stay in the swap cache. */
	ASSERT_EQ(0, child_touch(&a, 0, PAGES));
	ASSERT_EQ(0, child_touch(&b, 0, PAGES));
	EXPECT_LE(PAGES * 4, meminfo_kb("SwapCached"));
	EXPECT_LE(PAGES * 4, swap_used_kb());
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, PAGES, SEED_PAIR, 0));
	/* But for the slots that processors keep for the next time. */
	EXPECT_GE(PAGES, swap_used_kb());
	EXPECT_GE(PAGES, meminfo_kb("SwapCached"));
	ASSERT_EQ(0, host_swap_off(&self->host));
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_PAIR, 0));
}

/* The slot belongs to another process as well, whose entry still names it. */
HOST_TEST(reclaim, swap_slots_that_a_fork_needs_survive_the_merge)
{
	struct child a, b, forked;

	ASSERT_EQ(0, host_swap_on(&self->host, 64));
	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	swap_out(_metadata, &a);
	forked = a;
	forked.pid = child_fork_stays(&a);
	ASSERT_LT(0, forked.pid);
	ASSERT_EQ(0, child_touch(&a, 0, PAGES));
	ASSERT_LT(HALF, count_swapped(&forked, 0, PAGES));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	EXPECT_LT(HALF, count_swapped(&forked, 0, PAGES));
	ASSERT_EQ(0, host_swap_off(&self->host));
	ASSERT_EQ(0, vm_add(forked.pid, "fork", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, forked.pid, a.mem, PAGES));
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, PAGES, SEED_PAIR, 0));
}

/* All but @mib of what is free goes into huge pages, which nobody can reclaim. */
static void squeeze(struct __test_metadata *_metadata, struct host *host, long mib)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (meminfo_kb("MemAvailable") / 1024 - mib) / 2);
	ASSERT_EQ(0, host_set(host, "/proc/sys/vm/nr_hugepages", text));
}

static long do_fill_more(struct child *self, const long *arg)
{
	size_t bytes = arg[0] * PAGE_SIZE;
	char *more = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long i;

	(void)self;
	if (more == MAP_FAILED)
		return -errno;
	for (i = 0; i < arg[0]; i++)
		*(long *)(more + i * PAGE_SIZE) = i + 1;
	for (i = 0; i < arg[0]; i++)
		if (*(long *)(more + i * PAGE_SIZE) != i + 1)
			return -EIO;
	munmap(more, bytes);
	return 0;
}

HOST_TEST(reclaim, content_survives_memory_pressure_with_swap)
{
	struct child a, b, hog;
	int i;

	half_shared(_metadata, &self->host, &a, &b, MEM_SMALL);
	ASSERT_OK(host_child(&self->host, &hog, CHILD_SCAN_ALL));
	ASSERT_EQ(0, host_swap_on(&self->host, 256));
	squeeze(_metadata, &self->host, 96);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, child_begin(&hog, do_fill_more, 128 * MIB_PAGES, 0, 0, 0));
		while (scan_once_wait(0) == 0 && vmstat_number("pswpout") == 0)
			;
		ASSERT_EQ(0, child_end(&hog));
		EXPECT_LT(0, vmstat_number("pswpout"));
		expect_all(_metadata, &a, &b);
		ASSERT_EQ(0, child_fill(&a, 0, 32, SEED_PAIR, 0));
		ASSERT_OK(scan_all_wait());
	}
	expect_all(_metadata, &a, &b);
}

HOST_TEST(reclaim, content_survives_pressure_in_a_memcg)
{
	static const char group[] = "pshare-reclaim";
	struct child a, b;
	int i;

	ASSERT_EQ(0, host_swap_on(&self->host, 64));
	ASSERT_EQ(0, host_cgroup(&self->host, group));
	ASSERT_EQ(0, cgroup_write(group, "memory.max", "16M"));
	ASSERT_OK(host_child(&self->host, &a, CHILD_LOCK_REST));
	ASSERT_OK(host_child(&self->host, &b, CHILD_LOCK_REST));
	ASSERT_EQ(0, cgroup_add(group, a.pid));
	ASSERT_EQ(0, cgroup_add(group, b.pid));
	ASSERT_EQ(0, child_map(&a, 2 * PAGES, MEM_SMALL));
	ASSERT_EQ(0, child_map(&b, 2 * PAGES, MEM_SMALL));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, child_fill(&a, 0, 2 * PAGES, SEED_PAIR, 0));
		ASSERT_EQ(0, child_fill(&b, 0, 2 * PAGES, SEED_PAIR, 0));
		/* Reports EAGAIN when it finds less than it was asked for. */
		cgroup_write(group, "memory.reclaim", "4M");
		ASSERT_OK(scan_once_wait(0));
		cgroup_write(group, "memory.reclaim", "4M");
		EXPECT_EQ(-1, child_verify(&a, 0, 2 * PAGES, SEED_PAIR, 0));
		EXPECT_EQ(-1, child_verify(&b, 0, 2 * PAGES, SEED_PAIR, 0));
	}
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(2 * PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, 2 * PAGES));
	EXPECT_EQ(-1, child_verify(&a, 0, 2 * PAGES, SEED_PAIR, 0));
}

HOST_TEST(reclaim, merged_pages_are_charged_to_no_memcg)
{
	static const char group[] = "pshare-charge";
	long long before, after;
	struct child a, b;

	ASSERT_EQ(0, host_cgroup(&self->host, group));
	ASSERT_OK(host_child(&self->host, &a, CHILD_LOCK_REST));
	ASSERT_EQ(0, cgroup_add(group, a.pid));
	ASSERT_EQ(0, child_map(&a, 4 * PAGES, MEM_SMALL));
	ASSERT_EQ(0, child_fill(&a, 0, 4 * PAGES, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, "b", 4 * PAGES, MEM_SMALL, SEED_PAIR, 0));
	before = cgroup_read(group, "memory.current");
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_MOST(4 * PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, 4 * PAGES));
	after = cgroup_read(group, "memory.current");
	/* A batch of charges stays cached on each processor. */
	EXPECT_LE((long long)(4 * PAGES - 256) * (long long)PAGE_SIZE, before - after);
}

HOST_TEST(reclaim, ksmd_on_the_same_pages_at_the_same_time)
{
	struct child a, b;
	int i;

	half_shared(_metadata, &self->host, &a, &b, MEM_SMALL);
	ASSERT_EQ(0, child_madvise(&a, 0, PAGES, MADV_MERGEABLE));
	ASSERT_EQ(0, child_madvise(&b, 0, PAGES, MADV_MERGEABLE));
	ASSERT_EQ(0, host_set(&self->host, KSM "sleep_millisecs", "0"));
	ASSERT_EQ(0, host_set(&self->host, KSM "pages_to_scan", "4096"));
	ASSERT_EQ(0, host_set(&self->host, KSM "run", "1"));
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(wait_grown(KSM "full_scans", 2));
		ASSERT_OK(scan_once_wait(0));
		EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_PAIR, 0));
		EXPECT_EQ(-1, child_verify(&b, 0, HALF, SEED_PAIR, 0));
		expect_own(_metadata, &a, &b);
		ASSERT_EQ(0, child_fill(&a, i * 32, 32, SEED_PAIR, i * 32));
	}
	ASSERT_EQ(0, child_fill(&a, 0, HALF, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, HALF, SEED_PAIR, 0));
}

HOST_TEST(reclaim, pages_of_ksm_are_left_to_it_and_counted)
{
	uint64_t before[HALF], after[HALF];
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, NULL, HALF, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, HALF, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_EQ(0, child_madvise(&a, 0, HALF, MADV_MERGEABLE));
	ASSERT_EQ(0, child_madvise(&b, 0, HALF, MADV_MERGEABLE));
	ASSERT_EQ(0, host_set(&self->host, KSM "sleep_millisecs", "0"));
	ASSERT_EQ(0, host_set(&self->host, KSM "pages_to_scan", "4096"));
	ASSERT_EQ(0, host_set(&self->host, KSM "run", "1"));
	ASSERT_TRUE(wait_grown(KSM "full_scans", 4));
	ASSERT_MOST(HALF, frames_equal(a.pid, a.mem, b.pid, b.mem, HALF));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, HALF, before));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, HALF, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	EXPECT_MOST(HALF, vm_counter(a.pid, C(SKIPPED_KSM)));
	EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, HALF, SEED_PAIR, 0));
}

TEST_HARNESS_MAIN
