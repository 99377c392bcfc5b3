// SPDX-License-Identifier: GPL-2.0
/*
 * Clones, merged by one scanner thread and by two in turn. With one processor this shows
 * what the second thread costs; with two, which no instructions are counted on, how
 * much sooner two are done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define REPEATS		5	/* where time is real */
#define MAX_THREADS	2

struct series {
	double s[REPEATS];
	double cpu_ns[REPEATS];
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, unsigned int n)
{
	qsort(values, n, sizeof(*values), by_value);
	return values[n / 2];
}

static unsigned int repeats(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? REPEATS : 1;
}

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

static void figure_series(struct figures *figures, unsigned int threads, struct series *series)
{
	char name[40];

	snprintf(name, sizeof(name), "time99_%u_s", threads);
	figure(figures, name, median(series->s, repeats()));
	snprintf(name, sizeof(name), "cpu99_%u_ns", threads);
	figure(figures, name, median(series->cpu_ns, repeats()));
}

void run_threads(const struct workload *workload, const struct scanner *scanner,
		 struct figures *figures)
{
	unsigned int most = scanner == &ksmd ? 1 : MAX_THREADS, repeat, threads;
	struct series series[MAX_THREADS] = { 0 };
	uint64_t wrong = 0;

	for (repeat = 0; repeat < repeats(); repeat++) {
		for (threads = 1; threads <= most; threads++) {
			struct figures once = { 0 };

			wrong += converge_once(workload, scanner, threads, &once);
			series[threads - 1].s[repeat] = figure_get(&once, "time99_s");
			series[threads - 1].cpu_ns[repeat] = figure_get(&once, "cpu99_ns");
		}
	}
	for (threads = 1; threads <= most; threads++)
		figure_series(figures, threads, &series[threads - 1]);
	figure(figures, "repeats", repeats());
	figure(figures, "pages", workload->spec->processes * workload->spec->pages);
	figure(figures, "wrong_pages", wrong);
}
