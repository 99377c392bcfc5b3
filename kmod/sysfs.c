// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/mm/pshare: a file for each knob and each counter, made at load
 * from their tables. Removing the group waits for whoever is inside a file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/kobject.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "knobs.h"
#include "ksyms.h"
#include "netlink.h"
#include "stats.h"

/* One file; @index is its row in the table of knobs or of counters. */
struct entry {
	struct kobj_attribute attr;
	unsigned int index;
};

static struct kobject *directory;
static struct entry *entries;
static struct attribute **attributes;
static struct attribute_group group;

struct assignment {
	const struct pshare_knob *knob;
	u64 value;
};

static const struct pshare_knob *knob_of(struct kobj_attribute *attr)
{
	return &pshare_knob_table[container_of(attr, struct entry, attr)->index];
}

static ssize_t show_knob(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	const struct pshare_knob *knob = knob_of(attr);
	char text[PSHARE_KNOB_TEXT];

	pshare_knob_print(knob, pshare_knob_get(knob), text, sizeof(text));
	return sysfs_emit(buf, "%s\n", text);
}

static int assign(struct pshare_knobs *copy, void *data)
{
	struct assignment *assignment = data;

	pshare_knob_set(copy, assignment->knob, assignment->value);
	return 0;
}

static ssize_t store_knob(struct kobject *kobj, struct kobj_attribute *attr, const char *buf,
			  size_t count)
{
	struct assignment assignment = { .knob = knob_of(attr) };
	int err;

	err = capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	if (!err)
		err = pshare_knob_parse(assignment.knob, buf, &assignment.value, NULL);
	if (!err)
		err = pshare_knobs_update(assign, &assignment, false, NULL);
	if (err)
		pr_notice_ratelimited("%s of process %d refused: error %d\n",
				      assignment.knob->name, current->tgid, err);
	return err ?: count;
}

static ssize_t show_counter(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	s64 counters[PSHARE_NR_COUNTERS];

	pshare_stats_read(NULL, false, counters);
	return sysfs_emit(buf, "%lld\n", counters[container_of(attr, struct entry, attr)->index]);
}

static void init_knob(struct entry *entry, unsigned int index)
{
	sysfs_attr_init(&entry->attr.attr);
	entry->index = index;
	entry->attr.attr.name = pshare_knob_table[index].name;
	entry->attr.attr.mode = 0644;
	entry->attr.show = show_knob;
	entry->attr.store = store_knob;
}

static void init_counter(struct entry *entry, unsigned int index)
{
	sysfs_attr_init(&entry->attr.attr);
	entry->index = index;
	entry->attr.attr.name = pshare_counter_names[index];
	entry->attr.attr.mode = 0444;
	entry->attr.show = show_counter;
}

static void init_entries(void)
{
	unsigned int i;

	for (i = 0; i < pshare_nr_knobs; i++)
		init_knob(&entries[i], i);
	for (i = 0; i < PSHARE_NR_COUNTERS; i++)
		init_counter(&entries[pshare_nr_knobs + i], i);
	for (i = 0; i < pshare_nr_knobs + PSHARE_NR_COUNTERS; i++)
		attributes[i] = &entries[i].attr.attr;
	group.attrs = attributes;
}

int pshare_sysfs_init(void)
{
	unsigned int nr_entries = pshare_nr_knobs + PSHARE_NR_COUNTERS;
	int err = -ENOMEM;

	entries = kcalloc(nr_entries, sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return err;
	attributes = kcalloc(nr_entries + 1, sizeof(*attributes), GFP_KERNEL);
	if (!attributes)
		goto err_attributes;
	init_entries();
	directory = kobject_create_and_add("pshare", pshare_mm_kobj());
	if (!directory)
		goto err_directory;
	err = sysfs_create_group(directory, &group);
	if (err)
		goto err_group;
	return 0;

err_group:
	kobject_put(directory);
err_directory:
	kfree(attributes);
err_attributes:
	kfree(entries);
	return err;
}

void pshare_sysfs_exit(void)
{
	sysfs_remove_group(directory, &group);
	kobject_put(directory);
	kfree(attributes);
	kfree(entries);
}
