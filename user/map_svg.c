// SPDX-License-Identifier: GPL-2.0
/* map: the picture. Plain SVG, no script, no font that must be there. */
#include "map.h"

#define CELL		11	/* pixels */
#define LEFT		130	/* for addresses */
#define TOP		56	/* for the title and the offsets */
#define BOTTOM		64	/* for the legend */
#define GAP		6	/* before a row that does not follow the one above */
#define WIDTH		(LEFT + GRID_COLUMNS * CELL + 16)
#define TICKS		8	/* offsets along the top */
#define LEGEND_STEP	120

static void put_text(FILE *out, int x, int y, const char *anchor, const char *text)
{
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">", x, y, anchor);
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		default:
			/* Control characters have no place in XML. */
			putc((unsigned char)*text < ' ' ? '?' : *text, out);
		}
	}
	fputs("</text>\n", out);
}

static bool follows(const struct grid *grid, size_t i)
{
	return !i || grid->rows[i].addr == grid->rows[i - 1].addr + grid_row_bytes(grid);
}

static int height(const struct grid *grid)
{
	int total = TOP + grid->count * CELL + BOTTOM;

	for (size_t i = 0; i < grid->count; i++)
		total += follows(grid, i) ? 0 : GAP;
	return total;
}

static void put_cell(FILE *out, const struct cell *cell, uint64_t addr, int x, int y)
{
	int permille = cell_permille(cell);

	if (permille < 0)
		return;
	fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>", x,
		y, CELL - 1, CELL - 1, level_of(permille)->colour);
	fprintf(out, "0x%llx: %llu of %llu pages shared or zero</title></rect>\n",
		(unsigned long long)addr, (unsigned long long)cell->shared,
		(unsigned long long)cell->present);
}

static int put_rows(FILE *out, const struct grid *grid)
{
	char label[32];
	int y = TOP;

	for (size_t i = 0; i < grid->count; i++) {
		const struct grid_row *row = &grid->rows[i];

		y += follows(grid, i) ? 0 : GAP;
		snprintf(label, sizeof(label), "0x%012llx", (unsigned long long)row->addr);
		put_text(out, LEFT - 8, y + CELL - 2, "end", label);
		for (int k = 0; k < GRID_COLUMNS; k++)
			put_cell(out, &row->cells[k], row->addr + k * grid->cell_bytes,
				 LEFT + k * CELL, y);
		y += CELL;
	}
	return y;
}

/* What to add to the address of a row. */
static void put_scale(FILE *out, const struct grid *grid)
{
	char label[BYTES_TEXT + 1] = "+";

	for (int k = 0; k < GRID_COLUMNS; k += GRID_COLUMNS / TICKS) {
		text_bytes_short(label + 1, sizeof(label) - 1, k * grid->cell_bytes);
		put_text(out, LEFT + k * CELL, TOP - 10, "start", label);
		fprintf(out, "<path d=\"M%d %dv5\" stroke=\"#888888\"/>\n", LEFT + k * CELL,
			TOP - 7);
	}
}

static void put_legend(FILE *out, const struct grid *grid, int y)
{
	char cell[BYTES_TEXT], text[BYTES_TEXT + 64];

	for (int i = 0; i < LEVELS; i++) {
		fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n",
			LEFT + i * LEGEND_STEP, y + 14, CELL, CELL, levels[i].colour);
		put_text(out, LEFT + i * LEGEND_STEP + 16, y + 24, "start", levels[i].text);
	}
	text_bytes(cell, sizeof(cell), grid->cell_bytes);
	snprintf(text, sizeof(text), "One square is %s; colour: part of it shared or zero", cell);
	put_text(out, LEFT, y + 46, "start", text);
}

void map_svg(FILE *out, const struct grid *grid, const char *name)
{
	char title[128];
	int y;

	fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\" font-family=\"monospace\" font-size=\"11\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
		WIDTH, height(grid), WIDTH, height(grid));
	snprintf(title, sizeof(title), "Sharing in the memory of %s", name);
	put_text(out, LEFT, 22, "start", title);
	put_scale(out, grid);
	y = put_rows(out, grid);
	put_legend(out, grid, y);
	fputs("</svg>\n", out);
}
