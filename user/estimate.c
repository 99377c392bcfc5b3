// SPDX-License-Identifier: GPL-2.0
/* estimate: what would be saved, without merging anything and without the module. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/pshare.h>
#include <xxhash.h>

#include "cmdline.h"
#include "machine.h"
#include "memory.h"
#include "parse.h"
#include "schema.h"
#include "show.h"
#include "tally.h"
#include "util.h"

#define DEFAULT_MIB	256
#define MOST_MIB	1048576

static const struct field process_rows[] = {
	{ .type = FIELD_LOCAL, .key = "pid" },
	{ .type = FIELD_TEXT, .key = "name" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "pages_scanned", .heading = "SCANNED" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "zero_pages", .heading = "ZERO" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "pages_sharing",
	  .heading = "EQUAL INSIDE" },
	{ .type = FIELD_LOCAL, .unit = UNIT_BYTES, .key = "saved_bytes", .heading = "SAVED ALONE" },
};

static const struct field pair_rows[] = {
	{ .type = FIELD_TEXT, .key = "name" },
	{ .type = FIELD_TEXT, .key = "with" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "pages_common",
	  .heading = "EQUAL IN BOTH" },
	{ .type = FIELD_LOCAL, .unit = UNIT_BYTES, .key = "saved_bytes",
	  .heading = "SAVED TOGETHER" },
};

static const struct field total_rows[] = {
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "pages_scanned" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "pages_shared" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "pages_sharing" },
	{ .type = FIELD_LOCAL, .unit = UNIT_PAGES, .key = "zero_pages" },
	{ .type = FIELD_LOCAL, .unit = UNIT_BYTES, .key = "saved_bytes" },
	{ .type = FIELD_LOCAL, .unit = UNIT_BYTES, .key = "error_bytes" },
	{ .type = FIELD_LOCAL, .key = "sampled_one_of" },
};

static const struct fields process_fields = FIELDS(process_rows);
static const struct fields pair_fields = FIELDS(pair_rows);
static const struct fields total_fields = FIELDS(total_rows);

static const struct show_part parts[] = {
	{ "processes", &process_fields },
	{ "pairs", &pair_fields },
	{ NULL, &total_fields },
	{ .fields = NULL }
};

struct owner {
	pid_t pid;
	char name[64];
	struct memory *memory;
	uint64_t scanned, zero;
};

struct estimate {
	struct ctx *ctx;
	struct owner owners[TALLY_OWNERS];
	unsigned int count, current;
	struct tally *tally;
	struct tally_sum sum;
	uint64_t seen, expected;	/* pages, for showing progress */
	time_t shown;
	bool progress;
};

static void show_progress(struct estimate *estimate)
{
	time_t now = time(NULL);

	if (!estimate->progress || now == estimate->shown)
		return;
	estimate->shown = now;
	fprintf(stderr, "\rpshare: estimate: %3d%%, pid %d\033[K",
		(int)(estimate->seen * 100 / (estimate->expected + 1) % 101),
		estimate->owners[estimate->current].pid);
}

static void end_progress(const struct estimate *estimate)
{
	if (estimate->shown)
		fputs("\r\033[K", stderr);
}

static void take_page(const void *page, void *data)
{
	struct estimate *estimate = data;
	struct owner *owner = &estimate->owners[estimate->current];
	XXH128_hash_t hash;

	if (!(estimate->seen++ % 4096))
		show_progress(estimate);
	if (!page)
		return;
	owner->scanned++;
	if (memory_is_zero(page)) {
		owner->zero++;
		return;
	}
	hash = XXH3_128bits(page, PAGE_BYTES);
	tally_add(estimate->tally, estimate->current, hash.low64, hash.high64);
}

static int fail_process(const struct ctx *ctx, const struct owner *owner, int err)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", owner->pid);
	switch (err) {
	case -ESRCH:
		return fail_about(ctx, pid, "there is no such process, or it has ended");
	case -ENOEXEC:
		return fail_about(ctx, pid, "it has no memory: a kernel thread, or it has ended");
	case -EACCES:
	case -EPERM:
		return fail_about(ctx, pid, "its memory may not be read; run it as root");
	default:
		return fail_about(ctx, pid, "%s", strerror(-err));
	}
}

static int add_pid(struct estimate *estimate, pid_t pid)
{
	struct owner *owner = &estimate->owners[estimate->count];
	int err;

	for (unsigned int i = 0; i < estimate->count; i++)
		if (estimate->owners[i].pid == pid)
			return fail_usage(estimate->ctx, "process %d is given twice", pid);
	if (estimate->count == TALLY_OWNERS)
		return fail_usage(estimate->ctx, "not more than %d processes", TALLY_OWNERS);
	owner->pid = pid;
	err = memory_open(pid, &owner->memory);
	if (err)
		return fail_process(estimate->ctx, owner, err);
	machine_name(pid, owner->name, sizeof(owner->name));
	estimate->expected += memory_pages(owner->memory);
	estimate->count++;
	return DONE;
}

static int add_words(struct estimate *estimate, int argc, char **argv)
{
	int err = DONE;
	pid_t pid;

	for (int i = 0; !err && i < argc; i++) {
		err = process_find(estimate->ctx, argv[i], &pid);
		if (!err)
			err = add_pid(estimate, pid);
	}
	return err;
}

