// SPDX-License-Identifier: GPL-2.0
/* vm list, show: what looks at the registry. */
#include <linux/pshare.h>

#include "cmdline.h"
#include "machine.h"
#include "schema.h"
#include "show.h"

int vm_list(struct ctx *ctx, int argc, char **argv)
{
	static const char *const keys[] = {
		"pid", "name", "state", "domain", "weight", "thp", "rss_bytes", "pages_shared",
		"pages_sharing", "zero_pages", "pages_unshared", "pages_volatile", NULL
	};
	struct json_object *rows;
	int err = command_line(ctx, &argc, argv, NULL, 0, 0);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_VM_GET);
	if (nl_dump(ctx->nl, &vm_fields, &rows))
		return fail_netlink(ctx, NULL);
	return show_rows(ctx, rows, &vm_fields, keys);
}

int vm_show(struct ctx *ctx, int argc, char **argv)
{
	struct json_object *vm;
	int err = command_line(ctx, &argc, argv, NULL, 1, 1);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_VM_GET);
	err = put_vm(ctx, argv[0], PSHARE_A_VM_PID, PSHARE_A_VM_NAME);
	if (err)
		return err;
	vm = json_new();
	if (!nl_do(ctx->nl, &vm_fields, vm))
		return show_record(ctx, vm, &vm_fields, NULL);
	json_object_put(vm);
	return fail_netlink(ctx, argv[0]);
}
