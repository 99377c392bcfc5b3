// SPDX-License-Identifier: GPL-2.0
/*
 * Documented and real, both ways: commands, their options, knobs and counters, in the usage of
 * the commands, in pshare(8) and among the schemas. Runs from the top of the sources.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmdline.h"
#include "complete.h"
#include "schema.h"
#include "tap.h"

#undef ARRAY_SIZE	/* the module has its own */
#include "knobs.h"

#define PAGE		"Documentation/man/pshare.8"
#define SCHEMAS		"Documentation/schemas"
#define MOST_OPTIONS	16
#define MOST_ENTRIES	64

/* The options of a command: those it takes, or those that stand somewhere. */
struct options {
	char names[MOST_OPTIONS][48];
	size_t count;
};

/* What the command that runs says when it asks for its options. */
static struct option taken[MOST_OPTIONS];
static size_t nr_taken;

int command_line(struct ctx *ctx, int *argc, char **argv, const struct option *options,
		 int least, int most)
{
	(void)ctx;
	(void)argc;
	(void)argv;
	(void)least;
	(void)most;
	for (nr_taken = 0; options && options->name; options++)
		taken[nr_taken++] = *options;
	return WRONG_USAGE;
}

const struct command *command_find(int argc, char **argv, int *words)
{
	(void)argc;
	(void)argv;
	*words = 0;
	return NULL;
}

static void add(struct options *options, const char *name)
{
	if (options->count < MOST_OPTIONS)
		snprintf(options->names[options->count++], sizeof(options->names[0]), "%s", name);
}

static bool has(const struct options *options, const char *name)
{
	for (size_t i = 0; i < options->count; i++)
		if (!strcmp(options->names[i], name))
			return true;
	return false;
}

/* Whether it is there by its letter or its name. */
static bool has_option(const struct options *options, const struct option *option)
{
	char name[40], letter[3] = { '-', option->letter };

	snprintf(name, sizeof(name), "--%s", option->name);
	return has(options, name) || (option->letter && has(options, letter));
}

static bool is_taken(const char *name)
{
	struct options one = { .count = 0 };

	add(&one, name);
	for (size_t i = 0; i < nr_taken; i++)
		if (has_option(&one, &taken[i]))
			return true;
	printf("# there is no option %s\n", name);
	return false;
}

/* Those that stand there are those that are taken. */
static bool same(const struct options *options)
{
	bool good = true;

	for (size_t i = 0; i < options->count; i++)
		good &= is_taken(options->names[i]);
	for (size_t i = 0; i < nr_taken; i++) {
		if (has_option(options, &taken[i]))
			continue;
		printf("# --%s is not told of\n", taken[i].name);
		good = false;
	}
	return good;
}

static char *read_page(void)
{
	static char text[1 << 17];
	FILE *file = fopen(PAGE, "r");
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	text[len] = '\0';
	return text;
}

/* A command of the manual page: its name and the options of its heading. */
struct entry {
	char name[32];
	struct options options;
};

/* "Cm vm del Ar VM Oo Fl -unmerge Oc": words, and macros among them. */
static void read_heading(char *heading, struct entry *entry)
{
	char *rest = heading, *word;
	bool naming = false, flag = false;

	memset(entry, 0, sizeof(*entry));
	while ((word = strsep(&rest, " "))) {
		char option[40];

		if (!strcmp(word, "Cm") && !*entry->name) {
			naming = true;
		} else if (naming && strlen(word) > 2) {
			snprintf(entry->name + strlen(entry->name),
				 sizeof(entry->name) - strlen(entry->name), "%s%s",
				 *entry->name ? " " : "", word);
		} else if (!strcmp(word, "vm")) {
			strcpy(entry->name, "vm");
		} else {
			naming = false;
		}
		snprintf(option, sizeof(option), "-%s", word);
		if (flag)
			add(&entry->options, option);
		flag = !strcmp(word, "Fl");
	}
}

/* ".It Cm ...", or ".It Xo" and lines up to ".Xc", from the description up to the JSON. */
static size_t read_entries(struct entry *entries)
{
	char *copy = strdup(read_page()), *rest = copy, *line;
	char heading[512];
	size_t count = 0;

	while ((line = strsep(&rest, "\n")) && strcmp(line, ".Sh JSON")) {
		heading[0] = '\0';
		if (!strcmp(line, ".It Xo"))
			while ((line = strsep(&rest, "\n")) && strcmp(line, ".Xc"))
				snprintf(heading + strlen(heading),
					 sizeof(heading) - strlen(heading), "%s ", line + 1);
		else if (!strncmp(line, ".It Cm ", 7))
			snprintf(heading, sizeof(heading), "%s", line + 4);
		if (heading[0] && count < MOST_ENTRIES)
			read_heading(heading, &entries[count++]);
	}
	free(copy);
	return count;
}

