// SPDX-License-Identifier: GPL-2.0
/*
 * The command's netlink against a kernel that is played here: each test queues the datagrams
 * that a request is answered with. Real ones come in the test host.
 */
#include <errno.h>
#include <string.h>

#include "tap.h"
#include "util.h"

#include "fake_socket.h"

#define FAMILY	33
#define GROUP	7

/* What comes next: a datagram or an error. */
struct datagram {
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} data;
	size_t len;
	uint32_t from;
	int err;
	int flags;
};

static struct datagram queue[160];
static size_t queued, received;
static uint32_t last_seq;
static unsigned int sent;
static bool family_is_there;

/* Building datagrams */

static struct datagram *next(void)
{
	struct datagram *datagram = &queue[queued++];

	memset(datagram, 0, sizeof(*datagram));
	return datagram;
}

static struct nlmsghdr *add(struct datagram *datagram, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(datagram->data.bytes + datagram->len);

	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	return message;
}

static void end(struct datagram *datagram, const struct nlmsghdr *message)
{
	datagram->len += MNL_ALIGN(message->nlmsg_len);
}

static struct nlmsghdr *add_generic(struct datagram *datagram, uint16_t type, uint16_t flags,
				    uint8_t cmd)
{
	struct nlmsghdr *message = add(datagram, type, flags);
	struct genlmsghdr *generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));

	generic->cmd = cmd;
	return message;
}

static void add_vm(struct datagram *datagram, uint16_t flags, uint32_t pid)
{
	struct nlmsghdr *message = add_generic(datagram, FAMILY, flags, PSHARE_CMD_VM_GET);

	mnl_attr_put_u32(message, PSHARE_A_VM_PID, pid);
	end(datagram, message);
}

static void add_verdict(struct datagram *datagram, uint16_t type, int err, const char *text)
{
	struct nlmsghdr *message = add(datagram, type, NLM_F_CAPPED | NLM_F_ACK_TLVS);
	size_t size = type == NLMSG_DONE ? sizeof(int) : sizeof(struct nlmsgerr);

	*(int *)mnl_nlmsg_put_extra_header(message, size) = err;
	if (text)
		mnl_attr_put_strz(message, NLMSGERR_ATTR_MSG, text);
	end(datagram, message);
}

static void test_queue_family(void)
{
	struct datagram *datagram = next();
	struct nlmsghdr *message;
	struct nlattr *groups, *group;

	if (!family_is_there) {
		add_verdict(datagram, NLMSG_ERROR, -ENOENT, NULL);
		return;
	}
	message = add_generic(datagram, GENL_ID_CTRL, 0, CTRL_CMD_NEWFAMILY);
	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, "pshare");
	mnl_attr_put_u16(message, CTRL_ATTR_FAMILY_ID, FAMILY);
	groups = mnl_attr_nest_start(message, CTRL_ATTR_MCAST_GROUPS);
	group = mnl_attr_nest_start(message, 1);
	mnl_attr_put_u32(message, CTRL_ATTR_MCAST_GRP_ID, GROUP);
	mnl_attr_put_strz(message, CTRL_ATTR_MCAST_GRP_NAME, "events");
	mnl_attr_nest_end(message, group);
	mnl_attr_nest_end(message, groups);
	end(datagram, message);
	add_verdict(next(), NLMSG_ERROR, 0, NULL);
}

/* The kernel that is played */

static ssize_t fake_send(const struct mnl_socket *socket, const void *request, size_t size)
{
	const struct nlmsghdr *message = request;

	(void)socket;
	last_seq = message->nlmsg_seq;
	sent++;
	return size;
}

/* Replies carry the number of the last request, if the test set none. */
static void number(struct datagram *datagram)
{
	struct nlmsghdr *message = &datagram->data.header;
	int len = datagram->len;

	for (; is_whole(message, len); message = mnl_nlmsg_next(message, &len))
		if (!message->nlmsg_seq)
			message->nlmsg_seq = last_seq;
}

