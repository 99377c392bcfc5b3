// SPDX-License-Identifier: GPL-2.0
/* Netlink requests about exclusions from scope "all": exclude-add, -del, -get. */
#include <linux/string.h>
#include <net/genetlink.h>

#include <linux/pshare.h>

#include "compat.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "netlink_request.h"
#include "vm.h"

struct exclusion {
	pid_t pid;
	const char *name;
};

static int read_exclusion(struct genl_info *info, struct exclusion *exclusion)
{
	struct nlattr *pid = info->attrs[PSHARE_A_EXCLUDE_PID];
	struct nlattr *name = info->attrs[PSHARE_A_EXCLUDE_NAME];

	if (!pid == !name) {
		GENL_SET_ERR_MSG(info, "give either a pid or a command name");
		return -EINVAL;
	}
	if (pid)
		return pshare_nl_read_pid(pid, &exclusion->pid, info->extack);
	exclusion->name = nla_data(name);
	if (strlen(exclusion->name) >= TASK_COMM_LEN) {
		NL_SET_ERR_MSG_ATTR(info->extack, name, "a command name has at most 15 characters");
		return -EINVAL;
	}
	return pshare_nl_check_text(name, info->extack);
}

static int exclude_add(struct sk_buff *skb, struct genl_info *info)
{
	struct exclusion exclusion = {};
	int err;

	err = read_exclusion(info, &exclusion);
	return err ?: pshare_exclude_add(exclusion.pid, exclusion.name, info->extack);
}

static int exclude_del(struct sk_buff *skb, struct genl_info *info)
{
	struct exclusion exclusion = {};
	int err;

	err = read_exclusion(info, &exclusion);
	return err ?: pshare_exclude_del(exclusion.pid, exclusion.name, info->extack);
}

static int put_exclusion(struct sk_buff *skb, pid_t pid, const char *name)
{
	return pid ? nla_put_u32(skb, PSHARE_A_EXCLUDE_PID, pid) :
		     nla_put_string(skb, PSHARE_A_EXCLUDE_NAME, name);
}

static bool is_excluded(const struct exclusion *wanted)
{
	char name[TASK_COMM_LEN];
	unsigned int i;
	pid_t pid;

	for (i = 0; pshare_exclude_get(i, &pid, name); i++)
		if (wanted->pid ? pid == wanted->pid : !pid && !strcmp(name, wanted->name))
			return true;
	return false;
}

static int exclude_get(struct sk_buff *skb, struct genl_info *info)
{
	struct exclusion exclusion = {};
	struct pshare_nl_reply reply;
	int err;

	err = read_exclusion(info, &exclusion);
	if (err)
		return err;
	if (!is_excluded(&exclusion)) {
		GENL_SET_ERR_MSG(info, "it is not excluded");
		return -ENOENT;
	}
	err = pshare_nl_reply_begin(&reply, info);
	if (err)
		return err;
	err = put_exclusion(reply.skb, exclusion.pid, exclusion.name);
	return pshare_nl_reply_end(&reply, info, err);
}

static int begin_dump(struct netlink_callback *cb)
{
	struct nlattr **attrs = pshare_dump_attrs(cb);
	int err;

	err = pshare_nl_check_request(cb->skb, cb->nlh, 0, cb->extack);
	if (err)
		return err;
	if (attrs[PSHARE_A_EXCLUDE_PID] || attrs[PSHARE_A_EXCLUDE_NAME]) {
		NL_SET_ERR_MSG(cb->extack, "a dump is of all exclusions: give no pid and no name");
		return -EINVAL;
	}
	return 0;
}

static int dump_exclusion(struct sk_buff *skb, struct netlink_callback *cb, pid_t pid,
			  const char *name)
{
	void *hdr;

	hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &pshare_nl_family,
			  NLM_F_MULTI, PSHARE_CMD_EXCLUDE_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (put_exclusion(skb, pid, name)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

struct cursor {
	unsigned int index;
	bool begun;
};

int pshare_nl_exclude_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct cursor *cursor = (void *)cb->ctx;
	char name[TASK_COMM_LEN];
	int err = 0;
	pid_t pid;

	if (!cursor->begun)
		err = begin_dump(cb);
	cursor->begun = true;
	while (!err && pshare_exclude_get(cursor->index, &pid, name)) {
		err = dump_exclusion(skb, cb, pid, name);
		if (!err)
			cursor->index++;
	}
	return pshare_nl_dump_result(skb, cb, err);
}

PSHARE_NL_DOIT(exclude_add, 0)
PSHARE_NL_DOIT(exclude_del, 0)
PSHARE_NL_DOIT(exclude_get, 0)
