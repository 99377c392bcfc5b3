// SPDX-License-Identifier: GPL-2.0
/* Where a thread's time goes: samples of its kernel instruction pointer, by a timer. */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define PERIOD_NS	20000
#define RING_PAGES	4096UL
#define MAX_SYMBOLS	400000
#define TOP		45

struct symbol {
	uint64_t addr;
	unsigned long hits;
	char name[56];
};

static struct symbol *symbols;
static size_t nr_symbols;
static struct perf_event_mmap_page *ring;
static int event_fd = -1;

static int by_addr(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int by_hits(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->hits > y->hits ? -1 : x->hits < y->hits;
}

static void read_symbols(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[600], type;
	struct symbol *symbol;

	symbols = calloc(MAX_SYMBOLS, sizeof(*symbols));
	if (!symbols || !file)
		die("no symbols for the profile");
	while (nr_symbols < MAX_SYMBOLS && fgets(line, sizeof(line), file)) {
		symbol = &symbols[nr_symbols];
		if (sscanf(line, "%lx %c %55s", &symbol->addr, &type, symbol->name) == 3 &&
		    (type == 't' || type == 'T' || type == 'w' || type == 'W'))
			nr_symbols++;
	}
	fclose(file);
	qsort(symbols, nr_symbols, sizeof(*symbols), by_addr);
}

static struct symbol *find_symbol(uint64_t addr)
{
	size_t low = 0, high = nr_symbols;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (symbols[middle].addr <= addr)
			low = middle;
		else
			high = middle;
	}
	return &symbols[low];
}

void profile_start(const struct scanner *scanner)
{
	pid_t pid = thread_find(scanner == &ksmd ? "ksmd" : "pshare/0");
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = PERIOD_NS,
		.sample_type = PERF_SAMPLE_IP,
		.exclude_user = 1,
	};

	if (!profiling)
		return;
	write_file("/proc/sys/kernel/perf_cpu_time_max_percent", "0");
	event_fd = syscall(SYS_perf_event_open, &attr, pid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (event_fd < 0)
		die("perf_event_open of %d: %s", pid, strerror(errno));
	ring = mmap(NULL, (1 + RING_PAGES) * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		    event_fd, 0);
	if (ring == MAP_FAILED)
		die("ring of the profile: %s", strerror(errno));
}

/* The ring is never full: what is counted are all samples there are. */
static unsigned long count_samples(void)
{
	const char *data = (const char *)ring + PAGE_SIZE;
	uint64_t at = 0, end = ring->data_head;
	unsigned long samples = 0;

	while (at < end) {
		const struct perf_event_header *header = (const void *)(data + at);

		if (header->type == PERF_RECORD_SAMPLE) {
			find_symbol(*(const uint64_t *)(header + 1))->hits++;
			samples++;
		}
		at += header->size;
	}
	return samples;
}

void profile_print(void)
{
	unsigned long samples;
	unsigned int i;

	if (!profiling)
		return;
	ioctl(event_fd, PERF_EVENT_IOC_DISABLE, 0);
	read_symbols();
	samples = count_samples();
	qsort(symbols, nr_symbols, sizeof(*symbols), by_hits);
	printf("# %lu samples, one in %d ns\n", samples, PERIOD_NS);
	for (i = 0; i < TOP && symbols[i].hits; i++)
		printf("# %6.2f%%  %s\n", symbols[i].hits * 100.0 / samples, symbols[i].name);
	close(event_fd);
	munmap(ring, (1 + RING_PAGES) * PAGE_SIZE);
	free(symbols);
	nr_symbols = 0;
}
