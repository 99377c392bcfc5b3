/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_MAP_H
#define PSHARE_MAP_H

#include <stdbool.h>
#include <stdio.h>

#include "field.h"

#define GRID_COLUMNS	64

/* So much memory as a power of two of regions holds, and what was seen in it. */
struct cell {
	uint64_t present;
	uint64_t shared;	/* pages on frames, and zero pages */
};

struct grid_row {
	uint64_t addr;
	struct cell cells[GRID_COLUMNS];
};

/* The regions of a VM, those far apart in rows of their own. */
struct grid {
	uint64_t cell_bytes;
	size_t count;
	struct grid_row *rows;
};

/* Cells as small as the rows allow. False if memory is short. */
bool grid_make(struct grid *grid, struct json_object *regions, size_t most_rows);
void grid_free(struct grid *grid);

static inline uint64_t grid_row_bytes(const struct grid *grid)
{
	return GRID_COLUMNS * grid->cell_bytes;
}

/* Thousandths of what is present, -1 where nothing is. */
int cell_permille(const struct cell *cell);

/* How much is shared: a character, a colour of the terminal and one of pictures, for each. */
struct level {
	int most_permille;
	char letter;
	const char *terminal;
	const char *colour;
	const char *text;
};

#define LEVELS	5

extern const struct level levels[LEVELS];

const struct level *level_of(int permille);

/* A picture of it, about the VM of that name. */
void map_svg(FILE *out, const struct grid *grid, const char *name);

#endif
