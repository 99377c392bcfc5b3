// SPDX-License-Identifier: GPL-2.0
/*
 * Every setting once: the table that sysfs, netlink and documentation follow,
 * and the one way to change settings.
 *
 * knobs_mutex is the outermost lock of the module: an update takes the
 * registry's and the scanners' locks under it. Readers take no lock.
 */
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/string.h>

#include "compat.h"
#include "knobs.h"
#include "scan.h"
#include "stats.h"
#include "store.h"
#include "vm.h"

struct pshare_knobs pshare_knobs;

static DEFINE_MUTEX(knobs_mutex);

static const char * const scope_words[] = {
	[PSHARE_SCOPE_REGISTERED] = "registered",
	[PSHARE_SCOPE_ALL] = "all",
	NULL
};

static const char * const thp_words[] = {
	[PSHARE_KNOB_THP_NEVER] = "never",
	[PSHARE_KNOB_THP_AUTO] = "auto",
	[PSHARE_KNOB_THP_ALWAYS] = "always",
	NULL
};

#define KNOB(_name, _min, _max, _def, _unit, _doc) \
	{ .name = #_name, .offset = offsetof(struct pshare_knobs, _name), \
	  .min = (_min), .max = (_max), .def = (_def), .unit = (_unit), .doc = (_doc) }

#define KNOB_WORDS(_name, _words, _def, _doc) \
	{ .name = #_name, .offset = offsetof(struct pshare_knobs, _name), \
	  .max = ARRAY_SIZE(_words) - 2, .def = (_def), .words = (_words), .unit = "", \
	  .doc = (_doc) }

const struct pshare_knob pshare_knob_table[] = {
	KNOB(run, PSHARE_RUN_STOP, PSHARE_RUN_UNMERGE, PSHARE_RUN_MERGE, "",
	     "0 stop and keep what is merged, 1 run, 2 stop and unmerge everything"),
	KNOB(cpu_percent, 1, 100 * PSHARE_MAX_SCAN_THREADS, 20, "percent of one CPU",
	     "CPU time of all scanner threads together"),
	KNOB(scan_threads, 1, PSHARE_MAX_SCAN_THREADS, 1, "threads",
	     "number of scanner threads"),
	KNOB_WORDS(scope, scope_words, PSHARE_SCOPE_REGISTERED,
		   "who is scanned: registered VMs, or every process not excluded"),
	KNOB(use_zero_pages, 0, 1, 1, "",
	     "1 to replace pages of zeros by the kernel's zero page"),
	KNOB(merge_across_nodes, 0, 1, 1, "",
	     "0 to share only inside a NUMA node; changes only while nothing is shared"),
	KNOB_WORDS(thp, thp_words, PSHARE_KNOB_THP_AUTO,
		   "when a huge page may be split to share its parts"),
	KNOB(thp_min_duplicates, 1, 512, 256, "pages of 4 KiB",
	     "duplicates among the 512 pages of a huge page that make thp=auto split it"),
	KNOB(sample_lines, 1, 64, 4, "cache lines of 64 bytes",
	     "how much of a page its fingerprint reads"),
	KNOB(max_frames, 0, 1ULL << 40, 0, "pages of 4 KiB",
	     "most shared frames at a time, which cannot be swapped out; 0 for no limit"),
};

const unsigned int pshare_nr_knobs = ARRAY_SIZE(pshare_knob_table);

static u64 *value_in(struct pshare_knobs *knobs, const struct pshare_knob *knob)
{
	return (u64 *)((char *)knobs + knob->offset);
}

const struct pshare_knob *pshare_knob_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < pshare_nr_knobs; i++)
		if (!strcmp(pshare_knob_table[i].name, name))
			return &pshare_knob_table[i];
	return NULL;
}

u64 pshare_knob_get(const struct pshare_knob *knob)
{
	return READ_ONCE(*value_in(&pshare_knobs, knob));
}

int pshare_knob_print(const struct pshare_knob *knob, u64 value, char *buf, size_t size)
{
	if (knob->words)
		return scnprintf(buf, size, "%s", knob->words[min(value, knob->max)]);
	return scnprintf(buf, size, "%llu", value);
}

int pshare_knob_print_range(const struct pshare_knob *knob, char *buf, size_t size)
{
	const char * const *word;
	int len = 0;

	if (!knob->words)
		return scnprintf(buf, size, "%llu-%llu", knob->min, knob->max);
	for (word = knob->words; *word; word++)
		len += scnprintf(buf + len, size - len, "%s%s", len ? " " : "", *word);
	return len;
}

/* Messages of netlink have 80 bytes: what the user wrote is cut. */
static int refuse_text(const struct pshare_knob *knob, const char *text, int err,
		       struct netlink_ext_ack *extack)
{
	char range[PSHARE_KNOB_TEXT];

	pshare_knob_print_range(knob, range, sizeof(range));
	if (knob->words)
		NL_SET_ERR_MSG_FMT(extack, "%s is one of: %s; not \"%.20s\"", knob->name, range,
				   text);
	else
		NL_SET_ERR_MSG_FMT(extack, "%s is a number %s, not \"%.20s\"", knob->name, range,
				   text);
	return err;
}

int pshare_knob_parse(const struct pshare_knob *knob, const char *text, u64 *value,
		      struct netlink_ext_ack *extack)
{
	int err;

	if (knob->words) {
		err = __sysfs_match_string(knob->words, -1, text);
		if (err < 0)
			return refuse_text(knob, text, -EINVAL, extack);
		*value = err;
		return 0;
	}
	err = text[0] == '+' ? -EINVAL : kstrtou64(text, 10, value);
	if (!err && (*value < knob->min || *value > knob->max))
		err = -ERANGE;
	return err ? refuse_text(knob, text, err, extack) : 0;
}

static int check_ranges(struct pshare_knobs *knobs, struct netlink_ext_ack *extack)
{
	const struct pshare_knob *knob;
	char text[PSHARE_KNOB_TEXT];
	unsigned int i;
	u64 value;

	for (i = 0; i < pshare_nr_knobs; i++) {
		knob = &pshare_knob_table[i];
		value = *value_in(knobs, knob);
		if (value >= knob->min && value <= knob->max)
			continue;
		snprintf(text, sizeof(text), "%llu", value);
		return refuse_text(knob, text, -ERANGE, extack);
	}
	return 0;
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
	if (new->run == PSHARE_RUN_UNMERGE && old->run != PSHARE_RUN_UNMERGE)
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

static void take(struct pshare_knobs *new)
{
	const struct pshare_knob *knob;
	unsigned int i;

	for (i = 0; i < pshare_nr_knobs; i++) {
		knob = &pshare_knob_table[i];
		WRITE_ONCE(*value_in(&pshare_knobs, knob), *value_in(new, knob));
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
		err = check_ranges(&new, extack);
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

void pshare_knob_set(struct pshare_knobs *knobs, const struct pshare_knob *knob, u64 value)
{
	*value_in(knobs, knob) = value;
}

void pshare_knobs_init(void)
{
	unsigned int i;

	for (i = 0; i < pshare_nr_knobs; i++)
		pshare_knob_set(&pshare_knobs, &pshare_knob_table[i], pshare_knob_table[i].def);
}
