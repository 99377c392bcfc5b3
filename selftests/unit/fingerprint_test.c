// SPDX-License-Identifier: GPL-2.0
/* Fingerprints: what they depend on, what they do not, and that their keys are spread evenly. */
#include "fingerprint.h"
#include "random.h"
#include "tap.h"

#define PAGE_WORDS	(PSHARE_PAGE_BYTES / sizeof(u64))
#define LINE_WORDS	(PSHARE_LINE_BYTES / sizeof(u64))
#define PAGE_BITS	(PSHARE_PAGE_BYTES * 8)
#define SECRETS		32

union page {
	u64 words[PAGE_WORDS];
	char text[PSHARE_PAGE_BYTES];
};

static void draw_hasher(struct pshare_hasher *hasher, u64 seed, unsigned int nr_lines)
{
	u64 secret[4];
	unsigned int i;

	for (i = 0; i < 4; i++)
		secret[i] = random_u64(&seed);
	pshare_hasher_init(hasher, secret, nr_lines);
}

/* Not the numbers of the secret of that seed: a word that equals its secret hides its neighbour. */
static void draw_page(union page *page, u64 seed)
{
	unsigned int i;

	seed = ~seed;
	for (i = 0; i < PAGE_WORDS; i++)
		page->words[i] = random_u64(&seed);
}

static void flip(union page *page, unsigned int bit)
{
	page->words[bit / 64] ^= 1ULL << bit % 64;
}

/* Equality */

static void test_equal_pages(void)
{
	union page page, twin;
	static struct pshare_hasher hasher, same;	/* all bytes are compared, padding too */
	bool fingerprints = true, digests = true, inits = true;
	unsigned int seed, lines;

	for (seed = 1; seed <= SECRETS; seed++) {
		lines = 1 + seed % PSHARE_PAGE_LINES;
		draw_hasher(&hasher, seed, lines);
		draw_hasher(&same, seed, lines);
		draw_page(&page, seed);
		twin = page;
		fingerprints &= pshare_fingerprint(&hasher, &page) ==
				pshare_fingerprint(&hasher, &twin);
		digests &= pshare_digest(&hasher, &page) == pshare_digest(&hasher, &twin);
		inits &= !memcmp(&hasher, &same, sizeof(hasher));
		pshare_fingerprint_prefetch(&hasher, &page);
	}
	ok(fingerprints, "equal pages have equal fingerprints");
	ok(digests, "equal pages have equal digests");
	ok(inits, "a secret decides everything");
}

static void test_secrets(void)
{
	u64 fingerprints[SECRETS], digests[SECRETS];
	struct pshare_hasher hasher;
	unsigned int i, k, same = 0;
	union page page;

	draw_page(&page, 1);
	for (i = 0; i < SECRETS; i++) {
		draw_hasher(&hasher, i, PSHARE_PAGE_LINES);
		fingerprints[i] = pshare_fingerprint(&hasher, &page);
		digests[i] = pshare_digest(&hasher, &page);
		same += fingerprints[i] == digests[i];
		for (k = 0; k < i; k++)
			same += fingerprints[i] == fingerprints[k] || digests[i] == digests[k];
	}
	ok(!same, "another secret makes other fingerprints and digests");
}

/* The sample */

static bool is_permutation(const struct pshare_hasher *hasher)
{
	u64 seen = 0;
	unsigned int i;

	for (i = 0; i < PSHARE_PAGE_LINES; i++)
		if (hasher->line[i] < PSHARE_PAGE_BYTES)
			seen |= 1ULL << hasher->line[i] / PSHARE_LINE_BYTES;
	return !~seen;
}

static void test_order(void)
{
	static const u64 extremes[][4] = {
		{ 0 }, { 1, 1, 1, 1 }, { ~0ULL, ~0ULL, ~0ULL, ~0ULL }, { 0, ~0ULL, 0, ~0ULL },
	};
	struct pshare_hasher hashers[SECRETS], hasher;
	bool whole = true, differ = true;
	unsigned int i, k;

	for (i = 0; i < SECRETS; i++) {
		draw_hasher(&hashers[i], i, 4);
		whole &= is_permutation(&hashers[i]);
		for (k = 0; k < i; k++)
			differ &= !!memcmp(hashers[i].line, hashers[k].line,
					   sizeof(hasher.line));
	}
	for (i = 0; i < ARRAY_SIZE(extremes); i++) {
		pshare_hasher_init(&hasher, extremes[i], 4);
		whole &= is_permutation(&hasher);
	}
	ok(whole, "the order has every line once");
	ok(differ, "another secret makes another order");
}

