// SPDX-License-Identifier: GPL-2.0
/* Terabytes of address space with a page here and there. */
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define SPACE_BYTES	(4UL << 40)
#define STEP_BYTES	(2UL << 30)
#define SEED_SPARSE	9
#define PROCESSES	2
#define PAGES		(SPACE_BYTES / STEP_BYTES)
/* What a scanner that looks at every address is given. */
#define SECONDS		20

static void *place(const struct child *child, size_t page)
{
	return child->mem + page * STEP_BYTES + page % 512 * PAGE_SIZE;
}

static long do_map(struct child *self, const long *arg)
{
	size_t page;

	(void)arg;
	self->mem = mmap(NULL, SPACE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (self->mem == MAP_FAILED)
		return -errno;
	self->pages = SPACE_BYTES / PAGE_SIZE;
	madvise(self->mem, SPACE_BYTES, MADV_NOHUGEPAGE);
	for (page = 0; page < PAGES; page++)
		page_fill(place(self, page), SEED_SPARSE, page);
	return 0;
}

static long do_count_wrong(struct child *self, const long *arg)
{
	long wrong = 0;
	size_t page;

	(void)arg;
	for (page = 0; page < PAGES; page++)
		wrong += !page_matches(place(self, page), SEED_SPARSE, page);
	return wrong;
}

static void scan_for(const struct scanner *scanner, uint64_t possible, struct figures *figures)
{
	struct sample first, sample;

	scanner->read(&first);
	do {
		pause_ms(10);
		scanner->read(&sample);
	} while (sample.saved < 0.99 * possible && sample.time < first.time + SECONDS);
	figure(figures, "possible", possible);
	figure(figures, "saved", sample.saved);
	figure(figures, sample.saved < 0.99 * possible ? "cpu_given_up_ns" : "cpu99_ns",
	       sample.cpu_ns - first.cpu_ns);
	figure(figures, "time_s", sample.time - first.time);
}

void run_sparse(const struct workload *workload, const struct scanner *scanner,
		struct figures *figures)
{
	struct child child[PROCESSES];
	long result, wrong = 0;
	unsigned int i;

	(void)workload;
	for (i = 0; i < PROCESSES; i++) {
		load_child(&child[i]);
		result = child_call(&child[i], do_map, 0, 0, 0, 0);
		if (result)
			die("sparse memory: %s", strerror(-result));
		load_advise(&child[i]);
	}
	scanner->begin();
	profile_start(scanner);
	for (i = 0; i < PROCESSES; i++)
		scanner->take(child[i].pid);
	scan_for(scanner, PAGES * (PROCESSES - 1), figures);
	profile_print();
	scanner->extras(figures);
	for (i = 0; i < PROCESSES; i++)
		wrong += child_call(&child[i], do_count_wrong, 0, 0, 0, 0);
	figure(figures, "pages", PAGES * PROCESSES);
	figure(figures, "wrong_pages", wrong);
	for (i = 0; i < PROCESSES; i++)
		child_kill(&child[i]);
	scanner->end();
}
