// SPDX-License-Identifier: GPL-2.0
/*
 * Memory of another process from /proc, without the module: smaps tells which areas can be
 * shared, pagemap which pages are there, and mem what is in them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "text.h"
#include "util.h"

#define ADDRESS_LIMIT	(1ull << 47)
#define ENTRIES		32768	/* of pagemap, read at once */
#define RUN_PAGES	512	/* of content, read at once */

#define PM_PRESENT	(1ull << 63)
#define PM_FRAME	((1ull << 55) - 1)

#define KPF_KSM		(1ull << 21)
#define KPF_ZERO_PAGE	(1ull << 24)

struct memory {
	pid_t pid;
	int pagemap, mem;
	int flags;			/* /proc/kpageflags, -1 if it may not be read */
	bool ksm;			/* ksmd has pages */
	struct area *areas;
	size_t count;
	uint64_t pages;
	uint64_t entries[ENTRIES];
	char content[RUN_PAGES * PAGE_BYTES];
};

/* Areas */

/* What stands in place of a file's name: nothing, or a few names of anonymous memory. */
static bool is_anonymous(const char *name)
{
	return !*name || !strncmp(name, "[heap]", 6) || !strncmp(name, "[stack]", 7) ||
	       !strncmp(name, "[anon:", 6);
}

bool area_begin(const char *line, struct area *area)
{
	char permissions[5] = "";
	uint64_t inode;
	int length = 0;

	memset(area, 0, sizeof(*area));
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*x %*x:%*x %" SCNu64 " %n", &area->start,
		   &area->end, permissions, &inode, &length) < 4 || !length)
		return false;
	area->private = strlen(permissions) == 4 && permissions[3] == 'p' && !inode &&
			is_anonymous(line + length) && area->start < area->end &&
			area->end <= ADDRESS_LIMIT;
	return true;
}

/* Shared, locked, hugetlbfs, I/O, page frame and mixed maps. */
static bool is_excluded(const char *flag)
{
	static const char *const excluded[] = { "sh", "lo", "ht", "io", "pf", "mm", "ss", "dp" };

	for (size_t i = 0; i < ARRAY_SIZE(excluded); i++)
		if (!strncmp(flag, excluded[i], 2))
			return true;
	return false;
}

void area_go_on(const char *line, struct area *area)
{
	uint64_t kib;

	if (sscanf(line, "Rss: %" SCNu64 " kB", &kib) == 1)
		area->rss_bytes = kib * 1024;
	if (strncmp(line, "VmFlags:", strlen("VmFlags:")))
		return;
	area->mergeable = area->private;
	for (line += strlen("VmFlags:"); *line == ' ' && line[1] > ' '; line += 3) {
		if (is_excluded(line + 1))
			area->mergeable = false;
		if (!line[2] || line[2] <= ' ')
			break;
	}
}

static int add_area(struct memory *memory, const struct area *area)
{
	struct area *areas;

	if (!area->mergeable || !area->rss_bytes)
		return 0;
	areas = reallocarray(memory->areas, memory->count + 1, sizeof(*areas));
	if (!areas)
		return -ENOMEM;
	memory->areas = areas;
	areas[memory->count++] = *area;
	memory->pages += area->rss_bytes / PAGE_BYTES;
	return 0;
}

static int read_areas(struct memory *memory, FILE *smaps)
{
	struct area area = { .start = 0 }, next;
	char *line = NULL;
	size_t size = 0, lines = 0;
	int err = 0;

	while (!err && getline(&line, &size, smaps) > 0) {
		lines++;
		if (area_begin(line, &next)) {
			err = add_area(memory, &area);
			area = next;
		} else {
			area_go_on(line, &area);
		}
	}
	free(line);
	if (!err)
		err = add_area(memory, &area);
	if (!err && ferror(smaps))
		err = -EIO;
	return err || lines ? err : -ENOEXEC;
}

/* Opening */

