// SPDX-License-Identifier: GPL-2.0
/* map: regions to rows of cells. Pure functions. */
#include <stdlib.h>

#include "map.h"
#include "util.h"

#define REGION_BYTES	(2ull << 20)
#define LARGEST_CELL	(1ull << 40)	/* then no address space has more than a few rows */

const struct level levels[LEVELS] = {
	{ 0, '.', "\033[90m", "#dddddd", "none" },
	{ 250, '-', "\033[34m", "#fdd49e", "up to 25%" },
	{ 500, '+', "\033[32m", "#fc8d59", "up to 50%" },
	{ 750, '*', "\033[33m", "#d7301f", "up to 75%" },
	{ 1000, '#', "\033[31m", "#7f0000", "more" },
};

const struct level *level_of(int permille)
{
	size_t i = 0;

	while (i < LEVELS - 1 && permille > levels[i].most_permille)
		i++;
	return &levels[i];
}

int cell_permille(const struct cell *cell)
{
	uint64_t shared = cell->shared < cell->present ? cell->shared : cell->present;

	/* A little is not nothing. */
	return cell->present ? (int)((shared * 1000 + cell->present - 1) / cell->present) : -1;
}

static uint64_t address(struct json_object *region)
{
	return json_object_get_uint64(json_object_object_get(region, "addr"));
}

static int compare(const void *a, const void *b)
{
	uint64_t left = address(*(struct json_object *const *)a);
	uint64_t right = address(*(struct json_object *const *)b);

	return left < right ? -1 : left > right;
}

static size_t count_rows(struct json_object *regions, uint64_t row_bytes)
{
	size_t count = json_object_array_length(regions), rows = 0;
	uint64_t last = UINT64_MAX;

	for (size_t i = 0; i < count; i++) {
		uint64_t row = address(json_object_array_get_idx(regions, i)) / row_bytes;

		rows += row != last;
		last = row;
	}
	return rows;
}

static void add_region(struct grid *grid, struct json_object *region)
{
	uint64_t row_bytes = grid_row_bytes(grid), addr = address(region);
	struct grid_row *row = grid->count ? &grid->rows[grid->count - 1] : NULL;
	struct cell *cell;

	if (!row || row->addr != addr / row_bytes * row_bytes) {
		row = &grid->rows[grid->count++];
		row->addr = addr / row_bytes * row_bytes;
	}
	cell = &row->cells[(addr - row->addr) / grid->cell_bytes];
	cell->present += json_number(region, "present");
	cell->shared += json_number(region, "shared") + json_number(region, "zero");
}

bool grid_make(struct grid *grid, struct json_object *regions, size_t most_rows)
{
	size_t count = json_object_array_length(regions), rows;

	json_object_array_sort(regions, compare);
	grid->count = 0;
	grid->cell_bytes = REGION_BYTES;
	rows = count_rows(regions, grid_row_bytes(grid));
	while (rows > most_rows && grid->cell_bytes < LARGEST_CELL) {
		grid->cell_bytes *= 2;
		rows = count_rows(regions, grid_row_bytes(grid));
	}
	grid->rows = calloc(rows + 1, sizeof(*grid->rows));
	for (size_t i = 0; grid->rows && i < count; i++)
		add_region(grid, json_object_array_get_idx(regions, i));
	return grid->rows;
}

void grid_free(struct grid *grid)
{
	free(grid->rows);
	grid->rows = NULL;
}
