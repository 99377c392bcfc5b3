// SPDX-License-Identifier: GPL-2.0
/* Anything for what /proc says of areas of memory and of start times. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "parse.h"

static void read_areas(char *text)
{
	struct area area = { .start = 0 }, next;
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (area_begin(line, &next))
			area = next;
		else
			area_go_on(line, &area);
		if (area.mergeable && (!area.private || area.start >= area.end))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	uint64_t ticks;

	memcpy(text, data, size);
	text[size] = '\0';
	parse_start_time(text, &ticks);
	read_areas(text);
	free(text);
	return 0;
}
