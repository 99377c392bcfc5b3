// SPDX-License-Identifier: GPL-2.0
/* The settings file. Its text is taken apart by libinih; what may stand where is a table here. */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ini.h>

#include "knobs.h"
#include "setting_values.h"
#include "settings.h"
#include "util.h"

#define LONGEST_FILE	(1 << 20)

enum section {
	SECTION_NONE,
	SECTION_DAEMON = 1,
	SECTION_MODULE = 2,
	SECTION_OTHERS = 4,
	SECTION_RULE = 8,
};

static const struct {
	const char *name;	/* "rule " has a label behind it, and may be there several times */
	enum section section;
} sections[] = {
	{ "pshared", SECTION_DAEMON },
	{ "module", SECTION_MODULE },
	{ "others", SECTION_OTHERS },
	{ "rule ", SECTION_RULE },
};

/* Every key but those of [module], which are the module's knobs. */
static const struct key {
	unsigned int sections;
	const char *name;
	bool (*take)(struct settings *settings, struct rule *rule, const char *value);
	const char *accepts;
} keys[] = {
	{ SECTION_DAEMON, "sweep_seconds", take_sweep_seconds, "a number from 1 to 86400" },
	{ SECTION_DAEMON, "metrics", take_metrics,
	  "off, or a loopback address and port such as 127.0.0.1:9752 or [::1]:9752" },
	{ SECTION_RULE, "name", take_pattern, "a pattern of names" },
	{ SECTION_RULE, "user", take_user, "a user's name or number" },
	{ SECTION_RULE | SECTION_OTHERS, "register", take_register, "yes or no" },
	{ SECTION_RULE | SECTION_OTHERS, "domain", take_domain, "a number from 0 to 4294967295" },
	{ SECTION_RULE | SECTION_OTHERS, "weight", take_weight, "a number from 1 to 1000" },
	{ SECTION_RULE | SECTION_OTHERS, "thp", take_thp, "default, never, auto or always" },
};

/* A file on its way in. */
struct reading {
	struct settings *settings;
	const char *path;
	const char *rest;		/* text that is still to be read */
	const char *end;
	int line;
	char *error;
	int error_line;
	enum section section;
	int section_line;
	unsigned int sections_seen;
	unsigned int keys_seen;		/* in this section */
	struct rule *rule;
};

/* Returns false, for those who say so. Only the first complaint counts. */
static bool __printf(3, 4) refuse(struct reading *reading, int line, const char *format, ...)
{
	va_list args;
	int len;

	if (reading->error_line)
		return false;
	reading->error_line = line;
	len = snprintf(reading->error, SETTINGS_ERROR, "%s:%d: ", reading->path, line);
	if (len < 0 || len >= SETTINGS_ERROR)
		return false;
	va_start(args, format);
	vsnprintf(reading->error + len, SETTINGS_ERROR - len, format, args);
	va_end(args);
	return false;
}

/* One more element of an array; NULL if memory is short, and that is said. */
static void *grow(struct reading *reading, void *array, size_t *count, size_t size)
{
	char *larger = reallocarray(array, *count + 1, size);

	if (!larger) {
		refuse(reading, reading->line, "out of memory");
		return NULL;
	}
	memset(larger + *count * size, 0, size);
	(*count)++;
	return larger;
}

static void set_defaults(struct rule *rule, bool take)
{
	rule->treatment = (struct treatment){ .take = take, .weight = 100 };
}

/* Sections */

static bool end_section(struct reading *reading)
{
	if (reading->section != SECTION_RULE || reading->rule->pattern[0])
		return true;
	return refuse(reading, reading->section_line,
		      "rule %s needs a name, the pattern of the VMs that it is for",
		      reading->rule->label);
}

static bool begin_rule(struct reading *reading, const char *label)
{
	struct settings *settings = reading->settings;
	struct rule *rules;

	label += strspn(label, " \t");
	if (!*label)
		return refuse(reading, reading->line, "a rule needs a label: [rule LABEL]");
	for (size_t i = 0; i < settings->nr_rules; i++)
		if (!strcmp(settings->rules[i].label, label))
			return refuse(reading, reading->line, "there is a rule %s already", label);
	rules = grow(reading, settings->rules, &settings->nr_rules, sizeof(*rules));
	if (!rules)
		return false;
	settings->rules = rules;
	reading->rule = &rules[settings->nr_rules - 1];
	snprintf(reading->rule->label, sizeof(reading->rule->label), "%s", label);
	set_defaults(reading->rule, true);
	return true;
}

