// SPDX-License-Identifier: GPL-2.0
/* Content stays right through everything that a process does to its own merged memory. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fixture.h"

HOST_FIXTURE(safety);

#define PAGES		256UL
#define HALF		(PAGES / 2)
#define SEED_NEW	9

/* Two VMs that share PAGES pages. */
static void merged_pair(struct __test_metadata *_metadata, struct host *host, struct child *a,
			struct child *b)
{
	ASSERT_MOST(PAGES, host_pair(host, a, b, PAGES, MEM_SMALL));
}

static void expect_right(struct __test_metadata *_metadata, struct child *child)
{
	EXPECT_EQ(-1, child_verify(child, 0, PAGES, SEED_PAIR, 0));
}

/* Two more passes change nothing in what a process reads. */
static void expect_right_after_scan(struct __test_metadata *_metadata, struct child *a,
				    struct child *b)
{
	ASSERT_OK(scan_all_wait());
	expect_right(_metadata, a);
	expect_right(_metadata, b);
}

HOST_TEST(safety, write_by_one_sharer_is_not_seen_by_the_other)
{
	int64_t breaks;
	struct child a, b;

	merged_pair(_metadata, &self->host, &a, &b);
	breaks = stat_now(C(COW_BREAKS));
	ASSERT_EQ(0, child_fill(&a, 0, HALF, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, HALF, HALF, SEED_PAIR, HALF));
	expect_right(_metadata, &b);
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, HALF));
	EXPECT_MOST(HALF, frames_equal(a.pid, child_page(&a, HALF),
				       b.pid, child_page(&b, HALF), HALF));

	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(HALF, stat_now(C(COW_BREAKS)) - breaks);
	EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_NEW, 0));
	expect_right(_metadata, &b);

	/* Equal again, shared again. */
	ASSERT_EQ(0, child_fill(&a, 0, HALF, SEED_PAIR, 0));
	expect_right_after_scan(_metadata, &a, &b);
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
}

/* One byte only: the rest of the page must come along. */
static long do_poke(struct child *self, const long *arg)
{
	long i;

	for (i = 0; i < arg[0]; i++)
		self->mem[i * PAGE_SIZE + i * 16 % PAGE_SIZE] ^= arg[1];
	return 0;
}

HOST_TEST(safety, write_of_one_byte_keeps_the_rest_of_the_page)
{
	struct child a, b;

	merged_pair(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_poke, PAGES, 0x55, 0, 0));
	expect_right(_metadata, &b);
	EXPECT_EQ(0, child_verify(&a, 0, PAGES, SEED_PAIR, 0));
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	ASSERT_EQ(0, child_call(&a, do_poke, PAGES, 0x55, 0, 0));
	expect_right_after_scan(_metadata, &a, &b);
}

static volatile char *byte_of(struct child *self, size_t page, size_t round)
{
	return self->mem + page * PAGE_SIZE + (round * 8 + page) % PAGE_SIZE;
}

/* For some seconds: a bit of each page is turned, and turned back if it is still so. */
static long do_flip_for(struct child *self, const long *arg)
{
	double end = now() + arg[0];
	char old[PAGES];
	size_t i, round;

	for (round = 0; now() < end; round++) {
		for (i = 0; i < PAGES; i++) {
			old[i] = *byte_of(self, i, round);
			*byte_of(self, i, round) = old[i] ^ 1;
		}
		for (i = 0; i < PAGES; i++) {
			if (*byte_of(self, i, round) != (old[i] ^ 1))
				return i;
			*byte_of(self, i, round) = old[i];
		}
		if (pages_verify(self->mem, PAGES, SEED_PAIR, 0) != -1)
			return PAGES;
	}
	return -1;
}

HOST_TEST(safety, writes_during_the_merge_are_not_lost)
{
	struct child a, b;
	double end;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_EQ(0, child_begin(&a, do_flip_for, 4, 0, 0, 0));
	for (end = now() + 4; now() < end;)
		ASSERT_OK(scan_once_wait(a.pid));
	EXPECT_EQ(-1, child_end(&a));
	expect_right_after_scan(_metadata, &a, &b);
	/* Merged, broken and merged again all the while. */
	EXPECT_LT(3 * PAGES, host_grown(&self->host, C(MERGES)));
}

