// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink family "pshare": what all requests have in common, the
 * counters of the host, and passes on request. VMs, knobs, regions and
 * exclusions have files of their own.
 *
 * Operations run in parallel, so that a long unmerge does not hold up generic
 * netlink; the registry and the knobs have their own locks. Policies and the
 * table of operations are generated (netlink_gen.c).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <net/genetlink.h>

#include <linux/pshare.h>

#include "compat.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "netlink_request.h"
#include "scan.h"
#include "stats.h"
#include "vm.h"

/* The specification lists the counters in the order of the table. */
#define X(name, attr) \
	(PSHARE_A_COUNTERS_##attr == PSHARE_A_COUNTERS_PAGES_SHARED + PSHARE_C_##name) &&
static_assert(PSHARE_COUNTERS(X) true);
#undef X
static_assert(PSHARE_A_COUNTERS_MAX == PSHARE_A_COUNTERS_PAGES_SHARED + PSHARE_NR_COUNTERS - 1);

static int check_privilege(struct sk_buff *skb, struct netlink_ext_ack *extack)
{
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "needs CAP_SYS_ADMIN in the initial user namespace");
	return -EPERM;
}

/* netlink takes the last of several; @many is the attribute that may repeat. */
int pshare_nl_check_doubled(struct nlattr *head, int len, int many,
			    struct netlink_ext_ack *extack)
{
	unsigned long seen = 0;
	struct nlattr *attr;
	int rem;

	nla_for_each_attr(attr, head, len, rem) {
		if (nla_type(attr) == many || nla_type(attr) >= BITS_PER_LONG)
			continue;
		if (seen & BIT(nla_type(attr))) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "the attribute is given twice");
			return -EINVAL;
		}
		seen |= BIT(nla_type(attr));
	}
	return 0;
}

int pshare_nl_check_request(struct sk_buff *skb, const struct nlmsghdr *nlh, int many,
			    struct netlink_ext_ack *extack)
{
	int err;

	err = check_privilege(skb, extack);
	if (err)
		return err;
	return pshare_nl_check_doubled(nlmsg_attrdata(nlh, GENL_HDRLEN),
				       nlmsg_attrlen(nlh, GENL_HDRLEN), many, extack);
}

/* Where nobody said more. */
static void explain(int err, struct netlink_ext_ack *extack)
{
	if (!extack || extack->_msg)
		return;
	switch (err) {
	case -ENOMEM:
		NL_SET_ERR_MSG(extack, "out of memory");
		break;
	case -ENOENT:
		NL_SET_ERR_MSG(extack, "there is no such VM, exclusion or scan");
		break;
	case -ECANCELED:
		NL_SET_ERR_MSG(extack, "interrupted by a signal");
		break;
	case -EMSGSIZE:
		NL_SET_ERR_MSG(extack, "the answer does not fit a message");
		break;
	default:
		NL_SET_ERR_MSG(extack, "the request is invalid or could not be done");
	}
}

int pshare_nl_request(struct sk_buff *skb, struct genl_info *info, int many,
		      pshare_nl_handler_t handler)
{
	struct pshare_extack own;
	int err;

	pshare_extack_begin(&own, info);
	err = pshare_nl_check_request(skb, info->nlhdr, many, info->extack);
	if (!err)
		err = handler(skb, info);
	/* netlink takes -EINTR for "answered already", and the sender would wait for ever. */
	if (err == -EINTR || err == -ERESTARTSYS)
		err = -ECANCELED;
	if (err) {
		explain(err, info->extack);
		pr_notice_ratelimited("request %u of process %d refused: %s\n",
				      info->genlhdr->cmd, current->tgid, info->extack->_msg);
	}
	return pshare_extack_end(&own, skb, info, err);
}

int pshare_nl_dump_result(struct sk_buff *skb, struct netlink_callback *cb, int err)
{
	if (err == -EMSGSIZE && skb->len)
		return skb->len;
	if (err)
		explain(err, cb->extack);
	return err;
}

