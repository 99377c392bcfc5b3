// SPDX-License-Identifier: GPL-2.0
/*
 * Huge pages and other large folios: their pages are looked at in place, and
 * the folio is split only when enough of them are duplicates.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>

#include "compat.h"
#include "knobs.h"
#include "priority.h"
#include "store.h"
#include "trace.h"
#include "visit.h"

static enum pshare_thp_policy policy_of(const struct pshare_vm *vm)
{
	static const enum pshare_thp_policy of_knob[] = {
		[PSHARE_KNOB_THP_NEVER] = PSHARE_THP_POLICY_NEVER,
		[PSHARE_KNOB_THP_AUTO] = PSHARE_THP_POLICY_AUTO,
		[PSHARE_KNOB_THP_ALWAYS] = PSHARE_THP_POLICY_ALWAYS,
	};
	u32 policy = READ_ONCE(vm->thp);

	return policy == PSHARE_THP_POLICY_DEFAULT ? of_knob[READ_ONCE(pshare_knobs.thp)] : policy;
}

bool pshare_huge_worth(const struct pshare_vm *vm, unsigned int duplicates,
		       unsigned int pages)
{
	switch (policy_of(vm)) {
	case PSHARE_THP_POLICY_ALWAYS:
		return duplicates;
	case PSHARE_THP_POLICY_AUTO:
		/* thp_min_duplicates is of 512 pages; a smaller folio needs its part. */
		return duplicates && duplicates * (u64)PSHARE_REGION_PAGES >=
		       READ_ONCE(pshare_knobs.thp_min_duplicates) * pages;
	default:
		return false;
	}
}

bool pshare_huge_split(struct pshare_visit *visit, struct page *page, unsigned long addr,
		       unsigned int duplicates)
{
	int err = -EAGAIN;

	if (trylock_page(page)) {
		err = PageCompound(page) ? pshare_split_folio(page) : 0;
		unlock_page(page);
		if (err)
			visit->tally.c[PSHARE_C_skipped_pinned]++;
	} else {
		visit->tally.c[PSHARE_C_skipped_locked]++;
	}
	put_page(page);
	visit->tally.c[err ? PSHARE_C_thp_kept : PSHARE_C_thp_split]++;
	trace_thp_split(addr, duplicates, err);
	return !err;
}

/* Return: the huge page mapped there, with a reference, or NULL. */
static struct page *get_huge(struct pshare_visit *visit)
{
	spinlock_t *ptl = pmd_lock(visit->mm, visit->pmd);
	pmd_t pmd = pshare_pmdp_get(visit->pmd);
	struct page *page = NULL;

	if (pmd_present(pmd) && pmd_trans_huge(pmd)) {
		page = pmd_page(pmd);
		if (PageAnon(page) && !pmd_uffd_wp(pmd))
			get_page(page);
		else
			page = NULL;
	}
	spin_unlock(ptl);
	return page;
}

static bool is_duplicate(struct pshare_visit *visit, struct pshare_look *look)
{
	bool found = look->frame || look->zero;

	if (!found && look->nr_twins)
		found = pshare_visit_find_twin(visit, look);
	if (look->frame)
		put_page(look->frame);
	visit->found.split_zeros += look->zero;
	return found;
}

static unsigned int count_duplicates(struct pshare_visit *visit, struct page *head,
				     unsigned int first, unsigned int n)
{
	struct pshare_look look = { .kind = PSHARE_PAGE_LARGE };
	unsigned int i, duplicates = 0;

	for (i = first; i < first + n; i++) {
		if (i % PSHARE_CHUNK_PAGES == 0) {
			pshare_visit_leave_twins(visit);
			pshare_priority_give_way();
		}
		look.page = head + i;
		look.content = page_address(look.page);
		look.nr = i;
		look.frame = NULL;
		look.nr_twins = 0;
		look.zero = false;
		look.hash = pshare_fingerprint(&pshare_hasher, look.content);
		pshare_visit_look_up(visit, &look);
		duplicates += is_duplicate(visit, &look);
	}
	pshare_visit_leave_twins(visit);
	visit->tally.c[PSHARE_C_pages_scanned] += n;
	return duplicates;
}

void pshare_huge_sample(struct pshare_visit *visit, unsigned long addr)
{
	unsigned long end = min(visit->vma->vm_end, (addr & PMD_MASK) + PMD_SIZE);
	unsigned int i, n = (end - addr) >> PAGE_SHIFT;
	struct page *head = get_huge(visit);

	visit->found.present += n;
	if (!head)
		return;
	pshare_print_mapped(&visit->chunk.print, page_to_pfn(head));
	for (i = (addr & ~PMD_MASK) >> PAGE_SHIFT; n--; i++) {
		if (pshare_sample_of(i) == visit->sample)
			pshare_print_content(&visit->chunk.print, i,
					     pshare_fingerprint(&pshare_hasher,
								page_address(head + i)));
	}
	put_page(head);
}

bool pshare_huge_visit(struct pshare_visit *visit, unsigned long addr)
{
	unsigned int first = (addr & ~PMD_MASK) >> PAGE_SHIFT;
	unsigned long end = min(visit->vma->vm_end, (addr & PMD_MASK) + PMD_SIZE);
	unsigned int n = (end - addr) >> PAGE_SHIFT, duplicates, zeros = visit->found.split_zeros;
	struct page *head = get_huge(visit);
	bool worth;

	if (!head) {
		/* The huge zero page, or write-protected by userfaultfd. */
		visit->found.present += n;
		return false;
	}
	pshare_print_mapped(&visit->chunk.print, page_to_pfn(head));
	duplicates = count_duplicates(visit, head, first, n);
	/* Once: the policy may change, and the split takes our reference. */
	worth = pshare_huge_worth(visit->vm, duplicates, n);
	if (worth && pshare_huge_split(visit, head, addr, duplicates))
		return true;
	if (!worth) {
		put_page(head);
		visit->tally.c[PSHARE_C_thp_kept]++;
	}
	visit->found.split_zeros = zeros;
	visit->found.present += n;
	return false;
}
