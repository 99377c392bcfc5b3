/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page tables of a VM: which areas can be merged, where memory is, and what a
 * chunk of up to 64 entries holds. Nothing here changes a page table.
 */
#ifndef PSHARE_WALK_H
#define PSHARE_WALK_H

#include <linux/mm.h>

#include "index.h"
#include "region.h"
#include "vm.h"

#define PSHARE_CHUNK_PAGES	64

enum pshare_page_kind {
	PSHARE_PAGE_SINGLE,	/* anonymous, or a frame of an earlier load */
	PSHARE_PAGE_LARGE,	/* part of a large folio */
};

/**
 * struct pshare_look - one page of a chunk that may be merged
 * @page: valid under the page table lock, or while @held
 * @content: where it is mapped in the kernel
 * @hash: its fingerprint, without salt
 * @key: its key in the index
 * @frame: frame of that key, with a reference, or NULL
 * @twins: where the index says that equal pages may be
 * @nr: page number in the region
 * @nr_twins: how many @twins there are
 * @kind: enum pshare_page_kind
 * @zero: it is full of zeros
 * @known: the index had it already, with this content
 * @stable: it has not changed for a while, or need not have been watched
 * @held: a reference to @page is held
 */
struct pshare_look {
	struct page *page;
	void *content;
	u64 hash;
	u64 key;
	struct page *frame;
	struct pshare_candidate twins[PSHARE_BUCKET_ENTRIES];
	u16 nr;
	u8 nr_twins;
	u8 kind;
	bool zero;
	bool known;
	bool stable;
	bool held;
};

/**
 * struct pshare_chunk - up to 64 page table entries, looked at under one lock
 * @n: pages in @look
 * @look: those that may be merged
 * @held: how many of them are held: the others need no more
 * @present: present entries of any kind
 * @frames: entries that map frames of this load
 * @zeros: entries that map the zero page
 * @print: of all chunks so far; the caller begins with zeros
 * @domain: sharing domain of the VM; set by the caller
 * @give_back: page numbers of frames that are to be plain pages again: old ones that
 *             nobody else maps, and those of another domain
 * @nr_give_back: how many of them
 */
struct pshare_chunk {
	unsigned int n;
	struct pshare_look look[PSHARE_CHUNK_PAGES];
	u16 held;
	u16 present;
	u16 frames;
	u16 zeros;
	struct pshare_print print;
	u32 domain;
	u16 nr_give_back;
	u16 give_back[PSHARE_CHUNK_PAGES];
};

/**
 * struct pshare_mapped - what a VM has mapped, counted in its page tables
 * @frames: mappings of frames of this load of the module
 * @leftovers: mappings of frames of an earlier one
 * @sharing: mappings of frames that have another mapping
 * @zeros: pages merged into the zero page
 * @zeros_index: region that is being counted, for @zeros_left
 * @zeros_left: zero pages that may still be counted there: those that a read
 *              fault put there are not ours
 */
struct pshare_mapped {
	u64 frames;
	u64 leftovers;
	u64 sharing;
	u64 zeros;
	u64 zeros_index;
	unsigned int zeros_left;
};

/**
 * pshare_vma_never() - can an area never be merged, and why?
 * @vma: the area; mmap_lock held
 * Return: enum pshare_never, or PSHARE_NR_NEVER if it can be merged.
 */
enum pshare_never pshare_vma_never(const struct vm_area_struct *vma);

/**
 * pshare_walk_pmd() - the middle-level entry of an address
 * @mm: the address space; mmap_lock held
 * @addr: in an area of it: elsewhere a munmap() frees page tables under
 *        mmap_lock for read
 * Return: the entry, or NULL where a higher level is empty.
 */
pmd_t *pshare_walk_pmd(struct mm_struct *mm, unsigned long addr);

/**
 * pshare_walk_next() - where memory begins
 * @mm: the address space; mmap_lock held
 * @addr: where to start
 * @end: where to stop
 *
 * Empty upper levels are skipped whole.
 * Return: the first address at or after @addr whose middle-level entry is not
 * empty, or @end.
 */
unsigned long pshare_walk_next(struct mm_struct *mm, unsigned long addr, unsigned long end);

/**
 * pshare_walk_collect() - look at the entries of a chunk
 * @ptep: its first entry; the page table lock is held
 * @first: page number of that entry in the region
 * @n: entries, up to PSHARE_CHUNK_PAGES
 * @chunk: filled
 * @tally: skipped pages are counted here
 *
 * Asks for the sample lines of each page and then takes their fingerprints.
 */
void pshare_walk_collect(pte_t *ptep, unsigned int first, unsigned int n,
			 struct pshare_chunk *chunk, struct pshare_tally *tally);

