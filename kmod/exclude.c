// SPDX-License-Identifier: GPL-2.0
/*
 * Scope "all": which processes are left alone, and the sweep that takes in the
 * others.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "knobs.h"
#include "scan.h"
#include "vm.h"

#define MAX_EXCLUSIONS	4096

/**
 * struct exclusion - what scope "all" leaves alone
 * @list: of all
 * @pid: a process, or NULL
 * @name: a command name, where @pid is NULL
 */
struct exclusion {
	struct list_head list;
	struct pid *pid;
	char name[TASK_COMM_LEN];
};

static DEFINE_MUTEX(exclude_mutex);
static LIST_HEAD(exclusions);
static unsigned int nr_exclusions;

static DEFINE_MUTEX(sweep_mutex);

static struct exclusion *find(struct pid *pid, const char *name)
{
	struct exclusion *exclusion;

	lockdep_assert_held(&exclude_mutex);
	list_for_each_entry(exclusion, &exclusions, list) {
		if (pid ? exclusion->pid == pid :
			  !exclusion->pid && !strcmp(exclusion->name, name))
			return exclusion;
	}
	return NULL;
}

static int check_name(const char *name, struct netlink_ext_ack *extack)
{
	if (*name && strlen(name) < TASK_COMM_LEN)
		return 0;
	NL_SET_ERR_MSG(extack, "a command name has 1 to 15 characters");
	return -EINVAL;
}

static int insert(struct pid *pid, const char *name, struct netlink_ext_ack *extack)
{
	struct exclusion *exclusion;

	if (find(pid, name)) {
		NL_SET_ERR_MSG(extack, "it is excluded already");
		return -EEXIST;
	}
	if (nr_exclusions == MAX_EXCLUSIONS) {
		NL_SET_ERR_MSG(extack, "too many exclusions (4096)");
		return -ENOSPC;
	}
	exclusion = kzalloc(sizeof(*exclusion), GFP_KERNEL);
	if (!exclusion) {
		NL_SET_ERR_MSG(extack, "no memory");
		return -ENOMEM;
	}
	exclusion->pid = get_pid(pid);
	if (!pid)
		strscpy(exclusion->name, name, sizeof(exclusion->name));
	list_add_tail(&exclusion->list, &exclusions);
	nr_exclusions++;
	return 0;
}

/* Is there a process with it, and not just a thread? */
static bool is_alive(struct pid *pid)
{
	bool alive;

	rcu_read_lock();
	alive = pid_task(pid, PIDTYPE_TGID);
	rcu_read_unlock();
	return alive;
}

/* The struct pid of a process. Return: 0 with a reference in @found, or -ESRCH. */
static int find_process(pid_t pid, struct pid **found, struct netlink_ext_ack *extack)
{
	*found = pid ? find_get_pid(pid) : NULL;
	if (!pid || (*found && is_alive(*found)))
		return 0;
	put_pid(*found);
	*found = NULL;
	NL_SET_ERR_MSG(extack, "there is no process with this pid");
	return -ESRCH;
}

int pshare_exclude_add(pid_t pid, const char *name, struct netlink_ext_ack *extack)
{
	struct pid *found;
	int err;

	err = pid ? 0 : check_name(name, extack);
	err = err ?: find_process(pid, &found, extack);
	if (err)
		return err;
	mutex_lock(&exclude_mutex);
	err = insert(found, name, extack);
	mutex_unlock(&exclude_mutex);
	put_pid(found);
	if (!err)
		pshare_vm_sweep();
	return err;
}

static void free_exclusion(struct exclusion *exclusion)
{
	list_del(&exclusion->list);
	put_pid(exclusion->pid);
	kfree(exclusion);
	nr_exclusions--;
}

int pshare_exclude_del(pid_t pid, const char *name, struct netlink_ext_ack *extack)
{
	struct exclusion *exclusion;
	struct pid *found;
	int err;

	err = find_process(pid, &found, extack);
	if (err)
		return err;
	mutex_lock(&exclude_mutex);
	exclusion = find(found, name);
	if (exclusion) {
		free_exclusion(exclusion);
	} else {
		NL_SET_ERR_MSG(extack, "it is not excluded");
		err = -ENOENT;
	}
	mutex_unlock(&exclude_mutex);
	put_pid(found);
	return err;
}

