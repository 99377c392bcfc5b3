// SPDX-License-Identifier: GPL-2.0
/* Index: candidates and frames are found by their key, at any size of the tables. */
#include "alloc.h"
#include "random.h"
#include "tap.h"

#include "../../kmod/index.c"

#define SLOT	1
#define MANY	102400
#define LAST	(PSHARE_ADDR_LIMIT - 4096)

static struct pshare_index idx;
static u64 keys[MANY];

/* Candidates */

static struct pshare_candidate at(u32 slot, u64 addr)
{
	return (struct pshare_candidate) { .slot = slot, .addr = addr };
}

static struct pshare_candidate nth(unsigned int i)
{
	return at(SLOT, (u64)i << 12);
}

static bool same(struct pshare_candidate a, struct pshare_candidate b)
{
	return a.slot == b.slot && a.addr == b.addr;
}

static void begin(void)
{
	if (pshare_index_init(&idx))
		abort();
	pshare_index_set_live(&idx, SLOT, true);
}

static void end(void)
{
	pshare_index_free(&idx);
}

/* What remembering answers: how many were found, or -1 if the page was known. */
static int remember(u64 key, struct pshare_candidate who, struct pshare_candidate *first)
{
	struct pshare_candidate found[PSHARE_BUCKET_ENTRIES];
	unsigned int n;
	bool known;

	n = pshare_index_remember(&idx, key, who, &known, found);
	if (n && first)
		*first = found[0];
	return known && !n ? -1 : (int)n;
}

/* Looks without leaving anything behind. */
static bool holds(u64 key, struct pshare_candidate who)
{
	const u64 *bucket = pshare_index_bucket(&idx, key);

	return bucket_has(bucket, entry_of(who, tag_of(key)));
}

static unsigned int count_entries(void)
{
	u64 i, n = 0;

	for (i = 0; i < (u64)idx.nr_buckets * PSHARE_BUCKET_ENTRIES; i++)
		n += !!idx.buckets[i];
	return n;
}

static void test_remember(void)
{
	struct pshare_candidate first = { 0 };
	u64 key = 0x123456789abcdef0ULL;

	begin();
	ok(remember(key, nth(5), NULL) == 0, "the first page of a key finds nobody");
	ok(remember(key, nth(5), NULL) == -1, "a page knows itself, and does not find itself");
	ok(remember(key, nth(6), &first) == 1 && same(first, nth(5)), "a second finds the first");
	ok(remember(key ^ 1, nth(7), NULL) == 0, "another key of the same bucket finds nobody");
	ok(remember(~key, nth(5), NULL) == 0, "nor does a key far away");
	pshare_index_erase(&idx, key, nth(5));
	ok(!holds(key, nth(5)) && holds(key, nth(6)) && holds(key ^ 1, nth(7)) &&
	   holds(~key, nth(5)), "one is erased, the others are not");
	pshare_index_erase(&idx, key ^ 1, nth(6));
	pshare_index_erase(&idx, key, at(2, nth(6).addr));
	ok(holds(key, nth(6)), "nobody is erased for another key or VM");
	pshare_index_forget(&idx);
	ok(!count_entries() && remember(key, nth(5), NULL) == 0, "all can be forgotten");
	end();
}

static bool comes_back(u32 slot, u64 addr, u64 key)
{
	struct pshare_candidate who = at(slot, addr), found = { 0 };
	bool good;

	begin();
	pshare_index_set_live(&idx, slot, true);
	good = remember(key, who, NULL) == 0 && remember(key, who, NULL) == -1 &&
	       remember(key, at(slot ^ 2, addr ^ 0x5000), &found) == 1 && same(found, who);
	pshare_index_erase(&idx, key, who);
	good &= !holds(key, who) && count_entries() == 1;
	end();
	return good;
}

static void test_extremes(void)
{
	static const u32 slots[] = { 1, 2, 0x7fff, 0x8000, 0xfffe, 0xffff };
	static const u64 addrs[] = { 0, 4096, 1ULL << 46, LAST - 4096, LAST };
	static const u64 tags[] = { 0, 1, 0xffffffff, 0xffffffff00000000, 0x1fff, ~0ULL };
	size_t i, k, t, good = 0;

	for (i = 0; i < ARRAY_SIZE(slots); i++)
		for (k = 0; k < ARRAY_SIZE(addrs); k++)
			for (t = 0; t < ARRAY_SIZE(tags); t++)
				good += comes_back(slots[i], addrs[k], tags[t]);
	ok(good == i * k * t, "slot, address and key come back unchanged, up to their limits");
	ok(PSHARE_SLOT_BITS + PSHARE_PAGENR_BITS + PSHARE_TAG_BITS == 64 &&
	   PSHARE_ADDR_LIMIT == 1ULL << 47, "a candidate has room for what a process can address");
}

