// SPDX-License-Identifier: GPL-2.0
/* status: totals of the host, once or again and again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/pshare.h>

#include "cmdline.h"
#include "interrupt.h"
#include "parse.h"
#include "schema.h"
#include "show.h"
#include "stats.h"

#define LONGEST_WAIT	86400

static const char *const status_keys[] = {
	"version", "run", "vms", "pages_shared", "pages_sharing", "zero_pages", "saved_bytes",
	"general_profit", "metadata_bytes", "full_scans", "scan_cpu_ns",
	"skipped_pinned", "skipped_changed", "skipped_collision", "skipped_locked",
	"skipped_swap", "skipped_ksm", "skipped_shared_memory", "skipped_hugetlb",
	"skipped_mlocked", "skipped_uffd", "skipped_busy", "skipped_nomem", "skipped_limit",
	NULL
};

static int read_run(struct nl *nl, struct json_object *totals)
{
	struct json_object *reply = json_new();
	struct nlattr *nest;
	int err;

	nl_begin(nl, PSHARE_CMD_KNOB_GET);
	nest = nl_nest(nl, PSHARE_A_KNOBS_KNOB);
	nl_put_text(nl, PSHARE_A_KNOB_NAME, "run");
	nl_nest_end(nl, nest);
	err = nl_do(nl, &knobs_fields, reply);
	if (!err)
		json_set_number(totals, "run", json_number(knob_find(reply, "run"), "value"));
	json_object_put(reply);
	return err;
}

int stats_read(struct nl *nl, bool refresh, struct json_object *totals)
{
	int err;

	nl_begin(nl, PSHARE_CMD_STATS_GET);
	if (refresh)
		nl_put_flag(nl, PSHARE_A_STATS_REFRESH);
	err = nl_do(nl, &stats_fields, totals);
	if (err)
		return err;
	json_set_number(totals, "saved_bytes", PAGE_BYTES * (json_number(totals, "pages_sharing") +
							     json_number(totals, "zero_pages")));
	return read_run(nl, totals);
}

static int show_status(struct ctx *ctx, bool refresh)
{
	struct json_object *totals = json_new();

	if (!stats_read(ctx->nl, refresh, totals))
		return show_record(ctx, totals, &stats_fields, status_keys);
	json_object_put(totals);
	return fail_netlink(ctx, NULL);
}

static int watch(struct ctx *ctx, int seconds)
{
	bool terminal = isatty(STDOUT_FILENO) && !ctx->json;
	int interrupt = interrupt_open();
	enum wake wake;
	int err;

	if (interrupt < 0)
		return fail(ctx, "cannot wait for signals: %s", strerror(errno));
	do {
		if (terminal)
			fputs("\033[H\033[J", stdout);
		err = show_status(ctx, false);
		if (!err && !terminal && !ctx->json)
			putchar('\n');
		wake = err ? WAKE_END : interrupt_wait(interrupt, -1, seconds * 1000);
	} while (wake == WAKE_TIME);
	close(interrupt);
	return wake == WAKE_CLOSED ? fail(ctx, "nobody reads the output any more") : err;
}

int status(struct ctx *ctx, int argc, char **argv)
{
	const char *watch_text = NULL;
	const struct option options[] = { { "watch", 'w', NULL, &watch_text }, { .name = NULL } };
	uint64_t seconds;
	int err = command_line(ctx, &argc, argv, options, 0, 0);

	if (err)
		return err;
	if (!watch_text)
		return show_status(ctx, true);
	if (!parse_number(watch_text, 1, LONGEST_WAIT, &seconds))
		return fail_usage(ctx, "seconds are a number from 1 to %d, not '%s'", LONGEST_WAIT,
				  watch_text);
	return watch(ctx, seconds);
}
