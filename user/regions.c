// SPDX-License-Identifier: GPL-2.0
/* regions: the 2 MiB regions of a VM, for heat maps. */
#include <linux/pshare.h>

#include "cmdline.h"
#include "machine.h"
#include "schema.h"
#include "show.h"

int regions(struct ctx *ctx, int argc, char **argv)
{
	struct json_object *rows;
	int err = command_line(ctx, &argc, argv, NULL, 1, 1);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_REGION_GET);
	err = put_vm(ctx, argv[0], PSHARE_A_REGION_PID, PSHARE_A_REGION_VM_NAME);
	if (err)
		return err;
	if (nl_dump(ctx->nl, &region_fields, &rows))
		return fail_netlink(ctx, argv[0]);
	return show_rows(ctx, rows, &region_fields, NULL);
}
