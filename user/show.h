/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_SHOW_H
#define PSHARE_SHOW_H

#include "field.h"
#include "pshare.h"

/*
 * Each shows one document, as JSON if that is asked for and as text otherwise, puts it, and
 * returns an exit code: FAILED if it could not be written. Text shows the fields that keys
 * names (it ends with NULL; NULL is all fields), in that order; JSON has everything.
 */

/* A table, a row for each object of the array. */
int show_rows(const struct ctx *ctx, struct json_object *rows, const struct fields *set,
	      const char *const *keys);

/* A name and a value on each line. */
int show_record(const struct ctx *ctx, struct json_object *record, const struct fields *set,
		const char *const *keys);

/* A part of a document: the array of that key, as a table, or without a key its own numbers. */
struct show_part {
	const char *key;
	const struct fields *fields;
};

/* Several parts, the last has no fields; text has an empty line behind each table. */
int show_parts(const struct ctx *ctx, struct json_object *document, const struct show_part *parts);

/* One line of a stream. */
int show_event(const struct ctx *ctx, struct json_object *event, const struct fields *set);

/* It is done and there is nothing to say: {} in JSON. */
int show_nothing(const struct ctx *ctx);

#endif
