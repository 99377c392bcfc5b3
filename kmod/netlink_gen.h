/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/pshare.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_PSHARE_GEN_H
#define _LINUX_PSHARE_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <linux/pshare.h>

/* Common nested types */
extern const struct nla_policy pshare_knob_nl_policy[PSHARE_A_KNOB_DOC + 1];

extern const struct nla_policy pshare_vm_add_nl_policy[PSHARE_A_VM_THP + 1];

extern const struct nla_policy pshare_vm_del_nl_policy[PSHARE_A_VM_FORCE + 1];

extern const struct nla_policy pshare_vm_set_nl_policy[PSHARE_A_VM_FORCE + 1];

extern const struct nla_policy pshare_vm_get_nl_policy[PSHARE_A_VM_NAME + 1];

extern const struct nla_policy pshare_knob_get_nl_policy[PSHARE_A_KNOBS_KNOB + 1];

extern const struct nla_policy pshare_knob_set_nl_policy[PSHARE_A_KNOBS_KNOB + 1];

extern const struct nla_policy pshare_stats_get_nl_policy[PSHARE_A_STATS_REFRESH + 1];

extern const struct nla_policy pshare_scan_nl_policy[PSHARE_A_SCAN_NAME + 1];

extern const struct nla_policy pshare_scan_get_nl_policy[PSHARE_A_SCAN_COOKIE + 1];

extern const struct nla_policy pshare_unmerge_nl_policy[PSHARE_A_VM_FORCE + 1];

extern const struct nla_policy pshare_region_get_nl_policy[PSHARE_A_REGION_ADDR + 1];

extern const struct nla_policy pshare_exclude_add_nl_policy[PSHARE_A_EXCLUDE_NAME + 1];

extern const struct nla_policy pshare_exclude_del_nl_policy[PSHARE_A_EXCLUDE_NAME + 1];

extern const struct nla_policy pshare_exclude_get_nl_policy[PSHARE_A_EXCLUDE_NAME + 1];

/* Ops table for pshare */
extern const struct genl_ops pshare_nl_ops[14];

int pshare_nl_vm_add_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_vm_del_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_vm_set_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_vm_get_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_vm_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int pshare_nl_knob_get_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_knob_set_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_scan_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_scan_get_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_unmerge_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_region_get_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_region_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int pshare_nl_exclude_add_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_exclude_del_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_exclude_get_doit(struct sk_buff *skb, struct genl_info *info);
int pshare_nl_exclude_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);

enum {
	PSHARE_NLGRP_EVENTS,
};

#endif /* _LINUX_PSHARE_GEN_H */
