// SPDX-License-Identifier: GPL-2.0
/* pshared: registers virtual machines as they start. */
#include <stdio.h>

#include "log.h"
#include "options.h"
#include "pshare.h"
#include "service.h"
#include "settings.h"

static int check(const char *path)
{
	char error[SETTINGS_ERROR];
	struct settings *settings = settings_load(path, error);

	if (!settings) {
		log_error("%s", error);
		return WRONG_USAGE;
	}
	settings_free(settings);
	return DONE;
}

int main(int argc, char **argv)
{
	struct options options;

	if (!options_read(&options, argc, argv))
		return WRONG_USAGE;
	if (options.help) {
		options_help();
		return DONE;
	}
	if (options.version) {
		puts("pshared " PSHARE_VERSION);
		return DONE;
	}
	return options.check ? check(options.check) : service_run(options.config);
}
