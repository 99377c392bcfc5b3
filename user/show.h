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

/* One line of a stream. */
int show_event(const struct ctx *ctx, struct json_object *event, const struct fields *set);

/* It is done and there is nothing to say: {} in JSON. */
int show_nothing(const struct ctx *ctx);

#endif
