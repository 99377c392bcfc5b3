/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_HYPERVISOR_H
#define PSHARED_HYPERVISOR_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/pshare.h>

#define VM_NAME_ROOM	(PSHARE_NAME_LEN + 1)

/* A program that runs virtual machines, and how to tell what they are called. */
struct hypervisor;

/* By the path of its executable, wherever it is; NULL for any other program. */
const struct hypervisor *hypervisor_find(const char *exe);

/*
 * What a VM is called by its command line, whose words each end with a NUL byte, made such that
 * the module takes it for a name. False if the command line does not say.
 */
bool hypervisor_vm_name(const struct hypervisor *hypervisor, const char *words, size_t len,
			char name[VM_NAME_ROOM]);

/* A name that the module takes, of any text: false if nothing is left of it. */
bool vm_name_make(char name[VM_NAME_ROOM], const char *text, size_t len);

/* "NAME-PID", the name cut so that it fits: for VMs without a name, or with another's. */
void vm_name_with_pid(char out[VM_NAME_ROOM], const char *name, int pid);

#endif
