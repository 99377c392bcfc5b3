// SPDX-License-Identifier: GPL-2.0
/* People name a VM by its pid, by the name it is registered with, or as libvirt names it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <linux/pshare.h>

#include "machine.h"
#include "parse.h"
#include "process.h"
#include "schema.h"

#define PID_FILES	"/run/libvirt/qemu/"

/* Whether the process is the machine, as its command line says. */
static bool is_machine(pid_t pid, const char *name)
{
	struct process process;

	return !process_read(pid, &process) && !strcmp(process.name, name);
}

/* libvirt's file may have outlived its guest. */
static pid_t find_in_libvirt(const char *name)
{
	char path[sizeof(PID_FILES) + VM_NAME_ROOM + 8];
	FILE *file;
	int pid = 0;

	if (strchr(name, '/'))
		return 0;
	snprintf(path, sizeof(path), PID_FILES "%.*s.pid", VM_NAME_ROOM, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%d", &pid) != 1 || pid <= 0 || !is_machine(pid, name))
		pid = 0;
	fclose(file);
	return pid;
}

struct search {
	const char *name;
	pid_t found;
};

static void look(pid_t pid, void *data)
{
	struct search *search = data;

	if (is_machine(pid, search->name))
		search->found = search->found ? -1 : pid;
}

pid_t machine_find(const char *name)
{
	struct search search = { .name = name };
	pid_t pid = find_in_libvirt(name);

	if (pid)
		return pid;
	process_each(look, &search);
	return search.found;
}

void machine_name(pid_t pid, char *name, size_t size)
{
	struct process process;
	char path[64];
	FILE *file;

	if (!process_read(pid, &process)) {
		snprintf(name, size, "%s", process.name);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (!file || !fgets(name, size, file))
		snprintf(name, size, "?");
	name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
}

/* The pid of a registered name, 0 if there is none or the module is not to be asked. */
static pid_t registered(const char *name)
{
	struct json_object *vm = json_new();
	struct nl *nl = nl_new();
	pid_t pid = 0;

	if (nl) {
		nl_begin(nl, PSHARE_CMD_VM_GET);
		nl_put_text(nl, PSHARE_A_VM_NAME, name);
		if (!nl_do(nl, &vm_fields, vm))
			pid = json_number(vm, "pid");
	}
	nl_free(nl);
	json_object_put(vm);
	return pid;
}

int process_find(const struct ctx *ctx, const char *text, pid_t *pid)
{
	struct target target;

	if (!parse_target(text, &target) || !*text)
		return fail_usage(ctx, "'%s' is neither a pid nor a name", text);
	*pid = target.pid;
	if (target.pid)
		return DONE;
	*pid = registered(target.name);
	if (!*pid)
		*pid = machine_find(target.name);
	if (*pid < 0)
		return fail_about(ctx, text, "several machines have this name; give a pid");
	if (!*pid)
		return fail_about(ctx, text, "no VM is registered, no machine runs by this name");
	return DONE;
}

int put_vm(const struct ctx *ctx, const char *text, uint16_t pid_attr, uint16_t name_attr)
{
	struct target target;
	pid_t pid;

	if (!parse_target(text, &target) || target.pid || !*text || registered(text))
		return put_target(ctx, text, pid_attr, name_attr);
	pid = machine_find(text);
	if (pid <= 0)
		return put_target(ctx, text, pid_attr, name_attr);
	nl_put_u32(ctx->nl, pid_attr, pid);
	return DONE;
}
