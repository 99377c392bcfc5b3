// SPDX-License-Identifier: GPL-2.0
/* Registry of VMs; see vm.h. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/stringhash.h>
#include <linux/wait.h>

#include "compat.h"
#include "knobs.h"
#include "netlink.h"
#include "region.h"
#include "scan.h"
#include "store.h"
#include "trace.h"
#include "unmerge.h"
#include "vm.h"

#define TABLE_BITS	10
#define NS_PER_TICK	(NSEC_PER_SEC / USER_HZ)

DEFINE_MUTEX(pshare_vm_mutex);

/* The registry; the tables are under pshare_vm_mutex, @slots is read under RCU. */
static DEFINE_XARRAY_ALLOC1(slots);
static DEFINE_HASHTABLE(by_mm, TABLE_BITS);
static DEFINE_HASHTABLE(by_pid, TABLE_BITS);
static DEFINE_HASHTABLE(by_name, TABLE_BITS);
static u32 next_slot, nr_vms, generation;

static struct workqueue_struct *exit_queue;

/* VMs whose memory is still there: the module cannot go before it is zero. */
static atomic_t nr_alive;
static DECLARE_WAIT_QUEUE_HEAD(all_gone);

static u32 name_hash(const char *name)
{
	return full_name_hash(NULL, name, strlen(name));
}

static void free_vm(struct mmu_notifier *notifier)
{
	struct pshare_vm *vm = container_of(notifier, struct pshare_vm, notifier);

	put_pid(vm->tgid);
	kfree_rcu(vm, rcu);
	if (atomic_dec_and_test(&nr_alive))
		wake_up(&all_gone);
}

/* The address space ends: keep the scanners out, and let the registry know. */
static void release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct pshare_vm *vm = container_of(notifier, struct pshare_vm, notifier);

	WRITE_ONCE(vm->ending, true);
	if (refcount_inc_not_zero(&vm->ref) && !queue_work(exit_queue, &vm->exit_work))
		pshare_vm_put(vm);
}

static const struct mmu_notifier_ops notifier_ops = {
	.release = release,
	.free_notifier = free_vm,
};

void pshare_vm_put(struct pshare_vm *vm)
{
	if (refcount_dec_and_test(&vm->ref))
		mmu_notifier_put(&vm->notifier);
}

u32 pshare_vm_count(void)
{
	return READ_ONCE(nr_vms);
}

u32 pshare_vm_generation(void)
{
	return READ_ONCE(generation);
}

pid_t pshare_vm_pid(const struct pshare_vm *vm)
{
	return pid_vnr(vm->tgid);
}

u64 pshare_vm_rss_bytes(struct pshare_vm *vm)
{
	return READ_ONCE(vm->ending) ? 0 : (u64)get_mm_rss(vm->mm) << PAGE_SHIFT;
}

/* Out of the tables. Return: false if somebody else did it before. */
static bool unhook(struct pshare_vm *vm)
{
	lockdep_assert_held(&pshare_vm_mutex);
	if (!vm->registered)
		return false;
	vm->registered = false;
	WRITE_ONCE(vm->ending, true);
	hash_del(&vm->by_mm);
	hash_del(&vm->by_pid);
	hash_del(&vm->by_name);
	xa_erase(&slots, vm->slot);
	pshare_index_set_live(&pshare_index, vm->slot, false);
	WRITE_ONCE(nr_vms, nr_vms - 1);
	WRITE_ONCE(generation, generation + 1);
	return true;
}

/*
 * After unhook(): nobody finds the VM any more, but a scanner may be in it or
 * have a region of it in its hand.
 */
static void dismantle(struct pshare_vm *vm)
{
	down_write(&vm->scan_sem);
	pshare_region_drop_vm(vm);
	up_write(&vm->scan_sem);
	pshare_stats_drop(vm);
	pshare_scan_sweep_soon();
	pshare_vm_put(vm);
}

static void exit_work(struct work_struct *work)
{
	struct pshare_vm *vm = container_of(work, struct pshare_vm, exit_work);
	bool mine;

	mutex_lock(&pshare_vm_mutex);
	mine = unhook(vm);
	mutex_unlock(&pshare_vm_mutex);
	if (mine) {
		trace_vm_exit(vm->pid, vm->name);
		pshare_event_vm_exit(vm);
		dismantle(vm);
	}
	pshare_vm_put(vm);
}

static struct pshare_vm *find_mm(const struct mm_struct *mm)
{
	struct pshare_vm *vm;

	hash_for_each_possible(by_mm, vm, by_mm, (unsigned long)mm) {
		if (vm->mm == mm)
			return vm;
	}
	return NULL;
}

