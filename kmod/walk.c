// SPDX-License-Identifier: GPL-2.0
/* Page tables of a VM; see walk.h. */
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/swap.h>
#include <linux/swapops.h>

#include "compat.h"
#include "fingerprint.h"
#include "frame.h"
#include "store.h"
#include "vector.h"
#include "walk.h"

enum pshare_never pshare_vma_never(const struct vm_area_struct *vma)
{
	unsigned long flags = vma->vm_flags;

	if (flags & VM_HUGETLB)
		return PSHARE_NEVER_HUGETLB;
	if (flags & (VM_PFNMAP | VM_IO | VM_MIXEDMAP | PSHARE_VM_DROPPABLE |
		     PSHARE_VM_SHADOW_STACK))
		return PSHARE_NEVER_DEVICE;
	if (flags & VM_SHARED || !vma_is_anonymous((struct vm_area_struct *)vma))
		return PSHARE_NEVER_SHARED_MEMORY;
	if (flags & VM_LOCKED)
		return PSHARE_NEVER_MLOCKED;
	return PSHARE_NR_NEVER;
}

static pud_t *walk_pud(struct mm_struct *mm, unsigned long addr, unsigned long *next)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	*next = ALIGN_DOWN(addr, PGDIR_SIZE) + PGDIR_SIZE;
	if (pgd_none(*pgd) || pgd_bad(*pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	*next = ALIGN_DOWN(addr, P4D_SIZE) + P4D_SIZE;
	if (p4d_none(*p4d) || p4d_bad(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	*next = ALIGN_DOWN(addr, PUD_SIZE) + PUD_SIZE;
	if (!pud_present(*pud) || pud_bad(*pud))
		return NULL;
	return pud;
}

pmd_t *pshare_walk_pmd(struct mm_struct *mm, unsigned long addr)
{
	unsigned long next;
	pud_t *pud = walk_pud(mm, addr, &next);

	return pud ? pmd_offset(pud, addr) : NULL;
}

static __always_inline bool is_empty_run(const unsigned long *entry)
{
	BUILD_BUG_ON(PSHARE_EMPTY_RUN != 8);
	return !(READ_ONCE(entry[0]) | READ_ONCE(entry[1]) | READ_ONCE(entry[2]) |
		 READ_ONCE(entry[3]) | READ_ONCE(entry[4]) | READ_ONCE(entry[5]) |
		 READ_ONCE(entry[6]) | READ_ONCE(entry[7]));
}

/* How many of a table's @n entries from this one on are empty, in whole runs. */
static __always_inline unsigned int count_empty(const unsigned long *entry, unsigned int n)
{
	unsigned int empty = 0;

	while (empty + PSHARE_EMPTY_RUN <= n && is_empty_run(entry + empty))
		empty += PSHARE_EMPTY_RUN;
	return empty;
}

/* The first address at or after this one with an entry in its middle-level table, or @end. */
static unsigned long next_in_table(pud_t *pud, unsigned long addr, unsigned long end)
{
	unsigned int first = pmd_index(addr), nr = first;
	pmd_t *table = pmd_offset(pud, addr) - first;

	while (nr < PTRS_PER_PMD && pmd_none(pshare_pmdp_get(table + nr))) {
		nr++;
		nr += count_empty(&table[nr].pmd, PTRS_PER_PMD - nr);
	}
	if (nr > first)
		addr = ALIGN_DOWN(addr, PUD_SIZE) + nr * PMD_SIZE;
	return min(addr, end);
}

unsigned long pshare_walk_next(struct mm_struct *mm, unsigned long addr, unsigned long end)
{
	while (addr < end) {
		unsigned long next;
		pud_t *pud = walk_pud(mm, addr, &next);

		/* The last one of all wraps around. */
		if (next <= addr || next > end)
			next = end;
		addr = pud ? next_in_table(pud, addr, next) : next;
		if (addr < next)
			return addr;
	}
	return end;
}

static void collect_frame(struct page *page, unsigned int nr, struct pshare_chunk *chunk)
{
	chunk->frames++;
	if (pshare_mapcount(page) == 1 && pshare_frame_is_old(page))
		chunk->give_back[chunk->nr_give_back++] = nr;
}

/*
 * A process can have frames of another domain: from before it was registered
 * anew, from its parent, or from an earlier load of the module.
 */
static bool is_foreign(struct page *page, const struct pshare_chunk *chunk)
{
	return (pshare_frame_is_ours(page) || pshare_frame_is_leftover(page)) &&
	       pshare_frame_domain(page) != chunk->domain;
}

static __always_inline void collect_look(struct page *page, void *content,
					 enum pshare_page_kind kind, unsigned int nr,
					 struct pshare_chunk *chunk)
{
	struct pshare_look *look = &chunk->look[chunk->n++];

	look->page = page;
	look->content = content;
	look->frame = NULL;
	look->nr = nr;
	look->nr_twins = 0;
	look->kind = kind;
	look->zero = false;
	look->known = false;
	look->stable = false;
	look->held = false;
	pshare_fingerprint_prefetch(&pshare_hasher, content);
}

static void collect_page(struct page *page, unsigned int nr, struct pshare_chunk *chunk,
			 struct pshare_tally *tally)
{
	struct folio *folio = page_folio(page);
	enum pshare_page_kind kind = folio_test_large(folio) ? PSHARE_PAGE_LARGE :
							       PSHARE_PAGE_SINGLE;

	if (folio_test_anon(folio)) {
		if (folio_test_ksm(folio))
			tally->c[PSHARE_C_skipped_ksm]++;
		else
			collect_look(page, page_address(page), kind, nr, chunk);
	} else if (is_foreign(page, chunk)) {
		chunk->frames += pshare_frame_is_ours(page);
		chunk->give_back[chunk->nr_give_back++] = nr;
	} else if (pshare_frame_is_ours(page)) {
		collect_frame(page, nr, chunk);
	} else if (pshare_frame_is_leftover(page)) {
		collect_look(page, page_address(page), PSHARE_PAGE_SINGLE, nr, chunk);
	}
}

/* A present entry that maps a page, and no more is to be known of it. */
static __always_inline bool is_plain(pte_t pte)
{
	return (pte.pte & (_PAGE_PRESENT | _PAGE_SPECIAL | _PAGE_UFFD_WP | _PAGE_DEVMAP)) ==
	       _PAGE_PRESENT;
}

/* An anonymous page that is no part of a larger folio, and not ksmd's: nearly all are. */
static __always_inline bool is_single(const struct page *page)
{
	return !(READ_ONCE(page->compound_head) & 1) && !test_bit(PG_head, &page->flags) &&
	       ((unsigned long)READ_ONCE(page->mapping) & PAGE_MAPPING_FLAGS) == PAGE_MAPPING_ANON;
}

/* The page, whatever the processor or NUMA balancing note in the entry. */
static __always_inline u64 mapped_by(pte_t pte)
{
	if (likely(pte.pte & _PAGE_PRESENT))
		return pte_val(pte) & PTE_PFN_MASK;
	return pte_present(pte) ? (u64)pte_pfn(pte) << PAGE_SHIFT : pte_val(pte);
}

static noinline void collect_entry(pte_t pte, unsigned int nr, struct pshare_chunk *chunk,
				   struct pshare_tally *tally)
{
	if (pte_none(pte))
		return;
	if (!pte_present(pte)) {
		if (!non_swap_entry(pte_to_swp_entry(pte)))
			tally->c[PSHARE_C_skipped_swap]++;
		return;
	}
	chunk->present++;
	if (pte_special(pte)) {
		chunk->zeros += is_zero_pfn(pte_pfn(pte));
		return;
	}
	if (pte_uffd_wp(pte)) {
		tally->c[PSHARE_C_skipped_uffd]++;
		return;
	}
	if (!pte_devmap(pte))
		collect_page(pte_page(pte), nr, chunk, tally);
}

static void begin_chunk(struct pshare_chunk *chunk)
{
	chunk->n = 0;
	chunk->present = 0;
	chunk->frames = 0;
	chunk->zeros = 0;
	chunk->nr_give_back = 0;
}

static void take_fingerprints(struct pshare_chunk *chunk, struct pshare_tally *tally)
{
	unsigned int i;

	if (!chunk->n)
		return;
	pshare_vector_begin();
	for (i = 0; i < chunk->n; i++) {
		struct pshare_look *look = &chunk->look[i];

		look->hash = pshare_fingerprint_within(&pshare_hasher, look->content);
		pshare_print_content(&chunk->print, look->nr, look->hash);
	}
	pshare_vector_end();
	tally->c[PSHARE_C_pages_scanned] += chunk->n;
}

/* The entries after an empty one that are empty, too, in whole runs; the print has them. */
static unsigned int pass_empty(pte_t *ptep, unsigned int n, struct pshare_print *print)
{
	unsigned int empty = count_empty(&ptep->pte, n), i;

	for (i = 0; i < empty; i += PSHARE_EMPTY_RUN)
		pshare_print_empty_run(print);
	return empty;
}

void pshare_walk_collect(pte_t *ptep, unsigned int first, unsigned int n,
			 struct pshare_chunk *chunk, struct pshare_tally *tally)
{
	unsigned int i;

	begin_chunk(chunk);
	for (i = 0; i < n; i++) {
		pte_t pte = pshare_ptep_get(ptep + i);
		u64 value = mapped_by(pte);

		pshare_print_mapped(&chunk->print, value);
		if (likely(is_plain(pte) && is_single(pfn_to_page(value >> PAGE_SHIFT)))) {
			chunk->present++;
			collect_look(pfn_to_page(value >> PAGE_SHIFT), __va(value),
				     PSHARE_PAGE_SINGLE, first + i, chunk);
		} else if (pte_none(pte)) {
			i += pass_empty(ptep + i + 1, n - i - 1, &chunk->print);
		} else {
			collect_entry(pte, first + i, chunk, tally);
		}
	}
	take_fingerprints(chunk, tally);
}

bool pshare_walk_pick(pte_t *ptep, unsigned int first, unsigned int n,
		      const unsigned long *wanted, struct pshare_chunk *chunk,
		      struct pshare_tally *tally)
{
	bool large = false;
	unsigned int i;

	begin_chunk(chunk);
	for (i = first; (i = find_next_bit(wanted, first + n, i)) < first + n; i++) {
		collect_entry(pshare_ptep_get(ptep + i - first), i, chunk, tally);
		if (chunk->n && chunk->look[chunk->n - 1].kind == PSHARE_PAGE_LARGE) {
			large = true;
			chunk->n--;
		}
	}
	take_fingerprints(chunk, tally);
	return large;
}

unsigned int pshare_walk_print(pte_t *ptep, unsigned int n, struct pshare_print *print)
{
	unsigned int i, used = 0;

	for (i = 0; i < n; i++) {
		pte_t pte = pshare_ptep_get(ptep + i);

		pshare_print_mapped(print, mapped_by(pte));
		if (pte_none(pte))
			i += pass_empty(ptep + i + 1, n - i - 1, print);
		else
			used++;
	}
	return used;
}

void pshare_walk_sample(pte_t *ptep, unsigned int first, unsigned int n, unsigned int sample,
			struct pshare_chunk *chunk, struct pshare_tally *tally)
{
	struct pshare_tally skips = {};
	unsigned int i, row;

	begin_chunk(chunk);
	for (row = first / PSHARE_SAMPLES; row * PSHARE_SAMPLES < first + n; row++) {
		pte_t pte;

		i = pshare_sample_page(row, sample);
		if (i < first || i >= first + n)
			continue;
		pte = pshare_ptep_get(ptep + i - first);
		if (!pte_none(pte))
			collect_entry(pte, i, chunk, &skips);
	}
	take_fingerprints(chunk, tally);
}

static struct page *get_huge(struct mm_struct *mm, pmd_t *pmd, unsigned long addr)
{
	spinlock_t *ptl = pmd_lock(mm, pmd);
	struct page *page = NULL;
	pmd_t value = pshare_pmdp_get(pmd);

	if (pmd_present(value) && pmd_trans_huge(value)) {
		page = pmd_page(value) + ((addr & ~PMD_MASK) >> PAGE_SHIFT);
		if (PageAnon(page))
			get_page(page);
		else
			page = NULL;
	}
	spin_unlock(ptl);
	return page;
}

/* What was remembered may be long gone, and anything mapped there now. */
static pmd_t *find_place(struct mm_struct *mm, unsigned long addr, struct pshare_place *place)
{
	struct vm_area_struct *vma = place->vma;

	if (!vma || addr < vma->vm_start || addr >= vma->vm_end) {
		vma = find_vma(mm, addr);
		if (!vma || vma->vm_start > addr || pshare_vma_never(vma) != PSHARE_NR_NEVER)
			return NULL;
		place->vma = vma;
	}
	if (!place->pmd || place->index != addr >> PMD_SHIFT) {
		place->pmd = pshare_walk_pmd(mm, addr);
		place->index = addr >> PMD_SHIFT;
	}
	return place->pmd;
}

struct page *pshare_walk_get_page(struct mm_struct *mm, unsigned long addr,
				  struct pshare_place *place)
{
	pmd_t *pmd = find_place(mm, addr, place);
	struct page *page = NULL;
	spinlock_t *ptl;
	pte_t *ptep, pte;

	if (!pmd || pmd_none(pshare_pmdp_get(pmd)))
		return NULL;
	if (pmd_trans_huge(pshare_pmdp_get(pmd)))
		return get_huge(mm, pmd, addr);
	ptep = pshare_pte_lock(mm, pmd, addr, &ptl);
	if (!ptep)
		return NULL;
	pte = pshare_ptep_get(ptep);
	if (pte_present(pte) && !pte_special(pte) && !pte_devmap(pte)) {
		page = pte_page(pte);
		if ((PageAnon(page) && !PageKsm(page)) || pshare_frame_is_leftover(page))
			get_page(page);
		else
			page = NULL;
	}
	pte_unmap_unlock(ptep, ptl);
	return page;
}

static void count_entry(pte_t pte, struct pshare_mapped *mapped)
{
	struct page *page;

	if (!pte_present(pte) || pte_devmap(pte))
		return;
	if (pte_special(pte)) {
		mapped->zeros += is_zero_pfn(pte_pfn(pte));
		return;
	}
	page = pte_page(pte);
	if (PageAnon(page))
		return;
	if (pshare_frame_is_ours(page)) {
		mapped->frames++;
		mapped->sharing += pshare_mapcount(page) > 1;
	} else if (pshare_frame_is_leftover(page)) {
		mapped->leftovers++;
	}
}

static void add_zeros(struct pshare_vm *vm, unsigned long addr, u64 zeros,
		      struct pshare_mapped *mapped)
{
	u64 index = addr >> PSHARE_REGION_SHIFT;

	if (mapped->zeros_index != index) {
		mapped->zeros_index = index;
		mapped->zeros_left = pshare_region_zeros(vm, addr);
	}
	zeros = min_t(u64, zeros, mapped->zeros_left);
	mapped->zeros += zeros;
	mapped->zeros_left -= zeros;
}

static void count_table(struct pshare_vm *vm, struct mm_struct *mm, unsigned long addr,
			unsigned long end, struct pshare_mapped *mapped)
{
	pmd_t *pmd = pshare_walk_pmd(mm, addr);
	struct pshare_mapped here = {};
	spinlock_t *ptl;
	pte_t *ptep, *first;

	if (!pmd || pmd_trans_huge(pshare_pmdp_get(pmd)) || pmd_none(pshare_pmdp_get(pmd)))
		return;
	first = pshare_pte_lock(mm, pmd, addr, &ptl);
	if (!first)
		return;
	for (ptep = first; addr < end; ptep++, addr += PAGE_SIZE)
		count_entry(pshare_ptep_get(ptep), &here);
	pte_unmap_unlock(first, ptl);
	add_zeros(vm, end - 1, here.zeros, mapped);
	mapped->frames += here.frames;
	mapped->sharing += here.sharing;
	mapped->leftovers += here.leftovers;
}

/* One locked stretch of the walk. Return: where it ended. */
static unsigned long count_some(struct pshare_vm *vm, unsigned long addr,
				struct pshare_mapped *mapped)
{
	struct mm_struct *mm = vm->mm;
	struct vm_area_struct *vma;
	unsigned int tables = 0;

	VMA_ITERATOR(vmi, mm, addr);
	for_each_vma(vmi, vma) {
		unsigned long end = vma->vm_end;

		if (!vma_is_anonymous(vma) || vma->vm_flags & (VM_SHARED | VM_HUGETLB))
			continue;
		addr = max(addr, vma->vm_start);
		while ((addr = pshare_walk_next(mm, addr, end)) < end) {
			unsigned long stop = min(end, (addr & PMD_MASK) + PMD_SIZE);

			count_table(vm, mm, addr, stop, mapped);
			addr = stop;
			if (++tables == 16)
				return addr;
		}
	}
	return TASK_SIZE_MAX;
}

int pshare_walk_count(struct pshare_vm *vm, struct pshare_mapped *mapped)
{
	unsigned long addr = 0;

	memset(mapped, 0, sizeof(*mapped));
	while (addr < TASK_SIZE_MAX) {
		if (!mmget_not_zero(vm->mm))
			return -ESRCH;
		if (!mmap_read_trylock(vm->mm)) {
			mmput_async(vm->mm);
			return -EBUSY;
		}
		addr = count_some(vm, addr, mapped);
		mmap_read_unlock(vm->mm);
		mmput_async(vm->mm);
		cond_resched();
	}
	return 0;
}
