// SPDX-License-Identifier: GPL-2.0
/* ksmd and pshare by one set of handles. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define KSM		"/sys/kernel/mm/ksm/"
#define PSHARE		"/sys/kernel/mm/pshare/"
#define MAX_WATCHED	256
#define ROUND_SECONDS	600	/* guests leave little of the processor */

uint64_t read_u64(const char *path)
{
	char text[64];

	return read_file(path, text, sizeof(text)) ? 0 : strtoull(text, NULL, 10);
}

static void must_write(const char *path, const char *text)
{
	int err = write_file(path, text);

	if (err)
		die("%s > %s: %s", text, path, strerror(err));
}

pid_t thread_find(const char *name)
{
	DIR *proc = opendir("/proc");
	char path[300], comm[32];
	struct dirent *entry;
	pid_t pid = 0;

	while (proc && !pid && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
		    read_file(path, comm, sizeof(comm)))
			continue;
		comm[strcspn(comm, "\n")] = 0;
		if (!strcmp(comm, name))
			pid = atoi(entry->d_name);
	}
	if (proc)
		closedir(proc);
	return pid;
}

uint64_t thread_cpu_ns(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	return read_u64(path);
}

/*
 * What the kernel has taken for itself, and cannot give back: measured before and
 * after, it shows what a scanner keeps, whatever it says itself.
 */
static long long kernel_memory_before;

static long long kernel_memory_kb(void)
{
	return meminfo_kb("SUnreclaim") + meminfo_kb("VmallocUsed");
}

static void figure_memory(struct figures *figures)
{
	figure(figures, "metadata_measured_bytes",
	       (kernel_memory_kb() - kernel_memory_before) * 1024.0);
}

static uint64_t thread_cpu_of(const char *name)
{
	static pid_t pid;

	/* The same one until it has gone. */
	if (!pid || !thread_cpu_ns(pid))
		pid = thread_find(name);
	return pid ? thread_cpu_ns(pid) : 0;
}

/*
 * ksmd. Before 6.6 it does not count the zero pages it makes, and 6.12 makes some by
 * itself when it splits a huge page; but each leaves the process's anonymous memory,
 * in which pages that are shared stay.
 */
static struct {
	pid_t pid;
	long anon_kb;
} watched[MAX_WATCHED];
static unsigned int nr_watched;

static void ksmd_full_speed(void)
{
	must_write(KSM "pages_to_scan", "100000");
	must_write(KSM "sleep_millisecs", "0");
}

static void ksmd_default_speed(void)
{
	must_write(KSM "pages_to_scan", "100");
	must_write(KSM "sleep_millisecs", "20");
}

/* ksmd knows pages, not time: how many it is given follows from what the last ones took. */
#define KSMD_PACE_S	0.2

#define KSMD_PAY_BACK_S	1	/* what it took too much, or too little */

static struct {
	double percent;
	double pages;
	double time;
	uint64_t cpu_ns;
	double begin;
	uint64_t begin_cpu_ns;
} pace;

static void set_pace(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%.0f", pace.pages);
	must_write(KSM "pages_to_scan", text);
	pace.time = now();
	pace.cpu_ns = thread_cpu_of("ksmd");
}

/* Begins with what the last share took. */
static void ksmd_share(double percent)
{
	ksmd_default_speed();
	pace.pages = pace.percent ? pace.pages * percent / pace.percent : 100;
	pace.percent = percent;
	set_pace();
	pace.begin = pace.time;
	pace.begin_cpu_ns = pace.cpu_ns;
}

/* For the next while, so that all since the beginning comes to what it should. */
static double percent_wanted(double time, uint64_t cpu_ns)
{
	double due = pace.percent * (time - pace.begin) - (cpu_ns - pace.begin_cpu_ns) / 1e7;
	double wanted = pace.percent + due / KSMD_PAY_BACK_S;

	return wanted < pace.percent / 2 ? pace.percent / 2 :
	       wanted > pace.percent * 2 ? pace.percent * 2 : wanted;
}