static struct pshare_vm *find_name(const char *name)
{
	struct pshare_vm *vm;

	hash_for_each_possible(by_name, vm, by_name, name_hash(name)) {
		if (!strcmp(vm->name, name))
			return vm;
	}
	return NULL;
}

static int hook(struct pshare_vm *vm, struct netlink_ext_ack *extack)
{
	struct pshare_vm *other = find_mm(vm->mm);
	int err;

	lockdep_assert_held(&pshare_vm_mutex);
	if (other) {
		NL_SET_ERR_MSG_FMT(extack, "the process is registered already, as %.40s",
				   other->name);
		return -EEXIST;
	}
	if (find_name(vm->name)) {
		NL_SET_ERR_MSG_FMT(extack, "another VM has the name %.40s", vm->name);
		return -EEXIST;
	}
	err = xa_alloc_cyclic(&slots, &vm->slot, vm, XA_LIMIT(1, PSHARE_VM_SLOTS), &next_slot,
			      GFP_KERNEL);
	if (err == -EBUSY) {
		NL_SET_ERR_MSG_FMT(extack, "no room for one more than %u VMs", nr_vms);
		return -ENOSPC;
	}
	if (err < 0) {
		NL_SET_ERR_MSG(extack, "no memory for another VM");
		return err;
	}
	pshare_index_set_live(&pshare_index, vm->slot, true);
	hash_add(by_mm, &vm->by_mm, (unsigned long)vm->mm);
	hash_add(by_pid, &vm->by_pid, (unsigned long)vm->tgid);
	hash_add(by_name, &vm->by_name, name_hash(vm->name));
	vm->registered = true;
	WRITE_ONCE(nr_vms, nr_vms + 1);
	WRITE_ONCE(generation, generation + 1);
	/* The registry's reference. */
	refcount_inc(&vm->ref);
	return 0;
}

/* A name that can be given back on a command line: a process chooses its comm freely. */
static void default_name(struct pshare_vm *vm)
{
	char *c;

	snprintf(vm->name, sizeof(vm->name), "%s-%d", vm->comm, vm->pid);
	for (c = vm->name; *c; c++) {
		if (*c <= ' ' || *c > '~' || *c == '/')
			*c = '_';
	}
}

static struct pshare_vm *alloc_vm(struct task_struct *task, struct mm_struct *mm,
				  const struct pshare_vm_params *params)
{
	struct pshare_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);

	if (!vm)
		return NULL;
	refcount_set(&vm->ref, 1);
	vm->mm = mm;
	vm->tgid = get_task_pid(task, PIDTYPE_TGID);
	vm->pid = task->tgid;
	vm->start_time = div_u64(task->start_boottime, NS_PER_TICK);
	get_task_comm(vm->comm, task);
	vm->weight = params->set & PSHARE_VM_SET_WEIGHT ? params->weight : PSHARE_WEIGHT_DEFAULT;
	vm->domain = params->set & PSHARE_VM_SET_DOMAIN ? params->domain : 0;
	vm->thp = params->set & PSHARE_VM_SET_THP ? params->thp : PSHARE_THP_POLICY_DEFAULT;
	vm->automatic = params->automatic;
	if (params->set & PSHARE_VM_SET_NAME)
		strscpy(vm->name, params->name, sizeof(vm->name));
	else
		default_name(vm);
	vm->first_pass = atomic64_read(&pshare_host_stats.c[PSHARE_C_full_scans]);
	init_rwsem(&vm->scan_sem);
	INIT_WORK(&vm->exit_work, exit_work);
	xa_init(&vm->regions);
	vm->notifier.ops = &notifier_ops;
	return vm;
}

static int check_params(const struct pshare_vm_params *params, struct netlink_ext_ack *extack)
{
	if (params->set & PSHARE_VM_SET_WEIGHT &&
	    (params->weight < PSHARE_WEIGHT_MIN || params->weight > PSHARE_WEIGHT_MAX)) {
		NL_SET_ERR_MSG(extack, "weight must be 1 to 1000");
		return -EINVAL;
	}
	if (params->set & PSHARE_VM_SET_THP && params->thp > PSHARE_THP_POLICY_ALWAYS) {
		NL_SET_ERR_MSG(extack, "thp must be default, never, auto or always");
		return -EINVAL;
	}
	return 0;
}

/* @mm_users is held by the caller, so that the address space cannot end meanwhile. */
static struct pshare_vm *add_mm(struct task_struct *task, struct mm_struct *mm,
				const struct pshare_vm_params *params,
				struct netlink_ext_ack *extack)
{
	struct pshare_vm *vm = alloc_vm(task, mm, params);
	int err;

