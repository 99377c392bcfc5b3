// SPDX-License-Identifier: GPL-2.0
/*
 * Fingerprint of a page: NH (of UMAC, RFC 4418): the halves of each word are
 * keyed and multiplied, and the products added up. Two pages that differ in the
 * sample have the same sum with a probability of 2^-32 at most, over the keys.
 *
 * The digest is of the multiply-and-fold family (as wyhash): each 16 bytes are
 * keyed, multiplied to 128 bits and folded, with two chains side by side so that
 * a processor can overlap the multiplications.
 */
#include "fingerprint.h"
#include "vector.h"

#ifdef __KERNEL__
#include <linux/kernel.h>
#endif

static inline u64 fold(u64 a, u64 b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (u64)product ^ (u64)(product >> 64);
}

static inline void hash_line(const struct pshare_hasher *hasher, const u64 *line,
			     u64 *left, u64 *right)
{
	*left = fold(line[0] ^ hasher->secret[0], line[1] ^ *left);
	*right = fold(line[2] ^ hasher->secret[1], line[3] ^ *right);
	*left = fold(line[4] ^ hasher->secret[2], line[5] ^ *left);
	*right = fold(line[6] ^ hasher->secret[3], line[7] ^ *right);
}

static inline const u64 *line_of(const void *page, unsigned int nr)
{
	return (const u64 *)((const u8 *)page + nr * PSHARE_LINE_BYTES);
}

/* Both sums of the words, each of which has been through its key. */
static inline u64 finish(const struct pshare_hasher *hasher, u64 left, u64 right)
{
	return fold(left ^ hasher->secret[0], right ^ hasher->secret[3]);
}

static inline u64 multiply_halves(u64 word, u64 key)
{
	return (u64)((u32)word + (u32)key) * (u32)((word >> 32) + (key >> 32));
}

u64 pshare_fingerprint_words(const struct pshare_hasher *hasher, const void *page)
{
	const u64 *key = hasher->key;
	u64 left = 0, right = 0;
	unsigned int i, w;

	for (i = 0; i < hasher->nr_lines; i++) {
		const u64 *line = (const u64 *)((const u8 *)page + hasher->line[i]);

		for (w = 0; w < PSHARE_LINE_BYTES / sizeof(u64); w += 2) {
			left += multiply_halves(line[w], *key++);
			right += multiply_halves(line[w + 1], *key++);
		}
	}
	return finish(hasher, left, right);
}

static u64 fingerprint_vectors(const struct pshare_hasher *hasher, const void *page)
{
	const u16 *next = hasher->line, *end = next + hasher->nr_lines;
	const u64 *key = hasher->key;
	u64 left, right, line;

	asm volatile("vpxor %%ymm4, %%ymm4, %%ymm4\n\t"
		     "vpxor %%ymm5, %%ymm5, %%ymm5\n\t"
		     "1:\n\t"
		     "movzwl (%[next]), %k[line]\n\t"
		     "vmovdqu 0x00(%[page],%[line]), %%ymm0\n\t"
		     "vmovdqu 0x20(%[page],%[line]), %%ymm1\n\t"
		     "vpaddd 0x00(%[key]), %%ymm0, %%ymm0\n\t"
		     "vpaddd 0x20(%[key]), %%ymm1, %%ymm1\n\t"
		     "vpsrlq $32, %%ymm0, %%ymm2\n\t"
		     "vpsrlq $32, %%ymm1, %%ymm3\n\t"
		     "vpmuludq %%ymm2, %%ymm0, %%ymm0\n\t"
		     "vpmuludq %%ymm3, %%ymm1, %%ymm1\n\t"
		     "vpaddq %%ymm0, %%ymm4, %%ymm4\n\t"
		     "vpaddq %%ymm1, %%ymm5, %%ymm5\n\t"
		     "add $0x40, %[key]\n\t"
		     "add $2, %[next]\n\t"
		     "cmp %[end], %[next]\n\t"
		     "jne 1b\n\t"
		     "vpaddq %%ymm5, %%ymm4, %%ymm4\n\t"
		     "vextracti128 $1, %%ymm4, %%xmm5\n\t"
		     "vpaddq %%xmm5, %%xmm4, %%xmm4\n\t"
		     "vmovq %%xmm4, %[left]\n\t"
		     "vpextrq $1, %%xmm4, %[right]\n\t"
		     "vzeroupper"
		     : [next] "+&r" (next), [key] "+&r" (key), [line] "=&r" (line),
		       [left] "=r" (left), [right] "=r" (right)
		     : [page] "r" (page), [end] "r" (end)
		     : "memory", "cc" PSHARE_VECTORS_USED);
	return finish(hasher, left, right);
}

