// SPDX-License-Identifier: GPL-2.0
/* Visit of one region; see visit.h. */
#include <linux/highmem.h>
#include <linux/mmap_lock.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compare.h"
#include "compat.h"
#include "knobs.h"
#include "priority.h"
#include "store.h"
#include "trace.h"
#include "unmerge.h"
#include "visit.h"

/* A region whose merges broke more often than this (of 1024) is churning. */
#define CHURNING	128

struct pshare_visit *pshare_visit_alloc(void)
{
	struct pshare_visit *visit = kvzalloc(sizeof(*visit), GFP_KERNEL);
	int i;

	if (!visit)
		return NULL;
	visit->pools = kcalloc(nr_node_ids + 1, sizeof(*visit->pools), GFP_KERNEL);
	if (!visit->pools) {
		kvfree(visit);
		return NULL;
	}
	for (i = 0; i <= nr_node_ids; i++)
		visit->pools[i].nid = i - 1;
	return visit;
}

void pshare_visit_idle(struct pshare_visit *visit)
{
	int i;

	for (i = 0; i <= nr_node_ids; i++)
		pshare_pool_drain(&visit->pools[i]);
}

void pshare_visit_free(struct pshare_visit *visit)
{
	if (!visit)
		return;
	pshare_visit_idle(visit);
	kfree(visit->pools);
	kvfree(visit);
}

static struct pshare_pool *pool_of(struct pshare_visit *visit)
{
	return &visit->pools[visit->sharer.nid + 1];
}

static void set_sharer(struct pshare_visit *visit, int nid)
{
	if (visit->salt_nid == nid)
		return;
	visit->salt_nid = nid;
	visit->sharer.domain = visit->vm->domain;
	visit->sharer.nid = nid;
	visit->sharer.salt = pshare_salt(&pshare_hasher, visit->vm->domain, nid);
}

static bool is_zero(const struct pshare_visit *visit, const struct pshare_look *look)
{
	return visit->zero_pages && look->hash == pshare_hasher.zero &&
	       pshare_page_is_zero(look->content);
}

/*
 * Fingerprints that different pages share are told apart by the whole page's
 * digest. A frame from before that was known is still under its fingerprint.
 */
static struct page *find_frame(struct pshare_visit *visit, struct pshare_look *look)
{
	u64 key = look->key;
	struct page *frame;

	if (!pshare_index_is_crowded(&pshare_index, key))
		return pshare_index_may_have(&pshare_index, key) ?
		       pshare_frame_find(key, &visit->sharer) : NULL;
	look->key = pshare_frame_key(look->content, visit->sharer.salt);
	frame = pshare_frame_find(look->key, &visit->sharer);
	if (frame)
		return frame;
	frame = pshare_frame_find(key, &visit->sharer);
	if (frame && !pshare_page_equal(page_address(frame), look->content)) {
		put_page(frame);
		frame = NULL;
	}
	return frame;
}

static struct pshare_candidate candidate_of(const struct pshare_visit *visit,
					    const struct pshare_look *look)
{
	return (struct pshare_candidate) {
		.addr = visit->start + look->nr * PAGE_SIZE,
		.slot = visit->vm->slot,
	};
}

/*
 * The page is a candidate now; those that the index names may be its twins. If it was one
 * already, it has not changed since the last visit.
 */
static void remember(struct pshare_visit *visit, struct pshare_look *look)
{
	look->nr_twins = pshare_index_remember(&pshare_index, look->key, candidate_of(visit, look),
					       &look->known, look->twins);
	if (!look->nr_twins && (look->known || !visit->revisit))
		visit->found.unshared++;
}

/* What the next visit compares with. 0 is of pages that were not looked at. */
static u8 mark_of(u64 hash)
{
	return hash >> 57 ?: 1;
}

static bool has_equal(const struct pshare_look *look)
{
	return look->zero || look->frame || look->nr_twins;
}

