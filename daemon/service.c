// SPDX-License-Identifier: GPL-2.0
/*
 * The daemon at work: opens what tells it something, closes it in reverse order, and between both
 * lets the event loop run. Settings are taken as a whole or not at all, also when read again.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "connector.h"
#include "fleet.h"
#include "http.h"
#include "log.h"
#include "metrics.h"
#include "pshare.h"
#include "service.h"

struct service {
	const char *path;
	struct settings *settings;
	sd_event *event;
	struct module *module;
	struct ledger *ledger;
	struct fleet *fleet;
	struct connector *connector;
	struct http *http;
	sd_event_source *sweep;
	struct module_calls module_calls;
	struct connector_calls connector_calls;
	unsigned long long lost, reloads, reload_failures;
};

/* What is told by others */

static void on_exec(pid_t pid, void *data)
{
	struct service *service = data;

	fleet_exec(service->fleet, pid);
}

static void on_fork(pid_t parent, pid_t child, void *data)
{
	struct service *service = data;

	fleet_fork(service->fleet, parent, child);
}

static void on_lost_processes(void *data)
{
	struct service *service = data;

	service->lost++;
	log_warning("processes start faster than they can be looked at: looking at all");
	fleet_sweep(service->fleet);
}

static void set_knobs(struct service *service)
{
	if (module_set_knobs(service->module, service->settings))
		log_error("%s: the module refuses [module]: %s", service->path,
			  module_reason(service->module));
}

static void on_module_came(void *data)
{
	struct service *service = data;

	log_info("the module is loaded");
	set_knobs(service);
	fleet_module_came(service->fleet);
}

static void on_module_went(void *data)
{
	struct service *service = data;

	log_warning("the module was unloaded; waiting until it is loaded again");
	fleet_module_went(service->fleet);
}

/* It may have gone and come meanwhile: everything is told it once more, which does no harm. */
static void on_lost_module_events(void *data)
{
	struct service *service = data;

	service->lost++;
	log_warning("the module tells more than can be read: comparing all");
	fleet_module_went(service->fleet);
	set_knobs(service);
	fleet_module_came(service->fleet);
}

static void on_deleted(uint32_t id, void *data)
{
	struct service *service = data;

	fleet_deleted(service->fleet, id);
}

/* Metrics */

static void read_module(struct service *service, struct metrics_source *source)
{
	if (!module_is_loaded(service->module))
		return;
	source->host = json_new();
	if (module_totals(service->module, source->host) ||
	    module_list(service->module, &source->vms)) {
		log_error("metrics: %s", module_reason(service->module));
		json_object_put(source->host);
		source->host = NULL;
		source->vms = NULL;
	}
}

static char *page(size_t *len, void *data)
{
	struct service *service = data;
	struct metrics_source source = { .daemon = json_new() };
	char *text;

	read_module(service, &source);
	json_set_number(source.daemon, "up", source.host ? 1 : 0);
	json_set_number(source.daemon, "lost", service->lost);
	json_set_number(source.daemon, "reloads", service->reloads);
	json_set_number(source.daemon, "reload_failures", service->reload_failures);
	fleet_report(service->fleet, source.daemon);
	text = metrics_text(&source, len);
	json_object_put(source.host);
	json_object_put(source.vms);
	json_object_put(source.daemon);
	return text;
}

/* Returns 0 and *http, NULL for none, or -errno, which has been told. */
static int open_http(struct service *service, const struct settings *settings, struct http **http)
{
	int err;

	*http = NULL;
	if (!settings->metrics_len)
		return 0;
	err = http_open(http, service->event, (const struct sockaddr *)&settings->metrics,
			settings->metrics_len, page, service);
	if (err)
		log_error("%s: metrics: %s; choose another address or port, or 'metrics = off'",
			  service->path, strerror(-err));
	return err;
}

/* Settings */

static bool same_address(const struct settings *a, const struct settings *b)
{
	return a->metrics_len == b->metrics_len &&
	       !memcmp(&a->metrics, &b->metrics, a->metrics_len);
}

static void restart_sweep(struct service *service)
{
	sd_event_source_set_time_relative(service->sweep,
					  service->settings->sweep_seconds * 1000000ull);
	sd_event_source_set_enabled(service->sweep, SD_EVENT_ONESHOT);
}

/* Nothing is changed before the module has taken its part; nothing can fail behind that. */
static int take_settings(struct service *service, struct settings *settings)
{
	bool same = same_address(settings, service->settings);
	struct http *http = service->http;
	int err = same ? 0 : open_http(service, settings, &http);

	if (err)
		return err;
	err = module_set_knobs(service->module, settings);
	if (err && err != -ENODEV) {
		log_error("%s: the module refuses [module]: %s", service->path,
			  module_reason(service->module));
		if (!same)
			http_close(http);
		return err;
	}
	if (!same)
		http_close(service->http);
	service->http = http;
	fleet_set_settings(service->fleet, settings);
	settings_free(service->settings);
	service->settings = settings;
	restart_sweep(service);
	return 0;
}

