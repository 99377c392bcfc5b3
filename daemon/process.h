/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_PROCESS_H
#define PSHARED_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "hypervisor.h"

/* A process that is a virtual machine. */
struct process {
	pid_t pid;
	uint64_t start_time;	/* clock ticks since boot: with it a pid is one process for ever */
	uid_t user;		/* effective */
	char name[VM_NAME_ROOM];
};

/*
 * Looks a process up in /proc. Returns 0; -ENOENT if it is no virtual machine or has ended;
 * -EAGAIN if it is one, but its command line is not there (yet): *process has all then, its name
 * made of command name and pid; another -errno with what went wrong.
 */
int process_read(pid_t pid, struct process *process);

/* Start time in clock ticks, 0 if there is no such process (any more). */
uint64_t process_start_time(pid_t pid);

/* Calls back for every process there is. Returns 0 or -errno. */
int process_each(void (*found)(pid_t pid, void *data), void *data);

#endif
