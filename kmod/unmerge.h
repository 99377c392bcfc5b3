/* SPDX-License-Identifier: GPL-2.0 */
/* Giving VMs their own copies back. */
#ifndef PSHARE_UNMERGE_H
#define PSHARE_UNMERGE_H

#include <linux/types.h>

struct mm_struct;
struct netlink_ext_ack;
struct pshare_vm;

/**
 * pshare_unmerge_page() - let the owner have its own copy of one page
 * @mm: the address space; mmap_lock held for read and still held at return
 * @addr: of a page that maps a frame or the zero page
 *
 * Context: may sleep.
 * Return: 0, also if nothing is mapped there any more, or an error of the fault.
 */
int pshare_unmerge_page(struct mm_struct *mm, unsigned long addr);

/**
 * pshare_unmerge_check() - is there memory for as many copies?
 * @mm: whose; its memory cgroup is charged for them
 * @pages: copies that are needed
 * @extack: gets a message if not; may be NULL
 *
 * Faults of a kernel thread wake the OOM killer, of the host or of a memory
 * cgroup, just like the process's own: so there must be room in both.
 * Return: 0 or -ENOMEM.
 */
int pshare_unmerge_check(struct mm_struct *mm, u64 pages, struct netlink_ext_ack *extack);

/* The same for copies of several VMs; the host's memory alone counts. */
int pshare_unmerge_check_host(u64 pages, struct netlink_ext_ack *extack);

/**
 * pshare_unmerge_pages() - how many copies an unmerge of a VM needs
 * @vm: a VM with a reference
 *
 * Context: may sleep; tries for mmap_lock.
 * Return: pages; too few where mmap_lock was contended.
 */
u64 pshare_unmerge_pages(struct pshare_vm *vm);

/**
 * pshare_unmerge_vm() - give a VM its own copy of every shared page
 * @vm: nobody merges in it: scan_sem held for write
 * @force: go on even when memory becomes short on the way
 * @extack: gets a message on every error
 *
 * Context: may sleep; takes mmap_lock for one page table at a time.
 * Return: 0, also if the process ended; -ENOMEM; -EINTR after a fatal signal;
 * -EBUSY if pages could not be unshared (write-protected by userfaultfd). What
 * was unshared before an error stays so.
 */
int pshare_unmerge_vm(struct pshare_vm *vm, bool force, struct netlink_ext_ack *extack);

/* Let every unmerge that is going on end with -EINTR: the module is being unloaded. */
void pshare_unmerge_abort(void);

#endif
