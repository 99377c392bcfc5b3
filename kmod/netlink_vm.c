// SPDX-License-Identifier: GPL-2.0
/* Netlink requests about VMs: vm-add, vm-del, vm-set, vm-get, unmerge. */
#include <linux/string.h>
#include <net/genetlink.h>

#include <linux/pshare.h>

#include "compat.h"
#include "knobs.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "netlink_request.h"
#include "vm.h"

static_assert(PSHARE_A_NEVER_HUGETLB == PSHARE_A_NEVER_SHARED_MEMORY + PSHARE_NEVER_HUGETLB);
static_assert(PSHARE_A_NEVER_MLOCKED == PSHARE_A_NEVER_SHARED_MEMORY + PSHARE_NEVER_MLOCKED);
static_assert(PSHARE_A_NEVER_DEVICE == PSHARE_A_NEVER_SHARED_MEMORY + PSHARE_NEVER_DEVICE);
static_assert(PSHARE_A_NEVER_MAX == PSHARE_A_NEVER_SHARED_MEMORY + PSHARE_NR_NEVER - 1);

int pshare_nl_put_identity(struct sk_buff *skb, const struct pshare_vm *vm, pid_t pid)
{
	if (nla_put_u32(skb, PSHARE_A_VM_ID, vm->slot) ||
	    nla_put_u32(skb, PSHARE_A_VM_PID, pid) ||
	    nla_put_u64_64bit(skb, PSHARE_A_VM_START_TIME, vm->start_time, PSHARE_A_VM_PAD) ||
	    nla_put_string(skb, PSHARE_A_VM_NAME, vm->name))
		return -EMSGSIZE;
	return 0;
}

static enum pshare_vm_state vm_state(const struct pshare_vm *vm)
{
	if (READ_ONCE(vm->ending))
		return PSHARE_VM_STATE_ENDING;
	return READ_ONCE(vm->paused) ? PSHARE_VM_STATE_PAUSED : PSHARE_VM_STATE_ACTIVE;
}

static int put_settings(struct sk_buff *skb, const struct pshare_vm *vm)
{
	if (nla_put_u32(skb, PSHARE_A_VM_DOMAIN, READ_ONCE(vm->domain)) ||
	    nla_put_u32(skb, PSHARE_A_VM_WEIGHT, READ_ONCE(vm->weight)) ||
	    nla_put_u32(skb, PSHARE_A_VM_THP, READ_ONCE(vm->thp)) ||
	    nla_put_u8(skb, PSHARE_A_VM_PAUSED, READ_ONCE(vm->paused)) ||
	    nla_put_u32(skb, PSHARE_A_VM_STATE, vm_state(vm)) ||
	    nla_put_u8(skb, PSHARE_A_VM_AUTOMATIC, READ_ONCE(vm->automatic)))
		return -EMSGSIZE;
	return 0;
}

static int put_vm(struct sk_buff *skb, struct pshare_vm *vm)
{
	u64 never[PSHARE_NR_NEVER];
	unsigned int i;

	for (i = 0; i < PSHARE_NR_NEVER; i++)
		never[i] = READ_ONCE(vm->never[i]);
	if (pshare_nl_put_identity(skb, vm, pshare_vm_pid(vm)) ||
	    nla_put_string(skb, PSHARE_A_VM_COMM, vm->comm) ||
	    put_settings(skb, vm) ||
	    nla_put_u64_64bit(skb, PSHARE_A_VM_RSS_BYTES, pshare_vm_rss_bytes(vm),
			      PSHARE_A_VM_PAD) ||
	    pshare_nl_put_counters(skb, PSHARE_A_VM_COUNTERS, vm, false))
		return -EMSGSIZE;
	return pshare_nl_put_numbers(skb, PSHARE_A_VM_NEVER, PSHARE_A_NEVER_SHARED_MEMORY,
			   PSHARE_A_NEVER_PAD, never, PSHARE_NR_NEVER);
}

/* A name that cannot be taken for a pid or a path. */
static int check_new_name(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	const char *name = nla_data(attr);
	int err;

	err = pshare_nl_check_text(attr, extack);
	if (err)
		return err;
	if (strchr(name, '/') || name[0] == ' ' || name[strlen(name) - 1] == ' ') {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a name has no / and no space at its ends");
		return -EINVAL;
	}
	if (!name[strspn(name, "0123456789")]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a name is not all digits, as a pid is");
		return -EINVAL;
	}
	return 0;
}

