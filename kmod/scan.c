// SPDX-License-Identifier: GPL-2.0
/*
 * Scanner threads: take what is due, visit it, rest when the budget is used.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/freezer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "budget.h"
#include "compat.h"
#include "frame.h"
#include "knobs.h"
#include "layout.h"
#include "priority.h"
#include "region.h"
#include "request.h"
#include "scan.h"
#include "store.h"
#include "trace.h"
#include "visit.h"
#include "vm.h"

/* How often scope "all" looks for new processes, and frames are swept. */
#define SWEEP_INTERVAL	(2 * HZ)
#define SWEEP_PART	30	/* all of them in a minute */

/**
 * struct scanner - one thread
 * @task: the thread
 * @visit: what it needs for a visit
 * @cpu_seen: its CPU time at the last reading, in nanoseconds
 * @swept: when it last looked for frames without mappings, in jiffies
 * @first: it also does the work that is done once for all
 */
struct scanner {
	struct task_struct *task;
	struct pshare_visit *visit;
	u64 cpu_seen;
	unsigned long swept;
	bool first;
};

static struct scanner *scanners[PSHARE_MAX_SCAN_THREADS];
static unsigned int nr_scanners;
static DEFINE_MUTEX(threads_mutex);
static DECLARE_WAIT_QUEUE_HEAD(scan_wait);

/* Raised by everything that a resting thread should look at. */
static atomic_t kicks = ATOMIC_INIT(0);
static bool sweep_wanted;

/* Held for read during each piece of work, for write to wait for their ends. */
static DECLARE_RWSEM(work_sem);

static bool may_run(void)
{
	return READ_ONCE(pshare_knobs.run) == PSHARE_RUN_MERGE;
}

void pshare_scan_kick(void)
{
	atomic_inc(&kicks);
	wake_up_all(&scan_wait);
	/* Nobody serves a request while the scanners are stopped. */
	if (!may_run())
		pshare_request_cancel_all();
}

void pshare_scan_sweep_soon(void)
{
	WRITE_ONCE(sweep_wanted, true);
	pshare_scan_kick();
}

void pshare_scan_quiesce(void)
{
	down_write(&work_sem);
	up_write(&work_sem);
}

/* A VM that is paused is passed by; its regions count as visited. */
static int visit_vm(struct scanner *scanner, const struct pshare_work *work)
{
	struct pshare_vm *vm = work->vm;

	if (READ_ONCE(vm->ending))
		return -ESRCH;
	if (READ_ONCE(vm->paused))
		return 0;
	return work->region ? pshare_visit_region(scanner->visit, work) :
			      pshare_layout_walk(vm);
}

static void charge(struct scanner *scanner, struct pshare_vm *vm, bool counts)
{
	u64 used = pshare_budget_charge(&scanner->cpu_seen, counts);

	pshare_stats_add_one(vm, PSHARE_C_scan_cpu_ns, used);
}

/* Return: time to rest, in jiffies; 0 after a piece of work. */
static unsigned long work_once(struct scanner *scanner)
{
	struct pshare_work work;
	unsigned long wait;
	int result;

	if (!may_run())
		return MAX_SCHEDULE_TIMEOUT;
	if (!pshare_region_take(&work, &wait))
		return wait;
	/* Once all the VMs that came together have been walked. */
	if (work.region && scanner->first)
		pshare_store_fit(pshare_region_present());
	if (work.drain)
		ksym(lru_add_drain_all)();
	result = visit_vm(scanner, &work);
	charge(scanner, work.vm, !work.full_speed);
	pshare_region_put_back(&work, result);
	return 0;
}

static bool sweep_due(unsigned long *last)
{
	if (time_before(jiffies, *last + SWEEP_INTERVAL))
		return false;
	*last = jiffies;
	return true;
}

/* Work done once for all threads, whether or not anything is merged. */
static void housekeep(struct scanner *scanner)
{
	bool all = xchg(&sweep_wanted, false);

	if (all)
		pshare_frame_sweep(1);
	if (!sweep_due(&scanner->swept))
		return;
	/* What is not needed any more is given back at rest, too. */
	pshare_store_fit(pshare_region_present());
	pshare_frame_sweep(SWEEP_PART);
	if (READ_ONCE(pshare_knobs.scope) == PSHARE_SCOPE_ALL)
		pshare_vm_sweep();
}

