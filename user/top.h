/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_TOP_H
#define PSHARE_TOP_H

#include <stdbool.h>
#include <stdio.h>

#include "field.h"

/* One moment: what the module told, and when. */
struct sample {
	struct json_object *totals;
	struct json_object *vms;
	double seconds;
};

/* What of it is shown and how. */
struct top_view {
	const struct top_column *sort;
	bool reverse;
	long first;			/* the row at the top of the screen */
	int columns, lines;
};

extern const struct fields top_fields;

/*
 * A row for each VM of now; its rates since before, which may be empty. The array is the
 * caller's to put.
 */
struct json_object *top_rows(const struct sample *before, const struct sample *now);

/* Scanners' CPU time between the two, in thousandths of one CPU; -1 where there is no before. */
long long top_cpu_permille(const struct sample *before, const struct sample *now);

/* The column with that key or letter; NULL if there is none. */
const struct top_column *top_column_by_key(const char *key);
const struct top_column *top_column_by_letter(int letter);

/* By a column: text upwards, numbers downwards, and the other way round if reverse. */
void top_sort(struct json_object *rows, const struct top_column *column, bool reverse);

/* The screen, at most view->lines lines of at most view->columns characters. */
void top_draw(FILE *out, const struct sample *now, struct json_object *rows, long long cpu_permille,
	      struct top_view *view);

#endif
