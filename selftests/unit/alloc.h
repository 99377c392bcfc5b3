/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's allocations, counted, and failing when a test wants it. To be included before a
 * source file of the module.
 */
#ifndef PSHARE_ALLOC_H
#define PSHARE_ALLOC_H

#include "user_types.h"

/* What is allocated now, and how many allocations still succeed. */
static size_t alloc_bytes;
static unsigned int alloc_blocks, alloc_allowed = -1;

union alloc_header {
	size_t bytes;
	max_align_t align;
};

static inline void *alloc_zeroed(size_t n, size_t size)
{
	union alloc_header *header;

	if (!alloc_allowed)
		return NULL;
	alloc_allowed--;
	header = calloc(1, sizeof(*header) + n * size);
	if (!header)
		abort();
	header->bytes = n * size;
	alloc_bytes += n * size;
	alloc_blocks++;
	return header + 1;
}

static inline void alloc_free(void *block)
{
	union alloc_header *header;

	if (!block)
		return;
	header = (union alloc_header *)block - 1;
	alloc_bytes -= header->bytes;
	alloc_blocks--;
	free(header);
}

#undef __vmalloc
#undef vfree
#define __vmalloc(size, gfp)	alloc_zeroed(1, size)
#define vfree(block)		alloc_free(block)

#endif
