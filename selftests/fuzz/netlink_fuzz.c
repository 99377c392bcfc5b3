// SPDX-License-Identifier: GPL-2.0
/*
 * Anything for an answer of the kernel: to a request, to a dump, and as events, then shown as
 * text. The input is a list of messages: a byte that says what it is, flags, a length, and what is
 * in it.
 */
#include <stdlib.h>

#include "../unit/fake_socket.h"

#include "../../user/show.h"

#define FAMILY	33

/* Of the first byte of a message. */
#define KIND		0x07	/* see kinds */
#define LYING_LENGTH	0x08	/* the header has a length from the input */
#define NEW_DATAGRAM	0x10
#define OTHER_SEQ	0x20
#define OVERRUN		0x40	/* an error instead */

static const uint16_t kinds[] = {
	FAMILY, FAMILY, GENL_ID_CTRL, NLMSG_ERROR, NLMSG_DONE, NLMSG_NOOP, FAMILY + 1, 0xffff,
};

static const struct fields *const sets[] = {
	&vm_fields, &knobs_fields, &stats_fields, &scan_fields, &region_fields, &exclude_fields,
	&event_fields, &family_fields, &ack_fields,
};

static const uint8_t *input;
static size_t left;
static uint32_t last_seq;

static uint8_t take_byte(void)
{
	if (!left)
		return 0;
	left--;
	return *input++;
}

static size_t take_bytes(void *to, size_t len)
{
	len = len < left ? len : left;
	memcpy(to, input, len);
	input += len;
	left -= len;
	return len;
}

static ssize_t fake_send(const struct mnl_socket *socket, const void *request, size_t size)
{
	(void)socket;
	last_seq = ((const struct nlmsghdr *)request)->nlmsg_seq;
	return size;
}

/* One message at the end of the datagram; returns its first byte. */
static uint8_t add_message(char *datagram, size_t room, size_t *len)
{
	struct nlmsghdr header = { .nlmsg_len = sizeof(header) };
	uint8_t kind = take_byte();
	size_t payload;

	header.nlmsg_type = kinds[kind & KIND];
	header.nlmsg_flags = take_byte() << 4;
	header.nlmsg_seq = kind & OTHER_SEQ ? 12345 : last_seq;
	payload = take_byte() * 4;
	if (room < sizeof(header) + payload)
		return kind;
	if (kind & LYING_LENGTH)
		take_bytes(&header.nlmsg_len, sizeof(header.nlmsg_len));
	payload = take_bytes(datagram + sizeof(header), payload);
	if (!(kind & LYING_LENGTH))
		header.nlmsg_len += payload;
	memcpy(datagram, &header, sizeof(header));
	*len += NLMSG_ALIGN(sizeof(header) + payload);
	return kind;
}

static ssize_t fake_receive(int fd, struct msghdr *header, int flags)
{
	struct sockaddr_nl *from = header->msg_name;
	size_t len = 0, room = header->msg_iov->iov_len;
	char *datagram = header->msg_iov->iov_base;
	uint8_t kind;

	(void)fd;
	(void)flags;
	do {
		if (!left) {
			errno = EIO;
			return -1;
		}
		kind = add_message(datagram + len, room - len, &len);
	} while (left && !(kind & NEW_DATAGRAM));
	if (kind & OVERRUN) {
		errno = ENOBUFS;
		return -1;
	}
	memset(from, 0, sizeof(*from));
	header->msg_flags = 0;
	return len;
}

static void show(struct json_object *document, const struct fields *set)
{
	struct ctx text = { .json = false };

	if (json_object_is_type(document, json_type_array))
		show_rows(&text, document, set, NULL);
	else
		show_record(&text, document, set, NULL);
}

static void check(const struct nl *nl, int err)
{
	if (err && (nl_error(nl)->code != -err || nl_error(nl)->code <= 0))
		abort();
}

static void ask_for_one(struct nl *nl, const struct fields *set)
{
	struct json_object *object = json_new();

	nl_begin(nl, PSHARE_CMD_VM_GET);
	check(nl, nl_do(nl, set, object));
	show(object, set);
}

static void ask_for_all(struct nl *nl, const struct fields *set)
{
	struct json_object *rows;
	int err;

	nl_begin(nl, PSHARE_CMD_VM_GET);
	err = nl_dump(nl, set, &rows);
	check(nl, err);
	if (!err)
		show(rows, set);
}

static void hear(struct nl *nl)
{
	struct ctx text = { .json = false };
	struct json_object *events = json_new_array();

	nl_events(nl, events);
	for (size_t i = 0; i < json_object_array_length(events); i++)
		show_event(&text, json_object_get(json_object_array_get_idx(events, i)),
			   &event_fields);
	json_object_put(events);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nl *nl = nl_new();
	uint8_t mode, set;

	input = data;
	left = size;
	mode = take_byte();
	set = take_byte() % ARRAY_SIZE(sets);
	/* Half of the time the family is known. */
	nl->socket = (struct mnl_socket *)&input;
	nl->family = mode & 4 ? 0 : FAMILY;
	if (mode % 4 == 0)
		ask_for_one(nl, sets[set]);
	else if (mode % 4 == 1)
		ask_for_all(nl, sets[set]);
	else
		hear(nl);
	nl_free(nl);
	return 0;
}
