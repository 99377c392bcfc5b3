// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once, for PSHARE_STRESS_SECONDS (60): threads of several processes
 * work on their memory in all ways there are, while it is merged at full speed,
 * unmerged, swapped, compacted, collapsed and looked at by ksmd.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "fixture.h"
#include "stress.h"

HOST_FIXTURE(stress);

#define VMS		3
#define THREADS		3
#define GROUP		"pshare-stress"
#define KHUGEPAGED	"/sys/kernel/mm/transparent_hugepage/khugepaged/"
#define KSM		"/sys/kernel/mm/ksm/"

static char device[64];

/* Shared by the test and its children. */
static struct {
	volatile bool stop;
	struct stress_report reports[VMS][THREADS];
} *shared;

static unsigned int stress_seconds(void)
{
	const char *text = getenv("PSHARE_STRESS_SECONDS");

	return text ? strtoul(text, NULL, 10) : 60;
}

static pthread_barrier_t all_there;

static void *run_thread(void *thread)
{
	pthread_barrier_wait(&all_there);
	stress_run(thread);
	return NULL;
}

/* The threads' memory lies behind one another, huge where the kernel likes. */
static long do_threads(struct child *self, const long *arg)
{
	static struct stress_thread threads[THREADS];
	pthread_t ids[THREADS];
	int i;

	pthread_barrier_init(&all_there, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		threads[i].report = &shared->reports[arg[0]][i];
		threads[i].stop = &shared->stop;
		threads[i].device = device;
		threads[i].device_offset = (arg[0] * THREADS + i) * 16 * PAGE_SIZE;
		threads[i].random = arg[0] * 1000 + i + 1;
		threads[i].mem = child_page(self, i * STRESS_PAGES);
		if (stress_prepare(&threads[i]) ||
		    pthread_create(&ids[i], NULL, run_thread, &threads[i]))
			return -EAGAIN;
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	return 0;
}

static void prepare(struct __test_metadata *_metadata, struct host *host)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_EQ(0, host_loop(host, 4, device, sizeof(device)));
	ASSERT_EQ(0, host_swap_on(host, 128));
	ASSERT_EQ(0, host_cgroup(host, GROUP));
	ASSERT_EQ(0, host_set(host, KHUGEPAGED "scan_sleep_millisecs", "100"));
	ASSERT_EQ(0, host_set(host, KHUGEPAGED "alloc_sleep_millisecs", "0"));
	ASSERT_EQ(0, host_set(host, KSM "sleep_millisecs", "20"));
	ASSERT_EQ(0, host_set(host, KSM "run", "1"));
	ASSERT_OK(knob_set("thp", "always"));
}

static void start(struct __test_metadata *_metadata, struct host *host, struct child *vm, int nr)
{
	char name[16];

	snprintf(name, sizeof(name), "stress%d", nr);
	ASSERT_OK(host_child(host, vm, CHILD_LOCK_REST));
	ASSERT_EQ(0, cgroup_add(GROUP, vm->pid));
	ASSERT_EQ(0, child_map(vm, THREADS * STRESS_PAGES, MEM_HUGE));
	ASSERT_OK(vm_add(vm->pid, name, 0));
	ASSERT_EQ(0, child_begin(vm, do_threads, nr, 0, 0, 0));
}

static int resume(struct child *vm)
{
	return vm_set(&(struct vm_args){ .pid = vm->pid, .have = HAVE_PAUSED });
}

static int set_domain(struct child *vm, uint32_t domain)
{
	return vm_set(&(struct vm_args){ .pid = vm->pid, .have = HAVE_DOMAIN, .domain = domain });
}

/* A page that is protected by userfaultfd at that moment cannot be unmerged. */
static int unless_busy(int err)
{
	return err == EBUSY ? 0 : err;
}

static int delete_and_add(struct child *vm, const char *name, bool unmerge_first)
{
	int err = vm_del(vm->pid, unmerge_first);

	if (err == EBUSY)
		return 0;
	return err ?: vm_add(vm->pid, name, 0);
}

/* What a host's owner and the kernel do meanwhile; one of them each time. */
static int disturb(struct child *vms, unsigned int turn)
{
	struct child *vm = &vms[turn % VMS];
	bool one = turn & 8, two = turn & 16;
	char name[16];

	snprintf(name, sizeof(name), "stress%u", turn % VMS);
	switch (turn % 8) {
	case 0:
		return unless_busy(unmerge(vm->pid, false, NULL)) ?: resume(vm);
	case 1:
		return knob_set("use_zero_pages", one ? "1" : "0", "max_frames", two ? "100" : "0");
	case 2:
		write_file("/proc/sys/vm/compact_memory", "1");
		return 0;
	case 3:
		/* Reports EAGAIN when it finds less. */
		cgroup_write(GROUP, "memory.reclaim", "4M");
		return 0;
	case 4:
		return delete_and_add(vm, name, one);
	case 5:
		return knob_set("sample_lines", one ? "2" : "8", "scan_threads", two ? "1" : "2");
	case 6:
		return unless_busy(knob_set("run", "2")) ?: knob_set("run", "1");
	default:
		return unless_busy(set_domain(vm, one));
	}
}

static bool any_wrong(void)
{
	int vm, i;

	for (vm = 0; vm < VMS; vm++)
		for (i = 0; i < THREADS; i++)
			if (shared->reports[vm][i].wrong)
				return true;
	return false;
}

static void report_operation(struct __test_metadata *_metadata, unsigned int op)
{
	unsigned long done = 0, refused = 0;
	int vm, i;

	for (vm = 0; vm < VMS; vm++) {
		for (i = 0; i < THREADS; i++) {
			done += shared->reports[vm][i].done[op];
			refused += shared->reports[vm][i].refused[op];
		}
	}
	TH_LOG("%-12s %6lu done %6lu refused", stress_op_name(op), done, refused);
	/* Collapsing needs luck, the others none. */
	if (strcmp(stress_op_name(op), "collapse")) {
		EXPECT_LT(refused, done)
			TH_LOG("%s was hardly ever done", stress_op_name(op));
	}
}

static void report_thread(struct __test_metadata *_metadata, struct stress_report *thread)
{
	EXPECT_FALSE(thread->wrong)
		TH_LOG("%s", thread->message);
}

static void report(struct __test_metadata *_metadata)
{
	unsigned int op;
	int vm, i;

	for (op = 0; op < stress_nr_ops; op++)
		report_operation(_metadata, op);
	for (vm = 0; vm < VMS; vm++)
		for (i = 0; i < THREADS; i++)
			report_thread(_metadata, &shared->reports[vm][i]);
}

TEST_F_TIMEOUT(stress, content_survives_everything_at_once, stress_seconds() + 120)
{
	double end = now() + stress_seconds();
	struct child vms[VMS];
	unsigned int turn;
	int i;

	prepare(_metadata, &self->host);
	for (i = 0; i < VMS; i++)
		start(_metadata, &self->host, &vms[i], i);
	for (turn = 0; now() < end && !any_wrong(); turn++) {
		ASSERT_OK(scan_once_wait(0));
		ASSERT_OK(disturb(vms, turn));
	}
	shared->stop = true;
	for (i = 0; i < VMS; i++)
		EXPECT_EQ(0, child_end(&vms[i]));
	report(_metadata);
	TH_LOG("%u turns, %lld merges", turn, (long long)host_grown(&self->host, C(MERGES)));
	EXPECT_LT(1000, host_grown(&self->host, C(MERGES)));
}

TEST_HARNESS_MAIN