static void test_many_twins(void)
{
	struct pshare_candidate *found = calloc(PSHARE_BUCKET_ENTRIES, sizeof(*found));
	unsigned int i, k, most = 0, wrong = 0, n;
	bool known;

	begin();
	for (i = 0; i < 1000; i++) {
		n = pshare_index_remember(&idx, 77, nth(i), &known, found);
		most = max(most, n);
		wrong += n != min_t(unsigned int, i, PSHARE_BUCKET_ENTRIES) || known;
		for (k = 0; k < n; k++)
			wrong += found[k].slot != SLOT || found[k].addr >= nth(i).addr;
	}
	ok(most == PSHARE_BUCKET_ENTRIES && !wrong, "of many twins %u are found, and no others",
	   PSHARE_BUCKET_ENTRIES);
	ok(holds(77, nth(999)), "who comes last is remembered");
	ok(count_entries() == PSHARE_BUCKET_ENTRIES, "twins stay in one bucket");
	end();
	free(found);
}

static void test_victims(void)
{
	unsigned int i, kept = 0, gone = 0;

	begin();
	pshare_index_set_live(&idx, 2, true);
	for (i = 0; i < PSHARE_BUCKET_ENTRIES; i++)
		remember(i, at(1 + i % 2, i << 12), NULL);
	pshare_index_set_live(&idx, 2, false);
	for (i = 8; i < 12; i++)
		remember(i, nth(i), NULL);
	for (i = 0; i < PSHARE_BUCKET_ENTRIES; i++) {
		kept += i % 2 == 0 && holds(i, at(1, i << 12));
		gone += i % 2 && !holds(i, at(2, i << 12));
	}
	for (i = 8; i < 12; i++)
		kept += holds(i, nth(i));
	ok(kept == 8 && gone == 4, "entries of VMs that are gone give way first");
	remember(12, nth(12), NULL);
	ok(holds(12, nth(12)) && count_entries() == 8, "and then one of the others");
	end();
}

/* Sizes */

/* Random keys in a table made for that many pages. */
static void fill(unsigned int pages, unsigned int n, u64 seed)
{
	unsigned int i;

	begin();
	if (pshare_index_resize_candidates(&idx, pages))
		abort();
	for (i = 0; i < n; i++) {
		keys[i] = random_u64(&seed);
		remember(keys[i], nth(i), NULL);
	}
}

static unsigned int count_held(unsigned int n)
{
	unsigned int i, held = 0;

	for (i = 0; i < n; i++)
		held += holds(keys[i], nth(i));
	return held;
}

static bool bytes_are_right(void)
{
	return pshare_index_bytes(&idx) == alloc_bytes + sizeof(idx);
}

static void test_lost_entries(void)
{
	double lost;
	u64 seed;

	for (seed = 1; seed <= 3; seed++) {
		fill(MANY, MANY, seed);
		lost = 100.0 * (MANY - count_held(MANY)) / MANY;
		ok(lost < 2, "where there is room for all pages, %.2f%% lose their entry", lost);
		ok(idx.nr_buckets * 64.0 / MANY <= 16, "at %.1f bytes a page",
		   idx.nr_buckets * 64.0 / MANY);
		end();
	}
}

/* From room for MANY pages, with n of them there, to MANY * percent / 100: how many stay? */
static double resized(unsigned int n, unsigned int percent)
{
	unsigned int before;
	double kept;

	fill(MANY, n, percent);
	before = count_held(n);
	if (pshare_index_resize_candidates(&idx, (u64)MANY * percent / 100))
		abort();
	kept = (double)count_held(n) / before;
	ok(bytes_are_right() && alloc_blocks == 3, "%u%%: the bytes are those that are allocated",
	   percent);
	end();
	return kept;
}

static void test_growth(void)
{
	static const unsigned int odd[] = { 101, 113, 125, 133, 150, 175, 250, 333 };
	unsigned int percent;
	double kept;
	size_t i;

	for (percent = 200; percent <= 800; percent += 100) {
		kept = resized(MANY, percent);
		ok(kept == 1, "a full table that grows to %u%% keeps all", percent);
	}
	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		kept = resized(MANY, odd[i]);
		ok(kept > 0.94, "a full table that grows to %u%% keeps %.1f%%", odd[i], 100 * kept);
		kept = resized(MANY / 2, odd[i]);
		ok(kept > 0.98, "one half full keeps %.1f%%", 100 * kept);
	}
	ok(resized(MANY, 100) == 1, "one that stays as it is keeps all");
}

