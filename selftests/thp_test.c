// SPDX-License-Identifier: GPL-2.0
/* Huge pages are split where policy says so and it is worth it, and kept where not. */
#include <sys/mman.h>

#include "fixture.h"

HOST_FIXTURE(thp);

#define THP		"/sys/kernel/mm/transparent_hugepage/"
#define KHUGEPAGED	THP "khugepaged/"
#define HUGE_KB		(HUGE_SIZE / 1024)
#define SEED_OWN	5
#define SEED_NEW	9

/*
 * A VM of @huge huge pages, not registered yet. khugepaged rests: it makes a huge page again
 * of parts that are not merged yet, and then more are split than there were.
 */
static void make_huge(struct __test_metadata *_metadata, struct host *host, struct child *child,
		      size_t huge, uint64_t seed, uint64_t first)
{
	size_t pages = huge * HUGE_PAGES;

	ASSERT_EQ(0, host_set(host, KHUGEPAGED "scan_sleep_millisecs", "4000000000"));
	ASSERT_OK(host_filled(host, child, NULL, pages, MEM_HUGE, seed, first));
	ASSERT_EQ(huge * HUGE_KB, smaps_kb(child->pid, child->mem, "AnonHugePages"));
}

static void add(struct __test_metadata *_metadata, struct child *child, const char *name,
		int policy)
{
	struct vm_args args = {
		.pid = child->pid, .start_time = process_start_time(child->pid), .name = name,
		.have = policy >= 0 ? HAVE_THP : 0, .thp = policy,
	};

	ASSERT_OK(vm_add_args(&args));
}

static void set_policy(struct __test_metadata *_metadata, struct child *child, uint32_t policy)
{
	struct vm_args args = { .pid = child->pid, .have = HAVE_THP, .thp = policy };

	ASSERT_OK(vm_set(&args));
}

static void expect_kept(struct __test_metadata *_metadata, struct child *child, size_t huge)
{
	EXPECT_EQ(huge * HUGE_KB, smaps_kb(child->pid, child->mem, "AnonHugePages"));
}

HOST_TEST(thp, always_splits_equal_huge_pages_and_merges_all_of_them)
{
	const size_t pages = 2 * HUGE_PAGES;
	struct mapping map;
	struct child a, b;

	ASSERT_OK(knob_set("thp", "always"));
	make_huge(_metadata, &self->host, &a, 2, SEED_PAIR, 0);
	make_huge(_metadata, &self->host, &b, 2, SEED_PAIR, 0);
	add(_metadata, &a, "a", -1);
	add(_metadata, &b, "b", -1);
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(pages, frames_equal(a.pid, a.mem, b.pid, b.mem, pages));
	expect_kept(_metadata, &a, 0);
	expect_kept(_metadata, &b, 0);
	EXPECT_EQ(4, host_grown(&self->host, C(THP_SPLIT)));
	EXPECT_EQ(2, vm_counter(a.pid, C(THP_SPLIT)));
	EXPECT_EQ(-1, child_verify(&a, 0, pages, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, pages, SEED_PAIR, 0));
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, pages, &map));
	EXPECT_EQ(map.distinct, stat_now(C(PAGES_SHARED)));
	EXPECT_EQ(pages, map.frames + map.anon);
	EXPECT_EQ(map.anon * 4, smaps_kb(a.pid, a.mem, "Anonymous"));

	ASSERT_EQ(0, child_fill(&a, 0, pages, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, pages, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, pages, SEED_PAIR, 0));
}

