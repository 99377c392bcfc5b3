// SPDX-License-Identifier: GPL-2.0
/* The module goes at any moment, leaves whole what it merged, and comes back over it. */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fixture.h"

HOST_FIXTURE(unload);

#define PAGES		1024UL
#define ROUNDS		50
#define WORKERS		3
#define WORK_PAGES	512UL
#define MERGE_SECONDS	60
#define ROUNDS_SECONDS	800

static void expect_right(struct __test_metadata *_metadata, struct child *child)
{
	EXPECT_EQ(-1, child_verify(child, 0, PAGES, SEED_PAIR, 0));
}

static size_t equal(struct child *a, struct child *b)
{
	return frames_equal(a->pid, a->mem, b->pid, b->mem, PAGES);
}

/* Loaded again, at full speed as the fixture has it; who listened to its events has to again. */
static int load(void)
{
	int err = module_load(NULL);

	return err ?: knob_set_u64("cpu_percent", knob_max("cpu_percent")) ?: events_open();
}

HOST_TEST(unload, frames_survive_the_module)
{
	uint64_t before[PAGES], after[PAGES];
	struct child a, b;
	size_t i, frames = 0;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, PAGES, before));
	ASSERT_EQ(0, module_unload());
	EXPECT_FALSE(module_loaded());
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, PAGES, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	EXPECT_MOST(PAGES, equal(&a, &b));
	for (i = 0; i < PAGES; i++)
		frames += page_is_frame(page_frame(a.pid, child_page(&a, i)));
	EXPECT_MOST(PAGES, frames);
	expect_right(_metadata, &a);
	expect_right(_metadata, &b);
}

HOST_TEST(unload, a_write_to_a_frame_without_its_module_reaches_one_sharer_only)
{
	struct child a, b;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, child_fill(&a, 0, PAGES / 2, 9, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES / 2, 9, 0));
	EXPECT_EQ(-1, child_verify(&a, PAGES / 2, PAGES / 2, SEED_PAIR, PAGES / 2));
	expect_right(_metadata, &b);
	EXPECT_GE(PAGES / 2, equal(&a, &b));
	/* The first of two ends, and the other keeps its memory. */
	child_exit(&a);
	expect_right(_metadata, &b);
	ASSERT_EQ(0, child_fill(&b, 0, PAGES, 9, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, PAGES, 9, 0));
}

/* Nearly all pages are shared, and any one may not be. */
static uint64_t shared_frame(const struct child *child)
{
	uint64_t pfn = 0;
	size_t i;

	for (i = 0; i < PAGES && !page_is_frame(pfn); i++)
		pfn = page_frame(child->pid, child_page(child, i));
	return page_is_frame(pfn) ? pfn : 0;
}

HOST_TEST(unload, frames_are_freed_with_their_last_mapping)
{
	struct child a, b;
	uint64_t pfn;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	pfn = shared_frame(&a);
	ASSERT_NE(0, pfn);
	ASSERT_EQ(2, page_mapcount(pfn));
	ASSERT_EQ(0, module_unload());
	EXPECT_EQ(2, page_mapcount(pfn));
	ASSERT_EQ(0, child_munmap(&a, 0, PAGES));
	EXPECT_EQ(1, page_mapcount(pfn));
	ASSERT_EQ(0, child_munmap(&b, 0, PAGES));
	EXPECT_EQ(0, page_mapcount(pfn));
}

