// SPDX-License-Identifier: GPL-2.0
/* Which page is where, as the kernel sees it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kernel-page-flags.h>

#include "pshare_test.h"

#define PFN_MASK	((1ULL << 55) - 1)
#define CHUNK_PAGES	512UL

int pagemap_read(pid_t pid, const void *addr, size_t n, uint64_t *entries)
{
	ssize_t want = n * sizeof(*entries);
	char path[64];
	ssize_t got;
	int fd;

	memset(entries, 0, want);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	got = pread(fd, entries, want, (uintptr_t)addr / PAGE_SIZE * sizeof(*entries));
	close(fd);
	return got == want ? 0 : EIO;
}

uint64_t pagemap_entry(pid_t pid, const void *addr)
{
	uint64_t entry;

	pagemap_read(pid, addr, 1, &entry);
	return entry;
}

static uint64_t entry_pfn(uint64_t entry)
{
	return entry & PM_PRESENT ? entry & PFN_MASK : 0;
}

uint64_t page_frame(pid_t pid, const void *addr)
{
	return entry_pfn(pagemap_entry(pid, addr));
}

/* The file stays open for the life of the process: it is read for every page. */
static uint64_t read_by_pfn(int *fd, const char *path, uint64_t pfn)
{
	uint64_t value = 0;

	if (!*fd)
		*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 || pread(*fd, &value, sizeof(value), pfn * sizeof(value)) != sizeof(value))
		return 0;
	return value;
}

uint64_t page_flags(uint64_t pfn)
{
	static int fd;

	return read_by_pfn(&fd, "/proc/kpageflags", pfn);
}

uint64_t page_mapcount(uint64_t pfn)
{
	static int fd;

	return read_by_pfn(&fd, "/proc/kpagecount", pfn);
}

static bool has(uint64_t flags, int bit)
{
	return flags >> bit & 1;
}

bool page_is_zero(uint64_t pfn)
{
	return has(page_flags(pfn), KPF_ZERO_PAGE);
}

/*
 * Mapped, but neither anonymous nor a file's nor on an LRU list: what private
 * memory never holds otherwise. (A page that was reclaimed just now is not mapped.)
 */
static bool flags_are_frame(uint64_t flags)
{
	return has(flags, KPF_MMAP) && !has(flags, KPF_ANON) && !has(flags, KPF_LRU) &&
	       !has(flags, KPF_ZERO_PAGE) && !has(flags, KPF_NOPAGE);
}

bool page_is_frame(uint64_t pfn)
{
	return pfn && flags_are_frame(page_flags(pfn));
}

bool page_is_huge(uint64_t pfn)
{
	uint64_t flags = page_flags(pfn);

	return pfn && (has(flags, KPF_COMPOUND_HEAD) || has(flags, KPF_COMPOUND_TAIL));
}

static void count_flags(uint64_t flags, struct mapping *out)
{
	if (has(flags, KPF_ZERO_PAGE)) {
		out->zero++;
	} else if (has(flags, KPF_ANON)) {
		out->anon++;
		out->huge += has(flags, KPF_COMPOUND_HEAD) || has(flags, KPF_COMPOUND_TAIL);
	} else if (flags_are_frame(flags)) {
		out->frames++;
	} else {
		out->other++;
	}
}

/* The entry is read again behind the flags: the page may have been reclaimed meanwhile. */
static void count_page(pid_t pid, const void *addr, uint64_t *entry, struct mapping *out)
{
	uint64_t pfn, flags = 0, before;

	do {
		before = *entry;
		pfn = entry_pfn(before);
		if (!pfn)
			break;
		flags = page_flags(pfn);
		if (has(flags, KPF_ANON) || has(flags, KPF_ZERO_PAGE))
			break;
		*entry = pagemap_entry(pid, addr);
	} while (*entry != before);
	if (pfn) {
		count_flags(flags, out);
		return;
	}
	out->swapped += !!(*entry & PM_SWAP);
	out->absent += !(*entry & PM_SWAP);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static size_t count_distinct_frames(uint64_t *entries, size_t n)
{
	size_t distinct = 0, i;

	for (i = 0; i < n; i++)
		entries[i] = entry_pfn(entries[i]);
	qsort(entries, n, sizeof(*entries), by_number);
	for (i = 0; i < n; i++)
		if (entries[i] && (!i || entries[i] != entries[i - 1]) && page_is_frame(entries[i]))
			distinct++;
	return distinct;
}

#define MAX_ZONES	32

static struct zone {
	uint64_t start;
	uint64_t spanned;
	int node;
} zones[MAX_ZONES];
static int nr_zones;

/* Zones of one node do not overlap, and those of two nodes do not here. */
static void read_zones(void)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	struct zone zone = { 0 };
	char line[256];

	while (file && nr_zones < MAX_ZONES && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %d, zone", &zone.node) == 1)
			zone.spanned = 0;
		else
			sscanf(line, " spanned %lu", &zone.spanned);
		if (sscanf(line, " start_pfn: %lu", &zone.start) == 1 && zone.spanned)
			zones[nr_zones++] = zone;
	}
	if (file)
		fclose(file);
}

