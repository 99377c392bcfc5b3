// SPDX-License-Identifier: GPL-2.0
/* Knobs: the table is sound, values are read and written as text, refusals say what would do. */
#include <ctype.h>

#include "knobs.h"
#include "tap.h"

#define UNTOUCHED	77777ULL
#define MESSAGE_BYTES	80

/* Room for what no knob takes. */
#define LONG_TEXT	5000

static struct netlink_ext_ack ack;

/* What was said is one whole line that names the knob and its range. */
static bool says_why(const struct pshare_knob *knob)
{
	char range[PSHARE_KNOB_TEXT];

	pshare_knob_print_range(knob, range, sizeof(range));
	return ack.len > 0 && ack.len < MESSAGE_BYTES && !strchr(ack.text, '\n') &&
	       !strncmp(ack.text, knob->name, strlen(knob->name)) && strstr(ack.text, range);
}

static bool takes(const struct pshare_knob *knob, const char *text, u64 expected)
{
	u64 value = ~expected;

	memset(&ack, 0, sizeof(ack));
	return !pshare_knob_parse(knob, text, &value, &ack) && value == expected && !ack.len;
}

static bool refuses(const struct pshare_knob *knob, const char *text, int expected)
{
	u64 value = UNTOUCHED;
	int err, silent;

	memset(&ack, 0, sizeof(ack));
	err = pshare_knob_parse(knob, text, &value, &ack);
	silent = pshare_knob_parse(knob, text, &value, NULL);
	if (err == expected && silent == expected && value == UNTOUCHED && says_why(knob))
		return true;
	printf("# %s=\"%.40s\": %d, \"%s\"\n", knob->name, text, err, ack.text);
	return false;
}

static bool takes_number(const struct pshare_knob *knob, u64 number)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", number);
	return takes(knob, text, number);
}

static bool refuses_number(const struct pshare_knob *knob, u64 number)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", number);
	return refuses(knob, text, -ERANGE);
}

static bool refuses_all(const struct pshare_knob *knob, const char *const *texts, size_t n, int err)
{
	bool good = true;
	size_t i;

	for (i = 0; i < n; i++)
		good &= refuses(knob, texts[i], err);
	return good;
}

static bool is_word(const char *text)
{
	const char *c;

	for (c = text; *c; c++)
		if (!islower((unsigned char)*c) && *c != '_')
			return false;
	return c != text;
}

static unsigned int count_words(const struct pshare_knob *knob)
{
	unsigned int n = 0;

	while (knob->words[n])
		n++;
	return n;
}

static void test_row(const struct pshare_knob *knob)
{
	ok(is_word(knob->name) && pshare_knob_find(knob->name) == knob,
	   "%s has a name of its own and is found by it", knob->name);
	ok(knob->min < knob->max && knob->def >= knob->min && knob->def <= knob->max,
	   "%s has a range, and its default is in it", knob->name);
	ok(knob->offset % sizeof(u64) == 0 && knob->offset < sizeof(struct pshare_knobs),
	   "%s has a place", knob->name);
	ok(knob->unit && knob->doc && *knob->doc, "%s is documented", knob->name);
	if (knob->words)
		ok(!knob->min && knob->max == count_words(knob) - 1,
		   "%s has a word for each value", knob->name);
}

static void test_table(void)
{
	size_t i, k, shared = 0;

	ok(pshare_nr_knobs * sizeof(u64) == sizeof(struct pshare_knobs), "every knob has a row");
	for (i = 0; i < pshare_nr_knobs; i++)
		for (k = 0; k < i; k++)
			shared += pshare_knob_table[i].offset == pshare_knob_table[k].offset ||
				  !strcmp(pshare_knob_table[i].name, pshare_knob_table[k].name);
	ok(!shared, "no two rows have a name or a place in common");
	ok(!pshare_knob_find("") && !pshare_knob_find("ru") && !pshare_knob_find("runs") &&
	   !pshare_knob_find("RUN") && !pshare_knob_find("run\n"), "other names are not found");
}

static void test_range(const struct pshare_knob *knob)
{
	ok(takes_number(knob, knob->min) && takes_number(knob, knob->max) &&
	   takes_number(knob, knob->def), "%s takes both ends of its range", knob->name);
	ok(refuses_number(knob, knob->max + 1) && refuses_number(knob, ~0ULL),
	   "%s takes nothing above", knob->name);
	if (knob->min)
		ok(refuses_number(knob, knob->min - 1) && refuses_number(knob, 0),
		   "%s takes nothing below", knob->name);
}

