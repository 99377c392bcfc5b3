/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_METRICS_H
#define PSHARED_METRICS_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

/* What there is to tell. host and vms are NULL while the module is not loaded. */
struct metrics_source {
	struct json_object *host;	/* counters, as stats-get answers */
	struct json_object *vms;	/* an array, as vm-get answers */
	struct json_object *daemon;	/* what the daemon tells of itself */
};

/* As text for Prometheus; the caller frees it. NULL if memory is short. */
char *metrics_text(const struct metrics_source *source, size_t *len);

/* Every metric there is, for tests and documents. */
void metrics_each(void (*found)(const char *name, const char *type, const char *help, void *data),
		  void *data);

/* Whether a counter of the host or of a VM, by its key, is told by some metric. */
bool metrics_tell_host(const char *key);
bool metrics_tell_vm(const char *key);

#endif
