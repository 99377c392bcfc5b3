// SPDX-License-Identifier: GPL-2.0
/* What is equal is merged, all of it, nothing else; and can be had back. */
#include <stdlib.h>
#include <sys/mman.h>

#include "fixture.h"

HOST_FIXTURE(merge);

#define PAGES		1024UL

/* Counters of tasks and processors are summed up late: what status shows is that much off. */
#define STATUS_SLACK_KB	(2L * 64 * 4)

static int64_t saved(struct counters *c)
{
	return c->v[C(PAGES_SHARED)] + c->v[C(PAGES_SHARING)];
}

/* Counters of the host against what the page tables of the VMs hold. */
static void check_counters(struct __test_metadata *_metadata, size_t distinct, size_t mapped,
			   size_t zero)
{
	struct host_info info;

	ASSERT_OK(stats_get(&info, true));
	EXPECT_EQ(distinct, info.counters.v[C(PAGES_SHARED)]);
	EXPECT_EQ(mapped, saved(&info.counters));
	EXPECT_EQ(zero, info.counters.v[C(ZERO_PAGES)]);
}

HOST_TEST(merge, equal_pages_of_two_processes_share_one_frame)
{
	long anon_before, anon, file_before, file;
	struct mapping map;
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, 1, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, PAGES, MEM_SMALL, 1, 0));
	anon_before = status_kb(a.pid, "RssAnon");
	file_before = status_kb(a.pid, "RssFile");
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(scan_all_wait());

	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, PAGES, &map));
	EXPECT_MOST(PAGES, map.frames);
	EXPECT_EQ(map.frames, map.distinct);
	EXPECT_EQ(PAGES, map.frames + map.anon);
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, 1, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, PAGES, 1, 0));
	check_counters(_metadata, map.distinct, 2 * map.frames, 0);

	EXPECT_EQ(map.anon * 4, smaps_kb(a.pid, a.mem, "Anonymous"));
	EXPECT_EQ(PAGES * 4, smaps_kb(a.pid, a.mem, "Rss"));
	anon = status_kb(a.pid, "RssAnon");
	file = status_kb(a.pid, "RssFile");
	EXPECT_GE(STATUS_SLACK_KB, labs(anon_before - (long)map.frames * 4 - anon));
	EXPECT_GE(STATUS_SLACK_KB, labs(file_before + (long)map.frames * 4 - file));
}

HOST_TEST(merge, five_processes_share_one_frame_for_each_content)
{
	struct child children[5];
	struct mapping map;
	char name[8];
	int i;

	for (i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "vm%d", i);
		ASSERT_OK(host_filled(&self->host, &children[i], name, 256, MEM_SMALL, 1, 0));
	}
	ASSERT_OK(scan_all_wait());
	for (i = 1; i < 5; i++) {
		EXPECT_MOST(256, frames_equal(children[0].pid, children[0].mem,
					      children[i].pid, children[i].mem, 256));
		EXPECT_EQ(-1, child_verify(&children[i], 0, 256, 1, 0));
	}
	ASSERT_EQ(0, mapping_count(children[0].pid, children[0].mem, 256, &map));
	check_counters(_metadata, map.distinct, 5 * map.frames, 0);
}

HOST_TEST(merge, unequal_pages_stay_where_they_are)
{
	uint64_t before[256], after[256];
	struct mapping map;
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, "a", 256, MEM_SMALL, 1, 0));
	ASSERT_OK(host_filled(&self->host, &b, "b", 256, MEM_SMALL, 2, 0));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, 256, before));
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, 256, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	ASSERT_EQ(0, mapping_count(b.pid, b.mem, 256, &map));
	EXPECT_EQ(256, map.anon);
	EXPECT_EQ(-1, child_verify(&b, 0, 256, 2, 0));
	check_counters(_metadata, 0, 0, 0);
	EXPECT_EQ(512, stat_now(C(PAGES_UNSHARED)));
}

/* Turns one bit of each page, at another place in each. */
static long do_flip(struct child *self, const long *arg)
{
	long i;

	for (i = 0; i < arg[0]; i++)
		self->mem[i * PAGE_SIZE + (i * PAGE_SIZE / arg[0] + arg[1]) % PAGE_SIZE] ^= 1;
	return 0;
}