static bool begin_section(struct reading *reading, const char *name)
{
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		len = strlen(sections[i].name);
		if (sections[i].section == SECTION_RULE ? !strncmp(name, sections[i].name, len) :
							  !strcmp(name, sections[i].name))
			break;
	}
	if (i == ARRAY_SIZE(sections))
		return refuse(reading, reading->line, "there is no section [%s]; there are "
			      "[pshared], [module], [others] and [rule LABEL]", name);
	reading->section = sections[i].section;
	reading->section_line = reading->line;
	reading->keys_seen = 0;
	reading->rule = &reading->settings->others;
	if (reading->section == SECTION_RULE)
		return begin_rule(reading, name + len);
	if (reading->sections_seen & reading->section)
		return refuse(reading, reading->line, "section [%s] is there twice", name);
	reading->sections_seen |= reading->section;
	return true;
}

/*
 * "[NAME]": read here too, since libinih does not tell of a section without keys, nor when one
 * begins, and cuts long names. It takes 49 bytes of a name.
 */
static bool take_section(struct reading *reading, char *line)
{
	char name[50];
	size_t len = strcspn(line, "]\n");
	const char *behind = line + len;

	if (*behind != ']')
		return refuse(reading, reading->line, "a section is [NAME], on one line");
	behind += 1 + strspn(behind + 1, " \t\r\n");
	if (*behind && *behind != ';' && *behind != '#')
		return refuse(reading, reading->line, "nothing may stand behind [NAME]");
	if (len > sizeof(name))
		return refuse(reading, reading->line, "a section's name has at most %zu bytes",
			      sizeof(name) - 1);
	memcpy(name, line + 1, len - 1);
	name[len - 1] = '\0';
	return end_section(reading) && begin_section(reading, name);
}

/* Keys */

static bool once(struct reading *reading, size_t bit, const char *name)
{
	if (reading->keys_seen & 1u << bit)
		return refuse(reading, reading->line, "%s is set twice", name);
	reading->keys_seen |= 1u << bit;
	return true;
}

static bool take_knob(struct reading *reading, const char *name, const char *value)
{
	const struct pshare_knob *knob = pshare_knob_find(name);
	struct settings *settings = reading->settings;
	struct netlink_ext_ack ack = { .len = 0 };
	struct knob_setting *knobs;
	u64 number;

	if (!knob)
		return refuse(reading, reading->line, "the module has no knob %s; "
			      "'pshare get' shows all", name);
	if (pshare_knob_parse(knob, value, &number, &ack))
		return refuse(reading, reading->line, "%s", ack.text);
	if (!once(reading, knob - pshare_knob_table, name))
		return false;
	knobs = grow(reading, settings->knobs, &settings->nr_knobs, sizeof(*knobs));
	if (!knobs)
		return false;
	settings->knobs = knobs;
	knobs[settings->nr_knobs - 1].name = knob->name;
	pshare_knob_print(knob, number, knobs[settings->nr_knobs - 1].value,
			  sizeof(knobs->value));
	return true;
}

static const struct key *find_key(enum section section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].sections & section && !strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool take_key(struct reading *reading, const char *name, const char *value)
{
	const struct key *key = find_key(reading->section, name);

	if (reading->section == SECTION_NONE)
		return refuse(reading, reading->line, "%s stands before the first [SECTION]", name);
	if (reading->section == SECTION_MODULE)
		return take_knob(reading, name, value);
	if (!key)
		return refuse(reading, reading->line, "there is no setting %s in this section",
			      name);
	if (!once(reading, key - keys, name))
		return false;
	if (!key->take(reading->settings, reading->rule, value))
		return refuse(reading, reading->line, "%s is %s, not '%s'", name, key->accepts,
			      value);
	return true;
}

/* For libinih: 0 is an error. */
static int on_pair(void *data, const char *section, const char *name, const char *value)
{
	(void)section;
	return take_key(data, name, value);
}