static void reload(struct service *service)
{
	char error[SETTINGS_ERROR];
	struct settings *settings = settings_load(service->path, error);

	if (!settings)
		log_error("%s", error);
	if (!settings || take_settings(service, settings)) {
		settings_free(settings);
		service->reload_failures++;
		log_error("the settings stay as they were");
		return;
	}
	service->reloads++;
	log_info("%s is read again", service->path);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	(void)source;
	(void)info;
	sd_notify(false, "RELOADING=1");
	reload(data);
	sd_notify(false, "READY=1");
	return 0;
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *data)
{
	struct service *service = data;

	(void)source;
	(void)usec;
	fleet_sweep(service->fleet);
	restart_sweep(service);
	return 0;
}

/* From start to end */

/* A descriptor for each VM. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* A signal that has no handler ends the event loop. */
static int open_loop(struct service *service)
{
	sigset_t signals;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	err = sd_event_default(&service->event);
	if (err >= 0)
		err = sd_event_add_signal(service->event, NULL, SIGTERM, NULL, NULL);
	if (err >= 0)
		err = sd_event_add_signal(service->event, NULL, SIGINT, NULL, NULL);
	if (err >= 0)
		err = sd_event_add_signal(service->event, NULL, SIGHUP, on_hangup, service);
	if (err >= 0)
		err = sd_event_add_time(service->event, &service->sweep, CLOCK_MONOTONIC,
					UINT64_MAX, 0, on_sweep, service);
	if (err >= 0)
		err = sd_event_set_watchdog(service->event, true);
	return err < 0 ? err : 0;
}

static int complain(const char *what, int err)
{
	log_error("%s: %s%s", what, strerror(-err),
		  err == -EPERM || err == -EACCES ? "; pshared needs to be root on the host" : "");
	return FAILED;
}

/* Those who call are ready before they can be called: the module and the connector. */
static int open_sources(struct service *service)
{
	int err;

	service->module_calls = (struct module_calls){
		on_module_came, on_module_went, on_lost_module_events, on_deleted, service
	};
	service->connector_calls = (struct connector_calls){
		on_exec, on_fork, on_lost_processes, service
	};
	err = module_open(&service->module, service->event, &service->module_calls);
	if (err)
		return complain("generic netlink", err);
	if (mkdir(LEDGER_DIR, 0755) && errno != EEXIST)
		return complain(LEDGER_DIR, -errno);
	err = ledger_open(&service->ledger, LEDGER_FILE);
	if (err)
		return complain(LEDGER_FILE, err);
	err = fleet_new(&service->fleet, service->event, service->module, service->ledger,
			service->settings);
	if (err)
		return complain("fleet", err);
	err = connector_open(&service->connector, service->event, &service->connector_calls);
	return err ? complain("process events connector", err) : DONE;
}

/* With the module loaded, its part of the settings must be right, or nothing is begun. */
static int begin(struct service *service)
{
	if (open_http(service, service->settings, &service->http))
		return FAILED;
	if (!module_is_loaded(service->module)) {
		log_warning("the module is not loaded; waiting until it is");
	} else if (module_set_knobs(service->module, service->settings)) {
		log_error("%s: the module refuses [module]: %s", service->path,
			  module_reason(service->module));
		return FAILED;
	}
	fleet_sweep(service->fleet);
	if (module_is_loaded(service->module))
		fleet_module_came(service->fleet);
	restart_sweep(service);
	return DONE;
}

static int run(struct service *service)
{
	int err = open_loop(service);

	if (err)
		return complain("event loop", err);
	err = open_sources(service);
	if (!err)
		err = begin(service);
	if (err)
		return err;
	sd_notify(false, "READY=1");
	err = sd_event_loop(service->event);
	sd_notify(false, "STOPPING=1");
	return err < 0 ? complain("event loop", err) : DONE;
}

/* The VMs stay registered. */
static void stop(struct service *service)
{
	http_close(service->http);
	connector_close(service->connector);
	fleet_free(service->fleet);
	ledger_close(service->ledger);
	module_close(service->module);
	sd_event_source_disable_unref(service->sweep);
	sd_event_unref(service->event);
	settings_free(service->settings);
}

int service_run(const char *path)
{
	struct service service = { .path = path };
	char error[SETTINGS_ERROR];
	int status;

	raise_limit();
	service.settings = settings_load(path, error);
	if (!service.settings) {
		log_error("%s", error);
		return WRONG_USAGE;
	}
	status = run(&service);
	stop(&service);
	return status;
}