HOST_TEST(merge, pages_that_differ_in_one_bit_are_not_merged)
{
	struct mapping map;
	struct child a, b;

	/* Zero pages as well: a bit in them must not be lost. */
	ASSERT_OK(host_filled(&self->host, &a, NULL, 512, MEM_SMALL, SEED_ZERO, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, 512, MEM_SMALL, SEED_ZERO, 0));
	ASSERT_EQ(0, child_fill(&a, 0, 256, 1, 0));
	ASSERT_EQ(0, child_fill(&b, 0, 256, 1, 0));
	ASSERT_EQ(0, child_call(&a, do_flip, 512, 0, 0, 0));
	ASSERT_EQ(0, child_call(&b, do_flip, 512, 1, 0, 0));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_OK(scan_all_wait());

	ASSERT_EQ(0, mapping_count(a.pid, a.mem, 512, &map));
	EXPECT_EQ(512, map.anon);
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, 512));
	ASSERT_EQ(0, child_call(&a, do_flip, 512, 0, 0, 0));
	ASSERT_EQ(0, child_call(&b, do_flip, 512, 1, 0, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, 256, 1, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, 256, 1, 0));
	EXPECT_EQ(-1, child_verify(&a, 256, 256, SEED_ZERO, 0));
	EXPECT_EQ(-1, child_verify(&b, 256, 256, SEED_ZERO, 0));
}

/* Most of the bits are not in the fingerprint: such a page finds the frame, and must not get it. */
HOST_TEST(merge, page_that_differs_from_a_frame_in_one_bit_is_not_merged_into_it)
{
	struct mapping map;
	struct child a, b, c;

	ASSERT_MOST(512, host_pair(&self->host, &a, &b, 512, MEM_SMALL));
	ASSERT_OK(host_filled(&self->host, &c, NULL, 512, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_EQ(0, child_call(&c, do_flip, 512, 0, 0, 0));
	ASSERT_OK(vm_add(c.pid, "c", 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, mapping_count(c.pid, c.mem, 512, &map));
	EXPECT_EQ(512, map.anon);
	ASSERT_EQ(0, child_call(&c, do_flip, 512, 0, 0, 0));
	EXPECT_EQ(-1, child_verify(&c, 0, 512, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, 512, SEED_PAIR, 0));
	EXPECT_LT(0, host_grown(&self->host, C(SKIPPED_COLLISION)));
	/* Right again, and merged: the collisions have cost nothing but themselves. */
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(512, frames_equal(a.pid, a.mem, c.pid, c.mem, 512));
}

HOST_TEST(merge, duplicates_inside_one_process_are_merged)
{
	struct mapping map;
	struct child a;
	size_t i;

	ASSERT_OK(host_vm(&self->host, &a, NULL, PAGES, MEM_SMALL));
	for (i = 0; i < PAGES; i += 64)
		ASSERT_EQ(0, child_fill(&a, i, 64, 1, 0));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, PAGES, &map));
	EXPECT_MOST(PAGES, map.frames);
	EXPECT_EQ(64, map.distinct);
	for (i = 0; i < PAGES; i += 64)
		EXPECT_EQ(-1, child_verify(&a, i, 64, 1, 0));
	check_counters(_metadata, 64, map.frames, 0);
}

/* A frame is a page of the kernel's, taken anew: no contributor chose where it lies. */
HOST_TEST(merge, frame_is_no_page_of_a_contributor)
{
	uint64_t before_a[256], before_b[256], after[256];
	size_t i, own = 0;
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, NULL, 256, MEM_SMALL, 1, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, 256, MEM_SMALL, 1, 0));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, 256, before_a));
	ASSERT_EQ(0, pagemap_read(b.pid, b.mem, 256, before_b));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(256, frames_equal(a.pid, a.mem, b.pid, b.mem, 256));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, 256, after));
	for (i = 0; i < 256; i++)
		own += after[i] == before_a[i] || after[i] == before_b[i];
	EXPECT_GE(256 / 100, own);
}