/* Stable, by what is remembered of the page: the index's entry, and its mark if there are any. */
static void judge(struct pshare_visit *visit, struct pshare_look *look)
{
	u8 mark = mark_of(look->hash), before = visit->marked ? visit->marked[look->nr] : 0;
	bool candidate = !look->zero && !look->frame, known = look->known;
	bool known_before = before & PSHARE_MARK_SAME;

	if (visit->marked)
		known = (before & ~PSHARE_MARK_SAME) == mark;
	visit->marks[look->nr] = mark | (known ? PSHARE_MARK_SAME : 0);
	visit->found.volatile_pages += visit->revisit && !known && (visit->marked || candidate);
	/* Has an equal, and had another content before: equal for a moment, maybe. */
	if (visit->marked && !known && has_equal(look))
		visit->burnt = true;
	look->stable = visit->trust || (visit->trust_known && known &&
					(!visit->burnt || known_before));
}

/* Where all pages are stable none will be pending, so marks are not needed. */
static void trust(struct pshare_visit *visit, struct pshare_look *look)
{
	bool candidate = !look->zero && !look->frame;

	visit->found.volatile_pages += visit->revisit && !look->known && candidate;
	look->stable = true;
}

/* Across nodes there is one for all, which begin() sets. */
static void set_sharer_of(struct pshare_visit *visit, const struct pshare_look *look)
{
	if (unlikely(!visit->across_nodes))
		set_sharer(visit, page_to_nid(look->page));
}

static void look_up(struct pshare_visit *visit, struct pshare_look *look)
{
	set_sharer_of(visit, look);
	look->known = false;
	look->zero = is_zero(visit, look);
	if (!look->zero)
		look->frame = find_frame(visit, look);
	if (!look->zero && !look->frame)
		remember(visit, look);
	if (visit->trust && !visit->marked)
		trust(visit, look);
	else
		judge(visit, look);
}

/* It will be seen again when it has been the same for a while. */
static void leave_for_now(struct pshare_visit *visit, struct pshare_look *look)
{
	visit->found.pending++;
	if (look->frame)
		put_page(look->frame);
	look->frame = NULL;
	look->zero = false;
	look->nr_twins = 0;
}

static void find_place(struct pshare_visit *visit, struct pshare_look *look)
{
	set_sharer_of(visit, look);
	look->key = pshare_key(look->hash, visit->sharer.salt);
}

void pshare_visit_look_up(struct pshare_visit *visit, struct pshare_look *look)
{
	find_place(visit, look);
	look_up(visit, look);
	pshare_print_content(&visit->chunk.print, look->nr, look->hash);
	if (has_equal(look) && !look->stable)
		leave_for_now(visit, look);
}

static void look_up_chunk(struct pshare_visit *visit)
{
	struct pshare_chunk *chunk = &visit->chunk;
	unsigned int i;

	chunk->held = 0;
	for (i = 0; i < chunk->n; i++) {
		find_place(visit, &chunk->look[i]);
		pshare_index_prefetch(&pshare_index, chunk->look[i].key);
	}
	for (i = 0; i < chunk->n; i++) {
		struct pshare_look *look = &chunk->look[i];

		look_up(visit, look);
		if (!has_equal(look))
			continue;
		if (!look->stable) {
			leave_for_now(visit, look);
		} else {
			get_page(look->page);
			look->held = true;
			chunk->held++;
		}
	}
}

/*
 * To look for what is to be merged, and to merge it, each takes long enough for who waits. Not
 * inlined into its callers, whose loops over pages it would spill.
 */
static noinline void flush_batch(struct pshare_visit *visit)
{
	if (!visit->batch.n)
		return;
	pshare_priority_give_way();
	pshare_merge_batch(visit->vm, visit->vma, visit->pmd, &visit->batch, &visit->tally,
			   &visit->found);
	pshare_priority_give_way();
}

static void drop_look(struct pshare_look *look)
{
	if (look->held)
		put_page(look->page);
	if (look->frame)
		put_page(look->frame);
	look->held = false;
	look->frame = NULL;
}

/*
 * The references of the look become the batch's. From now on its equals find the
 * frame: its place among the candidates is another's.
 */
static void add_to_batch(struct pshare_visit *visit, struct pshare_look *look)
{
	struct pshare_merge *item = &visit->batch.item[visit->batch.n++];

	if (look->nr_twins || visit->revisit)
		pshare_index_erase(&pshare_index, look->key, candidate_of(visit, look));
	item->addr = visit->start + look->nr * PAGE_SIZE;
	item->page = look->page;
	item->frame = look->frame;
}

