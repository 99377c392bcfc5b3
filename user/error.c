// SPDX-License-Identifier: GPL-2.0
/* What went wrong, in one line on stderr that says what to do, and the exit code for it. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"
#include "pshare.h"

#define LINE_SIZE	1024

static void say(const struct ctx *ctx, const char *subject, const char *format, va_list args,
		const char *usage)
{
	char message[LINE_SIZE], safe_message[LINE_SIZE], safe_subject[LINE_SIZE];
	const char *command = ctx->command ? ctx->command->name : "";

	vsnprintf(message, sizeof(message), format, args);
	text_escape(safe_message, sizeof(safe_message), message);
	text_escape(safe_subject, sizeof(safe_subject), subject ? subject : "");
	fprintf(stderr, "pshare: %s%s%s%s%s%s\n", command, subject ? " " : "", safe_subject,
		*command ? ": " : "", safe_message, usage);
}

int fail(const struct ctx *ctx, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(ctx, NULL, format, args, "");
	va_end(args);
	return FAILED;
}

int fail_about(const struct ctx *ctx, const char *subject, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(ctx, subject, format, args, "");
	va_end(args);
	return FAILED;
}

int fail_usage(const struct ctx *ctx, const char *format, ...)
{
	const struct command *command = ctx->command;
	char usage[256] = "; see 'pshare help'";
	va_list args;

	if (command)
		snprintf(usage, sizeof(usage), "; usage: pshare %s%s%s", command->name,
			 *command->args ? " " : "", command->args);
	va_start(args, format);
	say(ctx, NULL, format, args, usage);
	va_end(args);
	return WRONG_USAGE;
}

static int fail_not_loaded(const struct ctx *ctx)
{
	if (access("/sys/module/pshare", F_OK))
		fail(ctx, "the module is not loaded; run 'modprobe pshare' or 'insmod pshare.ko'");
	else
		fail(ctx, "the module is loaded but not to be reached from this network namespace");
	return NOT_LOADED;
}

int fail_netlink(const struct ctx *ctx, const char *subject)
{
	const struct nl_error *error = nl_error(ctx->nl);
	const char *reason = error->message[0] ? error->message : strerror(error->code);

	if (error->not_loaded)
		return fail_not_loaded(ctx);
	if (error->code == EPERM || error->code == EACCES)
		return fail_about(ctx, subject, "%s; run it as root on the host", reason);
	return fail_about(ctx, subject, "%s", reason);
}

int put_target(const struct ctx *ctx, const char *text, uint16_t pid_attr, uint16_t name_attr)
{
	struct target target;

	if (!parse_target(text, &target))
		return fail_usage(ctx, "'%s' is neither a pid nor a name", text);
	if (target.name)
		nl_put_text(ctx->nl, name_attr, target.name);
	else
		nl_put_u32(ctx->nl, pid_attr, target.pid);
	return DONE;
}