static ssize_t fake_receive(int fd, struct msghdr *header, int flags)
{
	struct sockaddr_nl *from = header->msg_name;
	struct datagram *datagram = &queue[received];

	(void)fd;
	(void)flags;
	if (received == queued || queue[received++].err) {
		errno = received <= queued && datagram->err ? datagram->err : EIO;
		return -1;
	}
	number(datagram);
	memset(from, 0, sizeof(*from));
	from->nl_pid = datagram->from;
	header->msg_flags = datagram->flags;
	memcpy(header->msg_iov->iov_base, datagram->data.bytes, datagram->len);
	return datagram->len;
}

/* A new connection; what follows is queued behind the family. */
static struct nl *begin(bool there)
{
	struct nl *nl = nl_new();

	queued = 0;
	received = 0;
	sent = 0;
	family_is_there = there;
	test_queue_family();
	nl_begin(nl, PSHARE_CMD_VM_GET);
	return nl;
}

static const char *plain(struct json_object *document)
{
	return json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN);
}

/* The object that a request is answered with, as text; "" after an error. */
static const char *do_text(struct nl *nl)
{
	static char text[1024];
	struct json_object *object = json_new();

	text[0] = '\0';
	if (!nl_do(nl, &vm_fields, object))
		snprintf(text, sizeof(text), "%s", plain(object));
	json_object_put(object);
	return text;
}

static const char *dump_text(struct nl *nl)
{
	static char text[1024];
	struct json_object *rows;

	text[0] = '\0';
	if (nl_dump(nl, &vm_fields, &rows))
		return text;
	snprintf(text, sizeof(text), "%s", plain(rows));
	json_object_put(rows);
	return text;
}

static bool failed(const struct nl *nl, int code, const char *message)
{
	return nl_error(nl)->code == code && !strcmp(nl_error(nl)->message, message);
}

static void test_answers(void)
{
	struct nl *nl = begin(true);
	struct datagram *datagram = next();

	add_vm(datagram, 0, 12);
	add_verdict(datagram, NLMSG_ERROR, 0, NULL);
	ok(!strcmp(do_text(nl), "{\"pid\":12}"), "a reply and its acknowledgment are taken");
	ok(nl->family == FAMILY && nl->group == GROUP, "the family and its group are found");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	add_vm(next(), 0, 13);
	add_verdict(next(), NLMSG_ERROR, 0, NULL);
	ok(!strcmp(do_text(nl), "{\"pid\":13}") && sent == 3, "the family is asked for once");
	nl_free(nl);
}

static void test_refusals(void)
{
	struct nl *nl = begin(true);

	add_verdict(next(), NLMSG_ERROR, -EEXIST, "the name is taken");
	ok(!*do_text(nl) && failed(nl, EEXIST, "the name is taken"), "the kernel's words are kept");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	add_verdict(next(), NLMSG_ERROR, -EPERM, NULL);
	ok(!*do_text(nl) && failed(nl, EPERM, ""), "an error may come without words");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	add_verdict(next(), NLMSG_ERROR, -ENOENT, "no such VM");
	ok(!*do_text(nl) && !nl_error(nl)->not_loaded, "a VM that is not there is one thing");
	nl_free(nl);
	nl = begin(false);
	ok(!*do_text(nl) && nl_error(nl)->not_loaded, "a module that was never there too");
	nl_free(nl);
}

static void test_module_that_goes(void)
{
	struct nl *nl = begin(true);

	add_vm(next(), 0, 12);
	add_verdict(next(), NLMSG_ERROR, 0, NULL);
	do_text(nl);
	nl_begin(nl, PSHARE_CMD_VM_GET);
	add_verdict(next(), NLMSG_ERROR, -ENOENT, NULL);
	family_is_there = false;
	test_queue_family();
	ok(!*do_text(nl) && nl_error(nl)->not_loaded, "a module that has gone is another");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	family_is_there = true;
	test_queue_family();
	add_vm(next(), 0, 13);
	add_verdict(next(), NLMSG_ERROR, 0, NULL);
	ok(!strcmp(do_text(nl), "{\"pid\":13}"), "and is found when it comes back");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	add_verdict(next(), NLMSG_ERROR, -ENOENT, NULL);
	test_queue_family();
	add_vm(next(), 0, 14);
	add_verdict(next(), NLMSG_ERROR, 0, NULL);
	ok(!strcmp(do_text(nl), "{\"pid\":14}"), "also if it went and came between two requests");
	nl_free(nl);
}

