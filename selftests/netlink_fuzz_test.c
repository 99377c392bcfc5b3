// SPDX-License-Identifier: GPL-2.0
/*
 * Malformed requests: each is answered, by an error with a message or as what it has
 * become. PSHARE_FUZZ_SEED repeats a run, PSHARE_FUZZ_COUNT sets its length.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "fixture.h"

HOST_FIXTURE(fuzz);

#define PAGES		64UL
#define MAX_MESSAGE	1024
#define MAX_REQUESTS	40
#define ANSWER_SECONDS	30
#define FUZZ_SECONDS	200
#define FIRST_ATTR	(NLMSG_HDRLEN + GENL_HDRLEN)

struct message {
	size_t length;
	union {
		struct nlmsghdr hdr;
		unsigned char bytes[MAX_MESSAGE];
	};
};

/* What came back. */
struct verdict {
	bool answered;
	int error;
	bool explained;
};

static struct message requests[MAX_REQUESTS];
static unsigned int nr_requests;
static uint64_t state;
static int fd = -1;

static uint32_t random_below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 32) % n;
}

static uint64_t parameter(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : fallback;
}

static void start_random(struct __test_metadata *_metadata)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	state = parameter("PSHARE_FUZZ_SEED", ts.tv_sec ^ (uint64_t)ts.tv_nsec << 20) | 1;
	TH_LOG("PSHARE_FUZZ_SEED=%#llx", (unsigned long long)state);
}

static void open_socket(struct __test_metadata *_metadata)
{
	struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	int one = 1;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)));
	ASSERT_EQ(0, setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)));
	ASSERT_EQ(0, setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)));
}

static void judge(const struct nlmsghdr *hdr, struct verdict *verdict)
{
	if (hdr->nlmsg_type != NLMSG_ERROR && hdr->nlmsg_type != NLMSG_DONE)
		return;
	verdict->answered = true;
	verdict->error = -*(int *)NLMSG_DATA(hdr);
	verdict->explained = hdr->nlmsg_flags & NLM_F_ACK_TLVS;
}

/* Reads until the acknowledgment or the end of a dump; nothing comes for the shortest messages. */
static struct verdict ask(struct message *message)
{
	static char buffer[1 << 17];
	struct verdict verdict = { 0 };
	const struct nlmsghdr *hdr;
	ssize_t length;

	message->hdr.nlmsg_len = message->length;
	message->hdr.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, message->bytes, message->length, 0) != (ssize_t)message->length)
		return verdict;
	while (!verdict.answered) {
		length = recv(fd, buffer, sizeof(buffer), 0);
		if (length <= 0)
			break;
		for (hdr = (void *)buffer; NLMSG_OK(hdr, length); hdr = NLMSG_NEXT(hdr, length))
			judge(hdr, &verdict);
	}
	return verdict;
}

static void keep(struct nl_msg *msg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	if (nr_requests < MAX_REQUESTS && hdr->nlmsg_len <= MAX_MESSAGE) {
		requests[nr_requests].length = hdr->nlmsg_len;
		memcpy(requests[nr_requests++].bytes, hdr, hdr->nlmsg_len);
	}
	nlmsg_free(msg);
}

static void put_knob(struct nl_msg *msg, const char *name, const char *value)
{
	struct nlattr *nest = nla_nest_start(msg, PSHARE_A_KNOBS_KNOB);

	nla_put_string(msg, PSHARE_A_KNOB_NAME, name);
	if (value)
		nla_put_string(msg, PSHARE_A_KNOB_VALUE, value);
	nla_nest_end(msg, nest);
}