int pshare_nl_reply_begin(struct pshare_nl_reply *reply, struct genl_info *info)
{
	reply->skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply->skb)
		return -ENOMEM;
	reply->hdr = genlmsg_put_reply(reply->skb, info, &pshare_nl_family, 0,
				       info->genlhdr->cmd);
	if (reply->hdr)
		return 0;
	nlmsg_free(reply->skb);
	return -EMSGSIZE;
}

int pshare_nl_reply_end(struct pshare_nl_reply *reply, struct genl_info *info, int err)
{
	if (err) {
		nlmsg_free(reply->skb);
		return err;
	}
	genlmsg_end(reply->skb, reply->hdr);
	return genlmsg_reply(reply->skb, info);
}

int pshare_nl_put_numbers(struct sk_buff *skb, int nest_attr, int first, int pad, const u64 *values,
			  unsigned int n)
{
	struct nlattr *nest = nla_nest_start(skb, nest_attr);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < n; i++)
		if (nla_put_u64_64bit(skb, first + i, values[i], pad))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Counters are sent as they are kept: one may be negative, general-profit. */
int pshare_nl_put_counters(struct sk_buff *skb, int nest_attr, struct pshare_vm *vm, bool refresh)
{
	s64 counters[PSHARE_NR_COUNTERS];

	pshare_stats_read(vm, refresh, counters);
	return pshare_nl_put_numbers(skb, nest_attr, PSHARE_A_COUNTERS_PAGES_SHARED,
				     PSHARE_A_COUNTERS_PAD, (u64 *)counters, PSHARE_NR_COUNTERS);
}

/* Names end up on terminals and in messages. The policy saw to a final NUL. */
int pshare_nl_check_text(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	const char *text = nla_data(attr);
	int i;

	if (!*text) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "the text is empty");
		return -EINVAL;
	}
	for (i = 0; i < nla_len(attr) - 1; i++) {
		if (isascii(text[i]) && isprint(text[i]))
			continue;
		NL_SET_ERR_MSG_ATTR(extack, attr, "only printable ASCII characters may be given");
		return -EINVAL;
	}
	return 0;
}

int pshare_nl_read_pid(const struct nlattr *attr, pid_t *pid, struct netlink_ext_ack *extack)
{
	u32 value = nla_get_u32(attr);

	if (!value || value > INT_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "a pid is a number from 1 to 2147483647");
		return -EINVAL;
	}
	*pid = value;
	return 0;
}

static struct pshare_vm *find_pid(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	struct pshare_vm *vm;
	pid_t pid;
	int err;

	err = pshare_nl_read_pid(attr, &pid, extack);
	if (err)
		return ERR_PTR(err);
	vm = pshare_vm_find_pid(pid);
	if (vm)
		return vm;
	NL_SET_ERR_MSG_FMT(extack, "no VM with pid %d is registered", pid);
	return ERR_PTR(-ENOENT);
}

static struct pshare_vm *find_name(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	struct pshare_vm *vm;
	int err;

	err = pshare_nl_check_text(attr, extack);
	if (err)
		return ERR_PTR(err);
	vm = pshare_vm_find_name(nla_data(attr));
	if (vm)
		return vm;
	NL_SET_ERR_MSG_FMT(extack, "no VM named \"%.40s\" is registered", (char *)nla_data(attr));
	return ERR_PTR(-ENOENT);
}

struct pshare_vm *pshare_nl_find_vm(const struct nlattr *pid, const struct nlattr *name,
				    struct netlink_ext_ack *extack)
{
	struct pshare_vm *vm, *named;

	if (!pid && !name) {
		NL_SET_ERR_MSG(extack, "name a VM by pid or name");
		return ERR_PTR(-EINVAL);
	}
	if (!pid)
		return find_name(name, extack);
	vm = find_pid(pid, extack);
	if (IS_ERR(vm) || !name)
		return vm;
	named = find_name(name, extack);
	if (!IS_ERR(named))
		pshare_vm_put(named);
	if (named == vm)
		return vm;
	pshare_vm_put(vm);
	if (IS_ERR(named))
		return named;
	NL_SET_ERR_MSG(extack, "pid and name are those of two different VMs");
	return ERR_PTR(-EINVAL);
}