static struct pshare_vm *find_request_vm(struct genl_info *info)
{
	return pshare_nl_find_vm(info->attrs[PSHARE_A_VM_PID], info->attrs[PSHARE_A_VM_NAME],
				 info->extack);
}

static void read_vm_settings(struct genl_info *info, struct pshare_vm_params *params)
{
	if (info->attrs[PSHARE_A_VM_DOMAIN]) {
		params->domain = nla_get_u32(info->attrs[PSHARE_A_VM_DOMAIN]);
		params->set |= PSHARE_VM_SET_DOMAIN;
	}
	if (info->attrs[PSHARE_A_VM_WEIGHT]) {
		params->weight = nla_get_u32(info->attrs[PSHARE_A_VM_WEIGHT]);
		params->set |= PSHARE_VM_SET_WEIGHT;
	}
	if (info->attrs[PSHARE_A_VM_THP]) {
		params->thp = nla_get_u32(info->attrs[PSHARE_A_VM_THP]);
		params->set |= PSHARE_VM_SET_THP;
	}
}

static int read_vm_add(struct genl_info *info, pid_t *pid, struct pshare_vm_params *params)
{
	struct nlattr *name = info->attrs[PSHARE_A_VM_NAME];
	int err;

	if (GENL_REQ_ATTR_CHECK(info, PSHARE_A_VM_PID)) {
		GENL_SET_ERR_MSG(info, "vm-add needs the pid of a process");
		return -EINVAL;
	}
	if (GENL_REQ_ATTR_CHECK(info, PSHARE_A_VM_START_TIME)) {
		GENL_SET_ERR_MSG(info, "vm-add needs the start time of the process");
		return -EINVAL;
	}
	err = pshare_nl_read_pid(info->attrs[PSHARE_A_VM_PID], pid, info->extack);
	if (!err && name)
		err = check_new_name(name, info->extack);
	if (err)
		return err;
	if (name) {
		params->name = nla_data(name);
		params->set |= PSHARE_VM_SET_NAME;
	}
	read_vm_settings(info, params);
	return 0;
}

static int vm_add(struct sk_buff *skb, struct genl_info *info)
{
	struct pshare_vm_params params = {};
	struct pshare_vm *vm;
	struct pshare_nl_reply reply;
	pid_t pid;
	int err;

	err = read_vm_add(info, &pid, &params);
	if (err)
		return err;
	err = pshare_nl_reply_begin(&reply, info);
	if (err)
		return err;
	vm = pshare_vm_add(pid, nla_get_u64(info->attrs[PSHARE_A_VM_START_TIME]), &params,
			   info->extack);
	if (IS_ERR(vm))
		return pshare_nl_reply_end(&reply, info, PTR_ERR(vm));
	err = pshare_nl_put_identity(reply.skb, vm, pshare_vm_pid(vm));
	pshare_vm_put(vm);
	return pshare_nl_reply_end(&reply, info, err);
}

static int vm_del(struct sk_buff *skb, struct genl_info *info)
{
	bool unmerge = info->attrs[PSHARE_A_VM_UNMERGE];
	bool force = info->attrs[PSHARE_A_VM_FORCE];
	struct pshare_vm *vm;
	int err;

	if (force && !unmerge) {
		GENL_SET_ERR_MSG(info, "force is only for unmerge");
		return -EINVAL;
	}
	vm = find_request_vm(info);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	err = pshare_vm_del(vm, unmerge, force, info->extack);
	pshare_vm_put(vm);
	return err;
}

static int read_vm_set(struct genl_info *info, struct pshare_vm_params *params)
{
	struct nlattr *paused = info->attrs[PSHARE_A_VM_PAUSED];

	read_vm_settings(info, params);
	params->force = info->attrs[PSHARE_A_VM_FORCE];
	if (paused && nla_get_u8(paused) > 1) {
		NL_SET_ERR_MSG_ATTR(info->extack, paused, "paused is 0 or 1");
		return -EINVAL;
	}
	if (paused) {
		params->paused = nla_get_u8(paused);
		params->set |= PSHARE_VM_SET_PAUSED;
	}
	if (!params->set) {
		GENL_SET_ERR_MSG(info, "nothing to set: give domain, weight, thp or paused");
		return -EINVAL;
	}
	return 0;
}

