// SPDX-License-Identifier: GPL-2.0
/* Steps that workloads are made of. */
#include <stdio.h>
#include <time.h>

#include "bench.h"

/* Rounds without any gain after which no more is expected. */
#define PATIENCE_ROUNDS		5
#define PATIENCE_SECONDS	150

void sleep_seconds(double seconds)
{
	double end = now() + seconds;

	while (now() < end)
		pause_ms(1 + (end - now()) * 900);
}

/*
 * Often enough for a few percent of the CPU time so far, rarely enough not to be in the way: a look
 * takes a millisecond and more, and the scanner gives way to it.
 */
static unsigned int poll_ms(const struct sample *first, const struct sample *sample)
{
	double ms = (sample->cpu_ns - first->cpu_ns) / 1e6 * 0.005;

	return ms < 4 ? 4 : ms > 200 ? 200 : ms;
}

struct progress {
	uint64_t saved;
	uint64_t rounds;
	double time;
};

static bool is_stuck(struct progress *best, const struct sample *sample)
{
	if (sample->saved > best->saved) {
		best->saved = sample->saved;
		best->rounds = sample->rounds;
		best->time = sample->time;
		return false;
	}
	return sample->rounds > best->rounds + PATIENCE_ROUNDS ||
	       sample->time > best->time + PATIENCE_SECONDS;
}

static void print_progress(const struct sample *first, const struct sample *sample)
{
	static double last;

	if (sample->time > last && sample->time < last + 0.2)
		return;
	last = sample->time;
	printf("# %7.2f s  CPU %8.1f ms  saved %llu  rounds %llu\n", sample->time - first->time,
	       (sample->cpu_ns - first->cpu_ns) / 1e6, (unsigned long long)sample->saved,
	       (unsigned long long)(sample->rounds - first->rounds));
	fflush(stdout);
}

/* 99% were saved between two looks: in proportion to what was saved from the one to the other. */
static void note_99(struct figures *figures, const struct sample *first,
		    const struct sample *before, const struct sample *sample, uint64_t possible)
{
	double missing = 0.99 * possible - before->saved;
	double part = missing > 0 ? missing / (sample->saved - before->saved) : 0;
	double cpu_ns = before->cpu_ns - first->cpu_ns + part * (sample->cpu_ns - before->cpu_ns);

	figure(figures, "saved99", sample->saved);
	figure(figures, "cpu99_ns", cpu_ns);
	figure(figures, "time99_s", before->time - first->time +
	       part * (sample->time - before->time));
	figure(figures, "rounds99", sample->rounds - first->rounds);
	figure(figures, "cpu_per_saved_ns", cpu_ns / possible);
}

void converge(const struct scanner *scanner, uint64_t possible, struct figures *figures)
{
	struct sample first, before, sample;
	struct progress best = { 0 };
	bool reached, stuck;

	scanner->read(&first);
	sample = first;
	best.time = first.time;
	best.rounds = first.rounds;
	do {
		before = sample;
		pause_ms(poll_ms(&first, &sample));
		scanner->read(&sample);
		print_progress(&first, &sample);
		reached = sample.saved >= 0.99 * possible;
		stuck = is_stuck(&best, &sample) ||
			sample.cpu_ns - first.cpu_ns > CPU_LIMIT * 1000000000ULL;
	} while (!reached && !stuck);
	figure(figures, "possible", possible);
	if (reached && possible)
		note_99(figures, &first, &before, &sample, possible);
	else
		figure(figures, "cpu_given_up_ns", sample.cpu_ns - first.cpu_ns);
}

void measure_rounds(const struct scanner *scanner, unsigned int rounds, uint64_t pages,
		    struct figures *figures)
{
	struct sample before, after;
	unsigned int i;

	/* Begins at a border between two. */
	scanner->round();
	scanner->read(&before);
	for (i = 0; i < rounds; i++)
		scanner->round();
	scanner->read(&after);
	figure(figures, "rounds", after.rounds - before.rounds);
	figure(figures, "rounds_cpu_ns", after.cpu_ns - before.cpu_ns);
	figure(figures, "rounds_scanned", after.scanned - before.scanned);
	figure(figures, "cpu_per_page_round_ns",
	       (after.cpu_ns - before.cpu_ns) / (double)(pages * rounds));
}

double cpu_rate(const struct scanner *scanner, double seconds)
{
	struct sample before, after;

	scanner->read(&before);
	sleep_seconds(seconds);
	scanner->read(&after);
	return (after.cpu_ns - before.cpu_ns) / (after.time - before.time);
}