static const struct entry *entry_of(const struct entry *entries, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(entries[i].name, name))
			return &entries[i];
	return NULL;
}

/* A letter is for the heading; the name that goes with it is told in the text. */
static bool names_are_told(void)
{
	bool good = true;
	char name[48];

	for (size_t i = 0; i < nr_taken; i++) {
		snprintf(name, sizeof(name), "Fl -%s", taken[i].name);
		if (strstr(read_page(), name))
			continue;
		printf("# the page does not have --%s\n", taken[i].name);
		good = false;
	}
	return good;
}

static void test_command(const struct command *command, const struct entry *entry)
{
	struct usage_word word = { .text = "" };
	struct options usage = { .count = 0 };
	const char *args = command->args;
	struct ctx ctx = { .command = command };

	nr_taken = 0;
	command->run(&ctx, 0, NULL);
	while (usage_next(&args, &word))
		if (word.is_option)
			add(&usage, word.text);
	ok(same(&usage), "%s: its usage has the options that it takes", command->name);
	ok(entry && same(&entry->options), "%s: the manual page has them, too", command->name);
	ok(names_are_told(), "%s: by their names", command->name);
}

static void test_commands(void)
{
	static struct entry entries[MOST_ENTRIES];
	size_t count = read_entries(entries), nr_commands = 0, unknown = 0;

	for (const struct command *command = commands; command->name; command++) {
		test_command(command, entry_of(entries, count, command->name));
		nr_commands++;
	}
	for (size_t i = 0; i < count; i++) {
		bool found = false;

		for (const struct command *command = commands; command->name; command++)
			found |= !strcmp(command->name, entries[i].name);
		if (!found)
			printf("# there is no command %s\n", entries[i].name);
		unknown += !found;
	}
	ok(!unknown && count == nr_commands, "the manual page has all commands and no other");
}

/* The names behind ".It Va" between two headings, each once. */
static size_t read_items(const char *from, const char *to, char names[][64], size_t most)
{
	char *copy = strdup(read_page()), *rest = copy, *line, *word;
	bool inside = false;
	size_t count = 0;

	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, ".S", 2))
			inside = !strcmp(line, from) || (inside && strcmp(line, to));
		if (!inside || strncmp(line, ".It Va ", 7))
			continue;
		for (line += 7; (word = strsep(&line, " ")) && strcmp(word, "Pq"); )
			if (strcmp(word, ",") && count < most)
				snprintf(names[count++], sizeof(names[0]), "%s", word);
	}
	free(copy);
	return count;
}

static bool is_in(char names[][64], size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	printf("# %s is missing\n", name);
	return false;
}

static void test_counters(void)
{
	static char names[128][64];
	size_t count = read_items(".Ss Counters", ".Sh EXIT STATUS", names, 128);
	bool good = true;

	for (size_t i = 0; i < counter_fields.count; i++)
		good &= is_in(names, count, counter_fields.rows[i].key);
	ok(good, "the manual page has every counter");
	good = true;
	for (size_t i = 0; i < count; i++)
		good &= !!fields_find(&stats_fields, names[i]);
	ok(good && count == counter_fields.count + 1, "and no other but saved_bytes");
}

static void test_knobs(void)
{
	static char names[64][64];
	size_t count = read_items(".Ss Knobs", ".Sh JSON", names, 64);
	char range[PSHARE_KNOB_TEXT], def[PSHARE_KNOB_TEXT], heading[256];

	for (unsigned int i = 0; i < pshare_nr_knobs; i++) {
		const struct pshare_knob *knob = &pshare_knob_table[i];

		pshare_knob_print_range(knob, range, sizeof(range));
		pshare_knob_print(knob, knob->def, def, sizeof(def));
		snprintf(heading, sizeof(heading), "\n.It Va %s Pq %s; default %s\n", knob->name,
			 range, def);
		ok(strstr(read_page(), heading), "the manual page has%.*s",
		   (int)strlen(heading) - 2, heading + 6 - 1);
	}
	ok(count == pshare_nr_knobs, "and no other knob");
}

/* Spaces of a command's name are dashes in the name of its schema. */
static void test_schemas(void)
{
	struct dirent *entry;
	DIR *dir = opendir(SCHEMAS);
	size_t files = 0, nr_commands = 0;
	char path[128];

	for (const struct command *command = commands; command->name; command++) {
		snprintf(path, sizeof(path), SCHEMAS "/%s.json", command->name);
		for (char *c = path; (c = strchr(c, ' ')); )
			*c = '-';
		ok(!access(path, F_OK), "%s has a schema", command->name);
		nr_commands++;
	}
	while (dir && (entry = readdir(dir)))
		files += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	ok(files == nr_commands + 2, "and there are no others but common and version");
}

int main(void)
{
	test_commands();
	test_counters();
	test_knobs();
	test_schemas();
	return tap_end();
}
