// SPDX-License-Identifier: GPL-2.0
/*
 * CPU budget: a leaky bucket. Used CPU time fills it, time empties it at
 * cpu_percent of one core; while it is over the brim the scanners rest. The
 * brim is small, so that the budget holds over any second.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "budget.h"
#include "knobs.h"

/* Work that may be done in one go, as time at the allowed rate. */
#define BRIM_NS		(10 * NSEC_PER_MSEC)

static DEFINE_SPINLOCK(bucket_lock);
static u64 emptied_at;
static s64 level;

static void empty(u64 percent)
{
	u64 now = ktime_get_ns();

	level -= div_u64((now - emptied_at) * percent, 100);
	level = max_t(s64, level, 0);
	emptied_at = now;
}

u64 pshare_budget_charge(u64 *seen, bool counts)
{
	u64 now = READ_ONCE(current->se.sum_exec_runtime);
	u64 used = now - *seen;

	*seen = now;
	if (!counts)
		return used;
	spin_lock(&bucket_lock);
	level += used;
	spin_unlock(&bucket_lock);
	return used;
}

unsigned long pshare_budget_wait(void)
{
	u64 percent = READ_ONCE(pshare_knobs.cpu_percent);
	u64 brim = div_u64(BRIM_NS * percent, 100);
	u64 over;

	spin_lock(&bucket_lock);
	empty(percent);
	over = level > (s64)brim ? level - brim : 0;
	spin_unlock(&bucket_lock);
	if (!over)
		return 0;
	return nsecs_to_jiffies(div64_u64(over * 100, percent)) + 1;
}