static void test_shrinking(void)
{
	static const unsigned int percents[] = { 90, 75, 66, 50, 40, 33, 25, 10 };
	double kept, room;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(percents); i++) {
		/* Entries spread unevenly, so that some buckets stay with room. */
		room = min(1.0, 1.75 * percents[i] / 100);
		kept = resized(MANY, percents[i]);
		ok(kept > room * 0.85, "a full table that shrinks to %u%% keeps %.1f%%",
		   percents[i], 100 * kept);
		room = min(1.0, 1.75 * 4 * percents[i] / 100);
		kept = resized(MANY / 4, percents[i]);
		ok(kept > room * 0.85, "one a quarter full keeps %.1f%%", 100 * kept);
	}
}

/* Copies that growing leaves in both parts of a bucket become one again. */
static void test_there_and_back(void)
{
	unsigned int before;

	fill(MANY, MANY, 1);
	before = count_held(MANY);
	if (pshare_index_resize_candidates(&idx, 4 * MANY) ||
	    pshare_index_resize_candidates(&idx, MANY))
		abort();
	ok(count_held(MANY) == before && count_entries() == before,
	   "growing and shrinking again loses nothing");
	end();
}

static void test_resize_without_the_dead(void)
{
	unsigned int i;
	u64 seed = 5;

	fill(MANY, MANY / 4, 1);
	pshare_index_set_live(&idx, 2, true);
	for (i = 0; i < MANY; i++)
		remember(random_u64(&seed), at(2, i << 12), NULL);
	pshare_index_set_live(&idx, 2, false);
	i = count_held(MANY / 4);
	if (pshare_index_resize_candidates(&idx, MANY * 3 / 4))
		abort();
	ok(count_held(MANY / 4) > i * 0.95 && count_entries() < i * 2,
	   "VMs that are gone take no room in a new table: %u of %u stay", count_held(MANY / 4), i);
	end();
}

static void test_small_tables(void)
{
	unsigned int pages, lost = 0, wants = 0;

	begin();
	for (pages = 0; pages < 5000; pages += 7) {
		lost += !!pshare_index_resize_candidates(&idx, pages);
		wants += pshare_index_wants_resize(&idx, pages);
		remember(~0ULL, nth(pages), NULL);
		remember(0, nth(pages), NULL);
		lost += !holds(~0ULL, nth(pages)) || !holds(0, nth(pages));
	}
	ok(!lost && !wants, "the lowest and the highest key have a place at any size");
	end();
}

static void test_wants_resize(void)
{
	begin();
	ok(!pshare_index_wants_resize(&idx, 0) && !pshare_index_wants_resize(&idx, 1000),
	   "a new table is good for a few pages");
	ok(pshare_index_wants_resize(&idx, MANY), "and not for many");
	pshare_index_resize_candidates(&idx, MANY);
	ok(!pshare_index_wants_resize(&idx, MANY) &&
	   !pshare_index_wants_resize(&idx, MANY * 11 / 10) &&
	   !pshare_index_wants_resize(&idx, MANY * 6 / 10), "little changes are not followed");
	ok(pshare_index_wants_resize(&idx, MANY * 5 / 4) &&
	   pshare_index_wants_resize(&idx, MANY * 4 / 10) &&
	   pshare_index_wants_resize(&idx, 0), "large ones are");
	ok(pshare_index_wants_resize(&idx, 1ULL << 40), "also to what no host has");
	end();
}

static void test_failing_resize(void)
{
	u32 buckets;
	u64 heads;

	fill(MANY, MANY / 10, 1);
	buckets = idx.nr_buckets;
	heads = idx.nr_heads;
	alloc_allowed = 0;
	ok(pshare_index_resize_candidates(&idx, 2 * MANY) == -ENOMEM &&
	   pshare_index_resize_frames(&idx) == -ENOMEM, "without memory no table is resized");
	alloc_allowed = -1;
	ok(idx.nr_buckets == buckets && idx.nr_heads == heads &&
	   count_held(MANY / 10) == MANY / 10 && bytes_are_right(), "and both stay as they are");
	end();
}

/* Frames */

#define FRAMES	20000

/* As in the kernel, of which a test sees more. */
struct frame {
	struct pshare_link link;
	unsigned int offered;
	bool wanted;
};

static struct frame frames[FRAMES];

static struct frame *frame_of(struct pshare_link *link)
{
	return container_of(link, struct frame, link);
}

/* Takes those that are wanted; data counts the calls. */
static bool get_wanted(struct pshare_link *link, void *data)
{
	unsigned int *calls = data;

	(*calls)++;
	frame_of(link)->offered++;
	return frame_of(link)->wanted;
}

