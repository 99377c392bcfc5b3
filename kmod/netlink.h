/* SPDX-License-Identifier: GPL-2.0 */
/* Generic netlink family "pshare": requests and events; and sysfs. */
#ifndef PSHARE_NETLINK_H
#define PSHARE_NETLINK_H

#include <linux/types.h>

struct genl_family;
struct pshare_vm;
struct sk_buff;

/*
 * Events. Context: may sleep; dropped when nobody listens, when memory is
 * short, and before pshare_events_open() and after pshare_events_close().
 */
void pshare_event_vm_add(struct pshare_vm *vm);
void pshare_event_vm_del(struct pshare_vm *vm);
void pshare_event_vm_exit(struct pshare_vm *vm);
void pshare_event_pass(u64 full_scans, u64 merges);
void pshare_event_scan(u64 cookie, u64 merges);
void pshare_event_limit(u64 frames, u64 max_frames);

/* The group of events exists. Closing waits for events that are being sent. */
void pshare_events_open(void);
void pshare_events_close(void);

extern struct genl_family pshare_nl_family;

/**
 * pshare_nl_put_identity() - id, pid, start time and name of a VM
 * @skb: message to append them to
 * @vm: the VM, with a reference
 * @pid: its pid as the receiver knows it
 * Return: 0 or -EMSGSIZE.
 */
int pshare_nl_put_identity(struct sk_buff *skb, const struct pshare_vm *vm, pid_t pid);

/**
 * pshare_netlink_init() - take requests
 *
 * Everything that requests use must be ready.
 * Return: 0 or an error.
 */
int pshare_netlink_init(void);

/* No more requests and events; waits for those that are being worked on. */
void pshare_netlink_exit(void);

int pshare_sysfs_init(void);
void pshare_sysfs_exit(void);

#endif
