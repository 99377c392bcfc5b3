// SPDX-License-Identifier: GPL-2.0
/*
 * Clones, merged by one scanner thread and by two in turn. With one processor this shows
 * what the second thread costs; with two, which no instructions are counted on, how
 * much sooner two are done.
 */
#include <stdio.h>

#include "bench.h"

#define MAX_THREADS	2

/* Return: pages that are not as they should be. */
static uint64_t converge_once(const struct workload *workload, const struct scanner *scanner,
			      unsigned int threads, struct figures *once)
{
	struct load load;
	uint64_t wrong;

	load_start(&load, workload->spec);
	scanner->begin();
	scanner->threads(threads);
	load_take(&load, scanner);
	converge(scanner, load.possible, once);
	scanner->extras(once);
	wrong = load_wrong(&load);
	load_end(&load);
	scanner->end();
	return wrong;
}

static void figure_of(struct figures *figures, const char *what, unsigned int threads,
		      const char *unit, double value)
{
	char name[40];

	snprintf(name, sizeof(name), "%s_%u_%s", what, threads, unit);
	figure(figures, name, value);
}

void run_threads(const struct workload *workload, const struct scanner *scanner,
		 struct figures *figures)
{
	unsigned int most = scanner == &ksmd ? 1 : MAX_THREADS, threads;
	uint64_t wrong = 0;

	for (threads = 1; threads <= most; threads++) {
		struct figures once = { 0 };

		wrong += converge_once(workload, scanner, threads, &once);
		figure_of(figures, "time99", threads, "s", figure_get(&once, "time99_s"));
		figure_of(figures, "cpu99", threads, "ns", figure_get(&once, "cpu99_ns"));
	}
	figure(figures, "pages", workload->spec->processes * workload->spec->pages);
	figure(figures, "wrong_pages", wrong);
}
