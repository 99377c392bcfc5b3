/* SPDX-License-Identifier: GPL-2.0 */
/* A real terminal, which a test types into and reads. */
#ifndef PSHARE_TEST_TERMINAL_H
#define PSHARE_TEST_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#define SCREEN_SIZE	65536
#define TMUX		"tmux -u -L pshare -f /dev/null "

/* Keys are typed, and the screen is looked at, by programs that are started for it. */
#define TERMINAL_SECONDS	300
#define TERMINAL_TEST(fixture, name)	TEST_F_TIMEOUT(fixture, name, TERMINAL_SECONDS)

/* What the terminal showed when it was last looked at. */
extern char screen[SCREEN_SIZE];

/* Runs a shell command and reads its output; returns what pclose() does. */
int shell(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A shell in a terminal of 80 columns and 24 lines, with "ready:" as its prompt. */
bool open_terminal(const char *program);
void close_terminal(void);

/* Keys as tmux names them. */
void press(const char *keys);

/* Waits for a text. */
bool screen_shows(const char *text);

/* The number of the line that begins with a word, -1 if it is not there. */
int line_of(const char *word);

/* What the shell's terminal is set to. */
void terminal_mode(char *mode, size_t size);

#endif