static struct pshare_link *find(u64 key)
{
	unsigned int calls = 0;

	return pshare_index_find(&idx, key, get_wanted, &calls);
}

static void insert_frames(unsigned int n, u64 seed)
{
	unsigned int i;

	memset(frames, 0, sizeof(frames));
	for (i = 0; i < n; i++) {
		frames[i].wanted = true;
		frames[i].link.key = random_u64(&seed);
		pshare_index_insert(&idx, &frames[i].link);
	}
}

static unsigned int count_found(unsigned int n)
{
	unsigned int i, found = 0;

	for (i = 0; i < n; i++)
		found += find(frames[i].link.key) == &frames[i].link;
	return found;
}

static u64 count_chained(void)
{
	struct pshare_link *link;
	u64 i, n = 0;

	for (i = 0; i < idx.nr_heads; i++)
		hlist_for_each_entry(link, &idx.heads[i], node)
			n++;
	return n;
}

/* Keys that differ but are in one chain, at any number of chains. */
static u64 chain_mate(u64 key, unsigned int i)
{
	return key ^ ((u64)(i + 1) << 50);
}

static void test_find(void)
{
	unsigned int calls = 0;
	u64 key = 0x0123456789abcdefULL;

	begin();
	insert_frames(0, 1);
	ok(!pshare_index_find(&idx, key, get_wanted, &calls) && !calls,
	   "nothing is found in nothing");
	frames[0].link.key = key;
	frames[1].link.key = chain_mate(key, 0);
	frames[0].wanted = true;
	frames[1].wanted = true;
	pshare_index_insert(&idx, &frames[0].link);
	pshare_index_insert(&idx, &frames[1].link);
	ok(find(key) == &frames[0].link && find(frames[1].link.key) == &frames[1].link,
	   "frames of one chain are told apart");
	ok(!find(chain_mate(key, 1)) && !find(key ^ 1) && !find(~key),
	   "other keys are not found");
	ok(frames[0].offered == 1 && frames[1].offered == 1, "only frames of the key are offered");
	ok(atomic64_read(&idx.nr_frames) == 2, "frames are counted");
	end();
}

static void test_refused_frames(void)
{
	unsigned int i, calls = 0;

	begin();
	insert_frames(0, 1);
	for (i = 0; i < 5; i++) {
		frames[i].link.key = 99;
		pshare_index_insert(&idx, &frames[i].link);
	}
	ok(!pshare_index_find(&idx, 99, get_wanted, &calls) && calls == 5,
	   "if every frame is refused, none is found");
	frames[2].wanted = true;
	ok(find(99) == &frames[2].link, "the search goes on after one that is refused");
	end();
}

static bool take_marked(struct pshare_link *link, void *data)
{
	(void)data;
	return link->info;
}

static bool take_all(struct pshare_link *link, void *data)
{
	(void)link;
	(void)data;
	return true;
}

static unsigned int count_list(const struct hlist_head *list, unsigned long info)
{
	struct pshare_link *link;
	unsigned int n = 0;

	hlist_for_each_entry(link, list, node)
		n += link->info == info;
	return n;
}

static void scan_all(bool (*take)(struct pshare_link *link, void *data), struct hlist_head *taken)
{
	u64 i;

	for (i = 0; i < idx.nr_heads; i++)
		pshare_index_scan_chain(&idx, i, take, NULL, taken);
}

static void test_scan_chain(void)
{
	struct hlist_head taken = { NULL };
	unsigned int i, wrong = 0;

	begin();
	insert_frames(FRAMES, 1);
	for (i = 0; i < FRAMES; i++)
		frames[i].link.info = i % 3 == 0;
	scan_all(take_marked, &taken);
	ok(count_list(&taken, 1) == (FRAMES + 2) / 3 && !count_list(&taken, 0),
	   "those that are to be taken are");
	for (i = 0; i < FRAMES; i++)
		wrong += !find(frames[i].link.key) != !!frames[i].link.info;
	ok(!wrong, "they are not found any more, and the others are");
	ok(atomic64_read(&idx.nr_frames) == FRAMES - (FRAMES + 2) / 3 &&
	   count_chained() == FRAMES - (FRAMES + 2) / 3, "and the count follows");
	end();
}

