/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_TERM_H
#define PSHARE_TERM_H

#include <stdbool.h>
#include <stddef.h>

/* Keys that are no character. */
enum {
	KEY_UP = 256,
	KEY_DOWN,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_HOME,
	KEY_END,
};

/* Whether a person sits at both ends, at a terminal that can be drawn on. */
bool term_usable(void);

/*
 * Takes the terminal: keys come at once and unseen, and there is an empty screen to draw on.
 * It is given back by term_leave(), and at exit(). Returns 0 or -errno.
 */
int term_enter(void);

/* Harmless if the terminal was not taken. */
void term_leave(void);

void term_size(int *columns, int *rows);

/* The keys that were pressed; how many, 0 if none, -1 if the terminal is gone. */
int term_keys(int *keys, size_t max);

/* What a read brought, as keys: escape sequences become one each. */
int term_decode(const char *bytes, size_t len, int *keys, size_t max);

/* One screen, lines divided by newlines, over the one before. False if it cannot be written. */
bool term_draw(const char *lines);

#endif
