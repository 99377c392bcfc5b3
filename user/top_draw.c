// SPDX-License-Identifier: GPL-2.0
/* top: the rows to a screen of any size, sorted. No terminal in here. */
#include <stdlib.h>
#include <string.h>

#include "top.h"
#include "util.h"

#define CELL_SIZE	256
#define FRAME_LINES	3	/* totals, headings, keys */
#define SHORTEST_BAR	4
#define USUAL_WIDTH	80
#define MORE_NAME	49

static const struct field top_rows_fields[] = {
	{ .type = FIELD_TEXT, .key = "name" },
	{ .type = FIELD_LOCAL, .key = "pid" },
	{ .type = FIELD_LOCAL, .unit = UNIT_BYTES, .key = "rss_bytes", .heading = "RESIDENT" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "pages_shared", .heading = "SHARED" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "zero_pages", .heading = "ZERO" },
	{ .type = FIELD_LOCAL, .unit = UNIT_BYTES, .key = "saved_bytes", .heading = "SAVED" },
	{ .type = FIELD_LOCAL, .key = "broken_per_second", .heading = "BROKEN/S" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PERMILLE, .key = "scan_cpu_permille",
	  .heading = "CPU" },
	{ .type = FIELD_TEXT, .key = "state" },
};

const struct fields top_fields = FIELDS(top_rows_fields);

/* The columns of the screen and the key that sorts by each; a bar stands behind the last. */
static const struct top_column {
	const char *key;
	const char *heading;
	char letter;
	int width;
} columns[] = {
	{ "name", "NAME", 'n', 14 },
	{ "pid", "PID", 'p', 7 },
	{ "rss_bytes", "RESIDENT", 'r', 8 },
	{ "pages_shared", "SHARED", 'h', 7 },
	{ "saved_bytes", "SAVED", 's', 7 },
	{ "broken_per_second", "BROKEN/S", 'b', 8 },
	{ "scan_cpu_permille", "CPU", 'c', 6 },
	{ "state", "STATE", 't', 6 },
};

const struct top_column *top_column_by_key(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (!strcmp(columns[i].key, key))
			return &columns[i];
	return NULL;
}

const struct top_column *top_column_by_letter(int letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (columns[i].letter == letter)
			return &columns[i];
	return NULL;
}

static bool is_text(const struct top_column *column)
{
	return fields_find(&top_fields, column->key)->type == FIELD_TEXT;
}

/* json-c's sort passes no argument. */
static const struct top_column *sort_column;
static bool sort_reverse;

static int compare(const void *a, const void *b)
{
	struct json_object *left = *(struct json_object *const *)a;
	struct json_object *right = *(struct json_object *const *)b;
	long long more = json_number(right, sort_column->key) -
			 json_number(left, sort_column->key);
	int order = is_text(sort_column) ? strcmp(json_text(left, sort_column->key),
						  json_text(right, sort_column->key)) :
		    more > 0 ? 1 : more < 0 ? -1 : 0;

	if (!order)
		return strcmp(json_text(left, "name"), json_text(right, "name"));
	return sort_reverse ? -order : order;
}

void top_sort(struct json_object *rows, const struct top_column *column, bool reverse)
{
	sort_column = column;
	sort_reverse = reverse;
	json_object_array_sort(rows, compare);
}

/* Cuts escaped text at a character. */
static void cut(char *text, int width)
{
	char *at = text;

	while (*at && width > 0) {
		at++;
		while ((*at & 0xc0) == 0x80)
			at++;
		width--;
	}
	*at = '\0';
}

static void cell_text(char *cell, const struct top_column *column, struct json_object *row)
{
	const struct field *field = fields_find(&top_fields, column->key);
	struct json_object *value = json_object_object_get(row, column->key);

	if (!value)
		strcpy(cell, "-");
	else if (field->unit == UNIT_BYTES)
		text_bytes_short(cell, CELL_SIZE, json_object_get_int64(value));
	else if (field->unit == UNIT_PAGES)
		text_bytes_short(cell, CELL_SIZE, PAGE_BYTES * json_object_get_int64(value));
	else if (field->unit != UNIT_NONE)
		text_number(cell, CELL_SIZE, json_object_get_int64(value), field->unit);
	else
		text_escape(cell, CELL_SIZE, json_object_get_string(value));
}

/* A wide screen shows more of the names. */
static int width_of(const struct top_column *column, int screen)
{
	int more = screen > USUAL_WIDTH ? (screen - USUAL_WIDTH) / 2 : 0;

	if (column != columns)
		return column->width;
	return column->width + (more < MORE_NAME ? more : MORE_NAME);
}

