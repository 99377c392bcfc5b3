// SPDX-License-Identifier: GPL-2.0
/* doctor, for the host: settings, limits, the budget, ksmd. */
#include <string.h>

#include "doctor.h"
#include "stats.h"
#include "util.h"

#define USUAL_PAGE_NS	500	/* until it was measured here */
#define ENOUGH_PAGES	10000	/* for measuring it */

static long long knob(const struct doctor *doctor, const char *name)
{
	return json_number(knob_find(doctor->knobs, name), "value");
}

static const char *knob_word(const struct doctor *doctor, const char *name)
{
	return json_text(knob_find(doctor->knobs, name), "value");
}

static long long total(const struct doctor *doctor, const char *counter)
{
	return json_number(doctor->totals, counter);
}

static void examine_run(struct doctor *doctor)
{
	long long run = knob(doctor, "run");

	if (run == 1)
		doctor_say(doctor, FINDING_GOOD, "run",
			   "the scanner runs, with %lld%% of one CPU", knob(doctor, "cpu_percent"));
	else
		doctor_say(doctor, FINDING_PROBLEM, "run",
			   "the scanner is stopped%s; start it with 'pshare set run=1'",
			   run == 2 ? " and everything is unmerged" : "");
}

static void examine_registry(struct doctor *doctor)
{
	size_t count = json_object_array_length(doctor->vms);

	if (count > 1)
		doctor_say(doctor, FINDING_GOOD, "vms", "%zu VMs are registered", count);
	else if (count == 1)
		doctor_say(doctor, FINDING_NOTE, "vms",
			   "one VM is registered; it can share only with itself");
	else
		doctor_say(doctor, FINDING_PROBLEM, "vms",
			   "no VM is registered; try 'pshare vm add PID' or 'pshare set scope=all'");
}

/* At the limit the number of frames goes up and down by a few. */
static void examine_limit(struct doctor *doctor)
{
	long long limit = knob(doctor, "max_frames");
	long long without = total(doctor, "skipped_nomem");

	if (limit && total(doctor, "pages_shared") >= limit - limit / 100)
		doctor_say(doctor, FINDING_PROBLEM, "max_frames",
			   "%lld of %lld frames are in use; 'pshare set max_frames=N' allows more",
			   total(doctor, "pages_shared"), limit);
	if (without)
		doctor_say(doctor, FINDING_NOTE, "skipped_nomem",
			   "%lld pages were not merged because the host had no free page", without);
}

static void examine_huge_pages(struct doctor *doctor)
{
	long long kept = total(doctor, "thp_kept");
	bool never = !strcmp(knob_word(doctor, "thp"), "never");

	if (kept > total(doctor, "thp_split"))
		doctor_say(doctor, FINDING_NOTE, "thp",
			   "huge pages were kept whole %lld times; to split more, %s", kept,
			   never ? "'pshare set thp=auto'" : "lower thp_min_duplicates");
}

/* Pages that somebody holds: devices that are passed through, direct I/O, io_uring. */
static void examine_pins(struct doctor *doctor)
{
	long long pinned = total(doctor, "skipped_pinned");

	if (pinned && pinned >= total(doctor, "pages_scanned") / 10)
		doctor_say(doctor, FINDING_PROBLEM, "skipped_pinned",
			   "%lld times a page was pinned; a passed-through device pins all of a VM",
			   pinned);
}

/* Which VMs it works on is told with each of them. */
static void examine_ksmd(struct doctor *doctor)
{
	if (doctor_read_number("/sys/kernel/mm/ksm/run") != 1)
		doctor_say(doctor, FINDING_GOOD, "ksmd", "ksmd does not run");
	else
		doctor_say(doctor, FINDING_NOTE, "ksmd",
			   "ksmd runs, and its pages are left alone (%lld so far)",
			   total(doctor, "skipped_ksm"));
}

static long long resident_pages(const struct doctor *doctor)
{
	size_t count = json_object_array_length(doctor->vms);
	long long pages = 0;

	for (size_t i = 0; i < count; i++)
		pages += json_number(json_object_array_get_idx(doctor->vms, i), "rss_bytes") /
			 PAGE_BYTES;
	return pages;
}

static long long page_ns(const struct doctor *doctor)
{
	long long pages = total(doctor, "pages_scanned");

	return pages < ENOUGH_PAGES ? USUAL_PAGE_NS : total(doctor, "scan_cpu_ns") / pages + 1;
}

/* How long one look at everything takes, by what a page has cost so far. */
static void examine_budget(struct doctor *doctor)
{
	long long pages = resident_pages(doctor), ns = page_ns(doctor);
	long long percent = knob(doctor, "cpu_percent");
	long long seconds = pages * ns / 10000000 / (percent ? percent : 1);
	long long wanted = doctor->pass_seconds;
	char size[BYTES_TEXT];

	if (seconds <= wanted)
		return;
	text_bytes(size, sizeof(size), pages * PAGE_BYTES);
	doctor_say(doctor, FINDING_PROBLEM, "cpu_percent",
		   "a pass over %s takes %lld s: %lld pages * %lld ns / %lld%% of a CPU; "
		   "'pshare set cpu_percent=%lld' makes it %lld s",
		   size, seconds, pages, ns, percent, pages * ns / 10000000 / wanted + 1, wanted);
}

/* In the order they are reported. */
static void (*const examinations[])(struct doctor *doctor) = {
	examine_run, examine_registry, examine_limit, examine_budget, examine_huge_pages,
	examine_pins, examine_ksmd,
};

void doctor_examine_host(struct doctor *doctor)
{
	for (size_t i = 0; i < ARRAY_SIZE(examinations); i++)
		examinations[i](doctor);
}
