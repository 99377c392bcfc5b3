// SPDX-License-Identifier: GPL-2.0
/* What people and programs get to see, letter by letter. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema.h"
#include "show.h"
#include "tap.h"

typedef int (*show_fn)(const struct ctx *ctx, struct json_object *document,
		       const struct fields *set, const char *const *keys);

/* Shows the document and compares what came to stdout. */
static void shows(const char *what, show_fn show, const char *document,
		  const struct fields *set, const char *const *keys, bool json,
		  const char *expected)
{
	struct ctx ctx = { .json = json };
	char seen[2048];
	FILE *file = tmpfile();
	int kept = dup(STDOUT_FILENO);
	size_t len;
	int err;

	dup2(fileno(file), STDOUT_FILENO);
	err = show(&ctx, json_tokener_parse(document), set, keys);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	rewind(file);
	len = fread(seen, 1, sizeof(seen) - 1, file);
	seen[len] = '\0';
	fclose(file);
	ok(err == DONE && !strcmp(seen, expected), "%s", what);
	if (strcmp(seen, expected))
		printf("# seen:\n%s# expected:\n%s", seen, expected);
	fflush(stdout);
}

static int show_line(const struct ctx *ctx, struct json_object *document,
		     const struct fields *set, const char *const *keys)
{
	(void)keys;
	return show_event(ctx, document, set);
}

static const char *const columns[] = {
	"pid", "name", "state", "rss_bytes", "pages_sharing", NULL
};

static const char two_vms[] =
	"[{\"pid\":7,\"name\":\"web\",\"state\":\"active\",\"rss_bytes\":1073741824,"
	"\"pages_sharing\":2560,\"merges\":3},"
	"{\"pid\":123456,\"name\":\"a\\u001b[2J\\u00f6\",\"state\":\"paused\",\"rss_bytes\":4096}]";

static void test_tables(void)
{
	shows("a table stands in columns, and names can do no harm",
	      show_rows, two_vms, &vm_fields, columns, false,
	      "   PID  NAME       STATE          RSS   SHARING\n"
	      "     7  web        active  1024.0 MiB  10.0 MiB\n"
	      "123456  a\\x1b[2J\303\266  paused     4.0 KiB         -\n");
	shows("JSON has what the table leaves out",
	      show_rows, two_vms, &vm_fields, columns, true,
	      "[{\"pid\":7,\"name\":\"web\",\"state\":\"active\",\"rss_bytes\":1073741824,"
	      "\"pages_sharing\":2560,\"merges\":3},"
	      "{\"pid\":123456,\"name\":\"a\\u001b[2J\303\266\",\"state\":\"paused\","
	      "\"rss_bytes\":4096}]\n");
	shows("an empty table has its heading",
	      show_rows, "[]", &exclude_fields, NULL, false, "PID  NAME\n");
	shows("and is an empty array", show_rows, "[]", &exclude_fields, NULL, true, "[]\n");
}

static void test_records(void)
{
	static const char *const keys[] = {
		"run", "pages_shared", "general_profit", "scan_cpu_ns", "skipped_ksm",
		"skipped_swap", NULL
	};
	static const char totals[] =
		"{\"run\":1,\"pages_shared\":3,\"general_profit\":-8192,"
		"\"scan_cpu_ns\":2500000000,\"skipped_ksm\":0,\"skipped_swap\":4}";

	shows("a record has units, and no reasons that are 0",
	      show_record, totals, &stats_fields, keys, false,
	      "run             1 (running)\n"
	      "pages_shared    12.0 KiB (3 pages)\n"
	      "general_profit  -8.0 KiB\n"
	      "scan_cpu_ns     2.500 s\n"
	      "skipped_swap    4\n");
	shows("JSON has plain numbers, and all",
	      show_record, totals, &stats_fields, keys, true,
	      "{\"run\":1,\"pages_shared\":3,\"general_profit\":-8192,"
	      "\"scan_cpu_ns\":2500000000,\"skipped_ksm\":0,\"skipped_swap\":4}\n");
}

static void test_events(void)
{
	static const char event[] =
		"{\"event\":\"vm_add\",\"pid\":7,\"name\":\"we b\",\"domain\":0,"
		"\"time_ms\":3600123}";

	setenv("TZ", "UTC0", 1);
	shows("an event is a line",
	      show_line, event, &event_fields, NULL, false,
	      "01:00:00  vm_add  pid 7  name we b  domain 0\n");
	shows("what several sets have is shown once",
	      show_line, "{\"event\":\"pass\",\"full_scans\":2,\"merges\":1,\"time_ms\":0}",
	      &event_fields, NULL, false, "00:00:00  pass  full_scans 2  merges 1\n");
	shows("and an object",
	      show_line, event, &event_fields, NULL, true,
	      "{\"event\":\"vm_add\",\"pid\":7,\"name\":\"we b\",\"domain\":0,"
	      "\"time_ms\":3600123}\n");
}

static void test_full_disk(void)
{
	struct ctx ctx = { .json = true };
	int kept = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY);
	int err;

	dup2(full, STDOUT_FILENO);
	err = show_nothing(&ctx);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	close(full);
	clearerr(stdout);
	ok(err == FAILED, "what can not be written is a failure");
}

const struct command commands[] = { { .name = NULL } };

int main(void)
{
	test_tables();
	test_records();
	test_events();
	test_full_disk();
	return tap_end();
}
