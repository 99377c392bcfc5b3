// SPDX-License-Identifier: GPL-2.0
/*
 * Process events connector. Its socket filter lets only new programs and new processes pass: the
 * threads of a busy host would fill the queue. The kernel counts its listeners, and stops telling
 * when the last one says that it goes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>

#include "connector.h"
#include "util.h"

#define ROOM	(1 << 20)	/* bytes of events that may wait */

/* Where things are in a datagram. */
#define EVENT_AT	(NLMSG_HDRLEN + sizeof(struct cn_msg))
#define WHAT_AT		(EVENT_AT + offsetof(struct proc_event, what))
#define CHILD_PID_AT	(EVENT_AT + offsetof(struct proc_event, event_data.fork.child_pid))
#define CHILD_TGID_AT	(EVENT_AT + offsetof(struct proc_event, event_data.fork.child_tgid))

struct connector {
	struct mnl_socket *socket;
	sd_event_source *source;
	const struct connector_calls *calls;
};

/* An exec, or a fork that makes a process and no thread. Words are loaded in network order. */
static int set_filter(struct connector *connector)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, WHAT_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_EXEC), 5, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(PROC_EVENT_FORK), 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CHILD_TGID_AT),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CHILD_PID_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };
	int fd = mnl_socket_get_fd(connector->socket);

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

static int say(struct connector *connector, enum proc_cn_mcast_op what)
{
	union {
		struct nlmsghdr header;
		char bytes[256];
	} request;
	struct nlmsghdr *message = mnl_nlmsg_put_header(&request);
	struct cn_msg *body = mnl_nlmsg_put_extra_header(message, sizeof(*body) + sizeof(what));

	message->nlmsg_type = NLMSG_DONE;
	body->id.idx = CN_IDX_PROC;
	body->id.val = CN_VAL_PROC;
	body->len = sizeof(what);
	memcpy(body->data, &what, sizeof(what));
	return mnl_socket_sendto(connector->socket, message, message->nlmsg_len) < 0 ? -errno : 0;
}

static void take_event(const struct connector *connector, const struct nlmsghdr *message)
{
	const struct connector_calls *calls = connector->calls;
	size_t len = mnl_nlmsg_get_payload_len(message);
	struct proc_event event = { 0 };

	if (len < sizeof(struct cn_msg) + offsetof(struct proc_event, event_data))
		return;
	len -= sizeof(struct cn_msg);
	memcpy(&event, (char *)mnl_nlmsg_get_payload(message) + sizeof(struct cn_msg),
	       len < sizeof(event) ? len : sizeof(event));
	if (event.what == PROC_EVENT_EXEC)
		calls->exec(event.event_data.exec.process_tgid, calls->data);
	else if (event.what == PROC_EVENT_FORK)
		calls->fork(event.event_data.fork.parent_tgid, event.event_data.fork.child_tgid,
			    calls->data);
}

/* Only what the kernel sends counts. Returns the length, 0 if there is nothing of it, or -errno. */
static int receive(struct connector *connector, void *buffer, size_t size)
{
	struct sockaddr_nl from = { 0 };
	struct iovec vec = { buffer, size };
	struct msghdr header = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &vec, .msg_iovlen = 1,
	};
	int len = recvmsg(mnl_socket_get_fd(connector->socket), &header, MSG_DONTWAIT);

	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return from.nl_pid || header.msg_flags & MSG_TRUNC ? 0 : len;
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	union {
		struct nlmsghdr header;
		char bytes[8192];
	} buffer;
	struct connector *connector = data;
	const struct nlmsghdr *message = &buffer.header;
	int len = receive(connector, &buffer, sizeof(buffer));

	(void)source;
	(void)fd;
	(void)revents;
	if (len == -ENOBUFS)
		connector->calls->lost(connector->calls->data);
	else if (len < 0)
		return len;
	for (; mnl_nlmsg_ok(message, len); message = mnl_nlmsg_next(message, &len))
		take_event(connector, message);
	return 0;
}

static int listen_to(struct connector *connector, sd_event *event)
{
	int fd, room = ROOM, err;

	connector->socket = mnl_socket_open2(NETLINK_CONNECTOR, SOCK_CLOEXEC);
	if (!connector->socket)
		return -errno;
	fd = mnl_socket_get_fd(connector->socket);
	err = set_filter(connector);
	if (err)
		return err;
	/* Beyond the host's limit, which takes a privilege; without, what is allowed. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (mnl_socket_bind(connector->socket, CN_IDX_PROC, MNL_SOCKET_AUTOPID))
		return -errno;
	err = say(connector, PROC_CN_MCAST_LISTEN);
	if (err)
		return err;
	return sd_event_add_io(event, &connector->source, fd, EPOLLIN, on_readable, connector);
}

int connector_open(struct connector **connector, sd_event *event,
		   const struct connector_calls *calls)
{
	int err;

	*connector = calloc(1, sizeof(**connector));
	if (!*connector)
		return -ENOMEM;
	(*connector)->calls = calls;
	err = listen_to(*connector, event);
	if (err) {
		connector_close(*connector);
		*connector = NULL;
	}
	return err;
}

void connector_close(struct connector *connector)
{
	if (!connector)
		return;
	sd_event_source_disable_unref(connector->source);
	if (connector->socket) {
		say(connector, PROC_CN_MCAST_IGNORE);
		mnl_socket_close(connector->socket);
	}
	free(connector);
}
