// SPDX-License-Identifier: GPL-2.0
/* Pages that turn out to have an equal: how the one that was there first gets to share. */
#include "fixture.h"

HOST_FIXTURE(twin);

#define PAGES		512UL
#define TWINS		10UL
#define APART		50UL	/* pages from one twin to the next */
#define SEED_A		21
#define SEED_B		22
#define SETTLE_SECONDS	60

/* Content of its own, but for a few pages that are scattered over it. */
static void fill(struct __test_metadata *_metadata, struct host *host, struct child *child,
		 uint64_t seed, size_t shift)
{
	size_t i;

	ASSERT_OK(host_filled(host, child, NULL, PAGES, MEM_SMALL, seed, 0));
	for (i = 0; i < TWINS; i++)
		ASSERT_EQ(0, child_fill(child, i * APART + shift, 1, SEED_PAIR, i));
}

static size_t shared(const struct child *a, size_t shift_a, const struct child *b, size_t shift_b)
{
	size_t i, n = 0;

	for (i = 0; i < TWINS; i++)
		n += frames_equal(a->pid, child_page(a, i * APART + shift_a),
				  b->pid, child_page(b, i * APART + shift_b), 1);
	return n;
}

static void expect_right(struct __test_metadata *_metadata, struct child *child, size_t shift)
{
	size_t i;

	for (i = 0; i < TWINS; i++)
		EXPECT_EQ(-1, child_verify(child, i * APART + shift, 1, SEED_PAIR, i));
}

/*
 * Nobody asks for a pass. Whoever was there first has settled and is left alone when the other
 * comes, so that all that is looked at of it are a few probes, and the pages that are wanted.
 */
HOST_TEST(twin, of_who_was_there_first_only_the_wanted_pages_are_looked_at)
{
	double end = deadline(SETTLE_SECONDS);
	int64_t before, looked;
	struct child a, b;

	fill(_metadata, &self->host, &a, SEED_A, 0);
	fill(_metadata, &self->host, &b, SEED_B, 7);
	ASSERT_OK(vm_add(a.pid, "first", 0));
	while (vm_counter(a.pid, C(PAGES_UNSHARED)) < (int64_t)PAGES && now() < end)
		pause_ms(20);
	before = vm_counter(a.pid, C(PAGES_SCANNED));
	ASSERT_LE(PAGES, before);
	ASSERT_OK(vm_add(b.pid, "second", 0));
	while (shared(&a, 0, &b, 7) < TWINS && now() < end)
		pause_ms(20);
	EXPECT_EQ(TWINS, shared(&a, 0, &b, 7));
	looked = vm_counter(a.pid, C(PAGES_SCANNED)) - before;
	TH_LOG("%lld pages looked at for %lu", (long long)looked, TWINS);
	EXPECT_LE(TWINS, looked);
	EXPECT_GT(PAGES, looked);
	EXPECT_EQ(TWINS, vm_counter(a.pid, C(MERGES)));
	EXPECT_EQ(PAGES - TWINS, vm_counter(a.pid, C(PAGES_UNSHARED)));
	expect_right(_metadata, &a, 0);
	expect_right(_metadata, &b, 7);
}

/* What is wanted is let go when it is not there any more: other content is not merged. */
HOST_TEST(twin, wanted_pages_that_were_written_meanwhile_keep_what_was_written)
{
	double end = deadline(SETTLE_SECONDS);
	struct child a, b;
	size_t i;

	fill(_metadata, &self->host, &a, SEED_A, 0);
	fill(_metadata, &self->host, &b, SEED_B, 7);
	ASSERT_OK(vm_add(a.pid, "first", 0));
	while (vm_counter(a.pid, C(PAGES_UNSHARED)) < (int64_t)PAGES && now() < end)
		pause_ms(20);
	/* Every other one; the index still names them. */
	for (i = 0; i < TWINS; i += 2)
		ASSERT_EQ(0, child_fill(&a, i * APART, 1, SEED_A, PAGES + i));
	ASSERT_OK(vm_add(b.pid, "second", 0));
	while (shared(&a, 0, &b, 7) < TWINS / 2 && now() < end)
		pause_ms(20);
	EXPECT_EQ(TWINS / 2, shared(&a, 0, &b, 7));
	for (i = 0; i < TWINS; i += 2)
		EXPECT_EQ(-1, child_verify(&a, i * APART, 1, SEED_A, PAGES + i));
	for (i = 1; i < TWINS; i += 2)
		EXPECT_EQ(-1, child_verify(&a, i * APART, 1, SEED_PAIR, i));
	expect_right(_metadata, &b, 7);
	EXPECT_EQ(TWINS / 2, stat_now(C(PAGES_SHARED)));
}

TEST_HARNESS_MAIN
