/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_PARSE_H
#define PSHARE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, the whole text, within min and max. */
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/* Index of text in a list of words that ends with NULL, -1 if it is none of them. */
int parse_word(const char *text, const char *const *words);

/* The value after the first '=' of KEY=VALUE, and the length of KEY; NULL if it is no such pair. */
const char *parse_pair(const char *text, size_t *key_len);

/* Field 22 of the text of /proc/PID/stat: start time of the process in clock ticks. */
bool parse_start_time(const char *stat, uint64_t *ticks);

/* How people name a VM or a process: all digits are a pid, all else is a name. */
struct target {
	uint32_t pid;		/* 0: go by name */
	const char *name;
};

/* False for what is neither a pid nor a name of allowed length. */
bool parse_target(const char *text, struct target *target);

#endif
