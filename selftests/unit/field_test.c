// SPDX-License-Identifier: GPL-2.0
/* Attributes to JSON by table: the tables are complete, and what is malformed is refused. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/pshare.h>

#include "schema.h"
#include "tap.h"
#include "util.h"

/* What the contract names, apart from the tables that are tested. */
#define NAMED(name)	{ PSHARE_A_COUNTERS_##name, #name }

static const struct {
	int attr;
	const char *name;
} named[] = {
	NAMED(PAGES_SHARED), NAMED(PAGES_SHARING), NAMED(ZERO_PAGES), NAMED(PAGES_UNSHARED),
	NAMED(PAGES_VOLATILE), NAMED(PAGES_SCANNED), NAMED(FULL_SCANS), NAMED(GENERAL_PROFIT),
	NAMED(METADATA_BYTES), NAMED(MERGES), NAMED(UNMERGES), NAMED(COW_BREAKS),
	NAMED(THP_SPLIT), NAMED(THP_KEPT), NAMED(NOTIFIER_ROUNDS), NAMED(SCAN_CPU_NS),
	NAMED(SKIPPED_PINNED), NAMED(SKIPPED_CHANGED), NAMED(SKIPPED_COLLISION),
	NAMED(SKIPPED_LOCKED), NAMED(SKIPPED_SWAP), NAMED(SKIPPED_KSM),
	NAMED(SKIPPED_SHARED_MEMORY), NAMED(SKIPPED_HUGETLB), NAMED(SKIPPED_MLOCKED),
	NAMED(SKIPPED_UFFD), NAMED(SKIPPED_BUSY), NAMED(SKIPPED_NOMEM), NAMED(SKIPPED_LIMIT),
};

static bool same_name(const char *key, const char *name)
{
	for (; *key && *name; key++, name++)
		if (*key != tolower((unsigned char)*name))
			return false;
	return *key == *name;
}

static void test_counter_table(void)
{
	ok(ARRAY_SIZE(named) == PSHARE_A_COUNTERS_MAX - 1, "this test knows every counter");
	ok(counter_fields.count == PSHARE_A_COUNTERS_MAX - 1, "the table has a row for each");
	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		int rows = 0, names = 0;

		for (size_t row = 0; row < counter_fields.count; row++) {
			rows += counter_fields.rows[row].attr == named[i].attr;
			names += counter_fields.rows[row].attr == named[i].attr &&
				 same_name(counter_fields.rows[row].key, named[i].name);
		}
		ok(rows == 1 && names == 1, "%s has one row, and its name", named[i].name);
	}
}

static bool has_unique_keys(const struct fields *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->rows[i].type != FIELD_FLAT &&
		    fields_find(set, set->rows[i].key) != &set->rows[i])
			return false;
	return true;
}

static void test_keys(void)
{
	ok(has_unique_keys(&vm_fields) && has_unique_keys(&stats_fields) &&
	   has_unique_keys(&counter_fields) && has_unique_keys(&region_fields), "keys are unique");
	ok(fields_find(&vm_fields, "zero_pages"), "a key in a flat nest is found");
	ok(!fields_find(&vm_fields, "zero"), "a key that is not there is not");
	for (int cmd = PSHARE_CMD_VM_ADD_NTF; cmd <= PSHARE_CMD_LIMIT_NTF; cmd++)
		ok(event_find(cmd), "notification %d has a name", cmd);
}

/* A message that is put together here, byte by byte. */
struct message {
	char data[512];
	size_t len;
};

static size_t put(struct message *message, uint16_t type, const void *data, size_t len)
{
	struct nlattr header = { .nla_len = NLA_HDRLEN + len, .nla_type = type };
	size_t at = message->len;

	memcpy(message->data + at, &header, sizeof(header));
	memcpy(message->data + at + NLA_HDRLEN, data, len);
	message->len += NLA_ALIGN(header.nla_len);
	return at;
}

static struct message a_vm(void)
{
	struct message vm = { .len = 0 }, counters = { .len = 0 };
	uint32_t pid = 1234, state = PSHARE_VM_STATE_PAUSED;
	int64_t profit = -4096;
	uint64_t shared = 42;

	put(&counters, PSHARE_A_COUNTERS_PAD, "", 0);
	put(&counters, PSHARE_A_COUNTERS_PAGES_SHARED, &shared, sizeof(shared));
	put(&counters, PSHARE_A_COUNTERS_GENERAL_PROFIT, &profit, sizeof(profit));
	put(&counters, 999, "new", 4);
	put(&vm, PSHARE_A_VM_PID, &pid, sizeof(pid));
	put(&vm, PSHARE_A_VM_NAME, "web\xff", 5);
	put(&vm, PSHARE_A_VM_STATE, &state, sizeof(state));
	put(&vm, PSHARE_A_VM_COUNTERS | NLA_F_NESTED, counters.data, counters.len);
	return vm;
}

