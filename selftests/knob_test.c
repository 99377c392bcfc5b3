// SPDX-License-Identifier: GPL-2.0
/* Settings: ranges, all or none of several, and the document of the files. */
#include <dirent.h>
#include <stdlib.h>

#include "fixture.h"

HOST_FIXTURE(knob);

#define SYSFS		"/sys/kernel/mm/pshare/"
#define ABI		"/usr/lib/pshare/sysfs-kernel-mm-pshare"
#define MAX_KNOBS	32
#define MAX_FILES	128

/* One of the two ways in; both return 0 or an errno. */
typedef int (*set_fn)(const char *name, const char *value);

static int by_netlink(const char *name, const char *value)
{
	return knob_set(name, value);
}

static int by_sysfs(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), SYSFS "%s", name);
	return write_file(path, value);
}

static const struct {
	const char *name;
	set_fn set;
} ways[] = { { "netlink", by_netlink }, { "sysfs", by_sysfs } };

/* Both ways must show the same. */
static void expect_value(struct __test_metadata *_metadata, const char *name, const char *value)
{
	char path[128], text[64] = "";

	EXPECT_EQ(0, knob_get(name, text, sizeof(text)));
	EXPECT_STREQ(value, text);
	snprintf(path, sizeof(path), SYSFS "%s", name);
	EXPECT_EQ(0, read_file(path, text, sizeof(text)));
	EXPECT_STREQ(value, text);
}

static void expect_taken(struct __test_metadata *_metadata, set_fn set, const char *name,
			 const char *value)
{
	EXPECT_EQ(0, set(name, value))
		TH_LOG("%s=%s: %s", name, value, last_extack());
	expect_value(_metadata, name, value);
}

/* Refused with that error, the old value stays, and netlink says whose range was missed. */
static void expect_refused(struct __test_metadata *_metadata, set_fn set, const char *name,
			   const char *value, int error)
{
	char before[64] = "";

	EXPECT_EQ(0, knob_get(name, before, sizeof(before)));
	EXPECT_EQ(error, set(name, value))
		TH_LOG("%s=\"%s\"", name, value);
	if (set == by_netlink && *value) {
		EXPECT_NE(NULL, strstr(last_extack(), name))
			TH_LOG("%s=\"%s\": \"%s\"", name, value, last_extack());
	}
	expect_value(_metadata, name, before);
}

static void check_garbage(struct __test_metadata *_metadata, set_fn set, const char *name)
{
	static const char *const garbage[] = { "x", "-1", "+1", "1x", "0x1", "1 1", " 1", "1.5",
					       "alles", "neve" };
	size_t i;

	for (i = 0; i < sizeof(garbage) / sizeof(*garbage); i++)
		expect_refused(_metadata, set, name, garbage[i], EINVAL);
}

static void check_number(struct __test_metadata *_metadata, set_fn set, struct knob_info *knob)
{
	uint64_t min = strtoull(knob->range, NULL, 10);
	uint64_t max = knob_max(knob->name);
	char text[32];

	ASSERT_LT(min, max);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)min);
	expect_taken(_metadata, set, knob->name, text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)max);
	expect_taken(_metadata, set, knob->name, text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)max + 1);
	expect_refused(_metadata, set, knob->name, text, ERANGE);
	if (min)
		expect_refused(_metadata, set, knob->name, "0", ERANGE);
	expect_refused(_metadata, set, knob->name, "18446744073709551615", ERANGE);
	expect_refused(_metadata, set, knob->name, "18446744073709551616", ERANGE);
	expect_taken(_metadata, set, knob->name, knob->def);
}

static void check_words(struct __test_metadata *_metadata, set_fn set, struct knob_info *knob)
{
	char words[128], *word, *rest = words;

	snprintf(words, sizeof(words), "%s", knob->range);
	while ((word = strsep(&rest, " ")))
		expect_taken(_metadata, set, knob->name, word);
	expect_refused(_metadata, set, knob->name, knob->range, EINVAL);
	expect_refused(_metadata, set, knob->name, "ALL", EINVAL);
	expect_refused(_metadata, set, knob->name, "0", EINVAL);
	expect_refused(_metadata, set, knob->name, "18446744073709551616", EINVAL);
	expect_taken(_metadata, set, knob->name, knob->def);
}

/* Nobody is to be merged by what is only a test of numbers. */
static void check_knob(struct __test_metadata *_metadata, set_fn set, struct knob_info *knob)
{
	if (strcmp(knob->name, "run"))
		ASSERT_OK(knob_set("run", "0"));
	if (strchr(knob->range, '-'))
		check_number(_metadata, set, knob);
	else
		check_words(_metadata, set, knob);
	check_garbage(_metadata, set, knob->name);
	ASSERT_OK(knobs_default());
}