static int stats_get(struct sk_buff *skb, struct genl_info *info)
{
	struct pshare_nl_reply reply;
	int err;

	err = pshare_nl_reply_begin(&reply, info);
	if (err)
		return err;
	err = pshare_nl_put_counters(reply.skb, PSHARE_A_STATS_COUNTERS, NULL,
				     info->attrs[PSHARE_A_STATS_REFRESH]);
	if (!err && (nla_put_u32(reply.skb, PSHARE_A_STATS_VMS, pshare_vm_count()) ||
		     nla_put_string(reply.skb, PSHARE_A_STATS_VERSION, THIS_MODULE->version ?: "")))
		err = -EMSGSIZE;
	return pshare_nl_reply_end(&reply, info, err);
}

static int scan(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *pid = info->attrs[PSHARE_A_SCAN_PID];
	struct nlattr *name = info->attrs[PSHARE_A_SCAN_NAME];
	struct pshare_vm *vm = NULL;
	struct pshare_nl_reply reply;
	u64 cookie;
	int err;

	if (pid || name)
		vm = pshare_nl_find_vm(pid, name, info->extack);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	err = pshare_nl_reply_begin(&reply, info);
	if (err)
		goto put_vm;
	err = pshare_scan_request(vm, &cookie, info->extack);
	if (!err)
		err = nla_put_u64_64bit(reply.skb, PSHARE_A_SCAN_COOKIE, cookie, PSHARE_A_SCAN_PAD);
	err = pshare_nl_reply_end(&reply, info, err);
put_vm:
	if (vm)
		pshare_vm_put(vm);
	return err;
}

static int scan_get(struct sk_buff *skb, struct genl_info *info)
{
	struct pshare_nl_reply reply;
	int running, err;
	u64 cookie;

	if (GENL_REQ_ATTR_CHECK(info, PSHARE_A_SCAN_COOKIE)) {
		GENL_SET_ERR_MSG(info, "scan-get needs the cookie that scan gave");
		return -EINVAL;
	}
	cookie = nla_get_u64(info->attrs[PSHARE_A_SCAN_COOKIE]);
	running = pshare_scan_running(cookie);
	if (running < 0) {
		GENL_SET_ERR_MSG(info, "no scan was given this cookie");
		return running;
	}
	err = pshare_nl_reply_begin(&reply, info);
	if (err)
		return err;
	if (nla_put_u64_64bit(reply.skb, PSHARE_A_SCAN_COOKIE, cookie, PSHARE_A_SCAN_PAD) ||
	    nla_put_u8(reply.skb, PSHARE_A_SCAN_RUNNING, running))
		err = -EMSGSIZE;
	return pshare_nl_reply_end(&reply, info, err);
}

PSHARE_NL_DOIT(stats_get, 0)
PSHARE_NL_DOIT(scan, 0)
PSHARE_NL_DOIT(scan_get, 0)

static const struct genl_multicast_group groups[] = {
	[PSHARE_NLGRP_EVENTS] = {
		.name = PSHARE_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
};

/*
 * In the initial network namespace only. Every operation has a policy of its
 * own; resv_start_op is left out, so that the header is checked strictly.
 */
struct genl_family pshare_nl_family __ro_after_init = {
	.name = PSHARE_GENL_NAME,
	.version = PSHARE_GENL_VERSION,
	.module = THIS_MODULE,
	.parallel_ops = true,
	.ops = pshare_nl_ops,
	.n_ops = ARRAY_SIZE(pshare_nl_ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

int __init pshare_netlink_init(void)
{
	int err;

	err = genl_register_family(&pshare_nl_family);
	if (!err)
		pshare_events_open();
	return err;
}

void pshare_netlink_exit(void)
{
	/* Not while unregistering: that waits for requests, and they send events. */
	pshare_events_close();
	genl_unregister_family(&pshare_nl_family);
}
