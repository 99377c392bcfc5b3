// SPDX-License-Identifier: GPL-2.0
/* Pages that the index names as equals of one that is looked at; see visit.h. */
#include <linux/mmap_lock.h>

#include "compare.h"
#include "store.h"
#include "visit.h"

enum twin {
	TWIN_STALE,	/* not there any more, or not equal any more */
	TWIN_BUSY,	/* a lock was contended, or a device has it */
	TWIN_LARGE,	/* there, but part of a large folio, which may never be split */
	TWIN_THERE,
};

/* Is the page at a candidate's place equal to this one, and may they be shared? */
static enum twin look_at_twin(struct pshare_visit *visit, struct pshare_vm *vm,
			      struct pshare_place *place, u64 addr, const struct pshare_look *look)
{
	struct page *page = vm->domain == visit->sharer.domain ?
			    pshare_walk_get_page(vm->mm, addr, place) : NULL;
	enum twin twin = TWIN_STALE;

	if (!page)
		return TWIN_STALE;
	if (visit->sharer.nid != NUMA_NO_NODE && page_to_nid(page) != visit->sharer.nid)
		goto out;
	if (pshare_page_equal(page_address(page), look->content)) {
		twin = PageCompound(page) ? TWIN_LARGE : TWIN_THERE;
		if (pshare_page_is_pinned(page))
			twin = TWIN_BUSY;
	} else if (pshare_fingerprint(&pshare_hasher, page_address(page)) == look->hash) {
		/* Different pages of one fingerprint: see pshare_frame_collides(). */
		pshare_index_set_crowded(&pshare_index, look->key);
		visit->tally.c[PSHARE_C_skipped_collision]++;
	}
out:
	put_page(page);
	return twin;
}

/* The locks of another VM are only tried for. */
static enum twin lock_other(struct pshare_vm *vm)
{
	if (READ_ONCE(vm->ending))
		return TWIN_STALE;
	if (READ_ONCE(vm->paused) || !down_read_trylock(&vm->scan_sem))
		return TWIN_BUSY;
	if (!mmget_not_zero(vm->mm)) {
		up_read(&vm->scan_sem);
		return TWIN_STALE;
	}
	if (!mmap_read_trylock(vm->mm)) {
		mmput_async(vm->mm);
		up_read(&vm->scan_sem);
		return TWIN_BUSY;
	}
	return TWIN_THERE;
}

static void leave_other(struct pshare_visit *visit)
{
	struct pshare_vm *vm = visit->other.vm;

	if (!vm)
		return;
	visit->other.vm = NULL;
	mmap_read_unlock(vm->mm);
	mmput_async(vm->mm);
	up_read(&vm->scan_sem);
	pshare_vm_put(vm);
}

/* Does somebody wait for what is kept? */
static bool is_waited_for(struct pshare_vm *vm)
{
	return READ_ONCE(vm->ending) || READ_ONCE(vm->paused) ||
	       mmap_lock_is_contended(vm->mm) || rwsem_is_contended(&vm->scan_sem);
}

/* Twins lie side by side: whoever was entered for one page is kept for the next. */
static enum twin enter_other(struct pshare_visit *visit, u32 slot)
{
	struct pshare_vm *vm = visit->other.vm;
	enum twin twin;

	if (vm && vm->slot == slot && !is_waited_for(vm))
		return TWIN_THERE;
	leave_other(visit);
	vm = pshare_vm_find_slot(slot);
	if (!vm)
		return TWIN_STALE;
	twin = lock_other(vm);
	if (twin != TWIN_THERE) {
		pshare_vm_put(vm);
		return twin;
	}
	visit->other = (struct pshare_other) { .vm = vm };
	return TWIN_THERE;
}

static enum twin try_twin(struct pshare_visit *visit, const struct pshare_candidate *candidate,
			  const struct pshare_look *look)
{
	enum twin twin;

	if (candidate->slot == visit->vm->slot)
		return look_at_twin(visit, visit->vm, &visit->place, candidate->addr, look);
	twin = enter_other(visit, candidate->slot);
	if (twin != TWIN_THERE)
		return twin;
	return look_at_twin(visit, visit->other.vm, &visit->other.place, candidate->addr, look);
}

/*
 * A single page is not made a frame for the sake of a large folio: that is split
 * when its own region is visited, if at all, and until then would share nothing.
 */
static bool suits(const struct pshare_look *look, enum twin twin)
{
	return twin == TWIN_THERE || (twin == TWIN_LARGE && look->kind == PSHARE_PAGE_LARGE);
}

const struct pshare_candidate *pshare_visit_find_twin(struct pshare_visit *visit,
						      const struct pshare_look *look)
{
	unsigned int i;

	for (i = 0; i < look->nr_twins; i++) {
		enum twin twin = try_twin(visit, &look->twins[i], look);

		if (suits(look, twin))
			return &look->twins[i];
		visit->found.put_off += twin == TWIN_BUSY;
		if (twin == TWIN_STALE)
			pshare_index_erase(&pshare_index, look->key, look->twins[i]);
	}
	visit->found.unshared += look->nr_twins != 0;
	return NULL;
}

static void tell(struct pshare_visit *visit, struct pshare_want *want)
{
	u64 addr = want->region << PSHARE_REGION_SHIFT;
	struct pshare_vm *vm;

	if (want->slot == visit->vm->slot) {
		pshare_region_want(visit->vm, addr, want->pages);
	} else {
		vm = pshare_vm_find_slot(want->slot);
		if (!vm)
			return;
		pshare_region_want(vm, addr, want->pages);
		pshare_vm_put(vm);
	}
}

/* Twins lie side by side: most are in the region that the last one was in. */
static void want(struct pshare_visit *visit, const struct pshare_candidate *twin)
{
	struct pshare_want *want = &visit->wants[twin->slot % PSHARE_WANTS];
	u64 region = twin->addr >> PSHARE_REGION_SHIFT;

	if (want->slot != twin->slot || want->region != region) {
		if (want->slot)
			tell(visit, want);
		want->slot = twin->slot;
		want->region = region;
		bitmap_zero(want->pages, PSHARE_REGION_PAGES);
	}
	__set_bit((twin->addr >> PAGE_SHIFT) % PSHARE_REGION_PAGES, want->pages);
}

/* A page that is equal to a new frame can be merged into it: soon. */
void pshare_visit_want_twins(struct pshare_visit *visit, const struct pshare_look *look)
{
	unsigned int i;

	for (i = 0; i < look->nr_twins; i++)
		want(visit, &look->twins[i]);
}

void pshare_visit_leave_twins(struct pshare_visit *visit)
{
	unsigned int i;

	leave_other(visit);
	for (i = 0; i < PSHARE_WANTS; i++) {
		if (visit->wants[i].slot)
			tell(visit, &visit->wants[i]);
		visit->wants[i].slot = 0;
	}
}
