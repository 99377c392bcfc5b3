// SPDX-License-Identifier: GPL-2.0
/*
 * Metrics as text. The full page, with every counter there is, is also shown for promtool; what
 * the documents and the dashboard say of metrics is compared with the table.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"
#include "metrics.h"
#include "schema.h"
#include "tap.h"

#define DASHBOARD	"daemon/dashboard.json"
#define MANUAL		"Documentation/man/pshared.8"

static char *read_whole(const char *path)
{
	static char text[1 << 20];
	FILE *file = fopen(path, "re");
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	text[len] = '\0';
	return text;
}

/* Every counter and all else that is a number, each with its place in the table as its value. */
static void fill(struct json_object *object, const struct fields *fields)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->rows[i];

		if (field->type == FIELD_FLAT)
			fill(object, field->nest);
		else if (field->type != FIELD_TEXT && field->type != FIELD_ENUM &&
			 field->type != FIELD_LOCAL)
			json_set_number(object, field->key, i + 1);
	}
}

static struct metrics_source source(void)
{
	struct metrics_source all = { json_new(), json_new_array(), json_new() };
	struct json_object *vm = json_new();

	fill(all.host, &stats_fields);
	fill(vm, &vm_fields);
	json_set_text(vm, "name", "we\"b\\1\n");
	json_set_number(vm, "domain", 7);
	json_append(all.vms, vm);
	json_set_number(all.daemon, "up", 1);
	json_set_number(all.daemon, "vms_registered", 3);
	json_set_number(all.daemon, "vms_left", 4);
	return all;
}

static void let_go(struct metrics_source *all)
{
	json_object_put(all->host);
	json_object_put(all->vms);
	json_object_put(all->daemon);
}

static void show(const char *text)
{
	while (*text) {
		int len = strcspn(text, "\n");

		printf("#metrics %.*s\n", len, text);
		text += len + (text[len] == '\n');
	}
}

static void test_text(void)
{
	struct metrics_source all = source();
	size_t len;
	char *text;

	json_set_number(all.host, "pages_shared", 10);
	json_set_number(all.host, "scan_cpu_ns", 1500000002);
	json_set_number(all.host, "general_profit", -5);
	text = metrics_text(&all, &len);
	ok(text && len == strlen(text), "there is a text");
	ok(strstr(text, "\npshare_frame_bytes 40960\n"), "pages are bytes");
	ok(strstr(text, "\npshare_scan_cpu_seconds_total 1.500000002\n"),
	   "nanoseconds are seconds");
	ok(strstr(text, "\npshare_profit_bytes -5\n"), "what is negative stays so");
	ok(strstr(text, "\npshared_vms{standing=\"registered\"} 3\n") &&
	   strstr(text, "\npshared_vms{standing=\"left\"} 4\n"), "a label for each standing");
	ok(strstr(text, "\npshare_vm_paused{vm=\"we\\\"b\\\\1\\n\",domain=\"7\"} "),
	   "names are escaped");
	ok(strstr(text, "\npshare_skipped_total{reason=\"pinned\"} "), "skips are counted");
	ok(!strstr(text, "pshare_skipped_total{reason=\"hugetlb\"}") &&
	   strstr(text, "\npshare_unmergeable_bytes{reason=\"hugetlb\"} "),
	   "but mappings are a state");
	ok(strstr(text, "\npshare_vm_unmergeable_bytes{vm=\"we\\\"b\\\\1\\n\",domain=\"7\","
		  "reason=\"device\"} "), "of a VM too");
	show(text);
	free(text);
	let_go(&all);
}

static void test_unloaded(void)
{
	struct metrics_source all = { .daemon = json_new() };
	size_t len;
	char *text;

	json_set_number(all.daemon, "up", 0);
	text = metrics_text(&all, &len);
	ok(strstr(text, "\npshare_up 0\n") && !strstr(text, "\npshare_vms "),
	   "without the module there is what the daemon knows");
	free(text);
	let_go(&all);
}

static void test_counters(void)
{
	/* Of a VM always 0, or told by another name. */
	static const char elsewhere[] = "full_scans scan_cpu_ns metadata_bytes general_profit "
					"skipped_shared_memory skipped_hugetlb skipped_mlocked";

	for (size_t i = 0; i < counter_fields.count; i++) {
		const char *key = counter_fields.rows[i].key;

		ok(metrics_tell_host(key), "a metric of the host tells %s", key);
		ok(metrics_tell_vm(key) || strstr(elsewhere, key), "one of a VM tells %s", key);
	}
}

static void check_row(const char *name, const char *type, const char *help, void *manual)
{
	char line[128];

	(void)type;
	(void)help;
	snprintf(line, sizeof(line), "\n.It Va %s\n", name);
	ok(strstr(manual, line), "the manual tells of %s", name);
}

static const char *wanted;
static bool seen;

static void compare(const char *name, const char *type, const char *help, void *data)
{
	(void)type;
	(void)help;
	(void)data;
	seen |= !strcmp(name, wanted);
}

static bool is_metric(const char *name)
{
	wanted = name;
	seen = false;
	metrics_each(compare, NULL);
	return seen;
}

/* Every word of the text that looks like a metric. */
static int check_words(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);
	int words = 0;
	char name[128];

	for (const char *at = strstr(text, prefix); at; at = strstr(at + len, prefix)) {
		size_t end = len;

		while (isalnum((unsigned char)at[end]) || at[end] == '_')
			end++;
		snprintf(name, sizeof(name), "%.*s", (int)end, at);
		words++;
		if (!is_metric(name))
			ok(false, "there is no metric %s", name);
	}
	return words;
}

static void test_documents(void)
{
	char *text = read_whole(MANUAL);

	metrics_each(check_row, text);
	ok(check_words(text, "pshare_") > 0 && check_words(text, "pshared_") > 0,
	   "the manual tells of no others");
	text = read_whole(DASHBOARD);
	ok(check_words(text, "pshare_") > 0 && check_words(text, "pshared_") > 0,
	   "the dashboard shows no others");
}

static bool is_text(struct json_object *object, const char *key)
{
	return *json_text(object, key);
}

static void test_dashboard(void)
{
	struct json_object *dashboard = json_object_from_file(DASHBOARD);
	struct json_object *panels = json_object_object_get(dashboard, "panels");
	size_t count = panels ? json_object_array_length(panels) : 0;

	ok(dashboard && is_text(dashboard, "title") && is_text(dashboard, "uid") && count,
	   "the dashboard is JSON with a title and panels");
	for (size_t i = 0; i < count; i++) {
		struct json_object *panel = json_object_array_get_idx(panels, i);
		struct json_object *targets = json_object_object_get(panel, "targets");
		struct json_object *target = targets ? json_object_array_get_idx(targets, 0) : NULL;

		ok(is_text(panel, "title") && is_text(panel, "type") &&
		   json_object_object_get(panel, "gridPos") &&
		   (!strcmp(json_text(panel, "type"), "row") || is_text(target, "expr")),
		   "panel %s is whole", json_text(panel, "title"));
	}
	json_object_put(dashboard);
}

int main(void)
{
	test_text();
	test_unloaded();
	test_counters();
	test_documents();
	test_dashboard();
	return tap_end();
}