/* As when another number of lines is sampled. */
static void test_rekey(void)
{
	struct hlist_head all = { NULL };
	struct pshare_link *link;
	struct hlist_node *next;
	unsigned int i, old = 0;

	begin();
	insert_frames(FRAMES, 1);
	scan_all(take_all, &all);
	ok(!atomic64_read(&idx.nr_frames) && !count_chained() && !count_found(FRAMES),
	   "every frame can be taken out");
	hlist_for_each_entry_safe(link, next, &all, node) {
		link->key = ~link->key;
		pshare_index_insert(&idx, link);
	}
	for (i = 0; i < FRAMES; i++)
		old += !!find(~frames[i].link.key);
	ok(count_found(FRAMES) == FRAMES && !old, "and put in under its new key");
	ok(atomic64_read(&idx.nr_frames) == FRAMES, "and all are counted again");
	end();
}

static void test_resize_frames(void)
{
	struct hlist_head taken = { NULL };
	unsigned int i;

	begin();
	ok(!pshare_index_wants_frames(&idx), "new chains are good for a few frames");
	insert_frames(FRAMES, 1);
	ok(pshare_index_wants_frames(&idx) && count_found(FRAMES) == FRAMES,
	   "too many frames want more chains, and are found all the same");
	ok(!pshare_index_resize_frames(&idx) && count_found(FRAMES) == FRAMES &&
	   !pshare_index_wants_frames(&idx), "after that all are found");
	ok(idx.nr_heads * 2 >= FRAMES && bytes_are_right() && alloc_blocks == 3,
	   "chains are short, and their bytes are counted");
	for (i = 0; i < FRAMES; i++)
		frames[i].link.info = i >= 500;
	scan_all(take_marked, &taken);
	ok(pshare_index_wants_frames(&idx) && !pshare_index_resize_frames(&idx) &&
	   !pshare_index_wants_frames(&idx), "few frames want fewer chains");
	ok(count_found(500) == 500 && count_chained() == 500 && bytes_are_right() &&
	   atomic64_read(&idx.nr_frames) == 500, "and all are found in them");
	end();
}

/* The rest */

static void test_crowded(void)
{
	unsigned int i, early = 0, others = 0, lost = 0;
	u64 seed = 1, key;

	begin();
	for (i = 0; i < 1000; i++)
		early += pshare_index_is_crowded(&idx, random_u64(&seed));
	for (i = 0, seed = 1; i < 1000; i++)
		pshare_index_set_crowded(&idx, random_u64(&seed));
	pshare_index_set_crowded(&idx, 0);
	pshare_index_set_crowded(&idx, ~0ULL);
	for (i = 0, seed = 2; i < 10000; i++)
		others += pshare_index_is_crowded(&idx, random_u64(&seed));
	pshare_index_forget(&idx);
	pshare_index_resize_candidates(&idx, MANY);
	for (i = 0, seed = 1; i < 1000; i++) {
		key = random_u64(&seed);
		lost += !pshare_index_is_crowded(&idx, key);
	}
	lost += !pshare_index_is_crowded(&idx, 0) + !pshare_index_is_crowded(&idx, ~0ULL);
	ok(!early, "no key is crowded at first");
	ok(!lost, "one that is said to be stays so, also in another table");
	ok(others < 40, "few others are taken for crowded: %u of 10000", others);
	end();
}

static void test_init(void)
{
	static const struct pshare_index nothing;
	unsigned int i, failed = 0;

	for (i = 0; i < 3; i++) {
		alloc_allowed = i;
		failed += pshare_index_init(&idx) == -ENOMEM && !alloc_blocks && !alloc_bytes;
		failed += !memcmp(&idx, &nothing, sizeof(idx));
		pshare_index_free(&idx);
	}
	alloc_allowed = 3;
	ok(failed == 6, "an index that gets no memory leaves nothing behind");
	ok(!pshare_index_init(&idx) && bytes_are_right() && alloc_blocks == 3,
	   "one that gets it says how much");
	ok(!count_entries() && !count_chained(), "a new index is empty");
	alloc_allowed = -1;
	pshare_index_prefetch(&idx, 0);
	pshare_index_prefetch(&idx, ~0ULL);
	pshare_index_free(&idx);
	ok(!alloc_blocks && !alloc_bytes, "what is freed is all that was allocated");
	pshare_index_free(&idx);
	ok(!alloc_blocks, "an index that is freed can be freed again");
}

int main(void)
{
	test_init();
	test_remember();
	test_extremes();
	test_many_twins();
	test_victims();
	test_lost_entries();
	test_growth();
	test_shrinking();
	test_there_and_back();
	test_resize_without_the_dead();
	test_small_tables();
	test_wants_resize();
	test_failing_resize();
	test_find();
	test_refused_frames();
	test_scan_chain();
	test_rekey();
	test_resize_frames();
	test_crowded();
	test_init();
	ok(!alloc_blocks, "nothing is left allocated");
	return tap_end();
}
