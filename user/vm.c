// SPDX-License-Identifier: GPL-2.0
/* vm add, del, set: what changes the registry. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/pshare.h>

#include "cmdline.h"
#include "machine.h"
#include "parse.h"
#include "process.h"
#include "schema.h"
#include "show.h"
#include "util.h"

/* What can be set of a VM, at its registration and after. */
struct setting {
	const char *key;
	uint16_t attr;
	uint8_t type;
	uint32_t min, max;
	const char *const *words;
};

static const struct setting settings[] = {
	{ "domain", PSHARE_A_VM_DOMAIN, FIELD_U32, 0, UINT32_MAX, NULL },
	{ "weight", PSHARE_A_VM_WEIGHT, FIELD_U32, 1, 1000, NULL },
	{ "thp", PSHARE_A_VM_THP, FIELD_ENUM, 0, 0, thp_words },
	{ "paused", PSHARE_A_VM_PAUSED, FIELD_U8, 0, 1, NULL },
};

#define SETTINGS	ARRAY_SIZE(settings)

static int put_word(const struct ctx *ctx, const struct setting *setting, const char *text)
{
	int word = parse_word(text, setting->words);

	if (word < 0)
		return fail_usage(ctx, "%s is one of default, never, auto, always, not '%s'",
				  setting->key, text);
	nl_put_u32(ctx->nl, setting->attr, word);
	return DONE;
}

static int put_setting(const struct ctx *ctx, const struct setting *setting, const char *text)
{
	uint64_t number;

	if (setting->type == FIELD_ENUM)
		return put_word(ctx, setting, text);
	if (!parse_number(text, setting->min, setting->max, &number))
		return fail_usage(ctx, "%s is a number from %u to %u, not '%s'", setting->key,
				  setting->min, setting->max, text);
	if (setting->type == FIELD_U8)
		nl_put_u8(ctx->nl, setting->attr, number);
	else
		nl_put_u32(ctx->nl, setting->attr, number);
	return DONE;
}

static const struct setting *setting_find(const char *key, size_t len)
{
	for (size_t i = 0; i < SETTINGS; i++)
		if (strlen(settings[i].key) == len && !memcmp(settings[i].key, key, len))
			return &settings[i];
	return NULL;
}

/* Returns the length of what is in the file, or -errno. */
static int read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int len;

	if (fd < 0)
		return -errno;
	len = read(fd, line, size - 1);
	if (len < 0)
		len = -errno;
	else
		line[len] = '\0';
	close(fd);
	return len;
}

/* The kernel compares it with the process it finds, so that a reused pid is noticed. */
static int put_start_time(const struct ctx *ctx, pid_t number)
{
	char path[64], pid[16], stat[1024];
	uint64_t ticks;
	int len;

	snprintf(pid, sizeof(pid), "%d", number);
	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	len = read_line(path, stat, sizeof(stat));
	if (len == -ENOENT || len == -ESRCH)
		return fail_about(ctx, pid, "there is no such process");
	if (len < 0)
		return fail_about(ctx, pid, "%s: %s", path, strerror(-len));
	if (!parse_start_time(stat, &ticks))
		return fail_about(ctx, pid, "there is no start time in %s", path);
	nl_put_u64(ctx->nl, PSHARE_A_VM_START_TIME, ticks);
	return DONE;
}

static int put_name(const struct ctx *ctx, const char *name)
{
	struct target target;

	if (!parse_target(name, &target) || !target.name || !*name)
		return fail_usage(ctx, "a name has 1 to %d bytes, not only digits, unlike '%s'",
				  PSHARE_NAME_LEN, name);
	nl_put_text(ctx->nl, PSHARE_A_VM_NAME, name);
	return DONE;
}

