// SPDX-License-Identifier: GPL-2.0
/* Processes with known content: a pure function of the process and the page. */
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/mempolicy.h>

#include "bench.h"

#define SEED_EQUAL	1
#define SEED_UNIQUE	100	/* and the number of the process */
#define LINE_WORDS	8	/* 64 bytes */
#define PAGE_WORDS	(PAGE_SIZE / sizeof(uint64_t))

enum page_kind load_kind(const struct load_spec *spec, size_t page)
{
	/* 61 has no divisor in common with 100: each remainder comes once in 100 runs. */
	unsigned int place = page / spec->run * 61 % 100;

	if (place < spec->equal)
		return PAGE_EQUAL;
	place -= spec->equal;
	if (place < spec->zero)
		return PAGE_ZERO;
	return place - spec->zero < spec->hot ? PAGE_HOT : PAGE_UNIQUE;
}

static uint64_t seed_of(enum page_kind kind, unsigned int process)
{
	if (kind == PAGE_ZERO)
		return SEED_ZERO;
	return kind == PAGE_EQUAL ? SEED_EQUAL : SEED_UNIQUE + process;
}

/* Equal pages need one frame a node where nodes are kept apart. */
static uint64_t count_possible(const struct load_spec *spec, unsigned int nodes)
{
	uint64_t possible = 0;
	size_t page;

	for (page = 0; page < spec->pages; page++) {
		enum page_kind kind = load_kind(spec, page);

		if (kind == PAGE_EQUAL)
			possible += spec->processes - nodes;
		else if (kind == PAGE_ZERO)
			possible += spec->processes;
	}
	return possible;
}

void load_begin(struct load *load, child_fn fn, long a, long b, long c)
{
	unsigned int i;

	for (i = 0; i < load->spec->processes; i++)
		if (child_begin(&load->child[i], fn, i, a, b, c))
			die("process %u of the load died", i);
}

long load_finish(struct load *load)
{
	long result, sum = 0;
	unsigned int i;

	for (i = 0; i < load->spec->processes; i++) {
		result = child_end(&load->child[i]);
		if (result < 0)
			die("process %u of the load: %s", i, strerror(-result));
		sum += result;
	}
	return sum;
}

static long do_bind(struct child *self, const long *arg)
{
	unsigned long nodes = 1UL << arg[0];

	return syscall(SYS_mbind, self->mem, self->pages * PAGE_SIZE, MPOL_BIND, &nodes,
		       8 * sizeof(nodes), 0) ? -errno : 0;
}

/* In the child: arguments are its number and the table, which it has since the fork. */
static long do_fill(struct child *self, const long *arg)
{
	const struct load_spec *spec = (const struct load_spec *)arg[1];
	size_t page;

	for (page = 0; page < spec->pages; page++)
		page_fill(child_page(self, page), seed_of(load_kind(spec, page), arg[0]), page);
	return 0;
}

/* A hot page carries a stamp at the beginning of each line. */
static bool stamped_matches(uint64_t *words, uint64_t seed, uint64_t page)
{
	uint64_t expected[PAGE_WORDS];
	size_t i;

	page_fill(expected, seed, page);
	for (i = 0; i < PAGE_WORDS; i++) {
		if (i % LINE_WORDS ? words[i] != expected[i] : words[i] != words[0])
			return false;
	}
	return true;
}

static long do_count_wrong(struct child *self, const long *arg)
{
	const struct load_spec *spec = (const struct load_spec *)arg[1];
	bool written = arg[2], rest = arg[3], right;
	long wrong = 0;
	size_t page;

	for (page = 0; page < spec->pages; page++) {
		enum page_kind kind = load_kind(spec, page);
		uint64_t seed = seed_of(kind, arg[0]);
		void *addr = child_page(self, page);

		if (kind == PAGE_HOT && rest)
			continue;
		if (kind == PAGE_HOT && written)
			right = stamped_matches(addr, seed, page);
		else
			right = page_matches(addr, seed, page);
		wrong += !right;
	}
	return wrong;
}

static void stamp(uint64_t *words, uint64_t value)
{
	size_t i;

	for (i = 0; i < PAGE_WORDS; i += LINE_WORDS)
		words[i] = value;
}

/* Until the next call comes. */
static long do_heat(struct child *self, const long *arg)
{
	const struct load_spec *spec = (const struct load_spec *)arg[1];
	struct pollfd caller = { .fd = self->socket, .events = POLLIN };
	uint64_t value = 0;
	size_t page;

	do {
		value++;
		for (page = 0; page < spec->pages; page++)
			if (load_kind(spec, page) == PAGE_HOT)
				stamp(child_page(self, page), value);
			else
				page += spec->run - 1;
	} while (!poll(&caller, 1, arg[2]));
	return 0;
}

static long do_nothing(struct child *self, const long *arg)
{
	(void)self;
	(void)arg;
	return 0;
}

void load_heat(struct load *load, unsigned int period_ms)
{
	load_begin(load, do_heat, (long)load->spec, period_ms, 0);
	load->hot = true;
}

void load_calm(struct load *load)
{
	load_begin(load, do_nothing, 0, 0, 0);
	load_finish(load);
	load_finish(load);
}

void load_child(struct child *child)
{
	int err = child_start(child, CHILD_LOCK_REST);

	if (err)
		die("a process for the load: %s", strerror(err));
}

void load_advise(struct child *child)
{
	long err = child_madvise(child, 0, child->pages, MADV_MERGEABLE);

	if (err)
		die("MADV_MERGEABLE: %s", strerror(-err));
}

void load_start(struct load *load, const struct load_spec *spec)
{
	unsigned int i;
	int err;

	memset(load, 0, sizeof(*load));
	load->spec = spec;
	load->possible = count_possible(spec, 1);
	load->possible_apart = count_possible(spec, spec->nodes ?: 1);
	for (i = 0; i < spec->processes; i++) {
		load_child(&load->child[i]);
		err = child_map(&load->child[i], spec->pages, spec->how);
		if (err)
			die("memory for the load: %s", strerror(err));
		if (spec->nodes && child_call(&load->child[i], do_bind, i % spec->nodes, 0, 0, 0))
			die("no memory of node %u", i % spec->nodes);
	}
	load_begin(load, do_fill, (long)spec, 0, 0);
	load_finish(load);
	/* Only ksmd asks for it; pshare does not care, and the load is the same. */
	for (i = 0; i < spec->processes; i++)
		load_advise(&load->child[i]);
}

/* No call to the processes: that would end their writing. */
void load_take(struct load *load, const struct scanner *scanner)
{
	unsigned int i;

	for (i = 0; i < load->spec->processes; i++)
		scanner->take(load->child[i].pid);
}

uint64_t load_wrong(struct load *load)
{
	load_begin(load, do_count_wrong, (long)load->spec, load->hot, 0);
	return load_finish(load);
}

uint64_t load_wrong_rest(struct load *load)
{
	load_begin(load, do_count_wrong, (long)load->spec, false, true);
	return load_finish(load);
}

void load_end(struct load *load)
{
	unsigned int i;

	for (i = 0; i < load->spec->processes; i++)
		child_kill(&load->child[i]);
}
