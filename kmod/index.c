// SPDX-License-Identifier: GPL-2.0
/* Index of candidates and frames; see index.h. */
#include "index.h"

#ifdef __KERNEL__
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#else
#include <errno.h>
#endif

#define MIN_BUCKETS	512
#define MAX_BUCKETS	(1U << 31)
#define MIN_HEADS	1024

/*
 * Zeroed memory to the page, not to the next power of two. Never wakes the OOM
 * killer: a table that cannot be had is done without.
 */
static void *alloc_table(size_t bytes)
{
	return __vmalloc(bytes, GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN);
}

static inline u64 tag_of(u64 key)
{
	return key & ((1U << PSHARE_TAG_BITS) - 1);
}

static inline u64 entry_of(struct pshare_candidate who, u64 tag)
{
	return (u64)who.slot << (PSHARE_PAGENR_BITS + PSHARE_TAG_BITS) |
	       who.addr >> 12 << PSHARE_TAG_BITS | tag;
}

static inline struct pshare_candidate candidate_of(u64 entry)
{
	return (struct pshare_candidate) {
		.slot = entry >> (PSHARE_PAGENR_BITS + PSHARE_TAG_BITS),
		.addr = (entry >> PSHARE_TAG_BITS &
			 ((1ULL << PSHARE_PAGENR_BITS) - 1)) << 12,
	};
}

static inline spinlock_t *lock_of(struct pshare_index *index, u64 chain)
{
	return &index->locks[chain % PSHARE_INDEX_LOCKS];
}

static bool is_live(const struct pshare_index *index, u64 entry)
{
	return entry && test_bit(candidate_of(entry).slot, index->live);
}

/*
 * Which entry of its bucket a key would have: where it lies in the bucket's part of the keys. Most
 * get it, so that this much is still known of a key when the table gets another size.
 */
static unsigned int favourite(const struct pshare_index *index, u64 key)
{
	return (u32)((key >> 32) * index->nr_buckets) / (1U << 29);
}

/* The first entry from @from on that is free, in a circle. */
static unsigned int free_entry(const u64 *bucket, unsigned int from)
{
	unsigned int i;

	for (i = 0; i < PSHARE_BUCKET_ENTRIES; i++) {
		unsigned int nr = (from + i) % PSHARE_BUCKET_ENTRIES;

		if (!READ_ONCE(bucket[nr]))
			return nr;
	}
	return PSHARE_BUCKET_ENTRIES;
}

/* An entry that is worth nothing, or else the one that the key chooses. */
static unsigned int victim(const struct pshare_index *index, const u64 *bucket, u64 key, u64 mine)
{
	unsigned int i = free_entry(bucket, favourite(index, key));

	if (i < PSHARE_BUCKET_ENTRIES)
		return i;
	for (i = 0; i < PSHARE_BUCKET_ENTRIES; i++) {
		if (!is_live(index, READ_ONCE(bucket[i])))
			return i;
	}
	return (key >> 16 ^ mine >> PSHARE_TAG_BITS) % PSHARE_BUCKET_ENTRIES;
}

/*
 * One bit for each entry of a bucket that has this tag: nearly always none, or the page's
 * own. The barrier keeps the compiler from building the mask without branches, which are
 * hardly ever taken.
 */
static inline unsigned int with_tag(const u64 *bucket, u64 tag)
{
	unsigned int i, mask = 0;

#pragma GCC unroll 8
	for (i = 0; i < PSHARE_BUCKET_ENTRIES; i++) {
		if (unlikely(!tag_of(READ_ONCE(bucket[i]) ^ tag))) {
			mask |= 1U << i;
			barrier();
		}
	}
	return mask;
}

static noinline unsigned int remember_otherwise(struct pshare_index *index, u64 key, u64 mine,
						bool *known, struct pshare_candidate *found,
						unsigned int mask)
{
	u64 *bucket = pshare_index_bucket(index, key);
	unsigned int n = 0;

	*known = false;
	for (; mask; mask &= mask - 1) {
		u64 entry = READ_ONCE(bucket[__builtin_ctz(mask)]);

		if (entry == mine)
			*known = true;
		else if (entry && tag_of(entry) == tag_of(key))
			found[n++] = candidate_of(entry);
	}
	if (!READ_ONCE(index->used))
		WRITE_ONCE(index->used, true);
	if (!*known)
		WRITE_ONCE(bucket[victim(index, bucket, key, mine)], mine);
	return n;
}