	err = vm ? mmu_notifier_register(&vm->notifier, mm) : -ENOMEM;
	if (err) {
		NL_SET_ERR_MSG(extack, "no memory to register the process, or it is being killed");
		if (vm)
			put_pid(vm->tgid);
		kfree(vm);
		return ERR_PTR(err);
	}
	atomic_inc(&nr_alive);
	mutex_lock(&pshare_vm_mutex);
	err = hook(vm, extack);
	if (!err)
		pshare_region_enqueue_vm(vm);
	mutex_unlock(&pshare_vm_mutex);
	if (err) {
		pshare_vm_put(vm);
		return ERR_PTR(err);
	}
	trace_vm_add(vm->pid, vm->name);
	pshare_event_vm_add(vm);
	pshare_scan_kick();
	return vm;
}

struct pshare_vm *pshare_vm_add_task(struct task_struct *task,
				     const struct pshare_vm_params *params,
				     struct netlink_ext_ack *extack)
{
	struct pshare_vm *vm;
	struct mm_struct *mm;
	int err;

	err = check_params(params, extack);
	if (err)
		return ERR_PTR(err);
	if (task->flags & PF_KTHREAD) {
		NL_SET_ERR_MSG(extack, "a kernel thread has no memory to share");
		return ERR_PTR(-EOPNOTSUPP);
	}
	mm = get_task_mm(task);
	if (!mm) {
		NL_SET_ERR_MSG(extack, "the process has ended");
		return ERR_PTR(-ESRCH);
	}
	vm = add_mm(task, mm, params, extack);
	mmput_async(mm);
	return vm;
}

struct pshare_vm *pshare_vm_add(pid_t pid, u64 start_time,
				const struct pshare_vm_params *params,
				struct netlink_ext_ack *extack)
{
	struct pid *tgid = find_get_pid(pid);
	struct task_struct *task = get_pid_task(tgid, PIDTYPE_TGID);
	struct pshare_vm *vm;

	put_pid(tgid);
	if (!task) {
		NL_SET_ERR_MSG(extack, "there is no process with this pid");
		return ERR_PTR(-ESRCH);
	}
	if (div_u64(task->start_boottime, NS_PER_TICK) != start_time) {
		NL_SET_ERR_MSG(extack, "the pid is of another process now: start time differs");
		vm = ERR_PTR(-ESRCH);
	} else {
		vm = pshare_vm_add_task(task, params, extack);
	}
	put_task_struct(task);
	return vm;
}

static int not_registered(struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG(extack, "the VM is not registered any more");
	return -ENOENT;
}

/* Check the memory, then give the VM its copies. scan_sem is held for write. */
static int unmerge_checked(struct pshare_vm *vm, bool force, struct netlink_ext_ack *extack)
{
	int err = 0;

	if (!force)
		err = pshare_unmerge_check(vm->mm, pshare_unmerge_pages(vm), extack);
	return err ?: pshare_unmerge_vm(vm, force, extack);
}

int pshare_vm_del(struct pshare_vm *vm, bool unmerge, bool force, struct netlink_ext_ack *extack)
{
	int err = 0;

	if (unmerge) {
		down_write(&vm->scan_sem);
		err = unmerge_checked(vm, force, extack);
		/* No scanner may come in between the copies and the end. */
		if (!err)
			WRITE_ONCE(vm->paused, true);
		up_write(&vm->scan_sem);
	}
	if (err)
		return err;
	mutex_lock(&pshare_vm_mutex);
	if (!unhook(vm))
		err = not_registered(extack);
	mutex_unlock(&pshare_vm_mutex);
	if (err)
		return err;
	trace_vm_del(vm->pid, vm->name);
	pshare_event_vm_del(vm);
	dismantle(vm);
	return 0;
}

/* A new domain: what is shared with the old one is given back first. */
static int set_domain(struct pshare_vm *vm, u32 domain, bool force,
		      struct netlink_ext_ack *extack)
{
	int err;

	if (vm->domain == domain)
		return 0;
	down_write(&vm->scan_sem);
	err = unmerge_checked(vm, force, extack);
	if (!err)
		WRITE_ONCE(vm->domain, domain);
	up_write(&vm->scan_sem);
	return err;
}

int pshare_vm_set(struct pshare_vm *vm, const struct pshare_vm_params *params,
		  struct netlink_ext_ack *extack)
{
	int err = check_params(params, extack);

