// SPDX-License-Identifier: GPL-2.0
/*
 * What a malicious guest or a full host can cost: CPU time of the scanners is measured,
 * and compared with that of harmless work. Never how long something took.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

HOST_FIXTURE(bounds);

#define BOUNDS_SECONDS	200

/* CPU time of one pass over a VM, in nanoseconds; -1 if it failed. */
static int64_t cost_of_pass(pid_t pid)
{
	int64_t before = stat_now(C(SCAN_CPU_NS));

	return scan_once_wait(pid) ? -1 : stat_now(C(SCAN_CPU_NS)) - before;
}

#define SPARSE_BYTES	(32UL << 40)
#define SPARSE_PAGES	256UL
#define SPARSE_STEP	(SPARSE_BYTES / SPARSE_PAGES)

/* An empty region costs nothing, one with a page this at most, on an emulated processor. */
#define REGION_NS	1000000LL

static long do_sparse(struct child *self, const long *arg)
{
	size_t i;

	(void)arg;
	self->mem = mmap(NULL, SPARSE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (self->mem == MAP_FAILED || madvise(self->mem, SPARSE_BYTES, MADV_NOHUGEPAGE))
		return -errno;
	for (i = 0; i < SPARSE_PAGES; i++)
		page_fill(self->mem + i * SPARSE_STEP, SEED_PAIR, i);
	return 0;
}

static long do_verify_sparse(struct child *self, const long *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < SPARSE_PAGES; i++)
		if (!page_matches(self->mem + i * SPARSE_STEP, SEED_PAIR, i))
			return i;
	return -1;
}

