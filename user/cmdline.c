// SPDX-License-Identifier: GPL-2.0
/* The command line: options anywhere, operands in order, subcommands of one or two words. */
#include <limits.h>
#include <string.h>

#include "cmdline.h"
#include "util.h"

static const struct option *find_long(const struct option *options, const char *name, size_t len)
{
	for (; options->name; options++)
		if (strlen(options->name) == len && !memcmp(options->name, name, len))
			return options;
	return NULL;
}

static const struct option *find_letter(const struct option *options, char letter)
{
	for (; options->name; options++)
		if (letter && options->letter == letter)
			return options;
	return NULL;
}

/* The value is in the same word, or it is the next one. */
static enum option_error set_value(const struct option *option, const char *attached,
				   int argc, char **argv, int *at)
{
	if (!attached && *at + 1 == argc)
		return OPTION_WITHOUT_VALUE;
	*option->value = attached ? attached : argv[++*at];
	return OPTIONS_GOOD;
}

static enum option_error take_long(const struct option *options, int argc, char **argv, int *at)
{
	const char *name = argv[*at] + 2;
	size_t len = strcspn(name, "=");
	const struct option *option = find_long(options, name, len);
	const char *attached = name[len] ? name + len + 1 : NULL;

	if (!option)
		return OPTION_UNKNOWN;
	if (option->value)
		return set_value(option, attached, argc, argv, at);
	if (attached)
		return OPTION_WITH_VALUE;
	*option->flag = true;
	return OPTIONS_GOOD;
}

static enum option_error take_letters(const struct option *options, int argc, char **argv, int *at)
{
	for (const char *letter = argv[*at] + 1; *letter; letter++) {
		const struct option *option = find_letter(options, *letter);

		if (!option)
			return OPTION_UNKNOWN;
		if (option->value)
			return set_value(option, letter[1] ? letter + 1 : NULL, argc, argv, at);
		*option->flag = true;
	}
	return OPTIONS_GOOD;
}

enum option_error options_take(int *argc, char **argv, const struct option *options,
			       bool leading, const char **bad)
{
	enum option_error err = OPTIONS_GOOD;
	int left = 0, at;

	for (at = 0; at < *argc && !err; at++) {
		char *word = argv[at];

		if (!strcmp(word, "--")) {
			at++;
			break;
		}
		*bad = word;
		if (word[0] != '-' || !word[1]) {
			if (leading)
				break;
			argv[left++] = word;
		} else if (word[1] == '-') {
			err = take_long(options, *argc, argv, &at);
		} else {
			err = take_letters(options, *argc, argv, &at);
		}
	}
	while (at < *argc)
		argv[left++] = argv[at++];
	*argc = left;
	return err;
}

static int take(struct ctx *ctx, int *argc, char **argv, const struct option *options,
		bool leading)
{
	static const char *const mistakes[] = {
		[OPTION_UNKNOWN] = "there is no option %s",
		[OPTION_WITHOUT_VALUE] = "option %s needs a value",
		[OPTION_WITH_VALUE] = "option %s takes no value",
	};
	const char *bad;
	enum option_error err = options_take(argc, argv, options, leading, &bad);

	return err ? fail_usage(ctx, mistakes[err], bad) : DONE;
}

int options_leading(struct ctx *ctx, int *argc, char **argv, const struct option *options)
{
	return take(ctx, argc, argv, options, true);
}

int command_line(struct ctx *ctx, int *argc, char **argv, const struct option *options,
		 int least, int most)
{
	struct option all[8] = { { "json", 'j', &ctx->json, NULL } };
	size_t count = 1;
	int err;

	for (; options && options->name && count < ARRAY_SIZE(all) - 1; options++)
		all[count++] = *options;
	err = take(ctx, argc, argv, all, false);
	if (err)
		return err;
	if (*argc < least)
		return fail_usage(ctx, "something is missing");
	if (*argc > most)
		return fail_usage(ctx, "one word too many: '%s'", argv[most]);
	return DONE;
}

const struct command *command_find(int argc, char **argv, int *words)
{
	for (const struct command *command = commands; command->name; command++) {
		const char *space = strchr(command->name, ' ');
		size_t len = strcspn(command->name, " ");

		*words = space ? 2 : 1;
		if (argc < *words || strlen(argv[0]) != len || memcmp(argv[0], command->name, len))
			continue;
		if (!space || !strcmp(argv[1], space + 1))
			return command;
	}
	return NULL;
}