	if (err)
		return err;
	if (READ_ONCE(vm->ending))
		return not_registered(extack);
	if (params->set & PSHARE_VM_SET_DOMAIN)
		err = set_domain(vm, params->domain, params->force, extack);
	if (err)
		return err;
	if (params->set & PSHARE_VM_SET_WEIGHT)
		WRITE_ONCE(vm->weight, params->weight);
	if (params->set & PSHARE_VM_SET_THP)
		WRITE_ONCE(vm->thp, params->thp);
	if (params->set & PSHARE_VM_SET_PAUSED)
		WRITE_ONCE(vm->paused, params->paused);
	pshare_region_renew_vm(vm);
	pshare_scan_kick();
	return 0;
}

int pshare_vm_unmerge(struct pshare_vm *vm, bool force, struct netlink_ext_ack *extack)
{
	int err;

	down_write(&vm->scan_sem);
	err = unmerge_checked(vm, force, extack);
	if (!err)
		WRITE_ONCE(vm->paused, true);
	up_write(&vm->scan_sem);
	pshare_scan_sweep_soon();
	return err;
}

static u64 unmerge_pages_of_all(void)
{
	struct pshare_vm *vm;
	u64 pages = 0;
	u32 slot = 0;

	while ((vm = pshare_vm_next(&slot))) {
		pages += pshare_unmerge_pages(vm);
		pshare_vm_put(vm);
	}
	return pages;
}

int pshare_vm_unmerge_all(bool force, struct netlink_ext_ack *extack)
{
	struct pshare_vm *vm;
	int err = 0;
	u32 slot = 0;

	if (!force)
		err = pshare_unmerge_check_host(unmerge_pages_of_all(), extack);
	while (!err && (vm = pshare_vm_next(&slot))) {
		down_write(&vm->scan_sem);
		err = pshare_unmerge_vm(vm, force, extack);
		up_write(&vm->scan_sem);
		pshare_vm_put(vm);
	}
	pshare_scan_sweep_soon();
	return err;
}

struct pshare_vm *pshare_vm_find_slot(u32 slot)
{
	struct pshare_vm *vm;

	rcu_read_lock();
	vm = xa_load(&slots, slot);
	if (vm && !refcount_inc_not_zero(&vm->ref))
		vm = NULL;
	rcu_read_unlock();
	return vm;
}

struct pshare_vm *pshare_vm_find_tgid(struct pid *tgid)
{
	struct pshare_vm *vm, *found = NULL;

	mutex_lock(&pshare_vm_mutex);
	hash_for_each_possible(by_pid, vm, by_pid, (unsigned long)tgid) {
		if (vm->tgid != tgid)
			continue;
		/* After an exec the old address space may still be on its way out. */
		if (!found || READ_ONCE(found->ending))
			found = vm;
	}
	if (found)
		refcount_inc(&found->ref);
	mutex_unlock(&pshare_vm_mutex);
	return found;
}

struct pshare_vm *pshare_vm_find_pid(pid_t pid)
{
	struct pid *tgid = find_get_pid(pid);
	struct pshare_vm *vm = tgid ? pshare_vm_find_tgid(tgid) : NULL;

	put_pid(tgid);
	return vm;
}

struct pshare_vm *pshare_vm_find_name(const char *name)
{
	struct pshare_vm *vm;

	mutex_lock(&pshare_vm_mutex);
	vm = find_name(name);
	if (vm)
		refcount_inc(&vm->ref);
	mutex_unlock(&pshare_vm_mutex);
	return vm;
}

struct pshare_vm *pshare_vm_next(u32 *slot)
{
	unsigned long index = *slot;
	struct pshare_vm *vm;

	rcu_read_lock();
	do {
		vm = xa_find_after(&slots, &index, ULONG_MAX, XA_PRESENT);
	} while (vm && !refcount_inc_not_zero(&vm->ref));
	rcu_read_unlock();
	*slot = index;
	return vm;
}

int pshare_vm_init(void)
{
	exit_queue = alloc_workqueue("pshare_exit", WQ_UNBOUND, 0);
	return exit_queue ? 0 : -ENOMEM;
}

static void end_all(void)
{
	struct pshare_vm *vm;
	u32 slot = 0;

	while ((vm = pshare_vm_next(&slot))) {
		bool mine;

		mutex_lock(&pshare_vm_mutex);
		mine = unhook(vm);
		mutex_unlock(&pshare_vm_mutex);
		if (mine)
			dismantle(vm);
		pshare_vm_put(vm);
	}
}

void pshare_vm_exit(void)
{
	end_all();
	/* No release() runs any more; what it has queued drops the last references. */
	mmu_notifier_synchronize();
	destroy_workqueue(exit_queue);
	wait_event(all_gone, !atomic_read(&nr_alive));
	/* The last free_vm() may still be on its way out of this module's text. */
	synchronize_rcu();
	xa_destroy(&slots);
}
