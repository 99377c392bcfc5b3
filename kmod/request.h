/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests for a full pass at full speed, over one VM or all. They are served
 * one after the other; a request first waits for the layout of its VMs, then
 * for a visit of each of their regions, and for those that these bring up.
 */
#ifndef PSHARE_REQUEST_H
#define PSHARE_REQUEST_H

#include <linux/types.h>

struct pshare_vm;

/**
 * pshare_request_add() - ask for a pass
 * @vm: over this VM, or NULL for all
 * @cookie: gets the number of the request
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, or -EBUSY when too many are waiting.
 */
int pshare_request_add(struct pshare_vm *vm, u64 *cookie);

/* Return: 1 or 0, or -ENOENT for a cookie that was never given out. */
int pshare_request_running(u64 cookie);

/* Is there any request that is not served? Context: any. */
bool pshare_request_waiting(void);

/* The scanners stop: every request ends as it is. Context: may sleep. */
void pshare_request_cancel_all(void);

/* Begin the next request; tell of one that is served. Context: may sleep. */
void pshare_request_start(void);
void pshare_request_settle(void);

/* Tell that a pass has ended. Context: may sleep. */
void pshare_request_pass_ended(void);

/* Regions that a request waits for. Context: the queue's lock is held. */
void pshare_request_join(u32 request);
void pshare_request_leave(u32 request);

/* The request that is being served, if it covers a VM; else 0. Queue's lock held. */
u32 pshare_request_current(const struct pshare_vm *vm);

#endif
