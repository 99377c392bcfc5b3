/* SPDX-License-Identifier: GPL-2.0 */
/* CPU budget of all scanner threads together: the knob cpu_percent. */
#ifndef PSHARE_BUDGET_H
#define PSHARE_BUDGET_H

#include <linux/types.h>

/**
 * pshare_budget_charge() - CPU time that the calling thread has used
 * @seen: the thread's last reading; updated
 * @counts: false for work at full speed, which is not held against the budget
 * Return: nanoseconds used since the last reading.
 */
u64 pshare_budget_charge(u64 *seen, bool counts);

/**
 * pshare_budget_wait() - how long the scanners must rest
 * Return: time in jiffies until the budget allows more work, 0 for none.
 */
unsigned long pshare_budget_wait(void);

#endif
