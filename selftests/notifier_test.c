// SPDX-License-Identifier: GPL-2.0
/* A VM whose memory a device follows that cannot be told without sleeping; what it is told. */
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"

HOST_FIXTURE(notifier);

#define PAGES		512UL
#define SEED_NEW	77
#define SEED_A		78
#define SEED_B		79
#define MODULE		"sleepy_notifier"

static int follow(const struct child *child)
{
	char parameters[32];

	/* What a test that crashed may have left. */
	module_remove(MODULE);
	snprintf(parameters, sizeof(parameters), "pid=%d", child->pid);
	return module_insert("/usr/lib/pshare/" MODULE ".ko", parameters);
}

/* -1 if there is none. */
static long parameter(const char *name)
{
	char path[80], text[32];

	snprintf(path, sizeof(path), "/sys/module/" MODULE "/parameters/%s", name);
	return read_file(path, text, sizeof(text)) ? -1 : atol(text);
}

/* How often the kernel has said so since the log was opened. */
static unsigned int times(int log, const char *text)
{
	unsigned int n = 0;

	while (kmsg_has(log, text))
		n++;
	return n;
}

static void expect_right(struct __test_metadata *_metadata, struct child *child, uint64_t seed)
{
	EXPECT_EQ(-1, child_verify(child, 0, PAGES, seed, 0));
}

/* The kernel logs each time that a notifier refuses: once a VM, not once a batch. */
HOST_TEST(notifier, who_has_to_sleep_is_waited_for_from_the_first_refusal_on)
{
	struct child a, b;
	long waited;
	int log;

	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_EQ(0, follow(&a));
	log = kmsg_open();
	ASSERT_LE(0, log);
	ASSERT_OK(vm_add(a.pid, "followed", 0));
	ASSERT_OK(vm_add(b.pid, "free", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	expect_right(_metadata, &a, SEED_PAIR);
	expect_right(_metadata, &b, SEED_PAIR);
	EXPECT_EQ(1, parameter("refused"));
	waited = parameter("waited");
	EXPECT_LE(PAGES / 64, waited);
	EXPECT_EQ(1, times(log, "callback failed"));
	close(log);

	ASSERT_EQ(0, child_fill(&a, 0, PAGES, SEED_NEW, 0));
	ASSERT_EQ(0, child_fill(&b, 0, PAGES, SEED_NEW, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	ASSERT_OK(unmerge(a.pid, false, NULL));
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	expect_right(_metadata, &a, SEED_NEW);
	expect_right(_metadata, &b, SEED_NEW);
	EXPECT_EQ(1, parameter("refused"));
	EXPECT_LT(waited, parameter("waited"));
	EXPECT_EQ(0, module_remove(MODULE));
}

HOST_TEST(notifier, who_has_to_sleep_may_end_while_it_is_merged)
{
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, NULL, 8 * PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, 8 * PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_EQ(0, follow(&a));
	ASSERT_OK(vm_add(a.pid, "followed", 0));
	ASSERT_OK(vm_add(b.pid, "free", 0));
	ASSERT_OK(scan_start(0, &(uint64_t){ 0 }));
	while (parameter("waited") < 2)
		;
	child_kill(&a);
	EXPECT_EQ(-1, child_verify(&b, 0, 8 * PAGES, SEED_PAIR, 0));
	EXPECT_EQ(0, module_remove(MODULE));
}

/* How long the longest range was that the device lost while @n pages, so far apart, were merged. */
static long longest_range(struct __test_metadata *_metadata, struct child *a, struct child *b,
			  size_t n, size_t apart, uint64_t first)
{
	size_t i;

	for (i = 0; i < n; i++) {
		EXPECT_EQ(0, child_fill(a, i * apart, 1, SEED_NEW, first + i));
		EXPECT_EQ(0, child_fill(b, i * apart, 1, SEED_NEW, first + i));
	}
	EXPECT_EQ(0, write_file("/sys/module/" MODULE "/parameters/longest", "0"));
	EXPECT_EQ(0, scan_all_wait());
	for (i = 0; i < n; i++)
		EXPECT_EQ(1, frames_equal(a->pid, child_page(a, i * apart),
					  b->pid, child_page(b, i * apart), 1));
	return parameter("longest");
}

/* What it loses of pages that are not merged it has to ask for again, page by page. */
HOST_TEST(notifier, what_lies_between_pages_far_apart_is_not_taken_from_the_device)
{
	struct child a, b;
	long longest;

	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_A, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, PAGES, MEM_SMALL, SEED_B, 0));
	ASSERT_EQ(0, follow(&a));
	ASSERT_OK(vm_add(a.pid, "followed", 0));
	ASSERT_OK(vm_add(b.pid, "free", 0));
	EXPECT_EQ(1, longest_range(_metadata, &a, &b, 10, 50, 0));
	longest = longest_range(_metadata, &a, &b, 100, 5, 1000);
	EXPECT_LT(5, longest);
	EXPECT_GE(64 * 5, longest);
	EXPECT_EQ(0, module_remove(MODULE));
}

TEST_HARNESS_MAIN
