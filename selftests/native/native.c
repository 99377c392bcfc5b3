// SPDX-License-Identifier: GPL-2.0
/*
 * What the parts of a scan cost on a real processor, whose caches and
 * predictors the count of instructions knows nothing of. Pages are visited in an
 * order that no prefetcher guesses, in memory that no cache holds.
 *
 * Each figure is made of the best time of each slice: what disturbs a run only
 * makes it slower.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../../kmod/compare.h"
#include "../../kmod/fingerprint.h"
#include "../../kmod/index.h"
#include "../../kmod/vector.h"

#define PAGE_BYTES	4096UL
#define PAGES		(1UL << 17)	/* 512 MiB */
#define RUNS		12
#define SLICE		1024UL		/* pages timed in one go: about a millisecond */
#define INDEX_PAGES	(1UL << 21)	/* the index of 8 GiB, which no cache holds either */
#define AHEAD		16		/* pages, as far as a chunk prefetches on average */

typedef u64 work_fn(size_t i);

static char *memory, *empty;
static u32 order[PAGES];
static u64 keys[PAGES];
static struct pshare_hasher hasher;
static struct pshare_index idx;
static struct pshare_link links[PAGES];
static volatile u64 sink;

static void *page(size_t i)
{
	return memory + (u64)order[i % PAGES] * PAGE_BYTES;
}

