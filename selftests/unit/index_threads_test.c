// SPDX-License-Identifier: GPL-2.0
/*
 * The index used by many threads at once: whatever one finds belongs to the key that it asked
 * for, and no frame is lost. Built with ThreadSanitizer where that works.
 */
#include "random.h"
#include "tap.h"

#include "../../kmod/index.c"

#define THREADS		4
#define ROUNDS		100000
#define FRAMES		(THREADS * 64)

/* Few buckets and chains, so that threads meet; the keys in them differ. */
#define KEYS		200
#define KEY_MASK	(3ULL << 55 | 0x3ffULL << 45 | 15ULL << 13 | 0x1fff)

struct frame {
	struct pshare_link link;
	unsigned int refs;
};

/* One thread: the frames that it has out of the index, and what it saw. */
struct worker {
	pthread_t thread;
	u64 seed;
	struct hlist_head spare;
	u64 found_frames, found_twins, taken, wrong;
};

/* What a search is for, and by whom. */
struct search {
	struct worker *worker;
	u64 key;
};

static struct pshare_index idx;
static struct frame frames[FRAMES];
static struct worker workers[THREADS];

static struct frame *frame_of(struct pshare_link *link)
{
	return container_of(link, struct frame, link);
}

static u64 draw_key(struct worker *worker)
{
	u64 nr = random_below(&worker->seed, KEYS);

	return random_u64(&nr) & KEY_MASK;
}

/* A candidate's place tells the tag of its key. */
static struct pshare_candidate draw_candidate(struct worker *worker, u64 key)
{
	u64 tag = tag_of(key), nr = random_below(&worker->seed, 64);

	return (struct pshare_candidate) {
		.slot = 1 + tag % THREADS,
		.addr = (nr << PSHARE_TAG_BITS | tag) << 12,
	};
}

static bool belongs(struct pshare_candidate who, u64 key)
{
	u64 tag = tag_of(key);

	return who.slot == 1 + tag % THREADS && (who.addr >> 12 & 0x1fff) == tag &&
	       who.addr < 64ULL << (PSHARE_TAG_BITS + 12);
}

static void use_candidates(struct worker *worker)
{
	struct pshare_candidate found[PSHARE_BUCKET_ENTRIES];
	u64 key = draw_key(worker);
	unsigned int i, n;
	bool known;

	pshare_index_prefetch(&idx, key);
	n = pshare_index_remember(&idx, key, draw_candidate(worker, key), &known, found);
	worker->wrong += n > PSHARE_BUCKET_ENTRIES;
	for (i = 0; i < n; i++)
		worker->wrong += !belongs(found[i], key);
	worker->found_twins += n;
	if (n && random_below(&worker->seed, 4) == 0)
		pshare_index_erase(&idx, key, found[0]);
}

/* Refuses some, as a frame that is about to go does. */
static bool get_frame(struct pshare_link *link, void *data)
{
	struct search *search = data;

	search->worker->wrong += link->key != search->key;
	if (random_below(&search->worker->seed, 8) == 0)
		return false;
	__atomic_fetch_add(&frame_of(link)->refs, 1, __ATOMIC_RELAXED);
	return true;
}

static void put_frame(struct frame *frame)
{
	__atomic_fetch_sub(&frame->refs, 1, __ATOMIC_RELEASE);
}

static void use_frame(struct worker *worker)
{
	struct search search = { .worker = worker, .key = draw_key(worker) };
	struct pshare_link *link = pshare_index_find(&idx, search.key, get_frame, &search);

	if (!link)
		return;
	/* Nobody may give it another key while it is held. */
	worker->wrong += link->key != search.key;
	if (random_below(&worker->seed, 16) == 0)
		sched_yield();
	worker->wrong += link->key != search.key;
	worker->found_frames++;
	put_frame(frame_of(link));
}

