/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_COMPLETE_H
#define PSHARE_COMPLETE_H

#include "pshare.h"

/*
 * What the last of these words may become, in an array that is the caller's to put; behind a "="
 * only what follows it. Names and knobs are asked of the module, if it is there.
 */
struct json_object *complete(struct nl *nl, int argc, char **argv);

/*
 * bash divides KEY=VALUE: puts the last word together again, in room. Returns how many words are
 * left.
 */
int complete_join(int argc, char **argv, char *room, size_t size);

/* A word of the arguments of a command: an option, its value, or an operand. */
struct usage_word {
	char text[32];
	bool is_option;
	bool has_value;		/* the option */
	bool is_value;		/* of the option before */
};

/* Takes the next off *args; *word is the one before, empty at first. False at the end. */
bool usage_next(const char **args, struct usage_word *word);

#endif
