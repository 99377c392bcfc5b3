/* SPDX-License-Identifier: GPL-2.0 */
/* Scanner threads, their CPU budget, and requests for a pass at full speed. */
#ifndef PSHARE_SCAN_H
#define PSHARE_SCAN_H

#include <linux/types.h>

struct netlink_ext_ack;
struct pshare_vm;

/**
 * pshare_scan_request() - ask for one full pass at full speed
 * @vm: over this VM, or NULL for all
 * @cookie: gets the number of the request, which the event of its end carries
 * @extack: gets a message on every error
 *
 * Context: process context, may sleep.
 * Return: 0, -ENOMEM, -EBUSY when the scanners are stopped (run is not 1), the
 * VM is paused, or too many requests are waiting.
 */
int pshare_scan_request(struct pshare_vm *vm, u64 *cookie,
			struct netlink_ext_ack *extack);

/**
 * pshare_scan_running() - is a request still being worked on?
 * @cookie: as pshare_scan_request() gave it
 * Return: 1 or 0, or -ENOENT for a cookie that was never given out.
 */
int pshare_scan_running(u64 cookie);

/**
 * pshare_scan_set_threads() - start or stop scanner threads
 * @n: how many there are to be
 *
 * Context: process context, may sleep.
 * Return: 0 or an error, and then the number is as it was.
 */
int pshare_scan_set_threads(unsigned int n);

/* Something changed that the threads should look at: a knob, a new VM. */
void pshare_scan_kick(void);

/* Frames have lost their mappings: look for them soon. */
void pshare_scan_sweep_soon(void);

/**
 * pshare_scan_quiesce() - wait until no scanner is inside a region
 *
 * For a caller that cleared knob run: when it returns, no scanner thread
 * merges until run is 1 again. Context: process context, may sleep.
 */
void pshare_scan_quiesce(void);

int pshare_scan_init(void);
void pshare_scan_exit(void);

#endif
