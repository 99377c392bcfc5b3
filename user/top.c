// SPDX-License-Identifier: GPL-2.0
/* top: a live table of the VMs, on a terminal by keys, else a table for each interval. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/pshare.h>

#include "cmdline.h"
#include "interrupt.h"
#include "parse.h"
#include "schema.h"
#include "show.h"
#include "stats.h"
#include "term.h"
#include "top.h"
#include "util.h"

#define LONGEST_WAIT	86400
#define DEFAULT_WAIT	2
#define KEYS_AT_ONCE	64

/* One run of top. */
struct top {
	struct ctx *ctx;
	struct sample before, now;
	struct top_view view;
	int wait_ms;
	uint64_t count;		/* tables left, 0: no end */
	bool counted;
	int interrupt;
};

static void sample_free(struct sample *sample)
{
	json_object_put(sample->totals);
	json_object_put(sample->vms);
	memset(sample, 0, sizeof(*sample));
}

/* Returns 0, or -errno with nothing said. */
static int take_sample(struct top *top)
{
	struct timespec time;
	int err;

	sample_free(&top->before);
	top->before = top->now;
	memset(&top->now, 0, sizeof(top->now));
	clock_gettime(CLOCK_MONOTONIC, &time);
	top->now.seconds = time.tv_sec + time.tv_nsec / 1e9;
	top->now.totals = json_new();
	err = stats_read(top->ctx->nl, false, top->now.totals);
	if (err)
		return err;
	nl_begin(top->ctx->nl, PSHARE_CMD_VM_GET);
	return nl_dump(top->ctx->nl, &vm_fields, &top->now.vms);
}

static bool draw(struct top *top)
{
	struct json_object *rows = top_rows(&top->before, &top->now);
	char *lines = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&lines, &size);
	bool good = out;

	term_size(&top->view.columns, &top->view.lines);
	if (out) {
		top_draw(out, &top->now, rows, top_cpu_permille(&top->before, &top->now),
			 &top->view);
		good = !fclose(out) && term_draw(lines);
	}
	free(lines);
	json_object_put(rows);
	return good;
}

static void scroll(struct top_view *view, int key)
{
	long page = view->lines > 4 ? view->lines - 4 : 1;

	switch (key) {
	case KEY_UP:
		view->first--;
		break;
	case KEY_DOWN:
		view->first++;
		break;
	case KEY_PAGE_UP:
		view->first -= page;
		break;
	case KEY_PAGE_DOWN:
		view->first += page;
		break;
	case KEY_HOME:
		view->first = 0;
		break;
	case KEY_END:
		view->first = LONG_MAX / 2;
		break;
	}
}

/* WAKE_END to quit, WAKE_TIME for a new sample, WAKE_READY for the same one again. */
static enum wake press(struct top *top, int key)
{
	const struct top_column *column = top_column_by_letter(key);

	if (key == 'q' || key == 'Q')
		return WAKE_END;
	if (key == ' ')
		return WAKE_TIME;
	if (key == 'R')
		top->view.reverse = !top->view.reverse;
	if (column && column != top->view.sort) {
		top->view.sort = column;
		top->view.reverse = false;
	}
	scroll(&top->view, key);
	return WAKE_READY;
}

static enum wake read_keys(struct top *top)
{
	enum wake wake = WAKE_READY;
	int keys[KEYS_AT_ONCE];
	int count = term_keys(keys, ARRAY_SIZE(keys));

	if (count < 0)
		return WAKE_CLOSED;
	for (int i = 0; i < count && wake == WAKE_READY; i++)
		wake = press(top, keys[i]);
	return wake;
}

/* Ctrl-Z: the shell gets its terminal, and we draw anew when it lets us go on. */
static enum wake stop(void)
{
	term_leave();
	raise(SIGSTOP);
	return term_enter() ? WAKE_CLOSED : WAKE_READY;
}

