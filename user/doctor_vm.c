// SPDX-License-Identifier: GPL-2.0
/* doctor, for single VMs: memory that can never merge, VMs that are paused or alone. */
#include <string.h>

#include "doctor.h"
#include "util.h"

#define SMALL_BYTES	(64 << 20)	/* programs and libraries map as much */

/* Memory that can never be merged, and what the owner of the VM can do about it. */
static const struct never {
	const char *key;
	const char *advice;
} nevers[] = {
	{ "never_hugetlb_bytes",
	  "hugetlbfs pages; give the guest ordinary memory" },
	{ "never_shared_memory_bytes",
	  "shared or file-backed memory; give the guest private memory (no memfd, share=off)" },
	{ "never_mlocked_bytes",
	  "locked memory; start the guest without mem-lock" },
	{ "never_device_bytes",
	  "device memory" },
};

static void examine_never(struct doctor *doctor, struct json_object *vm)
{
	long long rss = json_number(vm, "rss_bytes");
	char size[BYTES_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(nevers); i++) {
		long long bytes = json_number(vm, nevers[i].key);

		if (bytes < SMALL_BYTES || bytes < rss / 10)
			continue;
		text_bytes(size, sizeof(size), bytes);
		doctor_say(doctor, bytes >= rss / 2 ? FINDING_PROBLEM : FINDING_NOTE,
			   json_text(vm, "name"), "%s can never merge: %s", size,
			   nevers[i].advice);
	}
}

static void examine_state(struct doctor *doctor, struct json_object *vm)
{
	const char *name = json_text(vm, "name");

	if (json_number(vm, "paused"))
		doctor_say(doctor, FINDING_PROBLEM, name,
			   "it is paused; wake it with 'pshare vm set %s paused=0'", name);
}

/* Whether no other VM is in the domain of this one. */
static bool is_alone(struct json_object *vms, struct json_object *vm)
{
	size_t count = json_object_array_length(vms);

	for (size_t i = 0; i < count; i++) {
		struct json_object *other = json_object_array_get_idx(vms, i);

		if (other != vm && json_number(other, "domain") == json_number(vm, "domain"))
			return false;
	}
	return true;
}

static void examine_domain(struct doctor *doctor, struct json_object *vm)
{
	if (is_alone(doctor->vms, vm))
		doctor_say(doctor, FINDING_NOTE, json_text(vm, "name"),
			   "it is alone in domain %lld, and VMs share only inside a domain",
			   json_number(vm, "domain"));
}

void doctor_examine_vms(struct doctor *doctor)
{
	size_t count = json_object_array_length(doctor->vms);

	for (size_t i = 0; i < count; i++) {
		struct json_object *vm = json_object_array_get_idx(doctor->vms, i);

		examine_state(doctor, vm);
		examine_never(doctor, vm);
		if (count > 1)
			examine_domain(doctor, vm);
	}
}
