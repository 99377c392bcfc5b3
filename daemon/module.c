// SPDX-License-Identifier: GPL-2.0
/*
 * Requests to the module, and its events. Both have a connection of their own, so that an event
 * cannot come between a request and its answer. The one for requests finds the module anew when
 * it was loaded again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pshare.h>

#include "log.h"
#include "module.h"
#include "netlink.h"
#include "schema.h"

struct module {
	struct nl *requests;
	struct nl *events;
	sd_event_source *source;
	const struct module_calls *calls;
};

/* Events */

static void take_event(struct module *module, struct json_object *event)
{
	const struct module_calls *calls = module->calls;
	const char *name = json_text(event, "event");

	if (!strcmp(name, "loaded"))
		calls->came(calls->data);
	else if (!strcmp(name, "unloaded"))
		calls->went(calls->data);
	else if (!strcmp(name, "lost"))
		calls->lost(calls->data);
	else if (!strcmp(name, "vm_del"))
		calls->deleted(json_number(event, "id"), calls->data);
}

static int on_events(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct json_object *events = json_new_array();
	struct module *module = data;

	(void)source;
	(void)fd;
	(void)revents;
	if (nl_events(module->events, events))
		log_error("events of the module: %s", strerror(nl_error(module->events)->code));
	for (size_t i = 0; i < json_object_array_length(events); i++)
		take_event(module, json_object_array_get_idx(events, i));
	json_object_put(events);
	return 0;
}

static int watch(struct module *module, sd_event *event)
{
	int err;

	module->requests = nl_new();
	module->events = nl_new();
	if (!module->requests || !module->events)
		return -ENOMEM;
	err = nl_watch(module->events);
	if (err)
		return err;
	return sd_event_add_io(event, &module->source, nl_fd(module->events), EPOLLIN, on_events,
			       module);
}

int module_open(struct module **module, sd_event *event, const struct module_calls *calls)
{
	int err;

	*module = calloc(1, sizeof(**module));
	if (!*module)
		return -ENOMEM;
	(*module)->calls = calls;
	err = watch(*module, event);
	if (err) {
		module_close(*module);
		*module = NULL;
	}
	return err;
}

void module_close(struct module *module)
{
	if (!module)
		return;
	sd_event_source_disable_unref(module->source);
	nl_free(module->events);
	nl_free(module->requests);
	free(module);
}

bool module_is_loaded(const struct module *module)
{
	return nl_is_connected(module->events);
}

/* Requests */

const char *module_reason(const struct module *module)
{
	const struct nl_error *error = nl_error(module->requests);

	if (error->not_loaded)
		return "the module is not loaded; run 'modprobe pshare'";
	if (error->code == EPERM || error->code == EACCES)
		return "not permitted; pshared needs to be root on the host";
	return error->message[0] ? error->message : strerror(error->code);
}

static int ask(struct module *module, const struct fields *fields, struct json_object *reply)
{
	int err = nl_do(module->requests, fields, reply);

	return err && nl_error(module->requests)->not_loaded ? -ENODEV : err;
}

static void put_treatment(struct nl *nl, const struct treatment *treatment)
{
	nl_put_u32(nl, PSHARE_A_VM_DOMAIN, treatment->domain);
	nl_put_u32(nl, PSHARE_A_VM_WEIGHT, treatment->weight);
	nl_put_u32(nl, PSHARE_A_VM_THP, treatment->thp);
}

int module_add(struct module *module, const struct process *process, const char *name,
	       const struct treatment *treatment, uint32_t *id)
{
	struct json_object *vm = json_new();
	int err;

	nl_begin(module->requests, PSHARE_CMD_VM_ADD);
	nl_put_u32(module->requests, PSHARE_A_VM_PID, process->pid);
	nl_put_u64(module->requests, PSHARE_A_VM_START_TIME, process->start_time);
	nl_put_text(module->requests, PSHARE_A_VM_NAME, name);
	put_treatment(module->requests, treatment);
	err = ask(module, &vm_fields, vm);
	*id = json_number(vm, "id");
	json_object_put(vm);
	return err;
}

int module_get(struct module *module, pid_t pid, struct module_vm *vm)
{
	struct json_object *reply = json_new();
	int err;

	nl_begin(module->requests, PSHARE_CMD_VM_GET);
	nl_put_u32(module->requests, PSHARE_A_VM_PID, pid);
	err = ask(module, &vm_fields, reply);
	vm->id = json_number(reply, "id");
	vm->start_time = json_number(reply, "start_time");
	vm->automatic = json_number(reply, "automatic");
	snprintf(vm->name, sizeof(vm->name), "%s", json_text(reply, "name"));
	json_object_put(reply);
	return err;
}

int module_set(struct module *module, pid_t pid, const struct treatment *treatment)
{
	nl_begin(module->requests, PSHARE_CMD_VM_SET);
	nl_put_u32(module->requests, PSHARE_A_VM_PID, pid);
	put_treatment(module->requests, treatment);
	return ask(module, NULL, NULL);
}

int module_del(struct module *module, pid_t pid)
{
	nl_begin(module->requests, PSHARE_CMD_VM_DEL);
	nl_put_u32(module->requests, PSHARE_A_VM_PID, pid);
	return ask(module, NULL, NULL);
}

int module_exclude(struct module *module, pid_t pid, bool exclude)
{
	int err;

	nl_begin(module->requests, exclude ? PSHARE_CMD_EXCLUDE_ADD : PSHARE_CMD_EXCLUDE_DEL);
	nl_put_u32(module->requests, PSHARE_A_EXCLUDE_PID, pid);
	err = ask(module, NULL, NULL);
	return err == (exclude ? -EEXIST : -ENOENT) ? 0 : err;
}

int module_set_knobs(struct module *module, const struct settings *settings)
{
	if (!settings->nr_knobs)
		return 0;
	nl_begin(module->requests, PSHARE_CMD_KNOB_SET);
	for (size_t i = 0; i < settings->nr_knobs; i++) {
		struct nlattr *nest = nl_nest(module->requests, PSHARE_A_KNOBS_KNOB);

		nl_put_text(module->requests, PSHARE_A_KNOB_NAME, settings->knobs[i].name);
		nl_put_text(module->requests, PSHARE_A_KNOB_VALUE, settings->knobs[i].value);
		nl_nest_end(module->requests, nest);
	}
	return ask(module, NULL, NULL);
}

int module_list(struct module *module, struct json_object **vms)
{
	nl_begin(module->requests, PSHARE_CMD_VM_GET);
	return nl_dump(module->requests, &vm_fields, vms);
}

int module_totals(struct module *module, struct json_object *totals)
{
	nl_begin(module->requests, PSHARE_CMD_STATS_GET);
	return ask(module, &stats_fields, totals);
}
