/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_MACHINE_H
#define PSHARE_MACHINE_H

#include <sys/types.h>

#include "pshare.h"

/*
 * The process of the virtual machine that QEMU or libvirt calls so; 0 if there is none, -1 if
 * there are several.
 */
pid_t machine_find(const char *name);

/* What a process is called: as a virtual machine, or else its command name. */
void machine_name(pid_t pid, char *name, size_t size);

/*
 * A process that need not be registered: by pid, by the name it is registered with, or by the
 * name of the machine. Returns DONE or the exit code of what it said.
 */
int process_find(const struct ctx *ctx, const char *text, pid_t *pid);

/*
 * A registered VM into the request, found in the same ways; returns DONE or what fail_usage()
 * does. One that is not there is left to the module to complain of.
 */
int put_vm(const struct ctx *ctx, const char *text, uint16_t pid_attr, uint16_t name_attr);

#endif