HOST_TEST(merge, newcomer_shares_the_frames_that_are_there)
{
	uint64_t before[256], after[256];
	struct child a, b, c;

	ASSERT_MOST(256, host_pair(&self->host, &a, &b, 256, MEM_SMALL));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, 256, before));
	ASSERT_OK(host_filled(&self->host, &c, "c", 256, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(256, frames_equal(a.pid, a.mem, c.pid, c.mem, 256));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, 256, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	EXPECT_EQ(-1, child_verify(&c, 0, 256, SEED_PAIR, 0));
}

HOST_TEST(merge, zero_pages_become_the_kernels_zero_page)
{
	struct mapping map;
	struct child a;

	ASSERT_OK(host_filled(&self->host, &a, "a", 512, MEM_SMALL, SEED_ZERO, 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, 512, &map));
	EXPECT_MOST(512, map.zero);
	EXPECT_EQ(512, map.zero + map.anon);
	EXPECT_EQ(-1, child_verify(&a, 0, 512, SEED_ZERO, 0));
	check_counters(_metadata, 0, 0, map.zero);
	EXPECT_EQ(map.zero, vm_counter_settles(a.pid, C(ZERO_PAGES), map.zero));

	/* They can be written like any other. */
	ASSERT_EQ(0, child_fill(&a, 0, 256, 1, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, 256, 1, 0));
	EXPECT_EQ(-1, child_verify(&a, 256, 256, SEED_ZERO, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(256, stat_settles(C(ZERO_PAGES), 256));
}

HOST_TEST(merge, without_use_zero_pages_zeroes_share_a_frame)
{
	struct mapping map;
	struct child a;

	ASSERT_OK(knob_set("use_zero_pages", "0"));
	ASSERT_OK(host_filled(&self->host, &a, "a", 512, MEM_SMALL, SEED_ZERO, 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, 512, &map));
	EXPECT_MOST(512, map.frames);
	EXPECT_EQ(1, map.distinct);
	EXPECT_EQ(0, map.zero);
	EXPECT_EQ(-1, child_verify(&a, 0, 512, SEED_ZERO, 0));
	check_counters(_metadata, 1, map.frames, 0);
}

HOST_TEST(merge, max_frames_bounds_the_frames_and_is_told)
{
	struct mapping map;
	struct event event;
	struct child a, b;

	ASSERT_OK(events_open());
	ASSERT_OK(knob_set("max_frames", "100"));
	host_pair(&self->host, &a, &b, 512, MEM_SMALL);
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, 512, &map));
	EXPECT_GE(100, map.distinct);
	EXPECT_LE(90, map.distinct);
	EXPECT_EQ(map.distinct, stat_now(C(PAGES_SHARED)));
	EXPECT_LT(0, host_grown(&self->host, C(SKIPPED_LIMIT)));
	ASSERT_EQ(0, events_wait(PSHARE_CMD_LIMIT_NTF, 5, &event));
	EXPECT_EQ(100, event.max_frames);
	EXPECT_LE(90, event.frames);
	EXPECT_EQ(-1, child_verify(&a, 0, 512, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, 512, SEED_PAIR, 0));

	ASSERT_OK(knob_set("max_frames", "0"));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(512, frames_equal(a.pid, a.mem, b.pid, b.mem, 512));
}

HOST_TEST(merge, counters_of_a_vm_are_its_own)
{
	struct child a, b, c;
	struct vm_info info;
	size_t equal;

	ASSERT_OK(host_filled(&self->host, &c, "c", 128, MEM_SMALL, 3, 0));
	equal = host_pair(&self->host, &a, &b, 256, MEM_SMALL);
	ASSERT_MOST(256, equal);
	EXPECT_EQ(equal, vm_counter_settles(a.pid, C(PAGES_SHARED), equal));
	EXPECT_EQ(equal, vm_counter_settles(a.pid, C(PAGES_SHARING), equal));
	ASSERT_OK(vm_get(a.pid, &info));
	EXPECT_STREQ("a", info.name);
	EXPECT_EQ(equal, info.counters.v[C(MERGES)]);
	EXPECT_LE(2 * 256, info.counters.v[C(PAGES_SCANNED)]);
	EXPECT_LE(equal / 64, info.counters.v[C(NOTIFIER_ROUNDS)]);
	EXPECT_LE(PAGE_SIZE * 256, info.rss_bytes);
	ASSERT_OK(vm_get_name("c", &info));
	EXPECT_EQ(c.pid, info.pid);
	EXPECT_EQ(0, info.counters.v[C(PAGES_SHARED)]);
	EXPECT_EQ(0, info.counters.v[C(MERGES)]);
	EXPECT_EQ(128, info.counters.v[C(PAGES_UNSHARED)]);
}

HOST_TEST(merge, shared_and_locked_memory_is_left_alone_and_counted)
{
	uint64_t before[256], after[256];
	struct vm_info info;
	struct child a;

	ASSERT_OK(host_filled(&self->host, &a, "a", 256, MEM_TMPFS, SEED_ZERO, 0));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, 256, before));
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, 256, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	ASSERT_OK(vm_get(a.pid, &info));
	EXPECT_LE(256 * PAGE_SIZE, info.never[PSHARE_A_NEVER_SHARED_MEMORY]);
	EXPECT_LE(256, info.counters.v[C(SKIPPED_SHARED_MEMORY)]);
	/* The child locked all it had before. */
	EXPECT_LT(0, info.never[PSHARE_A_NEVER_MLOCKED]);
	EXPECT_LT(0, info.counters.v[C(SKIPPED_MLOCKED)]);
	EXPECT_EQ(0, info.counters.v[C(MERGES)]);
}

