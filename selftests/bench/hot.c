// SPDX-License-Identifier: GPL-2.0
/*
 * Clones of which a tenth is rewritten all the time, half of that with content
 * that is equal in all of them until it is written again: what is merged of it
 * was merged in vain.
 */
#include <poll.h>
#include <sys/resource.h>

#include "bench.h"

#define SEED_MOMENT	50
#define SEED_OWN	200
#define PERIOD_MS	4000	/* from one writing of a page to the next */
#define SLICES		40
#define WARM_SECONDS	10
#define SECONDS		12

static long page_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* Generations go up with the page's writings; every second run is equal everywhere. */
static void rewrite(struct child *self, const struct load_spec *spec, size_t page, long process,
		    uint64_t generation)
{
	bool equal = page / spec->run % 2;

	page_fill(child_page(self, page), equal ? SEED_MOMENT : SEED_OWN + process,
		  page + generation * spec->pages);
}

/*
 * Writes until the next call comes. Result: faults, each of which is a page that
 * had been shared when it was written.
 */
static long do_rewrite(struct child *self, const long *arg)
{
	const struct load_spec *spec = (const struct load_spec *)arg[1];
	struct pollfd caller = { .fd = self->socket, .events = POLLIN };
	long before = page_faults();
	uint64_t turn = 0;
	size_t page;

	do {
		for (page = 0; page < spec->pages; page++)
			if (load_kind(spec, page) == PAGE_HOT && page / spec->run % SLICES ==
			    turn % SLICES)
				rewrite(self, spec, page, arg[0], turn / SLICES);
		turn++;
	} while (!poll(&caller, 1, PERIOD_MS / SLICES));
	return page_faults() - before;
}

/* What never changed must be as it was; hot pages must be whole. */
static long do_count_wrong(struct child *self, const long *arg)
{
	const struct load_spec *spec = (const struct load_spec *)arg[1];
	uint64_t turns = arg[2], generation;
	bool right;
	long wrong = 0;
	size_t page;

	for (page = 0; page < spec->pages; page++) {
		if (load_kind(spec, page) != PAGE_HOT)
			continue;
		right = false;
		for (generation = turns; !right && generation--;)
			right = page_matches(child_page(self, page), page / spec->run % 2 ?
					     SEED_MOMENT : SEED_OWN + arg[0],
					     page + generation * spec->pages);
		wrong += !right;
	}
	return wrong;
}

static long do_nothing(struct child *self, const long *arg)
{
	(void)self;
	(void)arg;
	return 0;
}

static long stop_writing(struct load *load)
{
	long broken;

	load_begin(load, do_nothing, 0, 0, 0);
	broken = load_finish(load);
	load_finish(load);
	return broken;
}

/* All merges there have been are those that last, and those that were broken. */
static void figure_breaks(struct figures *figures, const struct sample *sample, long broken)
{
	double merged = sample->saved + sample->shared + broken;

	figure(figures, "merged_mappings", sample->saved + sample->shared);
	figure(figures, "broken", broken);
	figure(figures, "broken_share", broken / merged);
}

void run_hot(const struct workload *workload, const struct scanner *scanner,
	     struct figures *figures)
{
	const struct load_spec *spec = workload->spec;
	struct sample before, sample;
	struct load load;
	long broken;

	load_start(&load, spec);
	load_begin(&load, do_rewrite, (long)spec, 0, 0);
	sleep_seconds(WARM_SECONDS);
	scanner->begin();
	scanner->read(&before);
	load_take(&load, scanner);
	converge(scanner, load.possible, figures);
	sleep_seconds(SECONDS);
	scanner->read(&sample);
	broken = stop_writing(&load);
	figure(figures, "saved", sample.saved);
	figure(figures, "cpu_ns", sample.cpu_ns - before.cpu_ns);
	figure_breaks(figures, &sample, broken);
	scanner->extras(figures);
	load_begin(&load, do_count_wrong, (long)spec, 100, 0);
	figure(figures, "wrong_pages", load_finish(&load));
	figure(figures, "pages", spec->processes * spec->pages);
	load_end(&load);
	scanner->end();
}
