// SPDX-License-Identifier: GPL-2.0
/* doctor: what stands in the way of merging, and what to do about it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/pshare.h>

#include "cmdline.h"
#include "doctor.h"
#include "parse.h"
#include "schema.h"
#include "show.h"
#include "stats.h"
#include "util.h"

#define LINE_SIZE	512
#define DEFAULT_PASS	1800
#define LONGEST_PASS	8640000

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

/* All that is looked at while the module is there, in the order it is reported. */
static void (*const examinations[])(struct doctor *doctor) = {
	doctor_examine_host, doctor_examine_vms,
};

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
		doctor_examine_absence(doctor);
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
	struct doctor doctor = { .pass_seconds = DEFAULT_PASS };
	const char *pass = NULL;
	const struct option options[] = { { "pass", 0, NULL, &pass }, { .name = NULL } };
	int err = command_line(ctx, &argc, argv, options, 0, 0);

	if (!err && pass && !parse_number(pass, 1, LONGEST_PASS, &doctor.pass_seconds))
		err = fail_usage(ctx, "seconds are a number from 1 to %d, not '%s'", LONGEST_PASS,
				 pass);
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
