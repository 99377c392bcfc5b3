// SPDX-License-Identifier: GPL-2.0
/* Priority of scanner threads; see priority.h. */
#include <linux/sched.h>
#include <linux/sched/stat.h>
#include <linux/time64.h>
#include <uapi/linux/sched/types.h>

#include "priority.h"
#include "request.h"

#define NICE		5

/*
 * Where threads have slices of their own (EEVDF), who wakes and has the shorter one need not wait
 * for the next tick. The kernel's own is at most 3 ms.
 */
#define SLICE_NS	(10 * NSEC_PER_MSEC)

void pshare_priority_low(void)
{
	const struct sched_attr attr = {
		.sched_policy = SCHED_NORMAL,
		.sched_nice = NICE,
		.sched_runtime = SLICE_NS,
	};

	sched_setattr_nocheck(current, &attr);
}

void pshare_priority_give_way(void)
{
	if (single_task_running() || pshare_request_waiting())
		cond_resched();
	else
		schedule();
}