/* Lines */

/*
 * For libinih, as fgets(). Its own counting of lines is what it returns, and is ours too. What is
 * indented would be more of the value before: here it is not.
 */
static char *read_line(char *line, int room, void *data)
{
	struct reading *reading = data;
	size_t len = reading->end - reading->rest, skip;
	const char *newline = memchr(reading->rest, '\n', len);

	if (reading->error_line || !len)
		return NULL;
	len = newline ? (size_t)(newline + 1 - reading->rest) : len;
	reading->line++;
	skip = strspn(reading->rest, " \t");
	skip = skip < len ? skip : 0;
	if (len - skip >= (size_t)room) {
		refuse(reading, reading->line, "a line has at most %d bytes", room - 1);
		return NULL;
	}
	memcpy(line, reading->rest + skip, len - skip);
	line[len - skip] = '\0';
	reading->rest += len;
	if (line[0] == '[' && !take_section(reading, line))
		return NULL;
	return line;
}

static bool read_all(struct reading *reading)
{
	int wrong = ini_parse_stream(read_line, reading, on_pair, reading);

	if (wrong < 0)
		return refuse(reading, reading->line + 1, "out of memory");
	/* Of what it could not take apart libinih only tells the line. */
	if (wrong && (!reading->error_line || wrong < reading->error_line)) {
		reading->error_line = 0;
		return refuse(reading, wrong, "this is neither [SECTION] nor KEY = VALUE");
	}
	return !reading->error_line && end_section(reading);
}

struct settings *settings_parse(const char *path, const char *text, size_t len,
				char error[SETTINGS_ERROR])
{
	struct reading reading = {
		.settings = calloc(1, sizeof(struct settings)),
		.path = path, .rest = text, .end = text + len, .error = error,
	};

	error[0] = '\0';
	if (!reading.settings) {
		snprintf(error, SETTINGS_ERROR, "%s: out of memory", path);
		return NULL;
	}
	reading.settings->sweep_seconds = 60;
	set_defaults(&reading.settings->others, false);
	if (memchr(text, '\0', len))
		snprintf(error, SETTINGS_ERROR, "%s: this is no text: it has a NUL byte", path);
	else if (read_all(&reading))
		return reading.settings;
	settings_free(reading.settings);
	return NULL;
}

/* Returns the length, or -errno. */
static ssize_t read_file(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 0, more = 1;

	if (fd < 0)
		return -errno;
	while (more > 0 && (size_t)len < room) {
		more = read(fd, text + len, room - len);
		len += more > 0 ? more : 0;
	}
	if (more < 0)
		len = -errno;
	close(fd);
	return (size_t)len == room ? -EFBIG : len;
}

struct settings *settings_load(const char *path, char error[SETTINGS_ERROR])
{
	struct settings *settings = NULL;
	char *text = malloc(LONGEST_FILE);
	ssize_t len = text ? read_file(path, text, LONGEST_FILE - 1) : -ENOMEM;

	if (len < 0) {
		snprintf(error, SETTINGS_ERROR, "%s: %s", path, strerror(-len));
	} else {
		text[len] = '\0';
		settings = settings_parse(path, text, len, error);
	}
	free(text);
	return settings;
}

void settings_free(struct settings *settings)
{
	if (!settings)
		return;
	free(settings->rules);
	free(settings->knobs);
	free(settings);
}

const struct rule *settings_rule(const struct settings *settings, const char *name, uid_t user)
{
	for (size_t i = 0; i < settings->nr_rules; i++) {
		const struct rule *rule = &settings->rules[i];

		if (rule->of_user && rule->user != user)
			continue;
		if (!fnmatch(rule->pattern, name, 0))
			return rule;
	}
	return &settings->others;
}

void settings_each(void (*found)(const char *section, const char *key, void *data), void *data)
{
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++)
			if (keys[k].sections & sections[i].section)
				found(sections[i].name, keys[k].name, data);
		for (size_t k = 0; k < pshare_nr_knobs; k++)
			if (sections[i].section == SECTION_MODULE)
				found(sections[i].name, pshare_knob_table[k].name, data);
	}
}