HOST_TEST(thp, never_splits_none_and_counts_them_as_kept)
{
	uint64_t before[HUGE_PAGES], after[HUGE_PAGES];
	struct child a, b, small;

	ASSERT_OK(knob_set("thp", "never"));
	make_huge(_metadata, &self->host, &a, 2, SEED_PAIR, 0);
	make_huge(_metadata, &self->host, &b, 2, SEED_PAIR, 0);
	ASSERT_OK(host_filled(&self->host, &small, "small", HUGE_PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, HUGE_PAGES, before));
	add(_metadata, &a, "a", -1);
	add(_metadata, &b, "b", -1);
	ASSERT_OK(scan_all_wait());
	ASSERT_OK(scan_all_wait());
	expect_kept(_metadata, &a, 2);
	expect_kept(_metadata, &b, 2);
	EXPECT_EQ(0, host_grown(&self->host, C(THP_SPLIT)));
	EXPECT_LE(4, host_grown(&self->host, C(THP_KEPT)));
	EXPECT_LE(2, vm_counter(a.pid, C(THP_KEPT)));
	EXPECT_EQ(0, stat_now(C(PAGES_SHARED)));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, HUGE_PAGES, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	EXPECT_EQ(-1, child_verify(&a, 0, 2 * HUGE_PAGES, SEED_PAIR, 0));
}

/* The first huge page of @a has 63 duplicates, the second 64, the third none. */
HOST_TEST(thp, auto_splits_at_thp_min_duplicates_and_not_below)
{
	struct mapping map;
	struct child a, b;

	ASSERT_OK(knob_set("thp", "auto", "thp_min_duplicates", "64"));
	make_huge(_metadata, &self->host, &a, 3, SEED_OWN, 0);
	ASSERT_EQ(0, child_fill(&a, 0, 63, SEED_PAIR, 0));
	ASSERT_EQ(0, child_fill(&a, HUGE_PAGES + 300, 64, SEED_PAIR, 100));
	ASSERT_OK(host_filled(&self->host, &b, "b", 200, MEM_SMALL, SEED_PAIR, 0));
	add(_metadata, &a, "a", -1);
	ASSERT_OK(scan_all_wait());
	ASSERT_OK(scan_all_wait());

	expect_kept(_metadata, &a, 2);
	EXPECT_EQ(1, host_grown(&self->host, C(THP_SPLIT)));
	EXPECT_EQ(1, vm_counter(a.pid, C(THP_SPLIT)));
	EXPECT_LE(2, vm_counter(a.pid, C(THP_KEPT)));
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, HUGE_PAGES, &map));
	EXPECT_EQ(HUGE_PAGES, map.huge);
	EXPECT_EQ(64, frames_equal(a.pid, child_page(&a, HUGE_PAGES + 300),
				   b.pid, child_page(&b, 100), 64));
	ASSERT_EQ(0, mapping_count(a.pid, child_page(&a, 2 * HUGE_PAGES), HUGE_PAGES, &map));
	EXPECT_EQ(HUGE_PAGES, map.huge);
	EXPECT_EQ(-1, child_verify(&a, 0, 63, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&a, 63, HUGE_PAGES + 237, SEED_OWN, 63));
	EXPECT_EQ(-1, child_verify(&a, HUGE_PAGES + 300, 64, SEED_PAIR, 100));

	/* With one duplicate enough, the first follows. */
	ASSERT_OK(knob_set("thp_min_duplicates", "1"));
	ASSERT_OK(scan_all_wait());
	expect_kept(_metadata, &a, 1);
	EXPECT_EQ(63, frames_equal(a.pid, a.mem, b.pid, b.mem, 63));
}

HOST_TEST(thp, always_splits_for_one_duplicate_and_for_none_keeps)
{
	struct child a, b;

	ASSERT_OK(knob_set("thp", "always"));
	make_huge(_metadata, &self->host, &a, 2, SEED_OWN, 0);
	add(_metadata, &a, "a", -1);
	ASSERT_OK(scan_all_wait());
	expect_kept(_metadata, &a, 2);
	EXPECT_EQ(0, host_grown(&self->host, C(THP_SPLIT)));

	ASSERT_OK(host_filled(&self->host, &b, "b", 1, MEM_SMALL, SEED_OWN, 17));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(1, frames_equal(a.pid, child_page(&a, 17), b.pid, b.mem, 1));
	expect_kept(_metadata, &a, 1);
	EXPECT_EQ(1, host_grown(&self->host, C(THP_SPLIT)));
	EXPECT_EQ(-1, child_verify(&a, 0, 2 * HUGE_PAGES, SEED_OWN, 0));
}

