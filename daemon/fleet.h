/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_FLEET_H
#define PSHARED_FLEET_H

#include <sys/types.h>
#include <systemd/sd-event.h>

#include <json-c/json.h>

#include "ledger.h"
#include "module.h"
#include "settings.h"

/*
 * The virtual machines of the host that are known, and how each stands with the module. What a
 * rule wants of a VM is done from the event loop, a few VMs at a time, so that many of them do not
 * keep the rest waiting.
 */
struct fleet;

/* settings belong to the caller; the others must stay. Returns 0 or -errno. */
int fleet_new(struct fleet **fleet, sd_event *event, struct module *module,
	      struct ledger *ledger, const struct settings *settings);
void fleet_free(struct fleet *fleet);

/* A process became another program, or a new one was made. */
void fleet_exec(struct fleet *fleet, pid_t pid);
void fleet_fork(struct fleet *fleet, pid_t parent, pid_t child);

/* Looks at every process there is: what is new, and what is gone without a word. */
void fleet_sweep(struct fleet *fleet);

/* New settings: what they want else is done. */
void fleet_set_settings(struct fleet *fleet, const struct settings *settings);

/*
 * With the module all registrations go; when it comes, or is there at the start, what it lists is
 * recognised, and it is told of all else that it is to know.
 */
void fleet_module_went(struct fleet *fleet);
void fleet_module_came(struct fleet *fleet);

/* A VM was deleted: if not by us, it is left alone from now on. */
void fleet_deleted(struct fleet *fleet, uint32_t id);

/* How many VMs stand how, as "vms_STANDING", and what was done, added to an object. */
void fleet_report(const struct fleet *fleet, struct json_object *report);

#endif
