/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Comparison of whole pages: with 32-byte vectors where the processor has them
 * and the kernel uses them, else word by word. Builds in user space too.
 */
#ifndef PSHARE_COMPARE_H
#define PSHARE_COMPARE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include "user_types.h"
#endif

/*
 * Are two pages equal, is a page full of zeros? Between pshare_vector_begin()
 * and pshare_vector_end().
 */
bool pshare_compare_equal(const void *a, const void *b);
bool pshare_compare_zero(const void *page);

/* The same for a single comparison, outside of them. */
bool pshare_page_equal(const void *a, const void *b);
bool pshare_page_is_zero(const void *page);

/* Word by word, wherever it is called. */
bool pshare_words_equal(const void *a, const void *b);
bool pshare_words_zero(const void *page);

#endif
