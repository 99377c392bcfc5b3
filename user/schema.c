// SPDX-License-Identifier: GPL-2.0
/* The attribute sets of the family, a row for each attribute that a reply carries. */
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/pshare.h>

#include "schema.h"
#include "util.h"

const char *const thp_words[] = {
	[PSHARE_THP_POLICY_DEFAULT] = "default",
	[PSHARE_THP_POLICY_NEVER] = "never",
	[PSHARE_THP_POLICY_AUTO] = "auto",
	[PSHARE_THP_POLICY_ALWAYS] = "always",
	NULL
};

static const char *const vm_states[] = {
	[PSHARE_VM_STATE_ACTIVE] = "active",
	[PSHARE_VM_STATE_PAUSED] = "paused",
	[PSHARE_VM_STATE_ENDING] = "ending",
	NULL
};

static const char *const region_states[] = {
	[PSHARE_REGION_STATE_NEW] = "new",
	[PSHARE_REGION_STATE_FRUITFUL] = "fruitful",
	[PSHARE_REGION_STATE_BARREN] = "barren",
	[PSHARE_REGION_STATE_CHURNING] = "churning",
	[PSHARE_REGION_STATE_QUIET] = "quiet",
	NULL
};

static const char *const run_words[] = { "stopped", "running", "stopped, unmerged", NULL };