static size_t count_zero(struct child *child)
{
	struct mapping map;

	return mapping_count(child->pid, child->mem, PAGES, &map) ? 0 : map.zero;
}

static long do_advise_all(struct child *self, const long *arg)
{
	static const int advice[] = { MADV_COLD, MADV_PAGEOUT, MADV_FREE, MADV_WILLNEED };
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(advice) / sizeof(*advice); i++)
		if (madvise(self->mem, PAGES * PAGE_SIZE, advice[i]))
			return -errno;
	return 0;
}

HOST_TEST(safety, merged_zero_pages_are_like_those_of_the_kernel)
{
	struct child a;

	ASSERT_OK(host_filled(&self->host, &a, "a", PAGES, MEM_SMALL, SEED_ZERO, 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_MOST(PAGES, count_zero(&a));
	ASSERT_EQ(0, child_call(&a, do_advise_all, 0, 0, 0, 0));
	ASSERT_EQ(0, child_mprotect(&a, 0, PAGES, PROT_NONE));
	ASSERT_EQ(0, child_mprotect(&a, 0, PAGES, PROT_READ | PROT_WRITE));
	EXPECT_MOST(PAGES, count_zero(&a));
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_ZERO, 0));
	/* Nobody sees what is written into one of them in another. */
	ASSERT_EQ(0, child_fill(&a, 0, HALF, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, HALF, HALF, SEED_ZERO, 0));
	ASSERT_EQ(0, child_fill(&a, 0, HALF, SEED_ZERO, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, count_zero(&a));
	EXPECT_GE(PAGES * 4 / 100, smaps_kb(a.pid, a.mem, "Rss"));
	child_exit(&a);
	EXPECT_EQ(0, stat_settles(C(ZERO_PAGES), 0));
}

/* In a forked process: old content, then new content; exits with what went wrong. */
static int check_and_write(struct child *self, uint64_t seed)
{
	if (pages_verify(self->mem, PAGES, SEED_PAIR, 0) != -1)
		return 1;
	pages_fill(self->mem, HALF, seed, 0);
	if (pages_verify(self->mem, HALF, seed, 0) != -1)
		return 2;
	return pages_verify(child_page(self, HALF), HALF, SEED_PAIR, HALF) == -1 ? 0 : 3;
}

static long exit_status_of(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -ECHILD;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

/* A child and a grandchild, both write, then the parent does. */
static long do_generations(struct child *self, const long *arg)
{
	pid_t pid = child_fork();
	long wrong;

	(void)arg;
	if (!pid) {
		pid = child_fork();
		if (!pid)
			_exit(check_and_write(self, 21));
		wrong = exit_status_of(pid);
		_exit(wrong ?: check_and_write(self, 22));
	}
	wrong = exit_status_of(pid);
	return wrong ?: check_and_write(self, 23);
}

HOST_TEST(safety, fork_and_grandchildren_write_without_harm)
{
	struct child a, b;

	merged_pair(_metadata, &self->host, &a, &b);
	EXPECT_EQ(0, child_call(&a, do_generations, 0, 0, 0, 0));
	expect_right(_metadata, &b);
	ASSERT_EQ(0, child_fill(&a, 0, HALF, SEED_PAIR, 0));
	expect_right_after_scan(_metadata, &a, &b);
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
}

static long do_end(struct child *self, const long *arg)
{
	(void)self;
	kill(arg[0], SIGKILL);
	return waitpid(arg[0], NULL, 0) == arg[0] ? 0 : -errno;
}

HOST_TEST(safety, mappings_of_a_fork_are_counted_and_go_with_it)
{
	int64_t sharing;
	struct child a, b;
	pid_t fork;

	merged_pair(_metadata, &self->host, &a, &b);
	sharing = stat_now(C(PAGES_SHARING));
	fork = child_fork_stays(&a);
	ASSERT_LT(0, fork);
	EXPECT_EQ(PAGES, frames_equal(a.pid, a.mem, fork, a.mem, PAGES));
	EXPECT_EQ(2 * sharing, stat_now(C(PAGES_SHARING)));
	/* Pages that are shared by fork are merged too. */
	expect_right_after_scan(_metadata, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_end, fork, 0, 0, 0));
	EXPECT_EQ(sharing, stat_settles(C(PAGES_SHARING), sharing));
}

HOST_TEST(safety, pages_shared_by_fork_are_merged_in_all)
{
	struct child a, b;
	pid_t fork;

	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	fork = child_fork_stays(&a);
	ASSERT_LT(0, fork);
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(vm_add(fork, "fork", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	EXPECT_MOST(PAGES, frames_equal(fork, a.mem, b.pid, b.mem, PAGES));
	expect_right(_metadata, &a);
	expect_right(_metadata, &b);
	ASSERT_EQ(0, child_call(&a, do_end, fork, 0, 0, 0));
}

HOST_TEST(safety, exit_of_one_leaves_the_other_and_exit_of_all_frees_the_frames)
{
	struct child a, b;
	struct event event;

	merged_pair(_metadata, &self->host, &a, &b);
	child_exit(&a);
	ASSERT_EQ(0, events_wait(PSHARE_CMD_VM_EXIT_NTF, 10, &event));
	EXPECT_STREQ("a", event.name);
	expect_right(_metadata, &b);
	EXPECT_EQ(0, stat_settles(C(PAGES_SHARING), 0));
	ASSERT_OK(scan_all_wait());
	expect_right(_metadata, &b);
	child_kill(&b);
	EXPECT_EQ(0, stat_settles(C(PAGES_SHARED), 0));
	EXPECT_EQ(0, stat_now(C(ZERO_PAGES)));
}

HOST_TEST(safety, munmap_of_a_part_leaves_the_rest)
{
	struct child a, b;

	merged_pair(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, child_munmap(&a, 64, 128));
	EXPECT_EQ(-1, child_verify(&a, 0, 64, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&a, 192, 64, SEED_PAIR, 192));
	expect_right(_metadata, &b);
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(128, stat_now(C(PAGES_SHARING)));
	EXPECT_GE(128, stat_now(C(PAGES_SHARING)));
	expect_right(_metadata, &b);
}

/* Moves the second half to a new place; self->mem is that place then. */
static long do_mremap(struct child *self, const long *arg)
{
	size_t bytes = HALF * PAGE_SIZE;
	char *to = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (arg[0] ? MREMAP_DONTUNMAP : 0);

	if (to == MAP_FAILED)
		return -errno;
	to = mremap(child_page(self, HALF), bytes, bytes, flags, to);
	if (to == MAP_FAILED)
		return -errno;
	self->mem = to;
	self->pages = HALF;
	return 0;
}

static void check_mremap(struct __test_metadata *_metadata, struct host *host, bool dontunmap)
{
	struct child a, b, old;

	merged_pair(_metadata, host, &a, &b);
	old = a;
	ASSERT_EQ(0, child_call(&a, do_mremap, dontunmap, 0, 0, 0));
	/* The frames move along. */
	EXPECT_MOST(HALF, frames_equal(a.pid, a.mem, b.pid, child_page(&b, HALF), HALF));
	EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_PAIR, HALF));
	if (dontunmap)
		EXPECT_EQ(0, page_frame(old.pid, child_page(&old, HALF)));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_PAIR, HALF));
	ASSERT_EQ(0, child_fill(&a, 0, HALF, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_NEW, 0));
	expect_right(_metadata, &b);
}

