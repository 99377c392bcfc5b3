// SPDX-License-Identifier: GPL-2.0
/*
 * Comparison of whole pages; see compare.h. Most pages that are compared are
 * equal to the end, so that what counts is how much one step looks at.
 */
#include "compare.h"
#include "fingerprint.h"
#include "vector.h"

/* The differences of 128 bytes at an offset, together in the first of four registers. */
#define DIFFERENCE(offset, r0, r1, r2, r3) \
	"vmovdqu 0x00+" #offset "(%[a],%[at]), %%" #r0 "\n\t" \
	"vmovdqu 0x20+" #offset "(%[a],%[at]), %%" #r1 "\n\t" \
	"vmovdqu 0x40+" #offset "(%[a],%[at]), %%" #r2 "\n\t" \
	"vmovdqu 0x60+" #offset "(%[a],%[at]), %%" #r3 "\n\t" \
	"vpxor 0x00+" #offset "(%[b],%[at]), %%" #r0 ", %%" #r0 "\n\t" \
	"vpxor 0x20+" #offset "(%[b],%[at]), %%" #r1 ", %%" #r1 "\n\t" \
	"vpxor 0x40+" #offset "(%[b],%[at]), %%" #r2 ", %%" #r2 "\n\t" \
	"vpxor 0x60+" #offset "(%[b],%[at]), %%" #r3 ", %%" #r3 "\n\t" \
	JOIN(r1, r0) JOIN(r3, r2) JOIN(r2, r0)

#define JOIN(from, to) \
	"vpor %%" #from ", %%" #to ", %%" #to "\n\t"

/* 1 KiB a step; the index rises to zero, so that it ends the loop, too. */
static bool vectors_equal(const void *a, const void *b)
{
	long at = -PSHARE_PAGE_BYTES;
	bool differ;

	asm volatile("1:\n\t"
		     DIFFERENCE(0x000, ymm0, ymm1, ymm2, ymm3)
		     DIFFERENCE(0x080, ymm4, ymm5, ymm6, ymm7) JOIN(ymm4, ymm0)
		     DIFFERENCE(0x100, ymm1, ymm2, ymm3, ymm5) JOIN(ymm1, ymm0)
		     DIFFERENCE(0x180, ymm4, ymm5, ymm6, ymm7) JOIN(ymm4, ymm0)
		     DIFFERENCE(0x200, ymm1, ymm2, ymm3, ymm5) JOIN(ymm1, ymm0)
		     DIFFERENCE(0x280, ymm4, ymm5, ymm6, ymm7) JOIN(ymm4, ymm0)
		     DIFFERENCE(0x300, ymm1, ymm2, ymm3, ymm5) JOIN(ymm1, ymm0)
		     DIFFERENCE(0x380, ymm4, ymm5, ymm6, ymm7) JOIN(ymm4, ymm0)
		     "vptest %%ymm0, %%ymm0\n\t"
		     "jnz 2f\n\t"
		     "add $0x400, %[at]\n\t"
		     "jnz 1b\n\t"
		     "2:\n\t"
		     "setnz %[differ]\n\t"
		     "vzeroupper"
		     : [at] "+r" (at), [differ] "=q" (differ)
		     : [a] "r" ((const char *)a + PSHARE_PAGE_BYTES),
		       [b] "r" ((const char *)b + PSHARE_PAGE_BYTES)
		     : "memory", "cc" PSHARE_VECTORS_USED);
	return !differ;
}

static bool vectors_zero(const void *page)
{
	long at = -PSHARE_PAGE_BYTES;
	bool differ;

	asm volatile("1:\n\t"
		     "vmovdqu 0x00(%[page],%[at]), %%ymm0\n\t"
		     "vmovdqu 0x20(%[page],%[at]), %%ymm1\n\t"
		     "vpor 0x40(%[page],%[at]), %%ymm0, %%ymm0\n\t"
		     "vpor 0x60(%[page],%[at]), %%ymm1, %%ymm1\n\t"
		     "vpor 0x80(%[page],%[at]), %%ymm0, %%ymm0\n\t"
		     "vpor 0xa0(%[page],%[at]), %%ymm1, %%ymm1\n\t"
		     "vpor 0xc0(%[page],%[at]), %%ymm0, %%ymm0\n\t"
		     "vpor 0xe0(%[page],%[at]), %%ymm1, %%ymm1\n\t"
		     "vpor %%ymm1, %%ymm0, %%ymm0\n\t"
		     "vptest %%ymm0, %%ymm0\n\t"
		     "jnz 2f\n\t"
		     "add $0x100, %[at]\n\t"
		     "jnz 1b\n\t"
		     "2:\n\t"
		     "setnz %[differ]\n\t"
		     "vzeroupper"
		     : [at] "+r" (at), [differ] "=q" (differ)
		     : [page] "r" ((const char *)page + PSHARE_PAGE_BYTES)
		     : "memory", "cc" PSHARE_VECTORS_USED);
	return !differ;
}

/* A cache line at a time: a branch for each word would cost more than the words. */
bool pshare_words_equal(const void *a, const void *b)
{
	const u64 *p = a, *q = b, *end = p + PSHARE_PAGE_BYTES / sizeof(u64);

	for (; p < end; p += 8, q += 8) {
		if ((p[0] ^ q[0]) | (p[1] ^ q[1]) | (p[2] ^ q[2]) | (p[3] ^ q[3]) |
		    (p[4] ^ q[4]) | (p[5] ^ q[5]) | (p[6] ^ q[6]) | (p[7] ^ q[7]))
			return false;
	}
	return true;
}

bool pshare_words_zero(const void *page)
{
	const u64 *p = page, *end = p + PSHARE_PAGE_BYTES / sizeof(u64);

	for (; p < end; p += 8) {
		if (p[0] | p[1] | p[2] | p[3] | p[4] | p[5] | p[6] | p[7])
			return false;
	}
	return true;
}

bool pshare_compare_equal(const void *a, const void *b)
{
	return pshare_has_vectors ? vectors_equal(a, b) : pshare_words_equal(a, b);
}

bool pshare_compare_zero(const void *page)
{
	return pshare_has_vectors ? vectors_zero(page) : pshare_words_zero(page);
}

bool pshare_page_equal(const void *a, const void *b)
{
	bool equal;

	pshare_vector_begin();
	equal = pshare_compare_equal(a, b);
	pshare_vector_end();
	return equal;
}

bool pshare_page_is_zero(const void *page)
{
	bool zero;

	pshare_vector_begin();
	zero = pshare_compare_zero(page);
	pshare_vector_end();
	return zero;
}
