/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_SCHEMA_H
#define PSHARE_SCHEMA_H

#include "field.h"

/* What each attribute set of the family holds; see Documentation/netlink/specs/pshare.yaml. */
extern const struct fields counter_fields;
extern const struct fields vm_fields;
extern const struct fields knob_fields;
extern const struct fields knobs_fields;
extern const struct fields stats_fields;
extern const struct fields scan_fields;
extern const struct fields region_fields;
extern const struct fields exclude_fields;
extern const struct fields event_fields;

/* What nlctrl tells of a family, and what an answer tells of an error. */
extern const struct fields family_fields;
extern const struct fields ack_fields;

/* Words of enum pshare_thp_policy, in its order, also for the command line. */
extern const char *const thp_words[];

/* A notification of the group "events". */
struct event {
	uint8_t cmd;
	const char *name;
	const struct fields *fields;
};

const struct event *event_find(uint8_t cmd);

#endif
