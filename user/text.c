// SPDX-License-Identifier: GPL-2.0
/* Values to text that is safe and pleasant to read: pure functions, no state, no output. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "util.h"

/* Length of the UTF-8 sequence at text, 0 if there is none; the character in *code. */
static size_t utf8_decode(const char *text, uint32_t *code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *byte = (const unsigned char *)text;
	size_t len = *byte < 0x80 ? 1 : *byte < 0xc0 ? 0 : *byte < 0xe0 ? 2 :
		     *byte < 0xf0 ? 3 : *byte < 0xf8 ? 4 : 0;

	*code = len == 1 ? *byte : len ? *byte & (0x7f >> len) : 0;
	for (size_t i = 1; i < len; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (byte[i] & 0x3f);
	}
	if (len && (*code < smallest[len] || *code > 0x10ffff || (*code & ~0x7ffu) == 0xd800))
		return 0;
	return len;
}

/* Control characters, and those that turn the direction of writing or end a line. */
static bool steers_terminal(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
	       code == 0xfeff;
}

void text_escape(char *out, size_t size, const char *in)
{
	while (*in && size > 1) {
		uint32_t code;
		size_t len = utf8_decode(in, &code);
		char escaped[5];
		const char *from = in;

		if (len == 0 || steers_terminal(code) || code == '\\') {
			snprintf(escaped, sizeof(escaped), code == '\\' ? "\\\\" : "\\x%02x",
				 (unsigned char)*in);
			from = escaped;
			in++;
			len = strlen(escaped);
		} else {
			in += len;
		}
		if (len >= size)
			break;
		memcpy(out, from, len);
		out += len;
		size -= len;
	}
	*out = '\0';
}

char *text_to_utf8(const char *in)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char *copy = malloc(strlen(in) * strlen(replacement) + 1);
	char *out = copy;

	while (copy && *in) {
		uint32_t code;
		size_t len = utf8_decode(in, &code);

		if (len)
			out = mempcpy(out, in, len);
		else
			out = mempcpy(out, replacement, strlen(replacement));
		in += len ? len : 1;
	}
	if (copy)
		*out = '\0';
	return copy;
}

int text_width(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

void text_bytes(char *out, size_t size, long long bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned long long rest = bytes;
	const char *sign = bytes < 0 ? "-" : "";
	unsigned long long tenths;
	size_t unit = 0;

	if (bytes < 0)
		rest = -rest;
	if (rest < 1024) {
		snprintf(out, size, rest ? "%s%llu B" : "%s%llu", sign, rest);
		return;
	}
	/* MiB up to 10 GiB: what is compared stands in one unit. */
	while (unit + 1 < ARRAY_SIZE(units) &&
	       rest >= (unit ? 10240ull : 1024ull) * 1024) {
		rest >>= 10;
		unit++;
	}
	tenths = rest / 1024 * 10 + (rest % 1024 * 10 + 512) / 1024;
	snprintf(out, size, "%s%llu.%llu %s", sign, tenths / 10, tenths % 10,
		 units[unit]);
}

void text_bytes_short(char *out, size_t size, long long bytes)
{
	char text[BYTES_TEXT];
	char *unit;

	text_bytes(text, sizeof(text), bytes);
	unit = strchr(text, ' ');
	if (unit) {
		unit[0] = unit[1];
		unit[1] = '\0';
	}
	snprintf(out, size, "%s", text);
}

void text_number(char *out, size_t size, long long number, enum unit unit)
{
	switch (unit) {
	case UNIT_PAGES:
		text_bytes(out, size, (long long)((unsigned long long)number * PAGE_BYTES));
		break;
	case UNIT_BYTES:
		text_bytes(out, size, number);
		break;
	case UNIT_NS:
		snprintf(out, size, "%lld.%03d s", number / 1000000000,
			 (int)(number % 1000000000 / 1000000));
		break;
	case UNIT_MS:
		snprintf(out, size, "%lld ms", number);
		break;
	case UNIT_PERMILLE:
		snprintf(out, size, "%lld.%d%%", number / 10, (int)(number % 10));
		break;
	case UNIT_ADDRESS:
		snprintf(out, size, "0x%llx", (unsigned long long)number);
		break;
	case UNIT_NONE:
		snprintf(out, size, "%lld", number);
		break;
	}
}