static void test_number(const struct pshare_knob *knob)
{
	static const char *const not_numbers[] = {
		"", "\n", "\n\n", " ", " 1", "1 ", "\t1", "1\t", "1 1", "1\n\n", "\n1", "1\n1",
		"1\r\n", "-1", "+1", "-0", "--1", "0x1", "0X1", "x", "1x", "1e3", "1.0", "1,0",
		"1k", "0b1", "one", "true", "\xc3\xb6", "\x01", "1\x7f", "%s%s%n",
	};
	static const char *const too_large[] = {
		"18446744073709551616", "18446744073709551616\n", "99999999999999999999999999",
		"340282366920938463463374607431768211457",
	};
	char text[32];

	test_range(knob);
	snprintf(text, sizeof(text), "%llu\n", knob->def);
	ok(takes(knob, text, knob->def), "%s: a final newline is allowed", knob->name);
	snprintf(text, sizeof(text), "000%llu", knob->max);
	ok(takes(knob, text, knob->max), "%s: leading zeros are decimal", knob->name);
	ok(refuses_all(knob, not_numbers, ARRAY_SIZE(not_numbers), -EINVAL),
	   "%s takes no other text", knob->name);
	ok(refuses_all(knob, too_large, ARRAY_SIZE(too_large), -ERANGE),
	   "%s takes no number of too many digits", knob->name);
}

/* A word, with a newline, and with what must not be around it. */
static bool word_is(const struct pshare_knob *knob, u64 value)
{
	static const char *const around[] = {
		" %s", "%s ", "\n%s", "%s\n\n", "%sx", "x%s", "%s\t",
	};
	const char *word = knob->words[value];
	bool good = takes(knob, word, value);
	char text[64];
	size_t i;

	snprintf(text, sizeof(text), "%s\n", word);
	good &= takes(knob, text, value);
	for (i = 0; i < ARRAY_SIZE(around); i++) {
		const char *at = strchr(around[i], '%');

		snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - around[i]), around[i], word,
			 at + 2);
		good &= refuses(knob, text, -EINVAL);
	}
	snprintf(text, sizeof(text), "%.*s", (int)strlen(word) - 1, word);
	good &= refuses(knob, text, -EINVAL);
	snprintf(text, sizeof(text), "%c%s", toupper((unsigned char)*word), word + 1);
	return good & refuses(knob, text, -EINVAL);
}

static void test_words(const struct pshare_knob *knob)
{
	static const char *const not_words[] = {
		"", "\n", " ", "0", "1", "-1", "18446744073709551616", "default", "x", "(null)",
	};
	char range[PSHARE_KNOB_TEXT];
	u64 i;

	for (i = 0; i <= knob->max; i++)
		ok(word_is(knob, i), "%s takes %s, and nothing around it", knob->name,
		   knob->words[i]);
	ok(refuses_all(knob, not_words, ARRAY_SIZE(not_words), -EINVAL), "%s takes no other word",
	   knob->name);
	pshare_knob_print_range(knob, range, sizeof(range));
	ok(refuses(knob, range, -EINVAL), "%s takes one word only", knob->name);
}

static void test_long_text(const struct pshare_knob *knob)
{
	static const char fill[] = { 'x', '1', '0', '9', '%', '\n', ' ', '\xff' };
	char text[LONG_TEXT];
	bool good = true;
	size_t i, len;

	for (i = 0; i < sizeof(fill); i++)
		for (len = 2; len < sizeof(text); len = len * 3 / 2 + 1) {
			bool zeros = !knob->words && fill[i] == '0' && !knob->min;
			bool digits = !knob->words && isdigit((unsigned char)fill[i]);

			memset(text, fill[i], len);
			text[len] = '\0';
			if (zeros)
				good &= takes(knob, text, 0);
			else if (!digits)
				good &= refuses(knob, text, -EINVAL);
			else if (fill[i] == '0' || len > 20)
				good &= refuses(knob, text, -ERANGE);
		}
	ok(good, "%s: a long text is refused in a short message", knob->name);
}

