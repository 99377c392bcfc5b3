// SPDX-License-Identifier: GPL-2.0
/* Text from the command line and /proc to values: pure functions, no state, no output. */
#include <string.h>

#include <linux/pshare.h>

#include "parse.h"

#define PID_LIMIT	INT32_MAX

bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t number = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, *text - '0', &number))
			return false;
	}
	if (number < min || number > max)
		return false;
	*value = number;
	return true;
}

int parse_word(const char *text, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(text, words[i]))
			return i;
	return -1;
}

const char *parse_pair(const char *text, size_t *key_len)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text || !equals[1])
		return NULL;
	*key_len = equals - text;
	return equals + 1;
}

bool parse_start_time(const char *stat, uint64_t *ticks)
{
	/* The command name, field 2, may hold anything, also ") ": it ends at the last one. */
	const char *at = strrchr(stat, ')');
	char number[24];
	size_t len;

	for (int field = 2; at && field < 22; field++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	if (!at)
		return false;
	len = strcspn(at, "\n ");
	if (len >= sizeof(number))
		return false;
	memcpy(number, at, len);
	number[len] = '\0';
	return parse_number(number, 0, UINT64_MAX, ticks);
}

bool parse_target(const char *text, struct target *target)
{
	size_t len = strlen(text);
	uint64_t pid;

	target->pid = 0;
	target->name = text;
	if (strspn(text, "0123456789") < len)
		return len <= PSHARE_NAME_LEN;
	if (!parse_number(text, 1, PID_LIMIT, &pid))
		return false;
	target->pid = pid;
	target->name = NULL;
	return true;
}
