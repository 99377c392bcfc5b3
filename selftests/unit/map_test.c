// SPDX-License-Identifier: GPL-2.0
/* map: regions fall into the right cells, and the picture is XML that says what it shows. */
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "tap.h"
#include "util.h"

#define MIB	(1ull << 20)
#define GUEST	0x7f1200000000ull
#define PICTURE	"build/unit/map_test.svg"

static void add_region(struct json_object *regions, uint64_t addr, int present, int shared,
		       int zero)
{
	struct json_object *region = json_new();

	json_set_number(region, "addr", addr);
	json_set_number(region, "present", present);
	json_set_number(region, "shared", shared);
	json_set_number(region, "zero", zero);
	json_append(regions, region);
}

static void test_levels(void)
{
	static const struct {
		uint64_t present, shared;
		char letter;
	} cases[] = {
		{ 512, 0, '.' }, { 512, 1, '-' }, { 512, 128, '-' }, { 512, 129, '+' },
		{ 512, 256, '+' }, { 512, 384, '*' }, { 512, 385, '#' }, { 512, 512, '#' },
		{ 100, 512, '#' }, { 1, 1, '#' },
	};
	struct cell empty = { 0, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cell cell = { cases[i].present, cases[i].shared };

		ok(level_of(cell_permille(&cell))->letter == cases[i].letter, "%llu of %llu is %c",
		   (unsigned long long)cell.shared, (unsigned long long)cell.present,
		   cases[i].letter);
	}
	ok(cell_permille(&empty) == -1, "nothing of nothing is not shared");
}

static void test_cells(void)
{
	struct json_object *regions = json_new_array();
	struct grid grid;

	ok(grid_make(&grid, regions, 8) && grid.count == 0, "no region, no row");
	grid_free(&grid);
	/* Out of order, on both sides of a row's end, and far away. */
	add_region(regions, GUEST + 128 * MIB, 512, 100, 0);
	add_region(regions, GUEST + 126 * MIB, 512, 512, 0);
	add_region(regions, GUEST, 512, 3, 4);
	add_region(regions, 0x555500000000, 7, 0, 0);
	ok(grid_make(&grid, regions, 8) && grid.count == 3 && grid.cell_bytes == 2 * MIB,
	   "three rows of 128 MiB");
	ok(grid.rows[0].addr == 0x555500000000 && grid.rows[1].addr == GUEST &&
	   grid.rows[2].addr == GUEST + 128 * MIB, "in order");
	ok(grid.rows[1].cells[0].shared == 7 && grid.rows[1].cells[63].shared == 512 &&
	   grid.rows[2].cells[0].present == 512 && !grid.rows[1].cells[1].present,
	   "each region in its cell");
	grid_free(&grid);
	ok(grid_make(&grid, regions, 2) && grid.count == 2 && grid.cell_bytes == 4 * MIB &&
	   grid.rows[1].cells[31].shared == 512 && grid.rows[1].cells[32].shared == 100,
	   "with less rows cells are larger");
	grid_free(&grid);
	ok(grid_make(&grid, regions, 0) && grid.count >= 1, "and they do not grow for ever");
	grid_free(&grid);
	json_object_put(regions);
}

static char *picture(size_t count, const char *name)
{
	struct json_object *regions = json_new_array();
	struct grid grid;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	for (size_t i = 0; i < count; i++)
		add_region(regions, GUEST + i * 2 * MIB, 512, i % 513, 0);
	add_region(regions, 0x555500000000, 7, 0, 0);
	grid_make(&grid, regions, 128);
	map_svg(out, &grid, name);
	fclose(out);
	grid_free(&grid);
	json_object_put(regions);
	return text;
}

static bool is_xml(const char *text)
{
	FILE *file = fopen(PICTURE, "w");

	fputs(text, file);
	fclose(file);
	return !system("xmllint --noout --nonet " PICTURE);
}

static size_t count_of(const char *text, const char *word)
{
	size_t count = 0;

	while ((text = strstr(text, word))) {
		text++;
		count++;
	}
	return count;
}

static void test_picture(void)
{
	char *text = picture(1000, "a<b>&\"c\" ]]> \x01");

	ok(is_xml(text), "the picture is well-formed, whatever the name is");
	ok(strstr(text, "a&lt;b&gt;&amp;"), "and has the name");
	ok(strstr(text, "0x7f1200000000<") && strstr(text, "0x7f1208000000<") &&
	   strstr(text, ">0x555500000000<"), "it has the addresses of its rows");
	ok(strstr(text, ">+0<") && strstr(text, ">+112.0M<"), "and offsets in a row");
	ok(strstr(text, ">up to 25%<") && strstr(text, ">none<") &&
	   strstr(text, "One square is 2.0 MiB"), "and a legend");
	ok(count_of(text, "<title>") == 1001, "and a square for each region");
	free(text);
	text = picture(100000, "large");
	ok(count_of(text, "text-anchor=\"end\"") <= 128 && is_xml(text), "a large VM fits, too");
	free(text);
}

int main(void)
{
	test_levels();
	test_cells();
	test_picture();
	return tap_end();
}
