/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_MODULE_H
#define PSHARED_MODULE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include <json-c/json.h>

#include "process.h"
#include "settings.h"

/* The kernel module, as it comes and goes: requests to it, and what it tells by itself. */
struct module;

struct module_calls {
	void (*came)(void *data);
	void (*went)(void *data);
	void (*lost)(void *data);		/* some of its events did not fit */
	void (*deleted)(uint32_t id, void *data);	/* a VM, by whomever */
	void *data;
};

/* A VM as it is registered. */
struct module_vm {
	uint32_t id;			/* unique while the module is loaded */
	uint64_t start_time;
	bool automatic;			/* nobody asked for it: the knob scope is "all" */
	char name[VM_NAME_ROOM];
};

/* Returns 0 or -errno; the module need not be loaded. *calls must stay. */
int module_open(struct module **module, sd_event *event, const struct module_calls *calls);
void module_close(struct module *module);

bool module_is_loaded(const struct module *module);

/*
 * Requests. Each returns 0 or -errno; -ENODEV if the module is not loaded. module_reason() tells
 * why the last one failed.
 */
int module_add(struct module *module, const struct process *process, const char *name,
	       const struct treatment *treatment, uint32_t *id);
int module_get(struct module *module, pid_t pid, struct module_vm *vm);
int module_set(struct module *module, pid_t pid, const struct treatment *treatment);
int module_del(struct module *module, pid_t pid);
/* Whether the module leaves a process alone when scope is "all". Twice is no error. */
int module_exclude(struct module *module, pid_t pid, bool exclude);
/* All knobs of the file at once, all or none. */
int module_set_knobs(struct module *module, const struct settings *settings);
/* Every VM, in a new array that the caller puts; totals of the host, added to an object. */
int module_list(struct module *module, struct json_object **vms);
int module_totals(struct module *module, struct json_object *totals);

const char *module_reason(const struct module *module);

#endif
