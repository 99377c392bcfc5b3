// SPDX-License-Identifier: GPL-2.0
/* Clones on two NUMA nodes, which share across nodes, or only on their own. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* Pages of a load that are not on the node of their process; wherever they are not shared, 0. */
static uint64_t count_remote(struct load *load)
{
	size_t pages = load->spec->pages, i;
	uint64_t *entry = calloc(pages, sizeof(*entry)), remote = 0;
	unsigned int process;
	uint64_t pfn;

	if (!entry)
		die("no memory to count");
	for (process = 0; process < load->spec->processes; process++) {
		pagemap_read(load->child[process].pid, load->child[process].mem, pages, entry);
		for (i = 0; i < pages; i++) {
			pfn = entry[i] & ((1ULL << 55) - 1);
			/* The one zero page is on some node. */
			if (entry[i] & PM_PRESENT &&
			    load_kind(load->spec, i) != PAGE_ZERO &&
			    page_node(pfn) != (int)(process % load->spec->nodes))
				remote++;
		}
	}
	free(entry);
	return remote;
}

void run_nodes(const struct workload *workload, const struct scanner *scanner,
	       struct figures *figures)
{
	bool across = !strcmp(workload->name, "nodes-across");
	struct sample sample;
	struct load load;

	load_start(&load, workload->spec);
	figure(figures, "remote_before", count_remote(&load));
	scanner->begin();
	scanner->across_nodes(across);
	load_take(&load, scanner);
	converge(scanner, across ? load.possible : load.possible_apart, figures);
	scanner->round();
	scanner->round();
	scanner->read(&sample);
	figure(figures, "saved", sample.saved);
	figure(figures, "shared", sample.shared);
	figure(figures, "remote_pages", count_remote(&load));
	scanner->extras(figures);
	figure(figures, "pages", load.spec->processes * load.spec->pages);
	figure(figures, "wrong_pages", load_wrong(&load));
	load_end(&load);
	scanner->end();
}