/* A virtual machine is called as it calls itself, unless it is to have another name. */
static int put_identity(const struct ctx *ctx, pid_t pid, const char *name)
{
	struct process process;

	nl_put_u32(ctx->nl, PSHARE_A_VM_PID, pid);
	if (name)
		return put_name(ctx, name);
	if (!process_read(pid, &process))
		nl_put_text(ctx->nl, PSHARE_A_VM_NAME, process.name);
	return DONE;
}

int vm_add(struct ctx *ctx, int argc, char **argv)
{
	static const char *const keys[] = { "id", "pid", "name", NULL };
	const char *values[SETTINGS] = { NULL }, *name = NULL;
	const struct option options[] = {
		{ "name", 0, NULL, &name },
		{ "domain", 0, NULL, &values[0] },
		{ "weight", 0, NULL, &values[1] },
		{ "thp", 0, NULL, &values[2] },
		{ .name = NULL }
	};
	struct json_object *vm;
	pid_t pid;
	int err = command_line(ctx, &argc, argv, options, 1, 1);

	if (!err)
		err = process_find(ctx, argv[0], &pid);
	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_VM_ADD);
	err = put_identity(ctx, pid, name);
	for (size_t i = 0; !err && i < SETTINGS; i++)
		if (values[i])
			err = put_setting(ctx, &settings[i], values[i]);
	if (!err)
		err = put_start_time(ctx, pid);
	if (err)
		return err;
	vm = json_new();
	if (!nl_do(ctx->nl, &vm_fields, vm))
		return show_record(ctx, vm, &vm_fields, keys);
	json_object_put(vm);
	return fail_netlink(ctx, argv[0]);
}

int vm_del(struct ctx *ctx, int argc, char **argv)
{
	bool give_back = false, force = false;
	const struct option options[] = {
		{ "unmerge", 0, &give_back, NULL },
		{ "force", 0, &force, NULL },
		{ .name = NULL }
	};
	int err = command_line(ctx, &argc, argv, options, 1, 1);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_VM_DEL);
	if (give_back)
		nl_put_flag(ctx->nl, PSHARE_A_VM_UNMERGE);
	if (force)
		nl_put_flag(ctx->nl, PSHARE_A_VM_FORCE);
	err = put_vm(ctx, argv[0], PSHARE_A_VM_PID, PSHARE_A_VM_NAME);
	if (err)
		return err;
	return nl_do(ctx->nl, NULL, NULL) ? fail_netlink(ctx, argv[0]) : show_nothing(ctx);
}

static int put_pairs(const struct ctx *ctx, int argc, char **argv)
{
	const struct setting *setting;
	bool seen[SETTINGS] = { false };
	const char *value;
	size_t len;
	int err = DONE;

	for (int i = 0; !err && i < argc; i++) {
		value = parse_pair(argv[i], &len);
		setting = value ? setting_find(argv[i], len) : NULL;
		if (!setting)
			return fail_usage(ctx, "'%s' is not domain=, weight=, thp= or paused=",
					  argv[i]);
		if (seen[setting - settings])
			return fail_usage(ctx, "%s is set twice", setting->key);
		seen[setting - settings] = true;
		err = put_setting(ctx, setting, value);
	}
	return err;
}

int vm_set(struct ctx *ctx, int argc, char **argv)
{
	bool force = false;
	const struct option options[] = { { "force", 0, &force, NULL }, { .name = NULL } };
	int err = command_line(ctx, &argc, argv, options, 2, 1 + SETTINGS);

	if (err)
		return err;
	nl_begin(ctx->nl, PSHARE_CMD_VM_SET);
	err = put_vm(ctx, argv[0], PSHARE_A_VM_PID, PSHARE_A_VM_NAME);
	if (!err)
		err = put_pairs(ctx, argc - 1, argv + 1);
	if (err)
		return err;
	if (force)
		nl_put_flag(ctx->nl, PSHARE_A_VM_FORCE);
	return nl_do(ctx->nl, NULL, NULL) ? fail_netlink(ctx, argv[0]) : show_nothing(ctx);
}
