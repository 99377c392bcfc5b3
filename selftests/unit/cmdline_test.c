// SPDX-License-Identifier: GPL-2.0
/* The command line: options, operands and subcommands. */
#include <stdarg.h>
#include <string.h>

#include "cmdline.h"
#include "tap.h"
#include "util.h"

const struct command commands[] = {
	{ "vm add", NULL, "", "" },
	{ "vm list", NULL, "", "" },
	{ "status", NULL, "", "" },
	{ .name = NULL }
};

static char said[256];

int fail_usage(const struct ctx *ctx, const char *format, ...)
{
	va_list args;

	(void)ctx;
	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	return WRONG_USAGE;
}

/* What one command line comes to. */
struct outcome {
	int err;
	int argc;
	char *argv[8];
	bool json, flag;
	const char *value;
};

static struct outcome parse(const char *line, int least, int most)
{
	static char words[128];
	struct outcome out = { 0 };
	struct ctx ctx = { 0 };
	const struct option options[] = {
		{ "force", 'f', &out.flag, NULL },
		{ "watch", 'w', NULL, &out.value },
		{ .name = NULL }
	};
	char *save = NULL;

	said[0] = '\0';
	snprintf(words, sizeof(words), "%s", line);
	for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
		out.argv[out.argc++] = word;
	out.err = command_line(&ctx, &out.argc, out.argv, options, least, most);
	out.json = ctx.json;
	return out;
}

static void test_operands(void)
{
	struct outcome out = parse("a --force b -j", 0, 2);

	ok(!out.err && out.argc == 2 && !strcmp(out.argv[0], "a") && !strcmp(out.argv[1], "b"),
	   "options are taken from between the operands");
	ok(out.flag && out.json, "and do what they say");
	out = parse("-- --force -j", 0, 2);
	ok(!out.err && out.argc == 2 && !out.flag && !strcmp(out.argv[0], "--force"),
	   "-- ends the options");
	out = parse("-", 1, 1);
	ok(!out.err && out.argc == 1, "- is an operand");
	ok(parse("", 1, 1).err == WRONG_USAGE && said[0], "a missing operand is said");
	ok(parse("a b", 1, 1).err == WRONG_USAGE && strstr(said, "'b'"), "one too many is named");
}

static void test_values(void)
{
	struct outcome out = parse("--watch=3", 0, 0);

	ok(!out.err && !strcmp(out.value, "3"), "--watch=3");
	out = parse("--watch 3", 0, 0);
	ok(!out.err && !strcmp(out.value, "3"), "--watch 3");
	out = parse("-w3", 0, 0);
	ok(!out.err && !strcmp(out.value, "3"), "-w3");
	out = parse("-w 3", 0, 0);
	ok(!out.err && !strcmp(out.value, "3"), "-w 3");
	out = parse("-jw 3 -f", 0, 0);
	ok(!out.err && out.json && out.flag && !strcmp(out.value, "3"), "letters can be joined");
	out = parse("-w -f", 0, 0);
	ok(!out.err && !strcmp(out.value, "-f") && !out.flag, "the next word is the value");
	out = parse("--watch=", 0, 0);
	ok(!out.err && !strcmp(out.value, ""), "a value may be empty");
}

static void test_mistakes(void)
{
	static const char *const wrong[] = {
		"--forc", "--forcee", "--force=1", "--watch", "-w", "-x", "-fx", "--=1", "---",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ok(parse(wrong[i], 0, 9).err == WRONG_USAGE && strstr(said, wrong[i]),
		   "%s is wrong, and named", wrong[i]);
}

static void test_leading(void)
{
	struct ctx ctx = { 0 };
	const struct option options[] = {
		{ "json", 'j', &ctx.json, NULL },
		{ .name = NULL }
	};
	char json[] = "-j", status[] = "status", watch[] = "-w";
	char *argv[3];
	int argc = ARRAY_SIZE(argv);

	argv[0] = json;
	argv[1] = status;
	argv[2] = watch;
	ok(!options_leading(&ctx, &argc, argv, options) && ctx.json && argc == 2 &&
	   !strcmp(argv[1], "-w"), "options before the subcommand end with it");
}

static const char *find(int argc, char *first, char *second, int *count)
{
	const struct command *command;
	char *argv[2];

	argv[0] = first;
	argv[1] = second;
	command = command_find(argc, argv, count);
	return command ? command->name : "";
}

static void test_subcommands(void)
{
	char vm[] = "vm", list[] = "list", lists[] = "lists", status[] = "status", stat[] = "stat";
	int count;

	ok(!strcmp(find(2, vm, list, &count), "vm list") && count == 2, "two words are found");
	ok(!strcmp(find(2, status, list, &count), "status") && count == 1, "one word is found");
	ok(!*find(1, vm, list, &count), "half a name is none");
	ok(!*find(2, vm, lists, &count) && !*find(2, stat, list, &count), "nor is a similar one");
}

int main(void)
{
	test_operands();
	test_values();
	test_mistakes();
	test_leading();
	test_subcommands();
	return tap_end();
}
