// SPDX-License-Identifier: GPL-2.0
/* The manual of the daemon has every option and setting that there is, and no other. */
#include <string.h>

#include "options.h"
#include "settings.h"
#include "tap.h"

#define OPTIONS		"Documentation/man/pshared.8"
#define SETTINGS	"Documentation/man/pshared.conf.5"

/* What is documented, and not yet found in the program; divided by newlines. */
static char documented[1 << 16];

static void add(const char *section, const char *name)
{
	size_t len = strlen(documented);

	snprintf(documented + len, sizeof(documented) - len, "\n%s %s\n", section, name);
}

/* What is there must be documented; it is taken off the list. */
static void expect(const char *section, const char *name)
{
	char line[256], *at;

	snprintf(line, sizeof(line), "\n%s %s\n", section, name);
	at = strstr(documented, line);
	ok(at, "the manual tells of %s%s%s", section, *section ? " " : "", name);
	if (at)
		memmove(at, at + strlen(line), strlen(at + strlen(line)) + 1);
}

static void expect_no_more(const char *what)
{
	ok(!*documented, "the manual tells of no other %s%s", what, documented);
	documented[0] = '\0';
}

static void each_line(const char *path, void (*take)(const char *line))
{
	FILE *file = fopen(path, "re");
	char line[256];

	if (!file) {
		ok(false, "%s is there", path);
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		take(line);
	}
	fclose(file);
}

/* ".It Fl c , Fl -config Ar file" */
static void take_option(const char *line)
{
	const char *at = strstr(line, "Fl -");
	char name[64];

	if (!strncmp(line, ".It Fl ", 7) && at && sscanf(at, "Fl -%63s", name) == 1)
		add("", name);
}

/* ".Ss \&[SECTION]", ".It Ic KEY" */
static void take_setting(const char *line)
{
	static char section[64];
	char name[64];

	if (sscanf(line, ".Ss \\&[%63[^]]]", name) == 1)
		snprintf(section, sizeof(section), "%s",
			 strncmp(name, "rule ", 5) ? name : "rule ");
	else if (*section && sscanf(line, ".It Ic %63s", name) == 1)
		add(section, name);
}

static void expect_option(const char *name, char letter, const char *argument, void *data)
{
	(void)letter;
	(void)argument;
	(void)data;
	expect("", name);
}

static void expect_setting(const char *section, const char *key, void *data)
{
	(void)data;
	expect(section, key);
}

int main(void)
{
	each_line(OPTIONS, take_option);
	options_each(expect_option, NULL);
	expect_no_more("option");
	each_line(SETTINGS, take_setting);
	settings_each(expect_setting, NULL);
	expect_no_more("setting");
	return tap_end();
}
