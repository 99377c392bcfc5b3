// SPDX-License-Identifier: GPL-2.0
/*
 * Events: notifications to the multicast group "events". The group exists
 * while the family is registered; the semaphore keeps a sender from using its
 * number after it was given back.
 */
#include <linux/rwsem.h>
#include <net/genetlink.h>

#include <linux/pshare.h>

#include "netlink.h"
#include "netlink_gen.h"
#include "vm.h"

static DECLARE_RWSEM(group_sem);
static bool group_open;

void pshare_events_open(void)
{
	down_write(&group_sem);
	group_open = true;
	up_write(&group_sem);
}

void pshare_events_close(void)
{
	down_write(&group_sem);
	group_open = false;
	up_write(&group_sem);
}

static void send_filled(u8 cmd, int (*fill)(struct sk_buff *skb, const void *data),
			const void *data)
{
	struct sk_buff *skb;
	void *hdr;

	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return;
	hdr = genlmsg_put(skb, 0, 0, &pshare_nl_family, 0, cmd);
	if (!hdr || fill(skb, data)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&pshare_nl_family, skb, 0, PSHARE_NLGRP_EVENTS, GFP_KERNEL);
}

static void send(u8 cmd, int (*fill)(struct sk_buff *skb, const void *data), const void *data)
{
	down_read(&group_sem);
	if (group_open && genl_has_listeners(&pshare_nl_family, &init_net, PSHARE_NLGRP_EVENTS))
		send_filled(cmd, fill, data);
	up_read(&group_sem);
}

/* A listener is told pids of the initial namespace: who sends is by chance. */
static int fill_identity(struct sk_buff *skb, const void *data)
{
	const struct pshare_vm *vm = data;

	return pshare_nl_put_identity(skb, vm, vm->pid);
}

static int fill_vm(struct sk_buff *skb, const void *data)
{
	const struct pshare_vm *vm = data;

	if (fill_identity(skb, vm) ||
	    nla_put_string(skb, PSHARE_A_VM_COMM, vm->comm) ||
	    nla_put_u32(skb, PSHARE_A_VM_DOMAIN, READ_ONCE(vm->domain)) ||
	    nla_put_u8(skb, PSHARE_A_VM_AUTOMATIC, READ_ONCE(vm->automatic)))
		return -EMSGSIZE;
	return 0;
}

/* Two numbers and the attributes that carry them. */
struct numbers {
	int attr[2];
	int pad;
	u64 value[2];
};

static int fill_numbers(struct sk_buff *skb, const void *data)
{
	const struct numbers *numbers = data;

	if (nla_put_u64_64bit(skb, numbers->attr[0], numbers->value[0], numbers->pad) ||
	    nla_put_u64_64bit(skb, numbers->attr[1], numbers->value[1], numbers->pad))
		return -EMSGSIZE;
	return 0;
}

void pshare_event_vm_add(struct pshare_vm *vm)
{
	send(PSHARE_CMD_VM_ADD_NTF, fill_vm, vm);
}

void pshare_event_vm_del(struct pshare_vm *vm)
{
	send(PSHARE_CMD_VM_DEL_NTF, fill_identity, vm);
}

void pshare_event_vm_exit(struct pshare_vm *vm)
{
	send(PSHARE_CMD_VM_EXIT_NTF, fill_identity, vm);
}

void pshare_event_pass(u64 full_scans, u64 merges)
{
	struct numbers numbers = {
		.attr = { PSHARE_A_SCAN_FULL_SCANS, PSHARE_A_SCAN_MERGES },
		.pad = PSHARE_A_SCAN_PAD,
		.value = { full_scans, merges },
	};

	send(PSHARE_CMD_PASS_NTF, fill_numbers, &numbers);
}

void pshare_event_scan(u64 cookie, u64 merges)
{
	struct numbers numbers = {
		.attr = { PSHARE_A_SCAN_COOKIE, PSHARE_A_SCAN_MERGES },
		.pad = PSHARE_A_SCAN_PAD,
		.value = { cookie, merges },
	};

	send(PSHARE_CMD_SCAN_NTF, fill_numbers, &numbers);
}

void pshare_event_limit(u64 frames, u64 max_frames)
{
	struct numbers numbers = {
		.attr = { PSHARE_A_EVENT_FRAMES, PSHARE_A_EVENT_MAX_FRAMES },
		.pad = PSHARE_A_EVENT_PAD,
		.value = { frames, max_frames },
	};

	send(PSHARE_CMD_LIMIT_NTF, fill_numbers, &numbers);
}