HOST_TEST(thp, zero_parts_of_huge_pages_are_merged)
{
	struct mapping map;
	struct child a;

	ASSERT_OK(knob_set("thp", "auto", "thp_min_duplicates", "200"));
	make_huge(_metadata, &self->host, &a, 2, SEED_OWN, 0);
	ASSERT_EQ(0, child_fill(&a, 0, 256, SEED_ZERO, 0));
	ASSERT_EQ(0, child_fill(&a, HUGE_PAGES, 150, SEED_ZERO, 0));
	add(_metadata, &a, "a", -1);
	ASSERT_OK(scan_all_wait());
	expect_kept(_metadata, &a, 1);
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, HUGE_PAGES, &map));
	EXPECT_MOST(256, map.zero);
	EXPECT_EQ(map.zero, stat_settles(C(ZERO_PAGES), map.zero));
	EXPECT_EQ(-1, child_verify(&a, 0, 256, SEED_ZERO, 0));
	EXPECT_EQ(-1, child_verify(&a, 256, 256, SEED_OWN, 256));
	EXPECT_EQ(-1, child_verify(&a, HUGE_PAGES, 150, SEED_ZERO, 0));
}

HOST_TEST(thp, policy_of_a_vm_goes_before_that_of_the_host)
{
	struct child a, b, small;

	ASSERT_OK(knob_set("thp", "never"));
	make_huge(_metadata, &self->host, &a, 1, SEED_PAIR, 0);
	make_huge(_metadata, &self->host, &b, 1, SEED_PAIR, 0);
	ASSERT_OK(host_filled(&self->host, &small, "small", HUGE_PAGES, MEM_SMALL, SEED_PAIR, 0));
	add(_metadata, &a, "a", PSHARE_THP_POLICY_ALWAYS);
	add(_metadata, &b, "b", PSHARE_THP_POLICY_DEFAULT);
	ASSERT_OK(scan_all_wait());
	expect_kept(_metadata, &a, 0);
	expect_kept(_metadata, &b, 1);
	EXPECT_MOST(HUGE_PAGES, frames_equal(a.pid, a.mem, small.pid, small.mem, HUGE_PAGES));

	ASSERT_OK(knob_set("thp", "always"));
	set_policy(_metadata, &b, PSHARE_THP_POLICY_NEVER);
	ASSERT_OK(scan_all_wait());
	expect_kept(_metadata, &b, 1);
	set_policy(_metadata, &b, PSHARE_THP_POLICY_DEFAULT);
	ASSERT_OK(scan_all_wait());
	expect_kept(_metadata, &b, 0);
	EXPECT_MOST(HUGE_PAGES, frames_equal(b.pid, b.mem, small.pid, small.mem, HUGE_PAGES));
	EXPECT_EQ(-1, child_verify(&a, 0, HUGE_PAGES, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, HUGE_PAGES, SEED_PAIR, 0));
}

/* A huge page that is mapped by small entries: a part of it is gone, or protected differently. */
static void map_by_entries(struct __test_metadata *_metadata, struct child *child)
{
	struct mapping map;

	ASSERT_EQ(0, child_munmap(child, 100, 1));
	ASSERT_EQ(0, child_mprotect(child, HUGE_PAGES + 100, 1, PROT_READ));
	ASSERT_EQ(0, mapping_count(child->pid, child->mem, 2 * HUGE_PAGES, &map));
	ASSERT_EQ(2 * HUGE_PAGES - 1, map.huge);
	ASSERT_EQ(1, map.absent);
	expect_kept(_metadata, child, 0);
}

