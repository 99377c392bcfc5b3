// SPDX-License-Identifier: GPL-2.0
/* top: rates, order, and a screen that fits whatever its size is; keys as a terminal sends them. */
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "term.h"
#include "top.h"
#include "util.h"

#define MIB	(1ll << 20)

static struct json_object *make_vm(int id, const char *name, long long rss_mib, long long shared,
				   long long breaks, long long scanned)
{
	struct json_object *vm = json_new();

	json_set_number(vm, "id", id);
	json_set_number(vm, "pid", 1000 + id);
	json_set_text(vm, "name", name);
	json_set_text(vm, "state", "active");
	json_set_number(vm, "rss_bytes", rss_mib * MIB);
	json_set_number(vm, "pages_shared", shared);
	json_set_number(vm, "pages_sharing", shared / 2);
	json_set_number(vm, "zero_pages", 0);
	json_set_number(vm, "cow_breaks", breaks);
	json_set_number(vm, "pages_scanned", scanned);
	return vm;
}

static struct sample make_sample(double seconds, long long cpu_ns)
{
	struct sample sample = { json_new(), json_new_array(), seconds };

	json_set_number(sample.totals, "run", 1);
	json_set_number(sample.totals, "vms", 2);
	json_set_number(sample.totals, "scan_cpu_ns", cpu_ns);
	json_set_number(sample.totals, "saved_bytes", 216 * MIB);
	return sample;
}

static void put_sample(struct sample *sample)
{
	json_object_put(sample->totals);
	json_object_put(sample->vms);
}

/* Two VMs over two seconds, in which the scanners took a tenth of a CPU. */
static void make_samples(struct sample *before, struct sample *now)
{
	*before = make_sample(10, 1000000000);
	json_append(before->vms, make_vm(1, "web", 512, 1000, 5, 1000));
	json_append(before->vms, make_vm(2, "db", 1024, 0, 0, 1000));
	*now = make_sample(12, 1200000000);
	json_append(now->vms, make_vm(1, "web", 512, 65536, 105, 4000));
	json_append(now->vms, make_vm(2, "db", 1024, 0, 0, 2000));
	json_append(now->vms, make_vm(3, "new", 16384, 10, 77, 9000));
}

static struct json_object *row(struct json_object *rows, size_t i)
{
	return json_object_array_get_idx(rows, i);
}

static void test_rates(void)
{
	struct sample before, now, none = { .vms = NULL };
	struct json_object *rows, *first;

	make_samples(&before, &now);
	rows = top_rows(&before, &now);
	first = top_rows(&none, &now);
	ok(top_cpu_permille(&before, &now) == 100, "CPU time is per second");
	ok(top_cpu_permille(&none, &now) == -1, "and unknown at first");
	ok(json_number(row(rows, 0), "broken_per_second") == 50, "breaks are per second");
	ok(json_number(row(rows, 0), "scan_cpu_permille") == 75 &&
	   json_number(row(rows, 1), "scan_cpu_permille") == 25,
	   "CPU time is divided by the pages looked at");
	ok(!json_object_object_get(row(rows, 2), "broken_per_second"), "a new VM has no rates yet");
	ok(!json_object_object_get(row(first, 0), "broken_per_second"), "nor has any at first");
	ok(json_number(row(rows, 0), "saved_bytes") == 32768 * 4096, "saved is in bytes");
	json_object_put(rows);
	json_object_put(first);
	/* The counters of another VM, or of a module that was loaded again. */
	rows = top_rows(&now, &before);
	ok(json_object_array_length(rows) == 2, "time that goes backwards does no harm");
	json_object_put(rows);
	put_sample(&before);
	put_sample(&now);
}

static bool in_order(struct json_object *rows, const char *key, bool reverse, const char *names)
{
	char text[64] = "";

	top_sort(rows, top_column_by_key(key), reverse);
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		strcat(text, json_text(row(rows, i), "name"));
		strcat(text, " ");
	}
	return !strcmp(text, names);
}

static void test_order(void)
{
	struct sample before, now;
	struct json_object *rows;

	make_samples(&before, &now);
	rows = top_rows(&before, &now);
	ok(in_order(rows, "name", false, "db new web "), "names go up");
	ok(in_order(rows, "name", true, "web new db "), "or down");
	ok(in_order(rows, "rss_bytes", false, "new db web "), "numbers go down");
	ok(in_order(rows, "rss_bytes", true, "web db new "), "or up");
	ok(in_order(rows, "saved_bytes", false, "web new db "), "by what is saved");
	ok(in_order(rows, "state", false, "db new web "), "equals stand by name");
	ok(!top_column_by_key("nonsense") && !top_column_by_letter('q') &&
	   top_column_by_letter('s') == top_column_by_key("saved_bytes"), "columns are found");
	json_object_put(rows);
	put_sample(&before);
	put_sample(&now);
}

