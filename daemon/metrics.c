// SPDX-License-Identifier: GPL-2.0
/*
 * Metrics for Prometheus: one table. Names and units follow its conventions: base units (bytes,
 * seconds), _total for what only grows, labels for what can be summed.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "metrics.h"
#include "schema.h"
#include "text.h"
#include "util.h"

enum about {
	ABOUT_HOST,
	ABOUT_VM,
	ABOUT_DAEMON,
};

/* What a number of the source is to be multiplied or divided by. */
enum scale {
	AS_IT_IS,
	PAGES,			/* to bytes */
	NANOSECONDS,		/* to seconds */
};

struct metric {
	const char *name;
	enum about about;
	bool counter;
	enum scale scale;
	const char *key;	/* in the source; "PREFIX*SUFFIX" if it has a label */
	const char *label;	/* whose value stands where the * is */
	const char *help;
};

#define HOST	ABOUT_HOST, false
#define HOST_T	ABOUT_HOST, true
#define VM	ABOUT_VM, false
#define VM_T	ABOUT_VM, true
#define SELF	ABOUT_DAEMON, false
#define SELF_T	ABOUT_DAEMON, true

static const struct metric metrics[] = {
	{ "pshare_up", SELF, AS_IT_IS, "up", NULL,
	  "1 if the module is loaded and answers, 0 if not." },
	{ "pshare_vms", HOST, AS_IT_IS, "vms", NULL,
	  "VMs that are registered." },
	{ "pshare_frame_bytes", HOST, PAGES, "pages_shared", NULL,
	  "Memory in shared frames." },
	{ "pshare_sharing_bytes", HOST, PAGES, "pages_sharing", NULL,
	  "Memory saved by mappings of frames beyond the first of each." },
	{ "pshare_zero_bytes", HOST, PAGES, "zero_pages", NULL,
	  "Memory saved by the kernel's zero page." },
	{ "pshare_unshared_bytes", HOST, PAGES, "pages_unshared", NULL,
	  "Memory whose pages are equal to no other." },
	{ "pshare_volatile_bytes", HOST, PAGES, "pages_volatile", NULL,
	  "Memory that changed between two looks." },
	{ "pshare_metadata_bytes", HOST, AS_IT_IS, "metadata_bytes", NULL,
	  "Memory that the module itself uses." },
	{ "pshare_profit_bytes", HOST, AS_IT_IS, "general_profit", NULL,
	  "Memory saved less what the module uses." },
	{ "pshare_scanned_pages_total", HOST_T, AS_IT_IS, "pages_scanned", NULL,
	  "Pages looked at." },
	{ "pshare_full_scans_total", HOST_T, AS_IT_IS, "full_scans", NULL,
	  "Passes in which every region was visited." },
	{ "pshare_merges_total", HOST_T, AS_IT_IS, "merges", NULL,
	  "Pages replaced by a frame or the zero page." },
	{ "pshare_unmerges_total", HOST_T, AS_IT_IS, "unmerges", NULL,
	  "Pages given back their own copy on request, or because nobody else mapped the frame." },
	{ "pshare_cow_breaks_total", HOST_T, AS_IT_IS, "cow_breaks", NULL,
	  "Shared pages found broken by a write." },
	{ "pshare_huge_pages_split_total", HOST_T, AS_IT_IS, "thp_split", NULL,
	  "Huge pages and large folios split." },
	{ "pshare_huge_pages_kept_total", HOST_T, AS_IT_IS, "thp_kept", NULL,
	  "Huge pages and large folios looked at and kept whole." },
	{ "pshare_notifier_rounds_total", HOST_T, AS_IT_IS, "notifier_rounds", NULL,
	  "MMU notifier rounds, of up to 64 pages." },
	{ "pshare_scan_cpu_seconds_total", HOST_T, NANOSECONDS, "scan_cpu_ns", NULL,
	  "CPU time of the scanner threads." },
	{ "pshare_skipped_total", HOST_T, AS_IT_IS, "skipped_*", "reason",
	  "Pages looked at that were left alone, by reason." },
	{ "pshare_unmergeable_bytes", HOST, PAGES, "skipped_*", "reason",
	  "Address space in mappings that can never be merged, by reason." },

	{ "pshare_vm_resident_bytes", VM, AS_IT_IS, "rss_bytes", NULL,
	  "Resident memory of the VM's process." },
	{ "pshare_vm_paused", VM, AS_IT_IS, "paused", NULL,
	  "1 if the VM is neither scanned nor merged." },
	{ "pshare_vm_weight", VM, AS_IT_IS, "weight", NULL,
	  "The VM's share of the scanners' time against other VMs." },
	{ "pshare_vm_frame_bytes", VM, PAGES, "pages_shared", NULL,
	  "Memory of the VM that is mapped to frames." },
	{ "pshare_vm_sharing_bytes", VM, PAGES, "pages_sharing", NULL,
	  "Memory of the VM that is mapped to frames that somebody else maps too." },
	{ "pshare_vm_zero_bytes", VM, PAGES, "zero_pages", NULL,
	  "Memory of the VM replaced by the zero page." },
	{ "pshare_vm_unshared_bytes", VM, PAGES, "pages_unshared", NULL,
	  "Memory of the VM whose pages are equal to no other." },
	{ "pshare_vm_volatile_bytes", VM, PAGES, "pages_volatile", NULL,
	  "Memory of the VM that changed between two looks." },
	{ "pshare_vm_scanned_pages_total", VM_T, AS_IT_IS, "pages_scanned", NULL,
	  "Pages of the VM looked at." },
	{ "pshare_vm_merges_total", VM_T, AS_IT_IS, "merges", NULL,
	  "Pages of the VM replaced by a frame or the zero page." },
	{ "pshare_vm_unmerges_total", VM_T, AS_IT_IS, "unmerges", NULL,
	  "Pages of the VM given back their own copy." },
	{ "pshare_vm_cow_breaks_total", VM_T, AS_IT_IS, "cow_breaks", NULL,
	  "Shared pages of the VM found broken by a write." },
	{ "pshare_vm_huge_pages_split_total", VM_T, AS_IT_IS, "thp_split", NULL,
	  "Huge pages and large folios of the VM split." },
	{ "pshare_vm_huge_pages_kept_total", VM_T, AS_IT_IS, "thp_kept", NULL,
	  "Huge pages and large folios of the VM looked at and kept whole." },
	{ "pshare_vm_notifier_rounds_total", VM_T, AS_IT_IS, "notifier_rounds", NULL,
	  "MMU notifier rounds in the VM." },
	{ "pshare_vm_skipped_total", VM_T, AS_IT_IS, "skipped_*", "reason",
	  "Pages of the VM looked at that were left alone, by reason." },
	{ "pshare_vm_unmergeable_bytes", VM, AS_IT_IS, "never_*_bytes", "reason",
	  "Memory of the VM that can never be merged, by reason." },

	{ "pshared_vms", SELF, AS_IT_IS, "vms_*", "standing",
	  "VMs that were found, by how they stand with the module." },
	{ "pshared_vms_found_total", SELF_T, AS_IT_IS, "found", NULL,
	  "VMs that were found." },
	{ "pshared_registrations_total", SELF_T, AS_IT_IS, "registrations", NULL,
	  "VMs that were registered." },
	{ "pshared_registration_failures_total", SELF_T, AS_IT_IS, "failures", NULL,
	  "VMs that the module did not take." },
	{ "pshared_sweeps_total", SELF_T, AS_IT_IS, "sweeps", NULL,
	  "Looks at every process of the host." },
	{ "pshared_look_failures_total", SELF_T, AS_IT_IS, "look_failures", NULL,
	  "Processes that could not be looked at, each time anew." },
	{ "pshared_lost_events_total", SELF_T, AS_IT_IS, "lost", NULL,
	  "Times that events came faster than they were read." },
	{ "pshared_reloads_total", SELF_T, AS_IT_IS, "reloads", NULL,
	  "Times that the settings were read again and taken." },
	{ "pshared_reload_failures_total", SELF_T, AS_IT_IS, "reload_failures", NULL,
	  "Times that new settings were refused." },
};

