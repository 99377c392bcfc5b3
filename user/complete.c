// SPDX-License-Identifier: GPL-2.0
/* What a word of the command line may become, by the table of commands and what the module has. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <linux/pshare.h>

#include "cmdline.h"
#include "complete.h"
#include "schema.h"
#include "top.h"
#include "util.h"

#define WORD_SIZE	64

/* The words so far, without options, and the candidates for the last. */
struct completion {
	struct nl *nl;
	const char *word;		/* what is there of the last */
	const char *value;		/* what is behind its "=", NULL if it has none */
	struct json_object *found;
};

/* Names that the shell would have to quote are not offered. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_-.,+@/=", *text))
			return false;
	return true;
}

static void offer_for(struct completion *completion, const char *begun, const char *candidate)
{
	size_t count = json_object_array_length(completion->found);

	if (!*candidate || strncmp(candidate, begun, strlen(begun)) || !is_plain(candidate))
		return;
	for (size_t i = 0; i < count; i++)
		if (!strcmp(json_object_get_string(json_object_array_get_idx(completion->found, i)),
			    candidate))
			return;
	json_append(completion->found, json_object_new_string(candidate));
}

static void offer(struct completion *completion, const char *candidate)
{
	offer_for(completion, completion->word, candidate);
}

/* Words divided by spaces. */
static void offer_words(struct completion *completion, const char *begun, const char *words)
{
	char word[WORD_SIZE];

	while (*words) {
		size_t len = strcspn(words, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, words);
		offer_for(completion, begun, word);
		words += len + strspn(words + len, " ");
	}
}

/* Operands */

static struct json_object *dump(struct nl *nl, uint8_t cmd, const struct fields *fields)
{
	struct json_object *rows;

	nl_begin(nl, cmd);
	return nl_dump(nl, fields, &rows) ? json_new_array() : rows;
}

static void offer_vms(struct completion *completion)
{
	struct json_object *rows = dump(completion->nl, PSHARE_CMD_VM_GET, &vm_fields);

	for (size_t i = 0; i < json_object_array_length(rows); i++)
		offer(completion, json_text(json_object_array_get_idx(rows, i), "name"));
	json_object_put(rows);
}

/* Settings of a VM: those that vm set knows. */
static void offer_vm_keys(struct completion *completion)
{
	if (!completion->value)
		offer_words(completion, completion->word, "domain= weight= thp= paused=");
	else if (!strncmp(completion->word, "thp=", 4))
		offer_words(completion, completion->value, "default never auto always");
	else if (!strncmp(completion->word, "paused=", 7))
		offer_words(completion, completion->value, "0 1");
}

static void offer_knob(struct completion *completion, struct json_object *knob, bool pair)
{
	const char *name = json_text(knob, "name"), *range = json_text(knob, "range");
	char word[WORD_SIZE];

	snprintf(word, sizeof(word), pair ? "%s=" : "%s", name);
	if (!pair || !completion->value)
		offer(completion, word);
	else if (!strncmp(completion->word, word, strlen(word)) && !strchr(range, '-'))
		offer_words(completion, completion->value, range);
}

static void offer_knobs(struct completion *completion, bool pair)
{
	struct json_object *reply = json_new(), *knobs;

	nl_begin(completion->nl, PSHARE_CMD_KNOB_GET);
	if (!nl_do(completion->nl, &knobs_fields, reply)) {
		knobs = json_object_object_get(reply, "knobs");
		for (size_t i = 0; knobs && i < json_object_array_length(knobs); i++)
			offer_knob(completion, json_object_array_get_idx(knobs, i), pair);
	}
	json_object_put(reply);
}

static void offer_knob_names(struct completion *completion)
{
	offer_knobs(completion, false);
}

static void offer_knob_pairs(struct completion *completion)
{
	offer_knobs(completion, true);
}

static void offer_commands(struct completion *completion)
{
	char word[WORD_SIZE];

	for (const struct command *command = commands; command->name; command++) {
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(command->name, " "),
			 command->name);
		offer(completion, word);
	}
}

static void offer_policies(struct completion *completion)
{
	for (const char *const *word = thp_words; *word; word++)
		offer(completion, *word);
}

static void offer_columns(struct completion *completion)
{
	for (size_t i = 0; i < top_fields.count; i++)
		if (top_column_by_key(top_fields.rows[i].key))
			offer(completion, top_fields.rows[i].key);
}

