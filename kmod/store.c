// SPDX-License-Identifier: GPL-2.0
/* The module's one index with the secret that keys it; see store.h. */
#include <linux/jiffies.h>
#include <linux/random.h>
#include <linux/string.h>

#include "frame.h"
#include "knobs.h"
#include "store.h"
#include "vector.h"

DECLARE_RWSEM(pshare_store_sem);
struct pshare_hasher pshare_hasher;
struct pshare_index pshare_index;

/* After a table could not be had, the next attempt waits. */
#define RETRY_INTERVAL	(10 * HZ)

static unsigned long retry_at;
static bool failed;

void pshare_store_fit(u64 pages)
{
	int err = 0;

	if (!pshare_index_wants_resize(&pshare_index, pages) &&
	    !pshare_index_wants_frames(&pshare_index))
		return;
	if (failed && time_before(jiffies, retry_at))
		return;
	down_write(&pshare_store_sem);
	if (pshare_index_wants_resize(&pshare_index, pages))
		err = pshare_index_resize_candidates(&pshare_index, pages);
	if (!err && pshare_index_wants_frames(&pshare_index))
		err = pshare_index_resize_frames(&pshare_index);
	up_write(&pshare_store_sem);
	failed = err;
	retry_at = jiffies + RETRY_INTERVAL;
}

static bool take_all(struct pshare_link *link, void *data)
{
	return true;
}

/* Every frame out, and back in under its new key. */
static void rekey_frames(void)
{
	struct hlist_head all = HLIST_HEAD_INIT;
	struct pshare_link *link;
	struct hlist_node *next;
	u64 i;

	for (i = 0; i < pshare_index.nr_heads; i++) {
		pshare_index_scan_chain(&pshare_index, i, take_all, NULL, &all);
		if (i % 1024 == 0)
			cond_resched();
	}
	i = 0;
	hlist_for_each_entry_safe(link, next, &all, node) {
		pshare_frame_rekey(link);
		pshare_index_insert(&pshare_index, link);
		if (i++ % 256 == 0)
			cond_resched();
	}
}

int pshare_index_set_sample_lines(unsigned int lines)
{
	down_write(&pshare_store_sem);
	pshare_hasher_set_lines(&pshare_hasher, lines);
	pshare_index_forget(&pshare_index);
	rekey_frames();
	up_write(&pshare_store_sem);
	return 0;
}

u64 pshare_store_bytes(void)
{
	return pshare_index_bytes(&pshare_index);
}

int pshare_store_init(void)
{
	u64 secret[4];

	pshare_vector_init();
	get_random_bytes(secret, sizeof(secret));
	pshare_hasher_init(&pshare_hasher, secret, pshare_knobs.sample_lines);
	memzero_explicit(secret, sizeof(secret));
	return pshare_index_init(&pshare_index);
}

void pshare_store_exit(void)
{
	pshare_index_free(&pshare_index);
	memzero_explicit(&pshare_hasher, sizeof(pshare_hasher));
}
