// SPDX-License-Identifier: GPL-2.0
/*
 * Regions and the queue they wait in. What a VM looks like (which of its
 * regions hold memory) is found by layout walks, which wait in the same queue.
 */
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "marks.h"
#include "region.h"
#include "request.h"
#include "stats.h"
#include "trace.h"
#include "vm.h"

/*
 * Times between looks: of a fruitful region, of one where nothing is merged, and
 * of one where nothing happens at all. A page that has not changed for the
 * first of them is stable.
 */
#define BASE_INTERVAL	(5 * HZ)
#define MAX_INTERVAL	(40 * HZ)
#define PROBE_INTERVAL	(15 * HZ)

/* Now and then a quiet region is visited all the same: after this many probes. */
#define MAX_PROBES	60

/* For so many visits a region's pages are watched for longer after merges were broken. */
#define BURNT_VISITS	15

/* A region of which less than this part changes between visits is calm. */
#define CALM_PART	32
#define BUSY_INTERVAL	max(HZ / 50, 1)

/* Breaks for 1024 merges from which on a region counts as churning. */
#define CHURNING	128

/* Regions handled under one hold of the lock. */
#define LOCK_BATCH	64

/* Visits that a request may cost one region before it is counted as done. */
#define MAX_TRIES	15

static struct kmem_cache *region_cache;
static DEFINE_SPINLOCK(queue_lock);
/* Regions that were never visited go before all others that are due. */
static struct rb_root_cached fresh = RB_ROOT_CACHED, queue = RB_ROOT_CACHED;
static u64 nr_regions, nr_present, nr_expected;

/* The pass that is going on, and the regions it has not come to. */
static u32 pass = 1;
static u64 pass_left;
static bool drain_wanted;

u32 pshare_region_pass(void)
{
	return READ_ONCE(pass);
}

u64 pshare_region_present(void)
{
	return max(READ_ONCE(nr_present), READ_ONCE(nr_expected));
}

void pshare_region_expect(struct pshare_vm *vm, u64 pages)
{
	spin_lock(&queue_lock);
	nr_expected += pages - vm->expected;
	vm->expected = pages;
	spin_unlock(&queue_lock);
}

u64 pshare_region_bytes(void)
{
	return READ_ONCE(nr_regions) * sizeof(struct pshare_region) + pshare_marks_bytes();
}

u64 pshare_region_bytes_of(struct pshare_vm *vm)
{
	return READ_ONCE(vm->nr_regions) * sizeof(struct pshare_region) + pshare_marks_bytes_of(vm);
}

static bool is_layout(const struct pshare_region *region)
{
	return region->index == PSHARE_REGION_LAYOUT;
}

static bool is_earlier(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct pshare_region, node)->due <
	       rb_entry(b, struct pshare_region, node)->due;
}

/* Does not change while the region is in it: only visits count visits. */
static struct rb_root_cached *queue_of(const struct pshare_region *region)
{
	return region->visits || is_layout(region) ? &queue : &fresh;
}

static void dequeue(struct pshare_region *region)
{
	lockdep_assert_held(&queue_lock);
	if (region->queued)
		rb_erase_cached(&region->node, queue_of(region));
	region->queued = false;
}

static void enqueue(struct pshare_region *region, u64 due)
{
	dequeue(region);
	region->due = due;
	region->queued = true;
	rb_add_cached(&region->node, queue_of(region), is_earlier);
}

static void leave_request(struct pshare_region *region)
{
	if (region->request)
		pshare_request_leave(region->request);
	region->request = 0;
}

static void join_request(struct pshare_region *region, u32 request)
{
	/* Another number is that of a request that was cancelled. */
	if (region->request == request)
		return;
	region->request = request;
	pshare_request_join(request);
}

/* The pass has come to a region (or lost it). */
static void mark_visited(struct pshare_region *region)
{
	if (region->pass == pass)
		return;
	region->pass = pass;
	pass_left--;
}

static bool end_pass(void)
{
	if (pass_left || !nr_regions)
		return false;
	WRITE_ONCE(pass, pass + 1);
	pass_left = nr_regions;
	drain_wanted = true;
	return true;
}

