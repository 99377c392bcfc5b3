// SPDX-License-Identifier: GPL-2.0
/* help, --version. */
#include <string.h>

#include "cmdline.h"
#include "help.h"
#include "show.h"

static const struct field help_rows[] = {
	{ .type = FIELD_TEXT, .key = "command" },
	{ .type = FIELD_TEXT, .key = "arguments" },
	{ .type = FIELD_TEXT, .key = "help", .heading = "" },
};

static const struct fields help_fields = FIELDS(help_rows);

static const struct field version_rows[] = {
	{ .type = FIELD_TEXT, .key = "pshare" },
};

static const struct fields version_fields = FIELDS(version_rows);

int version(struct ctx *ctx)
{
	struct json_object *object = json_new();

	json_set_text(object, "pshare", PSHARE_VERSION);
	return show_record(ctx, object, &version_fields, NULL);
}

/* Whether the name begins with the words, as "vm add" does with "vm". */
static bool matches(const char *name, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		size_t len = strlen(argv[i]);

		if (strncmp(name, argv[i], len) || (name[len] && name[len] != ' '))
			return false;
		name += len + (name[len] == ' ');
	}
	return true;
}

int help(struct ctx *ctx, int argc, char **argv)
{
	struct json_object *rows;
	int err = command_line(ctx, &argc, argv, NULL, 0, 2);

	if (err)
		return err;
	rows = json_new_array();
	for (const struct command *command = commands; command->name; command++) {
		struct json_object *row;

		if (!matches(command->name, argc, argv))
			continue;
		row = json_new();
		json_set_text(row, "command", command->name);
		json_set_text(row, "arguments", command->args);
		json_set_text(row, "help", command->help);
		json_append(rows, row);
	}
	if (json_object_array_length(rows))
		return show_rows(ctx, rows, &help_fields, NULL);
	json_object_put(rows);
	return fail_usage(ctx, "there is no command '%s'", argv[0]);
}