unsigned int pshare_index_remember(struct pshare_index *index, u64 key,
				   struct pshare_candidate self, bool *known,
				   struct pshare_candidate *found)
{
	u64 tag = tag_of(key), mine = entry_of(self, tag);
	const u64 *bucket = pshare_index_bucket(index, key);
	unsigned int mask = with_tag(bucket, tag);

	/* The usual case: a page that has no equal, and has not changed. */
	if (mask && !(mask & (mask - 1)) && READ_ONCE(bucket[__builtin_ctz(mask)]) == mine) {
		*known = true;
		return 0;
	}
	return remember_otherwise(index, key, mine, known, found, mask);
}

void pshare_index_erase(struct pshare_index *index, u64 key, struct pshare_candidate stale)
{
	u64 entry = entry_of(stale, tag_of(key));
	u64 *bucket = pshare_index_bucket(index, key);
	unsigned int i;

	for (i = 0; i < PSHARE_BUCKET_ENTRIES; i++) {
		if (READ_ONCE(bucket[i]) == entry) {
			WRITE_ONCE(bucket[i], 0);
			break;
		}
	}
}

struct pshare_link *pshare_index_find(struct pshare_index *index, u64 key,
				      bool (*get)(struct pshare_link *link, void *data),
				      void *data)
{
	u64 chain = pshare_index_chain(index, key);
	struct pshare_link *link;

	spin_lock(lock_of(index, chain));
	hlist_for_each_entry(link, &index->heads[chain], node) {
		if (link->key == key && get(link, data))
			break;
	}
	spin_unlock(lock_of(index, chain));
	return link;
}

void pshare_index_insert(struct pshare_index *index, struct pshare_link *link)
{
	u64 chain = pshare_index_chain(index, link->key);

	spin_lock(lock_of(index, chain));
	hlist_add_head(&link->node, &index->heads[chain]);
	spin_unlock(lock_of(index, chain));
	atomic64_inc(&index->nr_frames);
}

void pshare_index_scan_chain(struct pshare_index *index, u64 nr,
			     bool (*take)(struct pshare_link *link, void *data),
			     void *data, struct hlist_head *taken)
{
	struct pshare_link *link;
	struct hlist_node *next;

	if (!READ_ONCE(index->heads[nr].first))
		return;
	spin_lock(lock_of(index, nr));
	hlist_for_each_entry_safe(link, next, &index->heads[nr], node) {
		if (!take(link, data))
			continue;
		__hlist_del(&link->node);
		hlist_add_head(&link->node, taken);
		atomic64_dec(&index->nr_frames);
	}
	spin_unlock(lock_of(index, nr));
}

void pshare_index_set_live(struct pshare_index *index, u32 slot, bool live)
{
	if (live)
		set_bit(slot, index->live);
	else
		clear_bit(slot, index->live);
}

void pshare_index_set_crowded(struct pshare_index *index, u64 key)
{
	set_bit(key >> 24 & (PSHARE_CROWDED_BITS - 1), index->crowded);
}

/* 1.69 entries a page, 13.5 bytes: 2% of the pages lose theirs; with 1.25 it would be 6.7%. */
static u32 buckets_for(u64 pages)
{
	u64 n = pages * 27 / 16 / PSHARE_BUCKET_ENTRIES;

	if (n < MIN_BUCKETS)
		return MIN_BUCKETS;
	return n < MAX_BUCKETS ? n : MAX_BUCKETS;
}

bool pshare_index_wants_resize(const struct pshare_index *index, u64 pages)
{
	u64 want = buckets_for(pages);

	return want * 8 > (u64)index->nr_buckets * 9 || want * 2 < index->nr_buckets;
}

static bool bucket_has(const u64 *bucket, u64 entry)
{
	unsigned int i;

	for (i = 0; i < PSHARE_BUCKET_ENTRIES; i++)
		if (bucket[i] == entry)
			return true;
	return false;
}

/*
 * Copy to bucket @nr of the new table what is worth something of bucket @nr_from of the old one:
 * of the entries whose middle lies in the new bucket's part of the keys, or of the others. Both are
 * measured from where that part begins, in units of which an old bucket has as many as the new
 * table has buckets, and a new one as many as the old table.
 */
