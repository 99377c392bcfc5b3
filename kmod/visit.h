/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Visit of one region: page tables, fingerprints, index, compare, merge.
 */
#ifndef PSHARE_VISIT_H
#define PSHARE_VISIT_H

#include "frame.h"
#include "merge.h"
#include "region.h"
#include "walk.h"

#define PSHARE_MAX_GIVE_BACK	64
#define PSHARE_WANTS		4

/**
 * struct pshare_other - another VM, in which twins are looked at
 * @vm: with a reference, its mm_users, and scan_sem and mmap_lock held for read; or NULL
 * @place: where a page of it was looked for last
 */
struct pshare_other {
	struct pshare_vm *vm;
	struct pshare_place place;
};

/**
 * struct pshare_want - pages of one region whose equals have become frames
 * @slot: of its VM; 0 if there is none
 * @region: address >> PSHARE_REGION_SHIFT
 * @pages: a bit for each
 */
struct pshare_want {
	u32 slot;
	u64 region;
	DECLARE_BITMAP(pages, PSHARE_REGION_PAGES);
};

/**
 * struct pshare_visit - what a scanner thread needs while it visits a region
 * @vm: whose region it is
 * @mm: its address space
 * @vma: the area that is being looked at
 * @pmd: page table that is being looked at
 * @start: first address of the region
 * @sampling: only the pages of @sample are looked at
 * @printing: and what the page tables map
 * @sample: number of that sample
 * @wanted: only these pages are looked at; NULL: all
 * @revisit: the region was visited before
 * @trust: every page counts as stable
 * @trust_known: every page does that has not changed since the last visit
 * @burnt: no page is stable that was not the same at the visit before the last, too
 * @marked: a mark of each page at the last visit, or NULL
 * @marks: those of this visit
 * @churning: its merges were often broken: compare before a merge is tried
 * @zero_pages: pages of zeros are merged into the kernel's zero page
 * @across_nodes: frames may be on any node
 * @salt_nid: node that @sharer is made for
 * @sharer: domain, node and salt for the index
 * @pools: free pages for frames: of any node, and of each node
 * @place: where a twin of this VM was looked for last
 * @other: another VM, kept while the pages of a chunk have their twins there
 * @wants: what the pages of this chunk have found worth a look, by slot
 * @batch: pages to merge
 * @chunk: page table entries that are being looked at
 * @tally: counters of this visit
 * @found: what the region holds
 * @more: there is more to be done than this visit does: frames to give back, or large
 *        folios of which only some pages were wanted
 * @give_back: page numbers of frames that are to be plain pages again
 * @nr_give_back: how many of them
 */
struct pshare_visit {
	struct pshare_vm *vm;
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	pmd_t *pmd;
	unsigned long start;
	bool sampling;
	bool printing;
	unsigned int sample;
	const unsigned long *wanted;
	bool revisit;
	bool trust;
	bool trust_known;
	bool burnt;
	const u8 *marked;
	u8 marks[PSHARE_REGION_PAGES];
	bool churning;
	bool zero_pages;
	bool across_nodes;
	int salt_nid;
	struct pshare_sharer sharer;
	struct pshare_pool *pools;
	struct pshare_place place;
	struct pshare_other other;
	struct pshare_want wants[PSHARE_WANTS];
	struct pshare_batch batch;
	struct pshare_chunk chunk;
	struct pshare_tally tally;
	struct pshare_found found;
	bool more;
	u16 nr_give_back;
	u16 give_back[PSHARE_MAX_GIVE_BACK];
};

/* Return: a new one, or NULL without memory. */
struct pshare_visit *pshare_visit_alloc(void);
void pshare_visit_free(struct pshare_visit *visit);

/* Give back the free pages that are kept for frames. */
void pshare_visit_idle(struct pshare_visit *visit);

/**
 * pshare_visit_region() - look at a region and merge what can be merged
 * @visit: of this thread
 * @work: a region out of the queue; its numbers are brought up to date
 *
 * A page that is equal to another is merged when it is stable: unchanged since a
 * visit some seconds ago. On its first visit a region's pages count as stable if
 * a sample of them was the same some seconds before, and where a twin has become a
 * frame if few pages of the region change; when somebody asked for a scan, all do.
 *
 * Context: scanner thread; vm->scan_sem held for read; may sleep.
 * Return: 0; -EBUSY when a lock was contended and the visit must be done
 * again; -ESRCH when the address space has ended; -ENOENT when no memory is
 * left in the region.
 */
int pshare_visit_region(struct pshare_visit *visit, const struct pshare_work *work);

/*
 * Steps of a visit that huge.c needs as well; locks as in pshare_visit_region().
 */

/* Is there, by the index, another page like this one? Fills key, frame, twins. */
void pshare_visit_look_up(struct pshare_visit *visit, struct pshare_look *look);

/*
 * The first of the twins that is really there and equal, or NULL. The VM that it is in is kept
 * locked for the next page's twin, until pshare_visit_leave_twins().
 */
const struct pshare_candidate *pshare_visit_find_twin(struct pshare_visit *visit,
						      const struct pshare_look *look);

/*
 * A page has become a frame: all that may be equal, of which only one has been looked at,
 * are looked at soon, from pshare_visit_leave_twins() on.
 */
void pshare_visit_want_twins(struct pshare_visit *visit, const struct pshare_look *look);

/* After 64 pages at most, and before anything that may sleep for long. */
void pshare_visit_leave_twins(struct pshare_visit *visit);

/**
 * pshare_huge_visit() - look at a huge page, split it if that is worth it
 * @visit: with vma and pmd set
 * @addr: first address of the huge page's part in the region
 * Return: true if it was split and its parts must be looked at.
 */
bool pshare_huge_visit(struct pshare_visit *visit, unsigned long addr);

/* A sample of a huge page, for the print. Arguments as above. */
void pshare_huge_sample(struct pshare_visit *visit, unsigned long addr);

/**
 * pshare_huge_worth() - would a large folio be split for its duplicates?
 * @vm: whose policy counts
 * @duplicates: pages of it that are duplicates
 * @pages: pages of it
 * Return: true if it would.
 */
bool pshare_huge_worth(const struct pshare_vm *vm, unsigned int duplicates,
		       unsigned int pages);

/**
 * pshare_huge_split() - split a large folio
 * @visit: counters
 * @page: a part of it, with a reference, which is dropped
 * @addr: where it is mapped, for the tracepoint
 * @duplicates: for the tracepoint
 *
 * Context: mmap_lock held for read; no page table lock; may sleep.
 * Return: true if it was split.
 */
bool pshare_huge_split(struct pshare_visit *visit, struct page *page, unsigned long addr,
		       unsigned int duplicates);

#endif
