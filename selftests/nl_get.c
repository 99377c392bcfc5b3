// SPDX-License-Identifier: GPL-2.0
/* The netlink family through libnl-genl: what is read back, VMs, counters, knobs and regions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "nl.h"

#define SETTLE_SECONDS	10

/* A list that a dump fills; what does not fit is only counted. */
struct list {
	void *items;
	unsigned int max;
	unsigned int n;
};

static uint32_t get_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static uint64_t get_u64(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static void get_string(struct nlattr *attr, char *out, size_t size)
{
	out[0] = 0;
	if (attr)
		nla_strlcpy(out, attr, size);
}

void nl_parse_counters(struct nlattr *nest, struct counters *counters)
{
	struct nlattr *attrs[PSHARE_A_COUNTERS_MAX + 1];
	int i;

	memset(counters, 0, sizeof(*counters));
	if (nla_parse_nested(attrs, PSHARE_A_COUNTERS_MAX, nest, NULL))
		return;
	for (i = PSHARE_A_COUNTERS_PAD + 1; i <= PSHARE_A_COUNTERS_MAX; i++)
		counters->v[i] = get_u64(attrs[i]);
}

static void parse_never(struct nlattr *nest, uint64_t *never)
{
	struct nlattr *attrs[PSHARE_A_NEVER_MAX + 1];
	int i;

	if (nla_parse_nested(attrs, PSHARE_A_NEVER_MAX, nest, NULL))
		return;
	for (i = PSHARE_A_NEVER_PAD + 1; i <= PSHARE_A_NEVER_MAX; i++)
		never[i] = get_u64(attrs[i]);
}

void nl_parse_vm(struct nlmsghdr *hdr, struct vm_info *info)
{
	struct nlattr *attrs[PSHARE_A_VM_MAX + 1];

	memset(info, 0, sizeof(*info));
	if (genlmsg_parse(hdr, 0, attrs, PSHARE_A_VM_MAX, NULL))
		return;
	info->id = get_u32(attrs[PSHARE_A_VM_ID]);
	info->pid = get_u32(attrs[PSHARE_A_VM_PID]);
	info->start_time = get_u64(attrs[PSHARE_A_VM_START_TIME]);
	get_string(attrs[PSHARE_A_VM_NAME], info->name, sizeof(info->name));
	get_string(attrs[PSHARE_A_VM_COMM], info->comm, sizeof(info->comm));
	info->domain = get_u32(attrs[PSHARE_A_VM_DOMAIN]);
	info->weight = get_u32(attrs[PSHARE_A_VM_WEIGHT]);
	info->thp = get_u32(attrs[PSHARE_A_VM_THP]);
	info->state = get_u32(attrs[PSHARE_A_VM_STATE]);
	info->rss_bytes = get_u64(attrs[PSHARE_A_VM_RSS_BYTES]);
	if (attrs[PSHARE_A_VM_PAUSED])
		info->paused = nla_get_u8(attrs[PSHARE_A_VM_PAUSED]);
	if (attrs[PSHARE_A_VM_AUTOMATIC])
		info->automatic = nla_get_u8(attrs[PSHARE_A_VM_AUTOMATIC]);
	if (attrs[PSHARE_A_VM_COUNTERS])
		nl_parse_counters(attrs[PSHARE_A_VM_COUNTERS], &info->counters);
	if (attrs[PSHARE_A_VM_NEVER])
		parse_never(attrs[PSHARE_A_VM_NEVER], info->never);
}

static void list_vm(struct nlmsghdr *hdr, void *arg)
{
	struct list *list = arg;

	if (list->n < list->max)
		nl_parse_vm(hdr, (struct vm_info *)list->items + list->n);
	list->n++;
}

int vm_list(struct vm_info *infos, unsigned int max, unsigned int *n)
{
	struct list list = { .items = infos, .max = max };
	int err = nl_run(nl_request(PSHARE_CMD_VM_GET, NLM_F_DUMP), list_vm, &list);

	*n = list.n;
	return err;
}

int vm_del_all(void)
{
	static struct vm_info infos[256];
	unsigned int i, n;
	int err;

	do {
		err = vm_list(infos, 256, &n);
		for (i = 0; !err && i < n && i < 256; i++) {
			err = vm_del(infos[i].pid, false);
			/* It may have ended meanwhile. */
			if (err == ENOENT || err == ESRCH)
				err = 0;
		}
	} while (!err && n > 256);
	return err;
}

int64_t vm_counter(pid_t pid, int counter)
{
	struct vm_info info;

	return vm_get(pid, &info) ? -1 : info.counters.v[counter];
}

int64_t vm_counter_settles(pid_t pid, int counter, int64_t value)
{
	double end = deadline(SETTLE_SECONDS);
	int64_t seen;

	while ((seen = vm_counter(pid, counter)) != value && now() < end)
		pause_ms(100);
	return seen;
}

static void take_stats(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attrs[PSHARE_A_STATS_MAX + 1];
	struct host_info *info = arg;

	if (genlmsg_parse(hdr, 0, attrs, PSHARE_A_STATS_MAX, NULL))
		return;
	if (attrs[PSHARE_A_STATS_COUNTERS])
		nl_parse_counters(attrs[PSHARE_A_STATS_COUNTERS], &info->counters);
	info->vms = get_u32(attrs[PSHARE_A_STATS_VMS]);
	get_string(attrs[PSHARE_A_STATS_VERSION], info->version, sizeof(info->version));
}

int stats_get(struct host_info *info, bool refresh)
{
	struct nl_msg *msg = nl_request(PSHARE_CMD_STATS_GET, 0);

	memset(info, 0, sizeof(*info));
	if (msg && refresh)
		nla_put_flag(msg, PSHARE_A_STATS_REFRESH);
	return nl_run(msg, take_stats, info);
}

int64_t stat_now(int counter)
{
	struct host_info info;

	return stats_get(&info, true) ? -1 : info.counters.v[counter];
}

int64_t stat_settles(int counter, int64_t value)
{
	double end = deadline(SETTLE_SECONDS);
	int64_t seen;

	while ((seen = stat_now(counter)) != value && now() < end)
		pause_ms(100);
	return seen;
}

int knobs_set(const char *const *pairs)
{
	struct nl_msg *msg = nl_request(PSHARE_CMD_KNOB_SET, 0);
	struct nlattr *nest;

	for (; msg && pairs[0]; pairs += 2) {
		nest = nla_nest_start(msg, PSHARE_A_KNOBS_KNOB);
		nla_put_string(msg, PSHARE_A_KNOB_NAME, pairs[0]);
		nla_put_string(msg, PSHARE_A_KNOB_VALUE, pairs[1]);
		nla_nest_end(msg, nest);
	}
	return nl_run(msg, NULL, NULL);
}

int knob_set_u64(const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return knob_set(name, text);
}

static void parse_knob(struct nlattr *nest, struct knob_info *info)
{
	struct nlattr *attrs[PSHARE_A_KNOB_MAX + 1];

	if (nla_parse_nested(attrs, PSHARE_A_KNOB_MAX, nest, NULL))
		return;
	get_string(attrs[PSHARE_A_KNOB_NAME], info->name, sizeof(info->name));
	get_string(attrs[PSHARE_A_KNOB_VALUE], info->value, sizeof(info->value));
	get_string(attrs[PSHARE_A_KNOB_DEFAULT], info->def, sizeof(info->def));
	get_string(attrs[PSHARE_A_KNOB_RANGE], info->range, sizeof(info->range));
	get_string(attrs[PSHARE_A_KNOB_UNIT], info->unit, sizeof(info->unit));
	get_string(attrs[PSHARE_A_KNOB_DOC], info->doc, sizeof(info->doc));
}

static void list_knobs(struct nlmsghdr *hdr, void *arg)
{
	struct list *list = arg;
	struct nlattr *attr;
	int left;

	nlmsg_for_each_attr(attr, hdr, GENL_HDRLEN, left) {
		if (nla_type(attr) != PSHARE_A_KNOBS_KNOB)
			continue;
		if (list->n < list->max)
			parse_knob(attr, (struct knob_info *)list->items + list->n);
		list->n++;
	}
}

int knob_list(struct knob_info *infos, unsigned int max, unsigned int *n)
{
	struct list list = { .items = infos, .max = max };
	int err;

	memset(infos, 0, max * sizeof(*infos));
	err = nl_run(nl_request(PSHARE_CMD_KNOB_GET, 0), list_knobs, &list);
	*n = list.n;
	return err;
}

int knob_info(const char *name, struct knob_info *info)
{
	struct nl_msg *msg = nl_request(PSHARE_CMD_KNOB_GET, 0);
	struct list list = { .items = info, .max = 1 };
	struct nlattr *nest;

	memset(info, 0, sizeof(*info));
	if (msg) {
		nest = nla_nest_start(msg, PSHARE_A_KNOBS_KNOB);
		nla_put_string(msg, PSHARE_A_KNOB_NAME, name);
		nla_nest_end(msg, nest);
	}
	return nl_run(msg, list_knobs, &list);
}

int knob_get(const char *name, char *value, size_t size)
{
	struct knob_info info;
	int err = knob_info(name, &info);

	if (!err)
		snprintf(value, size, "%s", info.value);
	return err;
}

int knobs_default(void)
{
	struct knob_info infos[32];
	const char *pairs[2 * 32 + 1];
	unsigned int i, n;
	int err = knob_list(infos, 32, &n);

	if (err)
		return err;
	for (i = 0; i < n && i < 32; i++) {
		pairs[2 * i] = infos[i].name;
		pairs[2 * i + 1] = infos[i].def;
	}
	pairs[2 * i] = NULL;
	return knobs_set(pairs);
}

uint64_t knob_max(const char *name)
{
	struct knob_info info;
	const char *dash;

	if (knob_info(name, &info))
		return 0;
	dash = strchr(info.range, '-');
	return dash ? strtoull(dash + 1, NULL, 10) : 0;
}

static void parse_region(struct nlmsghdr *hdr, struct region_info *info)
{
	struct nlattr *attrs[PSHARE_A_REGION_MAX + 1];
	int i;

	memset(info, 0, sizeof(*info));
	if (genlmsg_parse(hdr, 0, attrs, PSHARE_A_REGION_MAX, NULL))
		return;
	info->addr = get_u64(attrs[PSHARE_A_REGION_ADDR]);
	for (i = PSHARE_A_REGION_STATE; i <= PSHARE_A_REGION_MAX; i++)
		info->v[i] = get_u32(attrs[i]);
}

static void list_region(struct nlmsghdr *hdr, void *arg)
{
	struct list *list = arg;

	if (list->n < list->max)
		parse_region(hdr, (struct region_info *)list->items + list->n);
	list->n++;
}

static int run_region(pid_t pid, uint64_t addr, int flags, struct list *list)
{
	struct nl_msg *msg = nl_request(PSHARE_CMD_REGION_GET, flags);

	if (msg) {
		nla_put_u32(msg, PSHARE_A_REGION_PID, pid);
		nla_put_u64(msg, PSHARE_A_REGION_ADDR, addr);
	}
	return nl_run(msg, list_region, list);
}

int region_get(pid_t pid, const void *addr, struct region_info *info)
{
	struct list list = { .items = info, .max = 1 };

	return run_region(pid, (uintptr_t)addr, 0, &list);
}

int region_list(pid_t pid, uint64_t from, struct region_info *infos, unsigned int max,
		unsigned int *n)
{
	struct list list = { .items = infos, .max = max };
	int err = run_region(pid, from, NLM_F_DUMP, &list);

	*n = list.n;
	return err;
}
