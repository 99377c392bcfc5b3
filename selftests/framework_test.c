// SPDX-License-Identifier: GPL-2.0
/* The libraries of the tests themselves, without the module. */
#include <pthread.h>
#include <sys/mman.h>

#include "fixture.h"
#include "stress.h"

TEST(content_depends_on_seed_and_number_only)
{
	static uint64_t a[PAGE_SIZE / 8], b[PAGE_SIZE / 8];

	page_fill(a, 7, 3);
	page_fill(b, 7, 3);
	EXPECT_EQ(0, memcmp(a, b, PAGE_SIZE));
	EXPECT_TRUE(page_matches(a, 7, 3));
	EXPECT_FALSE(page_matches(a, 7, 4));
	EXPECT_FALSE(page_matches(a, 8, 3));
	b[511] ^= 1;
	EXPECT_FALSE(page_matches(b, 7, 3));
	page_fill(b, SEED_ZERO, 3);
	EXPECT_TRUE(page_matches(b, SEED_ZERO, 9));
	b[511] = 1;
	EXPECT_FALSE(page_matches(b, SEED_ZERO, 9));
}

TEST(child_fills_verifies_and_ends)
{
	struct child child;

	ASSERT_EQ(0, child_start(&child, CHILD_LOCK_REST));
	ASSERT_EQ(0, child_map(&child, 64, MEM_SMALL));
	EXPECT_EQ(0, (uintptr_t)child.mem % HUGE_SIZE);
	EXPECT_EQ(0, child_fill(&child, 0, 64, 5, 100));
	EXPECT_EQ(-1, child_verify(&child, 0, 64, 5, 100));
	EXPECT_EQ(-1, child_verify(&child, 10, 4, 5, 110));
	EXPECT_EQ(0, child_fill(&child, 12, 1, 6, 0));
	EXPECT_EQ(12, child_verify(&child, 0, 64, 5, 100));
	EXPECT_EQ(0, child_munmap(&child, 0, 64));
	EXPECT_FALSE(smaps_has_flag(child.pid, child.mem, "lo"));
	child_exit(&child);
	EXPECT_EQ(0, process_start_time(child.pid));
}

static long leave(struct child *self, const long *arg)
{
	(void)self;
	_exit(arg[0]);
}

TEST(child_that_died_is_noticed)
{
	struct child child;

	ASSERT_EQ(0, child_start(&child, CHILD_SCAN_ALL));
	EXPECT_EQ(-EPIPE, child_call(&child, leave, 3, 0, 0, 0));
	child_kill(&child);
}

TEST(pagemap_tells_own_zero_and_huge_pages)
{
	struct mapping map;
	struct child child;

	ASSERT_EQ(0, child_start(&child, CHILD_LOCK_REST));
	ASSERT_EQ(0, child_map(&child, 16, MEM_SMALL));
	ASSERT_EQ(0, child_fill(&child, 0, 4, 1, 0));
	ASSERT_EQ(0, child_touch(&child, 4, 2));
	ASSERT_EQ(0, mapping_count(child.pid, child.mem, 16, &map));
	EXPECT_EQ(4, map.anon);
	EXPECT_EQ(2, map.zero);
	EXPECT_EQ(10, map.absent);
	EXPECT_EQ(0, map.frames);
	EXPECT_EQ(0, map.other);
	EXPECT_TRUE(page_is_zero(page_frame(child.pid, child_page(&child, 4))));
	EXPECT_FALSE(page_is_frame(page_frame(child.pid, child_page(&child, 4))));
	EXPECT_FALSE(page_is_frame(page_frame(child.pid, child_page(&child, 0))));
	EXPECT_EQ(1, page_mapcount(page_frame(child.pid, child_page(&child, 0))));
	EXPECT_EQ(16, smaps_kb(child.pid, child.mem, "Anonymous"));

	ASSERT_EQ(0, child_map(&child, HUGE_PAGES, MEM_HUGE));
	ASSERT_EQ(0, child_fill(&child, 0, HUGE_PAGES, 1, 0));
	ASSERT_EQ(0, mapping_count(child.pid, child.mem, HUGE_PAGES, &map));
	EXPECT_EQ(HUGE_PAGES, map.anon);
	EXPECT_EQ(HUGE_PAGES, map.huge);
	EXPECT_EQ(2048, smaps_kb(child.pid, child.mem, "AnonHugePages"));
	EXPECT_LE(2048, status_kb(child.pid, "RssAnon"));
	child_exit(&child);
}

