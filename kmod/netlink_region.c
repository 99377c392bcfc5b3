// SPDX-License-Identifier: GPL-2.0
/* Netlink requests about the regions of a VM: region-get. */
#include <net/genetlink.h>

#include <linux/pshare.h>

#include "compat.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "netlink_request.h"
#include "region.h"
#include "vm.h"

static int put_region(struct sk_buff *skb, const struct pshare_region_info *region)
{
	if (nla_put_u64_64bit(skb, PSHARE_A_REGION_ADDR, region->addr, PSHARE_A_REGION_PAD) ||
	    nla_put_u32(skb, PSHARE_A_REGION_STATE, region->state) ||
	    nla_put_u32(skb, PSHARE_A_REGION_PRESENT, region->present) ||
	    nla_put_u32(skb, PSHARE_A_REGION_SHARED, region->shared) ||
	    nla_put_u32(skb, PSHARE_A_REGION_ZERO, region->zero) ||
	    nla_put_u32(skb, PSHARE_A_REGION_UNSHARED, region->unshared) ||
	    nla_put_u32(skb, PSHARE_A_REGION_VOLATILE, region->volatile_pages) ||
	    nla_put_u32(skb, PSHARE_A_REGION_YIELD_PERMILLE, region->yield_permille) ||
	    nla_put_u32(skb, PSHARE_A_REGION_CHURN_PERMILLE, region->churn_permille) ||
	    nla_put_u32(skb, PSHARE_A_REGION_INTERVAL_MS, region->interval_ms) ||
	    nla_put_u32(skb, PSHARE_A_REGION_DUE_MS, region->due_ms) ||
	    nla_put_u32(skb, PSHARE_A_REGION_VISITS, region->visits))
		return -EMSGSIZE;
	return 0;
}

static int region_get(struct sk_buff *skb, struct genl_info *info)
{
	struct pshare_region_info region;
	struct pshare_vm *vm;
	struct pshare_nl_reply reply;
	bool found;
	u64 addr;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, PSHARE_A_REGION_ADDR)) {
		GENL_SET_ERR_MSG(info, "region-get needs an address, or the flags of a dump");
		return -EINVAL;
	}
	addr = round_down(nla_get_u64(info->attrs[PSHARE_A_REGION_ADDR]), PSHARE_REGION_SIZE);
	vm = pshare_nl_find_vm(info->attrs[PSHARE_A_REGION_PID],
			       info->attrs[PSHARE_A_REGION_VM_NAME], info->extack);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	found = pshare_region_next(vm, addr, &region) && region.addr == addr;
	pshare_vm_put(vm);
	if (!found) {
		GENL_SET_ERR_MSG(info, "no region of the VM is known at this address");
		return -ENOENT;
	}
	err = pshare_nl_reply_begin(&reply, info);
	if (err)
		return err;
	return pshare_nl_reply_end(&reply, info, put_region(reply.skb, &region));
}

/* No reference between the calls of a dump: nobody knows when the next one comes. */
struct region_cursor {
	u64 addr;
	u64 start_time;
	u32 slot;
	pid_t pid;
	bool begun;
};

static_assert(sizeof(struct region_cursor) <= sizeof_field(struct netlink_callback, ctx));

static struct pshare_vm *begin_region_dump(struct netlink_callback *cb,
					   struct region_cursor *cursor)
{
	struct nlattr **attrs = pshare_dump_attrs(cb);
	struct pshare_vm *vm;
	int err;

	err = pshare_nl_check_request(cb->skb, cb->nlh, 0, cb->extack);
	if (err)
		return ERR_PTR(err);
	vm = pshare_nl_find_vm(attrs[PSHARE_A_REGION_PID], attrs[PSHARE_A_REGION_VM_NAME],
			       cb->extack);
	if (IS_ERR(vm))
		return vm;
	if (attrs[PSHARE_A_REGION_ADDR])
		cursor->addr = round_down(nla_get_u64(attrs[PSHARE_A_REGION_ADDR]),
					  PSHARE_REGION_SIZE);
	cursor->slot = vm->slot;
	cursor->pid = vm->pid;
	cursor->start_time = vm->start_time;
	cursor->begun = true;
	return vm;
}

static struct pshare_vm *resume_region_dump(struct netlink_callback *cb,
					    struct region_cursor *cursor)
{
	struct pshare_vm *vm;

	if (!cursor->begun)
		return begin_region_dump(cb, cursor);
	vm = pshare_vm_find_slot(cursor->slot);
	if (vm && vm->pid == cursor->pid && vm->start_time == cursor->start_time)
		return vm;
	if (vm)
		pshare_vm_put(vm);
	NL_SET_ERR_MSG(cb->extack, "the VM ended during the dump");
	return ERR_PTR(-ENOENT);
}

static int dump_region(struct sk_buff *skb, struct netlink_callback *cb,
		       const struct pshare_region_info *region)
{
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &pshare_nl_family,
			  NLM_F_MULTI, PSHARE_CMD_REGION_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (put_region(skb, region)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int pshare_nl_region_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct region_cursor *cursor = (void *)cb->ctx;
	struct pshare_region_info region;
	struct pshare_vm *vm;
	int err = 0;

	vm = resume_region_dump(cb, cursor);
	if (IS_ERR(vm))
		return pshare_nl_dump_result(skb, cb, PTR_ERR(vm));
	while (!err && pshare_region_next(vm, cursor->addr, &region)) {
		err = dump_region(skb, cb, &region);
		if (!err)
			cursor->addr = region.addr + PSHARE_REGION_SIZE;
	}
	pshare_vm_put(vm);
	return pshare_nl_dump_result(skb, cb, err);
}

PSHARE_NL_DOIT(region_get, 0)
