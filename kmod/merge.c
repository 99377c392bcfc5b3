// SPDX-License-Identifier: GPL-2.0
/*
 * The one place that replaces pages in page tables.
 *
 * Order of a round: notifier start, page table lock, page locks, entries
 * cleared, one TLB flush; then for each page references counted, content
 * compared, and the frame mapped or the old entry put back; unlock, notifier
 * end. From the flush on nobody can write the page but through a reference
 * that the count shows, so the comparison is final.
 *
 * A batch is one round, but where its pages lie far apart: whoever follows the
 * process with page tables of his own, as KVM does, loses all that lies between
 * the first and the last page of a round, and the guest faults on each of them.
 */
#include <linux/highmem.h>
#include <linux/pagemap.h>
#include <linux/string.h>
#include <linux/swap.h>

#include "compare.h"
#include "compat.h"
#include "merge.h"
#include "store.h"
#include "trace.h"
#include "vector.h"
#include "vm.h"

/*
 * Of more pages than this between two that are merged, faults may cost a guest more than one more
 * round: a fault is an exit of one of its processors, a round is one of each, and a flush.
 */
#define MAX_GAP_PAGES	16

enum merge_state {
	MERGE_LEFT,	/* not touched, or put back */
	MERGE_CLEARED,	/* entry cleared */
	MERGE_EQUAL,	/* and nobody else has the page, and it is equal */
	MERGE_DIFFERENT,	/* or it is not */
	MERGE_DONE,	/* frame mapped */
};

static void fail(struct pshare_merge *item, enum pshare_counter reason,
		 struct pshare_tally *tally)
{
	tally->c[reason]++;
	trace_merge_fail(item->addr, pshare_counter_names[reason]);
}

/* Pages of a batch are of order 0, and stay so while they are held: none has a head page. */
static struct folio *folio_of(struct page *page)
{
	return (struct folio *)page;
}

/* A page that the process owns, and no frame of an earlier load. */
static bool is_anon(const struct pshare_merge *item)
{
	return folio_test_anon(folio_of(item->page));
}

static bool maps(pte_t pte, const struct page *page)
{
	return pte_present(pte) && !pte_special(pte) && !pte_uffd_wp(pte) &&
	       pte_pfn(pte) == page_to_pfn(page);
}

/* The pages of a batch that one round replaces. */
struct round {
	struct pshare_batch *batch;
	struct pshare_merge *item;
	unsigned int n;
};

static pte_t *entry_of(pte_t *first, const struct round *round, unsigned int i)
{
	return first + ((round->item[i].addr - round->item[0].addr) >> PAGE_SHIFT);
}

static unsigned long end_of(const struct round *round)
{
	return round->item[round->n - 1].addr + PAGE_SIZE;
}

static bool clear_entry(struct vm_area_struct *vma, pte_t *ptep, struct pshare_merge *item,
			struct pshare_tally *tally)
{
	if (!maps(pshare_ptep_get(ptep), item->page)) {
		fail(item, PSHARE_C_skipped_changed, tally);
		return false;
	}
	/*
	 * The page lock is held until the swap cache has let go of the page:
	 * without it a stale swap cache flag and a pin together could make up
	 * a count that looks right. A frame of an earlier load is never in the
	 * swap cache, and can be in a batch more than once.
	 */
	if (is_anon(item) && !folio_trylock(folio_of(item->page))) {
		fail(item, PSHARE_C_skipped_locked, tally);
		return false;
	}
	item->old = ptep_get_and_clear(vma->vm_mm, item->addr, ptep);
	item->state = MERGE_CLEARED;
	return true;
}

/* References that the batch has to a page. */
static unsigned int own_references(const struct pshare_batch *batch,
				   const struct pshare_merge *item)
{
	unsigned int i, n = 0;

	if (is_anon(item))
		return 1;
	for (i = 0; i < batch->n; i++)
		n += batch->item[i].page == item->page;
	return n;
}

