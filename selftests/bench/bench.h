/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The benchmark: one workload, under ksmd and then, on a fresh copy of the same
 * load, under pshare. See Documentation/performance.md.
 *
 * Calls return 0 or an errno, positive, unless they say otherwise.
 */
#ifndef BENCH_H
#define BENCH_H

#include "../pshare_test.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof(*(array)))

/* report.c: what was measured, by name */

#define MAX_FIGURES	64
#define MAX_REPEATS	5

struct figures {
	unsigned int repeat;	/* which one of a workload's repeats this is */
	unsigned int n;
	struct {
		char name[40];
		double value;
	} figure[MAX_FIGURES];
};

void figure(struct figures *figures, const char *name, double value);
/* For qsort() of doubles, the smallest first. */
int by_value(const void *a, const void *b);
/* Its value, 0 if there is none. */
double figure_get(const struct figures *figures, const char *name);
/*
 * What @n repeats of a workload come to: the median of each figure, and the sum of those
 * that must be nothing. Ends the benchmark if the repeats have not the same figures.
 */
void figure_medians(struct figures *figures, const struct figures *once, unsigned int n);
/* One block of text and one line of JSON. */
void report(const char *workload, const char *scanner, const struct figures *figures);
/* Prints the message and ends the benchmark: a figure that is wrong is worse than none. */
void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...);

/* scanner.c: ksmd and pshare by one set of handles */

/* Readings of one moment; all but the first three grow only. */
struct sample {
	double time;		/* seconds */
	uint64_t saved;		/* pages */
	uint64_t shared;	/* pages that others share */
	uint64_t cpu_ns;
	uint64_t scanned;	/* pages; 0 where nobody counts */
	uint64_t rounds;
};

struct scanner {
	const char *name;
	/* From nothing to ready: full speed, nobody to scan. end() is the way back. */
	void (*begin)(void);
	void (*end)(void);
	/* A process of the load, which is filled. */
	void (*take)(pid_t pid);
	void (*drop)(pid_t pid);
	void (*default_speed)(void);
	void (*full_speed)(void);
	/*
	 * Spends so much of one processor, if keep_share() is called some times a second;
	 * for pshare, which knows whole percents, it is a limit.
	 */
	void (*share)(double percent);
	void (*keep_share)(void);
	/* Settings, after begin(); ksmd has one thread only. */
	void (*across_nodes)(bool across);
	void (*threads)(unsigned int n);
	/* A huge page is split for the least that is equal in it; ksmd does so anyway. */
	void (*split_all)(void);
	void (*read)(struct sample *sample);
	/* Everything is looked at once, at full speed. */
	void (*round)(void);
	/* What only this scanner can tell. */
	void (*extras)(struct figures *figures);
};

extern const struct scanner ksmd, pshare;

/* Pid of a thread by its name, 0 if there is none. */
pid_t thread_find(const char *name);
/* CPU time in ns, as the scheduler counts it. */
uint64_t thread_cpu_ns(pid_t pid);
uint64_t read_u64(const char *path);

/* load.c: processes with known content */

#define MAX_PROCESSES	16

/*
 * Of 100 runs of pages some are equal in all processes, some zero, some hot
 * (written all the time), and the rest is unique; runs of a kind are spread evenly.
 */
struct load_spec {
	unsigned int processes;
	size_t pages;		/* of each */
	unsigned int run;	/* pages */
	unsigned int equal;
	unsigned int zero;
	unsigned int hot;
	int how;		/* MEM_* */
	unsigned int nodes;	/* memory of process i comes from node i % nodes; 0: from any */
};

struct load {
	const struct load_spec *spec;
	struct child child[MAX_PROCESSES];
	uint64_t possible;	/* pages that can be saved */
	uint64_t possible_apart;	/* where nodes are kept apart */
	bool hot;		/* they write now */
};

enum page_kind {
	PAGE_EQUAL,
	PAGE_ZERO,
	PAGE_HOT,
	PAGE_UNIQUE,
};

enum page_kind load_kind(const struct load_spec *spec, size_t page);
void load_start(struct load *load, const struct load_spec *spec);
void load_take(struct load *load, const struct scanner *scanner);
/* Each hot page is written once in a period, until load_calm(). */
void load_heat(struct load *load, unsigned int period_ms);
void load_calm(struct load *load);
/* How many pages do not hold what they should. */
uint64_t load_wrong(struct load *load);
uint64_t load_wrong_rest(struct load *load);	/* but hot ones */
void load_end(struct load *load);
/* A child for a load of another form: started, advised to be merged once it has memory. */
void load_child(struct child *child);
void load_advise(struct child *child);
/* The same call in each process at the same time. */
void load_begin(struct load *load, child_fn fn, long a, long b, long c);
/* Sum of the results. */
long load_finish(struct load *load);

/* run.c: steps that workloads are made of */

/* CPU time after which a scanner that gets nowhere is given up, in seconds. */
#define CPU_LIMIT	40

/*
 * Lets the scanner work until 99% of what is possible is saved, or nothing has
 * been gained for some rounds. Figures: possible, saved, saved99, cpu99_ns,
 * time99_s, cpu_per_page_ns.
 */
void converge(const struct scanner *scanner, uint64_t possible, struct figures *figures);
/* CPU time of some rounds when nothing is left to be gained, per page and round. */
void measure_rounds(const struct scanner *scanner, unsigned int rounds, uint64_t pages,
		    struct figures *figures);
/* CPU time spent in some seconds, per second. */
double cpu_rate(const struct scanner *scanner, double seconds);
void sleep_seconds(double seconds);

/* profile.c: where a thread's time goes, by function */

/* Both do nothing unless profiling was asked for. */
void profile_start(const struct scanner *scanner);
/* Text, the most expensive functions first. */
void profile_print(void);
extern bool profiling;

/* The workloads, a file for each group of them */

struct workload {
	const char *name;
	const char *what;
	const struct load_spec *spec;
	/* Makes the load, lets the scanner work, checks; one repeat of it. */
	void (*run)(const struct workload *workload, const struct scanner *scanner,
		    struct figures *figures);
	unsigned int repeats;	/* of which the median counts: odd */
};

extern const struct workload workloads[];
extern const unsigned int nr_workloads;

void run_clones(const struct workload *workload, const struct scanner *scanner,
		struct figures *figures);
void run_strangers(const struct workload *workload, const struct scanner *scanner,
		   struct figures *figures);
void run_rest(const struct workload *workload, const struct scanner *scanner,
	      struct figures *figures);
void run_hot(const struct workload *workload, const struct scanner *scanner,
	     struct figures *figures);
void run_sparse(const struct workload *workload, const struct scanner *scanner,
		struct figures *figures);
void run_shortlived(const struct workload *workload, const struct scanner *scanner,
		    struct figures *figures);
void run_nodes(const struct workload *workload, const struct scanner *scanner,
	       struct figures *figures);
void run_threads(const struct workload *workload, const struct scanner *scanner,
		 struct figures *figures);
void run_guests(const struct workload *workload, const struct scanner *scanner,
		struct figures *figures);

#endif
