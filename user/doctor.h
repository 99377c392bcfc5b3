/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_DOCTOR_H
#define PSHARE_DOCTOR_H

#include <stdint.h>

#include "pshare.h"
#include "util.h"

enum finding {
	FINDING_GOOD,
	FINDING_NOTE,		/* worth knowing */
	FINDING_PROBLEM,	/* stands in the way of merging */
};

/* One examination: what was read, and what was found in it. */
struct doctor {
	struct json_object *totals;
	struct json_object *knobs;
	struct json_object *vms;
	struct json_object *findings;
	uint64_t pass_seconds;		/* a pass over everything may take so long */
	bool blocked;
};

/* about: the knob, the name of the VM, or what else it is about. */
void doctor_say(struct doctor *doctor, enum finding finding, const char *about,
		const char *format, ...) __printf(4, 5);

/* The number that a file of one line holds, -1 if there is none. */
long long doctor_read_number(const char *path);

/* Why the module is not there. */
void doctor_examine_absence(struct doctor *doctor);

/* What is wrong with settings, limits and the host. */
void doctor_examine_host(struct doctor *doctor);

/* What is wrong with single VMs. */
void doctor_examine_vms(struct doctor *doctor);

#endif
