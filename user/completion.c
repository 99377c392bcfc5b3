// SPDX-License-Identifier: GPL-2.0
/* completion: a script for bash, and the answers to what that script asks. */
#include <stdio.h>
#include <string.h>

#include "cmdline.h"
#include "complete.h"
#include "show.h"
#include "util.h"

#define WORD_SIZE	1024

/* It falls back on the names of files. */
static const char bash_script[] =
	"_pshare()\n"
	"{\n"
	"\tlocal IFS=$'\\n'\n"
	"\tCOMPREPLY=($(pshare completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null))\n"
	"\t[[ ${#COMPREPLY[@]} != 1 || ${COMPREPLY[0]} != *= ]] || compopt -o nospace\n"
	"}\n"
	"complete -o default -F _pshare pshare\n";

static const struct field script_rows[] = {
	{ .type = FIELD_TEXT, .key = "shell" },
	{ .type = FIELD_TEXT, .key = "script" },
};

static const struct fields script_fields = FIELDS(script_rows);

static int show_script(const struct ctx *ctx)
{
	static const char *const none[] = { NULL };
	struct json_object *document = json_new();

	json_set_text(document, "shell", "bash");
	json_set_text(document, "script", bash_script);
	if (!ctx->json)
		fputs(bash_script, stdout);
	return show_record(ctx, document, &script_fields, none);
}

/* For the script only: a line for each word. */
static int show_words(const struct ctx *ctx, int argc, char **argv)
{
	struct json_object *words;
	char room[WORD_SIZE];

	argc = complete_join(argc, argv, room, sizeof(room));
	words = complete(ctx->nl, argc, argv);
	for (size_t i = 0; i < json_object_array_length(words); i++)
		puts(json_object_get_string(json_object_array_get_idx(words, i)));
	json_object_put(words);
	return fflush(stdout) ? FAILED : DONE;
}

int completion(struct ctx *ctx, int argc, char **argv)
{
	int err;

	if (argc > 1 && !strcmp(argv[0], "words") && !strcmp(argv[1], "--"))
		return show_words(ctx, argc - 2, argv + 2);
	err = command_line(ctx, &argc, argv, NULL, 1, 1);
	if (err)
		return err;
	if (strcmp(argv[0], "bash"))
		return fail_usage(ctx, "there is no script for '%s'", argv[0]);
	return show_script(ctx);
}
