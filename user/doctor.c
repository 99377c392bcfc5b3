// SPDX-License-Identifier: GPL-2.0
/* doctor: what stands in the way of merging, and what to do about it. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/pshare.h>

#include "cmdline.h"
#include "doctor.h"
#include "schema.h"
#include "show.h"
#include "stats.h"
#include "util.h"

#define LINE_SIZE	512

static const char *const finding_words[] = { "good", "note", "problem", NULL };

static const struct field finding_rows[] = {
	{ .type = FIELD_TEXT, .key = "finding" },
	{ .type = FIELD_TEXT, .key = "about" },
	{ .type = FIELD_TEXT, .key = "detail" },
};

static const struct fields finding_fields = FIELDS(finding_rows);

void doctor_say(struct doctor *doctor, enum finding finding, const char *about,
		const char *format, ...)
{
	struct json_object *row = json_new();
	char detail[LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	json_set_text(row, "finding", finding_words[finding]);
	json_set_text(row, "about", about);
	json_set_text(row, "detail", detail);
	json_append(doctor->findings, row);
	doctor->blocked |= finding == FINDING_PROBLEM;
}

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

static void examine_limit(struct doctor *doctor)
{
	long long limit = knob(doctor, "max_frames");
	long long without = total(doctor, "skipped_nomem");

	if (limit && total(doctor, "pages_shared") >= limit)
		doctor_say(doctor, FINDING_PROBLEM, "max_frames",
			   "all of %lld frames are in use; raise it with 'pshare set max_frames=N'",
			   limit);
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

/* The number that a file of one line holds, -1 if there is none. */
static long long read_number(const char *path)
{
	long long number = -1;
	FILE *file = fopen(path, "re");

	if (!file)
		return -1;
	if (fscanf(file, "%lld", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

static void examine_ksmd(struct doctor *doctor)
{
	long long taken = total(doctor, "skipped_ksm");

	if (read_number("/sys/kernel/mm/ksm/run") != 1)
		doctor_say(doctor, FINDING_GOOD, "ksmd", "ksmd does not run");
	else
		doctor_say(doctor, taken ? FINDING_PROBLEM : FINDING_NOTE, "ksmd",
			   "ksmd runs, and its pages are left alone (%lld so far); 'echo 2 >%s' ends it",
			   taken, " /sys/kernel/mm/ksm/run");
}

/* All that is looked at while the module is there, in the order it is reported. */
static void (*const examinations[])(struct doctor *doctor) = {
	examine_run, examine_registry, examine_limit, examine_huge_pages, examine_pins,
	examine_ksmd, doctor_examine_vms,
};

/* The last line of the module in the kernel's log: it says why a load was refused. */
static void examine_log(struct doctor *doctor)
{
	char record[8192], last[LINE_SIZE] = "";
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t len = 1;

	while (fd >= 0 && (len > 0 || errno == EPIPE)) {
		char *text;

		len = read(fd, record, sizeof(record) - 1);
		if (len <= 0)
			continue;
		record[len] = '\0';
		text = strchr(record, ';');
		if (text && !strncmp(text + 1, "pshare: ", strlen("pshare: ")))
			snprintf(last, sizeof(last), "%.*s", (int)strcspn(text, "\n") - 1,
				 text + 1);
	}
	if (fd >= 0)
		close(fd);
	if (last[0])
		doctor_say(doctor, FINDING_NOTE, "log", "the kernel's log says last: %s", last);
}

/* Returns 0 or -errno. */
static int gather(struct ctx *ctx, struct doctor *doctor)
{
	int err = stats_read(ctx->nl, true, doctor->totals);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_KNOB_GET);
	err = nl_do(ctx->nl, &knobs_fields, doctor->knobs);
	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_VM_GET);
	return nl_dump(ctx->nl, &vm_fields, &doctor->vms);
}

static int show_findings(const struct ctx *ctx, struct doctor *doctor, int code)
{
	int err = show_rows(ctx, json_object_get(doctor->findings), &finding_fields, NULL);

	return err ? err : code;
}

static int examine(struct ctx *ctx, struct doctor *doctor)
{
	int err = gather(ctx, doctor);

	if (err && !nl_error(ctx->nl)->not_loaded)
		return fail_netlink(ctx, NULL);
	if (err) {
		doctor_say(doctor, FINDING_PROBLEM, "module",
			   "not loaded; run 'modprobe pshare' or 'insmod pshare.ko'");
		examine_log(doctor);
		return show_findings(ctx, doctor, NOT_LOADED);
	}
	doctor_say(doctor, FINDING_GOOD, "module", "version %s is loaded",
		   json_text(doctor->totals, "version"));
	for (size_t i = 0; i < ARRAY_SIZE(examinations); i++)
		examinations[i](doctor);
	return show_findings(ctx, doctor, doctor->blocked ? FAILED : DONE);
}

int doctor(struct ctx *ctx, int argc, char **argv)
{
	struct doctor doctor = { .totals = NULL };
	int err = command_line(ctx, &argc, argv, NULL, 0, 0);

	if (err)
		return err;
	doctor.totals = json_new();
	doctor.knobs = json_new();
	doctor.findings = json_new_array();
	err = examine(ctx, &doctor);
	json_object_put(doctor.totals);
	json_object_put(doctor.knobs);
	json_object_put(doctor.vms);
	json_object_put(doctor.findings);
	return err;
}
