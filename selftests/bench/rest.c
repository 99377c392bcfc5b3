// SPDX-License-Identifier: GPL-2.0
/* What it costs to look after processes in which nothing happens, and what it finds. */
#include <string.h>

#include "bench.h"

#define REST_SECONDS	120
#define KSMD_REST_SECONDS	30	/* it goes on and on at the same rate */
/* All of its time is spent: no need to look for long. */
#define FULL_SECONDS	2
#define SEED_NEW	77
#define STRIDE		16

/* Unique pages that get new content, equal in all: @count of them, the first behind @page. */
static long do_make_equal(struct child *self, const long *arg)
{
	const struct load_spec *spec = (const struct load_spec *)arg[1];
	bool spread = arg[2];
	long count = arg[3];
	size_t page = spread ? spec->pages / 2 : 0;

	for (; page < spec->pages && count; page++) {
		if (load_kind(spec, page) != PAGE_UNIQUE)
			continue;
		page_fill(child_page(self, page), SEED_NEW, page);
		count--;
		if (spread)
			page += STRIDE;
	}
	return count;
}

static void make_equal(struct load *load, long count)
{
	load_begin(load, do_make_equal, (long)load->spec, false, count / 2);
	if (load_finish(load))
		die("too few unique pages");
	load_begin(load, do_make_equal, (long)load->spec, true, count / 2);
	if (load_finish(load))
		die("too few unique pages, spread out");
}

static long do_count_wrong_new(struct child *self, const long *arg)
{
	const struct load_spec *spec = (const struct load_spec *)arg[1];
	bool spread = arg[2];
	long count = arg[3], wrong = 0;
	size_t page = spread ? spec->pages / 2 : 0;

	for (; page < spec->pages && count; page++) {
		if (load_kind(spec, page) != PAGE_UNIQUE)
			continue;
		wrong += !page_matches(child_page(self, page), SEED_NEW, page);
		count--;
		if (spread)
			page += STRIDE;
	}
	return wrong;
}

static uint64_t count_wrong_new(struct load *load, long count)
{
	uint64_t wrong;

	load_begin(load, do_count_wrong_new, (long)load->spec, false, count / 2);
	wrong = load_finish(load);
	load_begin(load, do_count_wrong_new, (long)load->spec, true, count / 2);
	return wrong + load_finish(load);
}

/* How many of the new duplicates are merged after 10, 30 and 60 seconds, and for what CPU time. */
static void find_new(const struct scanner *scanner, struct load *load, long count,
		     struct figures *figures)
{
	static const struct {
		unsigned int wait;
		const char *name;
	} step[] = {
		{ 10, "new_merged_10s" },
		{ 20, "new_merged_30s" },
		{ 30, "new_merged_60s" },
	};
	uint64_t possible = count * (load->spec->processes - 1);
	struct sample before, sample;
	unsigned int i;

	scanner->read(&before);
	make_equal(load, count);
	figure(figures, "new_possible", possible);
	for (i = 0; i < ARRAY_SIZE(step); i++) {
		sleep_seconds(step[i].wait);
		scanner->read(&sample);
		figure(figures, step[i].name, (double)sample.saved - before.saved);
	}
	figure(figures, "new_share_60s", ((double)sample.saved - before.saved) / possible);
	figure(figures, "new_cpu_ns", sample.cpu_ns - before.cpu_ns);
}

void run_rest(const struct workload *workload, const struct scanner *scanner,
	      struct figures *figures)
{
	const long count = workload->spec->pages / 24;
	struct load load;
	double rate;

	load_start(&load, workload->spec);
	scanner->begin();
	load_take(&load, scanner);
	converge(scanner, load.possible, figures);
	scanner->round();
	if (scanner == &ksmd)
		figure(figures, "full_speed_cpu_ns_per_s", cpu_rate(scanner, FULL_SECONDS));
	scanner->default_speed();
	/* What it does at once after the last round is not rest. */
	sleep_seconds(5);
	rate = cpu_rate(scanner, scanner == &ksmd ? KSMD_REST_SECONDS : REST_SECONDS);
	figure(figures, "rest_cpu_ns_per_s", rate);
	figure(figures, "wrong_pages", load_wrong(&load));
	find_new(scanner, &load, count, figures);
	figure(figures, "wrong_new_pages", count_wrong_new(&load, count));
	scanner->extras(figures);
	figure(figures, "pages", load.spec->processes * load.spec->pages);
	load_end(&load);
	scanner->end();
}
