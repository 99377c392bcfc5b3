/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_MEMORY_H
#define PSHARE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The memory of a process that pshare could share, read from outside and left as it is. */
struct memory;

/* Returns 0; -ESRCH if there is no such process; -ENOEXEC if it has no memory; or -errno. */
int memory_open(pid_t pid, struct memory **memory);
void memory_close(struct memory *memory);

/* Pages that are resident in what can be shared. */
uint64_t memory_pages(const struct memory *memory);

/*
 * Calls back for each page with its content; with NULL, and no content, for each that is passed
 * over. Returns 0 or -errno; -ESRCH if the process ended on the way.
 */
typedef void (*memory_page_fn)(const void *page, void *data);
int memory_each(struct memory *memory, memory_page_fn page, void *data);

bool memory_is_zero(const void *page);

/* One line of smaps that begins an area: whether it does, and the area. */
struct area {
	uint64_t start, end;
	uint64_t rss_bytes;
	bool private;		/* anonymous and private, as far as the first line tells */
	bool mergeable;		/* and by its flags, too */
};

bool area_begin(const char *line, struct area *area);
/* Another line of the area. */
void area_go_on(const char *line, struct area *area);

#endif
