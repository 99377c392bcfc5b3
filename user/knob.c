// SPDX-License-Identifier: GPL-2.0
/* get, set: the knobs. The module knows their names and ranges; nothing is listed here. */
#include <string.h>

#include <linux/pshare.h>

#include "cmdline.h"
#include "parse.h"
#include "schema.h"
#include "show.h"
#include "stats.h"

static void put_knob(struct nl *nl, const char *name, const char *value)
{
	struct nlattr *nest = nl_nest(nl, PSHARE_A_KNOBS_KNOB);

	nl_put_text(nl, PSHARE_A_KNOB_NAME, name);
	if (value)
		nl_put_text(nl, PSHARE_A_KNOB_VALUE, value);
	nl_nest_end(nl, nest);
}

struct json_object *knob_find(struct json_object *reply, const char *name)
{
	struct json_object *knobs = json_object_object_get(reply, "knobs");
	size_t count = knobs ? json_object_array_length(knobs) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *knob = json_object_array_get_idx(knobs, i);

		if (!strcmp(json_text(knob, "name"), name))
			return knob;
	}
	return NULL;
}

static int show_knobs(const struct ctx *ctx, struct json_object *reply)
{
	static const char *const keys[] = {
		"name", "value", "default", "range", "unit", "doc", NULL
	};
	struct json_object *knobs = json_object_get(json_object_object_get(reply, "knobs"));

	return show_rows(ctx, knobs ? knobs : json_new_array(), &knob_fields, keys);
}

int knob_get(struct ctx *ctx, int argc, char **argv)
{
	struct json_object *reply;
	int err = command_line(ctx, &argc, argv, NULL, 0, 64);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_KNOB_GET);
	for (int i = 0; i < argc; i++) {
		if (strlen(argv[i]) > PSHARE_NAME_LEN)
			return fail_usage(ctx, "'%s' is no knob", argv[i]);
		put_knob(ctx->nl, argv[i], NULL);
	}
	reply = json_new();
	if (nl_do(ctx->nl, &knobs_fields, reply))
		err = fail_netlink(ctx, NULL);
	else
		err = show_knobs(ctx, reply);
	json_object_put(reply);
	return err;
}

static int put_pair(const struct ctx *ctx, const char *pair)
{
	char name[PSHARE_NAME_LEN + 1];
	const char *value;
	size_t len;

	value = parse_pair(pair, &len);
	if (!value || len > PSHARE_NAME_LEN || strlen(value) > PSHARE_NAME_LEN)
		return fail_usage(ctx, "'%s' is not KNOB=VALUE", pair);
	memcpy(name, pair, len);
	name[len] = '\0';
	put_knob(ctx->nl, name, value);
	return DONE;
}

int knob_set(struct ctx *ctx, int argc, char **argv)
{
	int err = command_line(ctx, &argc, argv, NULL, 1, 64);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_KNOB_SET);
	for (int i = 0; !err && i < argc; i++)
		err = put_pair(ctx, argv[i]);
	if (err)
		return err;
	if (nl_do(ctx->nl, NULL, NULL))
		return fail_netlink(ctx, NULL);
	return show_nothing(ctx);
}
