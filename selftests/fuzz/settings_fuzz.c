// SPDX-License-Identifier: GPL-2.0
/* The settings file of the daemon. */
#include <stdlib.h>
#include <string.h>

#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[SETTINGS_ERROR], *text = malloc(size + 1);
	struct settings *settings;

	memcpy(text, data, size);
	text[size] = '\0';
	settings = settings_parse("fuzz", text, size, error);
	/* Right, or refused with a reason. */
	if (!settings == !error[0])
		abort();
	if (settings)
		settings_rule(settings, "web1", 0);
	settings_free(settings);
	free(text);
	return 0;
}
