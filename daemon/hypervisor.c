// SPDX-License-Identifier: GPL-2.0
/*
 * Which programs are virtual machines, and what these are called. A command line is written by
 * whoever starts the process: nothing in it is trusted.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor.h"
#include "util.h"

/* Part of a command line, not ended by NUL. */
struct span {
	const char *at;
	size_t len;
};

/* An option whose value names the VM. */
struct name_option {
	const char *option;		/* without its dashes */
	bool (*name)(struct span value, char *name);
};

struct hypervisor {
	const char *pattern;		/* of the file name of the executable */
	const struct name_option *options;	/* the first that is there and has a name counts */
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Names */

/* The module takes printable ASCII for names, but no path. */
static char name_char(char c)
{
	return c < ' ' || c > '~' || c == '/' ? '_' : c;
}

static size_t at_most(size_t len, size_t most)
{
	return len < most ? len : most;
}

static bool all_digits(const char *text, size_t len)
{
	while (len && text[len - 1] >= '0' && text[len - 1] <= '9')
		len--;
	return !len;
}

/* Without the spaces at its ends, and no longer than the name may be. */
static struct span trim(struct span text, size_t most)
{
	while (text.len && text.at[0] == ' ') {
		text.at++;
		text.len--;
	}
	text.len = at_most(text.len, most);
	while (text.len && text.at[text.len - 1] == ' ')
		text.len--;
	return text;
}

bool vm_name_make(char name[VM_NAME_ROOM], const char *text, size_t len)
{
	struct span span = trim((struct span){ text, len }, VM_NAME_ROOM - 1);
	const char *prefix = "";
	size_t skip;

	if (!span.len)
		return false;
	/* All digits would be a pid. */
	if (all_digits(span.at, span.len))
		prefix = "vm-";
	skip = sprintf(name, "%s", prefix);
	len = at_most(span.len, VM_NAME_ROOM - 1 - skip);
	for (size_t i = 0; i < len; i++)
		name[skip + i] = name_char(span.at[i]);
	name[skip + len] = '\0';
	return true;
}

void vm_name_with_pid(char out[VM_NAME_ROOM], const char *name, int pid)
{
	char suffix[16];
	int tail = snprintf(suffix, sizeof(suffix), "-%d", pid);
	int len = at_most(strlen(name), VM_NAME_ROOM - 1 - tail);

	snprintf(out, VM_NAME_ROOM, "%.*s%s", len, name, suffix);
}

/* QEMU: -name NAME, -name guest=NAME,..., a comma in a value is doubled. */

/* Takes the first part off a list with commas; its doubled ones become one in out. */
static struct span take_part(struct span *list, char *out, size_t room)
{
	struct span part = { out, 0 };

	while (list->len) {
		char c = *list->at++;

		list->len--;
		if (c == ',') {
			if (!list->len || *list->at != ',')
				break;
			list->at++;
			list->len--;
		}
		if (part.len < room)
			out[part.len++] = c;
	}
	return part;
}

static bool name_of_qemu(struct span list, char *name)
{
	static const char key[] = "guest=";
	char room[256];
	bool first = true, found = false;

	while (list.len) {
		struct span part = take_part(&list, room, sizeof(room));

		if (part.len >= sizeof(key) - 1 && !memcmp(part.at, key, sizeof(key) - 1))
			found = vm_name_make(name, part.at + sizeof(key) - 1,
					     part.len - (sizeof(key) - 1));
		else if (first && !memchr(part.at, '=', part.len))
			found = vm_name_make(name, part.at, part.len);
		first = false;
	}
	return found;
}

/* cloud-hypervisor, firecracker */

static bool name_as_it_is(struct span value, char *name)
{
	return vm_name_make(name, value.at, value.len);
}

/* Whether a socket's name says nothing of whose it is. */
static bool is_general(struct span base)
{
	static const char *const general[] = {
		"api", "ch", "clh", "clh-api", "cloud-hypervisor", "fc", "firecracker", "vm", "vmm",
	};

	for (size_t i = 0; i < ARRAY_SIZE(general); i++)
		if (strlen(general[i]) == base.len && !memcmp(general[i], base.at, base.len))
			return true;
	return false;
}

/* Takes the last part off a path. */
static struct span take_last(struct span *path)
{
	struct span last;