/* No page of @a is a frame's any more, none is at the same place as before. */
static void check_own(struct __test_metadata *_metadata, struct child *a, uint64_t *shared,
		      size_t pages)
{
	struct mapping map;
	uint64_t own[512];
	size_t i, same = 0;

	ASSERT_EQ(0, mapping_count(a->pid, a->mem, pages, &map));
	EXPECT_EQ(0, map.frames);
	EXPECT_EQ(pages, map.anon + map.absent + map.swapped);
	ASSERT_EQ(0, pagemap_read(a->pid, a->mem, pages, own));
	for (i = 0; i < pages; i++)
		same += shared[i] == own[i];
	/* A hundredth may never have been shared. */
	EXPECT_GE(pages / 100, same);
	EXPECT_EQ(-1, child_verify(a, 0, pages, SEED_PAIR, 0));
}

HOST_TEST(merge, unmerge_gives_a_vm_frames_of_its_own_and_pauses_it)
{
	struct counters counters;
	uint64_t shared[512];
	struct vm_info info;
	struct child a, b;
	uint64_t cookie;
	size_t equal;

	equal = host_pair(&self->host, &a, &b, 512, MEM_SMALL);
	ASSERT_MOST(512, equal);
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, 512, shared));
	ASSERT_OK(unmerge(a.pid, false, &counters));
	EXPECT_EQ(equal, counters.v[C(UNMERGES)]);
	check_own(_metadata, &a, shared, 512);
	EXPECT_EQ(-1, child_verify(&b, 0, 512, SEED_PAIR, 0));
	ASSERT_OK(vm_get(a.pid, &info));
	EXPECT_EQ(PSHARE_VM_STATE_PAUSED, info.state);
	EXPECT_EQ(0, stat_now(C(PAGES_SHARING)));

	/* Left alone until it is told otherwise. */
	EXPECT_EQ(EBUSY, scan_start(a.pid, &cookie));
	EXPECT_STRNE("", last_extack());
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, 512));
	ASSERT_OK(vm_set(&(struct vm_args){ .pid = a.pid, .have = HAVE_PAUSED, .paused = 0 }));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(512, frames_equal(a.pid, a.mem, b.pid, b.mem, 512));
}

HOST_TEST(merge, unmerge_takes_back_zero_pages_and_read_only_areas)
{
	struct mapping map;
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, NULL, 512, MEM_SMALL, SEED_ZERO, 0));
	ASSERT_EQ(0, child_fill(&a, 0, 256, SEED_PAIR, 0));
	ASSERT_EQ(0, child_mprotect(&a, 0, 128, PROT_READ));
	ASSERT_OK(host_filled(&self->host, &b, "b", 256, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_MOST(256, frames_equal(a.pid, a.mem, b.pid, b.mem, 256));
	ASSERT_OK(unmerge(a.pid, false, NULL));
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, 512, &map));
	EXPECT_EQ(0, map.frames);
	EXPECT_EQ(0, map.zero);
	EXPECT_EQ(-1, child_verify(&a, 0, 256, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&a, 256, 256, SEED_ZERO, 0));
}

HOST_TEST(merge, run_2_unmerges_everything_and_run_0_keeps_it)
{
	uint64_t shared[256];
	struct child a, b;
	uint64_t cookie;

	ASSERT_MOST(256, host_pair(&self->host, &a, &b, 256, MEM_SMALL));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, 256, shared));
	ASSERT_OK(knob_set("run", "0"));
	EXPECT_MOST(256, frames_equal(a.pid, a.mem, b.pid, b.mem, 256));
	EXPECT_EQ(EBUSY, scan_start(0, &cookie));
	ASSERT_OK(knob_set("run", "2"));
	check_own(_metadata, &a, shared, 256);
	check_own(_metadata, &b, shared, 256);
	EXPECT_EQ(0, stat_now(C(PAGES_SHARED)));
	ASSERT_OK(knob_set("run", "1"));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(256, frames_equal(a.pid, a.mem, b.pid, b.mem, 256));
}

HOST_TEST(merge, deleted_vm_keeps_its_frames_unless_it_is_unmerged)
{
	uint64_t shared[256];
	struct vm_info info;
	struct child a, b;

	ASSERT_MOST(256, host_pair(&self->host, &a, &b, 256, MEM_SMALL));
	ASSERT_EQ(0, pagemap_read(b.pid, b.mem, 256, shared));
	ASSERT_OK(vm_del(a.pid, false));
	EXPECT_EQ(ENOENT, vm_get(a.pid, &info));
	EXPECT_MOST(256, frames_equal(a.pid, a.mem, b.pid, b.mem, 256));
	EXPECT_EQ(-1, child_verify(&a, 0, 256, SEED_PAIR, 0));
	ASSERT_OK(vm_del(b.pid, true));
	EXPECT_EQ(ENOENT, vm_get(b.pid, &info));
	check_own(_metadata, &b, shared, 256);
	EXPECT_EQ(-1, child_verify(&a, 0, 256, SEED_PAIR, 0));
}

