// SPDX-License-Identifier: GPL-2.0
/* The installed command, run as a person or a program runs it. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "command.h"

#define PROGRAM		"/usr/sbin/pshare"
#define MAX_WORDS	40

static char *read_all(FILE *file)
{
	long length;
	char *text;

	fseek(file, 0, SEEK_END);
	length = ftell(file);
	rewind(file);
	text = calloc(1, length + 1);
	if (text && fread(text, 1, length, file) != (size_t)length)
		*text = 0;
	return text;
}

void run_free(struct run *run)
{
	free(run->out);
	free(run->err);
	json_object_put(run->json);
	run->out = NULL;
	run->err = NULL;
	run->json = NULL;
}

static void start(struct run *run)
{
	char line[sizeof(run->line)], *words[MAX_WORDS + 1] = { (char *)"pshare" }, *rest = line;
	int count = 1;

	strcpy(line, run->line);
	while (rest && *rest && count < MAX_WORDS)
		words[count++] = strsep(&rest, " ");
	dup2(fileno(run->out_file), STDOUT_FILENO);
	dup2(fileno(run->err_file), STDERR_FILENO);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (run->become && run->become())
		_exit(126);
	execv(PROGRAM, words);
	_exit(127);
}

static void begin(struct run *run, const char *format, va_list args)
{
	run_free(run);
	vsnprintf(run->line, sizeof(run->line), format, args);
	run->out_file = tmpfile();
	run->err_file = tmpfile();
	if (!run->out_file || !run->err_file)
		abort();
	run->pid = fork();
	if (!run->pid)
		start(run);
}

void run_begin(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	begin(run, format, args);
	va_end(args);
}

static bool asks_for_json(const struct run *run)
{
	return !strncmp(run->line, "-j", 2) || strstr(run->line, " -j") ||
	       strstr(run->line, "--json");
}

/*
 * Each document goes out as "#json COMMAND DOCUMENT": scripts/check holds it against its schema.
 * In one piece, because tests share the output with their parent.
 */
static void take_json(struct run *run)
{
	char *copy = strdup(run->out), *rest = copy, *document;

	while (copy && (document = strsep(&rest, "\n"))) {
		if (!*document)
			continue;
		json_object_put(run->json);
		run->json = json_tokener_parse(document);
		fflush(stdout);
		dprintf(STDOUT_FILENO, "#json %s\t%s\n", run->line, document);
	}
	free(copy);
}

int run_end(struct run *run)
{
	int status = 0;

	waitpid(run->pid, &status, 0);
	run->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	run->out = read_all(run->out_file);
	run->err = read_all(run->err_file);
	fclose(run->out_file);
	fclose(run->err_file);
	if (asks_for_json(run))
		take_json(run);
	return run->code;
}

int run_pshare(struct run *run, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	begin(run, format, args);
	va_end(args);
	return run_end(run);
}

/* Its offset is the command's, too: only pread() leaves it alone. */
static bool has_said(struct run *run, const char *text)
{
	int fd = fileno(run->out_file);
	bool found = false;
	struct stat stat;
	char *so_far;

	if (fstat(fd, &stat))
		return false;
	so_far = calloc(1, stat.st_size + 1);
	if (so_far && pread(fd, so_far, stat.st_size, 0) > 0)
		found = strstr(so_far, text);
	free(so_far);
	return found;
}

bool run_says(struct run *run, const char *text, unsigned int seconds)
{
	double end = deadline(seconds);
	bool found;

	while (!(found = has_said(run, text)) && now() < end)
		pause_ms(20);
	return found;
}

bool run_explains(const struct run *run, const char *text)
{
	const char *end = strchr(run->err, '\n');

	if (end && !end[1] && !strncmp(run->err, "pshare: ", 8) && strstr(run->err, text))
		return true;
	fprintf(stderr, "# pshare %s: no \"%s\" in one line of error: \"%s\"\n", run->line, text,
		run->err);
	return false;
}

long long number_of(struct json_object *object, const char *key)
{
	return json_object_get_int64(json_object_object_get(object, key));
}

const char *text_of(struct json_object *object, const char *key)
{
	return json_object_get_string(json_object_object_get(object, key)) ?: "";
}

struct json_object *row_of(struct json_object *rows, const char *key, const char *text)
{
	size_t i, count = json_object_is_type(rows, json_type_array) ?
			  json_object_array_length(rows) : 0;

	for (i = 0; i < count; i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (!strcmp(text_of(row, key), text))
			return row;
	}
	return NULL;
}

/* "key  value" or "key  12.0 MiB (3072 pages)": what the document has is a word of the line. */
static bool line_agrees(const char *line, struct json_object *record)
{
	char key[64] = "", pages[64];
	const char *value;

	sscanf(line, "%63s", key);
	value = json_object_get_string(json_object_object_get(record, key));
	if (!value) {
		fprintf(stderr, "# only the text has: %s\n", line);
		return false;
	}
	snprintf(pages, sizeof(pages), "(%s page", value);
	line += strlen(key) + strspn(line + strlen(key), " ");
	if (!strncmp(line, value, strlen(value)) || strstr(line, pages))
		return true;
	/* Bytes and times are rounded for people. */
	if (strstr(key, "bytes") || strstr(key, "profit") || strstr(key, "_ns"))
		return true;
	fprintf(stderr, "# %s is %s in JSON and \"%s\" in the text\n", key, value, line);
	return false;
}

bool record_agrees(const char *text, struct json_object *record)
{
	char *copy = strdup(text), *rest = copy, *line;
	bool good = record && *text;

	while (good && (line = strsep(&rest, "\n")))
		if (*line)
			good = line_agrees(line, record);
	free(copy);
	return good;
}

static bool row_agrees(const char *line, struct json_object *row, const char *const *keys)
{
	for (; *keys; keys++) {
		const char *value = text_of(row, *keys);

		line = strstr(line, *value ? value : "-");
		if (!line) {
			fprintf(stderr, "# the text lacks %s %s\n", *keys, value);
			return false;
		}
		line += strlen(value);
	}
	return true;
}

bool table_agrees(const char *text, struct json_object *rows, const char *const *keys)
{
	char *copy = strdup(text), *rest = copy, *line;
	size_t n = 0, count = rows ? json_object_array_length(rows) : 0;
	bool good = rows;

	strsep(&rest, "\n");
	while (good && (line = strsep(&rest, "\n")) && *line) {
		good = n < count && row_agrees(line, json_object_array_get_idx(rows, n), keys);
		n++;
	}
	if (n != count)
		fprintf(stderr, "# %zu rows in the text, %zu in JSON\n", n, count);
	free(copy);
	return good && n == count;
}