static void take_over(const struct pshare_index *index, u64 nr_from, u64 *to, u64 nr, u64 nr_new,
		      bool inside)
{
	const u64 *from = index->buckets + nr_from * PSHARE_BUCKET_ENTRIES;
	s64 begin = nr_from * nr_new - nr * index->nr_buckets;
	unsigned int i, place;

	for (i = 0; i < PSHARE_BUCKET_ENTRIES; i++) {
		s64 middle = begin + (s64)((2 * i + 1) * nr_new / (2 * PSHARE_BUCKET_ENTRIES));

		if ((middle >= 0 && middle < index->nr_buckets) != inside)
			continue;
		if (!is_live(index, from[i]) || bucket_has(to, from[i]))
			continue;
		place = inside ? middle * PSHARE_BUCKET_ENTRIES / index->nr_buckets :
			middle < 0 ? 0 : PSHARE_BUCKET_ENTRIES - 1;
		place = free_entry(to, place);
		if (place < PSHARE_BUCKET_ENTRIES)
			to[place] = from[i];
	}
}

/*
 * Fill a new bucket with what the old ones that cover its part of the keys
 * hold. Which entry of a bucket that it shares with a neighbour is its own is
 * not known for sure any more, so both get them; those that probably are its own come first.
 */
static void refill_bucket(const struct pshare_index *index, u64 *to, u64 nr, u64 nr_new)
{
	u64 nr_old = index->nr_buckets, start = nr * nr_old, end = start + nr_old, b;
	int inside;

	for (inside = 1; inside >= 0; inside--)
		for (b = start / nr_new; b * nr_new < end; b++)
			take_over(index, b, to, nr, nr_new, inside);
}

int pshare_index_resize_candidates(struct pshare_index *index, u64 pages)
{
	u32 nr_new = buckets_for(pages), i;
	u64 *buckets;

	buckets = alloc_table((u64)nr_new * PSHARE_BUCKET_ENTRIES * sizeof(u64));
	if (!buckets)
		return -ENOMEM;
	for (i = 0; index->used && i < nr_new; i++) {
		refill_bucket(index, buckets + (u64)i * PSHARE_BUCKET_ENTRIES, i, nr_new);
		if (i % 1024 == 0)
			cond_resched();
	}
	vfree(index->buckets);
	index->buckets = buckets;
	index->nr_buckets = nr_new;
	return 0;
}

void pshare_index_forget(struct pshare_index *index)
{
	u64 i;

	index->used = false;
	for (i = 0; i < (u64)index->nr_buckets * PSHARE_BUCKET_ENTRIES; i++) {
		index->buckets[i] = 0;
		if (i % 65536 == 0)
			cond_resched();
	}
}

/* One chain for two frames: the chains cost 4 bytes a frame, and stay short. */
static u64 heads_for(u64 frames)
{
	u64 n = MIN_HEADS;

	while (n * 2 < frames)
		n *= 2;
	return n;
}

bool pshare_index_wants_frames(const struct pshare_index *index)
{
	u64 want = heads_for(atomic64_read(&index->nr_frames));

	return want > index->nr_heads || want * 4 < index->nr_heads;
}

int pshare_index_resize_frames(struct pshare_index *index)
{
	u64 nr_old = index->nr_heads, nr_new = heads_for(atomic64_read(&index->nr_frames)), i;
	struct hlist_head *old = index->heads, *heads;
	struct pshare_link *link;
	struct hlist_node *next;

	heads = alloc_table(nr_new * sizeof(*heads));
	if (!heads)
		return -ENOMEM;
	index->heads = heads;
	index->nr_heads = nr_new;
	for (i = 0; old && i < nr_old; i++) {
		hlist_for_each_entry_safe(link, next, &old[i], node)
			hlist_add_head(&link->node, &heads[pshare_index_chain(index, link->key)]);
		if (i % 1024 == 0)
			cond_resched();
	}
	vfree(old);
	return 0;
}

u64 pshare_index_bytes(const struct pshare_index *index)
{
	return (u64)index->nr_buckets * PSHARE_BUCKET_ENTRIES * sizeof(u64) +
	       index->nr_heads * sizeof(*index->heads) +
	       PSHARE_CROWDED_BITS / 8 + sizeof(*index);
}

int pshare_index_init(struct pshare_index *index)
{
	unsigned int i;

	memset(index, 0, sizeof(*index));
	for (i = 0; i < PSHARE_INDEX_LOCKS; i++)
		spin_lock_init(&index->locks[i]);
	index->crowded = alloc_table(PSHARE_CROWDED_BITS / 8);
	if (!index->crowded || pshare_index_resize_candidates(index, 0) ||
	    pshare_index_resize_frames(index)) {
		pshare_index_free(index);
		return -ENOMEM;
	}
	return 0;
}

void pshare_index_free(struct pshare_index *index)
{
	vfree(index->crowded);
	vfree(index->buckets);
	vfree(index->heads);
	memset(index, 0, sizeof(*index));
}
