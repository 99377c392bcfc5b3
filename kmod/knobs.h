/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every setting once: name, range, default, unit. sysfs and netlink read the
 * table; the module reads pshare_knobs. The table and its texts (knob_table.c)
 * build in user space too.
 */
#ifndef PSHARE_KNOBS_H
#define PSHARE_KNOBS_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include "user_types.h"
#endif

struct netlink_ext_ack;

#define PSHARE_MAX_SCAN_THREADS	16

/* Room for a value or a range as text. */
#define PSHARE_KNOB_TEXT	48

enum pshare_run {
	PSHARE_RUN_STOP,
	PSHARE_RUN_MERGE,
	PSHARE_RUN_UNMERGE,
};

enum pshare_scope {
	PSHARE_SCOPE_REGISTERED,
	PSHARE_SCOPE_ALL,
};

/* Values of the knob thp; enum pshare_thp_policy without "default". */
enum pshare_knob_thp {
	PSHARE_KNOB_THP_NEVER,
	PSHARE_KNOB_THP_AUTO,
	PSHARE_KNOB_THP_ALWAYS,
};

/* The settings in force. Written under the knobs' mutex, read with READ_ONCE(). */
struct pshare_knobs {
	u64 run;
	u64 cpu_percent;
	u64 scan_threads;
	u64 scope;
	u64 use_zero_pages;
	u64 merge_across_nodes;
	u64 thp;
	u64 thp_min_duplicates;
	u64 sample_lines;
	u64 max_frames;
};

extern struct pshare_knobs pshare_knobs;

/**
 * struct pshare_knob - one row of the table
 * @name: in sysfs and netlink
 * @offset: of its u64 in struct pshare_knobs
 * @min: lowest value
 * @max: highest value
 * @def: default
 * @words: names of the values from 0, ended by NULL, or NULL for a number
 * @unit: for people
 * @doc: one line for people
 */
struct pshare_knob {
	const char *name;
	size_t offset;
	u64 min;
	u64 max;
	u64 def;
	const char * const *words;
	const char *unit;
	const char *doc;
};

extern const struct pshare_knob pshare_knob_table[];
extern const unsigned int pshare_nr_knobs;

const struct pshare_knob *pshare_knob_find(const char *name);

/* Where a knob's value is in a set of them. */
static inline u64 *pshare_knob_value(struct pshare_knobs *knobs, const struct pshare_knob *knob)
{
	return (u64 *)((char *)knobs + knob->offset);
}

/**
 * pshare_knob_parse() - read a value as text
 * @knob: its row
 * @text: a number or a word; a final newline is allowed
 * @value: gets it; stays as it is on an error
 * @extack: gets a message that names knob, text and range; may be NULL
 * Return: 0, -EINVAL for what is no value, -ERANGE for a number out of range.
 */
int pshare_knob_parse(const struct pshare_knob *knob, const char *text, u64 *value,
		      struct netlink_ext_ack *extack);

/* A value, its default or its range as text, without a newline. Return: length. */
int pshare_knob_print(const struct pshare_knob *knob, u64 value, char *buf, size_t size);
int pshare_knob_print_range(const struct pshare_knob *knob, char *buf, size_t size);

/* Is every value in its range? Return: 0, or -ERANGE and a message as of pshare_knob_parse(). */
int pshare_knobs_check(struct pshare_knobs *knobs, struct netlink_ext_ack *extack);

/* The value in force. */
u64 pshare_knob_get(const struct pshare_knob *knob);

/* For the callback of pshare_knobs_update(): a value in its copy. */
void pshare_knob_set(struct pshare_knobs *copy, const struct pshare_knob *knob, u64 value);

/**
 * pshare_knobs_update() - change settings, all or none
 * @change: called with a copy of the settings in force; returns 0 or an error
 *          that ends the update
 * @data: for @change
 * @force: run=2 unmerges even if the memory for it seems not to be there
 * @extack: gets a message on every error; may be NULL
 *
 * What a new value needs (threads, an unmerge for run=2, a new fingerprint for
 * sample_lines) is done before the call returns; what fails leaves every
 * setting as it was. With run=0 or 2, no page is merged any more when the call
 * returns. Context: process context, may sleep; no lock of the module held.
 * Return: 0, -ERANGE, -EBUSY (merge_across_nodes while pages are shared),
 * -ENOMEM, -EINTR, or what @change says.
 */
int pshare_knobs_update(int (*change)(struct pshare_knobs *copy, void *data), void *data,
			bool force, struct netlink_ext_ack *extack);

void pshare_knobs_init(void);

#endif
