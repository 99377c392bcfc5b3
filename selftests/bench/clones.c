// SPDX-License-Identifier: GPL-2.0
/* Processes alike in part: how much CPU until what they have in common is shared. */
#include "bench.h"

#define HEAT_MS		20

static uint64_t all_pages(const struct load_spec *spec)
{
	return spec->processes * spec->pages;
}

/* Lets the last of the pages be found, too. */
static void settle(const struct scanner *scanner, struct figures *figures)
{
	struct sample sample;

	scanner->round();
	scanner->round();
	scanner->read(&sample);
	figure(figures, "saved", sample.saved);
	figure(figures, "shared", sample.shared);
}

static void begin(struct load *load, const struct workload *workload,
		  const struct scanner *scanner)
{
	load_start(load, workload->spec);
	if (workload->spec->hot)
		load_heat(load, HEAT_MS);
	scanner->begin();
}

static void finish(struct load *load, const struct scanner *scanner, struct figures *figures)
{
	scanner->extras(figures);
	if (load->hot)
		load_calm(load);
	figure(figures, "pages", all_pages(load->spec));
	figure(figures, "wrong_pages", load_wrong(load));
	figure(figures, "anon_huge_kb", smaps_rollup_kb(load->child[0].pid, "AnonHugePages"));
	load_end(load);
	scanner->end();
}

void run_clones(const struct workload *workload, const struct scanner *scanner,
		struct figures *figures)
{
	struct load load;

	begin(&load, workload, scanner);
	profile_start(scanner);
	load_take(&load, scanner);
	converge(scanner, load.possible, figures);
	profile_print();
	settle(scanner, figures);
	finish(&load, scanner, figures);
}

/* Before 6.7 there is none of it, and what is measured then is the same again. */
static void measure_without_smart_scan(const struct scanner *scanner, uint64_t pages,
				       struct figures *figures)
{
	struct figures without = { 0 };

	if (scanner != &ksmd || write_file("/sys/kernel/mm/ksm/smart_scan", "0"))
		return;
	measure_rounds(scanner, 2, pages, &without);
	figure(figures, "no_smart_scan_cpu_per_page_round_ns",
	       figure_get(&without, "cpu_per_page_round_ns"));
	write_file("/sys/kernel/mm/ksm/smart_scan", "1");
}

/* The first round makes what a scanner keeps of each page; later ones are the rule. */
void run_strangers(const struct workload *workload, const struct scanner *scanner,
		   struct figures *figures)
{
	uint64_t pages = all_pages(workload->spec);
	struct sample before, after;
	struct load load;

	begin(&load, workload, scanner);
	scanner->read(&before);
	profile_start(scanner);
	load_take(&load, scanner);
	scanner->round();
	scanner->read(&after);
	figure(figures, "first_round_cpu_ns", after.cpu_ns - before.cpu_ns);
	figure(figures, "first_round_per_page_ns", (after.cpu_ns - before.cpu_ns) / (double)pages);
	measure_rounds(scanner, 4, pages, figures);
	profile_print();
	measure_without_smart_scan(scanner, pages, figures);
	scanner->read(&after);
	figure(figures, "possible", load.possible);
	figure(figures, "saved", after.saved);
	finish(&load, scanner, figures);
}
