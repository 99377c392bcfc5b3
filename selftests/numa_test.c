// SPDX-License-Identifier: GPL-2.0
/*
 * Two NUMA nodes: with merge_across_nodes=0 pages of a node share frames of that node
 * only, with 1 all share the same. Where a page is comes from its page frame number.
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/mempolicy.h>

#include "fixture.h"

HOST_FIXTURE(numa);

#define PAGES		512UL
#define HALF		(PAGES / 2)
#define NODES		2
#define NEEDS_NODES	"needs two NUMA nodes"

static long do_bind(struct child *self, const long *arg)
{
	unsigned long nodes = 1UL << arg[2];

	return syscall(SYS_mbind, child_page(self, arg[0]), arg[1] * PAGE_SIZE, MPOL_BIND, &nodes,
		       8 * sizeof(nodes), arg[3]) ? -errno : 0;
}

/* New pages of the range come from the node; with MPOL_MF_MOVE the old ones go there, too. */
static long bind_pages(struct child *child, size_t page, size_t count, int node, int flags)
{
	return child_call(child, do_bind, page, count, node, flags);
}

/* A VM with the content that all have here, in memory of a node. */
static void start(struct __test_metadata *_metadata, struct host *host, struct child *child,
		  const char *name, int node)
{
	ASSERT_OK(host_child(host, child, CHILD_LOCK_REST));
	ASSERT_EQ(0, child_map(child, PAGES, MEM_SMALL));
	ASSERT_EQ(0, bind_pages(child, 0, PAGES, node, 0));
	ASSERT_EQ(0, child_fill(child, 0, PAGES, SEED_PAIR, 0));
	ASSERT_OK(vm_add(child->pid, name, 0));
}

/* Two VMs on each node: a and b on the first, c and d on the other. */
struct four {
	struct child a, b, c, d;
};

static void start_four(struct __test_metadata *_metadata, struct host *host, struct four *four)
{
	start(_metadata, host, &four->a, "a", 0);
	start(_metadata, host, &four->b, "b", 0);
	start(_metadata, host, &four->c, "c", 1);
	start(_metadata, host, &four->d, "d", 1);
}

static size_t equal(struct child *a, struct child *b)
{
	return frames_equal(a->pid, a->mem, b->pid, b->mem, PAGES);
}

/* How many pages of a range are on a node. */
static size_t on_node(struct child *child, size_t page, size_t count, int node)
{
	size_t n = 0, i;

	for (i = 0; i < count; i++)
		n += page_node(page_frame(child->pid, child_page(child, page + i))) == node;
	return n;
}

static size_t frames(struct child *child)
{
	struct mapping map;

	return mapping_count(child->pid, child->mem, PAGES, &map) ? 0 : map.frames;
}

static void expect_right(struct __test_metadata *_metadata, struct child *child)
{
	EXPECT_EQ(-1, child_verify(child, 0, PAGES, SEED_PAIR, 0));
}

static void expect_four_right(struct __test_metadata *_metadata, struct four *four)
{
	expect_right(_metadata, &four->a);
	expect_right(_metadata, &four->b);
	expect_right(_metadata, &four->c);
	expect_right(_metadata, &four->d);
}

/* What is shared on a node is on that node, and by nobody on the other. */
static void expect_apart(struct __test_metadata *_metadata, struct four *four)
{
	EXPECT_MOST(PAGES, equal(&four->a, &four->b));
	EXPECT_MOST(PAGES, equal(&four->c, &four->d));
	EXPECT_EQ(0, equal(&four->a, &four->c));
	EXPECT_EQ(0, equal(&four->b, &four->d));
	EXPECT_EQ(PAGES, on_node(&four->a, 0, PAGES, 0));
	EXPECT_EQ(PAGES, on_node(&four->b, 0, PAGES, 0));
	EXPECT_EQ(PAGES, on_node(&four->c, 0, PAGES, 1));
	EXPECT_EQ(PAGES, on_node(&four->d, 0, PAGES, 1));
	EXPECT_MOST(2 * PAGES, stat_now(C(PAGES_SHARED)));
	EXPECT_MOST(2 * PAGES, stat_now(C(PAGES_SHARING)));
	expect_four_right(_metadata, four);
}

/* One frame for all, wherever it is. */
static void expect_together(struct __test_metadata *_metadata, struct four *four)
{
	EXPECT_MOST(PAGES, equal(&four->a, &four->b));
	EXPECT_MOST(PAGES, equal(&four->a, &four->c));
	EXPECT_MOST(PAGES, equal(&four->a, &four->d));
	EXPECT_GE(PAGES, stat_now(C(PAGES_SHARED)));
	EXPECT_MOST(3 * PAGES, stat_now(C(PAGES_SHARING)));
	expect_four_right(_metadata, four);
}