bool pshare_exclude_get(unsigned int index, pid_t *pid, char *name)
{
	struct exclusion *exclusion;
	bool found = false;

	mutex_lock(&exclude_mutex);
	list_for_each_entry(exclusion, &exclusions, list) {
		if (index--)
			continue;
		*pid = pid_vnr(exclusion->pid);
		strscpy(name, exclusion->name, TASK_COMM_LEN);
		found = true;
		break;
	}
	mutex_unlock(&exclude_mutex);
	return found;
}

bool pshare_exclude_covers(struct task_struct *task)
{
	struct pid *pid = get_task_pid(task, PIDTYPE_TGID);
	char comm[TASK_COMM_LEN];
	bool covers;

	get_task_comm(comm, task);
	mutex_lock(&exclude_mutex);
	covers = find(pid, NULL) || find(NULL, comm);
	mutex_unlock(&exclude_mutex);
	put_pid(pid);
	return covers;
}

/* Processes that ended leave their exclusions behind: forget those. */
static void prune_exclusions(void)
{
	struct exclusion *exclusion, *next;

	mutex_lock(&exclude_mutex);
	list_for_each_entry_safe(exclusion, next, &exclusions, list) {
		if (exclusion->pid && !is_alive(exclusion->pid))
			free_exclusion(exclusion);
	}
	mutex_unlock(&exclude_mutex);
}

/* Let those go that were taken in and are not wanted any more. */
static void release_automatic(bool all)
{
	struct pshare_vm *vm;
	u32 slot = 0;

	while ((vm = pshare_vm_next(&slot))) {
		struct task_struct *task = vm->automatic && !all ?
					   get_pid_task(vm->tgid, PIDTYPE_TGID) : NULL;

		if (vm->automatic && (all || (task && pshare_exclude_covers(task))))
			pshare_vm_del(vm, false, false, NULL);
		if (task)
			put_task_struct(task);
		pshare_vm_put(vm);
		cond_resched();
	}
}

static bool is_candidate(struct task_struct *task)
{
	return !(task->flags & PF_KTHREAD) && READ_ONCE(task->mm) &&
	       !(task->flags & PF_EXITING);
}

static unsigned int count_processes(void)
{
	struct task_struct *task;
	unsigned int n = 0;

	rcu_read_lock();
	for_each_process(task)
		n += is_candidate(task);
	rcu_read_unlock();
	return n;
}

/* Every process there is now, each with a reference. */
static unsigned int list_processes(struct task_struct **tasks, unsigned int max)
{
	struct task_struct *task;
	unsigned int n = 0;

	rcu_read_lock();
	for_each_process(task) {
		if (n == max)
			break;
		if (is_candidate(task)) {
			get_task_struct(task);
			tasks[n++] = task;
		}
	}
	rcu_read_unlock();
	return n;
}

static void take_in(struct task_struct *task)
{
	const struct pshare_vm_params params = { .automatic = true };
	struct pid *tgid = get_task_pid(task, PIDTYPE_TGID);
	struct pshare_vm *vm = pshare_vm_find_tgid(tgid);

	put_pid(tgid);
	if (!vm && !pshare_exclude_covers(task))
		vm = pshare_vm_add_task(task, &params, NULL);
	/* One that ends meanwhile, or shares another's memory, is no loss. */
	if (!IS_ERR_OR_NULL(vm))
		pshare_vm_put(vm);
}

static void take_in_all(void)
{
	unsigned int n = count_processes() + 64, i;
	struct task_struct **tasks = kvmalloc_array(n, sizeof(*tasks), GFP_KERNEL);

	if (!tasks)
		return;
	n = list_processes(tasks, n);
	for (i = 0; i < n; i++) {
		take_in(tasks[i]);
		put_task_struct(tasks[i]);
		cond_resched();
	}
	kvfree(tasks);
}

void pshare_vm_sweep(void)
{
	bool all = READ_ONCE(pshare_knobs.scope) == PSHARE_SCOPE_ALL;

	mutex_lock(&sweep_mutex);
	prune_exclusions();
	release_automatic(!all);
	if (all)
		take_in_all();
	mutex_unlock(&sweep_mutex);
}

void pshare_exclude_exit(void)
{
	struct exclusion *exclusion, *next;

	list_for_each_entry_safe(exclusion, next, &exclusions, list)
		free_exclusion(exclusion);
}
