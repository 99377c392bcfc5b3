// SPDX-License-Identifier: GPL-2.0
/* doctor, for single VMs: memory that can not merge and why, VMs that are paused or alone. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* Pages that ksmd has are left alone, and it gets to new ones first. */
static void examine_ksm(struct doctor *doctor, struct json_object *vm)
{
	char path[64];
	long long pages;

	snprintf(path, sizeof(path), "/proc/%lld/ksm_merging_pages", json_number(vm, "pid"));
	pages = doctor_read_number(path);
	if (pages > 0)
		doctor_say(doctor, FINDING_PROBLEM, json_text(vm, "name"),
			   "ksmd works on it, too, and has %lld of its pages; 'echo 2 >%s' ends that",
			   pages, " /sys/kernel/mm/ksm/run");
}

/* The number of KiB behind a word in /proc/PID/status, 0 if there is none. */
static long long status_kib(struct json_object *vm, const char *word)
{
	char path[64], line[256];
	long long kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%lld/status", json_number(vm, "pid"));
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, word, strlen(word)))
			sscanf(line + strlen(word), "%lld", &kib);
	if (file)
		fclose(file);
	return kib;
}

/* A device that is passed through: its group is an open file of the process. */
static bool has_vfio(struct json_object *vm)
{
	char path[64], link[400], target[64];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%lld/fd", json_number(vm, "pid"));
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t len;

		snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
		len = readlink(link, target, sizeof(target) - 1);
		target[len > 0 ? len : 0] = '\0';
		found = !strncmp(target, "/dev/vfio/", 10) || strstr(target, "[vfio-device]");
	}
	if (dir)
		closedir(dir);
	return found;
}

static void examine_pins(struct doctor *doctor, struct json_object *vm)
{
	const char *name = json_text(vm, "name");
	long long pinned = 1024 * status_kib(vm, "VmPin:");
	char size[BYTES_TEXT];

	if (has_vfio(vm))
		doctor_say(doctor, FINDING_PROBLEM, name,
			   "a device is passed through by VFIO, which pins all of its memory; %s",
			   "give it a virtio device, or leave it out with 'pshare vm del'");
	if (pinned < SMALL_BYTES && pinned * 10 < json_number(vm, "rss_bytes"))
		return;
	text_bytes(size, sizeof(size), pinned);
	if (pinned)
		doctor_say(doctor, FINDING_PROBLEM, name,
			   "%s are pinned for I/O (io_uring or RDMA buffers) and can not merge; %s",
			   size, "end that, or leave it out with 'pshare vm del'");
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
		examine_pins(doctor, vm);
		examine_ksm(doctor, vm);
		if (count > 1)
			examine_domain(doctor, vm);
	}
}