static void make_frame(struct pshare_visit *visit, struct pshare_look *look)
{
	if (pshare_frame_limit()) {
		visit->tally.c[PSHARE_C_skipped_limit]++;
		visit->found.put_off++;
	} else if (!pshare_pool_fill(pool_of(visit), GFP_NOWAIT)) {
		visit->tally.c[PSHARE_C_skipped_nomem]++;
		visit->found.put_off++;
	} else {
		look->frame = pshare_frame_new(pool_of(visit), look->page, &visit->sharer,
					       look->key);
		if (!look->frame) {
			visit->tally.c[PSHARE_C_skipped_changed]++;
			visit->found.put_off++;
		}
	}
}

/*
 * In a churning region many pages will have changed by the time their entries
 * are cleared: a comparison without locks is cheaper than a round in vain.
 */
static bool changed_already(struct pshare_visit *visit, const struct pshare_look *look)
{
	if (!visit->churning || !look->frame ||
	    pshare_page_equal(look->content, page_address(look->frame)))
		return false;
	visit->tally.c[PSHARE_C_skipped_changed]++;
	return true;
}

/* No frame yet: two pages that are equal make one. */
static void resolve_twin(struct pshare_visit *visit, struct pshare_look *look)
{
	/* A page of this chunk may have become the frame meanwhile. */
	if (pshare_index_may_have(&pshare_index, look->key))
		look->frame = pshare_frame_find(look->key, &visit->sharer);
	if (look->frame)
		return;
	if (!pshare_visit_find_twin(visit, look))
		return;
	make_frame(visit, look);
	if (look->frame)
		pshare_visit_want_twins(visit, look);
}

static void resolve_single(struct pshare_visit *visit, struct pshare_look *look)
{
	if (pshare_page_is_pinned(look->page)) {
		visit->tally.c[PSHARE_C_skipped_pinned]++;
		drop_look(look);
		return;
	}
	set_sharer_of(visit, look);
	if (!look->zero && !look->frame)
		resolve_twin(visit, look);
	if ((look->zero || look->frame) && !changed_already(visit, look))
		add_to_batch(visit, look);
	else
		drop_look(look);
}

/* Pages of one large folio, counted while they follow each other. */
struct large {
	struct page *head;
	unsigned int duplicates;
	unsigned long addr;
};

static bool finish_large(struct pshare_visit *visit, struct large *large)
{
	struct page *head = large->head;
	unsigned int pages;

	large->head = NULL;
	if (!head)
		return false;
	pages = compound_nr(head);
	if (pshare_huge_worth(visit->vm, large->duplicates, pages)) {
		pshare_visit_leave_twins(visit);
		flush_batch(visit);
		return pshare_huge_split(visit, head, large->addr, large->duplicates);
	}
	put_page(head);
	visit->tally.c[PSHARE_C_thp_kept]++;
	return false;
}

static bool resolve_large(struct pshare_visit *visit, struct pshare_look *look,
			  struct large *large)
{
	struct page *head = compound_head(look->page);
	bool split = false;

	if (head != large->head) {
		split = finish_large(visit, large);
		get_page(head);
		large->head = head;
		large->duplicates = 0;
		large->addr = visit->start + look->nr * PAGE_SIZE;
	}
	if (look->zero || look->frame || pshare_visit_find_twin(visit, look))
		large->duplicates++;
	drop_look(look);
	return split;
}

/* Return: true if a large folio was split and the chunk has to be looked at again. */
static bool resolve_chunk(struct pshare_visit *visit, struct large *large)
{
	struct pshare_chunk *chunk = &visit->chunk;
	bool split = false;
	unsigned int i;

	if (!chunk->held)
		return false;
	/* While a batch is merged nothing but the batch holds references. */
	if (visit->batch.n + chunk->held > PSHARE_BATCH_PAGES)
		flush_batch(visit);
	for (i = 0; i < chunk->n; i++) {
		struct pshare_look *look = &chunk->look[i];

		if (!look->held)
			continue;
		if (look->kind == PSHARE_PAGE_LARGE)
			split |= resolve_large(visit, look, large);
		else
			resolve_single(visit, look);
	}
	pshare_visit_leave_twins(visit);
	return split;
}

