/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_STATS_H
#define PSHARE_STATS_H

#include <stdbool.h>

#include "netlink.h"

/*
 * Adds the counters of the host, the run state and what they come to, to totals; with refresh
 * sharing is counted anew. Returns 0 or -errno.
 */
int stats_read(struct nl *nl, bool refresh, struct json_object *totals);

/* The object of a knob among those that knob-get answered with; NULL if it is not there. */
struct json_object *knob_find(struct json_object *reply, const char *name);

#endif
