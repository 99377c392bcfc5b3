// SPDX-License-Identifier: GPL-2.0
/* unmerge: give VMs their own copies back. */
#include <linux/pshare.h>

#include "cmdline.h"
#include "machine.h"
#include "schema.h"
#include "show.h"

int unmerge(struct ctx *ctx, int argc, char **argv)
{
	static const char *const keys[] = {
		"pages_shared", "pages_sharing", "zero_pages", "unmerges", NULL
	};
	bool force = false;
	const struct option options[] = { { "force", 0, &force, NULL }, { .name = NULL } };
	struct json_object *counters;
	int err = command_line(ctx, &argc, argv, options, 0, 1);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_UNMERGE);
	if (argc)
		err = put_vm(ctx, argv[0], PSHARE_A_VM_PID, PSHARE_A_VM_NAME);
	if (err)
		return err;
	if (force)
		nl_put_flag(ctx->nl, PSHARE_A_VM_FORCE);
	counters = json_new();
	if (!nl_do(ctx->nl, &vm_fields, counters))
		return show_record(ctx, counters, &vm_fields, keys);
	json_object_put(counters);
	return fail_netlink(ctx, argc ? argv[0] : NULL);
}