static char *draw(const struct sample *before, const struct sample *now, struct top_view *view)
{
	struct json_object *rows = top_rows(before, now);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	top_draw(out, now, rows, top_cpu_permille(before, now), view);
	fclose(out);
	json_object_put(rows);
	return text;
}

/* Not more lines, and none wider, than the screen has. */
static bool fits(const char *text, const struct top_view *view)
{
	char *copy = strdup(text), *rest = copy, *line;
	int lines = 0;
	bool good = true;

	while ((line = strsep(&rest, "\n"))) {
		good &= text_width(line) <= view->columns;
		lines += *line || rest;
	}
	free(copy);
	return good && lines <= view->lines;
}

static const char awful_name[] =
	"a name that is longer than any screen \xc3\xbc\xc3\xbc\033[2J and more of it and more";

static void test_sizes(void)
{
	struct sample before, now;
	int columns, lines, wrong = 0;

	make_samples(&before, &now);
	json_append(now.vms, make_vm(9, awful_name, 99999999, 1ll << 40, 1, 1));
	for (columns = 1; columns < 200; columns += 1 + columns / 20)
		for (lines = 1; lines < 60; lines++) {
			struct top_view view = {
				top_column_by_key("name"), false, 0, columns, lines
			};
			char *text = draw(&before, &now, &view);

			wrong += !fits(text, &view) || strchr(text, '\033');
			free(text);
		}
	ok(!wrong, "it fits any screen, and names do not steer it");
	put_sample(&before);
	put_sample(&now);
}

static void test_picture(void)
{
	static const char *const expected[] = {
		"pshare running  VMs 2  saved 216.0 MiB  scanners 10.0% CPU\n",
		"NAME               PID RESIDENT  SHARED  SAVED* BROKEN/S    CPU STATE  #saved=sh\n",
		"web               1001   512.0M  256.0M  128.0M       50   7.5% active ##===....\n",
		"db                1002  1024.0M       0       0        0   2.5% active .........\n",
		"new               1003    16.0G   40.0K   20.0K        -      - active .........\n",
		"\nsort: n p r h s b c t  R reverse  arrows scroll  space now  q quit",
	};
	struct sample before, now;
	struct top_view view = { top_column_by_key("saved_bytes"), false, 0, 80, 24 };
	char *text;

	make_samples(&before, &now);
	text = draw(&before, &now, &view);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		ok(strstr(text, expected[i]), "80 columns show %.30s", expected[i]);
	ok(strstr(text, "web") < strstr(text, "new") && strstr(text, "new") < strstr(text, "db"),
	   "in the order that was asked for");
	if (tap_failed)
		printf("# %s\n", text);
	free(text);
	view.lines = 5;
	view.first = 99;
	text = draw(&before, &now, &view);
	ok(view.first == 1 && !strstr(text, "web") && strstr(text, "db"),
	   "nobody scrolls behind the end");
	free(text);
	view.first = -5;
	text = draw(&before, &now, &view);
	ok(view.first == 0 && strstr(text, "web"), "nor before the beginning");
	free(text);
	put_sample(&before);
	put_sample(&now);
}

static bool decodes(const char *bytes, size_t len, const int *expected, int count)
{
	int keys[16];
	int n = term_decode(bytes, len, keys, ARRAY_SIZE(keys));

	return n == count && (!n || !memcmp(keys, expected, n * sizeof(*keys)));
}

#define DECODES(bytes, ...) decodes(bytes, sizeof(bytes) - 1, (const int[]){ __VA_ARGS__ }, \
				    ARRAY_SIZE(((const int[]){ __VA_ARGS__ })))

static void test_keys(void)
{
	ok(DECODES("sq", 's', 'q'), "letters are themselves");
	ok(DECODES("\033[A\033OBx", KEY_UP, KEY_DOWN, 'x'), "arrows in both modes");
	ok(DECODES("\033[5~\033[6~\033[1~", KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME), "page keys");
	ok(DECODES("\033[15~q", 'q') && DECODES("\033[1;5Cq", 'q'), "others are passed over whole");
	ok(decodes("\033", 1, NULL, 0) && decodes("\033[", 2, NULL, 0) &&
	   decodes("\033[1;", 4, NULL, 0), "what is not whole is nothing");
	ok(DECODES("\xc3\xbc", 0xc3, 0xbc), "bytes beyond ASCII do no harm");
}

int main(void)
{
	test_rates();
	test_order();
	test_sizes();
	test_picture();
	test_keys();
	return tap_end();
}
