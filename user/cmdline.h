/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_CMDLINE_H
#define PSHARE_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "pshare.h"

/* An option sets a flag, or takes a value if it has a place for one. The last has no name. */
struct option {
	const char *name;
	char letter;
	bool *flag;
	const char **value;
};

enum option_error {
	OPTIONS_GOOD,
	OPTION_UNKNOWN,
	OPTION_WITHOUT_VALUE,
	OPTION_WITH_VALUE,
};

/*
 * Takes the options out of argv, wherever they stand, and leaves the operands; "--" ends the
 * options. With leading, stops at the first operand. On an error *bad is the word that is wrong.
 */
enum option_error options_take(int *argc, char **argv, const struct option *options,
			       bool leading, const char **bad);

/*
 * The options of a subcommand, and -j, and then as many operands as must be.
 * Returns DONE, or WRONG_USAGE once it has been said what is wrong.
 */
int command_line(struct ctx *ctx, int *argc, char **argv, const struct option *options,
		 int least, int most);

/* As command_line() for what comes before the subcommand. */
int options_leading(struct ctx *ctx, int *argc, char **argv, const struct option *options);

/* The subcommand that argv begins with and how many words its name has; NULL if there is none. */
const struct command *command_find(int argc, char **argv, int *words);

#endif