HOST_TEST(numa, pages_of_a_node_share_frames_of_that_node)
{
	struct four four;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	ASSERT_OK(knob_set("merge_across_nodes", "0"));
	start_four(_metadata, &self->host, &four);
	ASSERT_OK(scan_all_wait());
	expect_apart(_metadata, &four);
}

HOST_TEST(numa, two_threads_keep_nodes_apart_too)
{
	struct four four;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	ASSERT_OK(knob_set("merge_across_nodes", "0", "scan_threads", "2"));
	start_four(_metadata, &self->host, &four);
	ASSERT_OK(scan_all_wait());
	expect_apart(_metadata, &four);
}

HOST_TEST(numa, pages_of_all_nodes_share_when_they_may)
{
	struct four four;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	start_four(_metadata, &self->host, &four);
	ASSERT_OK(scan_all_wait());
	expect_together(_metadata, &four);
}

HOST_TEST(numa, a_vm_alone_on_its_node_shares_with_nobody)
{
	struct child near, far;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	ASSERT_OK(knob_set("merge_across_nodes", "0"));
	start(_metadata, &self->host, &near, "near", 0);
	start(_metadata, &self->host, &far, "far", 1);
	ASSERT_OK(scan_all_wait());
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, equal(&near, &far));
	EXPECT_EQ(0, frames(&near));
	EXPECT_EQ(0, frames(&far));
	EXPECT_EQ(0, stat_now(C(PAGES_SHARED)));
	expect_right(_metadata, &near);
	expect_right(_metadata, &far);
}

/* The halves of a VM are the same, but on two nodes. */
static void start_halves(struct __test_metadata *_metadata, struct host *host,
			 struct child *child, const char *name)
{
	ASSERT_OK(host_child(host, child, CHILD_LOCK_REST));
	ASSERT_EQ(0, child_map(child, PAGES, MEM_SMALL));
	ASSERT_EQ(0, bind_pages(child, 0, HALF, 0, 0));
	ASSERT_EQ(0, bind_pages(child, HALF, HALF, 1, 0));
	ASSERT_EQ(0, child_fill(child, 0, HALF, SEED_PAIR, 0));
	ASSERT_EQ(0, child_fill(child, HALF, HALF, SEED_PAIR, 0));
	ASSERT_OK(vm_add(child->pid, name, 0));
}

HOST_TEST(numa, halves_of_a_vm_on_two_nodes_stay_apart)
{
	struct child a, b;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	ASSERT_OK(knob_set("merge_across_nodes", "0"));
	start_halves(_metadata, &self->host, &a, "a");
	start_halves(_metadata, &self->host, &b, "b");
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, equal(&a, &b));
	EXPECT_EQ(HALF, on_node(&a, 0, HALF, 0));
	EXPECT_EQ(HALF, on_node(&a, HALF, HALF, 1));
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, a.pid, child_page(&a, HALF), HALF));
	EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&a, HALF, HALF, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, HALF, HALF, SEED_PAIR, 0));
}

HOST_TEST(numa, what_is_written_comes_back_on_its_node)
{
	struct four four;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	ASSERT_OK(knob_set("merge_across_nodes", "0"));
	start_four(_metadata, &self->host, &four);
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, child_fill(&four.c, 0, PAGES, SEED_PAIR + 1, 0));
	EXPECT_EQ(0, equal(&four.c, &four.d));
	EXPECT_EQ(PAGES, on_node(&four.c, 0, PAGES, 1));
	EXPECT_EQ(-1, child_verify(&four.c, 0, PAGES, SEED_PAIR + 1, 0));
	expect_right(_metadata, &four.d);
	ASSERT_EQ(0, child_fill(&four.c, 0, PAGES, SEED_PAIR, 0));
	ASSERT_OK(scan_all_wait());
	expect_apart(_metadata, &four);
}

/* Not shared yet, pages can move: then they share where they are. */
HOST_TEST(numa, pages_that_move_share_on_their_new_node)
{
	struct child near, far;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	ASSERT_OK(knob_set("merge_across_nodes", "0"));
	start(_metadata, &self->host, &near, "near", 0);
	start(_metadata, &self->host, &far, "far", 1);
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, equal(&near, &far));
	ASSERT_EQ(0, bind_pages(&far, 0, PAGES, 0, MPOL_MF_MOVE));
	ASSERT_EQ(PAGES, on_node(&far, 0, PAGES, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, equal(&near, &far));
	EXPECT_EQ(PAGES, on_node(&near, 0, PAGES, 0));
	EXPECT_EQ(PAGES, on_node(&far, 0, PAGES, 0));
	expect_right(_metadata, &near);
	expect_right(_metadata, &far);
}

