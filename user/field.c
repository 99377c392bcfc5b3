// SPDX-License-Identifier: GPL-2.0
/*
 * Netlink attributes to JSON objects, by table. No length that comes from the wire is
 * trusted: each is checked against what is left and against what its type needs.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netlink.h>

#include "field.h"
#include "parse.h"

/* One attribute, checked. */
struct attribute {
	uint16_t type;
	const void *data;
	size_t len;
};

/* Takes the first attribute off *data. Returns 0, or -EBADMSG. */
static int take_attribute(const char **data, size_t *left, struct attribute *attribute)
{
	struct nlattr header;
	size_t step;

	if (*left < sizeof(header))
		return -EBADMSG;
	memcpy(&header, *data, sizeof(header));
	if (header.nla_len < NLA_HDRLEN || header.nla_len > *left)
		return -EBADMSG;
	attribute->type = header.nla_type & NLA_TYPE_MASK;
	attribute->data = *data + NLA_HDRLEN;
	attribute->len = header.nla_len - NLA_HDRLEN;
	step = NLA_ALIGN(header.nla_len);
	if (step > *left)
		step = *left;
	*data += step;
	*left -= step;
	return 0;
}

static size_t number_size(uint8_t type)
{
	switch (type) {
	case FIELD_U8:
		return sizeof(uint8_t);
	case FIELD_U16:
		return sizeof(uint16_t);
	case FIELD_U32:
	case FIELD_ENUM:
		return sizeof(uint32_t);
	default:
		return sizeof(uint64_t);
	}
}

static int decode_number(const struct field *field, const struct attribute *attribute,
			 struct json_object *object)
{
	uint64_t number = 0;
	uint32_t small;
	uint16_t smaller;

	if (attribute->len != number_size(field->type))
		return -EBADMSG;
	switch (attribute->len) {
	case sizeof(uint8_t):
		number = *(const uint8_t *)attribute->data;
		break;
	case sizeof(uint16_t):
		memcpy(&smaller, attribute->data, sizeof(smaller));
		number = smaller;
		break;
	case sizeof(uint32_t):
		memcpy(&small, attribute->data, sizeof(small));
		number = small;
		break;
	default:
		memcpy(&number, attribute->data, sizeof(number));
	}
	json_set(object, field->key, field->type == FIELD_S64 ?
		 json_object_new_int64((int64_t)number) : json_object_new_uint64(number));
	return 0;
}

static int decode_enum(const struct field *field, const struct attribute *attribute,
		       struct json_object *object)
{
	uint32_t value, i;
	char number[24];

	if (attribute->len != sizeof(value))
		return -EBADMSG;
	memcpy(&value, attribute->data, sizeof(value));
	for (i = 0; i < value && field->words[i]; i++)
		;
	snprintf(number, sizeof(number), "unknown (%u)", value);
	json_set_text(object, field->key, field->words[i] ? field->words[i] : number);
	return 0;
}

static int decode_text(const struct field *field, const struct attribute *attribute,
		       struct json_object *object)
{
	const char *text = attribute->data;
	uint64_t number;

	if (attribute->len == 0 || memchr(text, '\0', attribute->len) != text + attribute->len - 1)
		return -EBADMSG;
	if (field->type == FIELD_VALUE && parse_number(text, 0, UINT64_MAX, &number))
		json_set(object, field->key, json_object_new_uint64(number));
	else
		json_set_text(object, field->key, text);
	return 0;
}

/* A nest that adds one element to the array. */
static int decode_element(const struct field *field, const struct attribute *attribute,
			  struct json_object *array)
{
	struct json_object *element = json_new();

	json_append(array, element);
	return fields_decode(field->nest, attribute->data, attribute->len, element);
}

static int decode_list(const struct field *field, const struct attribute *attribute,
		       struct json_object *object)
{
	struct json_object *array = json_object_object_get(object, field->key);
	const char *data = attribute->data;
	size_t left = attribute->len;
	struct attribute element;
	int err = 0;

	if (!array) {
		array = json_new_array();
		json_set(object, field->key, array);
	}
	if (field->type == FIELD_LIST)
		return decode_element(field, attribute, array);
	while (left && !err) {
		err = take_attribute(&data, &left, &element);
		if (!err)
			err = decode_element(field, &element, array);
	}
	return err;
}

static int decode_field(const struct field *field, const struct attribute *attribute,
			struct json_object *object)
{
	switch (field->type) {
	case FIELD_TEXT:
	case FIELD_VALUE:
		return decode_text(field, attribute, object);
	case FIELD_ENUM:
		return decode_enum(field, attribute, object);
	case FIELD_FLAT:
		return fields_decode(field->nest, attribute->data, attribute->len, object);
	case FIELD_LIST:
	case FIELD_ARRAY:
		return decode_list(field, attribute, object);
	default:
		return decode_number(field, attribute, object);
	}
}

int fields_decode(const struct fields *set, const void *data, size_t len,
		  struct json_object *object)
{
	struct attribute attribute;
	const char *at = data;
	int err = 0;

	while (len && !err) {
		err = take_attribute(&at, &len, &attribute);
		for (size_t i = 0; !err && i < set->count; i++) {
			const struct field *field = &set->rows[i];

			if (field->type != FIELD_LOCAL && field->attr == attribute.type)
				err = decode_field(field, &attribute, object);
		}
	}
	return err;
}

const struct field *fields_find(const struct fields *set, const char *key)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct field *field = &set->rows[i];

		if (field->type == FIELD_FLAT)
			field = fields_find(field->nest, key);
		else if (strcmp(field->key, key))
			field = NULL;
		if (field)
			return field;
	}
	return NULL;
}
