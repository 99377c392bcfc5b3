// SPDX-License-Identifier: GPL-2.0
/* pshare: the command. Its subcommands are one table; see pshare.h for what a row is. */
#include <signal.h>
#include <string.h>

#include "cmdline.h"
#include "help.h"

const struct command commands[] = {
	{ "vm add", vm_add, "PID|MACHINE [--name NAME] [--domain N] [--weight N] [--thp POLICY]",
	  "register a process" },
	{ "vm del", vm_del, "VM [--unmerge] [--force]",
	  "end a registration; what is merged stays merged unless told otherwise" },
	{ "vm list", vm_list, "", "the registered VMs" },
	{ "vm show", vm_show, "VM", "all about one VM" },
	{ "vm set", vm_set, "VM KEY=VALUE... [--force]", "domain, weight, thp, paused of a VM" },
	{ "status", status, "[-w SECONDS]", "totals of the host" },
	{ "top", top, "[-w SECONDS] [-n COUNT] [-s COLUMN] [-r]", "a live table of the VMs" },
	{ "get", knob_get, "[KNOB...]", "settings, with range and meaning" },
	{ "set", knob_set, "KNOB=VALUE...", "change settings, all or none" },
	{ "scan", scan, "[VM] [--wait]", "one full pass at full speed" },
	{ "unmerge", unmerge, "[VM] [--force]", "give one VM, or all, their own copies back" },
	{ "monitor", monitor, "", "events as they come" },
	{ "estimate", estimate, "[PID|VM...] [--domain N] [--memory MIB]",
	  "what would be saved, without merging" },
	{ "doctor", doctor, "[--pass SECONDS]", "why nothing merges" },
	{ "regions", regions, "VM", "the 2 MiB regions of a VM" },
	{ "map", map, "VM [--svg FILE]", "where in its memory a VM shares" },
	{ "exclude add", exclude_add, "PID|COMMAND", "leave a process alone when scope is all" },
	{ "exclude del", exclude_del, "PID|COMMAND", "take that back" },
	{ "exclude list", exclude_list, "", "what is left alone" },
	{ "help", help, "[COMMAND]", "this list" },
	{ .name = NULL }
};

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static int run(struct ctx *ctx, int argc, char **argv)
{
	bool show_help = false, show_version = false;
	const struct option options[] = {
		{ "json", 'j', &ctx->json, NULL },
		{ "help", 'h', &show_help, NULL },
		{ "version", 'V', &show_version, NULL },
		{ .name = NULL }
	};
	int words, err = options_leading(ctx, &argc, argv, options);

	if (err)
		return err;
	if (show_version)
		return version(ctx);
	if (show_help)
		return help(ctx, 0, argv);
	if (!argc)
		return fail_usage(ctx, "no command is given");
	ctx->command = command_find(argc, argv, &words);
	if (!ctx->command)
		return fail_usage(ctx, "there is no command '%s%s%s'", argv[0],
				  argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
	if (asks_for_help(argc, argv))
		return help(ctx, words, argv);
	return ctx->command->run(ctx, argc - words, argv + words);
}

int main(int argc, char **argv)
{
	struct ctx ctx = { .nl = nl_new() };
	int err;

	signal(SIGPIPE, SIG_IGN);
	err = ctx.nl ? run(&ctx, argc - 1, argv + 1) : fail(&ctx, "out of memory");
	nl_free(ctx.nl);
	return err;
}