HOST_TEST(unload, the_module_comes_back_and_merges_what_it_left)
{
	struct child a, b, c;
	struct mapping map;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(0, child_fill(&a, 0, 16, 9, 0));
	ASSERT_EQ(0, child_fill(&a, 0, 16, SEED_PAIR, 0));
	ASSERT_OK(load());
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(host_filled(&self->host, &c, "c", PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, equal(&a, &b));
	EXPECT_MOST(PAGES, equal(&a, &c));
	ASSERT_EQ(0, mapping_count(c.pid, c.mem, PAGES, &map));
	EXPECT_EQ(map.frames, stat_now(C(PAGES_SHARED)));
	EXPECT_EQ(2 * map.frames, stat_now(C(PAGES_SHARING)));
	expect_right(_metadata, &a);
	expect_right(_metadata, &b);
	expect_right(_metadata, &c);
	/* And it can undo them. */
	ASSERT_OK(unmerge(0, false, NULL));
	ASSERT_EQ(0, mapping_count(a.pid, a.mem, PAGES, &map));
	EXPECT_EQ(PAGES, map.anon);
	expect_right(_metadata, &a);
	expect_right(_metadata, &b);
}

/* Nobody brings a page of his own along, by which the old frames could be found. */
HOST_TEST(unload, frames_that_only_the_last_load_shared_are_taken_over)
{
	struct child a, b;
	struct mapping map;
	int i;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, module_unload());
		ASSERT_OK(load());
		ASSERT_OK(vm_add(a.pid, "a", 0));
		ASSERT_OK(vm_add(b.pid, "b", 0));
		ASSERT_OK(scan_all_wait());
		EXPECT_MOST(PAGES, equal(&a, &b));
		ASSERT_EQ(0, mapping_count(a.pid, a.mem, PAGES, &map));
		EXPECT_MOST(PAGES, map.frames);
		EXPECT_MOST(PAGES, stat_now(C(PAGES_SHARED)));
		EXPECT_MOST(PAGES, stat_now(C(PAGES_SHARING)));
	}
	expect_right(_metadata, &a);
	expect_right(_metadata, &b);
}

HOST_TEST(unload, settings_and_counters_start_anew)
{
	struct host_info info;
	char value[64];

	ASSERT_OK(knob_set("cpu_percent", "77", "thp", "never"));
	ASSERT_OK(exclude_add(0, "nobody"));
	ASSERT_EQ(0, module_unload());
	ASSERT_EQ(ENODEV, stats_get(&info, false));
	ASSERT_EQ(0, module_load(NULL));
	ASSERT_OK(knob_get("cpu_percent", value, sizeof(value)));
	EXPECT_STREQ("20", value);
	ASSERT_OK(knob_get("thp", value, sizeof(value)));
	EXPECT_STREQ("auto", value);
	EXPECT_EQ(ENOENT, exclude_get(0, "nobody"));
	ASSERT_OK(stats_get(&info, false));
	EXPECT_EQ(0, info.counters.v[C(MERGES)]);
	EXPECT_EQ(0, info.vms);
}

/* What the children that work report, in shared memory. */
static struct {
	volatile bool stop;
	volatile bool wrong;
	volatile unsigned long turns;
} *work;

