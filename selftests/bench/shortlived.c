// SPDX-License-Identifier: GPL-2.0
/*
 * Processes that come and go: each lives for some seconds, and one is replaced
 * every half second. How much of what they could share is shared, on average.
 */
#include <string.h>

#include "bench.h"

#define LIVING		8
#define PAGES		(16 * MIB_PAGES)
#define EQUAL		(PAGES / 2)
#define SEED_EQUAL	1
#define SEED_UNIQUE	1000
#define TURN_SECONDS	0.5	/* so each lives for 4 s */
#define TURNS		80

static void fill(struct child *child, unsigned int number)
{
	long err = child_fill(child, 0, EQUAL, SEED_EQUAL, 0) ?:
		   child_fill(child, EQUAL, PAGES - EQUAL, SEED_UNIQUE + number, 0);

	if (err)
		die("a process for the load: %s", strerror(-err));
}

static void start(struct child *child, unsigned int number, const struct scanner *scanner)
{
	load_child(child);
	if (child_map(child, PAGES, MEM_SMALL))
		die("memory for the load");
	fill(child, number);
	load_advise(child);
	scanner->take(child->pid);
}

static uint64_t count_wrong(struct child *child, unsigned int number)
{
	return (child_verify(child, 0, EQUAL, SEED_EQUAL, 0) != -1) +
	       (child_verify(child, EQUAL, PAGES - EQUAL, SEED_UNIQUE + number, 0) != -1);
}

static void stop(struct child *child, const struct scanner *scanner)
{
	scanner->drop(child->pid);
	child_kill(child);
}

void run_shortlived(const struct workload *workload, const struct scanner *scanner,
		    struct figures *figures)
{
	const uint64_t possible = EQUAL * (LIVING - 1);
	struct child child[LIVING];
	struct sample before, sample;
	uint64_t wrong = 0;
	double saved = 0;
	unsigned int i;

	(void)workload;
	scanner->begin();
	scanner->default_speed();
	scanner->read(&before);
	for (i = 0; i < LIVING; i++)
		start(&child[i], i, scanner);
	for (i = LIVING; i < LIVING + TURNS; i++) {
		sleep_seconds(TURN_SECONDS);
		scanner->read(&sample);
		saved += sample.saved;
		wrong += count_wrong(&child[i % LIVING], i - LIVING);
		stop(&child[i % LIVING], scanner);
		start(&child[i % LIVING], i, scanner);
	}
	scanner->read(&sample);
	figure(figures, "possible", possible);
	figure(figures, "saved_mean", saved / TURNS);
	figure(figures, "saved_share", saved / TURNS / possible);
	figure(figures, "cpu_ns", sample.cpu_ns - before.cpu_ns);
	figure(figures, "seconds", sample.time - before.time);
	scanner->extras(figures);
	figure(figures, "wrong_pages", wrong);
	for (i = 0; i < LIVING; i++)
		stop(&child[i], scanner);
	scanner->end();
}
