// SPDX-License-Identifier: GPL-2.0
/*
 * Equal contents, counted by hashes in a table that does not grow: see tally.h. A hash is 128 bits,
 * so that two contents of one hash need not be thought of. Pure functions, no output.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tally.h"

#define LEAST_RECORDS	1024

/* So many copies of a content has an owner. */
struct record {
	uint64_t low, high;
	uint32_t owner;
	uint32_t count;
};

struct tally {
	struct record *records;
	size_t count, room;
	unsigned int halvings;
};

struct tally *tally_new(size_t bytes)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (!tally)
		return NULL;
	/* The C library's qsort() takes as much again. */
	tally->room = bytes / sizeof(*tally->records) / 2;
	if (tally->room < LEAST_RECORDS)
		tally->room = LEAST_RECORDS;
	tally->records = malloc(tally->room * sizeof(*tally->records));
	if (tally->records)
		return tally;
	free(tally);
	return NULL;
}

void tally_free(struct tally *tally)
{
	if (tally)
		free(tally->records);
	free(tally);
}

static int compare(const void *a, const void *b)
{
	const struct record *left = a, *right = b;

	if (left->high != right->high)
		return left->high < right->high ? -1 : 1;
	if (left->low != right->low)
		return left->low < right->low ? -1 : 1;
	return left->owner < right->owner ? -1 : left->owner > right->owner;
}

static bool is_kept(const struct tally *tally, uint64_t high)
{
	return !(high & ((1ull << tally->halvings) - 1));
}

/* In order, and one record for each content of an owner. */
static void join(struct tally *tally)
{
	struct record *last = NULL;
	size_t left = 0;

	qsort(tally->records, tally->count, sizeof(*tally->records), compare);
	for (size_t i = 0; i < tally->count; i++) {
		const struct record *record = &tally->records[i];

		if (last && !compare(last, record)) {
			last->count += record->count;
			continue;
		}
		last = &tally->records[left++];
		*last = *record;
	}
	tally->count = left;
}

static void halve(struct tally *tally)
{
	size_t left = 0;

	tally->halvings++;
	for (size_t i = 0; i < tally->count; i++)
		if (is_kept(tally, tally->records[i].high))
			tally->records[left++] = tally->records[i];
	tally->count = left;
}

/* A table that stays nearly full would be sorted again and again. */
static void make_room(struct tally *tally)
{
	join(tally);
	while (tally->count > tally->room - tally->room / 4)
		halve(tally);
}

void tally_add(struct tally *tally, unsigned int owner, uint64_t low, uint64_t high)
{
	if (!is_kept(tally, high))
		return;
	if (tally->count == tally->room) {
		make_room(tally);
		if (!is_kept(tally, high))
			return;
	}
	tally->records[tally->count++] = (struct record){ low, high, owner, 1 };
}

/* The records of one content, an owner each. */
static void sum_content(const struct record *records, size_t count, struct tally_sum *sum,
			double *squares)
{
	uint64_t copies = 0;

	for (size_t i = 0; i < count; i++) {
		copies += records[i].count;
		sum->sharing[records[i].owner] += records[i].count - 1;
		for (size_t k = i + 1; k < count; k++)
			sum->common[records[i].owner][records[k].owner]++;
	}
	sum->shared += copies > 1;
	sum->all_sharing += copies - 1;
	*squares += (double)(copies - 1) * (copies - 1);
}

static void scale(struct tally_sum *sum)
{
	for (size_t i = 0; i < TALLY_OWNERS; i++) {
		sum->sharing[i] <<= sum->halvings;
		for (size_t k = 0; k < TALLY_OWNERS; k++)
			sum->common[i][k] <<= sum->halvings;
	}
	sum->shared <<= sum->halvings;
	sum->all_sharing <<= sum->halvings;
}

/*
 * A content is counted with probability p = 1 / 2^halvings, and then 1 / p times: the variance of
 * the sum of c is that of the sum of squares of c, times (1 - p) / p; estimated from those that
 * were counted, times (1 - p) / p^2. Twice its root are 19 of 20 cases.
 */
void tally_sum(struct tally *tally, struct tally_sum *sum)
{
	double squares = 0, scaled = ldexp(1, tally->halvings);
	size_t first = 0;

	memset(sum, 0, sizeof(*sum));
	join(tally);
	sum->halvings = tally->halvings;
	for (size_t i = 1; i <= tally->count; i++) {
		const struct record *record = &tally->records[i];

		if (i < tally->count && record->high == tally->records[first].high &&
		    record->low == tally->records[first].low)
			continue;
		sum_content(&tally->records[first], i - first, sum, &squares);
		first = i;
	}
	scale(sum);
	sum->error = 2 * sqrt(squares * scaled * (scaled - 1)) + 0.5;
}
