/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Regions: 2 MiB of a VM, the unit of scheduling. A region exists while pages
 * are present in it. It belongs to its VM's xarray and to the scheduler's
 * queue; a scanner that works on it has taken it out of the queue.
 */
#ifndef PSHARE_REGION_H
#define PSHARE_REGION_H

#include <linux/bitmap.h>
#include <linux/netlink.h>
#include <linux/rbtree.h>
#include <linux/types.h>

#include <linux/pshare.h>

struct pshare_tally;
struct pshare_vm;

#define PSHARE_REGION_SHIFT	21
#define PSHARE_REGION_SIZE	(1UL << PSHARE_REGION_SHIFT)
#define PSHARE_REGION_PAGES	512

/* A region's samples: one page in 16, each from a row of 16, and all of them together all pages. */
#define PSHARE_SAMPLES		16

/* Index of the entry that stands for a VM's layout walk in the queue. */
#define PSHARE_REGION_LAYOUT	((1ULL << 36) - 1)

/**
 * struct pshare_print - by which it is seen that a region has changed
 * @mapped: hash of which page is mapped where; a write that breaks the sharing
 *          of a page changes it, as does a page that comes or goes
 * @sample: sum over the fingerprints of the pages of each sample
 */
struct pshare_print {
	u64 mapped;
	u16 sample[PSHARE_SAMPLES];
};

/* A mark is 7 bits of a page's fingerprint, not 0, and whether it was the same before. */
#define PSHARE_MARK_SAME	0x80

/* How a region is looked at. */
enum pshare_look_kind {
	PSHARE_LOOK_SETTLE,	/* a first sample, to see later whether it changes */
	PSHARE_LOOK_SETTLED,	/* that sample again, then a visit */
	PSHARE_LOOK_PROBE,	/* a sample; a visit if it has changed */
	PSHARE_LOOK_WANTED,	/* only pages whose equals have become frames */
	PSHARE_LOOK_PROMOTED,	/* a visit, for such pages' sake */
	PSHARE_LOOK_VISIT,	/* a visit: every page */
};

/**
 * struct pshare_region - what is remembered of 2 MiB
 * @node: in the queue by @due
 * @vm: owner; the region ends before it
 * @index: address >> PSHARE_REGION_SHIFT, or PSHARE_REGION_LAYOUT
 * @state: enum pshare_region_state
 * @queued: it is in the queue
 * @again: it is to be visited again: asked for while it was being visited
 * @settling: the first sample has been taken
 * @calm: few of its pages change between visits
 * @quiet: @print is that of the last visit, which left nothing to be done
 * @visit: the next look is a visit, whatever else would do
 * @promoted: pages equal to some of its own have become frames: it is visited for that
 * @burnt: visits for which pages must have been the same twice before they are merged,
 *         because merges were broken or would have been
 * @probes: looks at samples since the last visit
 * @tries: visits that a request has cost already, bounds what it may cost
 * @due: when it is visited next, in jiffies; 0 is before anything else
 * @interval: between visits, in jiffies
 * @request: number of the requested pass that waits for it, or 0
 * @present: pages present at the last visit
 * @shared: pages that mapped frames after it
 * @zero: pages merged into the zero page, as far as they still map it
 * @unshared: pages equal to no other, at the last visit
 * @volatile_pages: pages whose content was not known from the visit before
 * @yield: merges per 1024 pages looked at, averaged over visits
 * @churn: breaks per 1024 merges, averaged over visits
 * @visits: visits so far, stops at the top
 * @visited: when the last visit was, in jiffies (the low half)
 * @marks: of each page, where pages are pending, else NULL; see PSHARE_MARK_SAME
 * @wanted: pages whose equals have become frames since the last visit, in a bitmap, or NULL
 * @print: by which it is seen that the region has changed
 * @pass: number of the pass that visited it last
 *
 * All of it is protected by the queue's lock; what only visits write (the
 * numbers) is read by the visit without it.
 */
struct pshare_region {
	struct rb_node node;
	struct pshare_vm *vm;
	u64 index:36;
	u64 state:3;
	u64 queued:1;
	u64 again:1;
	u64 tries:4;
	u64 settling:1;
	u64 calm:1;
	u64 quiet:1;
	u64 visit:1;
	u64 promoted:1;
	u64 probes:6;
	u64 burnt:4;
	u64 due;
	u32 interval;
	u32 request;
	u16 present;
	u16 shared;
	u16 zero;
	u16 unshared;
	u16 volatile_pages;
	u16 yield;
	u16 churn;
	u16 visits;
	u32 pass;
	u32 visited;
	u8 *marks;
	unsigned long *wanted;
	struct pshare_print print;
};

/**
 * struct pshare_found - what a visit found in a region, and did
 * @present: present pages
 * @frames: pages that mapped frames before
 * @given_back: frames among those that were made plain pages again
 * @zeros: pages that mapped the zero page before
 * @unshared: pages equal to no other
 * @volatile_pages: pages whose content was not known from the last visit
 * @split_zeros: pages of zeros in huge pages that were split
 * @merged_frames: pages merged into frames
 * @merged_zeros: pages merged into the zero page
 * @failed: pages that were not merged at the last moment
 * @pending: pages that have an equal but are not known to be stable yet
 * @burnt: pages have an equal that had another content before
 * @put_off: pages that could not be merged for want of a lock, memory, or leave
 * @print: of the pages as the visit found them
 */
struct pshare_found {
	u16 present;
	u16 frames;
	u16 given_back;
	u16 zeros;
	u16 unshared;
	u16 volatile_pages;
	u16 split_zeros;
	u16 merged_frames;
	u16 merged_zeros;
	u16 failed;
	u16 pending;
	u16 put_off;
	bool burnt;
	struct pshare_print print;
};