/* All registered VMs of a domain. */
static int add_domain(struct estimate *estimate, const char *text)
{
	struct ctx *ctx = estimate->ctx;
	struct json_object *vms;
	uint64_t domain;
	int err = DONE;

	if (!parse_number(text, 0, UINT32_MAX, &domain))
		return fail_usage(ctx, "domain is a number from 0 to %u, not '%s'", UINT32_MAX,
				  text);
	nl_begin(ctx->nl, PSHARE_CMD_VM_GET);
	if (nl_dump(ctx->nl, &vm_fields, &vms))
		return fail_netlink(ctx, NULL);
	for (size_t i = 0; !err && i < json_object_array_length(vms); i++) {
		struct json_object *vm = json_object_array_get_idx(vms, i);

		if (json_number(vm, "domain") == (long long)domain)
			err = add_pid(estimate, json_number(vm, "pid"));
	}
	json_object_put(vms);
	if (!err && !estimate->count)
		return fail(ctx, "no VM is registered in domain %s", text);
	return err;
}

static int read_all(struct estimate *estimate)
{
	int err = 0;

	estimate->progress = isatty(STDERR_FILENO);
	for (unsigned int i = 0; !err && i < estimate->count; i++) {
		struct owner *owner = &estimate->owners[i];

		estimate->current = i;
		err = memory_each(owner->memory, take_page, estimate);
		memory_close(owner->memory);
		owner->memory = NULL;
		if (err) {
			end_progress(estimate);
			return fail_process(estimate->ctx, owner, err);
		}
	}
	tally_sum(estimate->tally, &estimate->sum);
	end_progress(estimate);
	return DONE;
}

static void add_process_row(const struct estimate *estimate, unsigned int i,
			    struct json_object *rows)
{
	const struct owner *owner = &estimate->owners[i];
	struct json_object *row = json_new();
	uint64_t sharing = estimate->sum.sharing[i];

	json_set_number(row, "pid", owner->pid);
	json_set_text(row, "name", owner->name);
	json_set_number(row, "pages_scanned", owner->scanned);
	json_set_number(row, "zero_pages", owner->zero);
	json_set_number(row, "pages_sharing", sharing);
	json_set_number(row, "saved_bytes", PAGE_BYTES * (sharing + owner->zero));
	json_append(rows, row);
}

static void add_pair_row(const struct estimate *estimate, unsigned int i, unsigned int k,
			 struct json_object *rows)
{
	const struct owner *a = &estimate->owners[i], *b = &estimate->owners[k];
	const struct tally_sum *sum = &estimate->sum;
	struct json_object *row = json_new();

	json_set_number(row, "pid", a->pid);
	json_set_text(row, "name", a->name);
	json_set_number(row, "with_pid", b->pid);
	json_set_text(row, "with", b->name);
	json_set_number(row, "pages_common", sum->common[i][k]);
	json_set_number(row, "saved_bytes",
			PAGE_BYTES * (sum->sharing[i] + sum->sharing[k] + sum->common[i][k] +
				      a->zero + b->zero));
	json_append(rows, row);
}

static void add_totals(const struct estimate *estimate, struct json_object *document)
{
	const struct tally_sum *sum = &estimate->sum;
	uint64_t scanned = 0, zero = 0;

	for (unsigned int i = 0; i < estimate->count; i++) {
		scanned += estimate->owners[i].scanned;
		zero += estimate->owners[i].zero;
	}
	json_set_number(document, "pages_scanned", scanned);
	json_set_number(document, "pages_shared", sum->shared);
	json_set_number(document, "pages_sharing", sum->all_sharing);
	json_set_number(document, "zero_pages", zero);
	json_set_number(document, "saved_bytes", PAGE_BYTES * (sum->all_sharing + zero));
	json_set_number(document, "error_bytes", PAGE_BYTES * sum->error);
	json_set_number(document, "sampled_one_of", 1ll << sum->halvings);
}

static int report(const struct estimate *estimate)
{
	struct json_object *document = json_new(), *processes = json_new_array();
	struct json_object *pairs = json_new_array();

	for (unsigned int i = 0; i < estimate->count; i++) {
		add_process_row(estimate, i, processes);
		for (unsigned int k = i + 1; k < estimate->count; k++)
			add_pair_row(estimate, i, k, pairs);
	}
	json_set(document, "processes", processes);
	json_set(document, "pairs", pairs);
	add_totals(estimate, document);
	return show_parts(estimate->ctx, document, parts);
}

static int run(struct estimate *estimate, int argc, char **argv, const char *domain, size_t bytes)
{
	int err = add_words(estimate, argc, argv);

	if (!err && domain)
		err = add_domain(estimate, domain);
	if (err)
		return err;
	estimate->tally = tally_new(bytes);
	if (!estimate->tally)
		return fail(estimate->ctx, "out of memory; give it less with --memory");
	err = read_all(estimate);
	return err ? err : report(estimate);
}

int estimate(struct ctx *ctx, int argc, char **argv)
{
	const char *domain = NULL, *memory = NULL;
	const struct option options[] = {
		{ "domain", 0, NULL, &domain },
		{ "memory", 0, NULL, &memory },
		{ .name = NULL }
	};
	struct estimate *estimate;
	uint64_t mib = DEFAULT_MIB;
	int err = command_line(ctx, &argc, argv, options, 0, TALLY_OWNERS);

	if (err)
		return err;
	if (!argc && !domain)
		return fail_usage(ctx, "something is missing");
	if (memory && !parse_number(memory, 1, MOST_MIB, &mib))
		return fail_usage(ctx, "memory is a number of MiB from 1 on, not '%s'", memory);
	estimate = calloc(1, sizeof(*estimate));
	if (!estimate)
		return fail(ctx, "out of memory");
	estimate->ctx = ctx;
	err = run(estimate, argc, argv, domain, mib << 20);
	for (unsigned int i = 0; i < estimate->count; i++)
		memory_close(estimate->owners[i].memory);
	tally_free(estimate->tally);
	free(estimate);
	return err;
}
