/* SPDX-License-Identifier: GPL-2.0 */
/*
 * 32-byte vectors (AVX2), where the processor has them and the kernel keeps
 * their state. Builds in user space too.
 */
#ifndef PSHARE_VECTOR_H
#define PSHARE_VECTOR_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <asm/fpu/api.h>
/* Kernel code is built without vector registers: the compiler keeps nothing in them. */
#define PSHARE_VECTORS_USED
#else
#include "user_types.h"
#define kernel_fpu_begin()	do { } while (0)
#define kernel_fpu_end()	do { } while (0)
#define PSHARE_VECTORS_USED \
	, "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7"
#endif

/* Set once, at load. */
extern bool pshare_has_vectors;

void pshare_vector_init(void);

/**
 * pshare_vector_begin() - vectors are about to be used
 *
 * In the kernel the calling thread cannot be preempted until
 * pshare_vector_end(): for a chunk or a batch at most. Sections do not nest.
 *
 * Context: task context.
 */
static inline void pshare_vector_begin(void)
{
	if (pshare_has_vectors)
		kernel_fpu_begin();
}

static inline void pshare_vector_end(void)
{
	if (pshare_has_vectors)
		kernel_fpu_end();
}

/* Between these two: copy a page. */
void pshare_vector_copy(void *to, const void *from);

#endif
