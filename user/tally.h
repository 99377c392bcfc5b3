/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_TALLY_H
#define PSHARE_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TALLY_OWNERS	64

/*
 * Counts equal contents by their hashes, in bounded memory. All hashes are kept while they fit;
 * then those of a half of all contents, of a quarter and so on: of a content all copies are
 * counted or none, so that numbers only have to be scaled up, and their error can be told.
 */
struct tally;

/* What the contents come to. Pages, scaled to all contents; zero pages are not among them. */
struct tally_sum {
	uint64_t sharing[TALLY_OWNERS];			/* saved by each owner alone */
	uint64_t common[TALLY_OWNERS][TALLY_OWNERS];	/* contents that both have, i < k */
	uint64_t shared;				/* contents that are there more than once */
	uint64_t all_sharing;				/* saved by all together */
	uint64_t error;			/* all_sharing is within it in 19 of 20 cases; 0: exact */
	unsigned int halvings;		/* of what is counted */
};

/* Takes at most that many bytes, and not less than a few pages. NULL if memory is short. */
struct tally *tally_new(size_t bytes);
void tally_free(struct tally *tally);

/* One page of an owner, 0 to TALLY_OWNERS - 1, by the 128 bits of its hash. */
void tally_add(struct tally *tally, unsigned int owner, uint64_t low, uint64_t high);

void tally_sum(struct tally *tally, struct tally_sum *sum);

#endif