static void note_chunk(struct pshare_visit *visit)
{
	const struct pshare_chunk *chunk = &visit->chunk;
	unsigned int i;

	visit->found.present += chunk->present;
	visit->found.frames += chunk->frames;
	visit->found.zeros += chunk->zeros;
	for (i = 0; i < chunk->nr_give_back && visit->nr_give_back < PSHARE_MAX_GIVE_BACK; i++)
		visit->give_back[visit->nr_give_back++] = chunk->give_back[i];
	visit->more |= i < chunk->nr_give_back;
}

static bool is_wanted(const struct pshare_visit *visit, unsigned int first, unsigned int n)
{
	return !visit->wanted || find_next_bit(visit->wanted, first + n, first) < first + n;
}

/* Return: 1 if a large folio was split, 0, or -EBUSY. */
static int visit_chunk(struct pshare_visit *visit, unsigned long addr, unsigned int n,
		       struct large *large)
{
	unsigned int first = (addr - visit->start) >> PAGE_SHIFT;
	spinlock_t *ptl;
	pte_t *ptep;

	if (!is_wanted(visit, first, n))
		return 0;
	ptep = pshare_pte_lock(visit->mm, visit->pmd, addr, &ptl);
	if (!ptep)
		return -EBUSY;
	visit->chunk.domain = visit->vm->domain;
	if (visit->wanted)
		visit->more |= pshare_walk_pick(ptep, first, n, visit->wanted, &visit->chunk,
						&visit->tally);
	else
		pshare_walk_collect(ptep, first, n, &visit->chunk, &visit->tally);
	look_up_chunk(visit);
	pte_unmap_unlock(ptep, ptl);
	note_chunk(visit);
	return resolve_chunk(visit, large);
}

/*
 * A sample has half as many pages as a chunk, so that all of it is taken under one
 * page table lock.
 * Return: 0 or -EBUSY.
 */
static int sample_table(struct pshare_visit *visit, unsigned long addr, unsigned long end)
{
	unsigned int first = (addr - visit->start) >> PAGE_SHIFT;
	unsigned int n = (end - addr) >> PAGE_SHIFT;
	spinlock_t *ptl;
	pte_t *ptep = pshare_pte_lock(visit->mm, visit->pmd, addr, &ptl);

	BUILD_BUG_ON(PSHARE_REGION_PAGES / PSHARE_SAMPLES > PSHARE_CHUNK_PAGES);
	if (!ptep)
		return -EBUSY;
	pshare_walk_sample(ptep, first, n, visit->sample, &visit->chunk, &visit->tally);
	if (visit->printing)
		visit->found.present += pshare_walk_print(ptep, n, &visit->chunk.print);
	pte_unmap_unlock(ptep, ptl);
	return 0;
}

static int visit_table(struct pshare_visit *visit, unsigned long addr, unsigned long end)
{
	struct large large = {};
	int ret, split = 0;

	for (; addr < end; addr += PSHARE_CHUNK_PAGES * PAGE_SIZE) {
		unsigned int n = min_t(unsigned long, PSHARE_CHUNK_PAGES,
				       (end - addr) >> PAGE_SHIFT);

		ret = visit_chunk(visit, addr, n, &large);
		if (ret >= 0 && mmap_lock_is_contended(visit->mm))
			ret = -EBUSY;
		if (ret < 0)
			break;
		split |= ret;
		/* A guest may wait for this processor. */
		pshare_priority_give_way();
	}
	split |= finish_large(visit, &large);
	flush_batch(visit);
	return ret < 0 ? ret : split;
}

/*
 * Once more over the same pages when a folio was split, so that its parts are
 * merged in the same visit; the counts of the first time are taken back.
 */
