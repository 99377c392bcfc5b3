// SPDX-License-Identifier: GPL-2.0
/* Counters of the host and of each VM; see stats.h. */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mutex.h>

#include "frame.h"
#include "region.h"
#include "stats.h"
#include "store.h"
#include "vm.h"
#include "walk.h"

#define X(name, attr) [PSHARE_C_##name] = #name,
const char * const pshare_counter_names[PSHARE_NR_COUNTERS] = { PSHARE_COUNTERS(X) };
#undef X

struct pshare_stats pshare_host_stats;

/* The last count of sharing, of the host. */
static DEFINE_MUTEX(count_mutex);
static unsigned long counted_at;
static bool counted;
static u64 pages_shared, pages_sharing, zero_pages;

void pshare_stats_add(struct pshare_vm *vm, struct pshare_tally *tally)
{
	unsigned int i;

	for (i = 0; i < PSHARE_NR_COUNTERS; i++) {
		if (!tally->c[i])
			continue;
		pshare_stats_add_one(vm, i, tally->c[i]);
		tally->c[i] = 0;
	}
}

void pshare_stats_add_one(struct pshare_vm *vm, enum pshare_counter counter, s64 n)
{
	atomic64_add(n, &pshare_host_stats.c[counter]);
	if (vm)
		atomic64_add(n, &vm->stats.c[counter]);
}

static bool is_fresh(unsigned long when)
{
	return time_before(jiffies, when + HZ);
}

static void count_vm(struct pshare_vm *vm)
{
	struct pshare_mapped mapped;

	if (pshare_walk_count(vm, &mapped))
		return;
	atomic64_set(&vm->counted_shared, mapped.frames);
	atomic64_set(&vm->counted_sharing, mapped.sharing);
	atomic64_set(&vm->counted_zeros, mapped.zeros);
	WRITE_ONCE(vm->counted, jiffies | 1);
}

/* A VM that could not be counted keeps its last numbers. */
static void refresh_vm(struct pshare_vm *vm, bool refresh)
{
	unsigned long when = READ_ONCE(vm->counted);

	if (refresh || !when || !is_fresh(when))
		count_vm(vm);
}

static void count_host(void)
{
	u64 zeros = 0;
	u32 slot = 0;
	struct pshare_vm *vm;

	pshare_frame_count(&pages_shared, &pages_sharing);
	while ((vm = pshare_vm_next(&slot))) {
		/* Only VMs that have some need their page tables walked. */
		if (atomic64_read(&vm->stats.c[PSHARE_C_zero_pages])) {
			refresh_vm(vm, true);
			zeros += atomic64_read(&vm->counted_zeros);
		}
		pshare_vm_put(vm);
		cond_resched();
	}
	zero_pages = zeros;
	counted_at = jiffies;
	counted = true;
}

static u64 metadata_bytes(void)
{
	return pshare_store_bytes() + pshare_region_bytes() +
	       (u64)pshare_vm_count() * sizeof(struct pshare_vm);
}

/* Gauges are changed in two steps, and can be below zero in between. */
static void copy(const struct pshare_stats *stats, s64 *out)
{
	unsigned int i;

	for (i = 0; i < PSHARE_NR_COUNTERS; i++)
		out[i] = max_t(s64, atomic64_read(&stats->c[i]), 0);
}

static void read_vm(struct pshare_vm *vm, bool refresh, s64 *out)
{
	refresh_vm(vm, refresh);
	copy(&vm->stats, out);
	out[PSHARE_C_pages_shared] = atomic64_read(&vm->counted_shared);
	out[PSHARE_C_pages_sharing] = atomic64_read(&vm->counted_sharing);
	out[PSHARE_C_zero_pages] = atomic64_read(&vm->counted_zeros);
	/* Passes that ended while it was registered. */
	out[PSHARE_C_full_scans] = atomic64_read(&pshare_host_stats.c[PSHARE_C_full_scans]) -
				   vm->first_pass;
	out[PSHARE_C_metadata_bytes] = sizeof(*vm) + pshare_region_bytes_of(vm);
	/* Its frames are one more page each that the sharers have in common. */
	out[PSHARE_C_general_profit] = (out[PSHARE_C_pages_sharing] +
					out[PSHARE_C_zero_pages]) * (s64)PAGE_SIZE -
				       out[PSHARE_C_metadata_bytes];
}

static void read_host(bool refresh, s64 *out)
{
	mutex_lock(&count_mutex);
	if (refresh || !counted || !is_fresh(counted_at))
		count_host();
	copy(&pshare_host_stats, out);
	out[PSHARE_C_pages_shared] = pages_shared;
	out[PSHARE_C_pages_sharing] = pages_sharing;
	out[PSHARE_C_zero_pages] = zero_pages;
	mutex_unlock(&count_mutex);
	out[PSHARE_C_metadata_bytes] = metadata_bytes();
	out[PSHARE_C_general_profit] = (out[PSHARE_C_pages_sharing] +
					out[PSHARE_C_zero_pages]) * (s64)PAGE_SIZE -
				       out[PSHARE_C_metadata_bytes];
}

void pshare_stats_read(struct pshare_vm *vm, bool refresh, s64 *out)
{
	if (vm)
		read_vm(vm, refresh, out);
	else
		read_host(refresh, out);
}

void pshare_stats_drop(struct pshare_vm *vm)
{
	static const enum pshare_counter gauges[] = {
		PSHARE_C_pages_shared, PSHARE_C_zero_pages, PSHARE_C_pages_unshared,
		PSHARE_C_pages_volatile, PSHARE_C_skipped_shared_memory,
		PSHARE_C_skipped_hugetlb, PSHARE_C_skipped_mlocked,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gauges); i++)
		pshare_stats_add_one(vm, gauges[i], -atomic64_read(&vm->stats.c[gauges[i]]));
}