static void ksmd_keep_share(void)
{
	double time = now(), seconds = time - pace.time, percent, factor;
	uint64_t cpu_ns;

	if (seconds < KSMD_PACE_S)
		return;
	cpu_ns = thread_cpu_of("ksmd");
	percent = (cpu_ns - pace.cpu_ns) / seconds / 1e7;
	factor = percent > 0 ? percent_wanted(time, cpu_ns) / percent : 2;
	pace.pages *= factor < 0.5 ? 0.5 : factor > 2 ? 2 : factor;
	pace.pages = pace.pages < 1 ? 1 : pace.pages > 1000000 ? 1000000 : pace.pages;
	set_pace();
}

/* The rule changes only when nothing is shared. */
static void ksmd_across_nodes(bool across)
{
	must_write(KSM "run", "2");
	must_write(KSM "merge_across_nodes", across ? "1" : "0");
	must_write(KSM "run", "0");
}

static void ksmd_threads(unsigned int n)
{
	if (n != 1)
		die("ksmd has one thread");
}

static void ksmd_split_all(void)
{
}

static void ksmd_begin(void)
{
	nr_watched = 0;
	if (read_u64(KSM "pages_sharing"))
		die("ksmd counts pages of before");
	must_write(KSM "use_zero_pages", "1");
	kernel_memory_before = kernel_memory_kb();
	ksmd_full_speed();
}

/* What processes that have ended leave is counted as saved until ksmd comes by: not next time. */
static void ksmd_end(void)
{
	must_write(KSM "run", "2");
	must_write(KSM "run", "0");
}

/* It begins with the first of them, as pshare does. */
static void ksmd_take(pid_t pid)
{
	if (nr_watched == MAX_WATCHED)
		die("more than %d processes", MAX_WATCHED);
	watched[nr_watched].pid = pid;
	watched[nr_watched++].anon_kb = status_kb(pid, "RssAnon");
	must_write(KSM "run", "1");
}

static void ksmd_drop(pid_t pid)
{
	unsigned int i;

	for (i = 0; i < nr_watched; i++)
		if (watched[i].pid == pid)
			watched[i] = watched[--nr_watched];
}

static uint64_t ksmd_zeros(void)
{
	uint64_t counted = read_u64(KSM "ksm_zero_pages");
	long kb = 0, anon;
	unsigned int i;

	for (i = 0; i < nr_watched; i++) {
		anon = status_kb(watched[i].pid, "RssAnon");
		if (anon >= 0 && anon < watched[i].anon_kb)
			kb += watched[i].anon_kb - anon;
	}
	/* The processes' numbers are rounded, where they are counted for each processor. */
	return (uint64_t)kb / 4 > counted ? (uint64_t)kb / 4 : counted;
}

static void ksmd_read(struct sample *sample)
{
	sample->time = now();
	sample->cpu_ns = thread_cpu_of("ksmd");
	sample->shared = read_u64(KSM "pages_shared");
	sample->saved = read_u64(KSM "pages_sharing") + ksmd_zeros();
	sample->scanned = read_u64(KSM "pages_scanned");
	sample->rounds = read_u64(KSM "full_scans");
}

/* From one end of a scan to the next. */
static void ksmd_round(void)
{
	uint64_t rounds = read_u64(KSM "full_scans");

	while (read_u64(KSM "full_scans") == rounds)
		pause_ms(2);
}

static void ksmd_extras(struct figures *figures)
{
	figure_memory(figures);
}

const struct scanner ksmd = {
	.name = "ksmd",
	.begin = ksmd_begin,
	.end = ksmd_end,
	.take = ksmd_take,
	.drop = ksmd_drop,
	.full_speed = ksmd_full_speed,
	.default_speed = ksmd_default_speed,
	.share = ksmd_share,
	.keep_share = ksmd_keep_share,
	.across_nodes = ksmd_across_nodes,
	.threads = ksmd_threads,
	.split_all = ksmd_split_all,
	.read = ksmd_read,
	.round = ksmd_round,
	.extras = ksmd_extras,
};

/* pshare */

static struct counters counters_before;

static void check(int err, const char *what)
{
	if (err)
		die("%s: %s %s", what, strerror(err), last_extack());
}

static void pshare_full_speed(void)
{
	check(knob_set_u64("cpu_percent", knob_max("cpu_percent")), "cpu_percent");
}

static void pshare_default_speed(void)
{
	check(knobs_default(), "defaults");
}