/* Frames stay where they are, whatever their sharers want, until they are written. */
HOST_TEST(numa, frames_do_not_move_and_copies_of_them_do)
{
	struct four four;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	ASSERT_OK(knob_set("merge_across_nodes", "0"));
	start_four(_metadata, &self->host, &four);
	ASSERT_OK(scan_all_wait());
	EXPECT_LE(0, bind_pages(&four.a, 0, PAGES, 1, MPOL_MF_MOVE_ALL));
	EXPECT_MOST(PAGES, equal(&four.a, &four.b));
	EXPECT_MOST(PAGES, on_node(&four.a, 0, PAGES, 0));
	expect_four_right(_metadata, &four);
	ASSERT_EQ(0, child_fill(&four.a, 0, PAGES, SEED_PAIR, 0));
	EXPECT_EQ(PAGES, on_node(&four.a, 0, PAGES, 1));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, equal(&four.a, &four.c));
	EXPECT_EQ(0, equal(&four.a, &four.b));
	expect_four_right(_metadata, &four);
}

HOST_TEST(numa, the_rule_does_not_change_while_pages_are_shared)
{
	struct four four;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	start_four(_metadata, &self->host, &four);
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(EBUSY, knob_set("merge_across_nodes", "0"));
	EXPECT_NE(NULL, strstr(last_extack(), "run=2"));
	expect_together(_metadata, &four);
	/* Still by the old rule. */
	ASSERT_EQ(0, child_fill(&four.d, 0, PAGES, SEED_PAIR, 0));
	ASSERT_OK(scan_all_wait());
	expect_together(_metadata, &four);
}

static void unmerge_and_set(struct __test_metadata *_metadata, struct four *four,
			    const char *across)
{
	ASSERT_OK(knob_set("run", "2", "merge_across_nodes", across));
	EXPECT_EQ(0, stat_now(C(PAGES_SHARED)));
	EXPECT_EQ(0, frames(&four->a));
	EXPECT_EQ(0, frames(&four->d));
	EXPECT_EQ(PAGES, on_node(&four->a, 0, PAGES, 0));
	EXPECT_EQ(PAGES, on_node(&four->d, 0, PAGES, 1));
	expect_four_right(_metadata, four);
	ASSERT_OK(knob_set("run", "1"));
	ASSERT_OK(scan_all_wait());
}

/* Whatever was remembered of pages by the old rule must not be found by the new. */
HOST_TEST(numa, the_rule_changes_when_all_is_unmerged_to_and_fro)
{
	struct four four;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	start_four(_metadata, &self->host, &four);
	ASSERT_OK(scan_all_wait());
	expect_together(_metadata, &four);
	unmerge_and_set(_metadata, &four, "0");
	expect_apart(_metadata, &four);
	unmerge_and_set(_metadata, &four, "1");
	expect_together(_metadata, &four);
	unmerge_and_set(_metadata, &four, "0");
	expect_apart(_metadata, &four);
}

/* Frames of an earlier load have no owner that knows the rule: they are left alone. */
HOST_TEST(numa, the_rule_of_an_earlier_load_does_not_matter)
{
	struct four four;

	if (nr_nodes() < NODES)
		SKIP(return, NEEDS_NODES);
	start_four(_metadata, &self->host, &four);
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, module_load(NULL));
	ASSERT_EQ(0, events_open());
	ASSERT_OK(knob_set("merge_across_nodes", "0"));
	ASSERT_OK(vm_add(four.a.pid, "a", 0));
	ASSERT_OK(vm_add(four.c.pid, "c", 0));
	/* Pages of their own again, on their nodes. */
	ASSERT_EQ(0, child_fill(&four.a, 0, PAGES, SEED_PAIR, 0));
	ASSERT_EQ(0, child_fill(&four.c, 0, PAGES, SEED_PAIR, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, equal(&four.a, &four.c));
	EXPECT_EQ(PAGES, on_node(&four.a, 0, PAGES, 0));
	EXPECT_EQ(PAGES, on_node(&four.c, 0, PAGES, 1));
	expect_four_right(_metadata, &four);
}

TEST_HARNESS_MAIN