/* Which keys a metric tells */

/* Skips of mappings are a present state, in pages of address space; the others are counted. */
static bool fits_type(const struct metric *metric, const char *key)
{
	const struct field *field;

	if (!metric->label || strncmp(key, "skipped_", strlen("skipped_")))
		return true;
	field = fields_find(&counter_fields, key);
	return field && (field->unit == UNIT_PAGES) == !metric->counter;
}

static bool tells(const struct metric *metric, const char *key)
{
	return !fnmatch(metric->key, key, 0) && fits_type(metric, key);
}

static bool any_tells(enum about about, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		if (metrics[i].about == about && tells(&metrics[i], key))
			return true;
	return false;
}

bool metrics_tell_host(const char *key)
{
	return any_tells(ABOUT_HOST, key);
}

bool metrics_tell_vm(const char *key)
{
	return any_tells(ABOUT_VM, key);
}

/* Writing */

static void write_label(FILE *out, const char *name, const char *value, size_t len, bool *first)
{
	fprintf(out, "%c%s=\"", *first ? '{' : ',', name);
	*first = false;
	for (size_t i = 0; i < len; i++) {
		if (value[i] == '\n') {
			fputs("\\n", out);
			continue;
		}
		if (value[i] == '"' || value[i] == '\\')
			fputc('\\', out);
		fputc(value[i], out);
	}
	fputc('"', out);
}

