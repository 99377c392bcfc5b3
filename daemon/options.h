/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_OPTIONS_H
#define PSHARED_OPTIONS_H

#include <stdbool.h>

struct options {
	const char *config;	/* the settings file */
	const char *check;	/* a file that is only to be checked */
	bool help;
	bool version;
};

/* False if the command line is wrong, once it has been said what is. */
bool options_read(struct options *options, int argc, char **argv);

void options_help(void);

/* Every option there is, for the test that compares them with the manual. */
void options_each(void (*found)(const char *name, char letter, const char *argument, void *data),
		  void *data);

#endif
