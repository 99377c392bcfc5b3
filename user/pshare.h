/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_H
#define PSHARE_H

#include <stdbool.h>

#include "netlink.h"
#include "util.h"
#include "version.h"

enum exit_code {
	DONE,
	FAILED,
	WRONG_USAGE,
	NOT_LOADED,
};

struct command;

/* One run of the program. */
struct ctx {
	const struct command *command;
	struct nl *nl;			/* connects by itself when it is first asked */
	bool json;
};

/*
 * A subcommand. Its function gets the words after its name and returns an exit code. A
 * command reports at most once, by one of the show functions or by one of the failures.
 */
struct command {
	const char *name;		/* one word, or two with a space between */
	int (*run)(struct ctx *ctx, int argc, char **argv);
	const char *args;
	const char *help;
};

extern const struct command commands[];

int vm_add(struct ctx *ctx, int argc, char **argv);
int vm_del(struct ctx *ctx, int argc, char **argv);
int vm_list(struct ctx *ctx, int argc, char **argv);
int vm_show(struct ctx *ctx, int argc, char **argv);
int vm_set(struct ctx *ctx, int argc, char **argv);
int status(struct ctx *ctx, int argc, char **argv);
int knob_get(struct ctx *ctx, int argc, char **argv);
int knob_set(struct ctx *ctx, int argc, char **argv);
int scan(struct ctx *ctx, int argc, char **argv);
int unmerge(struct ctx *ctx, int argc, char **argv);
int monitor(struct ctx *ctx, int argc, char **argv);
int exclude_add(struct ctx *ctx, int argc, char **argv);
int exclude_del(struct ctx *ctx, int argc, char **argv);
int exclude_list(struct ctx *ctx, int argc, char **argv);
int regions(struct ctx *ctx, int argc, char **argv);
int estimate(struct ctx *ctx, int argc, char **argv);
int map(struct ctx *ctx, int argc, char **argv);
int top(struct ctx *ctx, int argc, char **argv);
int doctor(struct ctx *ctx, int argc, char **argv);
int completion(struct ctx *ctx, int argc, char **argv);
int help(struct ctx *ctx, int argc, char **argv);

/* One line on stderr, with the command's name in front; returns FAILED. */
int fail(const struct ctx *ctx, const char *format, ...) __printf(2, 3);

/* The same with what it is about, which may be NULL, behind the command's name. */
int fail_about(const struct ctx *ctx, const char *subject, const char *format, ...)
	__printf(3, 4);

/* As fail(), with the command's usage behind; returns WRONG_USAGE. */
int fail_usage(const struct ctx *ctx, const char *format, ...)
	__printf(2, 3);

/* What the module answered to the last request, about subject (or NULL); returns an exit code. */
int fail_netlink(const struct ctx *ctx, const char *subject);

/* Takes the target into the request; returns DONE or what fail_usage() does. */
int put_target(const struct ctx *ctx, const char *text, uint16_t pid_attr, uint16_t name_attr);

#endif
