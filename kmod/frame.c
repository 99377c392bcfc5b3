// SPDX-License-Identifier: GPL-2.0
/* Frames: birth, identity, sharers, end; see frame.h. */
#include <linux/random.h>
#include <linux/sched.h>

#include "compat.h"
#include "frame.h"
#include "knobs.h"
#include "netlink.h"
#include "region.h"
#include "store.h"
#include "trace.h"
#include "vector.h"

/* A frame that is mapped more often is full: far below any overflow. */
#define MAX_SHARERS	(1 << 24)

#define POOL_ORDER	5

/*
 * link->info, from the top: a cookie of this load of the module (never 0), the
 * number of the pass in which the frame was born, its domain.
 */
#define INFO_COOKIE_SHIFT	48
#define INFO_BIRTH_SHIFT	32

static u16 cookie;
static u64 sweep_at;
static bool limit_told;

static_assert(offsetof(struct page, mapping) ==
	      offsetof(struct page, lru) + offsetof(struct pshare_link, unused));
static_assert(offsetof(struct page, index) ==
	      offsetof(struct page, lru) + offsetof(struct pshare_link, info));
static_assert(offsetof(struct page, private) ==
	      offsetof(struct page, lru) + offsetof(struct pshare_link, key));

static struct pshare_link *link_of(struct page *page)
{
	return (struct pshare_link *)&page->lru;
}

static struct page *page_of(struct pshare_link *link)
{
	return container_of((struct list_head *)link, struct page, lru);
}

static u32 domain_of(const struct pshare_link *link)
{
	return (u32)link->info;
}

static unsigned long info_of(u32 domain)
{
	u16 birth = pshare_region_pass();

	return (unsigned long)cookie << INFO_COOKIE_SHIFT |
	       (unsigned long)birth << INFO_BIRTH_SHIFT | domain;
}

static u16 birth_of(unsigned long info)
{
	return info >> INFO_BIRTH_SHIFT;
}

/*
 * In a private anonymous area every page is anonymous, a special mapping, or
 * was put there by this module: no other code maps one there.
 */
static bool is_frame(struct page *page)
{
	return !page->mapping && !PageReserved(page) && !PageCompound(page);
}

bool pshare_frame_is_ours(struct page *page)
{
	return is_frame(page) && page->index >> INFO_COOKIE_SHIFT == cookie;
}

bool pshare_frame_is_leftover(struct page *page)
{
	return is_frame(page) && page->index >> INFO_COOKIE_SHIFT != cookie;
}

u32 pshare_frame_domain(struct page *page)
{
	return domain_of(link_of(page));
}

void pshare_frame_renew(struct page *page)
{
	WRITE_ONCE(link_of(page)->info, info_of(domain_of(link_of(page))));
}

bool pshare_frame_is_old(struct page *page)
{
	return (u16)(pshare_region_pass() - birth_of(page->index)) >= 2;
}

static bool fill_block(struct pshare_pool *pool, gfp_t gfp, unsigned int order)
{
	struct page *page;
	unsigned int i;

	if (pool->nid != NUMA_NO_NODE)
		gfp |= __GFP_THISNODE;
	page = alloc_pages_node(pool->nid, gfp | __GFP_NORETRY | __GFP_NOWARN, order);
	if (!page)
		return false;
	if (order)
		split_page(page, order);
	for (i = 0; i < 1U << order; i++)
		pool->pages[pool->nr++] = page + i;
	return true;
}

bool pshare_pool_fill(struct pshare_pool *pool, gfp_t gfp)
{
	/* A block is not worth a reclaim, a page is. */
	return pool->nr || fill_block(pool, gfp & ~__GFP_DIRECT_RECLAIM, POOL_ORDER) ||
	       fill_block(pool, gfp, 0);
}

void pshare_pool_drain(struct pshare_pool *pool)
{
	while (pool->nr)
		put_page(pool->pages[--pool->nr]);
}

static u64 key_of(const void *addr, u64 hash, u64 salt)
{
	u64 key = pshare_key(hash, salt);

	if (pshare_index_is_crowded(&pshare_index, key))
		key = pshare_key(pshare_digest(&pshare_hasher, addr), salt);
	return key;
}

u64 pshare_frame_key(const void *addr, u64 salt)
{
	return key_of(addr, pshare_fingerprint(&pshare_hasher, addr), salt);
}

/* Return: the fingerprint of the copy. */
static u64 copy_page_content(void *to, const void *from)
{
	u64 hash;

	pshare_vector_begin();
	pshare_vector_copy(to, from);
	hash = pshare_fingerprint_within(&pshare_hasher, to);
	pshare_vector_end();
	return hash;
}

static void set_links(struct page *page, unsigned long info, unsigned long key)
{
	struct pshare_link *link = link_of(page);

	link->node.next = NULL;
	link->node.pprev = NULL;
	link->info = info;
	link->key = key;
}

