// SPDX-License-Identifier: GPL-2.0
/* The command's parsers of text, and how it writes numbers and names. */
#include <stdlib.h>
#include <string.h>

#include <linux/pshare.h>

#include "parse.h"
#include "tap.h"
#include "text.h"
#include "util.h"

static bool number_is(const char *text, uint64_t expected)
{
	uint64_t value = ~expected;

	return parse_number(text, 0, UINT64_MAX, &value) && value == expected;
}

static void test_numbers(void)
{
	static const char *const wrong[] = {
		"", " ", "-1", "+1", "1 ", " 1", "1x", "x", "0x10", "1.0", "1e3", "1\n",
		"18446744073709551616", "99999999999999999999999999",
	};
	uint64_t value = 77;

	ok(number_is("0", 0), "0 is a number");
	ok(number_is("0010", 10), "leading zeros are decimal");
	ok(number_is("18446744073709551615", UINT64_MAX), "the largest number is taken");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ok(!parse_number(wrong[i], 0, UINT64_MAX, &value), "wrong number %zu", i);
	ok(!parse_number("4", 5, 9, &value) && !parse_number("10", 5, 9, &value),
	   "numbers out of range are refused");
	ok(value == 77, "a refused number leaves the value alone");
	ok(parse_number("5", 5, 9, &value) && parse_number("9", 5, 9, &value),
	   "both ends of the range are in it");
}

static void test_pairs(void)
{
	static const char *const wrong[] = { "", "=", "key", "key=", "=value" };
	const char *value;
	size_t len = 0;

	value = parse_pair("run=1", &len);
	ok(value && !strcmp(value, "1") && len == 3, "KEY=VALUE is taken apart");
	value = parse_pair("a=b=c", &len);
	ok(value && !strcmp(value, "b=c") && len == 1, "the first = divides");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ok(!parse_pair(wrong[i], &len), "'%s' is no pair", wrong[i]);
}

static void test_words(void)
{
	static const char *const list[] = { "never", "auto", NULL };

	ok(parse_word("auto", list) == 1, "a word is found");
	ok(parse_word("aut", list) < 0 && parse_word("", list) < 0 && parse_word("AUTO", list) < 0,
	   "other words are not");
}

#define STAT_REST \
	" S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 424242 20 21\n"

static bool starts_at(const char *stat, uint64_t expected)
{
	uint64_t ticks = ~expected;

	return parse_start_time(stat, &ticks) && ticks == expected;
}

static void test_start_times(void)
{
	uint64_t ticks;

	ok(starts_at("12 (qemu)" STAT_REST, 424242), "field 22 is the start time");
	ok(starts_at("12 (a b) c (d)" STAT_REST, 424242), "a name may hold blanks and brackets");
	ok(starts_at("12 () R 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9)" STAT_REST, 424242),
	   "a name may look like the rest");
	ok(starts_at("12 (\n)" STAT_REST, 424242), "a name may hold an end of line");
	ok(!parse_start_time("", &ticks), "nothing has no start time");
	ok(!parse_start_time("12 qemu" STAT_REST, &ticks), "a line without a name has none");
	ok(!parse_start_time("12 (qemu) S 1 2 3", &ticks), "a short line has none");
	ok(!parse_start_time("12 (q) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 -5 20", &ticks),
	   "a negative start time is refused");
	ok(!parse_start_time("12 (q) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 "
			     "99999999999999999999999999999999 20", &ticks),
	   "a start time that is too long is refused");
}

static void test_targets(void)
{
	char name[PSHARE_NAME_LEN + 2];
	struct target target;

	ok(parse_target("1234", &target) && target.pid == 1234 && !target.name, "digits are a pid");
	ok(parse_target("12a", &target) && !target.pid && !strcmp(target.name, "12a"),
	   "all else is a name");
	ok(!parse_target("", &target), "nothing is neither");
	ok(!parse_target("0", &target) && !parse_target("2147483648", &target),
	   "a pid that can not be is refused");
	memset(name, 'n', sizeof(name));
	name[PSHARE_NAME_LEN] = '\0';
	ok(parse_target(name, &target), "a name of full length is taken");
	name[PSHARE_NAME_LEN] = 'n';
	name[PSHARE_NAME_LEN + 1] = '\0';
	ok(!parse_target(name, &target), "a longer name is refused");
}

static void size_is(long long bytes, const char *expected)
{
	char text[BYTES_TEXT];

	text_bytes(text, sizeof(text), bytes);
	ok(!strcmp(text, expected), "%lld bytes are %s (%s)", bytes, expected, text);
}

static void number_reads(long long number, enum unit unit, const char *expected)
{
	char text[32];

	text_number(text, sizeof(text), number, unit);
	ok(!strcmp(text, expected), "%lld reads %s (%s)", number, expected, text);
}

static void test_sizes(void)
{
	size_is(0, "0");
	size_is(1, "1 B");
	size_is(1023, "1023 B");
	size_is(1024, "1.0 KiB");
	size_is(-4096, "-4.0 KiB");
	size_is(1536 << 10, "1.5 MiB");
	size_is(1ll << 33, "8192.0 MiB");
	size_is(10ll << 30, "10.0 GiB");
	size_is(10ll << 40, "10.0 TiB");
	size_is(INT64_MAX, "8192.0 PiB");
	size_is(INT64_MIN, "-8192.0 PiB");
	number_reads(3072, UNIT_PAGES, "12.0 MiB");
	number_reads(INT64_MAX, UNIT_PAGES, "-4.0 KiB");
	number_reads(1234567890, UNIT_NS, "1.234 s");
	number_reads(1005, UNIT_PERMILLE, "100.5%");
	number_reads(0x7f0000200000, UNIT_ADDRESS, "0x7f0000200000");
	number_reads(-7, UNIT_NONE, "-7");
}

static void escapes_to(const char *in, const char *expected)
{
	char out[64];

	text_escape(out, sizeof(out), in);
	ok(!strcmp(out, expected), "is written %s", expected);
}

static void test_escapes(void)
{
	char out[8];

	escapes_to("web-1", "web-1");
	escapes_to("gr\303\266\303\237e", "gr\303\266\303\237e");
	escapes_to("\033[31m\n\t\x7f", "\\x1b[31m\\x0a\\x09\\x7f");
	escapes_to("\302\2331m", "\\xc2\\x9b1m");
	escapes_to("\xe2\x80\xae", "\\xe2\\x80\\xae");
	escapes_to("a\\x1b", "a\\\\x1b");
	escapes_to("\xff\xc3", "\\xff\\xc3");
	escapes_to("\xed\xa0\x80", "\\xed\\xa0\\x80");
	escapes_to("\xc0\x80", "\\xc0\\x80");
	text_escape(out, sizeof(out), "abcdef\033");
	ok(!strcmp(out, "abcdef"), "an escape that is too long is left out");
	text_escape(out, sizeof(out), "abcdef\xc3\xb6");
	ok(!strcmp(out, "abcdef"), "a character that is too long is left out");
	ok(text_width("gr\303\266\303\237e") == 5, "width is counted in characters");
}

static void test_utf8(void)
{
	char *text = text_to_utf8("a\xff\xc3\xb6\xc3");

	ok(text && !strcmp(text, "a\xef\xbf\xbd\xc3\xb6\xef\xbf\xbd"), "JSON gets valid UTF-8");
	free(text);
}

int main(void)
{
	test_numbers();
	test_pairs();
	test_words();
	test_start_times();
	test_targets();
	test_sizes();
	test_escapes();
	test_utf8();
	return tap_end();
}
