// SPDX-License-Identifier: GPL-2.0
/* map: where in a VM's memory sharing happens. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/pshare.h>

#include "cmdline.h"
#include "machine.h"
#include "map.h"
#include "schema.h"
#include "show.h"
#include "util.h"

#define TEXT_ROWS	32
#define PICTURE_ROWS	128

static const struct field map_rows[] = {
	{ .type = FIELD_LOCAL, .unit = UNIT_BYTES, .key = "cell_bytes" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "pages_present" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "pages_shared" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "zero_pages" },
};

static const struct fields map_fields = FIELDS(map_rows);

static long long sum(struct json_object *regions, const char *key)
{
	size_t count = json_object_array_length(regions);
	long long pages = 0;

	for (size_t i = 0; i < count; i++)
		pages += json_number(json_object_array_get_idx(regions, i), key);
	return pages;
}

static struct json_object *row_document(const struct grid_row *row)
{
	struct json_object *object = json_new(), *cells = json_new_array();

	json_set(object, "addr", json_object_new_uint64(row->addr));
	for (int k = 0; k < GRID_COLUMNS; k++)
		json_append(cells, json_object_new_int(cell_permille(&row->cells[k])));
	json_set(object, "shared_permille", cells);
	return object;
}

static struct json_object *document_of(const struct grid *grid, struct json_object *regions)
{
	struct json_object *document = json_new(), *rows = json_new_array();

	for (size_t i = 0; i < grid->count; i++)
		json_append(rows, row_document(&grid->rows[i]));
	json_set_number(document, "cell_bytes", grid->cell_bytes);
	json_set_number(document, "pages_present", sum(regions, "present"));
	json_set_number(document, "pages_shared", sum(regions, "shared"));
	json_set_number(document, "zero_pages", sum(regions, "zero"));
	json_set(document, "rows", rows);
	return document;
}

/* Letters alone, or in colour on a terminal. */
static void print_row(const struct grid_row *row, bool colour)
{
	const struct level *last = NULL;

	printf("%012llx  ", (unsigned long long)row->addr);
	for (int k = 0; k < GRID_COLUMNS; k++) {
		int permille = cell_permille(&row->cells[k]);
		const struct level *level = permille < 0 ? NULL : level_of(permille);

		if (colour && level && level != last)
			fputs(level->terminal, stdout);
		putchar(level ? level->letter : ' ');
		last = level ? level : last;
	}
	puts(colour ? "\033[0m" : "");
}

static void print_map(const struct grid *grid)
{
	bool colour = isatty(STDOUT_FILENO);

	for (size_t i = 0; i < grid->count; i++) {
		if (i && grid->rows[i].addr != grid->rows[i - 1].addr + grid_row_bytes(grid))
			puts("...");
		print_row(&grid->rows[i], colour);
	}
	fputs("\nshared or zero:", stdout);
	for (int i = 0; i < LEVELS; i++)
		printf("  %c %s", levels[i].letter, levels[i].text);
	fputs("\n\n", stdout);
}

static int write_picture(const struct ctx *ctx, const struct grid *grid, const char *name,
			 const char *path)
{
	FILE *out = fopen(path, "we");
	bool good = out;

	if (out) {
		map_svg(out, grid, name);
		good = !ferror(out);
		good &= !fclose(out);
	}
	return good ? show_nothing(ctx) : fail(ctx, "cannot write %s: %s", path, strerror(errno));
}

static int show(const struct ctx *ctx, struct json_object *regions, const char *name,
		const char *svg)
{
	struct grid grid;
	int err;

	if (!grid_make(&grid, regions, svg ? PICTURE_ROWS : TEXT_ROWS))
		return fail(ctx, "out of memory");
	if (svg) {
		err = write_picture(ctx, &grid, name, svg);
	} else {
		if (!ctx->json)
			print_map(&grid);
		err = show_record(ctx, document_of(&grid, regions), &map_fields, NULL);
	}
	grid_free(&grid);
	return err;
}

int map(struct ctx *ctx, int argc, char **argv)
{
	const char *svg = NULL;
	const struct option options[] = { { "svg", 0, NULL, &svg }, { .name = NULL } };
	struct json_object *regions;
	int err = command_line(ctx, &argc, argv, options, 1, 1);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_REGION_GET);
	err = put_vm(ctx, argv[0], PSHARE_A_REGION_PID, PSHARE_A_REGION_VM_NAME);
	if (err)
		return err;
	if (nl_dump(ctx->nl, &region_fields, &regions))
		return fail_netlink(ctx, argv[0]);
	err = show(ctx, regions, argv[0], svg);
	json_object_put(regions);
	return err;
}
