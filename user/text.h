/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_TEXT_H
#define PSHARE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* What a number counts, and so how people see it. */
enum unit {
	UNIT_NONE,		/* a plain number */
	UNIT_PAGES,		/* of 4096 bytes */
	UNIT_BYTES,
	UNIT_NS,
	UNIT_MS,
	UNIT_PERMILLE,
	UNIT_ADDRESS,
};

#define PAGE_BYTES	4096
#define BYTES_TEXT	24	/* room for text_bytes() */

/*
 * Names come from users and processes. What could steer a terminal, and what is not UTF-8, is
 * written as \xNN; the text is cut at a whole character if it does not fit.
 */
void text_escape(char *out, size_t size, const char *in);

/* A copy in which each byte that is not UTF-8 is U+FFFD; NULL if memory is short. */
char *text_to_utf8(const char *in);

/* Characters, as a terminal counts them, of escaped text. */
int text_width(const char *text);

/* "12.5 MiB" */
void text_bytes(char *out, size_t size, long long bytes);

/* "12.5M" */
void text_bytes_short(char *out, size_t size, long long bytes);

void text_number(char *out, size_t size, long long number, enum unit unit);

#endif
