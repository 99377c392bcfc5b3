/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Index of candidates and frames by key (salted fingerprint).
 *
 * Candidates are 8-byte entries, eight to a cache line; one line is looked at
 * for each page. They are read and written without locks: an entry that is
 * lost or overwritten costs one missed match, never a wrong merge, because
 * whoever finds one looks at the page it names.
 *
 * Frames are chained by links that live in their struct page, under one of
 * a fixed set of spinlocks. Builds in user space too.
 */
#ifndef PSHARE_INDEX_H
#define PSHARE_INDEX_H

#ifdef __KERNEL__
#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/prefetch.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#else
#include "user_types.h"
#endif

#define PSHARE_BUCKET_ENTRIES	8
#define PSHARE_INDEX_LOCKS	256
#define PSHARE_CROWDED_BITS	(1UL << 20)

/* Layout of a candidate, from the top: VM slot, page number, tag. */
#define PSHARE_SLOT_BITS	16
#define PSHARE_PAGENR_BITS	35
#define PSHARE_TAG_BITS		13

/* Addresses above this do not fit a candidate. */
#define PSHARE_ADDR_LIMIT	(1ULL << (PSHARE_PAGENR_BITS + 12))

struct pshare_candidate {
	u64 addr;
	u32 slot;
};

/**
 * struct pshare_link - a frame's place in the index
 * @node: in the chain of its key; unhashed when @node.pprev is NULL
 * @unused: must stay NULL (the frame's page->mapping)
 * @info: domain and birth, see frame.c
 * @key: what it is found by
 *
 * In the kernel this overlays five words of struct page, from lru on.
 */
struct pshare_link {
	struct hlist_node node;
	void *unused;
	unsigned long info;
	unsigned long key;
};

/**
 * struct pshare_index - candidates and frames
 * @buckets: PSHARE_BUCKET_ENTRIES candidates each
 * @nr_buckets: number of them; any number
 * @used: one may hold something
 * @heads: chains of frames
 * @nr_heads: number of chains, a power of two
 * @nr_frames: frames in the chains
 * @locks: of the chains, by chain number
 * @live: slots of VMs that are registered; entries of others give way first
 * @crowded: keys whose fingerprint was found to be shared by different pages
 */
struct pshare_index {
	u64 *buckets;
	u32 nr_buckets;
	bool used;
	struct hlist_head *heads;
	u64 nr_heads;
	atomic64_t nr_frames;
	spinlock_t locks[PSHARE_INDEX_LOCKS];
	unsigned long live[BITS_TO_LONGS(1 << PSHARE_SLOT_BITS)];
	unsigned long *crowded;
};

/* Return: 0 or -ENOMEM, and then nothing is left behind. */
int pshare_index_init(struct pshare_index *index);
void pshare_index_free(struct pshare_index *index);

/* Bytes that the tables take. */
u64 pshare_index_bytes(const struct pshare_index *index);

/**
 * pshare_index_resize_candidates() - room for a number of candidates
 * @index: nobody else may use it during the call
 * @pages: candidates to make room for
 *
 * Entries are kept, as far as they fit.
 * Return: 0 or -ENOMEM (unchanged).
 */
int pshare_index_resize_candidates(struct pshare_index *index, u64 pages);

/* Would pshare_index_resize_candidates() change anything that matters? */
bool pshare_index_wants_resize(const struct pshare_index *index, u64 pages);

/* The same two for the chains of frames, by the number of frames in them. */
int pshare_index_resize_frames(struct pshare_index *index);
bool pshare_index_wants_frames(const struct pshare_index *index);

/* Forget every candidate (of any key). */
void pshare_index_forget(struct pshare_index *index);

/**
 * pshare_index_remember() - look for candidates and become one
 * @index: the index
 * @key: of the page
 * @self: where the page is
 * @known: set if the page was remembered under this key already
 * @found: gets up to PSHARE_BUCKET_ENTRIES others that may have the same key
 *
 * Context: any; the tables must not change their size, no other lock is needed.
 * Return: how many were found.
 */
unsigned int pshare_index_remember(struct pshare_index *index, u64 key,
				   struct pshare_candidate self, bool *known,
				   struct pshare_candidate *found);

/**
 * pshare_index_erase() - forget a candidate that was found to be stale
 * @index: the index
 * @key: that it was found by
 * @stale: as pshare_index_remember() gave it
 *
 * Context: as pshare_index_remember().
 */
void pshare_index_erase(struct pshare_index *index, u64 key, struct pshare_candidate stale);

/*
 * The bucket is the top of the key as a fraction of the table, so that the table can have any
 * size and entries find their place in a resized one. The tag is from the bottom of the key.
 */
static inline u64 *pshare_index_bucket(const struct pshare_index *index, u64 key)
{
	u64 nr = (key >> 32) * index->nr_buckets >> 32;

	return index->buckets + nr * PSHARE_BUCKET_ENTRIES;
}

/* Number of the chain of a key. */
static inline u64 pshare_index_chain(const struct pshare_index *index, u64 key)
{
	return (key >> PSHARE_TAG_BITS) & (index->nr_heads - 1);
}

/* May there be a frame of this key? Mostly there is none. */
static inline bool pshare_index_may_have(const struct pshare_index *index, u64 key)
{
	return READ_ONCE(index->heads[pshare_index_chain(index, key)].first);
}

/* Ask for the cache lines of a key ahead of its use. */
static inline void pshare_index_prefetch(const struct pshare_index *index, u64 key)
{
	prefetch(pshare_index_bucket(index, key));
	prefetch(&index->heads[pshare_index_chain(index, key)]);
}

/**
 * pshare_index_find() - the frame of a key
 * @index: the index
 * @key: of a page
 * @get: called under the chain's lock; takes a reference and says true, or
 *       false to go on looking
 * @data: for @get
 * Return: its link, or NULL.
 */
struct pshare_link *pshare_index_find(struct pshare_index *index, u64 key,
				      bool (*get)(struct pshare_link *link, void *data),
				      void *data);

/* Put a frame in; its link->key must be set. */
void pshare_index_insert(struct pshare_index *index, struct pshare_link *link);

/**
 * pshare_index_scan_chain() - look at each frame of one chain
 * @index: the index
 * @nr: number of the chain, below nr_heads
 * @take: called under the chain's lock; true to take the frame out
 * @data: for @take
 * @taken: gets the frames that were taken out
 */
void pshare_index_scan_chain(struct pshare_index *index, u64 nr,
			     bool (*take)(struct pshare_link *link, void *data),
			     void *data, struct hlist_head *taken);

/* A VM comes or goes: do its candidates count? */
void pshare_index_set_live(struct pshare_index *index, u32 slot, bool live);

/* Was a fingerprint of this key found to be shared by different pages? */
static inline bool pshare_index_is_crowded(const struct pshare_index *index, u64 key)
{
	return test_bit(key >> 24 & (PSHARE_CROWDED_BITS - 1), index->crowded);
}

void pshare_index_set_crowded(struct pshare_index *index, u64 key);

#endif
