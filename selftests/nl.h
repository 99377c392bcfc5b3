/* SPDX-License-Identifier: GPL-2.0 */
/* Between the files that speak netlink: nl.c, nl_get.c, events.c. */
#ifndef PSHARE_TEST_NL_H
#define PSHARE_TEST_NL_H

#include "pshare_test.h"

struct nl_sock;
struct nlattr;

struct nl_sock *nl_open(void);
void nl_parse_vm(struct nlmsghdr *hdr, struct vm_info *info);
void nl_parse_counters(struct nlattr *nest, struct counters *counters);

#endif
