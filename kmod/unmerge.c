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

#include "compat.h"
#include "frame.h"
#include "trace.h"
#include "unmerge.h"
#include "vm.h"
#include "walk.h"

/* Memory that an unmerge leaves to the host, of all: one part in so many. */
#define RESERVE_PART	50

/* The module is being unloaded. */
static bool aborted;

/*
 * A fault that userfaultfd would report, because the page was protected or thrown
 * away meanwhile, does not wait for the monitor: the page is busy. fixup_user_fault()
 * cannot say so.
 */
static int write_fault(struct vm_area_struct *vma, unsigned long addr)
{
	vm_fault_t fault = handle_mm_fault(vma, addr, FAULT_FLAG_WRITE | FAULT_FLAG_REMOTE |
					   FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT, NULL);

	if (fault & VM_FAULT_ERROR)
		return vm_fault_to_errno(fault, 0);
	return fault & VM_FAULT_RETRY ? -EBUSY : 0;
}

/* The same for a read-only or inaccessible area: as a debugger writes it. */
static int forced_write(struct mm_struct *mm, unsigned long addr)
{
	struct page *page;
	long got = pshare_gup_remote(mm, addr, FOLL_WRITE | FOLL_FORCE | FOLL_NOWAIT, &page);

	if (got != 1)
		return got < 0 ? got : -EBUSY;
	put_page(page);
	return 0;
}

int pshare_unmerge_page(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	if (!vma || vma->vm_start > addr)
		return 0;
	return vma->vm_flags & VM_WRITE ? write_fault(vma, addr) : forced_write(mm, addr);
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

	/* Whoever holds mmap_lock for write lets go of it soon. */
	while (pshare_walk_count(vm, &mapped) == -EBUSY && !fatal_signal_pending(current) &&
	       !READ_ONCE(aborted))
		schedule_timeout_killable(1);
	return mapped.frames + mapped.leftovers + mapped.zeros;
}

/**
 * struct unmerge - an unmerge that is going on
 * @vm: whose
 * @addr: where to go on
 * @force: go on even when memory is short
 * @extack: gets the reason of an error
 * @stuck: pages that could not be copied
 */
struct unmerge {
	struct pshare_vm *vm;
	unsigned long addr;
	bool force;
	struct netlink_ext_ack *extack;
	u64 stuck;
};

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

/*
 * Which pages of a table are shared: a bit for each, counted from @addr on. Those
 * that userfaultfd protects are its monitor's to unprotect.
 */
static unsigned int find_shared(struct unmerge *unmerge, unsigned long addr, unsigned long end,
				unsigned long *shared)
{
	struct mm_struct *mm = unmerge->vm->mm;
	pmd_t *pmd = pshare_walk_pmd(mm, addr);
	bool zeros = pshare_region_zeros(unmerge->vm, addr);
	unsigned int i = 0, n = 0;
	spinlock_t *ptl;
	pte_t *first;

	bitmap_zero(shared, PTRS_PER_PTE);
	if (!pmd || pmd_none(pshare_pmdp_get(pmd)) || pmd_trans_huge(pshare_pmdp_get(pmd)))
		return 0;
	first = pshare_pte_lock(mm, pmd, addr, &ptl);
	if (!first)
		return 0;
	for (; addr < end; i++, addr += PAGE_SIZE) {
		pte_t pte = pshare_ptep_get(first + i);

		if (!is_shared(pte, zeros))
			continue;
		if (pte_uffd_wp(pte)) {
			unmerge->stuck++;
			continue;
		}
		__set_bit(i, shared);
		n++;
	}
	pte_unmap_unlock(first, ptl);
	return n;
}

static int unmerge_table(struct unmerge *unmerge, unsigned long addr, unsigned long end)
{
	struct pshare_vm *vm = unmerge->vm;
	DECLARE_BITMAP(shared, PTRS_PER_PTE);
	unsigned int i, n = find_shared(unmerge, addr, end, shared);
	int err = 0;

	if (!n)
		return 0;
	if (!unmerge->force && pshare_unmerge_check(vm->mm, n, unmerge->extack))
		return -ENOMEM;
	n = 0;
	for_each_set_bit(i, shared, PTRS_PER_PTE) {
		err = pshare_unmerge_page(vm->mm, addr + i * PAGE_SIZE);
		if (err == -ENOMEM || err == -EINTR)
			break;
		if (err)
			unmerge->stuck++;
		else
			n++;
		err = 0;
	}
	pshare_stats_add_one(vm, PSHARE_C_unmerges, n);
	trace_unmerge(vm->pid, addr, n, err);
	return err;
}

/* One page table, under mmap_lock. */
static int unmerge_some(struct unmerge *unmerge)
{
	struct mm_struct *mm = unmerge->vm->mm;
	struct vm_area_struct *vma;

	VMA_ITERATOR(vmi, mm, unmerge->addr);
	for_each_vma(vmi, vma) {
		unsigned long from, end;

		if (!vma_is_anonymous(vma) || vma->vm_flags & (VM_SHARED | VM_HUGETLB))
			continue;
		from = pshare_walk_next(mm, max(unmerge->addr, vma->vm_start), vma->vm_end);
		if (from >= vma->vm_end)
			continue;
		end = min(vma->vm_end, (from & PMD_MASK) + PMD_SIZE);
		unmerge->addr = end;
		return unmerge_table(unmerge, from, end);
	}
	unmerge->addr = TASK_SIZE_MAX;
	return 0;
}

static int say_why(int err, struct netlink_ext_ack *extack)
{
	if (!extack || extack->_msg)
		return err;
	switch (err) {
	case -EINTR:
		NL_SET_ERR_MSG(extack, "interrupted; what was unshared so far stays so");
		break;
	case -ENOMEM:
		NL_SET_ERR_MSG(extack, "no memory for a copy; what was unshared stays so");
		break;
	default:
		NL_SET_ERR_MSG(extack, "shared pages cannot be copied: userfaultfd protects them?");
	}
	return err;
}

/* Return: 0, -ESRCH when the address space has ended, or an error. */
static int unmerge_locked(struct unmerge *unmerge)
{
	struct mm_struct *mm = unmerge->vm->mm;
	int err;

	if (fatal_signal_pending(current) || READ_ONCE(aborted))
		return -EINTR;
	if (!mmget_not_zero(mm))
		return -ESRCH;
	err = mmap_read_lock_killable(mm);
	if (!err) {
		err = unmerge_some(unmerge);
		mmap_read_unlock(mm);
	}
	mmput_async(mm);
	return err;
}

int pshare_unmerge_vm(struct pshare_vm *vm, bool force, struct netlink_ext_ack *extack)
{
	struct unmerge unmerge = { .vm = vm, .force = force, .extack = extack };
	int err = 0;

	while (unmerge.addr < TASK_SIZE_MAX && !err) {
		err = unmerge_locked(&unmerge);
		cond_resched();
	}
	if (err == -ESRCH)
		return 0;
	if (!err && unmerge.stuck)
		err = -EBUSY;
	if (err)
		return say_why(err, extack);
	pshare_region_forget_shared(vm);
	return 0;
}

void pshare_unmerge_abort(void)
{
	WRITE_ONCE(aborted, true);
}