/* Nobody has the page but its mappings, the swap cache, and the batch. */
static bool is_reachable_elsewhere(const struct pshare_batch *batch,
				   const struct pshare_merge *item)
{
	struct folio *folio = folio_of(item->page);
	int known = pshare_mapcount(item->page) + !!folio_test_swapcache(folio) +
		    own_references(batch, item);

	return folio_ref_count(folio) != known;
}

static bool is_equal(const struct pshare_merge *item)
{
	const void *content = page_address(item->page);

	if (!item->frame)
		return pshare_compare_zero(content);
	return pshare_compare_equal(content, page_address(item->frame));
}

/*
 * Different content under one fingerprint: from now on pages of that
 * fingerprint are told apart by the digest of the whole page.
 */
static void note_difference(struct pshare_merge *item, struct pshare_tally *tally)
{
	if (item->frame && pshare_frame_collides(item->frame, page_address(item->page)))
		fail(item, PSHARE_C_skipped_collision, tally);
	else
		fail(item, PSHARE_C_skipped_changed, tally);
}

static pte_t new_entry(struct vm_area_struct *vma, const struct pshare_merge *item)
{
	pte_t pte;

	if (item->frame)
		pte = mk_pte(item->frame, vma->vm_page_prot);
	else
		pte = pte_mkspecial(pfn_pte(page_to_pfn(ZERO_PAGE(item->addr)),
					    vma->vm_page_prot));
	pte = pte_wrprotect(pte_mkclean(pte));
	if (pte_soft_dirty(item->old))
		pte = pte_mksoft_dirty(pte);
	return pte;
}

static void put_back(struct vm_area_struct *vma, pte_t *ptep, struct pshare_merge *item,
		     struct pshare_tally *tally)
{
	if (item->state == MERGE_DIFFERENT)
		note_difference(item, tally);
	set_pte_at(vma->vm_mm, item->addr, ptep, item->old);
}

/* What a batch changes of the process's resident pages. */
struct resident {
	long anon;
	long file;
};

/* The batch's reference to the frame becomes the mapping's. */
static void map_frame(struct vm_area_struct *vma, pte_t *ptep, struct pshare_merge *item,
		      struct resident *resident, struct pshare_found *found)
{
	if (is_anon(item))
		resident->anon--;
	else
		resident->file--;

	if (item->frame) {
		pshare_add_file_rmap(item->frame, vma);
		pshare_frame_renew(item->frame);
		resident->file++;
		found->merged_frames++;
	} else {
		found->merged_zeros++;
	}
	set_pte_at(vma->vm_mm, item->addr, ptep, new_entry(vma, item));
	pshare_remove_rmap(item->page, vma);
	/* The mapping's reference; the batch's is still there. */
	folio_ref_sub(folio_of(item->page), 1);
	item->state = MERGE_DONE;
}

/*
 * Which of the pages can be replaced. Each page's references are counted before
 * it is compared: who has one now could write the page at any time, and who has
 * none cannot get one that lets him write.
 */
static void compare_pages(const struct round *round, struct pshare_tally *tally)
{
	unsigned int i;

	pshare_vector_begin();
	for (i = 0; i < round->n; i++) {
		struct pshare_merge *item = &round->item[i];

		if (item->state != MERGE_CLEARED)
			continue;
		if (is_reachable_elsewhere(round->batch, item))
			fail(item, PSHARE_C_skipped_pinned, tally);
		else
			item->state = is_equal(item) ? MERGE_EQUAL : MERGE_DIFFERENT;
	}
	pshare_vector_end();
}

static void replace_entries(struct vm_area_struct *vma, pte_t *first, const struct round *round,
			    struct pshare_tally *tally, struct pshare_found *found)
{
	struct pshare_merge *item = round->item;
	struct resident resident = {};
	unsigned int i, cleared = 0;

	for (i = 0; i < round->n; i++)
		cleared += clear_entry(vma, entry_of(first, round, i), &item[i], tally);
	if (!cleared)
		return;
	/* Read-only entries too: another thread may have a flush pending. */
	pshare_flush_tlb(vma->vm_mm, item[0].addr, end_of(round));
	compare_pages(round, tally);
	for (i = 0; i < round->n; i++) {
		pte_t *ptep = entry_of(first, round, i);

		if (item[i].state == MERGE_EQUAL)
			map_frame(vma, ptep, &item[i], &resident, found);
		else if (item[i].state != MERGE_LEFT)
			put_back(vma, ptep, &item[i], tally);
	}
	pshare_add_mm_counter(vma->vm_mm, MM_ANONPAGES, resident.anon);
	pshare_add_mm_counter(vma->vm_mm, MM_FILEPAGES, resident.file);
}