static void expect_parts_right(struct __test_metadata *_metadata, struct child *child)
{
	EXPECT_EQ(-1, child_verify(child, 0, 100, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(child, 101, 2 * HUGE_PAGES - 101, SEED_PAIR, 101));
}

HOST_TEST(thp, always_splits_large_folios_that_are_mapped_by_small_entries)
{
	const size_t pages = 2 * HUGE_PAGES;
	struct child a, b;

	ASSERT_OK(knob_set("thp", "always"));
	make_huge(_metadata, &self->host, &a, 2, SEED_PAIR, 0);
	ASSERT_OK(host_filled(&self->host, &b, "b", pages, MEM_SMALL, SEED_PAIR, 0));
	map_by_entries(_metadata, &a);
	add(_metadata, &a, "a", -1);
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(pages - 1, frames_equal(a.pid, a.mem, b.pid, b.mem, pages));
	EXPECT_EQ(2, host_grown(&self->host, C(THP_SPLIT)));
	expect_parts_right(_metadata, &a);
	EXPECT_EQ(-1, child_verify(&b, 0, pages, SEED_PAIR, 0));
}

HOST_TEST(thp, never_keeps_large_folios_that_are_mapped_by_small_entries)
{
	const size_t pages = 2 * HUGE_PAGES;
	struct mapping map;
	struct child a, b;

	ASSERT_OK(knob_set("thp", "never"));
	make_huge(_metadata, &self->host, &a, 2, SEED_PAIR, 0);
	ASSERT_OK(host_filled(&self->host, &b, "b", pages, MEM_SMALL, SEED_PAIR, 0));
	map_by_entries(_metadata, &a);
	add(_metadata, &a, "a", -1);
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, pages));
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, pages, &map));
	EXPECT_EQ(pages - 1, map.huge);
	EXPECT_EQ(0, host_grown(&self->host, C(THP_SPLIT)));
	EXPECT_LT(0, host_grown(&self->host, C(THP_KEPT)));
	expect_parts_right(_metadata, &a);
}

/* Since 6.8 anonymous memory comes in sizes between; 6.1 has none to be merged. */
HOST_TEST(thp, folios_of_64_kib_are_split_and_merged)
{
	const char *size = THP "hugepages-64kB/enabled";
	const size_t pages = HUGE_PAGES;
	struct mapping map;
	struct child a, b;
	bool has_sizes = access(size, F_OK) == 0;

	ASSERT_EQ(kernel_at_least(6, 8), has_sizes);
	ASSERT_OK(knob_set("thp", "always"));
	if (has_sizes) {
		ASSERT_EQ(0, host_set(&self->host, size, "always"));
		ASSERT_EQ(0, host_set(&self->host, THP "hugepages-2048kB/enabled", "never"));
	} else {
		ASSERT_EQ(0, host_set(&self->host, THP "enabled", "never"));
	}
	ASSERT_OK(host_filled(&self->host, &a, NULL, pages, MEM_PLAIN, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, pages, MEM_PLAIN, SEED_PAIR, 0));
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, pages, &map));
	if (has_sizes)
		EXPECT_MOST(pages, map.huge);
	add(_metadata, &a, "a", -1);
	add(_metadata, &b, "b", -1);
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(pages, frames_equal(a.pid, a.mem, b.pid, b.mem, pages));
	EXPECT_EQ(has_sizes ? 2 * map.huge / 16 : 0, host_grown(&self->host, C(THP_SPLIT)));
	EXPECT_EQ(-1, child_verify(&a, 0, pages, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, pages, SEED_PAIR, 0));
}

HOST_TEST(thp, unmerge_after_a_split_keeps_the_content)
{
	struct mapping map;
	struct child a, b;

	ASSERT_OK(knob_set("thp", "always"));
	make_huge(_metadata, &self->host, &a, 1, SEED_PAIR, 0);
	make_huge(_metadata, &self->host, &b, 1, SEED_PAIR, 0);
	add(_metadata, &a, "a", -1);
	add(_metadata, &b, "b", -1);
	ASSERT_OK(scan_all_wait());
	ASSERT_MOST(HUGE_PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, HUGE_PAGES));
	ASSERT_OK(unmerge(a.pid, false, NULL));
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, HUGE_PAGES, &map));
	EXPECT_EQ(HUGE_PAGES, map.anon);
	EXPECT_EQ(-1, child_verify(&a, 0, HUGE_PAGES, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, HUGE_PAGES, SEED_PAIR, 0));
}

TEST_HARNESS_MAIN
