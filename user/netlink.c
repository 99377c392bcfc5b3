// SPDX-License-Identifier: GPL-2.0
/* Generic netlink, all of it. Nothing that arrives is trusted before it is checked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/pshare.h>

#include "netlink.h"
#include "schema.h"

#define REQUEST_SIZE	16384
#define REPLY_SIZE	32768	/* the largest that the kernel makes of a dump */
#define EVENTS_ROOM	(1 << 20)
#define DUMP_TRIES	32
#define MAX_ERRNO	4095	/* of the kernel */

struct nl {
	struct mnl_socket *socket;
	struct nl_error error;
	uint16_t family;
	uint32_t group;
	uint32_t seq;
	bool overflow;			/* the request did not fit */
	union {
		struct nlmsghdr header;
		char bytes[REQUEST_SIZE];
	} request;
	union {
		struct nlmsghdr header;
		char bytes[REPLY_SIZE];
	} reply;
};

/* Where the replies of one request go: into object, or one more in rows for each. */
struct sink {
	const struct fields *set;
	struct json_object *object;
	struct json_object *rows;
	uint16_t type;
	bool interrupted;
};

struct nl *nl_new(void)
{
	return calloc(1, sizeof(struct nl));
}

void nl_free(struct nl *nl)
{
	if (nl && nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}

int nl_fd(const struct nl *nl)
{
	return mnl_socket_get_fd(nl->socket);
}

const struct nl_error *nl_error(const struct nl *nl)
{
	return &nl->error;
}

static int set_error(struct nl *nl, int err, const char *message)
{
	nl->error.code = -err;
	nl->error.not_loaded = false;
	snprintf(nl->error.message, sizeof(nl->error.message), "%s", message);
	return err;
}

static int no_sense(struct nl *nl)
{
	return set_error(nl, -EBADMSG, "the answer makes no sense; is it our version?");
}

/* Building a request */

void nl_begin(struct nl *nl, uint8_t cmd)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(&nl->request);
	struct genlmsghdr *generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));

	generic->cmd = cmd;
	generic->version = PSHARE_GENL_VERSION;	/* as good a number as any for nlctrl */
	nl->overflow = false;
}

void nl_put(struct nl *nl, uint16_t attr, const void *data, size_t len)
{
	if (!mnl_attr_put_check(&nl->request.header, REQUEST_SIZE, attr, len, data))
		nl->overflow = true;
}

struct nlattr *nl_nest(struct nl *nl, uint16_t attr)
{
	struct nlattr *nest = mnl_attr_nest_start_check(&nl->request.header, REQUEST_SIZE, attr);

	nl->overflow |= !nest;
	return nest;
}

void nl_nest_end(struct nl *nl, struct nlattr *nest)
{
	if (nest)
		mnl_attr_nest_end(&nl->request.header, nest);
}

/* Receiving */

/* One datagram of the kernel into nl->reply. Returns its length or -errno. */
static int receive(struct nl *nl)
{
	struct sockaddr_nl from;
	struct iovec vec = { &nl->reply, sizeof(nl->reply) };
	struct msghdr header = { .msg_name = &from, .msg_iov = &vec, .msg_iovlen = 1 };
	int len;

	do {
		header.msg_namelen = sizeof(from);
		len = recvmsg(nl_fd(nl), &header, 0);
	} while ((len < 0 && errno == EINTR) ||
		 (len >= 0 && (header.msg_namelen != sizeof(from) || from.nl_pid != 0)));
	if (len < 0)
		return -errno;
	return header.msg_flags & MSG_TRUNC ? -EMSGSIZE : len;
}

/* mnl_nlmsg_ok() takes a length of 2^31 and more for a negative one, which fits everywhere. */
static bool is_whole(const struct nlmsghdr *message, int len)
{
	return mnl_nlmsg_ok(message, len) && message->nlmsg_len <= (uint32_t)len;
}

/* Decodes what comes after a generic header. Returns 0 or -EBADMSG. */
static int decode(const struct nlmsghdr *message, const struct fields *set,
		  struct json_object *object)
{
	size_t len = mnl_nlmsg_get_payload_len(message);

	if (len < GENL_HDRLEN)
		return -EBADMSG;
	return fields_decode(set, mnl_nlmsg_get_payload_offset(message, GENL_HDRLEN),
			     len - GENL_HDRLEN, object);
}

static int add_reply(struct nl *nl, const struct nlmsghdr *message, struct sink *sink)
{
	struct json_object *object = sink->object;

	if (sink->rows) {
		object = json_new();
		json_append(sink->rows, object);
	}
	if (message->nlmsg_type != sink->type || (object && decode(message, sink->set, object)))
		return no_sense(nl);
	return 1;
}

