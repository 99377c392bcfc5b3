// SPDX-License-Identifier: GPL-2.0
/* Comparison of pages, word by word and by vectors, and both ways to a fingerprint. */
#include <stdlib.h>

#include "compare.h"
#include "fingerprint.h"
#include "random.h"
#include "tap.h"
#include "vector.h"

#define PAGE_WORDS	(PSHARE_PAGE_BYTES / sizeof(u64))
#define PAGE_BITS	(PSHARE_PAGE_BYTES * 8U)
#define ROUNDS		2000

/* Of the exact size, so that a read beyond the page is seen. */
static u64 *new_page(void)
{
	u64 *page = aligned_alloc(PSHARE_PAGE_BYTES, PSHARE_PAGE_BYTES);

	if (!page)
		abort();
	return page;
}

static void flip(u64 *page, unsigned int bit)
{
	page[bit / 64] ^= 1ULL << bit % 64;
}

static void fill(u64 *page, u64 seed)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		page[i] = random_u64(&seed);
}

static void test_equal(bool (*equal)(const void *a, const void *b), const char *what)
{
	u64 *a = new_page(), *b = new_page();
	unsigned int i, wrong = 0;

	fill(a, 1);
	memcpy(b, a, PSHARE_PAGE_BYTES);
	wrong += !equal(a, b) + !equal(a, a);
	for (i = 0; i < PAGE_BITS; i++) {
		flip(b, i);
		wrong += equal(a, b) + equal(b, a);
		flip(b, i);
	}
	wrong += !equal(a, b);
	ok(!wrong, "%s: each bit counts", what);
	free(a);
	free(b);
}

static void test_zero(bool (*zero)(const void *page), const char *what)
{
	u64 *page = new_page();
	unsigned int i, wrong;

	memset(page, 0, PSHARE_PAGE_BYTES);
	wrong = !zero(page);
	for (i = 0; i < PAGE_BITS; i++) {
		flip(page, i);
		wrong += zero(page);
		flip(page, i);
	}
	wrong += !zero(page);
	ok(!wrong, "%s: each bit counts", what);
	free(page);
}

static void test_fingerprints(void)
{
	unsigned int i, j, wrong = 0;
	struct pshare_hasher hasher;
	u64 *page = new_page();
	u64 state = 7, secret[4];

	for (i = 0; i < ROUNDS; i++) {
		for (j = 0; j < 4; j++)
			secret[j] = random_u64(&state);
		pshare_hasher_init(&hasher, secret, 1 + i % PSHARE_PAGE_LINES);
		fill(page, i);
		/* Halves of all ones carry, or do not. */
		for (j = 0; j < PAGE_WORDS && i % 3; j++)
			page[j] = i % 3 == 1 ? ~0ULL : page[j] | 0xffffffffULL << 32 * (j % 2);
		wrong += pshare_fingerprint(&hasher, page) !=
			 pshare_fingerprint_words(&hasher, page);
	}
	ok(!wrong, "vectors and words have the same fingerprint");
	free(page);
}

int main(void)
{
	pshare_vector_init();
	printf("# vectors: %s\n", pshare_has_vectors ? "yes" : "no");
	test_equal(pshare_words_equal, "equal, word by word");
	test_equal(pshare_page_equal, "equal, by vectors");
	test_zero(pshare_words_zero, "zero, word by word");
	test_zero(pshare_page_is_zero, "zero, by vectors");
	test_fingerprints();
	return tap_end();
}