/* Return: time to rest, in jiffies. */
static unsigned long run_once(struct scanner *scanner)
{
	unsigned long wait = pshare_budget_wait();

	/* A request is served at full speed, whatever the budget says. */
	if (wait && !pshare_request_waiting())
		return wait;
	if (scanner->first)
		housekeep(scanner);
	down_read(&work_sem);
	wait = work_once(scanner);
	up_read(&work_sem);
	/* Frames without mappings and new processes are looked for at rest, too. */
	return scanner->first ? min_t(unsigned long, wait, SWEEP_INTERVAL) : wait;
}

static void rest(struct scanner *scanner, int seen, unsigned long wait)
{
	if (wait > HZ)
		pshare_visit_idle(scanner->visit);
	wait_event_freezable_timeout(scan_wait, kthread_should_stop() ||
				     atomic_read(&kicks) != seen, wait);
}

static int scanner_thread(void *data)
{
	struct scanner *scanner = data;

	set_freezable();
	pshare_priority_low();
	while (!kthread_should_stop()) {
		int seen = atomic_read(&kicks);
		unsigned long wait = run_once(scanner);

		if (wait)
			rest(scanner, seen, wait);
		pshare_priority_give_way();
	}
	charge(scanner, NULL, true);
	return 0;
}

static void free_scanner(struct scanner *scanner)
{
	pshare_visit_free(scanner->visit);
	kfree(scanner);
}

static struct scanner *start_scanner(unsigned int nr)
{
	struct scanner *scanner = kzalloc(sizeof(*scanner), GFP_KERNEL);
	struct task_struct *task;

	if (!scanner)
		return ERR_PTR(-ENOMEM);
	scanner->first = !nr;
	scanner->visit = pshare_visit_alloc();
	task = scanner->visit ? kthread_create(scanner_thread, scanner, "pshare/%u", nr) :
				ERR_PTR(-ENOMEM);
	if (IS_ERR(task)) {
		free_scanner(scanner);
		return ERR_CAST(task);
	}
	scanner->task = task;
	wake_up_process(task);
	return scanner;
}

static void stop_scanners(unsigned int keep)
{
	lockdep_assert_held(&threads_mutex);
	while (nr_scanners > keep) {
		struct scanner *scanner = scanners[--nr_scanners];

		kthread_stop(scanner->task);
		free_scanner(scanner);
	}
}

int pshare_scan_set_threads(unsigned int n)
{
	unsigned int before;
	int err = 0;

	mutex_lock(&threads_mutex);
	before = nr_scanners;
	while (!err && nr_scanners < n) {
		struct scanner *scanner = start_scanner(nr_scanners);

		err = PTR_ERR_OR_ZERO(scanner);
		if (!err)
			scanners[nr_scanners++] = scanner;
	}
	stop_scanners(err ? before : n);
	mutex_unlock(&threads_mutex);
	return err;
}

int pshare_scan_request(struct pshare_vm *vm, u64 *cookie, struct netlink_ext_ack *extack)
{
	int err;

	if (!may_run()) {
		NL_SET_ERR_MSG(extack, "the scanners are stopped: set run=1");
		return -EBUSY;
	}
	if (vm && READ_ONCE(vm->paused)) {
		NL_SET_ERR_MSG(extack, "the VM is paused: set paused=0 for it");
		return -EBUSY;
	}
	err = pshare_request_add(vm, cookie);
	if (err == -EBUSY)
		NL_SET_ERR_MSG(extack, "too many scans are waiting (64)");
	else if (err)
		NL_SET_ERR_MSG(extack, "no memory for the request");
	else
		/* Ends the request again if run was cleared after the look at it. */
		pshare_scan_kick();
	return err;
}

int pshare_scan_running(u64 cookie)
{
	return pshare_request_running(cookie);
}

int pshare_scan_init(void)
{
	return pshare_scan_set_threads(READ_ONCE(pshare_knobs.scan_threads));
}

void pshare_scan_exit(void)
{
	mutex_lock(&threads_mutex);
	stop_scanners(0);
	mutex_unlock(&threads_mutex);
	pshare_request_cancel_all();
}