/* Pads or cuts to the column, but never beyond what is left of the line. */
static int put_cell(FILE *out, char *cell, bool left, int width, int room)
{
	int pad;

	if (width > room)
		width = room;
	cut(cell, width);
	pad = width - text_width(cell);
	fprintf(out, "%*s%s%*s", left ? 0 : pad, "", cell, left ? pad : 0, "");
	return width;
}

static long long part(long long some, long long all, int width)
{
	return all > 0 ? (some * width + all / 2) / all : 0;
}

/* What is saved, what is shared besides, and the rest, of all that the VM would have. */
static void put_bar(FILE *out, struct json_object *row, int width)
{
	long long all = json_number(row, "rss_bytes") +
			PAGE_BYTES * json_number(row, "zero_pages");
	long long shared = PAGE_BYTES * (json_number(row, "pages_shared") +
					 json_number(row, "zero_pages"));
	int saved_end = part(json_number(row, "saved_bytes"), all, width);
	int shared_end = part(shared, all, width);

	for (int i = 0; i < width; i++)
		putc(i < saved_end ? '#' : i < shared_end ? '=' : '.', out);
}

static void put_row(FILE *out, struct json_object *row, int screen)
{
	char cell[CELL_SIZE];
	int room = screen;

	for (size_t i = 0; i < ARRAY_SIZE(columns) && room > 0; i++) {
		cell_text(cell, &columns[i], row);
		room -= put_cell(out, cell, is_text(&columns[i]), width_of(&columns[i], screen),
				 room);
		if (room > 0)
			putc(' ', out);
		room--;
	}
	if (room >= SHORTEST_BAR)
		put_bar(out, row, room);
	putc('\n', out);
}

/* The column that it is sorted by is marked. */
static void put_headings(FILE *out, const struct top_view *view)
{
	char cell[CELL_SIZE];
	int room = view->columns;

	for (size_t i = 0; i < ARRAY_SIZE(columns) && room > 0; i++) {
		snprintf(cell, sizeof(cell), "%s%s", columns[i].heading,
			 &columns[i] == view->sort ? "*" : "");
		if (text_width(cell) > columns[i].width)
			cell[columns[i].width - 1] = '*';
		room -= put_cell(out, cell, is_text(&columns[i]),
				 width_of(&columns[i], view->columns), room);
		if (room > 0)
			putc(' ', out);
		room--;
	}
	strcpy(cell, "#saved=shared");
	if (room >= SHORTEST_BAR)
		put_cell(out, cell, true, room, room);
	putc('\n', out);
}

static void put_totals(FILE *out, const struct sample *now, long long cpu_permille, int room)
{
	static const char *const states[] = { "stopped", "running", "stopped, unmerged" };
	long long run = json_number(now->totals, "run");
	char line[CELL_SIZE], saved[BYTES_TEXT], cpu[BYTES_TEXT] = "-";

	text_bytes(saved, sizeof(saved), json_number(now->totals, "saved_bytes"));
	if (cpu_permille >= 0)
		text_number(cpu, sizeof(cpu), cpu_permille, UNIT_PERMILLE);
	snprintf(line, sizeof(line), "pshare %s  VMs %lld  saved %s  scanners %s CPU",
		 run >= 0 && run < (int)ARRAY_SIZE(states) ? states[run] : "",
		 json_number(now->totals, "vms"), saved, cpu);
	cut(line, room);
	fprintf(out, "%s\n", line);
}

static void put_keys(FILE *out, int room)
{
	char line[CELL_SIZE] = "sort:";

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		size_t len = strlen(line);

		snprintf(line + len, sizeof(line) - len, " %c", columns[i].letter);
	}
	strcat(line, "  R reverse  arrows scroll  space now  q quit");
	cut(line, room);
	fputs(line, out);
}

/* What is left of the list when the window has grown or VMs have gone. */
static void limit_scroll(struct top_view *view, long count, long room)
{
	if (view->first > count - room)
		view->first = count - room;
	if (view->first < 0)
		view->first = 0;
}

void top_draw(FILE *out, const struct sample *now, struct json_object *rows, long long cpu_permille,
	      struct top_view *view)
{
	long count = json_object_array_length(rows);
	long room = view->lines > FRAME_LINES ? view->lines - FRAME_LINES : 1;
	long line;

	limit_scroll(view, count, room);
	top_sort(rows, view->sort, view->reverse);
	put_totals(out, now, cpu_permille, view->columns);
	if (view->lines > 1)
		put_headings(out, view);
	for (line = 0; line < room && view->lines > 2; line++) {
		if (view->first + line < count)
			put_row(out, json_object_array_get_idx(rows, view->first + line),
				view->columns);
		else if (view->lines > FRAME_LINES)
			putc('\n', out);
	}
	if (view->lines > FRAME_LINES)
		put_keys(out, view->columns);
}
