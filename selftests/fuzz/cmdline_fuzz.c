// SPDX-License-Identifier: GPL-2.0
/*
 * Any command line: words divided by newlines, up to the request that would be sent. There is no
 * module, no virtual machine, and no process whose memory may be read.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/* Not a second one. */
int pshare_main(int argc, char **argv);
#define main pshare_main
#include "../../user/main.c"
#undef main

#include "memory.h"
#include "process.h"

#define MOST_WORDS	32

/* The module that is not there. */

static const struct nl_error error = { .code = ENOENT, .not_loaded = true };

/* What a request is filled with is read to its end. */
static volatile unsigned char sink;

struct nl *nl_new(void)
{
	return malloc(1);
}

void nl_free(struct nl *nl)
{
	free(nl);
}

void nl_begin(struct nl *nl, uint8_t cmd)
{
	(void)nl;
	(void)cmd;
}

void nl_put(struct nl *nl, uint16_t attr, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	(void)nl;
	(void)attr;
	for (size_t i = 0; i < len; i++)
		sink ^= bytes[i];
}

struct nlattr *nl_nest(struct nl *nl, uint16_t attr)
{
	(void)nl;
	(void)attr;
	return NULL;
}

void nl_nest_end(struct nl *nl, struct nlattr *nest)
{
	(void)nl;
	(void)nest;
}

int nl_do(struct nl *nl, const struct fields *set, struct json_object *object)
{
	(void)nl;
	(void)set;
	(void)object;
	return -ENOENT;
}

int nl_dump(struct nl *nl, const struct fields *set, struct json_object **rows)
{
	(void)nl;
	(void)set;
	(void)rows;
	return -ENOENT;
}

int nl_subscribe(struct nl *nl)
{
	(void)nl;
	return -ENOENT;
}

int nl_fd(const struct nl *nl)
{
	(void)nl;
	return -1;
}

int nl_events(struct nl *nl, struct json_object *events)
{
	(void)nl;
	(void)events;
	return -ENOENT;
}

const struct nl_error *nl_error(const struct nl *nl)
{
	(void)nl;
	return &error;
}

/* The processes that are not there. */

int process_read(pid_t pid, struct process *process)
{
	(void)pid;
	(void)process;
	return -ENOENT;
}

int process_each(void (*found)(pid_t pid, void *data), void *data)
{
	(void)found;
	(void)data;
	return 0;
}

int memory_open(pid_t pid, struct memory **memory)
{
	(void)pid;
	(void)memory;
	return -ESRCH;
}

void memory_close(struct memory *memory)
{
	(void)memory;
}

uint64_t memory_pages(const struct memory *memory)
{
	(void)memory;
	return 0;
}

int memory_each(struct memory *memory, memory_page_fn page, void *data)
{
	(void)memory;
	(void)page;
	(void)data;
	return 0;
}

bool memory_is_zero(const void *page)
{
	(void)page;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text, *word;
	struct ctx ctx = { .nl = nl_new() };
	char *argv[MOST_WORDS + 1] = { NULL };
	int argc = 0, code;

	memcpy(text, data, size);
	text[size] = '\0';
	while (argc < MOST_WORDS && (word = strsep(&rest, "\n")))
		argv[argc++] = word;
	code = run(&ctx, argc, argv);
	if (code < DONE || code > NOT_LOADED)
		abort();
	nl_free(ctx.nl);
	free(text);
	return 0;
}