HOST_TEST(knob, every_knob_is_taken_inside_its_range_and_refused_outside)
{
	struct knob_info knobs[MAX_KNOBS];
	unsigned int n, i, way;

	ASSERT_OK(knob_list(knobs, MAX_KNOBS, &n));
	ASSERT_LE(10, n);
	ASSERT_GE(MAX_KNOBS, n);
	for (way = 0; way < 2; way++)
		for (i = 0; i < n; i++)
			check_knob(_metadata, ways[way].set, &knobs[i]);
}

HOST_TEST(knob, every_knob_has_a_default_in_its_range_and_says_what_it_is_for)
{
	struct knob_info knobs[MAX_KNOBS];
	unsigned int n, i;

	ASSERT_OK(knobs_default());
	ASSERT_OK(knob_list(knobs, MAX_KNOBS, &n));
	for (i = 0; i < n; i++) {
		EXPECT_STREQ(knobs[i].def, knobs[i].value);
		EXPECT_LT(0, strlen(knobs[i].range));
		EXPECT_LT(0, strlen(knobs[i].doc));
	}
}

/* A value of a knob that is allowed and not the default. */
static void other_value(struct knob_info *knob, char *value, size_t size)
{
	char low[64];

	snprintf(low, sizeof(low), "%.*s", (int)strcspn(knob->range, "- "), knob->range);
	if (strcmp(low, knob->def))
		snprintf(value, size, "%s", low);
	else
		snprintf(value, size, "%s", knob->range + strcspn(knob->range, "- ") + 1);
}

static void expect_defaults(struct __test_metadata *_metadata, struct knob_info *knobs,
			    unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		expect_value(_metadata, knobs[i].name, knobs[i].def);
}

/* All knobs get another value in one request, but one gets a wrong one. */
HOST_TEST(knob, none_of_several_is_taken_when_one_is_wrong)
{
	struct knob_info knobs[MAX_KNOBS];
	const char *pairs[2 * MAX_KNOBS + 1];
	char values[MAX_KNOBS][64];
	unsigned int n, i, wrong;

	ASSERT_OK(knobs_default());
	ASSERT_OK(knob_list(knobs, MAX_KNOBS, &n));
	for (wrong = 0; wrong < n; wrong++) {
		for (i = 0; i < n; i++) {
			other_value(&knobs[i], values[i], sizeof(values[i]));
			pairs[2 * i] = knobs[i].name;
			pairs[2 * i + 1] = i == wrong ? "99999999999999" : values[i];
		}
		pairs[2 * n] = NULL;
		EXPECT_NE(0, knobs_set(pairs));
		EXPECT_NE(NULL, strstr(last_extack(), knobs[wrong].name));
		expect_defaults(_metadata, knobs, n);
	}
}

HOST_TEST(knob, all_of_several_are_taken_at_once)
{
	ASSERT_OK(knob_set("run", "0", "cpu_percent", "37", "thp", "never", "max_frames", "12345",
			   "sample_lines", "9"));
	expect_value(_metadata, "run", "0");
	expect_value(_metadata, "cpu_percent", "37");
	expect_value(_metadata, "thp", "never");
	expect_value(_metadata, "max_frames", "12345");
	expect_value(_metadata, "sample_lines", "9");
}

HOST_TEST(knob, unknown_and_doubled_knobs_are_refused)
{
	struct knob_info info;

	ASSERT_OK(knobs_default());
	EXPECT_EQ(EINVAL, knob_set("speed", "1"));
	EXPECT_NE(NULL, strstr(last_extack(), "speed"));
	EXPECT_EQ(EINVAL, knob_set("cpu_percent", "30", "speed", "1"));
	expect_value(_metadata, "cpu_percent", "20");
	EXPECT_EQ(EINVAL, knob_set("cpu_percent", "30", "thp", "never", "cpu_percent", "30"));
	EXPECT_NE(NULL, strstr(last_extack(), "cpu_percent"));
	expect_value(_metadata, "cpu_percent", "20");
	expect_value(_metadata, "thp", "auto");
	EXPECT_EQ(EINVAL, knob_info("speed", &info));
	EXPECT_NE(NULL, strstr(last_extack(), "speed"));
	EXPECT_EQ(EINVAL, knob_set("", "1"));
	EXPECT_LT(0, strlen(last_extack()));
	EXPECT_EQ(EINVAL, knob_set("cpu_percent", ""));
	EXPECT_LT(0, strlen(last_extack()));
	EXPECT_EQ(EINVAL, knobs_set((const char *const []){ NULL }));
	EXPECT_LT(0, strlen(last_extack()));
}

/* How many threads have the scanners' name. */
static unsigned int count_scanners(void)
{
	DIR *dir = opendir("/proc");
	char path[300], comm[32];
	struct dirent *entry;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (!read_file(path, comm, sizeof(comm)) && !strncmp(comm, "pshare/", 7))
			n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

HOST_TEST(knob, there_are_as_many_scanner_threads_as_asked_for)
{
	static const unsigned int counts[] = { 1, 4, 16, 3, 1 };
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		ASSERT_OK(knob_set_u64("scan_threads", counts[i]));
		EXPECT_EQ(counts[i], count_scanners());
	}
}