#define NEVER(name, reason)	\
	{ PSHARE_A_NEVER_##name, FIELD_U64, UNIT_BYTES, true, .key = "never_" reason "_bytes" }

static const struct field never_rows[] = {
	NEVER(SHARED_MEMORY, "shared_memory"),
	NEVER(HUGETLB, "hugetlb"),
	NEVER(MLOCKED, "mlocked"),
	NEVER(DEVICE, "device"),
};

static const struct fields never_fields = FIELDS(never_rows);

static const struct field vm_rows[] = {
	{ PSHARE_A_VM_ID, FIELD_U32, .key = "id" },
	{ PSHARE_A_VM_PID, FIELD_U32, .key = "pid" },
	{ PSHARE_A_VM_START_TIME, FIELD_U64, .key = "start_time" },
	{ PSHARE_A_VM_NAME, FIELD_TEXT, .key = "name" },
	{ PSHARE_A_VM_COMM, FIELD_TEXT, .key = "comm" },
	{ PSHARE_A_VM_DOMAIN, FIELD_U32, .key = "domain" },
	{ PSHARE_A_VM_WEIGHT, FIELD_U32, .key = "weight" },
	{ PSHARE_A_VM_THP, FIELD_ENUM, .key = "thp", .words = thp_words },
	{ PSHARE_A_VM_PAUSED, FIELD_U8, .key = "paused" },
	{ PSHARE_A_VM_STATE, FIELD_ENUM, .key = "state", .words = vm_states },
	{ PSHARE_A_VM_AUTOMATIC, FIELD_U8, .key = "automatic" },
	{ PSHARE_A_VM_RSS_BYTES, FIELD_U64, UNIT_BYTES, .key = "rss_bytes", .heading = "RSS" },
	{ PSHARE_A_VM_COUNTERS, FIELD_FLAT, .nest = &counter_fields },
	{ PSHARE_A_VM_NEVER, FIELD_FLAT, .nest = &never_fields },
};

const struct fields vm_fields = FIELDS(vm_rows);

static const struct field knob_rows[] = {
	{ PSHARE_A_KNOB_NAME, FIELD_TEXT, .key = "name" },
	{ PSHARE_A_KNOB_VALUE, FIELD_VALUE, .key = "value" },
	{ PSHARE_A_KNOB_DEFAULT, FIELD_VALUE, .key = "default" },
	{ PSHARE_A_KNOB_RANGE, FIELD_TEXT, .key = "range" },
	{ PSHARE_A_KNOB_UNIT, FIELD_TEXT, .key = "unit" },
	{ PSHARE_A_KNOB_DOC, FIELD_TEXT, .key = "doc" },
};

const struct fields knob_fields = FIELDS(knob_rows);

static const struct field knobs_rows[] = {
	{ PSHARE_A_KNOBS_KNOB, FIELD_LIST, .key = "knobs", .nest = &knob_fields },
};

const struct fields knobs_fields = FIELDS(knobs_rows);

static const struct field stats_rows[] = {
	{ PSHARE_A_STATS_VERSION, FIELD_TEXT, .key = "version" },
	{ .type = FIELD_LOCAL, .key = "run", .words = run_words },
	{ PSHARE_A_STATS_VMS, FIELD_U32, .key = "vms" },
	{ .type = FIELD_LOCAL, .unit = UNIT_BYTES, .key = "saved_bytes" },
	{ PSHARE_A_STATS_COUNTERS, FIELD_FLAT, .nest = &counter_fields },
};

const struct fields stats_fields = FIELDS(stats_rows);

static const struct field scan_rows[] = {
	{ PSHARE_A_SCAN_COOKIE, FIELD_U64, .key = "cookie" },
	{ PSHARE_A_SCAN_RUNNING, FIELD_U8, .key = "running" },
	{ PSHARE_A_SCAN_MERGES, FIELD_U64, .key = "merges" },
	{ PSHARE_A_SCAN_FULL_SCANS, FIELD_U64, .key = "full_scans" },
};

const struct fields scan_fields = FIELDS(scan_rows);

static const struct field region_rows[] = {
	{ PSHARE_A_REGION_ADDR, FIELD_U64, UNIT_ADDRESS, .key = "addr" },
	{ PSHARE_A_REGION_STATE, FIELD_ENUM, .key = "state", .words = region_states },
	{ PSHARE_A_REGION_PRESENT, FIELD_U32, .key = "present" },
	{ PSHARE_A_REGION_SHARED, FIELD_U32, .key = "shared" },
	{ PSHARE_A_REGION_ZERO, FIELD_U32, .key = "zero" },
	{ PSHARE_A_REGION_UNSHARED, FIELD_U32, .key = "unshared" },
	{ PSHARE_A_REGION_VOLATILE, FIELD_U32, .key = "volatile" },
	{ PSHARE_A_REGION_YIELD_PERMILLE, FIELD_U32, UNIT_PERMILLE,
	  .key = "yield_permille", .heading = "YIELD" },
	{ PSHARE_A_REGION_CHURN_PERMILLE, FIELD_U32, UNIT_PERMILLE,
	  .key = "churn_permille", .heading = "CHURN" },
	{ PSHARE_A_REGION_INTERVAL_MS, FIELD_U32, UNIT_MS,
	  .key = "interval_ms", .heading = "INTERVAL" },
	{ PSHARE_A_REGION_DUE_MS, FIELD_U32, UNIT_MS, .key = "due_ms", .heading = "DUE" },
	{ PSHARE_A_REGION_VISITS, FIELD_U32, .key = "visits" },
};

const struct fields region_fields = FIELDS(region_rows);

static const struct field exclude_rows[] = {
	{ PSHARE_A_EXCLUDE_PID, FIELD_U32, .key = "pid" },
	{ PSHARE_A_EXCLUDE_NAME, FIELD_TEXT, .key = "name" },
};

const struct fields exclude_fields = FIELDS(exclude_rows);

static const struct field limit_rows[] = {
	{ PSHARE_A_EVENT_FRAMES, FIELD_U64, UNIT_PAGES, .key = "frames" },
	{ PSHARE_A_EVENT_MAX_FRAMES, FIELD_U64, UNIT_PAGES, .key = "max_frames" },
};

static const struct fields limit_fields = FIELDS(limit_rows);

/* All that an event may carry, for showing it. */
static const struct field event_rows[] = {
	{ .type = FIELD_LOCAL, .key = "time_ms" },
	{ .type = FIELD_LOCAL, .key = "event" },
	{ .type = FIELD_TEXT, .key = "detail" },
	{ .type = FIELD_FLAT, .nest = &vm_fields },
	{ .type = FIELD_FLAT, .nest = &scan_fields },
	{ .type = FIELD_FLAT, .nest = &limit_fields },
};

const struct fields event_fields = FIELDS(event_rows);

/* Of the controller nlctrl, and of the answer to a request. */

static const struct field group_rows[] = {
	{ CTRL_ATTR_MCAST_GRP_NAME, FIELD_TEXT, .key = "name" },
	{ CTRL_ATTR_MCAST_GRP_ID, FIELD_U32, .key = "id" },
};

static const struct fields group_fields = FIELDS(group_rows);

static const struct field family_rows[] = {
	{ CTRL_ATTR_FAMILY_ID, FIELD_U16, .key = "id" },
	{ CTRL_ATTR_FAMILY_NAME, FIELD_TEXT, .key = "name" },
	{ CTRL_ATTR_MCAST_GROUPS, FIELD_ARRAY, .key = "groups", .nest = &group_fields },
};

const struct fields family_fields = FIELDS(family_rows);

static const struct field ack_rows[] = {
	{ NLMSGERR_ATTR_MSG, FIELD_TEXT, .key = "message" },
};

const struct fields ack_fields = FIELDS(ack_rows);

static const struct event events[] = {
	{ PSHARE_CMD_VM_ADD_NTF, "vm_add", &vm_fields },
	{ PSHARE_CMD_VM_DEL_NTF, "vm_del", &vm_fields },
	{ PSHARE_CMD_VM_EXIT_NTF, "vm_exit", &vm_fields },
	{ PSHARE_CMD_PASS_NTF, "pass", &scan_fields },
	{ PSHARE_CMD_SCAN_NTF, "scan", &scan_fields },
	{ PSHARE_CMD_LIMIT_NTF, "limit", &limit_fields },
};

const struct event *event_find(uint8_t cmd)
{
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (events[i].cmd == cmd)
			return &events[i];
	return NULL;
}