/* What the kernel thinks of the request, its words behind fixed bytes. Returns 0 or -errno. */
static int verdict(struct nl *nl, const struct nlmsghdr *message, size_t fixed)
{
	size_t len = mnl_nlmsg_get_payload_len(message);
	struct json_object *details;
	int code;

	if (len < fixed)
		return set_error(nl, -EBADMSG, "");
	memcpy(&code, mnl_nlmsg_get_payload(message), sizeof(code));
	if (code >= 0)
		return 0;
	if (code < -MAX_ERRNO)
		return no_sense(nl);
	details = json_new();
	if (message->nlmsg_flags & NLM_F_ACK_TLVS)
		fields_decode(&ack_fields, mnl_nlmsg_get_payload_offset(message, fixed),
			      len - fixed, details);
	set_error(nl, code, json_text(details, "message"));
	json_object_put(details);
	return code;
}

/* Returns 1 if more is to come, 0 at the end, -errno. */
static int take(struct nl *nl, const struct nlmsghdr *message, struct sink *sink)
{
	if (message->nlmsg_seq != nl->seq)
		return 1;
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		sink->interrupted = true;
	switch (message->nlmsg_type) {
	case NLMSG_DONE:
		return verdict(nl, message, sizeof(int));
	case NLMSG_ERROR:
		/* Not more than the header of the request, see NETLINK_CAP_ACK. */
		return verdict(nl, message, sizeof(struct nlmsgerr));
	}
	return add_reply(nl, message, sink);
}

static int receive_all(struct nl *nl, struct sink *sink)
{
	int more = 1;

	while (more == 1) {
		const struct nlmsghdr *message = &nl->reply.header;
		int len = receive(nl);

		if (len < 0)
			return set_error(nl, len, "");
		for (; more == 1 && is_whole(message, len); message = mnl_nlmsg_next(message, &len))
			more = take(nl, message, sink);
	}
	return more;
}

static int transact(struct nl *nl, uint16_t flags, struct sink *sink)
{
	struct nlmsghdr *message = &nl->request.header;

	sink->type = message->nlmsg_type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	message->nlmsg_seq = ++nl->seq;
	if (mnl_socket_sendto(nl->socket, message, message->nlmsg_len) < 0)
		return set_error(nl, -errno, "");
	return receive_all(nl, sink);
}

/* Connecting */

static int open_socket(struct nl *nl)
{
	int on = 1;

	nl->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID))
		return set_error(nl, -errno, "");
	mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return 0;
}

static void learn_family(struct nl *nl, struct json_object *family)
{
	struct json_object *groups = json_object_object_get(family, "groups");
	size_t count = groups ? json_object_array_length(groups) : 0;

	nl->family = json_number(family, "id");
	for (size_t i = 0; i < count; i++) {
		struct json_object *group = json_object_array_get_idx(groups, i);

		if (!strcmp(json_text(group, "name"), PSHARE_MCGRP_EVENTS))
			nl->group = json_number(group, "id");
	}
}

/* Asks nlctrl. The request that is being built waits meanwhile. */
static int resolve(struct nl *nl)
{
	struct sink sink = { .set = &family_fields, .object = json_new() };
	char kept[REQUEST_SIZE];
	int err;

	memcpy(kept, &nl->request, sizeof(kept));
	nl_begin(nl, CTRL_CMD_GETFAMILY);
	nl->request.header.nlmsg_type = GENL_ID_CTRL;
	nl_put(nl, CTRL_ATTR_FAMILY_NAME, PSHARE_GENL_NAME, sizeof(PSHARE_GENL_NAME));
	err = transact(nl, 0, &sink);
	memcpy(&nl->request, kept, sizeof(kept));
	if (!err)
		learn_family(nl, sink.object);
	nl->error.not_loaded = err == -ENOENT;
	json_object_put(sink.object);
	return err;
}

static int connect_family(struct nl *nl)
{
	int err = 0;

	if (!nl->socket)
		err = open_socket(nl);
	if (!err && !nl->family)
		err = resolve(nl);
	return err;
}

static int ask_family(struct nl *nl, uint16_t flags, struct sink *sink)
{
	int err = connect_family(nl);

	if (err)
		return err;
	nl->request.header.nlmsg_type = nl->family;
	return transact(nl, flags, sink);
}

/*
 * A family that went away between two requests answers with a bare ENOENT. It has another number
 * when it has come back.
 */