/**
 * pshare_walk_pick() - look at some of the pages of a chunk
 * @ptep: its first entry; the page table lock is held
 * @first: page number of that entry in the region
 * @n: entries, up to PSHARE_CHUNK_PAGES
 * @wanted: a bit for each page of the region that is looked at
 * @chunk: filled, with those pages only, and none that are part of a large folio
 * @tally: skipped pages are counted here
 * Return: true if one of them is part of a large folio, which is to be looked at as a whole.
 */
bool pshare_walk_pick(pte_t *ptep, unsigned int first, unsigned int n,
		      const unsigned long *wanted, struct pshare_chunk *chunk,
		      struct pshare_tally *tally);

/**
 * pshare_walk_sample() - look at the pages of one sample in a page table
 * @ptep: the first entry that is asked for; the page table lock is held
 * @first: page number of that entry in the region
 * @n: entries, up to PSHARE_REGION_PAGES
 * @sample: below PSHARE_SAMPLES
 * @chunk: filled, with the pages of the sample only
 * @tally: only looked pages are counted here
 */
void pshare_walk_sample(pte_t *ptep, unsigned int first, unsigned int n, unsigned int sample,
			struct pshare_chunk *chunk, struct pshare_tally *tally);

/**
 * pshare_walk_print() - what the entries of a page table map, for the print
 * @ptep: the first entry that is asked for; the page table lock is held
 * @n: entries
 * @print: brought up to date
 * Return: how many entries are not empty: swapped pages count, too.
 */
unsigned int pshare_walk_print(pte_t *ptep, unsigned int n, struct pshare_print *print);

/* Rows begin with different samples, so that no stride keeps to one of them. */
static inline unsigned int pshare_sample_of_row(unsigned int row)
{
	return (row * 0x9e3779b1U) >> 28;
}

/* Which sample a page is in, and the page of a sample in a row of PSHARE_SAMPLES. */
static inline unsigned int pshare_sample_of(unsigned int nr)
{
	return (nr ^ pshare_sample_of_row(nr / PSHARE_SAMPLES)) % PSHARE_SAMPLES;
}

static inline unsigned int pshare_sample_page(unsigned int row, unsigned int sample)
{
	return row * PSHARE_SAMPLES + (sample ^ pshare_sample_of_row(row));
}

#define PSHARE_PRINT_FACTOR	0x9e3779b97f4a7c15ULL

/* Entries that are looked at together where a table is empty. */
#define PSHARE_EMPTY_RUN	8

/* Bring into a print what is mapped, by rising address, and what a page holds. */
static inline void pshare_print_mapped(struct pshare_print *print, u64 value)
{
	print->mapped = (print->mapped ^ value) * PSHARE_PRINT_FACTOR;
}

/* What PSHARE_EMPTY_RUN times pshare_print_mapped() of an empty entry makes of a print. */
static inline void pshare_print_empty_run(struct pshare_print *print)
{
	const u64 square = PSHARE_PRINT_FACTOR * PSHARE_PRINT_FACTOR;

	BUILD_BUG_ON(PSHARE_EMPTY_RUN != 8);
	print->mapped *= square * square * square * square;
}

static inline void pshare_print_content(struct pshare_print *print, unsigned int nr, u64 hash)
{
	print->sample[pshare_sample_of(nr)] += ((hash ^ nr) * PSHARE_PRINT_FACTOR) >> 48;
}

/*
 * Pins for I/O are held for long, for ever where a device is passed through: no
 * frame is made for such a page or its twin, nor a round tried, visit for visit.
 * A frame of an earlier load has many references because it has many mappings.
 */
static inline bool pshare_page_is_pinned(struct page *page)
{
	return PageAnon(page) && folio_maybe_dma_pinned(page_folio(page));
}

/**
 * struct pshare_place - where a page was looked for last: the next one is near
 * @vma: area that can be merged, or NULL
 * @pmd: middle-level entry of @index, or NULL
 * @index: address >> PMD_SHIFT
 *
 * Begins with zeros, and means nothing any more once mmap_lock is let go.
 */
struct pshare_place {
	struct vm_area_struct *vma;
	pmd_t *pmd;
	unsigned long index;
};

/**
 * pshare_walk_get_page() - the page at an address that may be shared
 * @mm: the address space; mmap_lock held
 * @addr: any address; nothing is known of what is mapped there
 * @place: of the search before, under the same hold of mmap_lock; brought up to date
 *
 * That is an anonymous page, or a frame of an earlier load.
 * Return: the page (a part of a large folio, too) with a reference, or NULL.
 */
struct page *pshare_walk_get_page(struct mm_struct *mm, unsigned long addr,
				  struct pshare_place *place);

/**
 * pshare_walk_count() - count what a VM has mapped
 * @vm: a VM with a reference
 * @mapped: filled
 * Context: may sleep; takes mmap_lock for 16 page tables at a time.
 * Return: 0, -ESRCH if the address space ended, -EBUSY if mmap_lock was contended.
 */
int pshare_walk_count(struct pshare_vm *vm, struct pshare_mapped *mapped);

#endif
