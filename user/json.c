// SPDX-License-Identifier: GPL-2.0
/* json-c with the checks that every use needs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "field.h"

static void *need(void *pointer)
{
	if (!pointer) {
		fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
		exit(EXIT_FAILURE);
	}
	return pointer;
}

struct json_object *json_new(void)
{
	return need(json_object_new_object());
}

struct json_object *json_new_array(void)
{
	return need(json_object_new_array());
}

void json_set(struct json_object *object, const char *key, struct json_object *value)
{
	need(value);
	if (json_object_object_add(object, key, value))
		need(NULL);
}

void json_set_text(struct json_object *object, const char *key, const char *text)
{
	char *utf8 = need(text_to_utf8(text));

	json_set(object, key, json_object_new_string(utf8));
	free(utf8);
}

void json_set_number(struct json_object *object, const char *key, long long number)
{
	json_set(object, key, json_object_new_int64(number));
}

void json_append(struct json_object *array, struct json_object *value)
{
	need(value);
	if (json_object_array_add(array, value))
		need(NULL);
}

long long json_number(struct json_object *object, const char *key)
{
	return json_object_get_int64(json_object_object_get(object, key));
}

const char *json_text(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text ? text : "";
}