u64 pshare_fingerprint_within(const struct pshare_hasher *hasher, const void *page)
{
	return pshare_has_vectors ? fingerprint_vectors(hasher, page) :
				    pshare_fingerprint_words(hasher, page);
}

u64 pshare_fingerprint(const struct pshare_hasher *hasher, const void *page)
{
	u64 hash;

	pshare_vector_begin();
	hash = pshare_fingerprint_within(hasher, page);
	pshare_vector_end();
	return hash;
}

u64 pshare_digest(const struct pshare_hasher *hasher, const void *page)
{
	u64 left = hasher->secret[3], right = hasher->secret[0];
	unsigned int i;

	for (i = 0; i < PSHARE_PAGE_LINES; i++)
		hash_line(hasher, line_of(page, i), &left, &right);
	return fold(left ^ hasher->secret[2], right ^ hasher->secret[1]);
}

u64 pshare_salt(const struct pshare_hasher *hasher, u32 domain, int node)
{
	u64 who = (u64)domain << 32 | (u32)node;

	return fold(who ^ hasher->secret[2], hasher->secret[3]) ^ fold(who, hasher->secret[0]);
}

/* Fisher-Yates shuffle, driven by the secret. */
static void draw_lines(struct pshare_hasher *hasher)
{
	u64 state = hasher->secret[0] ^ hasher->secret[2];
	unsigned int i, j;
	u16 line;

	for (i = 0; i < PSHARE_PAGE_LINES; i++)
		hasher->line[i] = i * PSHARE_LINE_BYTES;
	for (i = PSHARE_PAGE_LINES - 1; i; i--) {
		state = fold(state + 0x9e3779b97f4a7c15ULL, hasher->secret[1] ^ i);
		j = ((state >> 32) * (i + 1)) >> 32;
		line = hasher->line[i];
		hasher->line[i] = hasher->line[j];
		hasher->line[j] = line;
	}
}

/* A key for each word of the sample. */
static void draw_keys(struct pshare_hasher *hasher)
{
	u64 state = hasher->secret[1] ^ hasher->secret[3];
	unsigned int i;

	for (i = 0; i < PSHARE_PAGE_BYTES / sizeof(u64); i++) {
		state = fold(state + 0x9e3779b97f4a7c15ULL, hasher->secret[2] ^ i);
		hasher->key[i] = state;
	}
}

void pshare_hasher_set_lines(struct pshare_hasher *hasher, unsigned int nr_lines)
{
	u64 left = 0, right = 0;
	unsigned int i;

	hasher->nr_lines = nr_lines;
	for (i = 0; i < nr_lines * PSHARE_LINE_BYTES / sizeof(u64); i += 2) {
		left += multiply_halves(0, hasher->key[i]);
		right += multiply_halves(0, hasher->key[i + 1]);
	}
	hasher->zero = finish(hasher, left, right);
}

void pshare_hasher_init(struct pshare_hasher *hasher, const u64 secret[4],
			unsigned int nr_lines)
{
	unsigned int i;

	/* An odd secret is never zero, so that no factor can vanish for good. */
	for (i = 0; i < 4; i++)
		hasher->secret[i] = secret[i] | 1;
	draw_lines(hasher);
	draw_keys(hasher);
	pshare_hasher_set_lines(hasher, nr_lines);
}
