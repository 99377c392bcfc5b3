// SPDX-License-Identifier: GPL-2.0
/* The command line of the daemon. */
#include <getopt.h>
#include <stdio.h>

#include "options.h"
#include "settings.h"
#include "util.h"

static const struct {
	const char *name;
	char letter;
	const char *argument;
	const char *help;
} table[] = {
	{ "config", 'c', "FILE", "settings; default " SETTINGS_FILE },
	{ "check", 0, "FILE", "only check a settings file" },
	{ "help", 'h', NULL, "this" },
	{ "version", 'V', NULL, "the version" },
};

/* What getopt_long() returns for an option without a letter is its place behind all letters. */
#define BEHIND_LETTERS	256

enum { CONFIG, CHECK, HELP, VERSION };

static int place_of(int found)
{
	if (found >= BEHIND_LETTERS)
		return found - BEHIND_LETTERS;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].letter == found)
			return i;
	return -1;
}

static bool take(struct options *options, int found)
{
	switch (place_of(found)) {
	case CONFIG:
		options->config = optarg;
		return true;
	case CHECK:
		options->check = optarg;
		return true;
	case HELP:
		options->help = true;
		return true;
	case VERSION:
		options->version = true;
		return true;
	}
	return false;
}

static bool complain(const char *what, const char *word)
{
	fprintf(stderr, "pshared: %s '%s'; see 'pshared --help'\n", what, word);
	return false;
}

bool options_read(struct options *options, int argc, char **argv)
{
	struct option longs[ARRAY_SIZE(table) + 1] = { 0 };
	int found;

	*options = (struct options){ .config = SETTINGS_FILE };
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		longs[i].name = table[i].name;
		longs[i].has_arg = table[i].argument ? required_argument : no_argument;
		longs[i].val = table[i].letter ? table[i].letter : BEHIND_LETTERS + (int)i;
	}
	optind = 1;
	while ((found = getopt_long(argc, argv, ":c:hV", longs, NULL)) != -1) {
		if (found == ':')
			return complain("a value is missing behind", argv[optind - 1]);
		if (!take(options, found))
			return complain("there is no option", argv[optind - 1]);
	}
	return optind == argc || complain("unexpected", argv[optind]);
}

void options_help(void)
{
	puts("usage: pshared [OPTION...]\n"
	     "registers virtual machines with the pshare module as they start\n");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		printf("  %c%c%s --%-7s %-5s %s\n", table[i].letter ? '-' : ' ',
		       table[i].letter ? table[i].letter : ' ', table[i].letter ? "," : " ",
		       table[i].name, table[i].argument ? table[i].argument : "", table[i].help);
}

void options_each(void (*found)(const char *name, char letter, const char *argument, void *data),
		  void *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		found(table[i].name, table[i].letter, table[i].argument, data);
}