/* Numbers of a region as gauges: what it holds less what it held. */
static void tally_gauges(struct pshare_tally *tally, const struct pshare_region *region, int sign)
{
	tally->c[PSHARE_C_pages_shared] += sign * region->shared;
	tally->c[PSHARE_C_zero_pages] += sign * region->zero;
	tally->c[PSHARE_C_pages_unshared] += sign * region->unshared;
	tally->c[PSHARE_C_pages_volatile] += sign * region->volatile_pages;
}

/* Out of everything; the caller frees it. */
static void remove(struct pshare_vm *vm, struct pshare_region *region, struct pshare_tally *tally)
{
	lockdep_assert_held(&queue_lock);
	dequeue(region);
	leave_request(region);
	mark_visited(region);
	nr_regions--;
	vm->nr_regions--;
	pshare_marks_drop(region);
	nr_present -= region->present;
	tally_gauges(tally, region, -1);
	xa_erase(&vm->regions, region->index);
}

/* Longer for a light VM, shorter for a heavy one. */
static u64 scaled(const struct pshare_vm *vm, u32 interval)
{
	return div_u64((u64)interval * PSHARE_WEIGHT_DEFAULT, READ_ONCE(vm->weight));
}

static u64 next_due(struct pshare_region *region, int result)
{
	if (region->again || (region->request && result == -EBUSY))
		return region->again ? 0 : get_jiffies_64() + BUSY_INTERVAL;
	if (result == -EBUSY)
		return get_jiffies_64() + BUSY_INTERVAL * 5;
	/* pshare_region_renew_vm() brings it forward when it goes on. */
	if (READ_ONCE(region->vm->paused))
		return get_jiffies_64() + MAX_INTERVAL;
	/* No weight makes a page stable sooner. */
	if (!region->calm || !region->visits)
		return get_jiffies_64() + region->interval;
	/* Few wake-ups for what is not urgent. */
	return roundup(get_jiffies_64() + scaled(region->vm, region->interval), HZ);
}

/* Is the request that waits for the region served? */
static void settle_request(struct pshare_region *region, int result)
{
	bool more = region->again || result == -EBUSY;

	if (region->request && more && region->tries < MAX_TRIES)
		region->tries++;
	else
		leave_request(region);
}

static void put_back_layout(struct pshare_region *layout, int result)
{
	if (result >= 0)
		layout->interval = result ? BASE_INTERVAL / 2 :
				   min(layout->interval * 2, (u32)MAX_INTERVAL / 2);
	settle_request(layout, result);
	layout->again = false;
	enqueue(layout, next_due(layout, result));
}

/* Return: true if a pass has ended. */
static bool put_back_region(const struct pshare_work *work, int result,
			    struct pshare_tally *tally)
{
	struct pshare_region *region = work->region;
	struct pshare_vm *vm = work->vm;

	if (result == -ENOENT && !region->again) {
		remove(vm, region, tally);
		kmem_cache_free(region_cache, region);
		return end_pass();
	}
	settle_request(region, result);
	if (result == -EBUSY) {
		region->promoted |= work->kind == PSHARE_LOOK_WANTED;
		region->visit |= work->kind >= PSHARE_LOOK_PROMOTED;
	} else if (work->kind != PSHARE_LOOK_SETTLE && work->kind != PSHARE_LOOK_WANTED) {
		mark_visited(region);
	}
	enqueue(region, next_due(region, result));
	region->again = false;
	return end_pass();
}

/* A request that waited for a VM's layout waits for all its regions now. */
static void request_regions(struct pshare_vm *vm, u32 request)
{
	struct pshare_region *region;
	unsigned long index = 0;
	unsigned int n;

	do {
		n = 0;
		spin_lock(&queue_lock);
		xa_for_each_start(&vm->regions, index, region, index) {
			if (n++ == LOCK_BATCH)
				break;
			join_request(region, request);
			region->tries = 0;
			if (region->queued)
				enqueue(region, 0);
			else
				region->again = true;
		}
		spin_unlock(&queue_lock);
		cond_resched();
	} while (n > LOCK_BATCH);
}

