// SPDX-License-Identifier: GPL-2.0
/* exclude add, del, list: what scope=all leaves alone. */
#include <linux/pshare.h>

#include "cmdline.h"
#include "schema.h"
#include "show.h"

static int change(struct ctx *ctx, uint8_t cmd, int argc, char **argv)
{
	int err = command_line(ctx, &argc, argv, NULL, 1, 1);

	if (err)
		return err;
	nl_begin(ctx->nl, cmd);
	err = put_target(ctx, argv[0], PSHARE_A_EXCLUDE_PID, PSHARE_A_EXCLUDE_NAME);
	if (err)
		return err;
	return nl_do(ctx->nl, NULL, NULL) ? fail_netlink(ctx, argv[0]) : show_nothing(ctx);
}

int exclude_add(struct ctx *ctx, int argc, char **argv)
{
	return change(ctx, PSHARE_CMD_EXCLUDE_ADD, argc, argv);
}

int exclude_del(struct ctx *ctx, int argc, char **argv)
{
	return change(ctx, PSHARE_CMD_EXCLUDE_DEL, argc, argv);
}

int exclude_list(struct ctx *ctx, int argc, char **argv)
{
	struct json_object *rows;
	int err = command_line(ctx, &argc, argv, NULL, 0, 0);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_EXCLUDE_GET);
	if (nl_dump(ctx->nl, &exclude_fields, &rows))
		return fail_netlink(ctx, NULL);
	return show_rows(ctx, rows, &exclude_fields, NULL);
}