static int visit_table_again(struct pshare_visit *visit, unsigned long addr, unsigned long end)
{
	struct pshare_found before = visit->found, first;
	u16 nr_give_back = visit->nr_give_back;
	int ret = visit_table(visit, addr, end);

	if (ret != 1)
		return ret;
	first = visit->found;
	visit->found = before;
	visit->found.split_zeros = first.split_zeros;
	visit->nr_give_back = nr_give_back;
	ret = visit_table(visit, addr, end);
	/* What the first time merged is found by the second, unless it broke: count it once. */
	visit->found.frames -= min_t(u16, visit->found.frames,
				     first.merged_frames - before.merged_frames);
	visit->found.zeros -= min_t(u16, visit->found.zeros,
				    first.merged_zeros - before.merged_zeros);
	visit->found.merged_frames += first.merged_frames - before.merged_frames;
	visit->found.merged_zeros += first.merged_zeros - before.merged_zeros;
	visit->found.failed += first.failed - before.failed;
	return ret < 0 ? ret : 0;
}

/* The part of an area that lies in the region. */
static int visit_area(struct pshare_visit *visit, unsigned long addr, unsigned long end)
{
	pmd_t value;

	visit->pmd = pshare_walk_pmd(visit->mm, addr);
	if (!visit->pmd)
		return 0;
	value = pshare_pmdp_get(visit->pmd);
	if (pmd_none(value))
		return 0;
	if (pmd_trans_huge(value) && visit->sampling) {
		pshare_huge_sample(visit, addr);
		return 0;
	}
	if (pmd_trans_huge(value) && visit->wanted) {
		visit->more = true;
		return 0;
	}
	if (pmd_trans_huge(value) && !pshare_huge_visit(visit, addr))
		return 0;
	return visit->sampling ? sample_table(visit, addr, end) :
				 visit_table_again(visit, addr, end);
}

static int visit_areas(struct pshare_visit *visit)
{
	unsigned long end = visit->start + PSHARE_REGION_SIZE;
	int err;

	VMA_ITERATOR(vmi, visit->mm, visit->start);
	for_each_vma_range(vmi, visit->vma, end) {
		if (pshare_vma_never(visit->vma) != PSHARE_NR_NEVER)
			continue;
		err = visit_area(visit, max(visit->start, visit->vma->vm_start),
				 min(end, visit->vma->vm_end));
		if (err)
			return err;
	}
	return 0;
}

/* Frames that are shared with nobody any more, or across domains, end here. */
static void give_back_frames(struct pshare_visit *visit)
{
	unsigned int i, n = 0;

	for (i = 0; i < visit->nr_give_back; i++) {
		unsigned long addr = visit->start + visit->give_back[i] * PAGE_SIZE;

		n += !pshare_unmerge_page(visit->mm, addr);
	}
	visit->found.given_back = n;
	visit->tally.c[PSHARE_C_unmerges] += n;
}

static void begin(struct pshare_visit *visit, const struct pshare_work *work)
{
	const struct pshare_region *region = work->region;

	visit->vm = region->vm;
	visit->mm = region->vm->mm;
	visit->start = (unsigned long)region->index << PSHARE_REGION_SHIFT;
	visit->sampling = false;
	visit->printing = false;
	visit->revisit = region->visits;
	visit->wanted = work->kind == PSHARE_LOOK_WANTED ? work->wanted : NULL;
	visit->trust = work->full_speed || visit->wanted ||
		       (work->kind == PSHARE_LOOK_PROMOTED && region->calm && !region->burnt);
	visit->trust_known = region->calm || pshare_region_is_spaced(region);
	visit->burnt = region->burnt;
	visit->marked = region->marks;
	memset(visit->marks, 0, sizeof(visit->marks));
	visit->churning = region->churn > CHURNING;
	visit->zero_pages = READ_ONCE(pshare_knobs.use_zero_pages);
	visit->across_nodes = READ_ONCE(pshare_knobs.merge_across_nodes);
	visit->salt_nid = NUMA_NO_NODE - 1;
	if (visit->across_nodes)
		set_sharer(visit, NUMA_NO_NODE);
	memset(&visit->found, 0, sizeof(visit->found));
	memset(&visit->chunk.print, 0, sizeof(visit->chunk.print));
	visit->nr_give_back = 0;
	visit->more = false;
}