struct page *pshare_frame_new(struct pshare_pool *pool, struct page *source,
			      const struct pshare_sharer *sharer, u64 key)
{
	struct page *page = pool->pages[pool->nr - 1];
	void *content = page_address(page);
	u64 hash;

	/*
	 * The key is that of the copy: the source can be written between its
	 * look and the copy, and a frame under a wrong key would never be found.
	 */
	hash = copy_page_content(content, page_address(source));
	if (key_of(content, hash, sharer->salt) != key)
		return NULL;
	pool->nr--;
	set_links(page, info_of(sharer->domain), key);
	get_page(page);
	pshare_index_insert(&pshare_index, link_of(page));
	trace_frame_new(page_to_pfn(page), sharer->domain);
	return page;
}

bool pshare_frame_collides(struct page *frame, const void *content)
{
	if (pshare_fingerprint(&pshare_hasher, content) !=
	    pshare_fingerprint(&pshare_hasher, page_address(frame)))
		return false;
	pshare_index_set_crowded(&pshare_index, link_of(frame)->key);
	return true;
}

void pshare_frame_rekey(struct pshare_link *link)
{
	struct page *page = page_of(link);
	int nid = READ_ONCE(pshare_knobs.merge_across_nodes) ? NUMA_NO_NODE : page_to_nid(page);

	link->key = pshare_frame_key(page_address(page),
				     pshare_salt(&pshare_hasher, domain_of(link), nid));
}

static bool get_frame(struct pshare_link *link, void *data)
{
	const struct pshare_sharer *sharer = data;
	struct page *page = page_of(link);

	if (domain_of(link) != sharer->domain || pshare_mapcount(page) >= MAX_SHARERS)
		return false;
	if (sharer->nid != NUMA_NO_NODE && page_to_nid(page) != sharer->nid)
		return false;
	get_page(page);
	return true;
}

struct page *pshare_frame_find(u64 key, const struct pshare_sharer *sharer)
{
	struct pshare_link *link;

	link = pshare_index_find(&pshare_index, key, get_frame, (void *)sharer);
	return link ? page_of(link) : NULL;
}

u64 pshare_frame_number(void)
{
	return atomic64_read(&pshare_index.nr_frames);
}

bool pshare_frame_limit(void)
{
	u64 max = READ_ONCE(pshare_knobs.max_frames), frames = pshare_frame_number();

	if (!max || frames < max) {
		if (!max || frames < max - max / 16)
			WRITE_ONCE(limit_told, false);
		return false;
	}
	if (!xchg(&limit_told, true))
		pshare_event_limit(frames, max);
	return true;
}

/* Only the module has it: nobody maps it, nobody else can find it. */
static bool is_unused(struct page *page)
{
	return !pshare_mapcount(page) && page_ref_count(page) == 1;
}

static void release_frames(struct hlist_head *taken)
{
	struct pshare_link *link;
	struct hlist_node *next;

	hlist_for_each_entry_safe(link, next, taken, node) {
		struct page *page = page_of(link);

		trace_frame_free(page_to_pfn(page), domain_of(link));
		/* Whoever still maps it is in this domain: the next load wants to know. */
		set_links(page, domain_of(link), 0);
		put_page(page);
	}
	INIT_HLIST_HEAD(taken);
}

static bool take_unused(struct pshare_link *link, void *data)
{
	return is_unused(page_of(link));
}

void pshare_frame_sweep(unsigned int part)
{
	struct hlist_head taken = HLIST_HEAD_INIT;
	u64 n, budget;

	down_read(&pshare_store_sem);
	budget = DIV_ROUND_UP(pshare_index.nr_heads, part);
	for (n = 0; n < budget; n++) {
		u64 nr = READ_ONCE(sweep_at);

		WRITE_ONCE(sweep_at, nr + 1);
		pshare_index_scan_chain(&pshare_index, nr & (pshare_index.nr_heads - 1),
					take_unused, NULL, &taken);
		if (n % 256 == 255) {
			release_frames(&taken);
			cond_resched();
		}
	}
	up_read(&pshare_store_sem);
	release_frames(&taken);
}

struct count {
	u64 shared;
	u64 sharing;
};

static bool count_frame(struct pshare_link *link, void *data)
{
	struct page *page = page_of(link);
	int sharers = pshare_mapcount(page);
	struct count *count = data;

	if (sharers > 0) {
		count->shared++;
		count->sharing += sharers - 1;
	}
	return is_unused(page);
}

void pshare_frame_count(u64 *shared, u64 *sharing)
{
	struct hlist_head taken = HLIST_HEAD_INIT;
	struct count count = {};
	u64 nr;

	down_read(&pshare_store_sem);
	for (nr = 0; nr < pshare_index.nr_heads; nr++) {
		pshare_index_scan_chain(&pshare_index, nr, count_frame, &count, &taken);
		if (nr % 256 == 255) {
			release_frames(&taken);
			cond_resched();
		}
	}
	up_read(&pshare_store_sem);
	release_frames(&taken);
	*shared = count.shared;
	*sharing = count.sharing;
}

static bool take_all(struct pshare_link *link, void *data)
{
	return true;
}

void pshare_frame_init(void)
{
	do {
		cookie = get_random_u32();
	} while (!cookie);
}

void pshare_frame_exit(void)
{
	struct hlist_head taken = HLIST_HEAD_INIT;
	u64 nr;

	for (nr = 0; nr < pshare_index.nr_heads; nr++) {
		pshare_index_scan_chain(&pshare_index, nr, take_all, NULL, &taken);
		release_frames(&taken);
		cond_resched();
	}
}