static void offer_shells(struct completion *completion)
{
	offer(completion, "bash");
}

/* What stands for an operand, or for the value of an option, in the arguments of a command. */
static const struct placeholder {
	const char *name;
	void (*offer)(struct completion *completion);
} placeholders[] = {
	{ "VM", offer_vms },
	{ "KEY=VALUE", offer_vm_keys },
	{ "KNOB", offer_knob_names },
	{ "KNOB=VALUE", offer_knob_pairs },
	{ "COMMAND", offer_commands },
	{ "POLICY", offer_policies },
	{ "COLUMN", offer_columns },
	{ "bash", offer_shells },
};

static void offer_placeholder(struct completion *completion, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++)
		if (!strcmp(placeholders[i].name, name))
			placeholders[i].offer(completion);
}

/* The arguments of a command */

bool usage_next(const char **args, struct usage_word *word)
{
	const char *at = *args + strspn(*args, " []|.");
	size_t len = strcspn(at, " []|.");

	if (!len)
		return false;
	snprintf(word->text, sizeof(word->text), "%.*s", (int)len, at);
	word->is_value = word->is_option && word->has_value;
	word->is_option = *at == '-';
	word->has_value = word->is_option && at[len] == ' ';
	*args = at + len;
	return true;
}

/* The option that the word before is, if it wants a value. */
static bool wants_value(const char *args, const char *option)
{
	struct usage_word word = { .text = "" };

	while (usage_next(&args, &word))
		if (word.has_value && !strcmp(word.text, option))
			return true;
	return false;
}

static void offer_value(struct completion *completion, const char *args, const char *option)
{
	struct usage_word word = { .text = "" };
	bool ours = false;

	while (usage_next(&args, &word)) {
		if (ours && word.is_value)
			offer_placeholder(completion, word.text);
		ours = word.is_option && !strcmp(word.text, option);
	}
}

static void offer_options(struct completion *completion, const char *args)
{
	struct usage_word word = { .text = "" };

	while (usage_next(&args, &word))
		if (word.is_option)
			offer(completion, word.text);
	offer_words(completion, completion->word, "--json --help");
}

static void offer_operands(struct completion *completion, const char *args)
{
	struct usage_word word = { .text = "" };

	while (usage_next(&args, &word))
		if (!word.is_option && !word.is_value)
			offer_placeholder(completion, word.text);
}

/* The next word of the names that begin with those that are there. */
static void offer_names(struct completion *completion, int argc, char **argv)
{
	for (const struct command *command = commands; command->name; command++) {
		const char *at = command->name;
		char word[WORD_SIZE];
		int i;

		for (i = 0; i < argc - 1 && *at; i++) {
			size_t len = strcspn(at, " ");

			if (strlen(argv[i]) != len || memcmp(argv[i], at, len))
				break;
			at += len + (at[len] == ' ');
		}
		if (i < argc - 1 || !*at)
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(at, " "), at);
		offer(completion, word);
	}
}

struct json_object *complete(struct nl *nl, int argc, char **argv)
{
	struct completion completion = { .nl = nl, .found = json_new_array() };
	const struct command *command;
	int words;

	while (argc > 1 && argv[0][0] == '-') {
		argc--;
		argv++;
	}
	if (!argc)
		return completion.found;
	completion.word = argv[argc - 1];
	completion.value = strchr(completion.word, '=');
	if (completion.value)
		completion.value++;
	command = command_find(argc - 1, argv, &words);
	if (!command && completion.word[0] == '-')
		offer_words(&completion, completion.word, "--json --help --version");
	else if (!command)
		offer_names(&completion, argc, argv);
	else if (completion.word[0] == '-')
		offer_options(&completion, command->args);
	else if (argc > words + 1 && wants_value(command->args, argv[argc - 2]))
		offer_value(&completion, command->args, argv[argc - 2]);
	else
		offer_operands(&completion, command->args);
	return completion.found;
}

int complete_join(int argc, char **argv, char *room, size_t size)
{
	const char *value = "";
	int left = argc;

	if (argc > 2 && !strcmp(argv[argc - 2], "=")) {
		value = argv[argc - 1];
		left = argc - 2;
	} else if (argc > 1 && !strcmp(argv[argc - 1], "=")) {
		left = argc - 1;
	} else {
		return argc;
	}
	snprintf(room, size, "%s=%s", argv[left - 1], value);
	argv[left - 1] = room;
	return left;
}