int page_node(uint64_t pfn)
{
	int i;

	if (!nr_zones)
		read_zones();
	for (i = 0; i < nr_zones; i++)
		if (pfn - zones[i].start < zones[i].spanned)
			return zones[i].node;
	return -1;
}

int nr_nodes(void)
{
	int i, nodes = 0;

	page_node(0);
	for (i = 0; i < nr_zones; i++)
		nodes = zones[i].node + 1 > nodes ? zones[i].node + 1 : nodes;
	return nodes;
}

int mapping_count(pid_t pid, const void *addr, size_t pages, struct mapping *out)
{
	uint64_t *entries = calloc(pages, sizeof(*entries));
	size_t i;
	int err;

	memset(out, 0, sizeof(*out));
	if (!entries)
		return ENOMEM;
	err = pagemap_read(pid, addr, pages, entries);
	for (i = 0; !err && i < pages; i++)
		count_page(pid, addr + i * PAGE_SIZE, &entries[i], out);
	if (!err)
		out->distinct = count_distinct_frames(entries, pages);
	free(entries);
	return err;
}

size_t frames_equal(pid_t pid1, const void *addr1, pid_t pid2, const void *addr2, size_t n)
{
	uint64_t one[CHUNK_PAGES], two[CHUNK_PAGES];
	size_t equal = 0, i, count;

	for (; n; n -= count, addr1 += count * PAGE_SIZE, addr2 += count * PAGE_SIZE) {
		count = n < CHUNK_PAGES ? n : CHUNK_PAGES;
		if (pagemap_read(pid1, addr1, count, one) || pagemap_read(pid2, addr2, count, two))
			break;
		for (i = 0; i < count; i++)
			equal += entry_pfn(one[i]) && entry_pfn(one[i]) == entry_pfn(two[i]);
	}
	return equal;
}

static long find_kb(FILE *file, const char *field)
{
	size_t length = strlen(field);
	char line[512];
	long kb = -1;

	while (kb < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, length) && line[length] == ':')
			kb = strtol(line + length + 1, NULL, 10);
	return kb;
}

static long proc_kb(pid_t pid, const char *name, const char *field)
{
	char path[64];
	FILE *file;
	long kb;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	kb = find_kb(file, field);
	fclose(file);
	return kb;
}

long status_kb(pid_t pid, const char *field)
{
	return proc_kb(pid, "status", field);
}

long smaps_rollup_kb(pid_t pid, const char *field)
{
	return proc_kb(pid, "smaps_rollup", field);
}

/* A file positioned behind the line of the area that holds an address. */
static FILE *smaps_at(pid_t pid, const void *addr)
{
	unsigned long begin, end, want = (uintptr_t)addr;
	char path[64], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", pid);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2 && begin <= want && want < end)
			return file;
	fclose(file);
	return NULL;
}

long smaps_kb(pid_t pid, const void *addr, const char *field)
{
	FILE *file = smaps_at(pid, addr);
	long kb;

	if (!file)
		return -1;
	kb = find_kb(file, field);
	fclose(file);
	return kb;
}

bool smaps_has_flag(pid_t pid, const void *addr, const char *flag)
{
	FILE *file = smaps_at(pid, addr);
	char line[512], padded[16];
	bool found = false;

	if (!file)
		return false;
	snprintf(padded, sizeof(padded), " %s ", flag);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "VmFlags:", 8))
			continue;
		found = strstr(line, padded);
		break;
	}
	fclose(file);
	return found;
}

/* Field 22; the command name before may hold spaces and brackets. */
uint64_t process_start_time(pid_t pid)
{
	char path[64], line[1024];
	const char *rest;
	int field;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_file(path, line, sizeof(line)))
		return 0;
	rest = strrchr(line, ')');
	/* Behind the name is field 3. */
	for (field = 3; rest && field <= 22; field++)
		rest = strchr(rest + 1, ' ');
	return rest ? strtoull(rest, NULL, 10) : 0;
}
