// SPDX-License-Identifier: GPL-2.0
/*
 * Fingerprint of a page. The hash is of the multiply-and-fold family (as
 * wyhash): each 16 bytes are keyed, multiplied to 128 bits and folded, with two
 * chains side by side so that a processor can overlap the multiplications.
 */
#include "fingerprint.h"

#ifdef __KERNEL__
#include <linux/kernel.h>
#include <linux/prefetch.h>
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

u64 pshare_fingerprint(const struct pshare_hasher *hasher, const void *page)
{
	u64 left = hasher->secret[1], right = hasher->secret[2];
	unsigned int i;

	for (i = 0; i < hasher->nr_lines; i++)
		hash_line(hasher, line_of(page, hasher->order[i]), &left, &right);
	return fold(left ^ hasher->secret[0], right ^ hasher->secret[3]);
}

u64 pshare_digest(const struct pshare_hasher *hasher, const void *page)
{
	u64 left = hasher->secret[3], right = hasher->secret[0];
	unsigned int i;

	for (i = 0; i < PSHARE_PAGE_LINES; i++)
		hash_line(hasher, line_of(page, i), &left, &right);
	return fold(left ^ hasher->secret[2], right ^ hasher->secret[1]);
}

void pshare_fingerprint_prefetch(const struct pshare_hasher *hasher, const void *page)
{
	unsigned int i;

	for (i = 0; i < hasher->nr_lines; i++)
		prefetch(line_of(page, hasher->order[i]));
}

u64 pshare_salt(const struct pshare_hasher *hasher, u32 domain, int node)
{
	u64 who = (u64)domain << 32 | (u32)node;

	return fold(who ^ hasher->secret[2], hasher->secret[3]) ^ fold(who, hasher->secret[0]);
}

/* Fisher-Yates shuffle, driven by the secret. */
static void draw_order(struct pshare_hasher *hasher)
{
	u64 state = hasher->secret[0] ^ hasher->secret[2];
	unsigned int i, j;
	u8 line;

	for (i = 0; i < PSHARE_PAGE_LINES; i++)
		hasher->order[i] = i;
	for (i = PSHARE_PAGE_LINES - 1; i; i--) {
		state = fold(state + 0x9e3779b97f4a7c15ULL, hasher->secret[1] ^ i);
		j = ((state >> 32) * (i + 1)) >> 32;
		line = hasher->order[i];
		hasher->order[i] = hasher->order[j];
		hasher->order[j] = line;
	}
}

void pshare_hasher_set_lines(struct pshare_hasher *hasher, unsigned int nr_lines)
{
	u64 left = hasher->secret[1], right = hasher->secret[2];
	static const u64 zeros[PSHARE_LINE_BYTES / sizeof(u64)];
	unsigned int i;

	hasher->nr_lines = nr_lines;
	for (i = 0; i < nr_lines; i++)
		hash_line(hasher, zeros, &left, &right);
	hasher->zero = fold(left ^ hasher->secret[0], right ^ hasher->secret[3]);
}

void pshare_hasher_init(struct pshare_hasher *hasher, const u64 secret[4],
			unsigned int nr_lines)
{
	unsigned int i;

	/* An odd secret is never zero, so that no factor can vanish for good. */
	for (i = 0; i < 4; i++)
		hasher->secret[i] = secret[i] | 1;
	draw_order(hasher);
	pshare_hasher_set_lines(hasher, nr_lines);
}