HOST_TEST(safety, mremap_takes_the_frames_along)
{
	check_mremap(_metadata, &self->host, false);
}

HOST_TEST(safety, mremap_dontunmap_takes_the_frames_along)
{
	check_mremap(_metadata, &self->host, true);
}

HOST_TEST(safety, madvise_dontneed_gives_zeroes)
{
	struct child a, b;

	merged_pair(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, child_madvise(&a, 0, HALF, MADV_DONTNEED));
	EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_ZERO, 0));
	EXPECT_EQ(-1, child_verify(&a, HALF, HALF, SEED_PAIR, HALF));
	expect_right(_metadata, &b);
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(HALF, stat_now(C(PAGES_SHARING)));
	EXPECT_GE(HALF, stat_now(C(PAGES_SHARING)));
	expect_right(_metadata, &b);
}

/* Frames are neither anonymous nor on an LRU list: these have nothing to take. */
static void check_advice(struct __test_metadata *_metadata, struct host *host, int advice)
{
	struct child a, b;

	merged_pair(_metadata, host, &a, &b);
	ASSERT_EQ(0, host_swap_on(host, 16));
	ASSERT_EQ(0, child_madvise(&a, 0, PAGES, advice));
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	expect_right(_metadata, &a);
	expect_right_after_scan(_metadata, &a, &b);
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	ASSERT_EQ(0, child_fill(&a, 0, PAGES, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_NEW, 0));
	expect_right(_metadata, &b);
}

