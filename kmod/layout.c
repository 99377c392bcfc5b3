// SPDX-License-Identifier: GPL-2.0
/* Layout walk; see layout.h. */
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/sched/mm.h>

#include "compat.h"
#include "index.h"
#include "layout.h"
#include "region.h"
#include "vm.h"
#include "walk.h"

/* Regions that are looked at, and areas, under one hold of mmap_lock. */
#define STRETCH	256

static unsigned long limit(void)
{
	return min_t(unsigned long, TASK_SIZE_MAX, PSHARE_ADDR_LIMIT);
}

/* Where memory begins in the area, region by region. */
static void walk_area(struct pshare_vm *vm, struct pshare_layout *layout, unsigned long end)
{
	struct mm_struct *mm = vm->mm;

	while (layout->left) {
		layout->addr = pshare_walk_next(mm, layout->addr, end);
		if (layout->addr >= end)
			return;
		layout->found += pshare_region_add(vm, layout->addr);
		layout->addr = min(end, ALIGN_DOWN(layout->addr, PSHARE_REGION_SIZE) +
					PSHARE_REGION_SIZE);
		layout->left--;
	}
}

static void walk_stretch(struct pshare_vm *vm, struct pshare_layout *layout)
{
	struct mm_struct *mm = vm->mm;
	struct vm_area_struct *vma;

	VMA_ITERATOR(vmi, mm, layout->addr);
	for_each_vma(vmi, vma) {
		enum pshare_never never = pshare_vma_never(vma);
		unsigned long start = max(layout->addr, vma->vm_start);

		if (start >= limit())
			break;
		if (!layout->left || mmap_lock_is_contended(mm))
			return;
		layout->addr = start;
		layout->left--;
		if (never == PSHARE_NR_NEVER) {
			walk_area(vm, layout, min(vma->vm_end, limit()));
			if (layout->addr < min(vma->vm_end, limit()))
				return;
		} else {
			layout->never[never] += vma->vm_end - start;
		}
		layout->addr = vma->vm_end;
	}
	layout->addr = limit();
}

static void note_never(struct pshare_vm *vm, const u64 *never)
{
	static const enum pshare_counter counter[PSHARE_NR_NEVER] = {
		[PSHARE_NEVER_SHARED_MEMORY] = PSHARE_C_skipped_shared_memory,
		[PSHARE_NEVER_HUGETLB] = PSHARE_C_skipped_hugetlb,
		[PSHARE_NEVER_MLOCKED] = PSHARE_C_skipped_mlocked,
		[PSHARE_NEVER_DEVICE] = PSHARE_NR_COUNTERS,
	};
	unsigned int i;

	for (i = 0; i < PSHARE_NR_NEVER; i++) {
		s64 pages = (s64)(never[i] - vm->never[i]) >> PAGE_SHIFT;

		if (counter[i] != PSHARE_NR_COUNTERS)
			pshare_stats_add_one(vm, counter[i], pages);
		WRITE_ONCE(vm->never[i], never[i]);
	}
}

static int walk_locked(struct pshare_vm *vm, struct pshare_layout *layout)
{
	struct mm_struct *mm = vm->mm;
	int err = -EBUSY;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	if (mmap_read_trylock(mm)) {
		layout->left = STRETCH;
		walk_stretch(vm, layout);
		mmap_read_unlock(mm);
		err = 0;
	}
	mmput_async(mm);
	if (err)
		pshare_stats_add_one(vm, PSHARE_C_skipped_busy, 1);
	return err;
}

int pshare_layout_walk(struct pshare_vm *vm)
{
	struct pshare_layout *layout = &vm->walk;
	int err, found;

	/* A walk that was put off because of a lock goes on where it was. */
	while (layout->addr < limit()) {
		if (READ_ONCE(vm->ending))
			return -ESRCH;
		err = walk_locked(vm, layout);
		if (err)
			return err;
		cond_resched();
	}
	note_never(vm, layout->never);
	found = layout->found;
	memset(layout, 0, sizeof(*layout));
	pshare_region_expect(vm, get_mm_counter(vm->mm, MM_ANONPAGES));
	return found;
}