static int vm_set(struct sk_buff *skb, struct genl_info *info)
{
	struct pshare_vm_params params = {};
	struct pshare_vm *vm;
	int err;

	err = read_vm_set(info, &params);
	if (err)
		return err;
	vm = find_request_vm(info);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	err = pshare_vm_set(vm, &params, info->extack);
	pshare_vm_put(vm);
	return err;
}

static int vm_get(struct sk_buff *skb, struct genl_info *info)
{
	struct pshare_vm *vm;
	struct pshare_nl_reply reply;
	int err;

	vm = find_request_vm(info);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	err = pshare_nl_reply_begin(&reply, info);
	if (!err)
		err = pshare_nl_reply_end(&reply, info, put_vm(reply.skb, vm));
	pshare_vm_put(vm);
	return err;
}

struct vm_cursor {
	u32 slot;
	bool begun;
};

static int begin_vm_dump(struct netlink_callback *cb, struct vm_cursor *cursor)
{
	struct nlattr **attrs = pshare_dump_attrs(cb);
	int err;

	if (cursor->begun)
		return 0;
	err = pshare_nl_check_request(cb->skb, cb->nlh, 0, cb->extack);
	if (err)
		return err;
	if (attrs[PSHARE_A_VM_PID] || attrs[PSHARE_A_VM_NAME]) {
		NL_SET_ERR_MSG(cb->extack, "a dump is of all VMs: give no pid and no name");
		return -EINVAL;
	}
	cursor->begun = true;
	return 0;
}

static int dump_vm(struct sk_buff *skb, struct netlink_callback *cb, struct pshare_vm *vm)
{
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &pshare_nl_family,
			  NLM_F_MULTI, PSHARE_CMD_VM_GET);
	if (!hdr)
		return -EMSGSIZE;
	genl_dump_check_consistent(cb, hdr);
	if (put_vm(skb, vm)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int pshare_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct vm_cursor *cursor = (void *)cb->ctx;
	struct pshare_vm *vm;
	u32 slot;
	int err;

	err = begin_vm_dump(cb, cursor);
	/* 0 would say that there is nothing to compare with. */
	cb->seq = pshare_vm_generation() + 1;
	slot = cursor->slot;
	while (!err && (vm = pshare_vm_next(&slot))) {
		err = dump_vm(skb, cb, vm);
		pshare_vm_put(vm);
		if (!err)
			cursor->slot = slot;
	}
	return pshare_nl_dump_result(skb, cb, err);
}

static int set_run_unmerge(struct pshare_knobs *copy, void *data)
{
	copy->run = PSHARE_RUN_UNMERGE;
	return 0;
}

static int unmerge(struct sk_buff *skb, struct genl_info *info)
{
	bool all = !info->attrs[PSHARE_A_VM_PID] && !info->attrs[PSHARE_A_VM_NAME];
	bool force = info->attrs[PSHARE_A_VM_FORCE];
	struct pshare_vm *vm = NULL;
	struct pshare_nl_reply reply;
	int err;

	err = pshare_nl_reply_begin(&reply, info);
	if (err)
		return err;
	if (all) {
		err = pshare_knobs_update(set_run_unmerge, NULL, force, info->extack);
	} else {
		vm = find_request_vm(info);
		err = IS_ERR(vm) ? PTR_ERR(vm) : pshare_vm_unmerge(vm, force, info->extack);
	}
	if (!err)
		err = pshare_nl_put_counters(reply.skb, PSHARE_A_VM_COUNTERS, vm, true);
	if (!IS_ERR_OR_NULL(vm))
		pshare_vm_put(vm);
	return pshare_nl_reply_end(&reply, info, err);
}

PSHARE_NL_DOIT(vm_add, 0)
PSHARE_NL_DOIT(vm_del, 0)
PSHARE_NL_DOIT(vm_set, 0)
PSHARE_NL_DOIT(vm_get, 0)
PSHARE_NL_DOIT(unmerge, 0)