static void make_vm_requests(pid_t pid)
{
	static const int commands[] = { PSHARE_CMD_VM_ADD, PSHARE_CMD_VM_DEL, PSHARE_CMD_VM_SET,
					PSHARE_CMD_VM_GET, PSHARE_CMD_UNMERGE };
	struct nl_msg *msg;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		msg = nl_request(commands[i], 0);
		nla_put_u32(msg, PSHARE_A_VM_PID, pid);
		if (commands[i] == PSHARE_CMD_VM_ADD)
			nla_put_u64(msg, PSHARE_A_VM_START_TIME, process_start_time(pid));
		if (commands[i] != PSHARE_CMD_UNMERGE)
			nla_put_string(msg, PSHARE_A_VM_NAME, "fuzzed");
		if (commands[i] == PSHARE_CMD_VM_ADD || commands[i] == PSHARE_CMD_VM_SET) {
			nla_put_u32(msg, PSHARE_A_VM_DOMAIN, 0);
			nla_put_u32(msg, PSHARE_A_VM_WEIGHT, 100);
			nla_put_u32(msg, PSHARE_A_VM_THP, PSHARE_THP_POLICY_AUTO);
		}
		if (commands[i] == PSHARE_CMD_VM_SET)
			nla_put_u8(msg, PSHARE_A_VM_PAUSED, 0);
		if (commands[i] == PSHARE_CMD_VM_DEL)
			nla_put_flag(msg, PSHARE_A_VM_UNMERGE);
		keep(msg);
	}
	keep(nl_request(PSHARE_CMD_VM_GET, NLM_F_DUMP));
}

static void make_host_requests(void)
{
	struct nl_msg *msg = nl_request(PSHARE_CMD_KNOB_GET, 0);

	keep(msg);
	msg = nl_request(PSHARE_CMD_KNOB_GET, 0);
	put_knob(msg, "thp", NULL);
	put_knob(msg, "run", NULL);
	keep(msg);
	msg = nl_request(PSHARE_CMD_KNOB_SET, 0);
	put_knob(msg, "cpu_percent", "33");
	put_knob(msg, "thp", "never");
	put_knob(msg, "max_frames", "100000");
	keep(msg);
	msg = nl_request(PSHARE_CMD_STATS_GET, 0);
	nla_put_flag(msg, PSHARE_A_STATS_REFRESH);
	keep(msg);
}

static void make_scan_and_region_requests(pid_t pid, void *addr)
{
	struct nl_msg *msg = nl_request(PSHARE_CMD_SCAN, 0);
	int dump;

	nla_put_u32(msg, PSHARE_A_SCAN_PID, pid);
	nla_put_string(msg, PSHARE_A_SCAN_NAME, "fuzzed");
	keep(msg);
	msg = nl_request(PSHARE_CMD_SCAN_GET, 0);
	nla_put_u64(msg, PSHARE_A_SCAN_COOKIE, 1);
	keep(msg);
	for (dump = 0; dump < 2; dump++) {
		msg = nl_request(PSHARE_CMD_REGION_GET, dump ? NLM_F_DUMP : 0);
		nla_put_u32(msg, PSHARE_A_REGION_PID, pid);
		nla_put_string(msg, PSHARE_A_REGION_VM_NAME, "fuzzed");
		nla_put_u64(msg, PSHARE_A_REGION_ADDR, (uintptr_t)addr);
		keep(msg);
	}
}

static void make_exclusion_requests(void)
{
	static const int commands[] = { PSHARE_CMD_EXCLUDE_ADD, PSHARE_CMD_EXCLUDE_GET,
					PSHARE_CMD_EXCLUDE_DEL };
	struct nl_msg *msg;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		msg = nl_request(commands[i], 0);
		nla_put_u32(msg, PSHARE_A_EXCLUDE_PID, getpid());
		keep(msg);
		msg = nl_request(commands[i], 0);
		nla_put_string(msg, PSHARE_A_EXCLUDE_NAME, "nobody");
		keep(msg);
	}
	keep(nl_request(PSHARE_CMD_EXCLUDE_GET, NLM_F_DUMP));
}

