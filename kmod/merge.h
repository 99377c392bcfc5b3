/* SPDX-License-Identifier: GPL-2.0 */
/* The one place that replaces pages in page tables. */
#ifndef PSHARE_MERGE_H
#define PSHARE_MERGE_H

#include <linux/mm.h>

#include "frame.h"
#include "region.h"
#include "stats.h"

#define PSHARE_BATCH_PAGES	64

/**
 * struct pshare_merge - one page to replace
 * @addr: where it is mapped
 * @page: what is mapped there, of order 0; a reference is held
 * @frame: what to map instead, or NULL for the zero page; its reference becomes the mapping's
 * @old: the entry that was cleared
 * @state: how far it came; private to merge.c
 */
struct pshare_merge {
	unsigned long addr;
	struct page *page;
	struct page *frame;
	pte_t old;
	u8 state;
};

/**
 * struct pshare_batch - pages of one page table and one area
 * @n: how many
 * @item: by rising address
 */
struct pshare_batch {
	unsigned int n;
	struct pshare_merge item[PSHARE_BATCH_PAGES];
};

/**
 * pshare_merge_batch() - replace pages by their frames, where all is right
 * @vm: whose pages they are
 * @vma: private anonymous area that all pages are in
 * @pmd: of their page table
 * @batch: emptied; the references in it are dropped
 * @tally: counts what happened, by reason
 * @found: gets the numbers of merged and failed pages
 *
 * Context: mmap_lock of the VM held for read, its mm_users held,
 * pshare_store_sem held for read; may sleep.
 */
void pshare_merge_batch(struct pshare_vm *vm, struct vm_area_struct *vma, pmd_t *pmd,
			struct pshare_batch *batch, struct pshare_tally *tally,
			struct pshare_found *found);

#endif