static int ms_left(const struct top *top)
{
	struct timespec time;
	double passed;

	clock_gettime(CLOCK_MONOTONIC, &time);
	passed = time.tv_sec + time.tv_nsec / 1e9 - top->now.seconds;
	return passed * 1000 < top->wait_ms ? top->wait_ms - (int)(passed * 1000) : 0;
}

static enum wake wait_for_something(struct top *top)
{
	enum wake wake = interrupt_wait(top->interrupt, STDIN_FILENO, ms_left(top));

	if (wake == WAKE_READY)
		wake = read_keys(top);
	if (wake == WAKE_STOP)
		wake = stop();
	return wake == WAKE_RESIZED ? WAKE_READY : wake;
}

/* Returns an exit code. Nothing is said while the terminal is ours. */
static int run_screen(struct top *top)
{
	enum wake wake = WAKE_TIME;
	int err = term_enter();

	if (err)
		return fail(top->ctx, "cannot use the terminal: %s", strerror(-err));
	while (!err && (wake == WAKE_TIME || wake == WAKE_READY)) {
		if (wake == WAKE_TIME && top->counted && !top->count--)
			break;
		if (wake == WAKE_TIME)
			err = take_sample(top);
		if (!err)
			wake = draw(top) ? wait_for_something(top) : WAKE_CLOSED;
	}
	term_leave();
	return err ? fail_netlink(top->ctx, NULL) : DONE;
}

static int show_table(struct top *top)
{
	struct json_object *rows;
	int err = take_sample(top);

	if (err)
		return fail_netlink(top->ctx, NULL);
	rows = top_rows(&top->before, &top->now);
	top_sort(rows, top->view.sort, top->view.reverse);
	return show_rows(top->ctx, rows, &top_fields, NULL);
}

static int run_plain(struct top *top)
{
	enum wake wake;
	int err;

	do {
		err = show_table(top);
		if (err || (top->counted && !--top->count))
			return err;
		if (!top->ctx->json)
			putchar('\n');
		wake = interrupt_wait(top->interrupt, -1, ms_left(top));
	} while (wake == WAKE_TIME);
	return wake == WAKE_CLOSED ? fail(top->ctx, "nobody reads the output any more") : DONE;
}

static int read_options(struct top *top, const char *seconds, const char *count, const char *sort)
{
	uint64_t number = DEFAULT_WAIT;

	if (seconds && !parse_number(seconds, 1, LONGEST_WAIT, &number))
		return fail_usage(top->ctx, "seconds are a number from 1 to %d, not '%s'",
				  LONGEST_WAIT, seconds);
	top->wait_ms = number * 1000;
	top->counted = count;
	if (count && !parse_number(count, 1, UINT32_MAX, &top->count))
		return fail_usage(top->ctx, "a count is a number from 1 on, not '%s'", count);
	top->view.sort = top_column_by_key(sort ? sort : "saved_bytes");
	if (!top->view.sort)
		return fail_usage(top->ctx, "there is no column '%s'; they are the keys of -j",
				  sort);
	return DONE;
}

int top(struct ctx *ctx, int argc, char **argv)
{
	const char *seconds = NULL, *count = NULL, *sort = NULL;
	struct top top = { .ctx = ctx };
	const struct option options[] = {
		{ "watch", 'w', NULL, &seconds },
		{ "count", 'n', NULL, &count },
		{ "sort", 's', NULL, &sort },
		{ "reverse", 'r', &top.view.reverse, NULL },
		{ .name = NULL }
	};
	bool on_screen;
	int err = command_line(ctx, &argc, argv, options, 0, 0);

	if (!err)
		err = read_options(&top, seconds, count, sort);
	if (err)
		return err;
	on_screen = term_usable() && !ctx->json;
	top.interrupt = on_screen ? interrupt_open_screen() : interrupt_open();
	if (top.interrupt < 0)
		return fail(ctx, "cannot wait for signals: %s", strerror(errno));
	err = on_screen ? run_screen(&top) : run_plain(&top);
	close(top.interrupt);
	sample_free(&top.before);
	sample_free(&top.now);
	return err;
}