/* Every line is first about as often as every other: nobody can aim beside the sample. */
static void test_first_lines(void)
{
	unsigned int counts[PSHARE_PAGE_LINES] = { 0 }, seed, i, least = ~0U, most = 0;
	struct pshare_hasher hasher;

	for (seed = 0; seed < 200 * PSHARE_PAGE_LINES; seed++) {
		draw_hasher(&hasher, seed, 1);
		counts[hasher.line[0] / PSHARE_LINE_BYTES]++;
	}
	for (i = 0; i < PSHARE_PAGE_LINES; i++) {
		least = min(least, counts[i]);
		most = max(most, counts[i]);
	}
	ok(least > 140 && most < 260, "every line is drawn as often: %u to %u of 200 times", least,
	   most);
}

static void test_set_lines(void)
{
	/* All bytes are compared, padding too. */
	static struct pshare_hasher hasher, fresh;
	unsigned int lines, good = 0;

	draw_hasher(&hasher, 1, PSHARE_PAGE_LINES);
	for (lines = 1; lines <= PSHARE_PAGE_LINES; lines++) {
		draw_hasher(&fresh, 1, lines);
		pshare_hasher_set_lines(&hasher, lines);
		good += !memcmp(&hasher, &fresh, sizeof(hasher));
	}
	ok(good == PSHARE_PAGE_LINES, "another number of lines keeps secret and order");
}

/* A change of a line is seen if and only if the line is in the sample. */
static bool sees_sample_only(struct pshare_hasher *hasher, union page *page)
{
	u64 before = pshare_fingerprint(hasher, page), state = before;
	bool good = true;
	unsigned int i, n;

	for (i = 0; i < PSHARE_PAGE_LINES; i++) {
		u64 *line = page->words + hasher->line[i] / sizeof(u64);

		for (n = 0; n < LINE_WORDS; n++) {
			u64 change = random_u64(&state) | 1;

			line[n] ^= change;
			good &= (pshare_fingerprint(hasher, page) != before) ==
				(i < hasher->nr_lines);
			line[n] ^= change;
		}
	}
	return good;
}

static void test_sample(void)
{
	struct pshare_hasher hasher;
	unsigned int lines, good = 0;
	union page page;

	for (lines = 1; lines <= PSHARE_PAGE_LINES; lines++) {
		draw_hasher(&hasher, lines, lines);
		draw_page(&page, lines);
		good += sees_sample_only(&hasher, &page);
		memset(&page, lines % 2 ? 0 : 0xff, sizeof(page));
		good += sees_sample_only(&hasher, &page);
	}
	ok(good == 2 * PSHARE_PAGE_LINES, "the sampled lines count, and no others");
}

static bool every_bit_counts(u64 (*hash)(const struct pshare_hasher *hasher, const void *page),
			     union page *page)
{
	struct pshare_hasher hasher;
	bool good = true;
	unsigned int i;
	u64 before;

	draw_hasher(&hasher, 7, PSHARE_PAGE_LINES);
	before = hash(&hasher, page);
	for (i = 0; i < PAGE_BITS; i++) {
		flip(page, i);
		good &= hash(&hasher, page) != before;
		flip(page, i);
	}
	return good;
}

static void test_every_bit(void)
{
	union page page;

	draw_page(&page, 3);
	ok(every_bit_counts(pshare_fingerprint, &page),
	   "with every line sampled, the fingerprint sees every bit");
	ok(every_bit_counts(pshare_digest, &page), "the digest sees every bit");
	memset(&page, 0, sizeof(page));
	ok(every_bit_counts(pshare_fingerprint, &page) && every_bit_counts(pshare_digest, &page),
	   "and in a page of zeros");
}

static void test_places(void)
{
	struct pshare_hasher hasher;
	union page page, moved;
	unsigned int i, same = 0;

	draw_hasher(&hasher, 5, PSHARE_PAGE_LINES);
	draw_page(&page, 5);
	for (i = 0; i < PAGE_WORDS; i++) {
		unsigned int to = (i + 1 + i % 9 * LINE_WORDS) % PAGE_WORDS;

		moved = page;
		moved.words[i] = page.words[to];
		moved.words[to] = page.words[i];
		same += pshare_fingerprint(&hasher, &page) == pshare_fingerprint(&hasher, &moved);
		same += pshare_digest(&hasher, &page) == pshare_digest(&hasher, &moved);
	}
	ok(!same, "the same words in other places are another page");
}

