/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The fixture of every test of the module. Included by the file with main() only.
 *
 * Teardown runs in the parent of the test, so that a test that crashed leaves a
 * clean host too: children ended, VMs deleted, knobs and kernel settings restored,
 * every frame freed, and nothing bad in the kernel log.
 */
#ifndef PSHARE_FIXTURE_H
#define PSHARE_FIXTURE_H

#include <kselftest_harness.h>

#include "pshare_test.h"

/* The harness makes setup and teardown global functions. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

static inline void fixture_verdict(struct __test_metadata *_metadata, const char *step,
				   const char *wrong)
{
	if (!wrong)
		return;
	TH_LOG("%s: %s", step, wrong);
	_metadata->exit_code = KSFT_FAIL;
}

#define HOST_FIXTURE(name) \
	FIXTURE(name) { \
		struct host host; \
	}; \
	FIXTURE_SETUP(name) \
	{ \
		fixture_verdict(_metadata, "setup", host_setup(&self->host)); \
	} \
	FIXTURE_TEARDOWN_PARENT(name) \
	{ \
		fixture_verdict(_metadata, "teardown", host_teardown(&self->host)); \
	} \
	struct host

/* Emulated processors are slow. */
#define TEST_SECONDS	90
#define HOST_TEST(fixture, name)	TEST_F_TIMEOUT(fixture, name, TEST_SECONDS)

/* The harness's main(), but timeouts are longer where the kernel is slow. */
static inline int run_slowly(int argc, char **argv)
{
	struct __fixture_metadata *fixture;
	struct __test_metadata *test;

	for (fixture = __fixture_list; fixture; fixture = fixture->next) {
		for (test = fixture->tests; test; test = test->next)
			test->timeout *= slowness();
	}
	return test_harness_run(argc, argv);
}

/* The last statement of every test program. */
#undef TEST_HARNESS_MAIN
#define TEST_HARNESS_MAIN \
	int main(int argc, char **argv) \
	{ \
		exit(run_slowly(argc, argv)); \
	}

/* A call that must succeed; shows the kernel's message if it does not. */
#define ASSERT_OK(call) \
	ASSERT_EQ(0, call) \
		TH_LOG("%s: %s", strerror(errno), last_extack())

/* "Every possible merge is done": at least 99 of 100. */
#define EXPECT_MOST(pages, seen)	EXPECT_LE((pages) - (pages) / 100, seen)
#define ASSERT_MOST(pages, seen)	ASSERT_LE((pages) - (pages) / 100, seen)

#endif
