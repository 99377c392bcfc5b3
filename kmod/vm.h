/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Registry of VMs: which processes are scanned, and with what settings.
 *
 * A struct pshare_vm lives from pshare_vm_add() until the last reference is
 * gone and the MMU notifier's SRCU grace period is over. It pins the mm_struct
 * (mm_count) but not the address space: whoever looks at pages takes mm_users
 * by mmget_not_zero() for one batch of work.
 *
 * Lock order (all of it is in Documentation/design.md):
 *   vm->scan_sem -> pshare_store_sem -> mmap_lock -> page table lock
 *     -> chain locks of the index (leaves)
 *   pshare_vm_mutex (the registry's tables) -> lock of the queue of regions
 * Nobody takes pshare_vm_mutex with one of the first line held. The queue's lock
 * is taken inside them, but not inside the page table lock. The locks of a
 * second VM are only tried for.
 */
#ifndef PSHARE_VM_H
#define PSHARE_VM_H

#include <linux/list.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <linux/pshare.h>

#include "region.h"
#include "stats.h"

struct netlink_ext_ack;

#define PSHARE_WEIGHT_MIN	1
#define PSHARE_WEIGHT_MAX	1000
#define PSHARE_WEIGHT_DEFAULT	100

/* VM slots are 16 bits of a candidate; slot 0 is never used. */
#define PSHARE_VM_SLOTS		0xffff

/* Why address space can never be merged; bytes at the last layout walk. */
enum pshare_never {
	PSHARE_NEVER_SHARED_MEMORY,
	PSHARE_NEVER_HUGETLB,
	PSHARE_NEVER_MLOCKED,
	PSHARE_NEVER_DEVICE,
	PSHARE_NR_NEVER,
};

/**
 * struct pshare_layout - a layout walk that is going on; its scanner's alone
 * @addr: where to go on
 * @left: how much of the stretch under one hold of mmap_lock is left
 * @found: new regions
 * @never: bytes that can never be merged, so far
 */
struct pshare_layout {
	unsigned long addr;
	unsigned int left;
	unsigned int found;
	u64 never[PSHARE_NR_NEVER];
};

/**
 * struct pshare_vm - one registered process
 * @ref: references; the registry holds one while the VM is registered
 * @notifier: tells when the address space ends; holds mm_count
 * @mm: the address space; for mmget_not_zero()
 * @slot: number in the table of VMs, 1 to PSHARE_VM_SLOTS
 * @registered: in the tables of the registry, under pshare_vm_mutex
 * @by_mm: in the table by address space
 * @by_pid: in the table by @tgid
 * @by_name: in the table by name
 * @tgid: struct pid of the thread group
 * @rcu: for the lookup by slot, which takes no lock
 * @pid: thread group, in the initial PID namespace
 * @start_time: in clock ticks (1/100 s) since boot
 * @comm: command name when it was added
 * @name: unique name
 * @domain: sharing domain; changed only with @scan_sem held for write
 * @weight: share of scanner time
 * @thp: enum pshare_thp_policy
 * @automatic: taken in by scope "all"
 * @paused: not scanned
 * @notifier_sleeps: somebody who is told of changes of its page tables has to sleep for it
 * @ending: left the registry, or its process ended; never cleared
 * @scan_sem: held for read by a scanner while it works on the VM, for write
 *            to keep the scanners out (unmerge, change of domain, end)
 * @exit_work: takes the VM out of the registry after its process ended
 * @stats: its counters
 * @never: bytes by reason, as of the last layout walk
 * @regions: struct pshare_region by address >> PSHARE_REGION_SHIFT, under the
 *           queue's lock
 * @nr_regions: how many they are
 * @nr_marked: how many of them keep marks of their pages
 * @nr_wanted: how many of them have pages that are wanted, see marks.h
 * @expected: resident pages at the last layout walk
 * @walk: the layout walk that is going on
 * @layout: stands for the search for new regions in the queue
 * @first_pass: passes that were done when it was registered
 * @counted: when its page tables were counted last, in jiffies; 0 for never
 * @counted_shared: mappings of frames at that time
 * @counted_sharing: those of them whose frame had another mapping
 * @counted_zeros: pages merged into the zero page
 */
struct pshare_vm {
	refcount_t ref;
	struct mmu_notifier notifier;
	struct mm_struct *mm;
	u32 slot;
	bool registered;
	struct hlist_node by_mm;
	struct hlist_node by_pid;
	struct hlist_node by_name;
	struct pid *tgid;
	struct rcu_head rcu;
	pid_t pid;
	u64 start_time;
	char comm[TASK_COMM_LEN];
	char name[PSHARE_NAME_LEN + 1];
	u32 domain;
	u32 weight;
	u32 thp;
	bool automatic;
	bool paused;
	bool notifier_sleeps;
	bool ending;
	struct rw_semaphore scan_sem;
	struct work_struct exit_work;
	struct pshare_stats stats;
	u64 never[PSHARE_NR_NEVER];
	struct xarray regions;
	u64 nr_regions;
	u64 nr_marked;
	u64 nr_wanted;
	u64 expected;
	struct pshare_layout walk;
	struct pshare_region layout;
	u64 first_pass;
	unsigned long counted;
	atomic64_t counted_shared;
	atomic64_t counted_sharing;
	atomic64_t counted_zeros;
};

extern struct mutex pshare_vm_mutex;

/**
 * struct pshare_vm_params - what vm-add and vm-set can say
 * @set: which members are given, PSHARE_VM_SET_*
 * @domain: as in struct pshare_vm, as the next three
 * @weight: %PSHARE_WEIGHT_MIN to %PSHARE_WEIGHT_MAX
 * @thp: enum pshare_thp_policy
 * @paused: for vm-set
 * @force: unmerge for a new domain even if the memory seems not to be there
 * @automatic: for vm-add, by scope "all"
 * @name: for vm-add
 */
struct pshare_vm_params {
	u32 set;
	u32 domain;
	u32 weight;
	u32 thp;
	bool paused;
	bool notifier_sleeps;
	bool force;
	bool automatic;
	const char *name;
};

#define PSHARE_VM_SET_DOMAIN	BIT(0)
#define PSHARE_VM_SET_WEIGHT	BIT(1)
#define PSHARE_VM_SET_THP	BIT(2)
#define PSHARE_VM_SET_PAUSED	BIT(3)
#define PSHARE_VM_SET_NAME	BIT(4)

/**
 * pshare_vm_add() - register a process
 * @pid: of the thread group, in the caller's PID namespace
 * @start_time: of the process, in clock ticks since boot
 * @params: name, domain, weight, thp where given
 * @extack: gets a message on every error
 *
 * Context: process context, may sleep; takes mmap_lock for write, and then
 * pshare_vm_mutex.
 * Return: the VM with a reference for the caller, or ERR_PTR: -ESRCH the
 * process is gone or the pid was reused; -EOPNOTSUPP a kernel thread;
 * -EEXIST the process or the name is registered; -ENOSPC no slot;
 * -EINVAL a bad parameter; -ENOMEM; -EINTR the caller got a signal.
 */
struct pshare_vm *pshare_vm_add(pid_t pid, u64 start_time,
				const struct pshare_vm_params *params,
				struct netlink_ext_ack *extack);

/**
 * pshare_vm_add_task() - register the process of a thread group leader
 * @task: with a reference
 * @params: as for pshare_vm_add()
 * @extack: as for pshare_vm_add()
 *
 * Context: as pshare_vm_add().
 * Return: as pshare_vm_add().
 */
struct pshare_vm *pshare_vm_add_task(struct task_struct *task,
				     const struct pshare_vm_params *params,
				     struct netlink_ext_ack *extack);

/**
 * pshare_vm_del() - end a registration
 * @vm: a registered VM; the caller keeps its reference
 * @unmerge: give it its own copy of every shared page first
 * @force: do so even if the memory for it seems not to be there
 * @extack: gets a message on every error
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOMEM, -EINTR or -EBUSY as pshare_unmerge_vm(), and then the VM
 * stays registered; -ENOENT if it is not registered any more.
 */
int pshare_vm_del(struct pshare_vm *vm, bool unmerge, bool force,
		  struct netlink_ext_ack *extack);

/**
 * pshare_vm_set() - change settings of a VM, all or none
 * @vm: a VM with a reference
 * @params: what to change; a new domain unmerges the VM first
 * @extack: gets a message on every error
 *
 * Context: as pshare_vm_del().
 * Return: as pshare_vm_del(); -EINVAL for a bad parameter.
 */
int pshare_vm_set(struct pshare_vm *vm, const struct pshare_vm_params *params,
		  struct netlink_ext_ack *extack);

/**
 * pshare_vm_unmerge() - give a VM its own copy of every shared page; pause it
 * @vm: a registered VM
 * @force: even if the memory for it seems not to be there
 * @extack: gets a message on every error
 *
 * Context: as pshare_vm_del().
 * Return: as pshare_unmerge_vm(); the VM is not paused after an error.
 */
int pshare_vm_unmerge(struct pshare_vm *vm, bool force,
		      struct netlink_ext_ack *extack);

/**
 * pshare_vm_unmerge_all() - unmerge every VM
 * @force: even if the memory for it seems not to be there
 * @extack: gets a message on every error; may be NULL
 *
 * The caller has stopped the scanners from merging (knob run). The memory for
 * all of it is checked first.
 *
 * Context: as pshare_vm_del().
 * Return: as pshare_unmerge_vm(), of the first VM that failed.
 */
int pshare_vm_unmerge_all(bool force, struct netlink_ext_ack *extack);

/* References. Each of the finders returns one, or NULL. */
void pshare_vm_put(struct pshare_vm *vm);
struct pshare_vm *pshare_vm_find_slot(u32 slot);
struct pshare_vm *pshare_vm_find_pid(pid_t pid);	/* caller's PID namespace */
struct pshare_vm *pshare_vm_find_tgid(struct pid *tgid);
struct pshare_vm *pshare_vm_find_name(const char *name);

/**
 * pshare_vm_next() - the registered VM with the lowest slot above one
 * @slot: in: where to go on from (0 to start); out: the VM's slot
 * Return: the VM with a reference, or NULL at the end.
 */
struct pshare_vm *pshare_vm_next(u32 *slot);

/* Number of registered VMs, and a number that changes with every add and end. */
u32 pshare_vm_count(void);
u32 pshare_vm_generation(void);

/* pid of a VM in the caller's PID namespace, 0 if it is not visible there. */
pid_t pshare_vm_pid(const struct pshare_vm *vm);

/* Resident bytes (anonymous, file, shmem) of the process; 0 once it ended. */
u64 pshare_vm_rss_bytes(struct pshare_vm *vm);

/**
 * pshare_vm_sweep() - scope "all": take in every process that is not excluded;
 * otherwise let those go that were taken in
 *
 * Called by a scanner thread now and then, and when the knob changes.
 * Context: process context, may sleep.
 */
void pshare_vm_sweep(void);

/* Is a process excluded from scope "all"? */
bool pshare_exclude_covers(struct task_struct *task);
void pshare_exclude_exit(void);

/*
 * Exclusions for scope "all", by pid (0 for none) or command name (NULL for
 * none). Return 0, -EEXIST, -ENOENT, -ESRCH, -ENOMEM with an extack message.
 */
int pshare_exclude_add(pid_t pid, const char *name, struct netlink_ext_ack *extack);
int pshare_exclude_del(pid_t pid, const char *name, struct netlink_ext_ack *extack);

/**
 * pshare_exclude_get() - the exclusion at a position
 * @index: 0 for the first
 * @pid: its pid in the caller's namespace, or 0
 * @name: its command name or "", TASK_COMM_LEN bytes
 * Return: false past the last.
 */
bool pshare_exclude_get(unsigned int index, pid_t *pid, char *name);

int pshare_vm_init(void);
void pshare_vm_exit(void);

#endif
