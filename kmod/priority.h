/* SPDX-License-Identifier: GPL-2.0 */
/* How a scanner thread stands with others that want the processor. */
#ifndef PSHARE_PRIORITY_H
#define PSHARE_PRIORITY_H

/**
 * pshare_priority_low() - guests first
 *
 * For the calling thread, at its beginning.
 */
void pshare_priority_low(void);

/**
 * pshare_priority_give_way() - let those have the processor who wait for it
 *
 * More than cond_resched(): the scheduler may let a thread go on until the next tick although
 * somebody who waits has the better right to the processor by now. It is asked, but for requests,
 * which are served at full speed.
 *
 * Context: may sleep.
 */
void pshare_priority_give_way(void);

#endif
