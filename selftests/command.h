/* SPDX-License-Identifier: GPL-2.0 */
/* The installed command, run as a person or a program runs it. */
#ifndef PSHARE_TEST_COMMAND_H
#define PSHARE_TEST_COMMAND_H

#include <stdio.h>

#include <json-c/json.h>

#include "pshare_test.h"

#define EXIT_DONE		0
#define EXIT_FAILED		1
#define EXIT_WRONG_USAGE	2
#define EXIT_NOT_LOADED		3

/* One run of it. Zeroed before the first use; what a run left is let go by the next. */
struct run {
	pid_t pid;
	int code;			/* exit code, or 128 and the signal */
	char *out;
	char *err;
	struct json_object *json;	/* with -j: the document, of a stream the last; else NULL */
	int (*become)(void);		/* called in the child before the command, if given */
	FILE *out_file;
	FILE *err_file;
	char line[512];
};

/* Words are divided by single spaces. run_pshare() returns the exit code. */
int run_pshare(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
void run_begin(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
int run_end(struct run *run);

/* Waits until what it has written so far holds a text; false if it does not come. */
bool run_says(struct run *run, const char *text, unsigned int seconds);
void run_free(struct run *run);

/* The error is one line that begins with "pshare: " and has the text in it. */
bool run_explains(const struct run *run, const char *text);

/* Of a document; 0 and "" where there is none. */
long long number_of(struct json_object *object, const char *key);
const char *text_of(struct json_object *object, const char *key);
/* The object in an array whose key has that text; NULL if there is none. */
struct json_object *row_of(struct json_object *rows, const char *key, const char *text);

/*
 * Whether a text says what a document does: a record line by line, a table row by row in the
 * columns that are plain text or numbers. What is missing is told on stderr.
 */
bool record_agrees(const char *text, struct json_object *record);
bool table_agrees(const char *text, struct json_object *rows, const char *const *keys);

#endif