static void test_dumps(void)
{
	struct nl *nl = begin(true);
	struct datagram *datagram = next();

	add_vm(datagram, NLM_F_MULTI, 1);
	add_vm(datagram, NLM_F_MULTI, 2);
	datagram = next();
	add_vm(datagram, NLM_F_MULTI, 3);
	add_verdict(datagram, NLMSG_DONE, 0, NULL);
	ok(!strcmp(dump_text(nl), "[{\"pid\":1},{\"pid\":2},{\"pid\":3}]"), "a dump is a row each");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	add_verdict(next(), NLMSG_DONE, 0, NULL);
	ok(!strcmp(dump_text(nl), "[]"), "a dump may be empty");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	add_vm(next(), NLM_F_MULTI, 1);
	add_verdict(next(), NLMSG_DONE, -ENOENT, "no VM of that name");
	ok(!*dump_text(nl) && failed(nl, ENOENT, "no VM of that name"), "a dump may fail late");
	nl_free(nl);
}

static void test_interrupted_dumps(void)
{
	struct nl *nl = begin(true);

	add_vm(next(), NLM_F_MULTI, 1);
	add_verdict(next(), NLMSG_DONE, 0, NULL);
	queue[queued - 1].data.header.nlmsg_flags |= NLM_F_DUMP_INTR;
	add_vm(next(), NLM_F_MULTI, 2);
	add_verdict(next(), NLMSG_DONE, 0, NULL);
	ok(!strcmp(dump_text(nl), "[{\"pid\":2}]") && sent == 3, "an interrupted dump is repeated");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	for (int i = 0; i < DUMP_TRIES; i++) {
		add_vm(next(), NLM_F_MULTI | NLM_F_DUMP_INTR, i);
		add_verdict(next(), NLMSG_DONE, 0, NULL);
	}
	ok(!*dump_text(nl) && nl_error(nl)->code == EAGAIN, "but not for ever");
	nl_free(nl);
}

static void test_strangers(void)
{
	struct nl *nl = begin(true);

	next()->err = EINTR;
	add_vm(next(), 0, 66);
	queue[queued - 1].from = 4711;
	add_vm(next(), 0, 67);
	queue[queued - 1].data.header.nlmsg_seq = 999;
	add_vm(next(), 0, 12);
	add_verdict(next(), NLMSG_ERROR, 0, NULL);
	ok(!strcmp(do_text(nl), "{\"pid\":12}"), "signals, other senders and old answers pass by");
	nl_free(nl);
}

static void test_nonsense(void)
{
	struct nl *nl = begin(true);

	add_vm(next(), 0, 12);
	queue[queued - 1].flags = MSG_TRUNC;
	ok(!*do_text(nl) && nl_error(nl)->code == EMSGSIZE, "a datagram that was cut is an error");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	add_vm(next(), 0, 12);
	queue[queued - 1].data.header.nlmsg_type = FAMILY + 1;
	ok(!*do_text(nl) && nl_error(nl)->code == EBADMSG, "another family's message is an error");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	add(next(), FAMILY, 0);
	queue[queued - 1].len = NLMSG_HDRLEN;
	ok(!*do_text(nl) && nl_error(nl)->code == EBADMSG, "a reply without a header is an error");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	add(next(), NLMSG_ERROR, 0);
	queue[queued - 1].len = NLMSG_HDRLEN;
	ok(!*do_text(nl) && nl_error(nl)->code == EBADMSG, "an error without a number is one too");
	nl_begin(nl, PSHARE_CMD_VM_GET);
	for (int i = 0; i < 4096; i++)
		nl_put_u64(nl, PSHARE_A_VM_PID, i);
	ok(!*do_text(nl) && nl_error(nl)->code == EMSGSIZE, "too large a request stays here");
	nl_free(nl);
}

