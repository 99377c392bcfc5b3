// SPDX-License-Identifier: GPL-2.0
/*
 * Follows the memory of a process as drivers do that must wait for their hardware: where a
 * range is to be invalidated without sleeping, it refuses.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>

static int pid;
module_param(pid, int, 0444);
MODULE_PARM_DESC(pid, "process to follow");

static unsigned int refused;
module_param(refused, uint, 0444);
MODULE_PARM_DESC(refused, "ranges that would not have been waited for");

static unsigned int waited;
module_param(waited, uint, 0444);
MODULE_PARM_DESC(waited, "ranges that were waited for");

static unsigned long longest;
module_param(longest, ulong, 0644);
MODULE_PARM_DESC(longest, "pages of the longest range that was waited for; can be set anew");

static struct mm_struct *mm;

static int on_start(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	if (!mmu_notifier_range_blockable(range)) {
		refused++;
		return -EAGAIN;
	}
	usleep_range(100, 200);
	waited++;
	longest = max(longest, (range->end - range->start) >> PAGE_SHIFT);
	return 0;
}

static const struct mmu_notifier_ops ops = {
	.invalidate_range_start = on_start,
};

static struct mmu_notifier notifier = {
	.ops = &ops,
};

/* The address space of a process, with a user, or NULL. */
static struct mm_struct *mm_of(pid_t number)
{
	struct pid *which = find_get_pid(number);
	struct task_struct *task = get_pid_task(which, PIDTYPE_TGID);
	struct mm_struct *found = task ? get_task_mm(task) : NULL;

	if (task)
		put_task_struct(task);
	put_pid(which);
	return found;
}

static int __init begin(void)
{
	int err;

	mm = mm_of(pid);
	if (!mm)
		return -ESRCH;
	/* For the end, when the process may be gone. */
	mmgrab(mm);
	err = mmu_notifier_register(&notifier, mm);
	if (err)
		mmdrop(mm);
	mmput(mm);
	return err;
}

static void __exit end(void)
{
	mmu_notifier_unregister(&notifier, mm);
	mmdrop(mm);
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("An MMU notifier that has to sleep");