static u64 next(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static u64 do_read(size_t i)
{
	const u64 *word = page(i);
	u64 sum = 0;
	size_t w;

	for (w = 0; w < PAGE_BYTES / sizeof(*word); w++)
		sum += word[w];
	return sum;
}

static u64 do_copy(size_t i)
{
	static char copy[PAGE_BYTES];

	memcpy(copy, page(i), PAGE_BYTES);
	return copy[i % PAGE_BYTES];
}

/* All pages have an equal one half of the memory away. */
static const void *twin(size_t i)
{
	return memory + (u64)(order[i] ^ PAGES / 2) * PAGE_BYTES;
}

static u64 do_compare(size_t i)
{
	return memcmp(page(i), twin(i), PAGE_BYTES);
}

static u64 do_compare_words(size_t i)
{
	return pshare_words_equal(page(i), twin(i));
}

/* What the module does for a batch. */
static u64 do_compare_vectors(size_t i)
{
	return pshare_compare_equal(page(i), twin(i));
}

static u64 do_zero_words(size_t i)
{
	return pshare_words_zero(empty + order[i] * PAGE_BYTES);
}

static u64 do_zero_vectors(size_t i)
{
	return pshare_compare_zero(empty + order[i] * PAGE_BYTES);
}

static u64 do_fingerprint_words(size_t i)
{
	return pshare_fingerprint_words(&hasher, page(i));
}

/* Vectors where there are any, as in a chunk of the module's. */
static u64 do_fingerprint(size_t i)
{
	return pshare_fingerprint_within(&hasher, page(i));
}

static u64 do_fingerprint_ahead(size_t i)
{
	pshare_fingerprint_prefetch(&hasher, page(i + AHEAD));
	return pshare_fingerprint_within(&hasher, page(i));
}

static u64 do_digest(size_t i)
{
	return pshare_digest(&hasher, page(i));
}

static u64 do_remember(size_t i)
{
	struct pshare_candidate found[PSHARE_BUCKET_ENTRIES];
	bool known;

	pshare_index_prefetch(&idx, keys[(i + AHEAD) % PAGES]);
	return pshare_index_remember(&idx, keys[i], (struct pshare_candidate) {
			.slot = 1, .addr = (u64)order[i] * PAGE_BYTES }, &known, found);
}

static bool take(struct pshare_link *link, void *data)
{
	(void)data;
	return link;
}

static u64 do_find(size_t i)
{
	pshare_index_prefetch(&idx, keys[(i + AHEAD) % PAGES]);
	return !!pshare_index_find(&idx, keys[i], take, NULL);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void time_slices(work_fn *fn, double *best)
{
	double start, time;
	size_t slice, i;
	u64 sum = 0;

	for (slice = 0; slice < PAGES / SLICE; slice++) {
		start = seconds();
		for (i = 0; i < SLICE; i++)
			sum += fn(slice * SLICE + i);
		time = seconds() - start;
		if (!best[slice] || time < best[slice])
			best[slice] = time;
	}
	sink = sum;
}

static double best_ns(work_fn *fn)
{
	static double best[PAGES / SLICE];
	double sum = 0;
	size_t i;

	memset(best, 0, sizeof(best));
	for (i = 0; i < RUNS; i++)
		time_slices(fn, best);
	for (i = 0; i < PAGES / SLICE; i++)
		sum += best[i];
	return sum * 1e9 / PAGES;
}

static void row(const char *what, work_fn *fn)
{
	printf("%-44s %8.1f ns per page\n", what, best_ns(fn));
	fflush(stdout);
}

static void make_memory(u64 *state)
{
	size_t i, w, other;
	u64 *words;
	u32 swap;

	memory = mmap(NULL, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		exit(1);
	for (i = 0; i < PAGES; i++) {
		words = (u64 *)(memory + i * PAGE_BYTES);
		order[i] = i;
		for (w = 0; w < PAGE_BYTES / sizeof(*words) && i < PAGES / 2; w++)
			words[w] = next(state);
		if (i >= PAGES / 2)
			memcpy(words, words - PAGES / 2 * (PAGE_BYTES / sizeof(*words)),
			       PAGE_BYTES);
	}
	for (i = PAGES - 1; i; i--) {
		other = next(state) % (i + 1);
		swap = order[i];
		order[i] = order[other];
		order[other] = swap;
	}
}

/* Written once, so that it is memory and not the one page of zeros. */
static void make_empty(void)
{
	size_t i;

	empty = mmap(NULL, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (empty == MAP_FAILED)
		exit(1);
	for (i = 0; i < PAGES; i++)
		empty[i * PAGE_BYTES] = 0;
}

static void rows_of_fingerprints(void)
{
	static const unsigned int lines[] = { 1, 2, 4, 8, 16 };
	char what[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		pshare_hasher_set_lines(&hasher, lines[i]);
		snprintf(what, sizeof(what), "fingerprint of %u lines", lines[i]);
		row(what, do_fingerprint);
		snprintf(what, sizeof(what), "fingerprint of %u lines, word by word", lines[i]);
		row(what, do_fingerprint_words);
		snprintf(what, sizeof(what), "fingerprint of %u lines, asked for ahead", lines[i]);
		row(what, do_fingerprint_ahead);
	}
}

static void make_index(u64 *state)
{
	size_t i;

	if (pshare_index_init(&idx) || pshare_index_resize_candidates(&idx, INDEX_PAGES))
		exit(1);
	pshare_index_set_live(&idx, 1, true);
	for (i = 0; i < PAGES; i++)
		keys[i] = next(state);
}

int main(void)
{
	u64 state = 0x9e3779b97f4a7c15, secret[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(secret); i++)
		secret[i] = next(&state);
	make_memory(&state);
	make_empty();
	pshare_vector_init();
	printf("vectors of 32 bytes: %s\n", pshare_has_vectors ? "yes" : "no");
	pshare_hasher_init(&hasher, secret, 4);
	row("read", do_read);
	row("copy", do_copy);
	row("compare with an equal page, memcmp()", do_compare);
	row("compare with an equal page, the module's", do_compare_vectors);
	row("compare with an equal page, word by word", do_compare_words);
	row("compare with zeros, the module's", do_zero_vectors);
	row("compare with zeros, word by word", do_zero_words);
	rows_of_fingerprints();
	row("digest of the whole page", do_digest);
	make_index(&state);
	row("look up and remember a candidate", do_remember);
	row("look for a frame, none there", do_find);
	for (i = 0; i < PAGES; i++) {
		links[i].key = keys[i];
		pshare_index_insert(&idx, &links[i]);
		if (pshare_index_wants_frames(&idx))
			pshare_index_resize_frames(&idx);
	}
	row("look for a frame, found", do_find);
	pshare_index_free(&idx);
	return 0;
}
