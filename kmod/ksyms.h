/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private kernel symbols: found at load, called by static calls, so that they
 * cost a direct call and no indirect branch. The list is PSHARE_KSYMS in
 * compat.h, with the other differences between kernels.
 */
#ifndef PSHARE_KSYMS_H
#define PSHARE_KSYMS_H

#include <linux/static_call.h>

#include "compat.h"

struct kobject;

#define X(name) DECLARE_STATIC_CALL(pshare_##name, name);
PSHARE_KSYMS(X)
#undef X

/* Call a private function: ksym(folio_free_swap)(folio). */
#define ksym(name) static_call(pshare_##name)

/**
 * pshare_ksyms_init() - find every private symbol
 *
 * Logs the name of each one that is missing. Context: process context, at load.
 * Return: 0, -ENOENT if one is missing, or what kprobes say.
 */
int pshare_ksyms_init(void);

/* The kobject of /sys/kernel/mm. */
struct kobject *pshare_mm_kobj(void);

/*
 * Wrappers that hide which of the functions a kernel has.
 */

/* A page table and its lock, or NULL if the table is gone. */
static inline pte_t *pshare_pte_lock(struct mm_struct *mm, pmd_t *pmd, unsigned long addr,
				     spinlock_t **ptl)
{
#if PSHARE_KERNEL_6_12
	return ksym(__pte_offset_map_lock)(mm, pmd, addr, ptl);
#else
	pmd_t value = pshare_pmdp_get(pmd);

	if (!pmd_present(value) || pmd_trans_huge(value) || pmd_devmap(value) || pmd_bad(value))
		return NULL;
	return pte_offset_map_lock(mm, pmd, addr, ptl);
#endif
}

static inline void pshare_notifier_start(struct mmu_notifier_range *range)
{
	might_sleep();
	range->flags |= MMU_NOTIFIER_RANGE_BLOCKABLE;
	if (mm_has_notifiers(range->mm))
		ksym(__mmu_notifier_invalidate_range_start)(range);
}

/* The same without sleeping. Return: false if a notifier cannot; then none has been started. */
static inline bool pshare_notifier_try_start(struct mmu_notifier_range *range)
{
	return !mm_has_notifiers(range->mm) ||
	       !ksym(__mmu_notifier_invalidate_range_start)(range);
}

static inline void pshare_notifier_end(struct mmu_notifier_range *range)
{
	if (!mm_has_notifiers(range->mm))
		return;
#if PSHARE_KERNEL_6_12
	ksym(__mmu_notifier_invalidate_range_end)(range);
#else
	ksym(__mmu_notifier_invalidate_range_end)(range, false);
#endif
}

/* Flush cleared page table entries, from processors and secondary TLBs. */
static inline void pshare_flush_tlb(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	ksym(flush_tlb_mm_range)(mm, start, end, PAGE_SHIFT, false);
#if !PSHARE_KERNEL_6_12
	if (mm_has_notifiers(mm))
		ksym(__mmu_notifier_invalidate_range)(mm, start, end);
#endif
}

/* Pages of order 0 only: such a page is its own folio. */
static inline void pshare_add_file_rmap(struct page *page, struct vm_area_struct *vma)
{
#if PSHARE_KERNEL_6_12
	ksym(folio_add_file_rmap_ptes)((struct folio *)page, page, 1, vma);
#else
	ksym(page_add_file_rmap)(page, vma, false);
#endif
}

static inline void pshare_remove_rmap(struct page *page, struct vm_area_struct *vma)
{
#if PSHARE_KERNEL_6_12
	ksym(folio_remove_rmap_ptes)((struct folio *)page, page, 1, vma);
#else
	ksym(page_remove_rmap)(page, vma, false);
#endif
}

/* Split a locked large folio to single pages. Return: 0 or an error. */
static inline int pshare_split_folio(struct page *page)
{
#if PSHARE_KERNEL_6_12
	return ksym(split_huge_page_to_list_to_order)(page, NULL, 0);
#else
	return ksym(split_huge_page_to_list)(page, NULL);
#endif
}

#endif