HOST_TEST(safety, madvise_free_frees_nothing_that_is_shared)
{
	check_advice(_metadata, &self->host, MADV_FREE);
}

HOST_TEST(safety, madvise_cold_leaves_frames_alone)
{
	check_advice(_metadata, &self->host, MADV_COLD);
}

HOST_TEST(safety, madvise_pageout_leaves_frames_alone)
{
	check_advice(_metadata, &self->host, MADV_PAGEOUT);
}

/* Freed lazily, but not yet gone: merging must neither bring back nor lose anything. */
HOST_TEST(safety, lazily_freed_pages_are_old_or_zero)
{
	size_t i, old = 0, zero = 0;
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, "b", PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_EQ(0, child_madvise(&a, 0, PAGES, MADV_FREE));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(scan_all_wait());
	for (i = 0; i < PAGES; i++) {
		old += child_verify(&a, i, 1, SEED_PAIR, i) == -1;
		zero += child_verify(&a, i, 1, SEED_ZERO, i) == -1;
	}
	EXPECT_EQ(PAGES, old + zero);
	ASSERT_EQ(0, child_fill(&a, 0, PAGES, SEED_NEW, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_NEW, 0));
	expect_right(_metadata, &b);
}

HOST_TEST(safety, madvise_collapse_keeps_the_content)
{
	struct child a, b;
	long result;

	ASSERT_OK(knob_set("thp", "never"));
	ASSERT_OK(host_filled(&self->host, &a, "a", HUGE_PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, "b", HUGE_PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_MOST(HUGE_PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, HUGE_PAGES));
	ASSERT_EQ(0, child_madvise(&a, 0, HUGE_PAGES, MADV_HUGEPAGE));
	/* Whether it can be done with frames is the kernel's choice; harm nothing it must. */
	result = child_madvise(&a, 0, HUGE_PAGES, MADV_COLLAPSE);
	TH_LOG("MADV_COLLAPSE of frames: %ld", result);
	EXPECT_EQ(-1, child_verify(&a, 0, HUGE_PAGES, SEED_PAIR, 0));
	ASSERT_EQ(0, child_fill(&a, 0, HUGE_PAGES / 2, SEED_NEW, 0));
	result = child_madvise(&a, 0, HUGE_PAGES, MADV_COLLAPSE);
	TH_LOG("MADV_COLLAPSE of frames and own pages: %ld", result);
	EXPECT_EQ(-1, child_verify(&a, 0, HUGE_PAGES / 2, SEED_NEW, 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(-1, child_verify(&a, 0, HUGE_PAGES / 2, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, HUGE_PAGES, SEED_PAIR, 0));
}

HOST_TEST(safety, mprotect_to_none_and_back_keeps_frames)
{
	struct child a, b;

	merged_pair(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, child_mprotect(&a, 0, PAGES, PROT_NONE));
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, child_mprotect(&a, 0, PAGES, PROT_READ));
	expect_right(_metadata, &a);
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	ASSERT_EQ(0, child_mprotect(&a, 0, PAGES, PROT_READ | PROT_WRITE));
	ASSERT_EQ(0, child_fill(&a, 0, PAGES, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_NEW, 0));
	expect_right(_metadata, &b);
}

HOST_TEST(safety, inaccessible_pages_survive_the_scan)
{
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, "b", PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_EQ(0, child_mprotect(&a, 0, HALF, PROT_NONE));
	ASSERT_EQ(0, child_mprotect(&a, HALF, HALF, PROT_READ));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(scan_all_wait());
	/* What cannot be written can be merged as well. */
	EXPECT_MOST(HALF, frames_equal(a.pid, child_page(&a, HALF),
				       b.pid, child_page(&b, HALF), HALF));
	ASSERT_EQ(0, child_mprotect(&a, 0, PAGES, PROT_READ | PROT_WRITE));
	expect_right(_metadata, &a);
	ASSERT_EQ(0, child_fill(&a, 0, PAGES, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, PAGES, SEED_NEW, 0));
	expect_right(_metadata, &b);
}

HOST_TEST(safety, locked_before_is_not_merged_until_it_is_unlocked)
{
	uint64_t before[PAGES], after[PAGES];
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(&self->host, &b, "b", PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_EQ(0, child_mlock(&a, 0));
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, PAGES, before));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, PAGES, after));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before)));
	ASSERT_EQ(0, child_munlock(&a));
	expect_right_after_scan(_metadata, &a, &b);
	EXPECT_MOST(PAGES, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
}