void pshare_region_put_back(struct pshare_work *work, int result)
{
	struct pshare_region *region = work->region ?: &work->vm->layout;
	struct pshare_tally tally = {};
	bool ended = false;

	if (is_layout(region) && region->request && result >= 0)
		request_regions(work->vm, region->request);
	spin_lock(&queue_lock);
	if (READ_ONCE(work->vm->ending) || result == -ESRCH)
		leave_request(region);	/* The end of the VM takes all its regions. */
	else if (is_layout(region))
		put_back_layout(region, result);
	else
		ended = put_back_region(work, result, &tally);
	spin_unlock(&queue_lock);
	pshare_stats_add(work->vm, &tally);
	up_read(&work->vm->scan_sem);
	if (ended)
		pshare_request_pass_ended();
	pshare_request_settle();
	pshare_vm_put(work->vm);
	work->vm = NULL;
}

/* The first of a queue if it is due; else *wait is the time until it is, if that was longer. */
static struct pshare_region *first_of(struct rb_root_cached *root, u64 now, unsigned long *wait)
{
	struct rb_node *first = rb_first_cached(root);
	struct pshare_region *region;

	if (!first)
		return NULL;
	region = rb_entry(first, struct pshare_region, node);
	if (region->due <= now)
		return region;
	*wait = min_t(u64, region->due - now, *wait);
	return NULL;
}

bool pshare_region_is_spaced(const struct pshare_region *region)
{
	return (u32)jiffies - region->visited >= BASE_INTERVAL;
}

static enum pshare_look_kind look_of(const struct pshare_region *region)
{
	if (region->visit || region->request)
		return PSHARE_LOOK_VISIT;
	if (region->promoted)
		return PSHARE_LOOK_PROMOTED;
	if (region->wanted)
		return PSHARE_LOOK_WANTED;
	if (!region->visits)
		return region->settling && pshare_region_is_spaced(region) ?
		       PSHARE_LOOK_SETTLED : PSHARE_LOOK_SETTLE;
	return region->quiet && region->probes < MAX_PROBES ? PSHARE_LOOK_PROBE :
							      PSHARE_LOOK_VISIT;
}

/*
 * The first region that is due, with its VM's scan_sem held for read. A VM that
 * somebody unmerges or ends keeps the scanners out: its regions wait.
 */
static struct pshare_region *take_first(u64 now, unsigned long *wait)
{
	unsigned int n;

	lockdep_assert_held(&queue_lock);
	*wait = MAX_INTERVAL;
	for (n = 0; n < LOCK_BATCH; n++) {
		struct pshare_region *region = first_of(&fresh, now, wait);

		if (!region)
			region = first_of(&queue, now, wait);
		if (!region)
			return NULL;
		if (down_read_trylock(&region->vm->scan_sem)) {
			dequeue(region);
			return region;
		}
		enqueue(region, now + BUSY_INTERVAL);
	}
	*wait = 1;
	return NULL;
}

bool pshare_region_take(struct pshare_work *work, unsigned long *wait)
{
	struct pshare_region *region;

	pshare_request_start();
	spin_lock(&queue_lock);
	region = take_first(get_jiffies_64(), wait);
	if (region) {
		/* What is in the queue has a VM that the registry still refers to. */
		refcount_inc(&region->vm->ref);
		work->vm = region->vm;
		work->region = is_layout(region) ? NULL : region;
		work->kind = look_of(region);
		pshare_wanted_take(region, work->wanted);
		region->visit = false;
		region->promoted = false;
		work->full_speed = region->request;
		work->drain = drain_wanted;
		drain_wanted = false;
	}
	spin_unlock(&queue_lock);
	return region;
}

void pshare_region_drain_soon(void)
{
	spin_lock(&queue_lock);
	drain_wanted = true;
	spin_unlock(&queue_lock);
}

void pshare_region_lock(void)
{
	spin_lock(&queue_lock);
}