static int ask(struct nl *nl, uint16_t flags, struct sink *sink)
{
	bool known = nl->family;
	int err;

	if (nl->overflow)
		return set_error(nl, -EMSGSIZE, "that is too much for one request");
	err = ask_family(nl, flags, sink);
	if (err != -ENOENT || nl->error.message[0] || nl->error.not_loaded)
		return err;
	nl->family = 0;
	if (known)
		err = ask_family(nl, flags, sink);
	if (err == -ENOENT && !nl->error.message[0])
		nl->error.not_loaded = true;
	return err;
}

int nl_do(struct nl *nl, const struct fields *set, struct json_object *object)
{
	struct sink sink = { .set = set, .object = object };

	return ask(nl, 0, &sink);
}

int nl_dump(struct nl *nl, const struct fields *set, struct json_object **rows)
{
	struct sink sink = { .set = set };
	int err;

	for (int i = 0; i < DUMP_TRIES; i++) {
		sink.rows = json_new_array();
		sink.interrupted = false;
		err = ask(nl, NLM_F_DUMP, &sink);
		if (!err && !sink.interrupted) {
			*rows = sink.rows;
			return 0;
		}
		json_object_put(sink.rows);
		if (err)
			return err;
	}
	return set_error(nl, -EAGAIN, "the list changes faster than it can be read; try again");
}

/* Events */

static int join(struct nl *nl, uint32_t group)
{
	return mnl_socket_setsockopt(nl->socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
}

/* nlctrl's group, whose number is the controller's: it tells when a family comes or goes. */
static int join_controller(struct nl *nl)
{
	int room = EVENTS_ROOM;

	setsockopt(nl_fd(nl), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return join(nl, GENL_ID_CTRL) ? set_error(nl, -errno, "") : 0;
}

int nl_subscribe(struct nl *nl)
{
	int err = connect_family(nl);

	if (!err)
		err = join_controller(nl);
	if (!err && join(nl, nl->group))
		err = set_error(nl, -errno, "");
	return err;
}

/* First the controller's group, so that a module that comes meanwhile is not missed. */
int nl_watch(struct nl *nl)
{
	int err = open_socket(nl);

	if (!err)
		err = join_controller(nl);
	if (err)
		return err;
	err = resolve(nl);
	if (!err && join(nl, nl->group))
		return set_error(nl, -errno, "");
	return nl->error.not_loaded ? 0 : err;
}

bool nl_is_connected(const struct nl *nl)
{
	return nl->family;
}

static void add_event(struct json_object *events, const char *name, struct json_object *object)
{
	json_set_text(object, "event", name);
	json_append(events, object);
}

/* The family came, or went: what was known of it is known anew. */
static void take_family(struct nl *nl, const struct nlmsghdr *message, uint8_t cmd,
			struct json_object *events)
{
	struct json_object *family = json_new();
	bool ours = !decode(message, &family_fields, family) &&
		    !strcmp(json_text(family, "name"), PSHARE_GENL_NAME);

	if (ours && cmd == CTRL_CMD_NEWFAMILY) {
		learn_family(nl, family);
		join(nl, nl->group);
		add_event(events, "loaded", json_new());
	}
	if (ours && cmd == CTRL_CMD_DELFAMILY) {
		nl->family = 0;
		add_event(events, "unloaded", json_new());
	}
	json_object_put(family);
}

static int take_event(struct nl *nl, const struct nlmsghdr *message, struct json_object *events)
{
	const struct genlmsghdr *generic = mnl_nlmsg_get_payload(message);
	const struct event *event;
	struct json_object *object;

	if (mnl_nlmsg_get_payload_len(message) < GENL_HDRLEN)
		return 0;
	if (message->nlmsg_type == GENL_ID_CTRL)
		take_family(nl, message, generic->cmd, events);
	event = event_find(generic->cmd);
	if (message->nlmsg_type != nl->family || !event)
		return 0;
	object = json_new();
	add_event(events, event->name, object);
	if (decode(message, event->fields, object))
		return set_error(nl, -EBADMSG, "an event of the module makes no sense");
	return 0;
}

int nl_events(struct nl *nl, struct json_object *events)
{
	const struct nlmsghdr *message = &nl->reply.header;
	int len = receive(nl);
	int err = 0;

	if (len == -ENOBUFS)
		add_event(events, "lost", json_new());
	else if (len < 0)
		return set_error(nl, len, "");
	for (; !err && is_whole(message, len); message = mnl_nlmsg_next(message, &len))
		err = take_event(nl, message, events);
	return err;
}
