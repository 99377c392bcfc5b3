// SPDX-License-Identifier: GPL-2.0
/* What is told of regions; see region.h. */
#include <linux/jiffies.h>

#include "region.h"
#include "vm.h"

unsigned int pshare_region_zeros(struct pshare_vm *vm, u64 addr)
{
	struct pshare_region *region;
	unsigned int zeros;

	pshare_region_lock();
	region = xa_load(&vm->regions, addr >> PSHARE_REGION_SHIFT);
	zeros = region ? region->zero : 0;
	pshare_region_unlock();
	return zeros;
}

bool pshare_region_next(struct pshare_vm *vm, u64 addr, struct pshare_region_info *info)
{
	unsigned long index = addr >> PSHARE_REGION_SHIFT;
	struct pshare_region *region;
	u64 now = get_jiffies_64();

	pshare_region_lock();
	region = xa_find(&vm->regions, &index, ULONG_MAX, XA_PRESENT);
	if (region) {
		*info = (struct pshare_region_info) {
			.addr = (u64)index << PSHARE_REGION_SHIFT,
			.state = region->state,
			.present = region->present,
			.shared = region->shared,
			.zero = region->zero,
			.unshared = region->unshared,
			.volatile_pages = region->volatile_pages,
			.yield_permille = region->yield * 1000 / 1024,
			.churn_permille = region->churn * 1000 / 1024,
			.interval_ms = jiffies_to_msecs(region->interval),
			.due_ms = region->due > now ? jiffies_to_msecs(region->due - now) : 0,
			.visits = region->visits,
		};
	}
	pshare_region_unlock();
	return region;
}
