/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between the supported kernels, and nowhere else. Each block is
 * named after what differs.
 */
#ifndef PSHARE_COMPAT_H
#define PSHARE_COMPAT_H

#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/rmap.h>
#include <linux/static_call.h>
#include <linux/swap.h>
#include <linux/version.h>
#include <net/genetlink.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "pshare supports kernels 6.1 and 6.12; this one is older than 6.1"
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0) && LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#error "pshare supports kernels 6.1 and 6.12; this one lies between them"
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#error "pshare supports kernels 6.1 and 6.12; this one is newer than 6.12"
#endif

#define PSHARE_KERNEL_6_12 (LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0))

/* Declared for built-in code only. */
void flush_tlb_mm_range(struct mm_struct *mm, unsigned long start, unsigned long end,
			unsigned int stride_shift, bool freed_tables);

/*
 * Private symbols: X(name, type of the function). ksyms.c makes a static call
 * of each, found at load. ksyms_rmap: page or folio functions; ksyms_tlb:
 * secondary TLBs are flushed by flush_tlb_mm_range() itself on 6.12;
 * ksyms_pte: page tables can vanish under mmap_lock on 6.12.
 */
#define PSHARE_KSYMS_COMMON(X) \
	X(__mmu_notifier_invalidate_range_start) \
	X(__mmu_notifier_invalidate_range_end) \
	X(flush_tlb_mm_range) \
	X(folio_free_swap) \
	X(lru_add_drain_all)

#if PSHARE_KERNEL_6_12
#define PSHARE_KSYMS(X) \
	PSHARE_KSYMS_COMMON(X) \
	X(folio_add_file_rmap_ptes) \
	X(folio_remove_rmap_ptes) \
	X(__pte_offset_map_lock) \
	X(split_huge_page_to_list_to_order)
#define PSHARE_KSYM_MM_KOBJ "mm_kobj"
#else
#define PSHARE_KSYMS(X) \
	PSHARE_KSYMS_COMMON(X) \
	X(__mmu_notifier_invalidate_range) \
	X(page_add_file_rmap) \
	X(page_remove_rmap) \
	X(split_huge_page_to_list)
#endif

#define X(name) DECLARE_STATIC_CALL(pshare_##name, name);
PSHARE_KSYMS(X)
#undef X

/* Call a private function: ksym(folio_free_swap)(folio). ksyms.c finds it. */
#define ksym(name) static_call(pshare_##name)

/*
 * Formatted extack messages: 6.1 keeps a pointer to a constant string only. A
 * request there gets an extack with room for the message behind it, and has to
 * be answered while it lives: pshare_extack_end() does so, and tells netlink
 * by -EINTR to send no second answer. An extack without room, as dumps have
 * it, keeps its message unset.
 */
#ifdef NL_SET_ERR_MSG_FMT
struct pshare_extack {};

static inline void pshare_extack_begin(struct pshare_extack *own, struct genl_info *info)
{
}

static inline int pshare_extack_end(struct pshare_extack *own, struct sk_buff *skb,
				    struct genl_info *info, int err)
{
	return err;
}
#else
#define PSHARE_EXTACK_ROOM	0x5a

struct pshare_extack {
	struct netlink_ext_ack ack;
	struct netlink_ext_ack *outer;
	char msg[80];
};

static inline void pshare_extack_begin(struct pshare_extack *own, struct genl_info *info)
{
	memset(own, 0, sizeof(*own));
	/* Unused where cookie_len is 0; core's extacks are all zero there. */
	own->ack.cookie[0] = PSHARE_EXTACK_ROOM;
	own->outer = info->extack;
	info->extack = &own->ack;
}

static inline int pshare_extack_end(struct pshare_extack *own, struct sk_buff *skb,
				    struct genl_info *info, int err)
{
	own->ack.cookie[0] = 0;
	info->extack = own->outer;
	if (!err)
		return 0;
	if (own->ack._msg != own->msg) {
		*own->outer = own->ack;
		return err;
	}
	netlink_ack(skb, info->nlhdr, err, &own->ack);
	return -EINTR;
}

static inline __printf(2, 3) void pshare_extack_format(struct netlink_ext_ack *extack,
						       const char *fmt, ...)
{
	struct pshare_extack *own;
	va_list args;

	if (!extack || extack->cookie[0] != PSHARE_EXTACK_ROOM)
		return;
	own = container_of(extack, struct pshare_extack, ack);
	va_start(args, fmt);
	vsnprintf(own->msg, sizeof(own->msg), fmt, args);
	va_end(args);
	extack->_msg = own->msg;
}

#define NL_SET_ERR_MSG_FMT(extack, fmt, args...) pshare_extack_format(extack, fmt, ##args)
#endif

/* Attributes of a request for a dump. */
static inline struct nlattr **pshare_dump_attrs(struct netlink_callback *cb)
{
#if PSHARE_KERNEL_6_12
	return genl_info_dump(cb)->attrs;
#else
	return genl_dumpit_info(cb)->attrs;
#endif
}

/* Areas with rules of their own for their pages, where the kernel knows them. */
#ifdef VM_DROPPABLE
#define PSHARE_VM_DROPPABLE VM_DROPPABLE
#else
#define PSHARE_VM_DROPPABLE VM_NONE
#endif
#ifdef VM_SHADOW_STACK
#define PSHARE_VM_SHADOW_STACK VM_SHADOW_STACK
#else
#define PSHARE_VM_SHADOW_STACK VM_NONE
#endif

/* How often a page is mapped; order-0 pages only. */
static inline int pshare_mapcount(const struct page *page)
{
	return atomic_read(&page->_mapcount) + 1;
}

/* mmu_notifier_range_init() lost the vma. */
static inline void pshare_range_init(struct mmu_notifier_range *range,
				     struct vm_area_struct *vma,
				     unsigned long start, unsigned long end)
{
#if PSHARE_KERNEL_6_12
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, vma->vm_mm, start, end);
#else
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, vma, vma->vm_mm, start, end);
#endif
}

/* Resident set counters became per-CPU counters. */
static inline void pshare_add_mm_counter(struct mm_struct *mm, int member, long value)
{
#if PSHARE_KERNEL_6_12
	percpu_counter_add(&mm->rss_stat[member], value);
#else
	atomic_long_add(value, &mm->rss_stat.count[member]);
#endif
}

/* get_user_pages_remote() lost the array of vmas. */
static inline long pshare_gup_remote(struct mm_struct *mm, unsigned long addr,
				     unsigned int flags, struct page **page)
{
#if PSHARE_KERNEL_6_12
	return get_user_pages_remote(mm, addr, 1, flags, page, NULL);
#else
	return get_user_pages_remote(mm, addr, 1, flags, page, NULL, NULL);
#endif
}

/* A page table entry is read through an accessor. */
static inline pte_t pshare_ptep_get(pte_t *ptep)
{
#if PSHARE_KERNEL_6_12
	return ptep_get(ptep);
#else
	return READ_ONCE(*ptep);
#endif
}

/* One word on x86-64, so that a plain read is whole on both. */
static inline pmd_t pshare_pmdp_get(pmd_t *pmdp)
{
	return READ_ONCE(*pmdp);
}

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