static void pshare_share(double percent)
{
	pshare_default_speed();
	check(knob_set_u64("cpu_percent", percent < 1 ? 1 : percent), "cpu_percent");
}

static void pshare_keep_share(void)
{
}

static void pshare_across_nodes(bool across)
{
	check(knob_set_u64("merge_across_nodes", across), "merge_across_nodes");
}

static void pshare_threads(unsigned int n)
{
	check(knob_set_u64("scan_threads", n), "scan_threads");
}

static void pshare_split_all(void)
{
	check(knob_set_u64("thp_min_duplicates", 1), "thp_min_duplicates");
}

static void pshare_begin(void)
{
	struct host_info info;

	check(module_load(NULL), "insmod");
	check(events_open(), "events");
	pshare_full_speed();
	check(stats_get(&info, true), "stats-get");
	counters_before = info.counters;
	kernel_memory_before = kernel_memory_kb();
}

static void pshare_end(void)
{
	check(module_unload(), "rmmod");
}

static void pshare_take(pid_t pid)
{
	check(vm_add(pid, NULL, 0), "vm-add");
}

static void pshare_drop(pid_t pid)
{
	(void)pid;
}

static void pshare_read(struct sample *sample)
{
	struct host_info info;

	check(stats_get(&info, true), "stats-get");
	sample->time = now();
	sample->cpu_ns = info.counters.v[C(SCAN_CPU_NS)];
	sample->shared = info.counters.v[C(PAGES_SHARED)];
	sample->saved = info.counters.v[C(PAGES_SHARING)] + info.counters.v[C(ZERO_PAGES)];
	sample->scanned = info.counters.v[C(PAGES_SCANNED)];
	sample->rounds = info.counters.v[C(FULL_SCANS)];
}

static void pshare_round(void)
{
	uint64_t cookie;

	check(scan_start(0, &cookie), "scan");
	check(scan_wait(cookie, ROUND_SECONDS), "scan");
}

static uint64_t all_threads_cpu_ns(void)
{
	uint64_t sum = 0;
	char name[32];
	pid_t pid;
	int i;

	for (i = 0;; i++) {
		snprintf(name, sizeof(name), "pshare/%d", i);
		pid = thread_find(name);
		if (!pid)
			return sum;
		sum += thread_cpu_ns(pid);
	}
}

static void pshare_extras(struct figures *figures)
{
	static const struct {
		int counter;
		const char *name;
	} wanted[] = {
		{ C(SCAN_CPU_NS), "scan_cpu_ns" },
		{ C(MERGES), "merges" },
		{ C(COW_BREAKS), "cow_breaks" },
		{ C(UNMERGES), "unmerges" },
		{ C(NOTIFIER_ROUNDS), "notifier_rounds" },
		{ C(THP_SPLIT), "thp_split" },
		{ C(THP_KEPT), "thp_kept" },
		{ C(METADATA_BYTES), "metadata_bytes" },
		{ C(SKIPPED_CHANGED), "skipped_changed" },
		{ C(SKIPPED_COLLISION), "skipped_collision" },
		{ C(SKIPPED_PINNED), "skipped_pinned" },
		{ C(SKIPPED_LOCKED), "skipped_locked" },
		{ C(SKIPPED_BUSY), "skipped_busy" },
		{ C(SKIPPED_NOMEM), "skipped_nomem" },
	};
	struct host_info info;
	unsigned int i;

	check(stats_get(&info, true), "stats-get");
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		figure(figures, wanted[i].name, info.counters.v[wanted[i].counter] -
						counters_before.v[wanted[i].counter]);
	figure(figures, "threads_cpu_ns", all_threads_cpu_ns());
	figure_memory(figures);
}

const struct scanner pshare = {
	.name = "pshare",
	.begin = pshare_begin,
	.end = pshare_end,
	.take = pshare_take,
	.drop = pshare_drop,
	.full_speed = pshare_full_speed,
	.default_speed = pshare_default_speed,
	.share = pshare_share,
	.keep_share = pshare_keep_share,
	.across_nodes = pshare_across_nodes,
	.threads = pshare_threads,
	.split_all = pshare_split_all,
	.read = pshare_read,
	.round = pshare_round,
	.extras = pshare_extras,
};