HOST_TEST(knob, what_cannot_be_done_undoes_the_rest_of_the_request)
{
	struct child a, b;

	ASSERT_LT(0, host_pair(&self->host, &a, &b, 256, MEM_SMALL));
	EXPECT_EQ(EBUSY, knob_set("scan_threads", "4", "sample_lines", "8", "merge_across_nodes",
				  "0"));
	EXPECT_NE(NULL, strstr(last_extack(), "merge_across_nodes"));
	expect_value(_metadata, "scan_threads", "1");
	expect_value(_metadata, "sample_lines", "4");
	expect_value(_metadata, "merge_across_nodes", "1");
	expect_value(_metadata, "run", "1");
	EXPECT_EQ(1, count_scanners());
	EXPECT_EQ(EBUSY, by_sysfs("merge_across_nodes", "0"));
	ASSERT_OK(knob_set("run", "2"));
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, 256));
	ASSERT_OK(knob_set("merge_across_nodes", "0", "run", "1"));
	EXPECT_EQ(-1, child_verify(&a, 0, 256, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, 256, SEED_PAIR, 0));
}

/* The document is in the image; a paragraph begins with What: and the path. */
static unsigned int read_document(char names[][64], char *text, size_t size)
{
	FILE *file = fopen(ABI, "re");
	char line[256], name[64];
	unsigned int n = 0;

	text[0] = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "What: " SYSFS "%63s", name) == 1 && n < MAX_FILES)
			strcpy(names[n++], name);
		if (strlen(text) + strlen(line) < size)
			strcat(text, line);
	}
	if (file)
		fclose(file);
	return n;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static unsigned int read_directory(char names[][64])
{
	DIR *dir = opendir(SYSFS);
	struct dirent *entry;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && n < MAX_FILES)
			snprintf(names[n++], sizeof(names[0]), "%.63s", entry->d_name);
	if (dir)
		closedir(dir);
	return n;
}

HOST_TEST(knob, the_document_lists_exactly_the_files_there_are)
{
	static char documented[MAX_FILES][64], present[MAX_FILES][64], text[65536];
	unsigned int n = read_document(documented, text, sizeof(text)), i;

	ASSERT_LT(0, n);
	ASSERT_EQ(n, read_directory(present));
	qsort(documented, n, sizeof(documented[0]), by_name);
	qsort(present, n, sizeof(present[0]), by_name);
	for (i = 0; i < n; i++)
		EXPECT_STREQ(documented[i], present[i]);
}

/* The paragraph of a file, its line breaks turned into spaces. */
static void paragraph(const char *text, const char *name, char *out, size_t size)
{
	char head[128];
	const char *end;
	size_t i, n = 0;

	snprintf(head, sizeof(head), SYSFS "%s\n", name);
	text = strstr(text, head);
	end = text ? strstr(text, "What:") : NULL;
	for (i = 0; text && text[i] && text + i != end && n < size - 1; i++)
		if (text[i] > ' ')
			out[n++] = text[i];
		else if (n && out[n - 1] != ' ')
			out[n++] = ' ';
	out[n] = 0;
}

HOST_TEST(knob, the_document_states_ranges_and_defaults_as_they_are)
{
	static char names[MAX_FILES][64], text[65536], part[4096];
	struct knob_info knobs[MAX_KNOBS];
	char range[160];
	unsigned int n, i;

	ASSERT_LT(0, read_document(names, text, sizeof(text)));
	ASSERT_OK(knob_list(knobs, MAX_KNOBS, &n));
	for (i = 0; i < n; i++) {
		paragraph(text, knobs[i].name, part, sizeof(part));
		if (!strchr(knobs[i].range, '-'))
			continue;
		snprintf(range, sizeof(range), "Range %.*s to %s",
			 (int)strcspn(knobs[i].range, "-"), knobs[i].range,
			 strchr(knobs[i].range, '-') + 1);
		EXPECT_NE(NULL, strstr(part, range))
			TH_LOG("%s: no \"%s\" in \"%s\"", knobs[i].name, range, part);
	}
}

HOST_TEST(knob, every_counter_file_shows_a_number)
{
	static char names[MAX_FILES][64];
	unsigned int n = read_directory(names), i;
	struct knob_info info;
	char path[128], text[64], *end;

	for (i = 0; i < n; i++) {
		if (!knob_info(names[i], &info))
			continue;
		snprintf(path, sizeof(path), SYSFS "%.63s", names[i]);
		ASSERT_EQ(0, read_file(path, text, sizeof(text)));
		strtoll(text, &end, 10);
		EXPECT_TRUE(end > text && !*end)
			TH_LOG("%s shows \"%s\"", names[i], text);
		EXPECT_NE(0, write_file(path, "0"));
	}
}

TEST_HARNESS_MAIN
