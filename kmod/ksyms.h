/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Private kernel symbols: found at load, called by static calls, so that they
 * cost a direct call and no indirect branch. Which there are, and how each is
 * called, differs between kernels: that is in compat.h.
 */
#ifndef PSHARE_KSYMS_H
#define PSHARE_KSYMS_H

#include "compat.h"

struct kobject;

/**
 * pshare_ksyms_init() - find every private symbol
 *
 * Logs the name of each one that is missing. Context: process context, at load.
 * Return: 0, -ENOENT if one is missing, or what kprobes say.
 */
int pshare_ksyms_init(void);

/* The kobject of /sys/kernel/mm. */
struct kobject *pshare_mm_kobj(void);

#endif
