/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Frames: shared physical pages that belong to the module.
 *
 * Life of a frame: taken from a pool, filled with a copy of a page, keyed by
 * its own content and put into the index (one reference, the module's). Each
 * mapping holds a reference and a map count. When its last mapping is gone a
 * sweep or a count of sharing takes it out of the index and drops the module's
 * reference. At unload every frame is taken out and the reference dropped: those
 * that are mapped live on as pages like any other, until their last mapping goes.
 *
 * struct page of a frame: mapping NULL, not anonymous, not on the LRU; lru,
 * index and private hold struct pshare_link.
 */
#ifndef PSHARE_FRAME_H
#define PSHARE_FRAME_H

#include <linux/mm.h>

#include "index.h"

#define PSHARE_POOL_PAGES	64

/**
 * struct pshare_pool - unmapped pages that a scanner thread makes frames of
 * @nid: the node they are on, or NUMA_NO_NODE
 * @nr: how many there are
 * @pages: the pages; nobody else has a reference
 */
struct pshare_pool {
	int nid;
	unsigned int nr;
	struct page *pages[PSHARE_POOL_PAGES];
};

/**
 * pshare_pool_fill() - have at least one page
 * @pool: private to the caller
 * @gfp: GFP_KERNEL, or GFP_NOWAIT where a lock of the VM is held
 *
 * Takes pages in blocks, so that frames lie together. Context: as @gfp says.
 * Return: false when there is no memory (never wakes the OOM killer).
 */
bool pshare_pool_fill(struct pshare_pool *pool, gfp_t gfp);
void pshare_pool_drain(struct pshare_pool *pool);

/* What tells whether a frame may be used for a page. */
struct pshare_sharer {
	u32 domain;
	int nid;	/* NUMA_NO_NODE where any will do */
	u64 salt;
};

/**
 * pshare_frame_new() - make a frame of a page's content
 * @pool: not empty
 * @source: the page; the caller holds a reference
 * @sharer: domain and node
 * @key: what the content was found to be; crowded keys are full digests
 *
 * Context: pshare_store_sem held for read; takes a leaf spinlock.
 * Return: the frame, in the index, with a reference for the caller; NULL if the
 * page changes under the hand (@pool is as it was then).
 */
struct page *pshare_frame_new(struct pshare_pool *pool, struct page *source,
			      const struct pshare_sharer *sharer, u64 key);

/**
 * pshare_frame_find() - the frame with a key
 * @key: of a page
 * @sharer: its domain and node; a frame of another one is not found
 *
 * Context: any, pshare_store_sem held for read; takes a leaf spinlock.
 * Return: the frame with a reference for the caller, or NULL.
 */
struct page *pshare_frame_find(u64 key, const struct pshare_sharer *sharer);

/**
 * pshare_frame_key() - key of a page's content as it is now
 * @addr: its content
 * @salt: of the sharer
 *
 * The full digest where the fingerprint is known to be shared by different
 * pages.
 *
 * Context: any, pshare_store_sem held.
 * Return: the key.
 */
u64 pshare_frame_key(const void *addr, u64 salt);

/**
 * pshare_frame_collides() - do different contents have one fingerprint?
 * @frame: a frame with a reference
 * @content: of a page that was proposed for it and is not equal
 *
 * If so it is remembered, and pages of that fingerprint are keyed by their
 * whole digest from now on.
 *
 * Context: any, pshare_store_sem held.
 * Return: true if so; false if the page just changed.
 */
bool pshare_frame_collides(struct page *frame, const void *content);

/* Another key after the hasher changed; pshare_store_sem held for write. */
void pshare_frame_rekey(struct pshare_link *link);

/* Is a page of a private anonymous area a frame of this load of the module? */
bool pshare_frame_is_ours(struct page *page);

/* Is it a frame that an earlier load of the module left behind? */
bool pshare_frame_is_leftover(struct page *page);

/* The sharing domain of a frame, of this load of the module or an earlier one. */
u32 pshare_frame_domain(struct page *page);

/**
 * pshare_frame_renew() - a frame has got a sharer: it is young again
 *
 * A frame with one mapping is given back only when it has waited in vain for whole
 * passes. Otherwise two sharers, visited in turn, could each give back what the
 * other has just come to. Context: any.
 */
void pshare_frame_renew(struct page *page);

/* Has a frame waited for a sharer for at least one whole pass? */
bool pshare_frame_is_old(struct page *page);

/* Is max_frames reached? Tells of it once, until the number falls again. */
bool pshare_frame_limit(void);

/**
 * pshare_frame_sweep() - take back frames that nobody maps
 * @part: one in so many chains is looked at, going on where the last call
 *        ended; 1 for all
 *
 * Context: may sleep; takes pshare_store_sem for read.
 */
void pshare_frame_sweep(unsigned int part);

/**
 * pshare_frame_count() - count sharing from the map counts of all frames
 * @shared: gets the number of mapped frames
 * @sharing: gets the number of mappings beyond the first of each
 *
 * Takes back frames that nobody maps. Context: as pshare_frame_sweep().
 */
void pshare_frame_count(u64 *shared, u64 *sharing);

u64 pshare_frame_number(void);

void pshare_frame_init(void);
void pshare_frame_exit(void);

#endif
