// SPDX-License-Identifier: GPL-2.0
/* The netlink family through libnl-genl: requests. Replies are in nl_get.c, events in events.c. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "nl.h"

/* A socket belongs to one thread of one process; a fork opens its own. */
static __thread struct nl_sock *sock;
static __thread pid_t sock_owner;
static __thread char extack[256];

struct run {
	nl_reply reply;
	void *arg;
	bool done;
	int error;
};

const char *last_extack(void)
{
	return extack;
}

struct nl_sock *nl_open(void)
{
	struct nl_sock *new = nl_socket_alloc();
	int one = 1;

	if (!new)
		return NULL;
	if (genl_connect(new)) {
		nl_socket_free(new);
		return NULL;
	}
	setsockopt(nl_socket_get_fd(new), SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl_socket_get_fd(new), SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	nl_socket_set_buffer_size(new, 1 << 20, 1 << 20);
	return new;
}

static struct nl_sock *own_sock(void)
{
	if (!sock || sock_owner != getpid()) {
		sock = nl_open();
		sock_owner = getpid();
	}
	return sock;
}

/* Asked anew each time: the number changes when the module is loaded again. */
int nl_family(void)
{
	struct nl_sock *s = own_sock();
	int family = s ? genl_ctrl_resolve(s, PSHARE_GENL_NAME) : -1;

	return family < 0 ? -ENODEV : family;
}

struct nl_msg *nl_request(int cmd, int flags)
{
	int family = nl_family();
	struct nl_msg *msg;

	if (family < 0)
		return NULL;
	msg = nlmsg_alloc_size(4096);
	if (msg)
		genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags | NLM_F_REQUEST, cmd,
			    PSHARE_GENL_VERSION);
	return msg;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct run *run = arg;

	if (run->reply)
		run->reply(nlmsg_hdr(msg), run->arg);
	return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct run *run = arg;

	(void)msg;
	run->done = true;
	return NL_STOP;
}

static void take_extack(const struct nlmsghdr *hdr, size_t skip)
{
	struct nlattr *attr = (struct nlattr *)((char *)nlmsg_data(hdr) + NLMSG_ALIGN(skip));
	int left = nlmsg_datalen(hdr) - NLMSG_ALIGN(skip);

	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS) || left <= 0)
		return;
	attr = nla_find(attr, left, NLMSGERR_ATTR_MSG);
	if (attr)
		nla_strlcpy(extack, attr, sizeof(extack));
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	const struct nlmsghdr *hdr = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	struct run *run = arg;
	size_t skip = sizeof(*err);

	(void)from;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		skip += err->msg.nlmsg_len - NLMSG_HDRLEN;
	take_extack(hdr, skip);
	run->error = -err->error;
	run->done = true;
	return NL_STOP;
}

/* The end of a dump carries its error as a number. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	const struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct run *run = arg;

	run->done = true;
	if (nlmsg_datalen(hdr) >= (int)sizeof(int)) {
		run->error = -*(int *)nlmsg_data(hdr);
		take_extack(hdr, sizeof(int));
	}
	return NL_STOP;
}

static int receive(struct nl_sock *s, struct run *run)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_CUSTOM);
	int err = 0;

	if (!cb)
		return ENOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, run);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, run);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, run);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, run);
	while (!run->done && err >= 0)
		err = nl_recvmsgs(s, cb);
	nl_cb_put(cb);
	return run->done ? run->error : EIO;
}

int nl_run(struct nl_msg *msg, nl_reply reply, void *arg)
{
	struct run run = { .reply = reply, .arg = arg };
	struct nl_sock *s = own_sock();
	int err;

	extack[0] = 0;
	if (!msg)
		return errno = ENODEV;
	/* A dump ends by itself, everything else with an acknowledgment. */
	if (!(nlmsg_hdr(msg)->nlmsg_flags & NLM_F_DUMP))
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	err = nl_send_auto(s, msg);
	nlmsg_free(msg);
	errno = err < 0 ? EIO : receive(s, &run);
	return errno;
}

