// SPDX-License-Identifier: GPL-2.0
/* What /proc says of a process. It may end, or become another program, at any moment. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parse.h"
#include "process.h"

#define STAT_ROOM	1024
#define STATUS_ROOM	4096

/* The name of a VM stands near the beginning; disks and devices fill the rest. */
#define WORDS_ROOM	(256 << 10)

/* Returns the length of what is in the file, NUL behind it, or -errno. */
static ssize_t read_proc(pid_t pid, const char *file, char *text, size_t room)
{
	ssize_t len = 0, more = 1;
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (more > 0 && (size_t)len < room - 1) {
		more = read(fd, text + len, room - 1 - len);
		len += more > 0 ? more : 0;
	}
	err = more < 0 ? -errno : 0;
	close(fd);
	text[len] = '\0';
	return err ? err : len;
}

/* Processes that end meanwhile, and kernel threads, are no virtual machines, and no error. */
static int as_absent(int err)
{
	return err == -ESRCH ? -ENOENT : err;
}

static int read_start_time(pid_t pid, uint64_t *ticks)
{
	char stat[STAT_ROOM];
	ssize_t len = read_proc(pid, "stat", stat, sizeof(stat));

	if (len < 0)
		return as_absent(len);
	return parse_start_time(stat, ticks) ? 0 : -ENOENT;
}

uint64_t process_start_time(pid_t pid)
{
	uint64_t ticks;

	return read_start_time(pid, &ticks) ? 0 : ticks;
}

/* "Uid:\tREAL\tEFFECTIVE\t..." */
static int read_user(pid_t pid, uid_t *user)
{
	char status[STATUS_ROOM];
	ssize_t len = read_proc(pid, "status", status, sizeof(status));
	const char *line;
	unsigned int effective;

	if (len < 0)
		return as_absent(len);
	line = strstr(status, "\nUid:");
	if (!line || sscanf(line, " Uid: %*u %u", &effective) != 1)
		return -ENOENT;
	*user = effective;
	return 0;
}

/* An executable that was replaced by an update runs on, with a word behind its path. */
static int read_hypervisor(pid_t pid, const struct hypervisor **hypervisor)
{
	static const char deleted[] = " (deleted)";
	const size_t tail = sizeof(deleted) - 1;
	char path[64], exe[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, exe, sizeof(exe) - 1);
	if (len < 0)
		return as_absent(-errno);
	exe[len] = '\0';
	if ((size_t)len > tail && !strcmp(exe + len - tail, deleted))
		exe[len - tail] = '\0';
	*hypervisor = hypervisor_find(exe);
	return *hypervisor ? 0 : -ENOENT;
}

/* Command name and pid, as the module itself would name it. */
static int default_name(struct process *process)
{
	char comm[64], name[VM_NAME_ROOM];
	ssize_t len = read_proc(process->pid, "comm", comm, sizeof(comm));

	if (len < 0)
		return as_absent(len);
	len -= len && comm[len - 1] == '\n';
	if (!vm_name_make(name, comm, len))
		vm_name_make(name, "vm", 2);
	vm_name_with_pid(process->name, name, process->pid);
	return 0;
}

static int read_name(struct process *process, const struct hypervisor *hypervisor)
{
	static char words[WORDS_ROOM];
	ssize_t len = read_proc(process->pid, "cmdline", words, sizeof(words));
	int err;

	if (len < 0)
		return as_absent(len);
	if (len && hypervisor_vm_name(hypervisor, words, len, process->name))
		return 0;
	err = default_name(process);
	return err || len ? err : -EAGAIN;
}

int process_read(pid_t pid, struct process *process)
{
	const struct hypervisor *hypervisor;
	int err = read_hypervisor(pid, &hypervisor);

	if (err)
		return err;
	process->pid = pid;
	err = read_start_time(pid, &process->start_time);
	if (!err)
		err = read_user(pid, &process->user);
	return err ? err : read_name(process, hypervisor);
}

int process_each(void (*found)(pid_t pid, void *data), void *data)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	uint64_t pid;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (parse_number(entry->d_name, 1, INT_MAX, &pid))
			found(pid, data);
	closedir(dir);
	return 0;
}
