// SPDX-License-Identifier: GPL-2.0
/* monitor: events as they come, a line each. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmdline.h"
#include "interrupt.h"
#include "schema.h"
#include "show.h"

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* Shows what has come. When the module goes, so do we. */
static int show_events(struct ctx *ctx, struct json_object *events)
{
	size_t count = json_object_array_length(events);
	int err = DONE;

	for (size_t i = 0; !err && i < count; i++) {
		struct json_object *event = json_object_array_get_idx(events, i);
		bool unloaded = !strcmp(json_text(event, "event"), "unloaded");

		json_set_number(event, "time_ms", now_ms());
		if (!strcmp(json_text(event, "event"), "lost"))
			json_set_text(event, "detail", "events came faster than they were read");
		err = show_event(ctx, json_object_get(event), &event_fields);
		if (!err && unloaded) {
			fail(ctx, "the module was unloaded");
			err = NOT_LOADED;
		}
	}
	return err;
}

static int hear(struct ctx *ctx)
{
	struct json_object *events = json_new_array();
	int err = nl_events(ctx->nl, events) ? fail_netlink(ctx, NULL) : show_events(ctx, events);

	json_object_put(events);
	return err;
}

static int listen_until_end(struct ctx *ctx, int interrupt)
{
	enum wake wake;
	int err = DONE;

	do {
		wake = interrupt_wait(interrupt, nl_fd(ctx->nl), -1);
		if (wake == WAKE_READY)
			err = hear(ctx);
	} while (!err && wake != WAKE_END && wake != WAKE_CLOSED);
	return wake == WAKE_CLOSED ? fail(ctx, "nobody reads the output any more") : err;
}

int monitor(struct ctx *ctx, int argc, char **argv)
{
	int interrupt;
	int err = command_line(ctx, &argc, argv, NULL, 0, 0);

	if (err)
		return err;
	if (nl_subscribe(ctx->nl))
		return fail_netlink(ctx, NULL);
	interrupt = interrupt_open();
	if (interrupt < 0)
		return fail(ctx, "cannot wait for signals: %s", strerror(errno));
	err = listen_until_end(ctx, interrupt);
	close(interrupt);
	return err;
}
