/* SPDX-License-Identifier: GPL-2.0 */
/* Layout walk: where a VM has memory, and how much can never be merged. */
#ifndef PSHARE_LAYOUT_H
#define PSHARE_LAYOUT_H

struct pshare_vm;

/**
 * pshare_layout_walk() - look for regions that memory came to
 * @vm: the VM; scan_sem held for read
 *
 * Context: scanner thread; takes mmap_lock for bounded stretches.
 * Return: number of new regions, -EBUSY when mmap_lock was contended, or
 * -ESRCH when the address space has ended.
 */
int pshare_layout_walk(struct pshare_vm *vm);

#endif