HOST_TEST(bounds, a_few_pages_in_32_tib_are_scanned_as_if_they_lay_together)
{
	struct child dense, sparse;
	int64_t dense_ns, sparse_ns;
	size_t i, shared = 0;

	ASSERT_OK(host_filled(&self->host, &dense, "dense", SPARSE_PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_child(&self->host, &sparse, CHILD_LOCK_REST));
	ASSERT_EQ(0, child_call(&sparse, do_sparse, 0, 0, 0, 0));
	dense_ns = cost_of_pass(dense.pid);
	ASSERT_OK(vm_add(sparse.pid, "sparse", 0));
	sparse_ns = cost_of_pass(sparse.pid);
	TH_LOG("%lld us dense, %lld us sparse", (long long)dense_ns / 1000,
	       (long long)sparse_ns / 1000);
	ASSERT_LT(0, dense_ns);
	ASSERT_LT(0, sparse_ns);
	EXPECT_GT(4 * dense_ns + (int64_t)SPARSE_PAGES * REGION_NS * slowness(), sparse_ns);

	ASSERT_OK(scan_all_wait());
	for (i = 0; i < SPARSE_PAGES; i++)
		shared += page_frame(sparse.pid, (char *)sparse.mem + i * SPARSE_STEP) ==
			  page_frame(dense.pid, child_page(&dense, i));
	EXPECT_MOST(SPARSE_PAGES, shared);
	EXPECT_EQ(-1, child_call(&sparse, do_verify_sparse, 0, 0, 0, 0));
	EXPECT_EQ(-1, child_verify(&dense, 0, SPARSE_PAGES, SEED_PAIR, 0));
}

#define MANY_PAGES	100000UL
#define TWIN_PAGES	500UL
#define COLLIDE_FACTOR	8

/*
 * Equal in all but one word, which is another in each page, at a place that goes
 * through the page: whatever lines a fingerprint reads, it is the same for most.
 */
static void fill_colliding(uint64_t *words, size_t number)
{
	page_fill(words, SEED_PAIR, 0);
	words[number % (PAGE_SIZE / 8)] = number;
}

static long do_fill_colliding(struct child *self, const long *arg)
{
	long i;

	for (i = 0; i < arg[0]; i++)
		fill_colliding(child_page(self, i), i);
	return 0;
}

static long do_verify_colliding(struct child *self, const long *arg)
{
	static uint64_t expected[PAGE_SIZE / 8];
	long i;

	for (i = 0; i < arg[0]; i++) {
		fill_colliding(expected, i);
		if (memcmp(child_page(self, i), expected, PAGE_SIZE))
			return i;
	}
	return -1;
}

static int64_t cost_of_two_passes(struct __test_metadata *_metadata, struct child *child,
				  const char *name)
{
	int64_t first, second;

	EXPECT_EQ(0, vm_add(child->pid, name, 0));
	first = cost_of_pass(child->pid);
	second = cost_of_pass(child->pid);
	TH_LOG("%s: %lld us, then %lld us", name, (long long)first / 1000,
	       (long long)second / 1000);
	EXPECT_LT(0, first);
	EXPECT_LT(0, second);
	return first + second;
}

TEST_F_TIMEOUT(bounds, pages_built_to_collide_do_not_slow_the_scanners_down, BOUNDS_SECONDS)
{
	int64_t random_ns, colliding_ns;
	struct child many, twin;

	ASSERT_OK(host_vm(&self->host, &many, NULL, MANY_PAGES, MEM_SMALL));
	ASSERT_EQ(0, child_fill(&many, 0, MANY_PAGES, 7, 0));
	random_ns = cost_of_two_passes(_metadata, &many, "random");
	ASSERT_OK(vm_del(many.pid, false));
	ASSERT_EQ(0, child_call(&many, do_fill_colliding, MANY_PAGES, 0, 0, 0));
	colliding_ns = cost_of_two_passes(_metadata, &many, "colliding");
	EXPECT_GT(COLLIDE_FACTOR * random_ns, colliding_ns);

	/* Equal ones among them are still found. */
	ASSERT_OK(host_vm(&self->host, &twin, NULL, TWIN_PAGES, MEM_SMALL));
	ASSERT_EQ(0, child_call(&twin, do_fill_colliding, TWIN_PAGES, 0, 0, 0));
	ASSERT_OK(vm_add(twin.pid, "twin", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST(TWIN_PAGES, frames_equal(many.pid, many.mem, twin.pid, twin.mem, TWIN_PAGES));
	EXPECT_EQ(-1, child_call(&many, do_verify_colliding, MANY_PAGES, 0, 0, 0));
	EXPECT_EQ(-1, child_call(&twin, do_verify_colliding, TWIN_PAGES, 0, 0, 0));
}

/* Everything but what is left to the host; locked, so that nobody asks for more. */
static long do_eat(struct child *self, const long *arg)
{
	long long left = meminfo_kb("MemAvailable") - arg[0];

	self->pages = left > 0 ? left / 4 : 0;
	self->mem = mmap(NULL, self->pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return self->mem == MAP_FAILED ? -errno : 0;
}

static long do_give_back(struct child *self, const long *arg)
{
	(void)arg;
	return munmap(self->mem, self->pages * PAGE_SIZE) ? -errno : 0;
}

/* Fills memory with what can be thrown away, again and again, so that none is ever free. */
static void read_for_ever(const char *device)
{
	static char buffer[1 << 16];
	int fd = open(device, O_RDONLY | O_CLOEXEC);

	for (;;)
		if (read(fd, buffer, sizeof(buffer)) <= 0)
			lseek(fd, 0, SEEK_SET);
}

#define FAULTS		"/sys/kernel/debug/fail_page_alloc/"
#define LEFT_KB		(96L << 10)
#define PRESSURE_VMS	6
#define PRESSURE_PAGES	1024UL

/* The scanner's own allocations fail, where the kernel can do that. */
static int fail_allocations(struct host *host, bool on)
{
	char path[300], comm[32];
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (read_file(path, comm, sizeof(comm)) || strncmp(comm, "pshare/", 7))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/make-it-fail", entry->d_name);
		if (write_file(path, on ? "1" : "0"))
			return ENOENT;
	}
	if (dir)
		closedir(dir);
	if (!on)
		return 0;
	return host_set(host, FAULTS "task-filter", "Y") ?:
	       host_set(host, FAULTS "ignore-gfp-wait", "N") ?:
	       host_set(host, FAULTS "min-order", "0") ?:
	       host_set(host, FAULTS "verbose", "0") ?:
	       host_set(host, FAULTS "times", "-1") ?:
	       host_set(host, FAULTS "probability", "100");
}

static pid_t start_pressure(struct __test_metadata *_metadata, struct host *host,
			    struct child *eater)
{
	char device[64];
	pid_t reader;

	ASSERT_EQ(0, host_loop(host, 1024, device, sizeof(device)));
	ASSERT_OK(host_child(host, eater, CHILD_LOCK_REST));
	ASSERT_EQ(0, child_call(eater, do_eat, LEFT_KB, 0, 0, 0));
	reader = child_fork();
	if (!reader)
		read_for_ever(device);
	return reader;
}

static void end_pressure(struct __test_metadata *_metadata, struct child *eater, pid_t reader)
{
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	EXPECT_EQ(0, child_call(eater, do_give_back, 0, 0, 0, 0));
}

static size_t count_shared(struct child *vms)
{
	size_t shared = 0;
	int i;

	for (i = 1; i < PRESSURE_VMS; i++)
		shared += frames_equal(vms[0].pid, vms[0].mem, vms[i].pid, vms[i].mem,
				       PRESSURE_PAGES);
	return shared;
}

static void expect_all_right(struct __test_metadata *_metadata, struct child *vms)
{
	int i;

	for (i = 0; i < PRESSURE_VMS; i++)
		EXPECT_EQ(-1, child_verify(&vms[i], 0, PRESSURE_PAGES, SEED_PAIR, 0));
}

/* A pass whose end is asked for: telling of it needs memory. */
static int scan_and_ask(void)
{
	double end = deadline(BOUNDS_SECONDS / 2);
	bool running = true;
	uint64_t cookie;
	int err = scan_start(0, &cookie);

	while (!err && running && now() < end) {
		pause_ms(20);
		err = scan_running(cookie, &running);
	}
	return err ?: running ? ETIMEDOUT : 0;
}

static void scan_without_memory(struct __test_metadata *_metadata, struct host *host,
				struct child *vms)
{
	bool inject = !access(FAULTS "probability", W_OK);
	struct child eater;
	pid_t reader = 0;
	int err = 0;

	if (inject)
		err = fail_allocations(host, true);
	else
		reader = start_pressure(_metadata, host, &eater);
	ASSERT_EQ(0, err);
	ASSERT_OK(knob_set("max_frames", "0"));
	ASSERT_EQ(0, scan_and_ask());
	ASSERT_EQ(0, scan_and_ask());
	TH_LOG("%s: %zu pages shared, %lld without memory", inject ? "injected" : "full host",
	       count_shared(vms), (long long)host_grown(host, C(SKIPPED_NOMEM)));
	expect_all_right(_metadata, vms);
	if (inject) {
		EXPECT_LT(0, host_grown(host, C(SKIPPED_NOMEM)));
		EXPECT_EQ(0, fail_allocations(host, false));
		EXPECT_EQ(0, write_file(FAULTS "probability", "0"));
	} else {
		end_pressure(_metadata, &eater, reader);
	}
}

TEST_F_TIMEOUT(bounds, failed_allocations_cost_merges_only, BOUNDS_SECONDS)
{
	long long killed = vmstat_number("oom_kill");
	struct child vms[PRESSURE_VMS];
	char name[8];
	int i;

	for (i = 0; i < PRESSURE_VMS; i++) {
		snprintf(name, sizeof(name), "vm%d", i);
		ASSERT_OK(host_filled(&self->host, &vms[i], NULL, PRESSURE_PAGES, MEM_SMALL,
				      SEED_PAIR, 0));
	}
	/* Memory is short when the regions are known and nothing is merged. */
	ASSERT_OK(knob_set("max_frames", "1"));
	for (i = 0; i < PRESSURE_VMS; i++) {
		snprintf(name, sizeof(name), "vm%d", i);
		ASSERT_OK(vm_add(vms[i].pid, name, 0));
	}
	ASSERT_OK(scan_once_wait(0));
	scan_without_memory(_metadata, &self->host, vms);
	EXPECT_EQ(killed, vmstat_number("oom_kill"));
	/* With memory again, what was left out is made up for. */
	ASSERT_OK(scan_all_wait());
	EXPECT_MOST((PRESSURE_VMS - 1) * PRESSURE_PAGES, count_shared(vms));
	expect_all_right(_metadata, vms);
}

#define BUDGET_PAGES	60000UL
#define BUDGET_PERCENT	10
#define WINDOW_SECONDS	6

/* utime and stime of all scanner threads, in clock ticks of 10 ms. */
static long scanner_ticks(void)
{
	char path[300], line[1024], *rest;
	DIR *dir = opendir("/proc");
	unsigned long user, system;
	struct dirent *entry;
	long ticks = 0;

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
		    read_file(path, line, sizeof(line)) || !strstr(line, "(pshare/"))
			continue;
		rest = strrchr(line, ')');
		if (rest && sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				   &user, &system) == 2)
			ticks += user + system;
	}
	if (dir)
		closedir(dir);
	return ticks;
}

