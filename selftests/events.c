// SPDX-License-Identifier: GPL-2.0
/* Events of the family, and passes that are waited for by them. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "nl.h"

#define SCAN_SECONDS	60
#define QUEUE_LENGTH	64

static __thread struct nl_sock *listener;
static __thread pid_t listener_owner;

/* Received and not yet asked for; the oldest falls out when nobody asks. */
static __thread struct event queue[QUEUE_LENGTH];
static __thread unsigned int queued;

static uint64_t u64_of(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static void parse_vm_event(struct nlmsghdr *hdr, struct event *event)
{
	struct vm_info info;

	nl_parse_vm(hdr, &info);
	event->pid = info.pid;
	memcpy(event->name, info.name, sizeof(event->name));
}

static void parse_scan_event(struct nlmsghdr *hdr, struct event *event)
{
	struct nlattr *attrs[PSHARE_A_SCAN_MAX + 1];

	if (genlmsg_parse(hdr, 0, attrs, PSHARE_A_SCAN_MAX, NULL))
		return;
	event->cookie = u64_of(attrs[PSHARE_A_SCAN_COOKIE]);
	event->merges = u64_of(attrs[PSHARE_A_SCAN_MERGES]);
	event->full_scans = u64_of(attrs[PSHARE_A_SCAN_FULL_SCANS]);
}

static void parse_limit_event(struct nlmsghdr *hdr, struct event *event)
{
	struct nlattr *attrs[PSHARE_A_EVENT_MAX + 1];

	if (genlmsg_parse(hdr, 0, attrs, PSHARE_A_EVENT_MAX, NULL))
		return;
	event->frames = u64_of(attrs[PSHARE_A_EVENT_FRAMES]);
	event->max_frames = u64_of(attrs[PSHARE_A_EVENT_MAX_FRAMES]);
}

static int on_event(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct event event = { .cmd = genlmsg_hdr(hdr)->cmd };

	(void)arg;
	switch (event.cmd) {
	case PSHARE_CMD_VM_ADD_NTF:
	case PSHARE_CMD_VM_DEL_NTF:
	case PSHARE_CMD_VM_EXIT_NTF:
		parse_vm_event(hdr, &event);
		break;
	case PSHARE_CMD_PASS_NTF:
	case PSHARE_CMD_SCAN_NTF:
		parse_scan_event(hdr, &event);
		break;
	case PSHARE_CMD_LIMIT_NTF:
		parse_limit_event(hdr, &event);
		break;
	}
	if (queued == QUEUE_LENGTH)
		memmove(queue, queue + 1, --queued * sizeof(event));
	queue[queued++] = event;
	return NL_OK;
}

int events_open(void)
{
	int group;

	events_close();
	listener = nl_open();
	listener_owner = getpid();
	if (!listener)
		return ENOMEM;
	group = genl_ctrl_resolve_grp(listener, PSHARE_GENL_NAME, PSHARE_MCGRP_EVENTS);
	if (group < 0 || nl_socket_add_membership(listener, group)) {
		events_close();
		return group < 0 ? ENODEV : EPERM;
	}
	nl_socket_disable_seq_check(listener);
	nl_socket_set_nonblocking(listener);
	nl_socket_modify_cb(listener, NL_CB_VALID, NL_CB_CUSTOM, on_event, NULL);
	return 0;
}

void events_close(void)
{
	if (listener && listener_owner == getpid())
		nl_socket_free(listener);
	listener = NULL;
	queued = 0;
}

/* The first event with a command (and a cookie, if not 0) leaves the queue. */
static bool take_event(int cmd, uint64_t cookie, struct event *event)
{
	unsigned int i;

	for (i = 0; i < queued; i++) {
		if (queue[i].cmd != cmd || (cookie && queue[i].cookie != cookie))
			continue;
		*event = queue[i];
		memmove(queue + i, queue + i + 1, (--queued - i) * sizeof(*queue));
		return true;
	}
	return false;
}

static int wait_event(int cmd, uint64_t cookie, unsigned int seconds, struct event *event)
{
	double end = deadline(seconds);
	struct pollfd poll_fd;
	double left;

	if (!listener || listener_owner != getpid())
		return ENOTCONN;
	poll_fd = (struct pollfd){ .fd = nl_socket_get_fd(listener), .events = POLLIN };
	while (!take_event(cmd, cookie, event)) {
		left = end - now();
		if (left <= 0)
			return ETIMEDOUT;
		if (poll(&poll_fd, 1, left * 1000 + 1) > 0)
			nl_recvmsgs_default(listener);
	}
	return 0;
}

int events_wait(int cmd, unsigned int seconds, struct event *event)
{
	struct event unused;

	return wait_event(cmd, 0, seconds, event ?: &unused);
}

static void take_cookie(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attr = nlmsg_find_attr(hdr, GENL_HDRLEN, PSHARE_A_SCAN_COOKIE);

	*(uint64_t *)arg = u64_of(attr);
}

int scan_start(pid_t pid, uint64_t *cookie)
{
	struct nl_msg *msg = nl_request(PSHARE_CMD_SCAN, 0);

	if (msg && pid)
		nla_put_u32(msg, PSHARE_A_SCAN_PID, pid);
	*cookie = 0;
	return nl_run(msg, take_cookie, cookie);
}

int scan_wait(uint64_t cookie, unsigned int seconds)
{
	struct event event;

	return errno = wait_event(PSHARE_CMD_SCAN_NTF, cookie, seconds, &event);
}

static void take_running(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attr = nlmsg_find_attr(hdr, GENL_HDRLEN, PSHARE_A_SCAN_RUNNING);

	*(bool *)arg = attr && nla_get_u8(attr);
}

int scan_running(uint64_t cookie, bool *running)
{
	struct nl_msg *msg = nl_request(PSHARE_CMD_SCAN_GET, 0);

	if (msg)
		nla_put_u64(msg, PSHARE_A_SCAN_COOKIE, cookie);
	return nl_run(msg, take_running, running);
}

int scan_once_wait(pid_t pid)
{
	uint64_t cookie;
	int err = 0;

	/* Listen before asking: the end may come at once. */
	if (!listener || listener_owner != getpid())
		err = events_open();
	if (!err)
		err = scan_start(pid, &cookie);
	if (!err)
		err = scan_wait(cookie, SCAN_SECONDS);
	return errno = err;
}

int scan_vm_wait(pid_t pid)
{
	return scan_once_wait(pid) ?: scan_once_wait(pid);
}

int scan_all_wait(void)
{
	return scan_vm_wait(0);
}