	while (path->len && path->at[path->len - 1] == '/')
		path->len--;
	last.at = path->at + path->len;
	last.len = 0;
	while (path->len && path->at[path->len - 1] != '/') {
		path->len--;
		last.at--;
		last.len++;
	}
	return last;
}

static struct span without_ending(struct span base)
{
	const char *dot = memrchr(base.at, '.', base.len);

	if (dot && dot != base.at)
		base.len = dot - base.at;
	return base;
}

/* [path=]/run/NAME.sock, or /run/NAME/api.sock */
static bool name_of_socket(struct span value, char *name)
{
	static const char key[] = "path=";
	const char *comma = memchr(value.at, ',', value.len);
	struct span base;

	if (comma)
		value.len = comma - value.at;
	if (value.len >= sizeof(key) - 1 && !memcmp(value.at, key, sizeof(key) - 1)) {
		value.at += sizeof(key) - 1;
		value.len -= sizeof(key) - 1;
	}
	base = without_ending(take_last(&value));
	if (is_general(base))
		base = take_last(&value);
	return vm_name_make(name, base.at, base.len);
}

static const struct name_option qemu_options[] = {
	{ "name", name_of_qemu },
	{ .option = NULL }
};

static const struct name_option cloud_hypervisor_options[] = {
	{ "api-socket", name_of_socket },
	{ .option = NULL }
};

static const struct name_option firecracker_options[] = {
	{ "id", name_as_it_is },
	{ "api-sock", name_of_socket },
	{ .option = NULL }
};

static const struct hypervisor hypervisors[] = {
	{ "qemu-system-*", qemu_options },
	{ ".qemu-system-*-wrapped", qemu_options },
	{ "qemu-kvm", qemu_options },
	{ "kvm", qemu_options },
	{ "cloud-hypervisor", cloud_hypervisor_options },
	{ "cloud-hypervisor-*", cloud_hypervisor_options },
	{ "firecracker", firecracker_options },
	{ "firecracker-v*", firecracker_options },
};

const struct hypervisor *hypervisor_find(const char *exe)
{
	const char *base = base_name(exe);

	for (size_t i = 0; i < ARRAY_SIZE(hypervisors); i++)
		if (!fnmatch(hypervisors[i].pattern, base, 0))
			return &hypervisors[i];
	return NULL;
}

/* The words of a command line, one after the other. */
static bool next_word(struct span *rest, struct span *word)
{
	const char *end;

	if (!rest->len)
		return false;
	end = memchr(rest->at, '\0', rest->len);
	word->at = rest->at;
	word->len = end ? (size_t)(end - rest->at) : rest->len;
	rest->at += word->len;
	rest->len -= word->len;
	if (end) {
		rest->at++;
		rest->len--;
	}
	return true;
}

/*
 * Whether a word is the option: true with its value in *value if it is --option=VALUE, with
 * value->at NULL if the value is to be the next word.
 */
static bool is_option(struct span word, const char *option, struct span *value)
{
	size_t len = strlen(option), dashes = 0;

	while (dashes < 2 && dashes < word.len && word.at[dashes] == '-')
		dashes++;
	word.at += dashes;
	word.len -= dashes;
	if (!dashes || word.len < len || memcmp(word.at, option, len))
		return false;
	value->at = NULL;
	if (word.len == len)
		return true;
	value->at = word.at + len + 1;
	value->len = word.len - len - 1;
	return word.at[len] == '=';
}

/* As the program itself does, the last one counts. */
static bool name_by(const struct name_option *option, struct span rest, char *name)
{
	struct span word, value;
	bool found = false;

	if (!next_word(&rest, &word))
		return false;
	while (next_word(&rest, &word)) {
		if (!is_option(word, option->option, &value))
			continue;
		if (!value.at && !next_word(&rest, &value))
			break;
		found = option->name(value, name);
	}
	return found;
}

bool hypervisor_vm_name(const struct hypervisor *hypervisor, const char *words, size_t len,
			char name[VM_NAME_ROOM])
{
	const struct span line = { words, len };

	for (const struct name_option *option = hypervisor->options; option->option; option++)
		if (name_by(option, line, name))
			return true;
	return false;
}