TEST(kernel_log_is_read_from_the_mark_on)
{
	struct host host;
	int fd;

	kmsg_mark("before the mark");
	host_begin(&host);
	kmsg_mark("pshare test, behind the mark: refcount_t: of user space");
	fd = kmsg_open_at(host.mark);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(kmsg_has(fd, "behind the mark"));
	close(fd);
	fd = kmsg_open_at(host.mark);
	EXPECT_FALSE(kmsg_has(fd, "before the mark"));
	close(fd);
	fd = kmsg_open_at(host.mark);
	EXPECT_EQ(NULL, kmsg_complaint(fd));
	close(fd);
}

TEST(host_settings_are_saved_and_restored)
{
	static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
	struct host host;
	char text[64], device[64] = "";
	struct child child;
	const char *wrong;

	host_begin(&host);
	ASSERT_EQ(0, host_set(&host, path, "never"));
	ASSERT_EQ(0, read_file(path, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "[never]"));
	ASSERT_EQ(0, host_cgroup(&host, "framework"));
	ASSERT_EQ(0, host_child(&host, &child, CHILD_SCAN_ALL));
	EXPECT_EQ(0, cgroup_add("framework", child.pid));
	EXPECT_LE(0, cgroup_read("framework", "memory.current"));
	EXPECT_EQ(0, host_swap_on(&host, 16));
	EXPECT_EQ(16 * 1024 - 4, meminfo_kb("SwapTotal"));
	EXPECT_EQ(0, host_loop(&host, 4, device, sizeof(device)));
	EXPECT_EQ(0, access(device, W_OK));

	wrong = host_teardown(&host);
	EXPECT_EQ(NULL, wrong)
		TH_LOG("%s", wrong);
	ASSERT_EQ(0, read_file(path, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "[always]"));
	EXPECT_EQ(0, meminfo_kb("SwapTotal"));
	EXPECT_NE(0, access("/sys/fs/cgroup/framework", F_OK));
}

static void *run_stress(void *thread)
{
	stress_run(thread);
	return NULL;
}

static bool all_tried(const struct stress_report *report)
{
	unsigned int i;

	for (i = 0; i < stress_nr_ops; i++)
		if (!(report->done[i] + report->refused[i]))
			return false;
	return true;
}

/* The threads of stress_test.c know what is in their memory, with nobody merging. */
TEST(stress_is_right_by_itself)
{
	static struct stress_report report;
	static struct stress_thread thread;
	struct host host;
	static volatile bool stop;
	double enough = now() + 5, end = deadline(15);
	char device[64] = "";
	pthread_t id;
	unsigned int i;

	host_begin(&host);
	ASSERT_EQ(0, host_loop(&host, 4, device, sizeof(device)));
	ASSERT_EQ(0, host_swap_on(&host, 64));
	thread = (struct stress_thread){
		.report = &report, .stop = &stop, .device = device, .random = 1,
		.mem = mmap(NULL, STRESS_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	};
	ASSERT_EQ(0, stress_prepare(&thread));
	ASSERT_EQ(0, pthread_create(&id, NULL, run_stress, &thread));
	while ((now() < enough || (now() < end && !all_tried(&report))) && !report.wrong)
		pause_ms(10);
	stop = true;
	pthread_join(id, NULL);
	EXPECT_FALSE(report.wrong)
		TH_LOG("%s", report.message);
	for (i = 0; i < stress_nr_ops; i++) {
		TH_LOG("%-12s %6lu done %6lu refused", stress_op_name(i), report.done[i],
		       report.refused[i]);
		EXPECT_LT(0, report.done[i] + report.refused[i]);
	}
	EXPECT_EQ(NULL, host_teardown(&host))
		TH_LOG("%s", host.problem);
}

TEST_HARNESS_MAIN