/* What region-get tells; a copy, so that it can be read without locks. */
struct pshare_region_info {
	u64 addr;
	enum pshare_region_state state;
	u32 present;
	u32 shared;
	u32 zero;
	u32 unshared;
	u32 volatile_pages;
	u32 yield_permille;
	u32 churn_permille;
	u32 interval_ms;
	u32 due_ms;
	u32 visits;
};

/**
 * struct pshare_work - what a scanner thread is to do next
 * @vm: the VM, with a reference
 * @region: a region of it to look at, or NULL to look for new regions
 * @kind: how
 * @wanted: pages to look at, for PSHARE_LOOK_WANTED
 * @full_speed: a request waits for it: no CPU budget
 * @drain: a pass or a request begins: LRU batches hold references
 */
struct pshare_work {
	struct pshare_vm *vm;
	struct pshare_region *region;
	enum pshare_look_kind kind;
	DECLARE_BITMAP(wanted, PSHARE_REGION_PAGES);
	bool full_speed;
	bool drain;
};

/**
 * pshare_region_take() - take what is due out of the queue
 * @work: filled
 * @wait: gets the time until something is due, in jiffies, if nothing is
 *
 * What was taken, with its VM's scan_sem held for read, is given back by
 * pshare_region_put_back().
 *
 * Context: scanner thread; may sleep.
 * Return: true if there is work.
 */
bool pshare_region_take(struct pshare_work *work, unsigned long *wait);

/**
 * pshare_region_put_back() - end of a visit or of a layout walk
 * @work: as taken; the VM's scan_sem and the reference to it are let go
 * @result: what pshare_visit_region() or pshare_layout_walk() returned
 * Context: scanner thread; may sleep.
 */
void pshare_region_put_back(struct pshare_work *work, int result);

/*
 * A visit's numbers into the region, the gauges of its VM, and the next date. The
 * marks of its pages are kept if pages are pending. May sleep.
 */
void pshare_region_note(struct pshare_region *region, const struct pshare_found *found,
			const u8 *marks, struct pshare_tally *tally);

/* The first sample of a new region was taken; it was taken again, and is it the same? */
void pshare_region_note_settling(struct pshare_region *region, const struct pshare_print *print);
void pshare_region_note_settled(struct pshare_region *region, bool calm);

/* A sample of a quiet region was the same as before. */
void pshare_region_note_probe(struct pshare_region *region);

/* Was the last visit long enough ago for a page to be stable that has not changed since? */
bool pshare_region_is_spaced(const struct pshare_region *region);

/* A visit was cut short: only what it merged counts. */
void pshare_region_note_part(struct pshare_region *region, const struct pshare_found *found,
			     struct pshare_tally *tally);

/* Only pages that were wanted were looked at: what they were merged into counts. */
void pshare_region_note_wanted(struct pshare_region *region, const struct pshare_found *found,
			       struct pshare_tally *tally);

/* The region of this address is worth a visit soon. */
void pshare_region_promote(struct pshare_vm *vm, u64 addr);

/**
 * pshare_region_want() - pages have equals that have become frames: look at them soon
 * @vm: whose pages
 * @addr: where their region begins
 * @pages: a bit for each; where few pages change, only these need to be looked at
 * Context: any; takes the queue's lock.
 */
void pshare_region_want(struct pshare_vm *vm, u64 addr, const unsigned long *pages);

/* Pages of the region with this address that were merged into the zero page. */
unsigned int pshare_region_zeros(struct pshare_vm *vm, u64 addr);

/* Unmerged: what a region knew of its shared pages is void. */
void pshare_region_forget_shared(struct pshare_vm *vm);

/* A new VM enters the queue; a VM leaves it with all its regions. */
void pshare_region_enqueue_vm(struct pshare_vm *vm);
void pshare_region_drop_vm(struct pshare_vm *vm);

/* A VM is to be visited again at once (it was paused, or its domain changed). */
void pshare_region_renew_vm(struct pshare_vm *vm);

/**
 * pshare_region_add() - a region in which memory was found
 * @vm: whose memory
 * @addr: anywhere in the region
 *
 * Context: layout walk; mmap_lock held for read; may sleep.
 * Return: true if it is new; false if it is known, or without memory for it.
 */
bool pshare_region_add(struct pshare_vm *vm, u64 addr);

/* Let the layout of a VM, and then all its regions, be part of a request. */
void pshare_region_request_layout(struct pshare_vm *vm, u32 request);

/* Let the LRU batches be drained before the next visit. */
void pshare_region_drain_soon(void);

/* The queue's lock, for the requests that are kept under it. */
void pshare_region_lock(void);
void pshare_region_unlock(void);
void pshare_region_assert_locked(void);

/* Resident pages that a layout walk has seen: the index gets room for them at once. */
void pshare_region_expect(struct pshare_vm *vm, u64 pages);

/* Number of the pass that is going on; pages present in all regions; bytes. */
u32 pshare_region_pass(void);
u64 pshare_region_present(void);
u64 pshare_region_bytes(void);
u64 pshare_region_bytes_of(struct pshare_vm *vm);

int pshare_region_init(void);
void pshare_region_exit(void);

/**
 * pshare_region_next() - the first region at or after an address
 * @vm: a VM with a reference
 * @addr: where to look from
 * @info: filled
 * Context: any; takes the queue's lock.
 * Return: false if there is none.
 */
bool pshare_region_next(struct pshare_vm *vm, u64 addr, struct pshare_region_info *info);

#endif
