// SPDX-License-Identifier: GPL-2.0
/* pshare: the command. Its subcommands are one table, in commands.c. */
#include <signal.h>
#include <string.h>

#include "cmdline.h"
#include "help.h"

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