static void test_good_message(void)
{
	struct message vm = a_vm();
	struct json_object *object = json_new();
	int err = fields_decode(&vm_fields, vm.data, vm.len, object);
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);

	ok(!err && !strcmp(text, "{\"pid\":1234,\"name\":\"web\xef\xbf\xbd\",\"state\":\"paused\","
			   "\"pages_shared\":42,\"general_profit\":-4096}"),
	   "a VM becomes %s", text);
	json_object_put(object);
}

static bool decodes(const struct fields *set, const struct message *message)
{
	struct json_object *object = json_new();
	/* A copy of its very length, so that a read behind it is noticed. */
	char *copy = malloc(message->len + 1);
	int err;

	memcpy(copy + 1, message->data, message->len);
	err = fields_decode(set, copy + 1, message->len, object);
	json_object_put(object);
	free(copy);
	return !err;
}

static void test_truncated(void)
{
	struct message vm = a_vm();
	size_t full = vm.len, taken = 0;

	for (vm.len = 1; vm.len < full; vm.len++)
		taken += decodes(&vm_fields, &vm);
	/* Behind the pid, the state, and the name, whose padding may be cut too. */
	ok(taken == 6, "cut anywhere but between attributes, it is refused (%zu taken)", taken);
}

static void refuses(const char *what, uint16_t type, const void *data, size_t len)
{
	struct message message = { .len = 0 };

	put(&message, type, data, len);
	ok(!decodes(&vm_fields, &message), "%s is refused", what);
}

static void test_malformed(void)
{
	struct message message = { .len = 0 };
	uint16_t length;

	refuses("a number that is too short", PSHARE_A_VM_PID, "12", 2);
	refuses("a number that is too long", PSHARE_A_VM_PID, "12345678", 8);
	refuses("an empty text", PSHARE_A_VM_NAME, "", 0);
	refuses("a text without an end", PSHARE_A_VM_NAME, "abcd", 4);
	refuses("a text with an end inside", PSHARE_A_VM_NAME, "a\0b", 4);
	refuses("a nest of rubbish", PSHARE_A_VM_COUNTERS, "\xff\xff\xff\xff\xff", 5);
	put(&message, PSHARE_A_VM_PID, "1234", 4);
	for (length = 0; length < 64; length++) {
		memcpy(message.data, &length, sizeof(length));
		if (length != NLA_HDRLEN + 4 && decodes(&vm_fields, &message))
			break;
	}
	ok(length == 64, "an attribute that lies about its length is refused");
}

static void test_random_bytes(void)
{
	static const struct fields *const sets[] = {
		&vm_fields, &knobs_fields, &stats_fields, &region_fields, &family_fields,
	};
	struct message message;
	unsigned int seed = 1;

	for (int round = 0; round < 20000; round++) {
		message = a_vm();
		for (int i = rand_r(&seed) % 4; i >= 0; i--)
			message.data[rand_r(&seed) % message.len] = rand_r(&seed);
		decodes(sets[round % ARRAY_SIZE(sets)], &message);
	}
	ok(true, "20000 damaged messages do no harm");
}

static void test_lists(void)
{
	struct message knobs = { .len = 0 }, knob = { .len = 0 };
	struct json_object *object = json_new();
	const char *text;

	put(&knob, PSHARE_A_KNOB_NAME, "run", 4);
	put(&knob, PSHARE_A_KNOB_VALUE, "1", 2);
	put(&knobs, PSHARE_A_KNOBS_KNOB | NLA_F_NESTED, knob.data, knob.len);
	knob.len = 0;
	put(&knob, PSHARE_A_KNOB_NAME, "thp", 4);
	put(&knob, PSHARE_A_KNOB_VALUE, "auto", 5);
	put(&knobs, PSHARE_A_KNOBS_KNOB | NLA_F_NESTED, knob.data, knob.len);
	fields_decode(&knobs_fields, knobs.data, knobs.len, object);
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
	ok(!strcmp(text, "{\"knobs\":[{\"name\":\"run\",\"value\":1},"
		   "{\"name\":\"thp\",\"value\":\"auto\"}]}"), "knobs become %s", text);
	json_object_put(object);
}

static void test_unknown_word(void)
{
	struct message message = { .len = 0 };
	struct json_object *object = json_new();
	uint32_t state = 4000000000u;

	put(&message, PSHARE_A_VM_STATE, &state, sizeof(state));
	fields_decode(&vm_fields, message.data, message.len, object);
	ok(!strcmp(json_text(object, "state"), "unknown (4000000000)"),
	   "a state of a newer module is told by its number");
	json_object_put(object);
}

int main(void)
{
	test_counter_table();
	test_keys();
	test_good_message();
	test_truncated();
	test_malformed();
	test_random_bytes();
	test_lists();
	test_unknown_word();
	return tap_end();
}