/* A valid request of each kind, about two processes that share. */
static void prepare(struct __test_metadata *_metadata, struct host *host, struct child *a,
		    struct child *b)
{
	ASSERT_OK(host_filled(host, a, "fuzzed", PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(host, b, "other", PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(scan_all_wait());
	make_vm_requests(a->pid);
	make_host_requests();
	make_scan_and_region_requests(a->pid, a->mem);
	make_exclusion_requests();
	open_socket(_metadata);
}

/* The module is well, its VMs are too, and it can leave. */
static void expect_all_well(struct __test_metadata *_metadata, struct child *a, struct child *b)
{
	struct host_info info;

	EXPECT_EQ(-1, child_verify(a, 0, PAGES, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(b, 0, PAGES, SEED_PAIR, 0));
	ASSERT_OK(knobs_default());
	ASSERT_OK(stats_get(&info, true));
	close(fd);
	ASSERT_EQ(0, module_unload());
	EXPECT_EQ(-1, child_verify(a, 0, PAGES, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(b, 0, PAGES, SEED_PAIR, 0));
}

static void show(struct __test_metadata *_metadata, const struct message *message)
{
	char text[3 * 128 + 1] = "";
	size_t i;

	for (i = 0; i < message->length && i < 128; i++)
		snprintf(text + 3 * i, 4, "%02x ", message->bytes[i]);
	TH_LOG("request of %zu bytes: %s", message->length, text);
}

/*
 * An error of the family has a message. The kernel's own for messages without a whole
 * header, and for commands that there are not, have none.
 */
static struct verdict expect_answer(struct __test_metadata *_metadata, struct message *message)
{
	struct verdict verdict = ask(message);

	EXPECT_TRUE(verdict.answered)
		show(_metadata, message);
	if (!verdict.error || verdict.error == EOPNOTSUPP || message->length < FIRST_ATTR)
		return verdict;
	EXPECT_TRUE(verdict.explained) {
		TH_LOG("error %d without a message", verdict.error);
		show(_metadata, message);
	}
	return verdict;
}

HOST_TEST(fuzz, valid_requests_of_every_operation_are_answered)
{
	struct child a, b;
	struct verdict verdict;
	unsigned int i;

	prepare(_metadata, &self->host, &a, &b);
	ASSERT_LE(20, nr_requests);
	for (i = 0; i < nr_requests; i++) {
		verdict = expect_answer(_metadata, &requests[i]);
		/* What another request of them has done before is no mistake. */
		EXPECT_NE(EINVAL, verdict.error)
			show(_metadata, &requests[i]);
	}
	expect_all_well(_metadata, &a, &b);
}

/* Shorter by the end, down to nothing behind netlink's own header. */
static void truncate_message(struct __test_metadata *_metadata, const struct message *request)
{
	struct message message;

	for (message.length = NLMSG_HDRLEN; message.length < request->length; message.length++) {
		memcpy(message.bytes, request->bytes, message.length);
		expect_answer(_metadata, &message);
	}
}

/* One attribute gets every shorter length, and what is behind moves up. */
static void truncate_attribute(struct __test_metadata *_metadata, const struct message *request,
			       size_t at)
{
	const struct nlattr *attr = (const void *)(request->bytes + at);
	size_t whole = NLA_ALIGN(attr->nla_len), end = at + whole;
	struct message message;
	size_t length;

	for (length = 0; length < attr->nla_len; length++) {
		size_t kept = length < NLA_HDRLEN ? NLA_HDRLEN : NLA_ALIGN(length);

		memcpy(message.bytes, request->bytes, at + kept);
		memcpy(message.bytes + at + kept, request->bytes + end, request->length - end);
		message.length = request->length - whole + kept;
		((struct nlattr *)(message.bytes + at))->nla_len = length;
		expect_answer(_metadata, &message);
	}
}

HOST_TEST(fuzz, requests_truncated_at_every_length_are_answered)
{
	struct child a, b;
	unsigned int i;
	size_t at;

	prepare(_metadata, &self->host, &a, &b);
	for (i = 0; i < nr_requests; i++) {
		truncate_message(_metadata, &requests[i]);
		for (at = FIRST_ATTR; at < requests[i].length;
		     at += NLA_ALIGN(((struct nlattr *)(requests[i].bytes + at))->nla_len))
			truncate_attribute(_metadata, &requests[i], at);
	}
	expect_all_well(_metadata, &a, &b);
}

HOST_TEST(fuzz, messages_too_short_for_an_answer_do_no_harm)
{
	struct message message = { 0 };
	struct child a, b;
	size_t length;

	prepare(_metadata, &self->host, &a, &b);
	for (length = 1; length < NLMSG_HDRLEN; length++) {
		memcpy(message.bytes, requests[0].bytes, length);
		EXPECT_EQ((ssize_t)length, send(fd, message.bytes, length, 0));
	}
	/* Longer by their own account than they are. */
	for (length = 1; length < 64; length++) {
		message = requests[0];
		message.hdr.nlmsg_len += length;
		EXPECT_LT(0, send(fd, message.bytes, message.length, 0));
	}
	expect_answer(_metadata, &requests[nr_requests - 1]);
	expect_all_well(_metadata, &a, &b);
}

static void flip_byte(struct message *message)
{
	size_t body = message->length - NLMSG_HDRLEN;

	if (body)
		message->bytes[NLMSG_HDRLEN + random_below(body)] ^= 1 << random_below(8);
}

/* Some attribute, whether or not one begins there. */
static struct nlattr *any_attribute(struct message *message)
{
	size_t at = FIRST_ATTR, wanted = random_below(8);
	struct nlattr *attr;

	if (message->length < FIRST_ATTR + NLA_HDRLEN)
		return NULL;
	while (wanted--) {
		attr = (struct nlattr *)(message->bytes + at);
		if (attr->nla_len < NLA_HDRLEN ||
		    at + NLA_ALIGN(attr->nla_len) + NLA_HDRLEN > message->length)
			break;
		at += wanted % 3 ? NLA_ALIGN(attr->nla_len) : NLA_HDRLEN;
		if (at + NLA_HDRLEN > message->length)
			return NULL;
	}
	return (struct nlattr *)(message->bytes + at);
}

static void change_length(struct message *message)
{
	struct nlattr *attr = any_attribute(message);

	if (attr)
		attr->nla_len = random_below(4) ? random_below(80) : random_below(65536);
}

static void change_type(struct message *message)
{
	struct nlattr *attr = any_attribute(message);

	if (attr)
		attr->nla_type = random_below(4) ? random_below(20) : random_below(65536);
}

static void change_number(struct message *message)
{
	static const uint32_t numbers[] = { 0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 65536 };
	struct nlattr *attr = any_attribute(message);
	uint32_t number = numbers[random_below(7)];

	if (attr && (unsigned char *)attr + NLA_HDRLEN + 4 <= message->bytes + message->length)
		memcpy((char *)attr + NLA_HDRLEN, &number, sizeof(number));
}

/* Behind everything, or in place of what is there. */
static void add_attribute(struct message *message)
{
	struct nlattr *attr = (struct nlattr *)(message->bytes + message->length);
	unsigned int length = random_below(100), i;

	if (message->length % NLA_ALIGNTO || message->length + NLA_HDRLEN + 100 > MAX_MESSAGE)
		return;
	attr->nla_type = random_below(24);
	attr->nla_len = NLA_HDRLEN + length;
	for (i = 0; i < NLA_ALIGN(length); i++)
		message->bytes[message->length + NLA_HDRLEN + i] = random_below(256);
	message->length += NLA_HDRLEN + NLA_ALIGN(length);
}

/* The attributes of another request behind its own. */
static void splice(struct message *message)
{
	const struct message *other = &requests[random_below(nr_requests)];
	size_t more = other->length - FIRST_ATTR;

	if (message->length + more > MAX_MESSAGE)
		return;
	memcpy(message->bytes + message->length, other->bytes + FIRST_ATTR, more);
	message->length += more;
}

static void cut(struct message *message)
{
	message->length = NLMSG_HDRLEN + random_below(message->length - NLMSG_HDRLEN + 1);
}

static void change_flags(struct message *message)
{
	message->hdr.nlmsg_flags = random_below(65536);
}

static void (*const mutations[])(struct message *message) = {
	flip_byte, change_length, change_type, change_number, add_attribute, splice, cut,
	change_flags,
};

static void mutate(struct message *message)
{
	unsigned int times = 1 + random_below(4);

	*message = requests[random_below(nr_requests)];
	while (times--)
		mutations[random_below(8)](message);
}

/* What a mutation may have brought about and would only slow down the rest. */
static void calm_down(struct __test_metadata *_metadata)
{
	struct host_info info;
	unsigned int n;

	ASSERT_OK(stats_get(&info, false));
	ASSERT_OK(vm_list(NULL, 0, &n));
	ASSERT_OK(knobs_default());
}

TEST_F_TIMEOUT(fuzz, random_requests_are_answered, FUZZ_SECONDS)
{
	unsigned long count = parameter("PSHARE_FUZZ_COUNT", 20000), i, refused = 0;
	struct message message;
	struct child a, b;

	start_random(_metadata);
	prepare(_metadata, &self->host, &a, &b);
	for (i = 0; i < count && __test_passed(_metadata); i++) {
		mutate(&message);
		refused += expect_answer(_metadata, &message).error != 0;
		if (i % 1000 == 999)
			calm_down(_metadata);
	}
	TH_LOG("%lu requests, %lu refused", i, refused);
	EXPECT_LT(count / 2, refused);
	expect_all_well(_metadata, &a, &b);
}

TEST_HARNESS_MAIN
