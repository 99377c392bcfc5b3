// SPDX-License-Identifier: GPL-2.0
/*
 * The counters have the same names, in the same order, wherever they are listed: in the module
 * (its table makes the files of sysfs), in the command, and in the specification of netlink.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/pshare.h>

#include "schema.h"
#include "tap.h"

#include "../../kmod/stats.h"

#define SPEC	"Documentation/netlink/specs/pshare.yaml"
#define ABI	"Documentation/ABI/testing/sysfs-kernel-mm-pshare"

static const struct {
	const char *name;
	int attr;
} counters[] = {
#define X(name, attr) { #name, PSHARE_A_COUNTERS_##attr },
	PSHARE_COUNTERS(X)
#undef X
};

static bool is_counter(size_t nr, const char *name)
{
	return nr < PSHARE_NR_COUNTERS && !strcmp(counters[nr].name, name);
}

/* netlink.c counts on attributes that follow one another in the order of the table. */
static void test_attributes(void)
{
	size_t i, wrong = 0;

	for (i = 0; i < PSHARE_NR_COUNTERS; i++)
		wrong += counters[i].attr != PSHARE_A_COUNTERS_PAD + 1 + (int)i;
	ok(!wrong, "the attributes of the counters are in the module's order");
	ok(PSHARE_NR_COUNTERS == PSHARE_A_COUNTERS_MAX - PSHARE_A_COUNTERS_PAD,
	   "every attribute has a counter");
}

static void test_command(void)
{
	size_t i, wrong = 0;

	for (i = 0; i < counter_fields.count; i++)
		if (!is_counter(i, counter_fields.rows[i].key) ||
		    counter_fields.rows[i].attr != counters[i].attr)
			wrong++;
	ok(!wrong && i == PSHARE_NR_COUNTERS, "the command has the module's counters");
}

/* The names of an attribute set, as C has them; ends with the next set. */
static size_t read_set(FILE *file, const char *set, char names[][64], size_t max)
{
	char line[256], word[64];
	bool inside = false;
	size_t n = 0, k;

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "    name: %63s", word) == 1 && strspn(line, " ") == 4)
			inside = !strcmp(word, set);
		else if (!strncmp(line, "operations:", 11))
			break;
		else if (inside && n < max && strspn(line, " ") == 8 &&
			 sscanf(line, " name: %63s", names[n]) == 1)
			n++;
	}
	for (k = 0; k < n; k++)
		for (char *c = names[k]; (c = strchr(c, '-')); )
			*c = '_';
	return n;
}

static void test_specification(void)
{
	static char names[PSHARE_NR_COUNTERS + 10][64];
	FILE *file = fopen(SPEC, "r");
	size_t n, i, wrong = 0;

	if (!file) {
		ok(false, "%s is there", SPEC);
		return;
	}
	n = read_set(file, "counters", names, ARRAY_SIZE(names));
	fclose(file);
	for (i = 1; i < n; i++)
		wrong += !is_counter(i - 1, names[i]);
	ok(n && !strcmp(names[0], "pad") && !wrong && n - 1 == PSHARE_NR_COUNTERS,
	   "the specification has the module's counters");
}

static void test_abi(void)
{
	char line[256], name[64];
	FILE *file = fopen(ABI, "r");
	size_t documented = 0, i;

	if (!file) {
		ok(false, "%s is there", ABI);
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "What: /sys/kernel/mm/pshare/%63s", name) != 1)
			continue;
		for (i = 0; i < PSHARE_NR_COUNTERS; i++)
			documented += is_counter(i, name);
	}
	fclose(file);
	ok(documented == PSHARE_NR_COUNTERS, "each has its file documented, once");
}

int main(void)
{
	test_attributes();
	test_command();
	test_specification();
	test_abi();
	return tap_end();
}