static int open_file(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int open_smaps(struct memory *memory)
{
	int fd = open_file(memory->pid, "smaps");
	FILE *smaps = fd < 0 ? NULL : fdopen(fd, "r");
	int err;

	if (!smaps)
		return fd == -ENOENT ? -ESRCH : fd < 0 ? fd : -ENOMEM;
	err = read_areas(memory, smaps);
	fclose(smaps);
	return err;
}

static bool ksm_has_pages(void)
{
	FILE *file = fopen("/sys/kernel/mm/ksm/pages_shared", "re");
	long long pages = 0;

	if (!file)
		return false;
	if (fscanf(file, "%lld", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages > 0;
}

static int open_all(struct memory *memory)
{
	int err = open_smaps(memory);

	if (err)
		return err;
	memory->pagemap = open_file(memory->pid, "pagemap");
	memory->mem = open_file(memory->pid, "mem");
	memory->flags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	memory->ksm = ksm_has_pages();
	return memory->pagemap < 0 ? memory->pagemap : memory->mem < 0 ? memory->mem : 0;
}

int memory_open(pid_t pid, struct memory **memory)
{
	int err;

	*memory = calloc(1, sizeof(**memory));
	if (!*memory)
		return -ENOMEM;
	(*memory)->pid = pid;
	(*memory)->pagemap = -1;
	(*memory)->mem = -1;
	(*memory)->flags = -1;
	err = open_all(*memory);
	if (!err)
		return 0;
	memory_close(*memory);
	*memory = NULL;
	return err;
}

void memory_close(struct memory *memory)
{
	if (!memory)
		return;
	if (memory->pagemap >= 0)
		close(memory->pagemap);
	if (memory->mem >= 0)
		close(memory->mem);
	if (memory->flags >= 0)
		close(memory->flags);
	free(memory->areas);
	free(memory);
}

uint64_t memory_pages(const struct memory *memory)
{
	return memory->pages;
}

/* Reading */

static bool has_flags(const struct memory *memory, uint64_t entry, uint64_t wanted)
{
	uint64_t frame = entry & PM_FRAME, flags;

	return memory->flags >= 0 && frame &&
	       pread(memory->flags, &flags, sizeof(flags), frame * sizeof(flags)) ==
	       sizeof(flags) && flags & wanted;
}

bool memory_is_zero(const void *page)
{
	const char *bytes = page;

	return !bytes[0] && !memcmp(bytes, bytes + 1, PAGE_BYTES - 1);
}

/* The kernel's zero page takes no memory, and pages of ksmd are left alone. */
static bool is_passed_over(const struct memory *memory, uint64_t entry, const char *page)
{
	return (memory->ksm && has_flags(memory, entry, KPF_KSM)) ||
	       (memory_is_zero(page) && has_flags(memory, entry, KPF_ZERO_PAGE));
}

/* A page that cannot be read has gone meanwhile, or stops the whole run: then one by one. */
static void read_run(struct memory *memory, uint64_t addr, const uint64_t *entries, size_t count,
		     memory_page_fn page, void *data)
{
	ssize_t len = pread(memory->mem, memory->content, count * PAGE_BYTES, addr);
	size_t good = len > 0 ? len / PAGE_BYTES : 0;

	for (size_t i = 0; i < good; i++) {
		const char *content = memory->content + i * PAGE_BYTES;
		bool over = is_passed_over(memory, entries[i], content);

		page(over ? NULL : content, data);
	}
	if (good == count)
		return;
	page(NULL, data);
	if (good + 1 < count)
		read_run(memory, addr + (good + 1) * PAGE_BYTES, entries + good + 1,
			 count - good - 1, page, data);
}

static size_t run_length(const uint64_t *entries, size_t left)
{
	size_t count = 0;

	while (count < left && count < RUN_PAGES && entries[count] & PM_PRESENT)
		count++;
	return count;
}

static int read_area(struct memory *memory, const struct area *area, memory_page_fn page,
		     void *data)
{
	for (uint64_t addr = area->start; addr < area->end; ) {
		size_t want = (area->end - addr) / PAGE_BYTES;
		ssize_t len;
		size_t i = 0, count;

		if (want > ENTRIES)
			want = ENTRIES;
		len = pread(memory->pagemap, memory->entries, want * sizeof(uint64_t),
			    addr / PAGE_BYTES * sizeof(uint64_t));
		if (len <= 0)
			return len ? -errno : -ESRCH;
		want = len / sizeof(uint64_t);
		while (i < want) {
			count = run_length(memory->entries + i, want - i);
			if (count)
				read_run(memory, addr + i * PAGE_BYTES, memory->entries + i,
					 count, page, data);
			i += count ? count : 1;
		}
		addr += want * PAGE_BYTES;
	}
	return 0;
}

/* What has gone is seen by a read of nothing: the file of a process outlives its memory. */
static int check_alive(const struct memory *memory)
{
	uint64_t entry;

	return pread(memory->pagemap, &entry, sizeof(entry), 0) == sizeof(entry) ? 0 : -ESRCH;
}

int memory_each(struct memory *memory, memory_page_fn page, void *data)
{
	int err = 0;

	for (size_t i = 0; !err && i < memory->count; i++)
		err = read_area(memory, &memory->areas[i], page, data);
	return err ? err : check_alive(memory);
}