/* A grandchild that looks at the memory as it was at the fork, writes to it, and ends. */
static bool fork_is_right(struct child *self, uint64_t seed)
{
	pid_t pid = child_fork();
	int status = 1;

	if (!pid) {
		if (pages_verify(self->mem, WORK_PAGES / 2, SEED_PAIR, 0) != -1)
			_exit(1);
		pages_fill(self->mem, 32, seed + 1, 0);
		_exit(pages_verify(self->mem, 32, seed + 1, 0) != -1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && !status;
}

/* The first half is the same for all and stays; the second is rewritten again and again. */
static long do_work(struct child *self, const long *arg)
{
	char *hot = child_page(self, WORK_PAGES / 2);
	uint64_t seed;

	pages_fill(self->mem, WORK_PAGES / 2, SEED_PAIR, 0);
	for (seed = 10; !work->stop; seed++) {
		pages_fill(hot, WORK_PAGES / 2, seed % 4 + 10, 0);
		pages_fill(self->mem, 16, seed, arg[0]);
		pages_fill(self->mem, 16, SEED_PAIR, 0);
		if (pages_verify(self->mem, WORK_PAGES / 2, SEED_PAIR, 0) != -1 ||
		    pages_verify(hot, WORK_PAGES / 2, seed % 4 + 10, 0) != -1 ||
		    !fork_is_right(self, seed)) {
			work->wrong = true;
			return -EILSEQ;
		}
		work->turns++;
	}
	return 0;
}

static void start_work(struct __test_metadata *_metadata, struct host *host,
		       struct child *workers)
{
	int i;

	work = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, work);
	for (i = 0; i < WORKERS; i++) {
		ASSERT_OK(host_vm(host, &workers[i], NULL, WORK_PAGES, MEM_SMALL));
		ASSERT_EQ(0, child_begin(&workers[i], do_work, i, 0, 0, 0));
	}
}

static void end_work(struct __test_metadata *_metadata, struct child *workers)
{
	int i;

	work->stop = true;
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(0, child_end(&workers[i]));
	EXPECT_FALSE(work->wrong);
	TH_LOG("%lu turns of work", work->turns);
	EXPECT_LT(WORKERS, work->turns);
}

static int add_all(struct child *workers)
{
	char name[8];
	int i, err = 0;

	for (i = 0; !err && i < WORKERS; i++) {
		snprintf(name, sizeof(name), "w%d", i);
		err = vm_add(workers[i].pid, name, 0);
	}
	return err;
}

/*
 * Any moment: from before the first page is looked at to after the last is merged. On a slow host
 * that is later than the longest of these pauses: in the last round it is waited for.
 */
static void wait_for_any_moment(int round)
{
	double end = now() + MERGE_SECONDS;

	pause_ms(round * 37 % ROUNDS);
	while (round == ROUNDS - 1 && !stat_now(C(MERGES)) && now() < end)
		pause_ms(1);
}

TEST_F_TIMEOUT(unload, the_module_goes_at_any_moment_of_a_scan, ROUNDS_SECONDS)
{
	struct child workers[WORKERS];
	int64_t merges = 0;
	double longest = 0, start;
	uint64_t cookie;
	int round;

	start_work(_metadata, &self->host, workers);
	for (round = 0; round < ROUNDS && !work->wrong; round++) {
		if (!module_loaded())
			ASSERT_OK(load());
		ASSERT_OK(add_all(workers));
		ASSERT_OK(scan_start(0, &cookie));
		wait_for_any_moment(round);
		merges += stat_now(C(MERGES));
		start = now();
		ASSERT_EQ(0, module_unload());
		if (now() - start > longest)
			longest = now() - start;
	}
	TH_LOG("%lld merges seen, longest unload %.3f s", (long long)merges, longest);
	EXPECT_LT(0, merges);
	end_work(_metadata, workers);
}

/* Another process asks all the time, and listens; it gets an answer, or there is nobody. */
static void ask_for_ever(void)
{
	static struct vm_info infos[16];
	struct host_info info;
	unsigned int n;

	for (;;) {
		stats_get(&info, true);
		vm_list(infos, 16, &n);
		scan_once_wait(0);
	}
}

TEST_F_TIMEOUT(unload, the_module_goes_while_requests_come, ROUNDS_SECONDS)
{
	struct child a, b;
	pid_t asker;
	int round;

	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	asker = child_fork();
	if (!asker)
		ask_for_ever();
	for (round = 0; round < ROUNDS / 5; round++) {
		if (!module_loaded())
			ASSERT_OK(load());
		ASSERT_OK(vm_add(a.pid, "a", 0));
		ASSERT_OK(vm_add(b.pid, "b", 0));
		wait_for_any_moment(round);
		ASSERT_EQ(0, module_unload());
	}
	kill(asker, SIGKILL);
	waitpid(asker, NULL, 0);
	expect_right(_metadata, &a);
	expect_right(_metadata, &b);
}

HOST_TEST(unload, the_module_goes_while_its_vms_end)
{
	struct child children[8];
	char name[8];
	int round, i;

	for (round = 0; round < 5; round++) {
		if (!module_loaded())
			ASSERT_OK(load());
		for (i = 0; i < 8; i++) {
			snprintf(name, sizeof(name), "v%d", i);
			ASSERT_OK(host_filled(&self->host, &children[i], name, 64, MEM_SMALL,
					      SEED_PAIR, 0));
		}
		for (i = 0; i < 8; i++)
			kill(children[i].pid, SIGKILL);
		ASSERT_EQ(0, module_unload());
		for (i = 0; i < 8; i++)
			child_kill(&children[i]);
		self->host.nr_children = 0;
	}
}

TEST_HARNESS_MAIN
