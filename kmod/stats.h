/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters: one table, read by sysfs and netlink, kept once for the host and
 * once for each VM.
 */
#ifndef PSHARE_STATS_H
#define PSHARE_STATS_H

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/types.h>
#else
#include "user_types.h"
#endif

/*
 * Every counter, in the order of the netlink attributes PSHARE_A_COUNTERS_*:
 * X(sysfs name and enum suffix, netlink attribute suffix).
 */
#define PSHARE_COUNTERS(X) \
	X(pages_shared, PAGES_SHARED) \
	X(pages_sharing, PAGES_SHARING) \
	X(zero_pages, ZERO_PAGES) \
	X(pages_unshared, PAGES_UNSHARED) \
	X(pages_volatile, PAGES_VOLATILE) \
	X(pages_scanned, PAGES_SCANNED) \
	X(full_scans, FULL_SCANS) \
	X(general_profit, GENERAL_PROFIT) \
	X(metadata_bytes, METADATA_BYTES) \
	X(merges, MERGES) \
	X(unmerges, UNMERGES) \
	X(cow_breaks, COW_BREAKS) \
	X(thp_split, THP_SPLIT) \
	X(thp_kept, THP_KEPT) \
	X(notifier_rounds, NOTIFIER_ROUNDS) \
	X(scan_cpu_ns, SCAN_CPU_NS) \
	X(skipped_pinned, SKIPPED_PINNED) \
	X(skipped_changed, SKIPPED_CHANGED) \
	X(skipped_collision, SKIPPED_COLLISION) \
	X(skipped_locked, SKIPPED_LOCKED) \
	X(skipped_swap, SKIPPED_SWAP) \
	X(skipped_ksm, SKIPPED_KSM) \
	X(skipped_shared_memory, SKIPPED_SHARED_MEMORY) \
	X(skipped_hugetlb, SKIPPED_HUGETLB) \
	X(skipped_mlocked, SKIPPED_MLOCKED) \
	X(skipped_uffd, SKIPPED_UFFD) \
	X(skipped_busy, SKIPPED_BUSY) \
	X(skipped_nomem, SKIPPED_NOMEM) \
	X(skipped_limit, SKIPPED_LIMIT)

enum pshare_counter {
#define X(name, attr) PSHARE_C_##name,
	PSHARE_COUNTERS(X)
#undef X
	PSHARE_NR_COUNTERS,
};

struct pshare_vm;

/* What is kept for the host and for each VM; see pshare_stats_add(). */
struct pshare_stats {
	atomic64_t c[PSHARE_NR_COUNTERS];
};

/* What one visit adds, gauges as differences; private to one thread. */
struct pshare_tally {
	s64 c[PSHARE_NR_COUNTERS];
};

extern struct pshare_stats pshare_host_stats;
extern const char * const pshare_counter_names[PSHARE_NR_COUNTERS];

/**
 * pshare_stats_add() - take a tally into a VM's and the host's counters
 * @vm: the VM, or NULL for the host alone
 * @tally: emptied by the call
 *
 * Context: any; takes no lock.
 */
void pshare_stats_add(struct pshare_vm *vm, struct pshare_tally *tally);

/**
 * pshare_stats_add_one() - add to one counter of the host, and of a VM
 * @vm: the VM, or NULL for the host alone
 * @counter: which
 * @n: how much; negative for a gauge that falls
 *
 * Context: any.
 */
void pshare_stats_add_one(struct pshare_vm *vm, enum pshare_counter counter, s64 n);

/**
 * pshare_stats_read() - all counters, those of sharing at most one second old
 * @vm: a VM, or NULL for the host
 * @refresh: count sharing anew, whatever the age of the last count
 * @out: PSHARE_NR_COUNTERS values
 *
 * Walks the frames (and a VM's page tables) when the last walk is more than a
 * second ago. Context: process context, may sleep, no lock held.
 */
void pshare_stats_read(struct pshare_vm *vm, bool refresh, s64 *out);

/**
 * pshare_stats_drop() - forget the gauges of a VM that ends
 * @vm: the VM; its gauges are taken out of the host's
 */
void pshare_stats_drop(struct pshare_vm *vm);

#endif