/* In percent of one processor, while there is more to do than can be done. */
static double use_of_cpu(void)
{
	double start = now();
	long before = scanner_ticks();

	pause_ms(WINDOW_SECONDS * 1000);
	return (scanner_ticks() - before) / (now() - start);
}

static void check_budget(struct __test_metadata *_metadata, struct child *child,
			 unsigned int threads)
{
	int64_t until;
	double use;

	ASSERT_OK(knob_set_u64("scan_threads", threads));
	ASSERT_OK(vm_add(child->pid, "work", 0));
	/* A new VM settles first: more than samples has been looked at when it is visited. */
	until = stat_now(C(PAGES_SCANNED)) + (int64_t)BUDGET_PAGES / 4;
	while (stat_now(C(PAGES_SCANNED)) < until)
		pause_ms(20);
	use = use_of_cpu();
	TH_LOG("%u threads: %.1f %%", threads, use);
	EXPECT_GT(BUDGET_PERCENT * 1.4, use);
	/* Otherwise it would say nothing. */
	EXPECT_LT(BUDGET_PERCENT * 0.5, use);
	ASSERT_OK(vm_del(child->pid, false));
}

TEST_F_TIMEOUT(bounds, the_scanners_keep_to_their_share_of_cpu_time, BOUNDS_SECONDS)
{
	struct child child;

	/* Whole pages are read: enough work for all of the window. */
	ASSERT_OK(knob_set("cpu_percent", "10", "sample_lines", "64"));
	ASSERT_OK(host_vm(&self->host, &child, NULL, BUDGET_PAGES, MEM_SMALL));
	ASSERT_EQ(0, child_fill(&child, 0, BUDGET_PAGES, 7, 0));
	check_budget(_metadata, &child, 1);
	check_budget(_metadata, &child, 4);
}

