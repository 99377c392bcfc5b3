/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is remembered of single pages of a region, while there is a reason to: a mark of each,
 * where pages are pending, and which are wanted, because an equal has become a frame.
 */
#ifndef PSHARE_MARKS_H
#define PSHARE_MARKS_H

#include "region.h"

/**
 * pshare_marks_keep() - keep the marks of a visit, or forget those of the one before
 * @region: that was visited
 * @marks: of each page
 * @needed: keep them
 * @tally: counts if there was no memory for them
 * Context: the visit: only visits have to do with marks, and there is one at a time; may sleep.
 */
void pshare_marks_keep(struct pshare_region *region, const u8 *marks, bool needed,
		       struct pshare_tally *tally);

/**
 * pshare_wanted_add() - some pages are to be looked at
 * @region: that they are in
 * @pages: a bit for each
 * Context: the queue's lock is held.
 * Return: true, or false without memory for it.
 */
bool pshare_wanted_add(struct pshare_region *region, const unsigned long *pages);

/**
 * pshare_wanted_take() - the pages that are to be looked at, and none are any more
 * @region: any
 * @pages: gets a bit for each page; NULL: they are forgotten
 * Context: the queue's lock is held.
 */
void pshare_wanted_take(struct pshare_region *region, unsigned long *pages);

/* The region goes. The queue's lock is held, and no visit is going on. */
void pshare_marks_drop(struct pshare_region *region);

/* Bytes that all of it takes; those of one VM. */
u64 pshare_marks_bytes(void);
u64 pshare_marks_bytes_of(const struct pshare_vm *vm);

#endif
