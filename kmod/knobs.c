// SPDX-License-Identifier: GPL-2.0
/*
 * The settings in force, and the one way to change them.
 *
 * knobs_mutex is the outermost lock of the module: an update takes the
 * registry's and the scanners' locks under it. Readers take no lock.
 */
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/netlink.h>

#include "compat.h"
#include "knobs.h"
#include "scan.h"
#include "stats.h"
#include "store.h"
#include "vm.h"

struct pshare_knobs pshare_knobs;

static DEFINE_MUTEX(knobs_mutex);

u64 pshare_knob_get(const struct pshare_knob *knob)
{
	return READ_ONCE(*pshare_knob_value(&pshare_knobs, knob));
}

/* Frames were chosen by the old rule, so none may be left; like KSM. */
static int check_nothing_shared(struct netlink_ext_ack *extack)
{
	s64 counters[PSHARE_NR_COUNTERS];

	pshare_stats_read(NULL, true, counters);
	if (!counters[PSHARE_C_pages_shared])
		return 0;
	NL_SET_ERR_MSG(extack, "pages are shared: merge_across_nodes changes only after run=2");
	return -EBUSY;
}

/* Does a change need scanners that stand still, or leave them so? */
static bool needs_rest(const struct pshare_knobs *old, const struct pshare_knobs *new)
{
	return new->run != PSHARE_RUN_MERGE || new->merge_across_nodes != old->merge_across_nodes;
}

static void rest(void)
{
	WRITE_ONCE(pshare_knobs.run, PSHARE_RUN_STOP);
	pshare_scan_quiesce();
}

/* What can fail and cannot be undone, with the scanners at rest if it matters. */
static int settle(const struct pshare_knobs *old, const struct pshare_knobs *new, bool force,
		  struct netlink_ext_ack *extack)
{
	int err = 0;

	if (needs_rest(old, new))
		rest();
	/* Again when it is 2 already: a VM that came since may have frames. */
	if (new->run == PSHARE_RUN_UNMERGE)
		err = pshare_vm_unmerge_all(force, extack);
	if (!err && new->merge_across_nodes != old->merge_across_nodes)
		err = check_nothing_shared(extack);
	if (err)
		WRITE_ONCE(pshare_knobs.run, old->run);
	return err;
}

static int set_threads(u64 from, u64 to, struct netlink_ext_ack *extack)
{
	int err;

	if (from == to)
		return 0;
	err = pshare_scan_set_threads(to);
	if (err)
		NL_SET_ERR_MSG(extack, "no more scanner threads could be started");
	return err;
}

static int set_sample_lines(u64 from, u64 to, struct netlink_ext_ack *extack)
{
	int err;

	if (from == to)
		return 0;
	err = pshare_index_set_sample_lines(to);
	if (err)
		NL_SET_ERR_MSG(extack, "the frames could not be given new fingerprints");
	return err;
}

/* Do what the new settings need, or leave everything as it was. */
static int apply(const struct pshare_knobs *old, const struct pshare_knobs *new, bool force,
		 struct netlink_ext_ack *extack)
{
	int err;

	err = set_threads(old->scan_threads, new->scan_threads, extack);
	if (err)
		return err;
	err = set_sample_lines(old->sample_lines, new->sample_lines, extack);
	if (err)
		goto err_sample_lines;
	err = settle(old, new, force, extack);
	if (err)
		goto err_settle;
	return 0;

err_settle:
	set_sample_lines(new->sample_lines, old->sample_lines, NULL);
err_sample_lines:
	set_threads(new->scan_threads, old->scan_threads, NULL);
	return err;
}

/*
 * From the last row to the first, which is run: what makes scanners go on that
 * rested for this change is taken when everything else is.
 */
static void take(struct pshare_knobs *new)
{
	const struct pshare_knob *knob;
	unsigned int i;

	for (i = pshare_nr_knobs; i--; ) {
		knob = &pshare_knob_table[i];
		WRITE_ONCE(*pshare_knob_value(&pshare_knobs, knob), *pshare_knob_value(new, knob));
	}
}

static int update_locked(int (*change)(struct pshare_knobs *copy, void *data), void *data,
			 bool force, struct netlink_ext_ack *extack)
{
	struct pshare_knobs old = pshare_knobs, new = pshare_knobs;
	int err;

	lockdep_assert_held(&knobs_mutex);
	err = change(&new, data);
	if (!err)
		err = pshare_knobs_check(&new, extack);
	if (!err)
		err = apply(&old, &new, force, extack);
	if (err)
		return err;
	take(&new);
	if (new.scope != old.scope)
		pshare_vm_sweep();
	return 0;
}

int pshare_knobs_update(int (*change)(struct pshare_knobs *copy, void *data), void *data,
			bool force, struct netlink_ext_ack *extack)
{
	int err;

	/* An unmerge of everything takes its time; who waits can give up. */
	err = mutex_lock_interruptible(&knobs_mutex);
	if (err) {
		NL_SET_ERR_MSG(extack, "interrupted while other settings were changed");
		return err;
	}
	err = update_locked(change, data, force, extack);
	mutex_unlock(&knobs_mutex);
	/* After a failure too: the scanners may have been stopped for a moment. */
	pshare_scan_kick();
	return err;
}

void pshare_knobs_init(void)
{
	unsigned int i;

	for (i = 0; i < pshare_nr_knobs; i++)
		pshare_knob_set(&pshare_knobs, &pshare_knob_table[i], pshare_knob_table[i].def);
}