void pshare_region_unlock(void)
{
	spin_unlock(&queue_lock);
}

void pshare_region_assert_locked(void)
{
	lockdep_assert_held(&queue_lock);
}

void pshare_region_request_layout(struct pshare_vm *vm, u32 request)
{
	spin_lock(&queue_lock);
	if (!READ_ONCE(vm->ending)) {
		join_request(&vm->layout, request);
		vm->layout.tries = 0;
		if (vm->layout.queued)
			enqueue(&vm->layout, 0);
		else
			vm->layout.again = true;
	}
	spin_unlock(&queue_lock);
}

bool pshare_region_add(struct pshare_vm *vm, u64 addr)
{
	u64 index = addr >> PSHARE_REGION_SHIFT;
	struct pshare_region *region;

	if (xa_load(&vm->regions, index))
		return false;
	region = kmem_cache_zalloc(region_cache, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (!region)
		return false;
	region->vm = vm;
	region->index = index;
	region->interval = BASE_INTERVAL;
	region->calm = true;
	if (xa_insert(&vm->regions, index, region, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)) {
		kmem_cache_free(region_cache, region);
		return false;
	}
	spin_lock(&queue_lock);
	region->pass = pass - 1;
	pass_left++;
	nr_regions++;
	vm->nr_regions++;
	enqueue(region, 0);
	spin_unlock(&queue_lock);
	return true;
}

/* A moving average over about four visits, of 1024. */
static u16 average(u16 old, unsigned int part, unsigned int whole)
{
	return (old * 3 + min(part * 1024 / max(whole, 1U), 1024U)) / 4;
}

static unsigned int broken(const struct pshare_region *region, const struct pshare_found *found)
{
	unsigned int had = region->shared + region->zero;
	unsigned int has = found->frames + min(region->zero, found->zeros);
	unsigned int lost = had > has ? had - has : 0;
	unsigned int gone = region->present > found->present ?
			    region->present - found->present : 0;

	/* What is not present any more was given up, not written. */
	return lost > gone ? lost - gone : 0;
}

static void set_state(struct pshare_region *region, const struct pshare_found *found,
		      unsigned int merged)
{
	bool was_quiet = region->quiet;

	region->quiet = !merged && !found->given_back && !found->pending && !found->put_off &&
			!found->failed;
	if (region->churn > CHURNING)
		region->state = PSHARE_REGION_STATE_CHURNING;
	else if (merged)
		region->state = PSHARE_REGION_STATE_FRUITFUL;
	else
		region->state = region->quiet ? PSHARE_REGION_STATE_QUIET :
						PSHARE_REGION_STATE_BARREN;
	if (region->state == PSHARE_REGION_STATE_FRUITFUL || !region->visits ||
	    (was_quiet && found->pending))
		region->interval = BASE_INTERVAL;
	else
		region->interval = min(region->interval * 2, (u32)MAX_INTERVAL);
}

/* Of pages that may have changed meanwhile, and that were looked at with time between. */
static void set_calm(struct pshare_region *region, const struct pshare_found *found)
{
	if (region->visits && pshare_region_is_spaced(region))
		region->calm = found->volatile_pages * CALM_PART <= found->present;
	if (region->churn > CHURNING)
		region->calm = false;
}

void pshare_region_note(struct pshare_region *region, const struct pshare_found *found,
			const u8 *marks, struct pshare_tally *tally)
{
	unsigned int had = region->shared + region->zero, breaks = broken(region, found);
	unsigned int merged = found->merged_frames + found->merged_zeros;
	/* 6.12 maps the zero page itself when it splits a huge page. */
	unsigned int by_split = min_t(unsigned int, found->split_zeros,
				      found->zeros > region->zero ?
				      found->zeros - region->zero : 0);

	tally->c[PSHARE_C_cow_breaks] += breaks;
	tally->c[PSHARE_C_merges] += by_split;
	pshare_marks_keep(region, marks, found->pending, tally);
	/* The flags beside the state are other threads' to change. */
	spin_lock(&queue_lock);
	tally_gauges(tally, region, -1);
	nr_present += found->present - region->present;
	region->present = found->present;
	region->zero = min(region->zero + by_split, (unsigned int)found->zeros) +
		       found->merged_zeros;
	region->shared = found->frames + found->merged_frames -
			 min(found->given_back, found->frames);
	region->unshared = found->unshared;
	region->volatile_pages = found->volatile_pages;
	region->yield = average(region->yield, merged + by_split, found->present);
	region->churn = average(region->churn, breaks + found->failed, had + found->failed);
	tally_gauges(tally, region, 1);
	if (breaks || (found->burnt && !region->burnt))
		region->burnt = BURNT_VISITS;
	else
		region->burnt -= region->burnt > 0;
	set_calm(region, found);
	set_state(region, found, merged + by_split);
	region->print = found->print;
	region->probes = 0;
	region->visited = jiffies;
	if (region->visits < U16_MAX)
		region->visits++;
	spin_unlock(&queue_lock);
	trace_region(region->vm->pid, (u64)region->index << PSHARE_REGION_SHIFT,
		     found->present, merged, breaks);
}

void pshare_region_note_settling(struct pshare_region *region, const struct pshare_print *print)
{
	spin_lock(&queue_lock);
	region->print = *print;
	region->settling = true;
	region->visited = jiffies;
	spin_unlock(&queue_lock);
}

void pshare_region_note_settled(struct pshare_region *region, bool calm)
{
	spin_lock(&queue_lock);
	region->calm = calm;
	spin_unlock(&queue_lock);
}

void pshare_region_note_probe(struct pshare_region *region)
{
	spin_lock(&queue_lock);
	region->probes++;
	region->calm |= region->churn <= CHURNING;
	region->interval = min(region->interval * 2, (u32)PROBE_INTERVAL);
	spin_unlock(&queue_lock);
}

void pshare_region_note_part(struct pshare_region *region, const struct pshare_found *found,
			     struct pshare_tally *tally)
{
	spin_lock(&queue_lock);
	tally_gauges(tally, region, -1);
	region->shared = min(region->shared + found->merged_frames, PSHARE_REGION_PAGES);
	region->zero = min(region->zero + found->merged_zeros, PSHARE_REGION_PAGES);
	region->quiet = false;
	region->visited = jiffies;
	tally_gauges(tally, region, 1);
	spin_unlock(&queue_lock);
}

void pshare_region_note_wanted(struct pshare_region *region, const struct pshare_found *found,
			       struct pshare_tally *tally)
{
	unsigned int merged = found->merged_frames + found->merged_zeros;

	spin_lock(&queue_lock);
	tally_gauges(tally, region, -1);
	region->shared = min(region->shared + found->merged_frames, PSHARE_REGION_PAGES);
	region->zero = min(region->zero + found->merged_zeros, PSHARE_REGION_PAGES);
	region->unshared -= min_t(unsigned int, region->unshared, merged);
	tally_gauges(tally, region, 1);
	if (merged) {
		region->state = PSHARE_REGION_STATE_FRUITFUL;
		region->interval = BASE_INTERVAL;
		region->quiet = false;
	}
	spin_unlock(&queue_lock);
	trace_region(region->vm->pid, (u64)region->index << PSHARE_REGION_SHIFT,
		     region->present, merged, 0);
}

/* When a region with twins is worth a visit: when its pages can be stable. */
static u64 promoted_due(const struct pshare_region *region)
{
	if (region->calm)
		return 0;
	if (region->state == PSHARE_REGION_STATE_CHURNING)
		return U64_MAX;
	return get_jiffies_64() + BASE_INTERVAL;
}

static void bring_forward(struct pshare_region *region, u64 due)
{
	if (!region->queued)
		region->again |= !due;
	else if (region->due > due)
		enqueue(region, due);
}

static void promote(struct pshare_vm *vm, struct pshare_region *region, bool whole)
{
	u32 request = pshare_request_current(vm);

	if (request && region->tries < MAX_TRIES)
		join_request(region, request);
	region->promoted |= whole && region->visits > 0;
	bring_forward(region, request ? 0 : promoted_due(region));
}

void pshare_region_promote(struct pshare_vm *vm, u64 addr)
{
	struct pshare_region *region;

	spin_lock(&queue_lock);
	region = xa_load(&vm->regions, addr >> PSHARE_REGION_SHIFT);
	if (region)
		promote(vm, region, true);
	spin_unlock(&queue_lock);
}

/* Is what the region's pages were at the last visit all there is to be known? */
static bool is_settled(const struct pshare_region *region)
{
	return region->visits && region->calm && !region->burnt && !region->marks &&
	       !region->promoted;
}

void pshare_region_want(struct pshare_vm *vm, u64 addr, const unsigned long *pages)
{
	struct pshare_region *region;

	spin_lock(&queue_lock);
	region = xa_load(&vm->regions, addr >> PSHARE_REGION_SHIFT);
	if (region)
		promote(vm, region, !is_settled(region) || !pshare_wanted_add(region, pages));
	spin_unlock(&queue_lock);
}

typedef void region_fn(struct pshare_vm *vm, struct pshare_region *region,
		       struct pshare_tally *tally);

/* Call a function on every region of a VM, a few under each hold of the lock. */
static void call_on_regions(struct pshare_vm *vm, region_fn *fn)
{
	struct pshare_tally tally = {};
	struct pshare_region *region;
	unsigned long index = 0;
	unsigned int n;

	do {
		n = 0;
		spin_lock(&queue_lock);
		xa_for_each_start(&vm->regions, index, region, index) {
			if (n++ == LOCK_BATCH)
				break;
			fn(vm, region, &tally);
		}
		spin_unlock(&queue_lock);
		cond_resched();
	} while (n > LOCK_BATCH);
	pshare_stats_add(vm, &tally);
}

static void forget_shared(struct pshare_vm *vm, struct pshare_region *region,
			  struct pshare_tally *tally)
{
	tally_gauges(tally, region, -1);
	region->shared = 0;
	region->zero = 0;
	region->quiet = false;
	tally_gauges(tally, region, 1);
}

void pshare_region_forget_shared(struct pshare_vm *vm)
{
	call_on_regions(vm, forget_shared);
}

static void renew(struct pshare_vm *vm, struct pshare_region *region, struct pshare_tally *tally)
{
	region->interval = BASE_INTERVAL;
	region->visit = region->visits > 0;
	if (region->queued)
		enqueue(region, 0);
	else
		region->again = true;
}

void pshare_region_renew_vm(struct pshare_vm *vm)
{
	call_on_regions(vm, renew);
}

void pshare_region_enqueue_vm(struct pshare_vm *vm)
{
	vm->layout.vm = vm;
	vm->layout.index = PSHARE_REGION_LAYOUT;
	vm->layout.interval = BASE_INTERVAL / 2;
	pshare_region_expect(vm, get_mm_counter(vm->mm, MM_ANONPAGES));
	spin_lock(&queue_lock);
	enqueue(&vm->layout, 0);
	spin_unlock(&queue_lock);
}

static void drop(struct pshare_vm *vm, struct pshare_region *region, struct pshare_tally *tally)
{
	remove(vm, region, tally);
	kmem_cache_free(region_cache, region);
}

void pshare_region_drop_vm(struct pshare_vm *vm)
{
	bool ended;

	spin_lock(&queue_lock);
	dequeue(&vm->layout);
	leave_request(&vm->layout);
	spin_unlock(&queue_lock);
	call_on_regions(vm, drop);
	pshare_region_expect(vm, 0);
	xa_destroy(&vm->regions);
	spin_lock(&queue_lock);
	ended = end_pass();
	spin_unlock(&queue_lock);
	if (ended)
		pshare_request_pass_ended();
	pshare_request_settle();
}

int pshare_region_init(void)
{
	region_cache = KMEM_CACHE(pshare_region, 0);
	return region_cache ? 0 : -ENOMEM;
}

void pshare_region_exit(void)
{
	kmem_cache_destroy(region_cache);
}
