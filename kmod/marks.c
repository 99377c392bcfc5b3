// SPDX-License-Identifier: GPL-2.0
/* What is remembered of single pages; see marks.h. */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "marks.h"
#include "stats.h"
#include "vm.h"

#define WANTED_BYTES	(PSHARE_REGION_PAGES / 8)

/* Under the queue's lock. */
static u64 nr_marked, nr_wanted;

static void set_marks(struct pshare_region *region, u8 *marks)
{
	int more = !!marks - !!region->marks;

	pshare_region_assert_locked();
	region->marks = marks;
	nr_marked += more;
	region->vm->nr_marked += more;
}

void pshare_marks_keep(struct pshare_region *region, const u8 *marks, bool needed,
		       struct pshare_tally *tally)
{
	u8 *old = region->marks, *new = NULL;

	if (needed)
		new = old ?: kmalloc(PSHARE_REGION_PAGES,
				     GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (new)
		memcpy(new, marks, PSHARE_REGION_PAGES);
	else
		tally->c[PSHARE_C_skipped_nomem] += needed;
	if (new == old)
		return;
	pshare_region_lock();
	set_marks(region, new);
	pshare_region_unlock();
	kfree(old);
}

bool pshare_wanted_add(struct pshare_region *region, const unsigned long *pages)
{
	pshare_region_assert_locked();
	if (!region->wanted) {
		region->wanted = kzalloc(WANTED_BYTES, GFP_NOWAIT | __GFP_NOWARN);
		if (!region->wanted)
			return false;
		nr_wanted++;
		region->vm->nr_wanted++;
	}
	bitmap_or(region->wanted, region->wanted, pages, PSHARE_REGION_PAGES);
	return true;
}

void pshare_wanted_take(struct pshare_region *region, unsigned long *pages)
{
	pshare_region_assert_locked();
	if (!region->wanted)
		return;
	if (pages)
		bitmap_copy(pages, region->wanted, PSHARE_REGION_PAGES);
	kfree(region->wanted);
	region->wanted = NULL;
	nr_wanted--;
	region->vm->nr_wanted--;
}

void pshare_marks_drop(struct pshare_region *region)
{
	u8 *marks = region->marks;

	set_marks(region, NULL);
	kfree(marks);
	pshare_wanted_take(region, NULL);
}

u64 pshare_marks_bytes(void)
{
	return READ_ONCE(nr_marked) * PSHARE_REGION_PAGES + READ_ONCE(nr_wanted) * WANTED_BYTES;
}

u64 pshare_marks_bytes_of(const struct pshare_vm *vm)
{
	return READ_ONCE(vm->nr_marked) * PSHARE_REGION_PAGES +
	       READ_ONCE(vm->nr_wanted) * WANTED_BYTES;
}