static void unlock_pages(const struct round *round)
{
	unsigned int i;

	for (i = 0; i < round->n; i++) {
		struct pshare_merge *item = &round->item[i];
		struct folio *folio = folio_of(item->page);

		if (item->state == MERGE_DONE && folio_test_swapcache(folio))
			ksym(folio_free_swap)(folio);
		if (item->state != MERGE_LEFT && is_anon(item))
			folio_unlock(folio);
	}
}

/* The pages that were replaced go in bulk, when no round needs the batch's references any more. */
static void drop_pages(struct pshare_batch *batch)
{
	struct page *gone[PSHARE_BATCH_PAGES];
	unsigned int i;

	for (i = 0; i < batch->n; i++) {
		struct pshare_merge *item = &batch->item[i];

		gone[i] = item->page;
		if (item->state != MERGE_DONE && item->frame)
			put_page(item->frame);
	}
	release_pages(gone, batch->n);
	batch->n = 0;
}

/*
 * A notifier that may sleep lets others run, too, and KVM's does. Until its end a guest that
 * touches the range faults, again and again. So none sleeps, but where one has to.
 */
static void start_notifiers(struct pshare_vm *vm, struct mmu_notifier_range *range)
{
	if (!READ_ONCE(vm->notifier_sleeps)) {
		if (pshare_notifier_try_start(range))
			return;
		/* The kernel logs each such failure: this is the only one. */
		WRITE_ONCE(vm->notifier_sleeps, true);
	}
	pshare_notifier_start(range);
}

static void merge_round(struct pshare_vm *vm, struct vm_area_struct *vma, pmd_t *pmd,
			const struct round *round, struct pshare_tally *tally,
			struct pshare_found *found)
{
	unsigned int i, before = found->merged_frames + found->merged_zeros, merged;
	struct mmu_notifier_range range;
	spinlock_t *ptl;
	pte_t *first;

	for (i = 0; i < round->n; i++)
		round->item[i].state = MERGE_LEFT;
	pshare_range_init(&range, vma, round->item[0].addr, end_of(round));
	start_notifiers(vm, &range);
	first = pshare_pte_lock(vma->vm_mm, pmd, round->item[0].addr, &ptl);
	if (first) {
		replace_entries(vma, first, round, tally, found);
		pte_unmap_unlock(first, ptl);
	} else {
		tally->c[PSHARE_C_skipped_changed] += round->n;
	}
	pshare_notifier_end(&range);
	unlock_pages(round);
	merged = found->merged_frames + found->merged_zeros - before;
	found->failed += round->n - merged;
	tally->c[PSHARE_C_merges] += merged;
	tally->c[PSHARE_C_notifier_rounds]++;
	trace_merge_batch(range.start, round->n, merged);
}

/* The next round begins behind this one, and ends before a gap that is too wide. */
static void next_round(struct round *round)
{
	const struct pshare_merge *end = round->batch->item + round->batch->n;
	struct pshare_merge *item = round->item + round->n;

	round->item = item;
	while (++item < end && item->addr - item[-1].addr <= (MAX_GAP_PAGES + 1) * PAGE_SIZE)
		;
	round->n = item - round->item;
}

void pshare_merge_batch(struct pshare_vm *vm, struct vm_area_struct *vma, pmd_t *pmd,
			struct pshare_batch *batch, struct pshare_tally *tally,
			struct pshare_found *found)
{
	struct round round = { .batch = batch, .item = batch->item };

	if (!batch->n)
		return;
	lockdep_assert_held(&vma->vm_mm->mmap_lock);
	do {
		next_round(&round);
		merge_round(vm, vma, pmd, &round, tally, found);
	} while (round.item + round.n < batch->item + batch->n);
	drop_pages(batch);
}