#define SCANNER_NICE		5
#define KERNEL_SLICE_NS		3000000ULL	/* the longest that the kernel gives by itself */

/* The kernel's struct sched_attr: its header and the C library's do not go together. */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns;	/* the slice, for threads of no special kind */
	uint64_t deadline_ns;
	uint64_t period_ns;
};

static pid_t scanner_pid(void)
{
	char path[300], comm[32];
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	pid_t pid = 0;

	while (dir && !pid && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (!read_file(path, comm, sizeof(comm)) && !strcmp(comm, "pshare/0"))
			pid = atoi(entry->d_name);
	}
	if (dir)
		closedir(dir);
	return pid;
}

/* Whoever wakes is to get the processor: on 6.12 that takes a slice that is shorter than theirs. */
HOST_TEST(bounds, scanner_threads_leave_the_processor_to_others)
{
	struct attributes attr = { 0 };
	pid_t pid = scanner_pid();

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, syscall(SYS_sched_getattr, pid, &attr, sizeof(attr), 0));
	EXPECT_EQ((uint32_t)SCHED_OTHER, attr.policy);
	EXPECT_EQ(SCANNER_NICE, attr.nice);
	if (kernel_at_least(6, 12))
		EXPECT_LT(KERNEL_SLICE_NS, attr.runtime_ns);
}

TEST_HARNESS_MAIN
