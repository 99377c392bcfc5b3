/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_FIELD_H
#define PSHARE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "text.h"

/* How a field comes over the wire and becomes JSON. */
enum field_type {
	FIELD_LOCAL,		/* does not come over the wire: the command makes it up */
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_S64,
	FIELD_TEXT,
	FIELD_VALUE,		/* text that becomes an integer if it is one */
	FIELD_ENUM,		/* u32 that becomes a word */
	FIELD_FLAT,		/* nest whose fields join the parent's */
	FIELD_LIST,		/* nest that comes several times: an array */
	FIELD_ARRAY,		/* nest of nests: an array */
};

/*
 * One thing that is reported. Decoding, JSON and text all read this table, so a counter
 * is one line and its text and JSON can not differ.
 */
struct field {
	uint16_t attr;
	uint8_t type;
	uint8_t unit;
	bool quiet;			/* people see it only if it is not 0 */
	const char *key;		/* in JSON, and in front of a value */
	const char *heading;		/* of a column; NULL: the key in capitals */
	const char *const *words;	/* what a number means, ends with NULL */
	const struct fields *nest;
};

struct fields {
	const struct field *rows;
	size_t count;
};

#define FIELDS(table)	{ table, sizeof(table) / sizeof((table)[0]) }

/*
 * Adds to object what the attributes at data say. Returns 0, or -EBADMSG if they are not
 * well-formed. Attributes that are not in the table are passed over: the module may be newer.
 */
int fields_decode(const struct fields *set, const void *data, size_t len,
		  struct json_object *object);

/* The field of a key, also of flat nests; NULL if there is none. */
const struct field *fields_find(const struct fields *set, const char *key);

/* Shorthand for json-c that ends the program if memory is short. */
struct json_object *json_new(void);
struct json_object *json_new_array(void);
void json_set(struct json_object *object, const char *key, struct json_object *value);
void json_set_text(struct json_object *object, const char *key, const char *text);
void json_set_number(struct json_object *object, const char *key, long long number);
void json_append(struct json_object *array, struct json_object *value);

/* 0 and "" if the key is absent. */
long long json_number(struct json_object *object, const char *key);
const char *json_text(struct json_object *object, const char *key);

#endif