static void test_random_bytes(void)
{
	unsigned int seed = 1;

	for (int round = 0; round < 5000; round++) {
		struct nl *nl = begin(true);
		struct datagram *datagram = next();

		add_vm(datagram, NLM_F_MULTI, 1);
		add_verdict(datagram, round % 2 ? NLMSG_DONE : NLMSG_ERROR, -EPERM, "words");
		for (int i = rand_r(&seed) % 4; i >= 0; i--)
			datagram->data.bytes[rand_r(&seed) % datagram->len] = rand_r(&seed);
		dump_text(nl);
		nl_free(nl);
	}
	ok(true, "5000 damaged answers do no harm");
}

static struct json_object *hear(struct nl *nl)
{
	struct json_object *events = json_new_array();

	if (nl_events(nl, events))
		json_append(events, json_object_new_string("error"));
	return events;
}

static bool hears(struct nl *nl, const char *expected)
{
	struct json_object *events = hear(nl);
	bool same = !strcmp(plain(events), expected);

	json_object_put(events);
	return same;
}

static void add_scan_end(struct datagram *datagram)
{
	struct nlmsghdr *message = add_generic(datagram, FAMILY, 0, PSHARE_CMD_SCAN_NTF);

	mnl_attr_put_u64(message, PSHARE_A_SCAN_COOKIE, 5);
	end(datagram, message);
}

static void add_family_event(struct datagram *datagram, uint8_t cmd, const char *family)
{
	struct nlmsghdr *message = add_generic(datagram, GENL_ID_CTRL, 0, cmd);

	mnl_attr_put_u16(message, CTRL_ATTR_FAMILY_ID, FAMILY);
	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, family);
	end(datagram, message);
}

static void test_events(void)
{
	struct nl *nl = begin(true);
	struct datagram *datagram;

	ok(!nl_subscribe(nl), "the group is joined");
	datagram = next();
	add_scan_end(datagram);
	end(datagram, add_generic(datagram, FAMILY, 0, 200));
	add_scan_end(datagram);
	ok(hears(nl, "[{\"event\":\"scan\",\"cookie\":5},{\"event\":\"scan\",\"cookie\":5}]"),
	   "events are named, those of a newer module pass by");
	next()->err = ENOBUFS;
	ok(hears(nl, "[{\"event\":\"lost\"}]"), "lost events are told of");
	add_family_event(next(), CTRL_CMD_DELFAMILY, "another");
	ok(hears(nl, "[]"), "other modules may go");
	add_family_event(next(), CTRL_CMD_DELFAMILY, "pshare");
	ok(hears(nl, "[{\"event\":\"unloaded\"}]"), "ours is told of");
	nl_free(nl);
}

static void test_watching(void)
{
	struct nl *nl = begin(false);

	ok(!nl_watch(nl) && !nl_is_connected(nl), "a module can be waited for");
	add_family_event(next(), CTRL_CMD_NEWFAMILY, "another");
	ok(hears(nl, "[]") && !nl_is_connected(nl), "others may come");
	add_family_event(next(), CTRL_CMD_NEWFAMILY, "pshare");
	ok(hears(nl, "[{\"event\":\"loaded\"}]") && nl_is_connected(nl), "ours is noticed");
	add_scan_end(next());
	ok(hears(nl, "[{\"event\":\"scan\",\"cookie\":5}]"), "and its events then");
	add_family_event(next(), CTRL_CMD_DELFAMILY, "pshare");
	ok(hears(nl, "[{\"event\":\"unloaded\"}]") && !nl_is_connected(nl), "until it goes");
	nl_free(nl);
	nl = begin(true);
	ok(!nl_watch(nl) && nl_is_connected(nl), "one that is there is known at once");
	nl_free(nl);
}

int main(void)
{
	test_answers();
	test_refusals();
	test_module_that_goes();
	test_dumps();
	test_interrupted_dumps();
	test_strangers();
	test_nonsense();
	test_random_bytes();
	test_events();
	test_watching();
	return tap_end();
}
