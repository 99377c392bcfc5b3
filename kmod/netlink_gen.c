// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/pshare.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <linux/pshare.h>

/* Common nested types */
const struct nla_policy pshare_knob_nl_policy[PSHARE_A_KNOB_DOC + 1] = {
	[PSHARE_A_KNOB_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
	[PSHARE_A_KNOB_VALUE] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
	[PSHARE_A_KNOB_DEFAULT] = { .type = NLA_NUL_STRING, },
	[PSHARE_A_KNOB_RANGE] = { .type = NLA_NUL_STRING, },
	[PSHARE_A_KNOB_UNIT] = { .type = NLA_NUL_STRING, },
	[PSHARE_A_KNOB_DOC] = { .type = NLA_NUL_STRING, },
};

/* PSHARE_CMD_VM_ADD - do */
const struct nla_policy pshare_vm_add_nl_policy[PSHARE_A_VM_THP + 1] = {
	[PSHARE_A_VM_PID] = { .type = NLA_U32, },
	[PSHARE_A_VM_START_TIME] = { .type = NLA_U64, },
	[PSHARE_A_VM_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
	[PSHARE_A_VM_DOMAIN] = { .type = NLA_U32, },
	[PSHARE_A_VM_WEIGHT] = { .type = NLA_U32, },
	[PSHARE_A_VM_THP] = NLA_POLICY_MAX(NLA_U32, 3),
};

/* PSHARE_CMD_VM_DEL - do */
const struct nla_policy pshare_vm_del_nl_policy[PSHARE_A_VM_FORCE + 1] = {
	[PSHARE_A_VM_PID] = { .type = NLA_U32, },
	[PSHARE_A_VM_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
	[PSHARE_A_VM_UNMERGE] = { .type = NLA_FLAG, },
	[PSHARE_A_VM_FORCE] = { .type = NLA_FLAG, },
};

/* PSHARE_CMD_VM_SET - do */
const struct nla_policy pshare_vm_set_nl_policy[PSHARE_A_VM_FORCE + 1] = {
	[PSHARE_A_VM_PID] = { .type = NLA_U32, },
	[PSHARE_A_VM_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
	[PSHARE_A_VM_DOMAIN] = { .type = NLA_U32, },
	[PSHARE_A_VM_WEIGHT] = { .type = NLA_U32, },
	[PSHARE_A_VM_THP] = NLA_POLICY_MAX(NLA_U32, 3),
	[PSHARE_A_VM_PAUSED] = { .type = NLA_U8, },
	[PSHARE_A_VM_FORCE] = { .type = NLA_FLAG, },
};

/* PSHARE_CMD_VM_GET - do */
const struct nla_policy pshare_vm_get_nl_policy[PSHARE_A_VM_NAME + 1] = {
	[PSHARE_A_VM_PID] = { .type = NLA_U32, },
	[PSHARE_A_VM_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
};

/* PSHARE_CMD_KNOB_GET - do */
const struct nla_policy pshare_knob_get_nl_policy[PSHARE_A_KNOBS_KNOB + 1] = {
	[PSHARE_A_KNOBS_KNOB] = NLA_POLICY_NESTED(pshare_knob_nl_policy),
};

/* PSHARE_CMD_KNOB_SET - do */
const struct nla_policy pshare_knob_set_nl_policy[PSHARE_A_KNOBS_KNOB + 1] = {
	[PSHARE_A_KNOBS_KNOB] = NLA_POLICY_NESTED(pshare_knob_nl_policy),
};

/* PSHARE_CMD_STATS_GET - do */
const struct nla_policy pshare_stats_get_nl_policy[PSHARE_A_STATS_REFRESH + 1] = {
	[PSHARE_A_STATS_REFRESH] = { .type = NLA_FLAG, },
};

/* PSHARE_CMD_SCAN - do */
const struct nla_policy pshare_scan_nl_policy[PSHARE_A_SCAN_NAME + 1] = {
	[PSHARE_A_SCAN_PID] = { .type = NLA_U32, },
	[PSHARE_A_SCAN_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
};

/* PSHARE_CMD_SCAN_GET - do */
const struct nla_policy pshare_scan_get_nl_policy[PSHARE_A_SCAN_COOKIE + 1] = {
	[PSHARE_A_SCAN_COOKIE] = { .type = NLA_U64, },
};

/* PSHARE_CMD_UNMERGE - do */
const struct nla_policy pshare_unmerge_nl_policy[PSHARE_A_VM_FORCE + 1] = {
	[PSHARE_A_VM_PID] = { .type = NLA_U32, },
	[PSHARE_A_VM_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
	[PSHARE_A_VM_FORCE] = { .type = NLA_FLAG, },
};

/* PSHARE_CMD_REGION_GET - do */
const struct nla_policy pshare_region_get_nl_policy[PSHARE_A_REGION_ADDR + 1] = {
	[PSHARE_A_REGION_PID] = { .type = NLA_U32, },
	[PSHARE_A_REGION_VM_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
	[PSHARE_A_REGION_ADDR] = { .type = NLA_U64, },
};

/* PSHARE_CMD_EXCLUDE_ADD - do */
const struct nla_policy pshare_exclude_add_nl_policy[PSHARE_A_EXCLUDE_NAME + 1] = {
	[PSHARE_A_EXCLUDE_PID] = { .type = NLA_U32, },
	[PSHARE_A_EXCLUDE_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
};

/* PSHARE_CMD_EXCLUDE_DEL - do */
const struct nla_policy pshare_exclude_del_nl_policy[PSHARE_A_EXCLUDE_NAME + 1] = {
	[PSHARE_A_EXCLUDE_PID] = { .type = NLA_U32, },
	[PSHARE_A_EXCLUDE_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
};

/* PSHARE_CMD_EXCLUDE_GET - do */
const struct nla_policy pshare_exclude_get_nl_policy[PSHARE_A_EXCLUDE_NAME + 1] = {
	[PSHARE_A_EXCLUDE_PID] = { .type = NLA_U32, },
	[PSHARE_A_EXCLUDE_NAME] = { .type = NLA_NUL_STRING, .len = PSHARE_NAME_LEN, },
};

/* Ops table for pshare */
const struct genl_ops pshare_nl_ops[14] = {
	{
		.cmd		= PSHARE_CMD_VM_ADD,
		.doit		= pshare_nl_vm_add_doit,
		.policy		= pshare_vm_add_nl_policy,
		.maxattr	= PSHARE_A_VM_THP,
	},
	{
		.cmd		= PSHARE_CMD_VM_DEL,
		.doit		= pshare_nl_vm_del_doit,
		.policy		= pshare_vm_del_nl_policy,
		.maxattr	= PSHARE_A_VM_FORCE,
	},
	{
		.cmd		= PSHARE_CMD_VM_SET,
		.doit		= pshare_nl_vm_set_doit,
		.policy		= pshare_vm_set_nl_policy,
		.maxattr	= PSHARE_A_VM_FORCE,
	},
	{
		.cmd		= PSHARE_CMD_VM_GET,
		.doit		= pshare_nl_vm_get_doit,
		.dumpit		= pshare_nl_vm_get_dumpit,
		.policy		= pshare_vm_get_nl_policy,
		.maxattr	= PSHARE_A_VM_NAME,
	},
	{
		.cmd		= PSHARE_CMD_KNOB_GET,
		.doit		= pshare_nl_knob_get_doit,
		.policy		= pshare_knob_get_nl_policy,
		.maxattr	= PSHARE_A_KNOBS_KNOB,
	},
	{
		.cmd		= PSHARE_CMD_KNOB_SET,
		.doit		= pshare_nl_knob_set_doit,
		.policy		= pshare_knob_set_nl_policy,
		.maxattr	= PSHARE_A_KNOBS_KNOB,
	},
	{
		.cmd		= PSHARE_CMD_STATS_GET,
		.doit		= pshare_nl_stats_get_doit,
		.policy		= pshare_stats_get_nl_policy,
		.maxattr	= PSHARE_A_STATS_REFRESH,
	},
	{
		.cmd		= PSHARE_CMD_SCAN,
		.doit		= pshare_nl_scan_doit,
		.policy		= pshare_scan_nl_policy,
		.maxattr	= PSHARE_A_SCAN_NAME,
	},
	{
		.cmd		= PSHARE_CMD_SCAN_GET,
		.doit		= pshare_nl_scan_get_doit,
		.policy		= pshare_scan_get_nl_policy,
		.maxattr	= PSHARE_A_SCAN_COOKIE,
	},
	{
		.cmd		= PSHARE_CMD_UNMERGE,
		.doit		= pshare_nl_unmerge_doit,
		.policy		= pshare_unmerge_nl_policy,
		.maxattr	= PSHARE_A_VM_FORCE,
	},
	{
		.cmd		= PSHARE_CMD_REGION_GET,
		.doit		= pshare_nl_region_get_doit,
		.dumpit		= pshare_nl_region_get_dumpit,
		.policy		= pshare_region_get_nl_policy,
		.maxattr	= PSHARE_A_REGION_ADDR,
	},
	{
		.cmd		= PSHARE_CMD_EXCLUDE_ADD,
		.doit		= pshare_nl_exclude_add_doit,
		.policy		= pshare_exclude_add_nl_policy,
		.maxattr	= PSHARE_A_EXCLUDE_NAME,
	},
	{
		.cmd		= PSHARE_CMD_EXCLUDE_DEL,
		.doit		= pshare_nl_exclude_del_doit,
		.policy		= pshare_exclude_del_nl_policy,
		.maxattr	= PSHARE_A_EXCLUDE_NAME,
	},
	{
		.cmd		= PSHARE_CMD_EXCLUDE_GET,
		.doit		= pshare_nl_exclude_get_doit,
		.dumpit		= pshare_nl_exclude_get_dumpit,
		.policy		= pshare_exclude_get_nl_policy,
		.maxattr	= PSHARE_A_EXCLUDE_NAME,
	},
};
