// SPDX-License-Identifier: GPL-2.0
/* Every counter, once: its attribute, unit and name, which is also its name in sysfs. */
#include <linux/pshare.h>

#include "schema.h"

#define COUNTER(name, unit, text)	\
	{ PSHARE_A_COUNTERS_##name, FIELD_U64, unit, .key = text }
#define GAUGE(name, text, column)	\
	{ PSHARE_A_COUNTERS_##name, FIELD_U64, UNIT_PAGES, .key = text, .heading = column }
#define SKIPPED(name, unit, reason)	\
	{ PSHARE_A_COUNTERS_SKIPPED_##name, FIELD_U64, unit, true, .key = "skipped_" reason }

static const struct field counter_rows[] = {
	GAUGE(PAGES_SHARED, "pages_shared", "SHARED"),
	GAUGE(PAGES_SHARING, "pages_sharing", "SHARING"),
	GAUGE(ZERO_PAGES, "zero_pages", "ZERO"),
	GAUGE(PAGES_UNSHARED, "pages_unshared", "UNSHARED"),
	GAUGE(PAGES_VOLATILE, "pages_volatile", "VOLATILE"),
	COUNTER(PAGES_SCANNED, UNIT_NONE, "pages_scanned"),
	COUNTER(FULL_SCANS, UNIT_NONE, "full_scans"),
	{ PSHARE_A_COUNTERS_GENERAL_PROFIT, FIELD_S64, UNIT_BYTES, .key = "general_profit" },
	COUNTER(METADATA_BYTES, UNIT_BYTES, "metadata_bytes"),
	COUNTER(MERGES, UNIT_NONE, "merges"),
	COUNTER(UNMERGES, UNIT_NONE, "unmerges"),
	COUNTER(COW_BREAKS, UNIT_NONE, "cow_breaks"),
	COUNTER(THP_SPLIT, UNIT_NONE, "thp_split"),
	COUNTER(THP_KEPT, UNIT_NONE, "thp_kept"),
	COUNTER(NOTIFIER_ROUNDS, UNIT_NONE, "notifier_rounds"),
	COUNTER(SCAN_CPU_NS, UNIT_NS, "scan_cpu_ns"),
	SKIPPED(PINNED, UNIT_NONE, "pinned"),
	SKIPPED(CHANGED, UNIT_NONE, "changed"),
	SKIPPED(COLLISION, UNIT_NONE, "collision"),
	SKIPPED(LOCKED, UNIT_NONE, "locked"),
	SKIPPED(SWAP, UNIT_NONE, "swap"),
	SKIPPED(KSM, UNIT_NONE, "ksm"),
	SKIPPED(SHARED_MEMORY, UNIT_PAGES, "shared_memory"),
	SKIPPED(HUGETLB, UNIT_PAGES, "hugetlb"),
	SKIPPED(MLOCKED, UNIT_PAGES, "mlocked"),
	SKIPPED(UFFD, UNIT_NONE, "uffd"),
	SKIPPED(BUSY, UNIT_NONE, "busy"),
	SKIPPED(NOMEM, UNIT_NONE, "nomem"),
	SKIPPED(LIMIT, UNIT_NONE, "limit"),
};

const struct fields counter_fields = FIELDS(counter_rows);
