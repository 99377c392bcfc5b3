// SPDX-License-Identifier: GPL-2.0
/*
 * Clones of which a tenth is rewritten all the time: a third of that ten times a
 * second, a third every few seconds, a third every few seconds with content that is
 * equal in all of them until it is written again. What is merged of it was merged in
 * vain: nothing lives for longer than PERIOD_MAX, which is less than the ten seconds
 * that a merge should last.
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "bench.h"

#define SEED_MOMENT	50
#define SEED_OWN	200
#define TURN_MS		100
#define PERIOD_MAX	80	/* turns: 2, 4 or 8 s */
#define SHARE_PERCENT	20
#define STEP_MS		250
#define WARM_SECONDS	10
#define SECONDS		60
#define MAX_RUN		64

/* Runs are due at different moments, but those of a page in all processes at the same. */
static unsigned int period_of(size_t run)
{
	return run % 3 ? PERIOD_MAX >> run / 3 % 3 : 1;
}

static bool is_due(size_t run, uint64_t turn)
{
	return (turn + run * 7) % period_of(run) == 0;
}

static uint64_t seed_of(size_t run, long process)
{
	return run % 3 == 2 ? SEED_MOMENT : SEED_OWN + process;
}

static void read_pfns(struct child *self, size_t page, size_t count, uint64_t *pfns)
{
	static int fd;
	size_t i;

	if (!fd)
		fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pread(fd, pfns, count * sizeof(*pfns), (uintptr_t)child_page(self, page) / PAGE_SIZE *
		  sizeof(*pfns)) != (ssize_t)(count * sizeof(*pfns)))
		_exit(1);
	for (i = 0; i < count; i++)
		pfns[i] &= (1ULL << 55) - 1;
}

/* Return: how many were shared, which is to say that their content is in other frames now. */
static long rewrite(struct child *self, const struct load_spec *spec, size_t page, long process,
		    uint64_t turn)
{
	uint64_t before[MAX_RUN], after[MAX_RUN];
	size_t run = page / spec->run, i;
	long broken = 0;

	read_pfns(self, page, spec->run, before);
	for (i = 0; i < spec->run; i++)
		page_fill(child_page(self, page + i), seed_of(run, process),
			  page + i + turn * spec->pages);
	read_pfns(self, page, spec->run, after);
	for (i = 0; i < spec->run; i++)
		broken += before[i] != after[i];
	return broken;
}

/* In the child: how often it wrote. */
static uint64_t turns;

/* Writes until the next call comes. Result: how many shared pages it has written to. */
static long do_rewrite(struct child *self, const long *arg)
{
	const struct load_spec *spec = (const struct load_spec *)arg[1];
	struct pollfd caller = { .fd = self->socket, .events = POLLIN };
	long broken = 0;
	size_t page;

	turns = 0;
	do {
		for (page = 0; page < spec->pages; page += spec->run)
			if (load_kind(spec, page) == PAGE_HOT &&
			    (!turns || is_due(page / spec->run, turns)))
				broken += rewrite(self, spec, page, arg[0], turns);
		turns++;
	} while (!poll(&caller, 1, TURN_MS));
	return broken;
}

/* The last turn in which a run was written. */
static uint64_t last_turn(size_t run)
{
	uint64_t turn = turns - 1;

	while (turn && !is_due(run, turn))
		turn--;
	return turn;
}

/* Every page: hot ones as they were written last, the others as they always were. */
static long do_count_wrong_hot(struct child *self, const long *arg)
{
	const struct load_spec *spec = (const struct load_spec *)arg[1];
	long wrong = 0;
	size_t page;

	for (page = 0; page < spec->pages; page++) {
		size_t run = page / spec->run;

		if (load_kind(spec, page) == PAGE_HOT)
			wrong += !page_matches(child_page(self, page), seed_of(run, arg[0]),
					       page + last_turn(run) * spec->pages);
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

static void scan_for(const struct scanner *scanner, unsigned int seconds)
{
	double end = now() + seconds;

	while (now() < end) {
		pause_ms(STEP_MS);
		scanner->keep_share();
	}
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
	scanner->share(SHARE_PERCENT);
	scanner->read(&before);
	load_take(&load, scanner);
	scan_for(scanner, SECONDS);
	scanner->read(&sample);
	broken = stop_writing(&load);
	figure(figures, "possible", load.possible);
	figure(figures, "saved", sample.saved);
	figure(figures, "cpu_ns", sample.cpu_ns - before.cpu_ns);
	figure(figures, "seconds", sample.time - before.time);
	figure_breaks(figures, &sample, broken);
	scanner->extras(figures);
	load_begin(&load, do_count_wrong_hot, (long)spec, 0, 0);
	figure(figures, "wrong_pages", load_finish(&load) + load_wrong_rest(&load));
	figure(figures, "pages", spec->processes * spec->pages);
	load_end(&load);
	scanner->end();
}
