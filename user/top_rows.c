// SPDX-License-Identifier: GPL-2.0
/* top: two moments to a table of what happened between them. Pure functions. */
#include <string.h>

#include "top.h"

#define NEARBY	8

/*
 * The VM of the same id a moment ago: an id is used again, a pid with it hardly. Lists change
 * little, so it is looked for near the place that it has now.
 */
static struct json_object *find_before(const struct sample *before, struct json_object *vm,
				       size_t place)
{
	size_t count = before->vms ? json_object_array_length(before->vms) : 0;
	size_t first = place > NEARBY ? place - NEARBY : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *other = json_object_array_get_idx(before->vms,
								      (first + i) % count);

		if (json_number(other, "id") == json_number(vm, "id") &&
		    json_number(other, "pid") == json_number(vm, "pid"))
			return other;
	}
	return NULL;
}

static long long grown(struct json_object *before, struct json_object *now, const char *key)
{
	long long more = json_number(now, key) - json_number(before, key);

	return more > 0 ? more : 0;
}

static double elapsed(const struct sample *before, const struct sample *now)
{
	return before->vms ? now->seconds - before->seconds : 0;
}

long long top_cpu_permille(const struct sample *before, const struct sample *now)
{
	double seconds = elapsed(before, now);

	if (seconds <= 0)
		return -1;
	return grown(before->totals, now->totals, "scan_cpu_ns") / seconds / 1e6 + 0.5;
}

/* Pages looked at in all VMs that were there before. */
static long long scanned(const struct sample *before, const struct sample *now)
{
	size_t count = json_object_array_length(now->vms);
	long long sum = 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *vm = json_object_array_get_idx(now->vms, i);
		struct json_object *old = find_before(before, vm, i);

		if (old)
			sum += grown(old, vm, "pages_scanned");
	}
	return sum;
}

/* The module keeps its CPU time for the host: it is divided by the pages that were looked at. */
static void add_rates(struct json_object *row, struct json_object *old, struct json_object *vm,
		      double seconds, double cpu_of_page)
{
	json_set_number(row, "broken_per_second", grown(old, vm, "cow_breaks") / seconds + 0.5);
	json_set_number(row, "scan_cpu_permille",
			grown(old, vm, "pages_scanned") * cpu_of_page + 0.5);
}

static struct json_object *make_row(struct json_object *vm)
{
	struct json_object *row = json_new();

	json_set_text(row, "name", json_text(vm, "name"));
	json_set_number(row, "pid", json_number(vm, "pid"));
	json_set_number(row, "rss_bytes", json_number(vm, "rss_bytes"));
	json_set_number(row, "pages_shared", json_number(vm, "pages_shared"));
	json_set_number(row, "zero_pages", json_number(vm, "zero_pages"));
	json_set_number(row, "saved_bytes", PAGE_BYTES * (json_number(vm, "pages_sharing") +
							  json_number(vm, "zero_pages")));
	json_set_text(row, "state", json_text(vm, "state"));
	return row;
}

struct json_object *top_rows(const struct sample *before, const struct sample *now)
{
	size_t count = json_object_array_length(now->vms);
	struct json_object *rows = json_new_array();
	double seconds = elapsed(before, now);
	long long pages = seconds > 0 ? scanned(before, now) : 0;
	double cpu_of_page = pages ? (double)top_cpu_permille(before, now) / pages : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *vm = json_object_array_get_idx(now->vms, i);
		struct json_object *old = seconds > 0 ? find_before(before, vm, i) : NULL;
		struct json_object *row = make_row(vm);

		if (old)
			add_rates(row, old, vm, seconds, cpu_of_page);
		json_append(rows, row);
	}
	return rows;
}
