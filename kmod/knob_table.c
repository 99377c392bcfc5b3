// SPDX-License-Identifier: GPL-2.0
/*
 * Every setting once: the table that sysfs, netlink and documentation follow,
 * and its values as text. Builds in user space too.
 */
#include "knobs.h"

#ifdef __KERNEL__
#include <linux/kernel.h>
#include <linux/netlink.h>
#include <linux/string.h>

#include "compat.h"
#endif

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
	KNOB(thp_min_duplicates, 1, 512, 64, "pages of 4 KiB",
	     "duplicates among the 512 pages of a huge page that make thp=auto split it"),
	KNOB(sample_lines, 1, 64, 4, "cache lines of 64 bytes",
	     "how much of a page its fingerprint reads"),
	KNOB(max_frames, 0, 1ULL << 40, 0, "pages of 4 KiB",
	     "most shared frames at a time, which cannot be swapped out; 0 for no limit"),
};

const unsigned int pshare_nr_knobs = ARRAY_SIZE(pshare_knob_table);

const struct pshare_knob *pshare_knob_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < pshare_nr_knobs; i++)
		if (!strcmp(pshare_knob_table[i].name, name))
			return &pshare_knob_table[i];
	return NULL;
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

/* Messages of netlink have 80 bytes and one line: what the user wrote is cut. */
static int refuse_text(const struct pshare_knob *knob, const char *text, int err,
		       struct netlink_ext_ack *extack)
{
	int len = min_t(size_t, strcspn(text, "\n"), 20);
	char range[PSHARE_KNOB_TEXT];

	pshare_knob_print_range(knob, range, sizeof(range));
	if (knob->words)
		NL_SET_ERR_MSG_FMT(extack, "%s is one of: %s; not \"%.*s\"", knob->name, range,
				   len, text);
	else
		NL_SET_ERR_MSG_FMT(extack, "%s is a number %s, not \"%.*s\"", knob->name, range,
				   len, text);
	return err;
}

static int parse_word(const struct pshare_knob *knob, const char *text, u64 *value)
{
	int word = __sysfs_match_string(knob->words, -1, text);

	if (word < 0)
		return -EINVAL;
	*value = word;
	return 0;
}

static int parse_number(const struct pshare_knob *knob, const char *text, u64 *value)
{
	u64 number;
	int err;

	/* kstrtou64() would take a sign. */
	err = text[0] == '+' ? -EINVAL : kstrtou64(text, 10, &number);
	if (err)
		return err;
	if (number < knob->min || number > knob->max)
		return -ERANGE;
	*value = number;
	return 0;
}

int pshare_knob_parse(const struct pshare_knob *knob, const char *text, u64 *value,
		      struct netlink_ext_ack *extack)
{
	int err = knob->words ? parse_word(knob, text, value) : parse_number(knob, text, value);

	return err ? refuse_text(knob, text, err, extack) : 0;
}

int pshare_knobs_check(struct pshare_knobs *knobs, struct netlink_ext_ack *extack)
{
	const struct pshare_knob *knob;
	char text[PSHARE_KNOB_TEXT];
	unsigned int i;
	u64 value;

	for (i = 0; i < pshare_nr_knobs; i++) {
		knob = &pshare_knob_table[i];
		value = *pshare_knob_value(knobs, knob);
		if (value >= knob->min && value <= knob->max)
			continue;
		snprintf(text, sizeof(text), "%llu", value);
		return refuse_text(knob, text, -ERANGE, extack);
	}
	return 0;
}

void pshare_knob_set(struct pshare_knobs *copy, const struct pshare_knob *knob, u64 value)
{
	*pshare_knob_value(copy, knob) = value;
}
