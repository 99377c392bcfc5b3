// SPDX-License-Identifier: GPL-2.0
/* Documents to stdout: JSON as it is, or text that is made from the same JSON by the tables. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "show.h"
#include "util.h"

#define CELL_SIZE	1024

/* The fields to show: those of keys, or all. */
struct view {
	const struct field *fields[128];
	size_t count;
};

/* A key that several sets have is shown once. */
static void view_add(struct view *view, const struct field *field)
{
	for (size_t i = 0; field && i < view->count; i++)
		if (!strcmp(view->fields[i]->key, field->key))
			return;
	if (field && view->count < ARRAY_SIZE(view->fields))
		view->fields[view->count++] = field;
}

static void view_add_all(struct view *view, const struct fields *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->rows[i].type == FIELD_FLAT)
			view_add_all(view, set->rows[i].nest);
		else
			view_add(view, &set->rows[i]);
	}
}

static void view_init(struct view *view, const struct fields *set, const char *const *keys)
{
	view->count = 0;
	if (!keys)
		view_add_all(view, set);
	for (; keys && *keys; keys++)
		view_add(view, fields_find(set, *keys));
}

static bool is_text(const struct field *field)
{
	return field->type == FIELD_TEXT || field->type == FIELD_VALUE ||
	       field->type == FIELD_ENUM;
}

static void cell_text(char *cell, const struct field *field, struct json_object *object)
{
	struct json_object *value = json_object_object_get(object, field->key);

	if (!value)
		strcpy(cell, "-");
	else if (field->unit == UNIT_NONE)
		text_escape(cell, CELL_SIZE, json_object_get_string(value));
	else
		text_number(cell, CELL_SIZE, json_object_get_int64(value), field->unit);
}

static void heading_text(char *cell, const struct field *field)
{
	snprintf(cell, CELL_SIZE, "%s", field->heading ? field->heading : field->key);
	for (char *at = cell; *at; at++)
		*at = *at == '_' ? ' ' : toupper((unsigned char)*at);
}

static int column_width(struct json_object *rows, const struct field *field)
{
	size_t count = json_object_array_length(rows);
	char cell[CELL_SIZE];
	int width, widest;

	heading_text(cell, field);
	widest = text_width(cell);
	for (size_t i = 0; i < count; i++) {
		cell_text(cell, field, json_object_array_get_idx(rows, i));
		width = text_width(cell);
		if (width > widest)
			widest = width;
	}
	return widest;
}

/* Text stands left, numbers stand right; nothing is padded at the end of a line. */
static void print_cell(const char *cell, const struct field *field, int width, bool last)
{
	int pad = width - text_width(cell);

	if (is_text(field))
		printf("%s%*s", cell, last ? 0 : pad, "");
	else
		printf("%*s%s", pad, "", cell);
	fputs(last ? "\n" : "  ", stdout);
}

static void print_table(struct json_object *rows, const struct view *view)
{
	size_t count = json_object_array_length(rows);
	int widths[ARRAY_SIZE(view->fields)];
	char cell[CELL_SIZE];

	for (size_t column = 0; column < view->count; column++) {
		widths[column] = column_width(rows, view->fields[column]);
		heading_text(cell, view->fields[column]);
		print_cell(cell, view->fields[column], widths[column], column + 1 == view->count);
	}
	for (size_t row = 0; row < count; row++) {
		for (size_t column = 0; column < view->count; column++) {
			cell_text(cell, view->fields[column], json_object_array_get_idx(rows, row));
			print_cell(cell, view->fields[column], widths[column],
				   column + 1 == view->count);
		}
	}
}

static void print_line(const struct field *field, struct json_object *object, int width)
{
	struct json_object *value = json_object_object_get(object, field->key);
	long long number = json_object_get_int64(value);
	char cell[CELL_SIZE];

	cell_text(cell, field, object);
	printf("%-*s  %s", width, field->key, cell);
	if (field->unit == UNIT_PAGES)
		printf(" (%lld page%s)", number, number == 1 ? "" : "s");
	for (int i = 0; field->type != FIELD_ENUM && field->words && field->words[i]; i++)
		if (i == number)
			printf(" (%s)", field->words[i]);
	putchar('\n');
}

static void print_record(struct json_object *object, const struct view *view)
{
	int width = 0;

	for (size_t i = 0; i < view->count; i++)
		if ((int)strlen(view->fields[i]->key) > width)
			width = strlen(view->fields[i]->key);
	for (size_t i = 0; i < view->count; i++) {
		const struct field *field = view->fields[i];
		struct json_object *value = json_object_object_get(object, field->key);

		if (value && (!field->quiet || json_object_get_int64(value)))
			print_line(field, object, width);
	}
}

static void print_event(struct json_object *event, const struct view *view)
{
	time_t seconds = json_number(event, "time_ms") / 1000;
	char cell[CELL_SIZE];
	struct tm local;

	localtime_r(&seconds, &local);
	strftime(cell, sizeof(cell), "%H:%M:%S", &local);
	printf("%s  %s", cell, json_text(event, "event"));
	for (size_t i = 0; i < view->count; i++) {
		const struct field *field = view->fields[i];

		if (field->type == FIELD_LOCAL || !json_object_object_get(event, field->key))
			continue;
		cell_text(cell, field, event);
		printf("  %s %s", field->key, cell);
	}
	putchar('\n');
}

/* Puts the document. */
static int finish(const struct ctx *ctx, struct json_object *document)
{
	if (ctx->json)
		puts(json_object_to_json_string_ext(document, JSON_C_TO_STRING_PLAIN |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(document);
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return DONE;
	return fail(ctx, "cannot write the output: %s", errno ? strerror(errno) : "output error");
}

int show_rows(const struct ctx *ctx, struct json_object *rows, const struct fields *set,
	      const char *const *keys)
{
	struct view view;

	view_init(&view, set, keys);
	if (!ctx->json)
		print_table(rows, &view);
	return finish(ctx, rows);
}

int show_record(const struct ctx *ctx, struct json_object *record, const struct fields *set,
		const char *const *keys)
{
	struct view view;

	view_init(&view, set, keys);
	if (!ctx->json)
		print_record(record, &view);
	return finish(ctx, record);
}

/* A table, and an empty line behind it, if it has rows. */
static void print_part(struct json_object *document, const struct show_part *part)
{
	struct json_object *rows = part->key ? json_object_object_get(document, part->key) : NULL;
	struct view view;

	if (rows && !json_object_array_length(rows))
		return;
	view_init(&view, part->fields, NULL);
	if (!rows) {
		print_record(document, &view);
		return;
	}
	print_table(rows, &view);
	putchar('\n');
}

int show_parts(const struct ctx *ctx, struct json_object *document, const struct show_part *parts)
{
	for (const struct show_part *part = parts; !ctx->json && part->fields; part++)
		print_part(document, part);
	return finish(ctx, document);
}

int show_event(const struct ctx *ctx, struct json_object *event, const struct fields *set)
{
	struct view view;

	view_init(&view, set, NULL);
	if (!ctx->json)
		print_event(event, &view);
	return finish(ctx, event);
}

int show_nothing(const struct ctx *ctx)
{
	return ctx->json ? finish(ctx, json_new()) : DONE;
}
