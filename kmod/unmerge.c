// SPDX-License-Identifier: GPL-2.0
/*
 * Giving VMs their own copies back: by a write fault on each shared page, the
 * kernel's own way to break a sharing.
 */
#include <linux/bitmap.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>

#include "frame.h"
#include "ksyms.h"
#include "trace.h"
#include "unmerge.h"
#include "vm.h"
#include "walk.h"

/* Memory that an unmerge leaves to the host, of all: one part in so many. */
#define RESERVE_PART	50

int pshare_unmerge_page(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);
	struct page *page;
	long got;

	if (!vma || vma->vm_start > addr)
		return 0;
	if (vma->vm_flags & VM_WRITE)
		return fixup_user_fault(mm, addr, FAULT_FLAG_WRITE, NULL);
	/* Read-only or inaccessible: as a debugger writes it. */
	got = pshare_gup_remote(mm, addr, FOLL_WRITE | FOLL_FORCE, &page);
	if (got != 1)
		return got < 0 ? got : -EFAULT;
	put_page(page);
	return 0;
}

static u64 reserve_pages(void)
{
	return totalram_pages() / RESERVE_PART;
}

int pshare_unmerge_check_host(u64 pages, struct netlink_ext_ack *extack)
{
	s64 available = si_mem_available() - (s64)reserve_pages();

	if (available >= (s64)pages)
		return 0;
	available = max_t(s64, available, 0);
	NL_SET_ERR_MSG_FMT(extack, "memory short: %llu MiB needed, %llu available; force tries",
			   pages >> (20 - PAGE_SHIFT), (u64)available >> (20 - PAGE_SHIFT));
	return -ENOMEM;
}

/* What the memory cgroup of an address space, and those above it, leave. */
static u64 cgroup_room(struct mm_struct *mm)
{
	u64 room = PAGE_COUNTER_MAX;
	struct mem_cgroup *memcg, *at;

	if (mem_cgroup_disabled())
		return room;
	memcg = get_mem_cgroup_from_mm(mm);
	for (at = memcg; at; at = parent_mem_cgroup(at)) {
		u64 max = READ_ONCE(at->memory.max), used = page_counter_read(&at->memory);

		room = min(room, max > used ? max - used : 0);
	}
	mem_cgroup_put(memcg);
	return room;
}

int pshare_unmerge_check(struct mm_struct *mm, u64 pages, struct netlink_ext_ack *extack)
{
	u64 room;
	int err;

	err = pshare_unmerge_check_host(pages, extack);
	if (err)
		return err;
	room = cgroup_room(mm);
	if (room >= pages)
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "memory cgroup: %llu MiB needed, %llu left; force tries",
			   pages >> (20 - PAGE_SHIFT), room >> (20 - PAGE_SHIFT));
	return -ENOMEM;
}

u64 pshare_unmerge_pages(struct pshare_vm *vm)
{
	struct pshare_mapped mapped;

	/* Counted as far as it came, if the VM is busy or ends. */
	pshare_walk_count(vm, &mapped);
	return mapped.frames + mapped.leftovers + mapped.zeros;
}

static bool is_shared(pte_t pte, bool zeros)
{
	struct page *page;

	if (!pte_present(pte) || pte_devmap(pte))
		return false;
	if (pte_special(pte))
		return zeros && is_zero_pfn(pte_pfn(pte));
	page = pte_page(pte);
	return pshare_frame_is_ours(page) || pshare_frame_is_leftover(page);
}

/* Which pages of a table are shared: a bit for each, counted from @addr on. */
static unsigned int find_shared(struct pshare_vm *vm, unsigned long addr, unsigned long end,
				unsigned long *shared)
{
	pmd_t *pmd = pshare_walk_pmd(vm->mm, addr);
	bool zeros = pshare_region_zeros(vm, addr);
	unsigned int i = 0, n = 0;
	spinlock_t *ptl;
	pte_t *first;

	bitmap_zero(shared, PTRS_PER_PTE);
	if (!pmd || pmd_none(pshare_pmdp_get(pmd)) || pmd_trans_huge(pshare_pmdp_get(pmd)))
		return 0;
	first = pshare_pte_lock(vm->mm, pmd, addr, &ptl);
	if (!first)
		return 0;
	for (; addr < end; i++, addr += PAGE_SIZE) {
		if (is_shared(pshare_ptep_get(first + i), zeros)) {
			__set_bit(i, shared);
			n++;
		}
	}
	pte_unmap_unlock(first, ptl);
	return n;
}

static int unmerge_table(struct pshare_vm *vm, unsigned long addr, unsigned long end,
			 bool force, struct netlink_ext_ack *extack)
{
	DECLARE_BITMAP(shared, PTRS_PER_PTE);
	unsigned int i, n = find_shared(vm, addr, end, shared);
	int err = 0;

	if (!n)
		return 0;
	if (!force && pshare_unmerge_check(vm->mm, n, extack))
		return -ENOMEM;
	n = 0;
	for_each_set_bit(i, shared, PTRS_PER_PTE) {
		err = pshare_unmerge_page(vm->mm, addr + i * PAGE_SIZE);
		if (err)
			break;
		n++;
	}
	pshare_stats_add_one(vm, PSHARE_C_unmerges, n);
	trace_unmerge(vm->pid, addr, n, err);
	return err;
}

/* One page table under mmap_lock. Return: 0 or an error; @addr is moved on. */
static int unmerge_some(struct pshare_vm *vm, unsigned long *addr, bool force,
			struct netlink_ext_ack *extack)
{
	struct vm_area_struct *vma;

	VMA_ITERATOR(vmi, vm->mm, *addr);
	for_each_vma(vmi, vma) {
		unsigned long from, end;
		int err;

		if (!vma_is_anonymous(vma) || vma->vm_flags & (VM_SHARED | VM_HUGETLB))
			continue;
		from = pshare_walk_next(vm->mm, max(*addr, vma->vm_start), vma->vm_end);
		if (from >= vma->vm_end)
			continue;
		end = min(vma->vm_end, (from & PMD_MASK) + PMD_SIZE);
		err = unmerge_table(vm, from, end, force, extack);
		*addr = end;
		return err;
	}
	*addr = TASK_SIZE_MAX;
	return 0;
}

static int say_why(int err, struct netlink_ext_ack *extack)
{
	switch (err) {
	case -EINTR:
		NL_SET_ERR_MSG(extack, "interrupted; what was unshared so far stays so");
		return err;
	case -ENOMEM:
		if (extack && !extack->_msg)
			NL_SET_ERR_MSG(extack, "no memory for a copy; what was unshared stays so");
		return err;
	default:
		NL_SET_ERR_MSG(extack, "a shared page cannot be copied: userfaultfd protects it?");
		return -EBUSY;
	}
}

int pshare_unmerge_vm(struct pshare_vm *vm, bool force, struct netlink_ext_ack *extack)
{
	unsigned long addr = 0;
	int err = 0;

	while (addr < TASK_SIZE_MAX && !err) {
		if (fatal_signal_pending(current))
			return say_why(-EINTR, extack);
		if (!mmget_not_zero(vm->mm))
			return 0;
		if (!mmap_read_lock_killable(vm->mm)) {
			err = unmerge_some(vm, &addr, force, extack);
			mmap_read_unlock(vm->mm);
		} else {
			err = -EINTR;
		}
		mmput_async(vm->mm);
		cond_resched();
	}
	if (err)
		return say_why(err, extack);
	pshare_region_forget_shared(vm);
	return 0;
}