/* Pages that hold nothing but one of 64 numbers: quick to make, small when compressed. */
static long do_number(struct child *self, const long *arg)
{
	long i;

	for (i = 0; i < arg[0]; i++)
		*(uint64_t *)(self->mem + i * PAGE_SIZE + 64) = 1 + i % 64;
	return 0;
}

static long do_check_numbers(struct child *self, const long *arg)
{
	long i;

	for (i = 0; i < arg[0]; i++)
		if (*(uint64_t *)(self->mem + i * PAGE_SIZE + 64) != 1 + (uint64_t)i % 64)
			return i;
	return -1;
}

/* Every page another content, and quick to make. */
static long do_count_up(struct child *self, const long *arg)
{
	long i;

	for (i = 0; i < arg[0]; i++)
		*(uint64_t *)(self->mem + i * PAGE_SIZE + 64) = arg[1] + i;
	return 0;
}

/* Two processes come, share 32 MiB that nobody had before, and go. */
static void share_and_go(struct __test_metadata *_metadata, struct host *host, int round)
{
	const size_t pages = 32 * MIB_PAGES;
	struct child a, b;

	host->nr_children = 0;
	ASSERT_OK(host_vm(host, &a, "a", pages, MEM_SMALL));
	ASSERT_OK(host_vm(host, &b, "b", pages, MEM_SMALL));
	ASSERT_EQ(0, child_call(&a, do_count_up, pages, 1 + round * pages, 0, 0));
	ASSERT_EQ(0, child_call(&b, do_count_up, pages, 1 + round * pages, 0, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(pages, frames_equal(a.pid, a.mem, b.pid, b.mem, pages));
	child_exit(&a);
	child_exit(&b);
	EXPECT_EQ(0, stat_settles(C(PAGES_SHARED), 0));
}

HOST_TEST(merge, memory_of_pages_and_frames_goes_back_to_the_host)
{
	const long long much_kb = 64 * 1024;
	double end = deadline(30);
	long long before;
	int i;

	share_and_go(_metadata, &self->host, 0);
	before = meminfo_kb("MemFree");
	for (i = 1; i < 5; i++)
		share_and_go(_metadata, &self->host, i);
	/* One frame that stays with each merge would be 128 MiB by now. Free lists lag. */
	while (before - meminfo_kb("MemFree") > much_kb && now() < end)
		pause_ms(100);
	EXPECT_GE(much_kb, before - meminfo_kb("MemFree"));
}

/* Huge pages are the quickest way to take memory away, and to give it back. */
static void leave_available(struct __test_metadata *_metadata, struct host *host, long mib)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (meminfo_kb("MemAvailable") / 1024 - mib) / 2);
	ASSERT_EQ(0, host_set(host, "/proc/sys/vm/nr_hugepages", text));
}

HOST_TEST(merge, unmerge_is_refused_when_the_memory_is_not_there)
{
	const size_t pages = 192 * MIB_PAGES;
	struct mapping map;
	struct child a;

	ASSERT_OK(host_vm(&self->host, &a, NULL, pages, MEM_SMALL));
	ASSERT_EQ(0, child_call(&a, do_number, pages, 0, 0, 0));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_MOST(pages, stat_now(C(PAGES_SHARING)));
	leave_available(_metadata, &self->host, 128);

	EXPECT_EQ(ENOMEM, unmerge(a.pid, false, NULL));
	EXPECT_STRNE("", last_extack());
	EXPECT_EQ(ENOMEM, vm_del(a.pid, true));
	EXPECT_STRNE("", last_extack());
	EXPECT_EQ(ENOMEM, knob_set("run", "2"));
	EXPECT_STRNE("", last_extack());
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, pages, &map));
	EXPECT_MOST(pages, map.frames);

	/* Forced, the kernel makes room by swapping. */
	ASSERT_EQ(0, host_swap_on(&self->host, 512));
	ASSERT_OK(unmerge(a.pid, true, NULL));
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, pages, &map));
	EXPECT_EQ(0, map.frames);
	EXPECT_EQ(-1, child_call(&a, do_check_numbers, pages, 0, 0, 0));
}

TEST_HARNESS_MAIN
