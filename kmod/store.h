/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The module's one index with the secret that keys it.
 *
 * pshare_store_sem is held for read by a scanner while it visits a region and
 * by whoever walks the chains of frames, and for write while the tables change
 * their size or their keys. It is taken inside vm->scan_sem and outside
 * mmap_lock. A visit lets go of it before it gives frames back, which may wait
 * for memory.
 */
#ifndef PSHARE_STORE_H
#define PSHARE_STORE_H

#include <linux/rwsem.h>

#include "fingerprint.h"
#include "index.h"

extern struct rw_semaphore pshare_store_sem;
extern struct pshare_hasher pshare_hasher;
extern struct pshare_index pshare_index;

int pshare_store_init(void);
void pshare_store_exit(void);

/* Memory that the tables take, in bytes. */
u64 pshare_store_bytes(void);

/**
 * pshare_store_fit() - let the tables follow what they hold
 * @pages: pages that are scanned
 *
 * Context: scanner thread outside any region; may sleep, takes the semaphore
 * for write when a table has to change. Without memory the tables stay.
 */
void pshare_store_fit(u64 pages);

/**
 * pshare_index_set_sample_lines() - another number of lines per fingerprint
 * @lines: 1 to PSHARE_PAGE_LINES
 *
 * Gives every frame its new key and forgets every candidate.
 *
 * Context: process context, may sleep.
 * Return: 0.
 */
int pshare_index_set_sample_lines(unsigned int lines);

#endif