static int visit_locked(struct pshare_visit *visit)
{
	int err;

	down_read(&pshare_store_sem);
	if (!mmap_read_trylock(visit->mm)) {
		up_read(&pshare_store_sem);
		return -EBUSY;
	}
	memset(&visit->place, 0, sizeof(visit->place));
	err = visit_areas(visit);
	visit->found.print = visit->chunk.print;
	visit->found.burnt = visit->burnt;
	/* Faults may wait for memory, and nothing below needs the index. */
	up_read(&pshare_store_sem);
	if (visit->nr_give_back && !pshare_unmerge_check(visit->mm, visit->nr_give_back, NULL))
		give_back_frames(visit);
	mmap_read_unlock(visit->mm);
	return err;
}

/* Return: 0 or an error of a visit; the sample is in @print. */
static int take_sample(struct pshare_visit *visit, unsigned int sample, struct pshare_print *print)
{
	int err;

	visit->sampling = true;
	visit->sample = sample;
	err = visit_locked(visit);
	visit->sampling = false;
	*print = visit->chunk.print;
	memset(&visit->chunk.print, 0, sizeof(visit->chunk.print));
	return err;
}

/* Whether any memory is left is for the visit to say. */
static int settle(struct pshare_visit *visit, struct pshare_region *region)
{
	struct pshare_print print;
	int err = take_sample(visit, 0, &print);

	if (!err)
		pshare_region_note_settling(region, &print);
	visit->found.present = 1;
	return err;
}

/* Return: 0 if no visit is needed, 1 if one is, or an error. */
static int end_settling(struct pshare_visit *visit, struct pshare_region *region)
{
	struct pshare_print print;
	int err = take_sample(visit, 0, &print);

	if (err)
		return err;
	visit->trust |= print.sample[0] == region->print.sample[0];
	pshare_region_note_settled(region, visit->trust);
	return 1;
}

static int probe(struct pshare_visit *visit, struct pshare_region *region)
{
	unsigned int sample = region->probes % PSHARE_SAMPLES;
	struct pshare_print print;
	int err;

	visit->printing = true;
	err = take_sample(visit, sample, &print);
	if (err)
		return err;
	if (print.mapped != region->print.mapped ||
	    print.sample[sample] != region->print.sample[sample])
		return 1;
	pshare_region_note_probe(region);
	return 0;
}

static int look_first(struct pshare_visit *visit, const struct pshare_work *work)
{
	switch (work->kind) {
	case PSHARE_LOOK_SETTLE:
		return settle(visit, work->region);
	case PSHARE_LOOK_SETTLED:
		return end_settling(visit, work->region);
	case PSHARE_LOOK_PROBE:
		return probe(visit, work->region);
	default:
		return 1;
	}
}

static int visit_wanted(struct pshare_visit *visit, struct pshare_region *region)
{
	int err = visit_locked(visit);

	pshare_region_note_wanted(region, &visit->found, &visit->tally);
	/* Whether any memory is left is for the next visit to say. */
	visit->found.present = 1;
	return err;
}

static int visit_all(struct pshare_visit *visit, struct pshare_region *region)
{
	int err;

	visit->found.present = 0;
	err = visit_locked(visit);
	if (err == -EBUSY)
		pshare_region_note_part(region, &visit->found, &visit->tally);
	else if (!err)
		pshare_region_note(region, &visit->found, visit->marks, &visit->tally);
	return err;
}

int pshare_visit_region(struct pshare_visit *visit, const struct pshare_work *work)
{
	int err;

	begin(visit, work);
	if (visit->across_nodes)
		pshare_pool_fill(&visit->pools[0], GFP_KERNEL);
	if (!mmget_not_zero(visit->mm))
		return -ESRCH;
	err = look_first(visit, work);
	if (err == 1)
		err = visit->wanted ? visit_wanted(visit, work->region) :
				      visit_all(visit, work->region);
	mmput_async(visit->mm);
	visit->tally.c[PSHARE_C_skipped_busy] += err == -EBUSY;
	if (visit->more)
		pshare_region_promote(work->vm, visit->start);
	pshare_stats_add(work->vm, &visit->tally);
	return err ?: visit->found.present ? 0 : -ENOENT;
}