static bool comes_back(const struct pshare_knob *knob, u64 value)
{
	char text[PSHARE_KNOB_TEXT];
	int len = pshare_knob_print(knob, value, text, sizeof(text));

	return len > 0 && len == (int)strlen(text) && !strchr(text, '\n') &&
	       takes(knob, text, value);
}

static void test_print(const struct pshare_knob *knob)
{
	char text[PSHARE_KNOB_TEXT], small[4] = "abc";
	int len;

	ok(comes_back(knob, knob->min) && comes_back(knob, knob->def) &&
	   comes_back(knob, knob->max), "%s: what is written can be read", knob->name);
	len = pshare_knob_print(knob, ~0ULL, text, sizeof(text));
	ok(len == (int)strlen(text) && len > 0, "%s: any value can be written", knob->name);
	len = pshare_knob_print_range(knob, text, sizeof(text));
	ok(len == (int)strlen(text) && len > 0 && len < PSHARE_KNOB_TEXT - 1,
	   "%s has a range that fits: %s", knob->name, text);
	len = pshare_knob_print_range(knob, small, sizeof(small));
	ok(len == 3 && len == (int)strlen(small) &&
	   !strncmp(small, text, len), "%s: a range is cut where there is no room", knob->name);
}

static void set_defaults(struct pshare_knobs *knobs)
{
	unsigned int i;

	memset(knobs, 0xff, sizeof(*knobs));
	for (i = 0; i < pshare_nr_knobs; i++)
		pshare_knob_set(knobs, &pshare_knob_table[i], pshare_knob_table[i].def);
}

static bool check_says(const struct pshare_knob *knob, u64 value)
{
	struct pshare_knobs knobs;

	set_defaults(&knobs);
	pshare_knob_set(&knobs, knob, value);
	memset(&ack, 0, sizeof(ack));
	return pshare_knobs_check(&knobs, &ack) == -ERANGE &&
	       pshare_knobs_check(&knobs, NULL) == -ERANGE && says_why(knob);
}

static void test_check(void)
{
	struct pshare_knobs knobs;
	unsigned int i;

	set_defaults(&knobs);
	ok(!pshare_knobs_check(&knobs, &ack), "all defaults together are good");
	for (i = 0; i < pshare_nr_knobs; i++) {
		const struct pshare_knob *knob = &pshare_knob_table[i];

		ok(check_says(knob, knob->max + 1) && check_says(knob, ~0ULL) &&
		   (!knob->min || check_says(knob, knob->min - 1)),
		   "among several, %s is found out of its range", knob->name);
	}
}

/* The named members are what the rows point to. */
static void test_places(void)
{
	struct pshare_knobs knobs;

	set_defaults(&knobs);
	ok(knobs.run == PSHARE_RUN_MERGE && knobs.scope == PSHARE_SCOPE_REGISTERED &&
	   knobs.cpu_percent == 20 && knobs.scan_threads == 1 && knobs.use_zero_pages == 1 &&
	   knobs.merge_across_nodes == 1 && knobs.max_frames == 0,
	   "the defaults are those that are promised");
	pshare_knob_set(&knobs, pshare_knob_find("sample_lines"), 64);
	ok(knobs.sample_lines == 64 && *pshare_knob_value(&knobs, pshare_knob_find("sample_lines"))
	   == 64, "a knob is set by its name");
}

static void test_messages(void)
{
	refuses(pshare_knob_find("run"), "3", -ERANGE);
	ok(!strcmp(ack.text, "run is a number 0-2, not \"3\""), "a number is refused: %s",
	   ack.text);
	refuses(pshare_knob_find("thp"), "sometimes\nor never", -EINVAL);
	ok(!strcmp(ack.text, "thp is one of: never auto always; not \"sometimes\""),
	   "a word is refused: %s", ack.text);
	refuses(pshare_knob_find("max_frames"), "123456789012345678901234567890", -ERANGE);
	ok(strstr(ack.text, "not \"12345678901234567890\""), "a long one is cut: %s", ack.text);
}

int main(void)
{
	unsigned int i;

	test_table();
	for (i = 0; i < pshare_nr_knobs; i++) {
		const struct pshare_knob *knob = &pshare_knob_table[i];

		test_row(knob);
		if (knob->words)
			test_words(knob);
		else
			test_number(knob);
		test_long_text(knob);
		test_print(knob);
	}
	test_check();
	test_places();
	test_messages();
	return tap_end();
}