static void write_number(FILE *out, enum scale scale, long long number)
{
	switch (scale) {
	case PAGES:
		fprintf(out, " %lld\n", number * PAGE_BYTES);
		break;
	case NANOSECONDS:
		fprintf(out, " %lld.%09lld\n", number / 1000000000, number % 1000000000);
		break;
	default:
		fprintf(out, " %lld\n", number);
	}
}

static void write_text_label(FILE *out, const char *name, struct json_object *object,
			     const char *key, bool *first)
{
	const char *text = json_text(object, key);

	write_label(out, name, text, strlen(text), first);
}

/* One line; what the * stands for in a key is the value of the label. */
static void write_sample(FILE *out, const struct metric *metric, const char *key,
			 struct json_object *object)
{
	const char *star = strchr(metric->key, '*');
	bool first = true;

	fputs(metric->name, out);
	if (metric->about == ABOUT_VM) {
		write_text_label(out, "vm", object, "name", &first);
		write_text_label(out, "domain", object, "domain", &first);
	}
	if (metric->label)
		write_label(out, metric->label, key + (star - metric->key),
			    strlen(key) - strlen(metric->key) + 1, &first);
	if (!first)
		fputc('}', out);
	write_number(out, metric->scale, json_number(object, key));
}

static void write_samples(FILE *out, const struct metric *metric, struct json_object *object)
{
	json_object_object_foreach(object, key, value) {
		(void)value;
		if (tells(metric, key))
			write_sample(out, metric, key, object);
	}
}

static void write_metric(FILE *out, const struct metric *metric,
			 const struct metrics_source *source)
{
	struct json_object *object = metric->about == ABOUT_HOST ? source->host : source->daemon;
	size_t count = source->vms ? json_object_array_length(source->vms) : 0;

	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
		metric->counter ? "counter" : "gauge");
	if (metric->about != ABOUT_VM) {
		if (object)
			write_samples(out, metric, object);
		return;
	}
	for (size_t i = 0; i < count; i++)
		write_samples(out, metric, json_object_array_get_idx(source->vms, i));
}

char *metrics_text(const struct metrics_source *source, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		write_metric(out, &metrics[i], source);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

void metrics_each(void (*found)(const char *name, const char *type, const char *help, void *data),
		  void *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		found(metrics[i].name, metrics[i].counter ? "counter" : "gauge", metrics[i].help,
		      data);
}