static void test_zero(void)
{
	struct pshare_hasher hasher;
	unsigned int lines, good = 0, others = 0;
	union page page;

	for (lines = 1; lines <= PSHARE_PAGE_LINES; lines++) {
		memset(&page, 0, sizeof(page));
		draw_hasher(&hasher, lines, lines);
		good += pshare_fingerprint(&hasher, &page) == hasher.zero;
		flip(&page, hasher.line[lines - 1] * 8 + lines);
		others += pshare_fingerprint(&hasher, &page) != hasher.zero;
	}
	ok(good == PSHARE_PAGE_LINES, "a page of zeros has the zero fingerprint, at every sample");
	ok(others == PSHARE_PAGE_LINES, "a page with one bit set has not");
}

/* Domains and nodes */

static int compare_u64(const void *a, const void *b)
{
	u64 left = *(const u64 *)a, right = *(const u64 *)b;

	return (left > right) - (left < right);
}

static size_t count_repeated(u64 *values, size_t n)
{
	size_t i, repeated = 0;

	qsort(values, n, sizeof(*values), compare_u64);
	for (i = 1; i < n; i++)
		repeated += values[i] == values[i - 1];
	return repeated;
}

#define SALTS	(2048 * 5)

static void test_salts(void)
{
	static u64 salts[SALTS], keys[SALTS];
	struct pshare_hasher hasher;
	size_t n = 0, i;
	int node;

	draw_hasher(&hasher, 9, 4);
	for (i = 0; i < SALTS / 5; i++)
		for (node = -1; node < 4; node++, n++) {
			/* The lowest and the highest domains. */
			salts[n] = pshare_salt(&hasher, i % 2 ? i / 2 : ~0U - i / 2, node);
			keys[n] = pshare_key(hasher.zero, salts[n]);
		}
	ok(pshare_salt(&hasher, 3, 1) == pshare_salt(&hasher, 3, 1), "a salt is always the same");
	ok(!count_repeated(salts, SALTS), "domains and nodes have salts of their own");
	ok(!count_repeated(keys, SALTS), "a page has another key in each domain and node");
}

static void test_keys(void)
{
	static u64 keys[1 << 16];
	u64 state = 1, salt = random_u64(&state);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		keys[i] = pshare_key(i << 48 | i, salt);
	ok(!count_repeated(keys, ARRAY_SIZE(keys)), "hashes that differ have keys that differ");
}

/* Distribution */

/* Pages of one kind, numbered. */
struct kind {
	const char *name;
	void (*make)(union page *page, unsigned int nr);
	unsigned int count;
	unsigned int nr_lines;
};

static void make_first_words(union page *page, unsigned int nr)
{
	unsigned int i;

	memset(page, 0, sizeof(*page));
	for (i = 0; i < PAGE_WORDS; i += LINE_WORDS)
		page->words[i] = nr;
}

static void make_last_words(union page *page, unsigned int nr)
{
	unsigned int i;

	memset(page, 0, sizeof(*page));
	for (i = LINE_WORDS - 1; i < PAGE_WORDS; i += LINE_WORDS)
		page->words[i] = (u64)nr << 40;
}

static void make_counters(union page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		page->words[i] = (u64)nr * PAGE_WORDS + i;
}

static void make_fill(union page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		page->words[i] = nr * 0x0001000100010001ULL;
}

static void make_bit(union page *page, unsigned int nr)
{
	memset(page, 0, sizeof(*page));
	flip(page, nr);
}

static void make_missing_bit(union page *page, unsigned int nr)
{
	memset(page, 0xff, sizeof(*page));
	flip(page, nr);
}

static void make_text(union page *page, unsigned int nr)
{
	unsigned int i;

	memset(page, ' ', sizeof(*page));
	for (i = 0; i < PSHARE_PAGE_LINES; i++)
		snprintf(page->text + i * PSHARE_LINE_BYTES, PSHARE_LINE_BYTES,
			 "[%6u.%06u] line %u: all is well\n", nr / 10, nr, i);
}

static void make_pointers(union page *page, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i++)
		page->words[i] = 0xffff888000000000ULL + ((u64)nr << 12) + i * 64;
}