static void check_locked_after(struct __test_metadata *_metadata, struct host *host, int flags,
			       bool unlock)
{
	struct child a, b;

	merged_pair(_metadata, host, &a, &b);
	ASSERT_EQ(0, child_mlock(&a, flags));
	expect_right_after_scan(_metadata, &a, &b);
	if (unlock) {
		ASSERT_EQ(0, child_munlock(&a));
		expect_right_after_scan(_metadata, &a, &b);
	}
	ASSERT_EQ(0, child_fill(&a, 0, HALF, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, HALF, SEED_NEW, 0));
	child_exit(&a);
	expect_right(_metadata, &b);
	child_exit(&b);
	EXPECT_EQ(0, stat_settles(C(PAGES_SHARED), 0));
}

HOST_TEST(safety, lock_after_the_merge_then_exit)
{
	check_locked_after(_metadata, &self->host, 0, false);
}

HOST_TEST(safety, lock_after_the_merge_then_unlock)
{
	check_locked_after(_metadata, &self->host, 0, true);
}

/* Does not fault the pages in, so that frames themselves get locked. */
HOST_TEST(safety, lock_on_fault_after_the_merge_then_exit)
{
	check_locked_after(_metadata, &self->host, MLOCK_ONFAULT, false);
}

HOST_TEST(safety, lock_on_fault_after_the_merge_then_unlock)
{
	check_locked_after(_metadata, &self->host, MLOCK_ONFAULT, true);
}

/* Pages of the first half that are marked as written to since clear_refs. */
static size_t count_soft_dirty(struct child *child, size_t page, size_t count)
{
	uint64_t entries[PAGES];
	size_t dirty = 0, i;

	pagemap_read(child->pid, child_page(child, page), count, entries);
	for (i = 0; i < count; i++)
		dirty += !!(entries[i] & PM_SOFT_DIRTY);
	return dirty;
}

static int clear_soft_dirty(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", pid);
	return write_file(path, "4");
}

HOST_TEST(safety, merge_keeps_soft_dirty_and_writes_set_it)
{
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_ZERO, 0));
	ASSERT_OK(host_filled(&self->host, &b, "b", PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_EQ(0, child_fill(&a, 0, HALF, SEED_PAIR, 0));
	ASSERT_EQ(0, clear_soft_dirty(a.pid));
	EXPECT_EQ(0, count_soft_dirty(&a, 0, PAGES));
	/* Every other quarter is written after that: 0 and 2. */
	ASSERT_EQ(0, child_fill(&a, 0, 64, SEED_PAIR, 0));
	ASSERT_EQ(0, child_fill(&a, HALF, 64, SEED_ZERO, 0));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(HALF, frames_equal(a.pid, a.mem, b.pid, b.mem, HALF));
	EXPECT_TRUE(page_is_zero(page_frame(a.pid, child_page(&a, PAGES - 1))));
	EXPECT_EQ(64, count_soft_dirty(&a, 0, HALF));
	EXPECT_EQ(64, count_soft_dirty(&a, HALF, HALF));

	ASSERT_EQ(0, clear_soft_dirty(a.pid));
	EXPECT_EQ(0, count_soft_dirty(&a, 0, PAGES));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, count_soft_dirty(&a, 0, PAGES));
	ASSERT_EQ(0, child_fill(&a, 10, 5, SEED_NEW, 0));
	ASSERT_EQ(0, child_fill(&a, HALF + 10, 5, SEED_NEW, 0));
	EXPECT_EQ(5, count_soft_dirty(&a, 10, 5));
	EXPECT_EQ(10, count_soft_dirty(&a, 0, PAGES));
}

TEST_HARNESS_MAIN
