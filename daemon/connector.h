/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_CONNECTOR_H
#define PSHARED_CONNECTOR_H

#include <sys/types.h>
#include <systemd/sd-event.h>

/* What the kernel tells of processes as it happens: its process events connector. */
struct connector;

struct connector_calls {
	void (*exec)(pid_t pid, void *data);
	void (*fork)(pid_t parent, pid_t child, void *data);
	void (*lost)(void *data);	/* some events did not fit: look everywhere */
	void *data;
};

/* Returns 0 or -errno; *calls must stay. */
int connector_open(struct connector **connector, sd_event *event,
		   const struct connector_calls *calls);
void connector_close(struct connector *connector);

#endif
