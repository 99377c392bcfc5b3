// SPDX-License-Identifier: GPL-2.0
/* Sharing domains: pages are shared inside one, never across two. */
#include "fixture.h"

HOST_FIXTURE(domain);

#define PAGES		512UL

static int set_domain(struct child *child, uint32_t number)
{
	return vm_set(&(struct vm_args){ .pid = child->pid, .have = HAVE_DOMAIN,
					 .domain = number });
}

/* A process with the content that all have here, in a domain of its own choice. */
static void start(struct __test_metadata *_metadata, struct host *host, struct child *child,
		  const char *name, uint32_t number)
{
	ASSERT_OK(host_filled(host, child, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(vm_add(child->pid, name, number));
}

static size_t equal(struct child *a, struct child *b)
{
	return frames_equal(a->pid, a->mem, b->pid, b->mem, PAGES);
}

static uint32_t domain_of(struct child *child)
{
	struct vm_info info;

	return vm_get(child->pid, &info) ? ~0U : info.domain;
}

static void expect_right(struct __test_metadata *_metadata, struct child *child)
{
	EXPECT_EQ(-1, child_verify(child, 0, PAGES, SEED_PAIR, 0));
}

static void expect_unshared(struct __test_metadata *_metadata, struct child *child)
{
	struct mapping map;

	ASSERT_EQ(0, mapping_count(child->pid, child->mem, PAGES, &map));
	EXPECT_EQ(PAGES, map.anon);
	EXPECT_EQ(0, map.frames);
	expect_right(_metadata, child);
}

HOST_TEST(domain, equal_pages_in_two_domains_are_never_shared)
{
	struct child a, b;

	start(_metadata, &self->host, &a, "a", 1);
	start(_metadata, &self->host, &b, "b", 2);
	ASSERT_OK(scan_all_wait());
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, equal(&a, &b));
	expect_unshared(_metadata, &a);
	expect_unshared(_metadata, &b);
	EXPECT_EQ(0, stat_now(C(PAGES_SHARED)));
}

HOST_TEST(domain, each_domain_has_frames_of_its_own)
{
	struct child a[2], b[2];
	struct mapping map;

	start(_metadata, &self->host, &a[0], "a0", 7);
	start(_metadata, &self->host, &b[0], "b0", UINT32_MAX);
	start(_metadata, &self->host, &a[1], "a1", 7);
	start(_metadata, &self->host, &b[1], "b1", UINT32_MAX);
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, equal(&a[0], &a[1]));
	EXPECT_MOST(PAGES, equal(&b[0], &b[1]));
	EXPECT_EQ(0, equal(&a[0], &b[0]));
	EXPECT_EQ(0, equal(&a[1], &b[1]));
	expect_right(_metadata, &a[0]);
	expect_right(_metadata, &b[1]);
	ASSERT_EQ(0, mapping_count(b[0].pid, b[0].mem, PAGES, &map));
	EXPECT_MOST(PAGES, map.frames);
	EXPECT_MOST(2 * PAGES, stat_now(C(PAGES_SHARED)));
}

HOST_TEST(domain, shared_pages_are_given_back_when_the_domain_changes)
{
	struct child a, b, c;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_OK(set_domain(&a, 5));
	EXPECT_EQ(5, domain_of(&a));
	EXPECT_EQ(0, domain_of(&b));
	EXPECT_EQ(0, equal(&a, &b));
	expect_unshared(_metadata, &a);
	expect_right(_metadata, &b);
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, equal(&a, &b));

	start(_metadata, &self->host, &c, "c", 5);
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, equal(&a, &c));
	EXPECT_EQ(0, equal(&b, &c));
	expect_right(_metadata, &a);
	expect_right(_metadata, &b);
	expect_right(_metadata, &c);
}

HOST_TEST(domain, who_follows_into_the_new_domain_shares_there_again)
{
	struct child a, b;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_OK(set_domain(&a, 9));
	ASSERT_OK(set_domain(&b, 9));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, equal(&a, &b));
	expect_right(_metadata, &a);
	expect_right(_metadata, &b);
	/* And back, one at a time. */
	ASSERT_OK(set_domain(&b, 0));
	EXPECT_EQ(0, equal(&a, &b));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, equal(&a, &b));
	ASSERT_OK(set_domain(&a, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, equal(&a, &b));
	expect_right(_metadata, &a);
	expect_right(_metadata, &b);
}

HOST_TEST(domain, setting_the_same_domain_keeps_what_is_shared)
{
	uint64_t before[PAGES], after[PAGES];
	struct child a, b;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, PAGES, before));
	ASSERT_OK(set_domain(&a, 0));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, PAGES, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	expect_right(_metadata, &a);
}

HOST_TEST(domain, a_refused_request_changes_neither_domain_nor_frames)
{
	struct vm_args args = { .have = HAVE_DOMAIN | HAVE_WEIGHT, .domain = 3, .weight = 1001 };
	uint64_t before[PAGES], after[PAGES];
	struct child a, b;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, PAGES, before));
	args.pid = a.pid;
	EXPECT_EQ(EINVAL, vm_set(&args));
	EXPECT_NE(NULL, strstr(last_extack(), "weight"));
	EXPECT_EQ(0, domain_of(&a));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, PAGES, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
}

/* Left with its domain, a frame must not be found by another one's pages. */
HOST_TEST(domain, frames_of_a_deleted_vm_are_not_shared_with_another_domain)
{
	struct child a, b, c;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_OK(vm_del(a.pid, false));
	start(_metadata, &self->host, &c, "c", 1);
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, equal(&a, &c));
	EXPECT_EQ(0, equal(&b, &c));
	/* Back, but into another domain: its old frames stay, whoever shares them. */
	ASSERT_OK(vm_add(a.pid, "a", 1));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, equal(&b, &c));
	expect_right(_metadata, &a);
	expect_right(_metadata, &b);
	expect_right(_metadata, &c);
}

TEST_HARNESS_MAIN