static const struct kind kinds[] = {
	{ "a counter in the first word of a line", make_first_words, 65536, 4 },
	{ "a counter in the last word of a line", make_last_words, 65536, 4 },
	{ "counters in all words", make_counters, 65536, 4 },
	{ "counters in all words, one line", make_counters, 65536, 1 },
	{ "one value throughout", make_fill, 65536, 4 },
	{ "one bit set", make_bit, PAGE_BITS, PSHARE_PAGE_LINES },
	{ "all bits but one", make_missing_bit, PAGE_BITS, PSHARE_PAGE_LINES },
	{ "lines of text", make_text, 65536, 4 },
	{ "pointers", make_pointers, 65536, 2 },
};

static u64 keys_of_kind[65536];

static void make_keys(const struct kind *kind)
{
	struct pshare_hasher hasher;
	unsigned int i;
	union page page;
	u64 salt;

	draw_hasher(&hasher, 11, kind->nr_lines);
	salt = pshare_salt(&hasher, 0, -1);
	for (i = 0; i < kind->count; i++) {
		kind->make(&page, i);
		keys_of_kind[i] = pshare_key(pshare_fingerprint(&hasher, &page), salt);
	}
}

/* The three places that a key is cut into, as index.c does. */
static u32 bucket_part(u64 key, u32 n)
{
	return (key >> 32) * n >> 32;
}

static u32 tag_part(u64 key, u32 n)
{
	return key % n;
}

static u32 chain_part(u64 key, u32 n)
{
	return (key >> 13) % n;
}

static u32 crowded_part(u64 key, u32 n)
{
	return (key >> 24) % n;
}

/*
 * The chi-square of even parts is their number, give or take the root of twice that: six of
 * these are never seen by chance.
 */
static bool is_even(unsigned int count, u32 (*part)(u64 key, u32 n), u32 n)
{
	static u32 counts[8192];
	double expected = (double)count / n, chi = 0, distance;
	u32 i;

	memset(counts, 0, sizeof(counts));
	for (i = 0; i < count; i++)
		counts[part(keys_of_kind[i], n)]++;
	for (i = 0; i < n; i++)
		chi += (counts[i] - expected) * (counts[i] - expected) / expected;
	distance = (chi - n) * (chi - n) / (2.0 * n);
	if (distance > 36)
		printf("# %u parts: chi-square %.0f\n", n, chi);
	return distance <= 36;
}

static void test_distribution(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		unsigned int count = kinds[i].count;

		make_keys(&kinds[i]);
		ok(is_even(count, bucket_part, 1024) && is_even(count, bucket_part, 1000) &&
		   is_even(count, bucket_part, 8191), "pages with %s fill all buckets alike",
		   kinds[i].name);
		ok(is_even(count, tag_part, 8192) && is_even(count, chain_part, 4096) &&
		   is_even(count, crowded_part, 4096), "and have tags and chains alike");
		ok(!count_repeated(keys_of_kind, count), "and no key in common");
	}
}

/* A bit of the page changes half the bits of the key, wherever it is. */
static void test_avalanche(void)
{
	unsigned int i, k, changed[64] = { 0 }, least = ~0U, most = 0;
	struct pshare_hasher hasher;
	union page page;
	u64 before;

	draw_hasher(&hasher, 13, PSHARE_PAGE_LINES);
	memset(&page, 0, sizeof(page));
	before = pshare_key(pshare_fingerprint(&hasher, &page), 0);
	for (i = 0; i < PAGE_BITS; i++) {
		flip(&page, i);
		for (k = 0; k < 64; k++)
			changed[k] += (pshare_key(pshare_fingerprint(&hasher, &page), 0) ^
				       before) >> k & 1;
		flip(&page, i);
	}
	for (k = 0; k < 64; k++) {
		least = min(least, changed[k]);
		most = max(most, changed[k]);
	}
	ok(least > PAGE_BITS * 0.48 && most < PAGE_BITS * 0.52,
	   "one bit changes each bit of the key half the time: %u to %u of %u", least, most,
	   PAGE_BITS);
}

int main(void)
{
	test_equal_pages();
	test_secrets();
	test_order();
	test_first_lines();
	test_set_lines();
	test_sample();
	test_every_bit();
	test_places();
	test_zero();
	test_salts();
	test_keys();
	test_distribution();
	test_avalanche();
	return tap_end();
}
