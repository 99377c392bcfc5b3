// SPDX-License-Identifier: GPL-2.0
/*
 * bench WORKLOAD [SCANNER...]: measures a workload, by default under ksmd and then pshare.
 * bench --profile WORKLOAD SCANNER: and shows where the scanner's time goes.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"

bool profiling;

/* 4 processes of 96 MiB are what KSM, UKSM and the study of this project were measured with. */
#define MIB	MIB_PAGES

static const struct load_spec baseline = {
	.processes = 4, .pages = 96 * MIB, .run = 8, .equal = 45, .zero = 5, .hot = 5,
};

static const struct load_spec clones = {
	.processes = 4, .pages = 96 * MIB, .run = 8, .equal = 50, .zero = 5,
};

static const struct load_spec strangers = {
	.processes = 4, .pages = 96 * MIB, .run = 8, .equal = 1,
};

static const struct load_spec zeros = {
	.processes = 4, .pages = 96 * MIB, .run = 8, .equal = 2, .zero = 90,
};

/* Runs of 16 huge pages: some are equal as a whole. */
static const struct load_spec huge = {
	.processes = 4, .pages = 96 * MIB, .run = 512, .equal = 50, .zero = 5, .how = MEM_HUGE,
};

/* In each huge page some 16 of 512 are equal. */
static const struct load_spec huge_few = {
	.processes = 4, .pages = 96 * MIB, .run = 4, .equal = 3, .how = MEM_HUGE,
};

static const struct load_spec hot = {
	.processes = 4, .pages = 32 * MIB, .run = 8, .equal = 40, .zero = 5, .hot = 10,
};

static const struct load_spec nodes = {
	.processes = 4, .pages = 48 * MIB, .run = 8, .equal = 50, .zero = 5, .nodes = 2,
};

static const struct load_spec threads = {
	.processes = 4, .pages = 96 * MIB, .run = 8, .equal = 50, .zero = 5,
};

#define GROWTH(mib) \
	{ .processes = 4, .pages = (mib) / 4 * MIB, .run = 8, .equal = 50, .zero = 5 }

static const struct load_spec growth[] = {
	GROWTH(64), GROWTH(256), GROWTH(1024), GROWTH(2048),
};

const struct workload workloads[] = {
	{ "baseline", "45% equal, 5% zero, 5% hot", &baseline, run_clones, 3 },
	{ "clones", "half equal, some zero", &clones, run_clones, 3 },
	{ "strangers", "almost nothing equal", &strangers, run_strangers, 1 },
	{ "rest", "clones, left alone when all is shared", &clones, run_rest, 1 },
	{ "zeros", "mostly zero pages", &zeros, run_clones, 1 },
	{ "huge", "clones in huge pages", &huge, run_clones, 1 },
	{ "huge-few", "huge pages with few equal parts", &huge_few, run_clones, 1 },
	{ "hot", "a tenth is rewritten all the time", &hot, run_hot, 1 },
	{ "sparse", "4 TiB of addresses, a page in each 2 GiB", NULL, run_sparse, 1 },
	{ "shortlived", "processes that live for 4 s, at default speed", NULL, run_shortlived, 1 },
	{ "nodes-across", "clones on two nodes, which all share", &nodes, run_nodes, 1 },
	{ "nodes-apart", "the same, only those of a node share", &nodes, run_nodes, 1 },
	{ "threads", "clones, by one thread and by two", &threads, run_threads, 1 },
	{ "threads-wall", "the same in real time, on two processors", &threads, run_threads, 5 },
	{ "guests", "three KVM guests that serve, scanners at one share", NULL, run_guests, 3 },
	{ "growth-64", "clones, 64 MiB together", &growth[0], run_clones, 1 },
	{ "growth-256", "clones, 256 MiB together", &growth[1], run_clones, 1 },
	{ "growth-1024", "clones, 1 GiB together", &growth[2], run_clones, 1 },
	{ "growth-2048", "clones, 2 GiB together", &growth[3], run_clones, 1 },
};

const unsigned int nr_workloads = ARRAY_SIZE(workloads);

static const struct workload *find_workload(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_workloads; i++)
		if (!strcmp(workloads[i].name, name))
			return &workloads[i];
	return NULL;
}

static void list(void)
{
	unsigned int i;

	for (i = 0; i < nr_workloads; i++)
		printf("%s\t%s\n", workloads[i].name, workloads[i].what);
}

/* One repeat is enough to see where the time goes. */
static void measure(const struct workload *workload, const struct scanner *scanner)
{
	unsigned int i, n = profiling ? 1 : workload->repeats;
	struct figures once[MAX_REPEATS] = { 0 }, figures = { 0 };

	if (n > MAX_REPEATS)
		die("%s: more than %d repeats", workload->name, MAX_REPEATS);
	for (i = 0; i < n; i++) {
		once[i].repeat = i;
		workload->run(workload, scanner, &once[i]);
	}
	figure_medians(&figures, once, n);
	report(workload->name, scanner->name, &figures);
}

static const struct scanner *find_scanner(const char *name)
{
	if (!strcmp(name, ksmd.name))
		return &ksmd;
	if (!strcmp(name, pshare.name))
		return &pshare;
	die("no scanner %s", name);
}

int main(int argc, char **argv)
{
	const struct workload *workload;
	int i;

	if (argc > 1 && !strcmp(argv[1], "--profile")) {
		profiling = true;
		argv++;
		argc--;
	}
	if (argc < 2) {
		list();
		return 2;
	}
	workload = find_workload(argv[1]);
	if (!workload)
		die("no workload %s", argv[1]);
	if (argc == 2) {
		measure(workload, &ksmd);
		measure(workload, &pshare);
	}
	for (i = 2; i < argc; i++)
		measure(workload, find_scanner(argv[i]));
	return 0;
}