static void insert_spare(struct worker *worker)
{
	struct hlist_node *node = worker->spare.first;
	struct pshare_link *link;

	if (!node)
		return;
	__hlist_del(node);
	link = container_of(node, struct pshare_link, node);
	link->key = draw_key(worker);
	pshare_index_insert(&idx, link);
}

static bool take_unused(struct pshare_link *link, void *data)
{
	struct worker *worker = data;

	if (__atomic_load_n(&frame_of(link)->refs, __ATOMIC_ACQUIRE) ||
	    random_below(&worker->seed, 2))
		return false;
	worker->taken++;
	return true;
}

static void scan_chain(struct worker *worker)
{
	u64 chain = pshare_index_chain(&idx, draw_key(worker));

	pshare_index_scan_chain(&idx, chain, take_unused, worker, &worker->spare);
}

static void use_bits(struct worker *worker)
{
	u64 key = draw_key(worker);

	pshare_index_set_live(&idx, 1 + random_below(&worker->seed, THREADS),
			      random_below(&worker->seed, 2));
	pshare_index_set_crowded(&idx, key);
	worker->wrong += !pshare_index_is_crowded(&idx, key);
	/* The tables are fine as they are. */
	worker->wrong += pshare_index_wants_frames(&idx) || pshare_index_wants_resize(&idx, 1);
}

static void *work(void *data)
{
	struct worker *worker = data;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		use_candidates(worker);
		use_frame(worker);
		if (i % 4 == 0)
			insert_spare(worker);
		if (i % 16 == 0)
			scan_chain(worker);
		if (i % 64 == 0)
			use_bits(worker);
	}
	return NULL;
}

static void begin(void)
{
	unsigned int i;

	if (pshare_index_init(&idx))
		abort();
	for (i = 0; i < FRAMES; i++)
		hlist_add_head(&frames[i].link.node, &workers[i % THREADS].spare);
	for (i = 0; i < THREADS; i++) {
		workers[i].seed = i;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			abort();
	}
}

static void sum_up(struct worker *sum)
{
	unsigned int i;

	memset(sum, 0, sizeof(*sum));
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		sum->found_frames += workers[i].found_frames;
		sum->found_twins += workers[i].found_twins;
		sum->taken += workers[i].taken;
		sum->wrong += workers[i].wrong;
	}
}

/* How often each frame is in a list; refs is not needed any more. */
static unsigned int count_list(const struct hlist_head *list)
{
	struct pshare_link *link;
	unsigned int n = 0;

	hlist_for_each_entry(link, list, node) {
		frame_of(link)->refs++;
		n++;
	}
	return n;
}

static void check_frames(void)
{
	unsigned int chained = 0, spare = 0, held = 0, once = 0, i;
	u64 chain;

	for (i = 0; i < FRAMES; i++)
		held += frames[i].refs;
	ok(!held, "no reference is left");
	for (chain = 0; chain < idx.nr_heads; chain++)
		chained += count_list(&idx.heads[chain]);
	for (i = 0; i < THREADS; i++)
		spare += count_list(&workers[i].spare);
	for (i = 0; i < FRAMES; i++)
		once += frames[i].refs == 1;
	ok(once == FRAMES && chained + spare == FRAMES, "every frame is in one place");
	ok(atomic64_read(&idx.nr_frames) == (s64)chained, "the frames in the index are counted");
}

int main(void)
{
	struct worker sum;

#ifdef __SANITIZE_THREAD__
	printf("# with ThreadSanitizer\n");
#endif
	begin();
	sum_up(&sum);
	ok(!sum.wrong, "%d threads find nothing but what they ask for", THREADS);
	ok(sum.found_frames > 1000 && sum.found_twins > 1000 && sum.taken > 1000,
	   "they found %llu frames and %llu candidates, and took out %llu frames",
	   sum.found_frames, sum.found_twins, sum.taken);
	check_frames();
	pshare_index_free(&idx);
	return tap_end();
}
