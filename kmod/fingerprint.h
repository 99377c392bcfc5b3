/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Fingerprint of a page: a keyed hash of a few of its cache lines, at places
 * that a secret drawn at load decides, so that a guest cannot aim beside them.
 * Builds in user space too.
 */
#ifndef PSHARE_FINGERPRINT_H
#define PSHARE_FINGERPRINT_H

#ifdef __KERNEL__
#include <linux/prefetch.h>
#include <linux/types.h>
#else
#include "user_types.h"
#endif

#define PSHARE_PAGE_BYTES	4096
#define PSHARE_LINE_BYTES	64
#define PSHARE_PAGE_LINES	(PSHARE_PAGE_BYTES / PSHARE_LINE_BYTES)

/**
 * struct pshare_hasher - the secret and what follows from it
 * @key: of each word of the sample; never shown
 * @secret: what all else comes from; never shown
 * @line: where every line begins in a page, in bytes, in secret order; the first @nr_lines
 *        count
 * @nr_lines: cache lines read per fingerprint, 1 to PSHARE_PAGE_LINES
 * @zero: fingerprint of a page of zeros, without salt
 */
struct pshare_hasher {
	u64 key[PSHARE_PAGE_BYTES / sizeof(u64)];
	u64 secret[4];
	u16 line[PSHARE_PAGE_LINES];
	unsigned int nr_lines;
	u64 zero;
};

/**
 * pshare_hasher_init() - draw the sample from a secret
 * @hasher: filled
 * @secret: four random words
 * @nr_lines: cache lines per fingerprint, 1 to PSHARE_PAGE_LINES
 */
void pshare_hasher_init(struct pshare_hasher *hasher, const u64 secret[4],
			unsigned int nr_lines);

/* Another number of lines; the secret and the order stay. */
void pshare_hasher_set_lines(struct pshare_hasher *hasher, unsigned int nr_lines);

/* Hash of the sampled lines of a page, without salt. */
u64 pshare_fingerprint(const struct pshare_hasher *hasher, const void *page);

/* The same between pshare_vector_begin() and pshare_vector_end(). */
u64 pshare_fingerprint_within(const struct pshare_hasher *hasher, const void *page);

/* The same word by word, wherever it is called. */
u64 pshare_fingerprint_words(const struct pshare_hasher *hasher, const void *page);

/* Hash of the whole page, without salt; another value than the fingerprint. */
u64 pshare_digest(const struct pshare_hasher *hasher, const void *page);

/* Ask for the sampled lines ahead of pshare_fingerprint(). */
static inline void pshare_fingerprint_prefetch(const struct pshare_hasher *hasher,
					       const void *page)
{
	const u16 *line = hasher->line, *end = line + hasher->nr_lines;

	do {
		prefetch((const u8 *)page + *line);
	} while (++line < end);
}

/**
 * pshare_salt() - what keeps the keys of two sharing domains or nodes apart
 * @hasher: the secret
 * @domain: sharing domain
 * @node: NUMA node, or -1 where pages may be merged across nodes
 * Return: the salt, for pshare_key().
 */
u64 pshare_salt(const struct pshare_hasher *hasher, u32 domain, int node);

/* Key of a page in the index, from its hash and its salt. */
static inline u64 pshare_key(u64 hash, u64 salt)
{
	u64 key = (hash ^ salt) * 0x9e3779b97f4a7c15ULL;

	return key ^ key >> 32;
}

#endif