static bool put_vm(struct nl_msg *msg, const struct vm_args *args)
{
	int err = 0;

	if (args->pid)
		err |= nla_put_u32(msg, PSHARE_A_VM_PID, args->pid);
	if (args->start_time)
		err |= nla_put_u64(msg, PSHARE_A_VM_START_TIME, args->start_time);
	if (args->name)
		err |= nla_put_string(msg, PSHARE_A_VM_NAME, args->name);
	if (args->have & HAVE_DOMAIN)
		err |= nla_put_u32(msg, PSHARE_A_VM_DOMAIN, args->domain);
	if (args->have & HAVE_WEIGHT)
		err |= nla_put_u32(msg, PSHARE_A_VM_WEIGHT, args->weight);
	if (args->have & HAVE_THP)
		err |= nla_put_u32(msg, PSHARE_A_VM_THP, args->thp);
	if (args->have & HAVE_PAUSED)
		err |= nla_put_u8(msg, PSHARE_A_VM_PAUSED, args->paused);
	if (args->unmerge)
		err |= nla_put_flag(msg, PSHARE_A_VM_UNMERGE);
	if (args->force)
		err |= nla_put_flag(msg, PSHARE_A_VM_FORCE);
	return !err;
}

static int run_vm(int cmd, const struct vm_args *args, nl_reply reply, void *arg)
{
	struct nl_msg *msg = nl_request(cmd, 0);

	if (msg && !put_vm(msg, args)) {
		nlmsg_free(msg);
		return errno = EMSGSIZE;
	}
	return nl_run(msg, reply, arg);
}

int vm_add_args(const struct vm_args *args)
{
	return run_vm(PSHARE_CMD_VM_ADD, args, NULL, NULL);
}

int vm_add(pid_t pid, const char *name, uint32_t domain)
{
	struct vm_args args = {
		.pid = pid, .start_time = process_start_time(pid), .name = name,
		.have = HAVE_DOMAIN, .domain = domain,
	};

	return vm_add_args(&args);
}

int vm_del_args(const struct vm_args *args)
{
	return run_vm(PSHARE_CMD_VM_DEL, args, NULL, NULL);
}

int vm_del(pid_t pid, bool unmerge_first)
{
	struct vm_args args = { .pid = pid, .unmerge = unmerge_first };

	return vm_del_args(&args);
}

int vm_set(const struct vm_args *args)
{
	return run_vm(PSHARE_CMD_VM_SET, args, NULL, NULL);
}

static void take_vm(struct nlmsghdr *hdr, void *arg)
{
	nl_parse_vm(hdr, arg);
}

static int get_vm(const struct vm_args *args, struct vm_info *info)
{
	memset(info, 0, sizeof(*info));
	return run_vm(PSHARE_CMD_VM_GET, args, take_vm, info);
}

int vm_get(pid_t pid, struct vm_info *info)
{
	return get_vm(&(struct vm_args){ .pid = pid }, info);
}

int vm_get_name(const char *name, struct vm_info *info)
{
	return get_vm(&(struct vm_args){ .name = name }, info);
}

static void take_counters(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attr = nlmsg_find_attr(hdr, GENL_HDRLEN, PSHARE_A_VM_COUNTERS);

	if (attr)
		nl_parse_counters(attr, arg);
}

int unmerge(pid_t pid, bool force, struct counters *counters)
{
	struct vm_args args = { .pid = pid, .force = force };
	struct counters unused;

	return run_vm(PSHARE_CMD_UNMERGE, &args, take_counters, counters ?: &unused);
}

static int run_exclude(int cmd, pid_t pid, const char *name)
{
	struct nl_msg *msg = nl_request(cmd, 0);

	if (msg && pid)
		nla_put_u32(msg, PSHARE_A_EXCLUDE_PID, pid);
	if (msg && name)
		nla_put_string(msg, PSHARE_A_EXCLUDE_NAME, name);
	return nl_run(msg, NULL, NULL);
}

int exclude_add(pid_t pid, const char *name)
{
	return run_exclude(PSHARE_CMD_EXCLUDE_ADD, pid, name);
}

int exclude_del(pid_t pid, const char *name)
{
	return run_exclude(PSHARE_CMD_EXCLUDE_DEL, pid, name);
}

int exclude_get(pid_t pid, const char *name)
{
	return run_exclude(PSHARE_CMD_EXCLUDE_GET, pid, name);
}
