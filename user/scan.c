// SPDX-License-Identifier: GPL-2.0
/* scan: one pass at full speed, and waiting for its end. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/pshare.h>

#include "cmdline.h"
#include "interrupt.h"
#include "machine.h"
#include "schema.h"
#include "show.h"

#define ASK_AGAIN_MS	2000	/* a notification may be lost, an answer may not */

static uint64_t cookie_of(struct json_object *pass)
{
	return json_object_get_uint64(json_object_object_get(pass, "cookie"));
}

/* Returns -errno, 0 if the pass is still running, 1 if it is done. */
static int ask(struct ctx *ctx, struct json_object *pass)
{
	struct json_object *reply = json_new();
	int err;

	nl_begin(ctx->nl, PSHARE_CMD_SCAN_GET);
	nl_put_u64(ctx->nl, PSHARE_A_SCAN_COOKIE, cookie_of(pass));
	err = nl_do(ctx->nl, &scan_fields, reply);
	if (!err)
		err = !json_number(reply, "running");
	json_object_put(reply);
	return err;
}

/* Looks for the end of the pass among what was told. Returns as ask() does. */
static int look(struct ctx *ctx, struct json_object *events, struct json_object *pass)
{
	size_t count = json_object_array_length(events);
	bool doubt = false;

	for (size_t i = 0; i < count; i++) {
		struct json_object *event = json_object_array_get_idx(events, i);
		const char *name = json_text(event, "event");

		if (!strcmp(name, "lost") || !strcmp(name, "unloaded"))
			doubt = true;
		if (strcmp(name, "scan") || cookie_of(event) != cookie_of(pass))
			continue;
		json_set_number(pass, "merges", json_number(event, "merges"));
		return 1;
	}
	return doubt ? ask(ctx, pass) : 0;
}

static int hear(struct ctx *ctx, struct nl *events, struct json_object *pass)
{
	struct json_object *heard = json_new_array();
	int done = nl_events(events, heard) ? ask(ctx, pass) : look(ctx, heard, pass);

	json_object_put(heard);
	return done;
}

static int wait_for(struct ctx *ctx, struct nl *events, int interrupt, struct json_object *pass)
{
	int done = 0;

	while (!done) {
		switch (interrupt_wait(interrupt, nl_fd(events), ASK_AGAIN_MS)) {
		case WAKE_READY:
			done = hear(ctx, events, pass);
			break;
		case WAKE_TIME:
			done = ask(ctx, pass);
			break;
		case WAKE_CLOSED:
			return fail(ctx, "nobody reads the output any more; the pass goes on");
		default:
			return fail(ctx, "interrupted; the pass goes on");
		}
	}
	return done < 0 ? fail_netlink(ctx, NULL) : DONE;
}

/* The pass that was asked for; its end is waited for if there is somewhere to hear of it. */
static int start(struct ctx *ctx, const char *subject, struct nl *events, int interrupt)
{
	struct json_object *pass = json_new();
	int err = DONE;

	if (nl_do(ctx->nl, &scan_fields, pass))
		err = fail_netlink(ctx, subject);
	else if (events)
		err = wait_for(ctx, events, interrupt, pass);
	if (!err)
		return show_record(ctx, pass, &scan_fields, NULL);
	json_object_put(pass);
	return err;
}

static int start_and_wait(struct ctx *ctx, const char *subject)
{
	struct ctx listener = { .command = ctx->command, .nl = nl_new() };
	int interrupt = interrupt_open();
	int err;

	if (interrupt < 0 || !listener.nl)
		err = fail(ctx, "cannot wait: %s", strerror(errno));
	else if (nl_subscribe(listener.nl))
		err = fail_netlink(&listener, NULL);
	else
		err = start(ctx, subject, listener.nl, interrupt);
	if (interrupt >= 0)
		close(interrupt);
	nl_free(listener.nl);
	return err;
}

int scan(struct ctx *ctx, int argc, char **argv)
{
	bool wait = false;
	const struct option options[] = { { "wait", 0, &wait, NULL }, { .name = NULL } };
	const char *subject;
	int err = command_line(ctx, &argc, argv, options, 0, 1);

	if (err)
		return err;
	subject = argc ? argv[0] : NULL;
	nl_begin(ctx->nl, PSHARE_CMD_SCAN);
	if (subject)
		err = put_vm(ctx, subject, PSHARE_A_SCAN_PID, PSHARE_A_SCAN_NAME);
	if (err)
		return err;
	return wait ? start_and_wait(ctx, subject) : start(ctx, subject, NULL, -1);
}
