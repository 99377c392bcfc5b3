// SPDX-License-Identifier: GPL-2.0
/* Counting equal contents: exact while there is room, and within the stated error beyond. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "tally.h"
#include "tap.h"
#include "util.h"

#define MIB	(1ull << 20)

/* The hash of a content, as good as any. */
static void add(struct tally *tally, unsigned int owner, uint64_t content, unsigned int copies)
{
	uint64_t low = content * 0x9e3779b97f4a7c15 + 1, high = low;

	high = (high ^ high >> 30) * 0xbf58476d1ce4e5b9;
	high = (high ^ high >> 27) * 0x94d049bb133111eb;
	high ^= high >> 31;
	while (copies--)
		tally_add(tally, owner, low, high);
}

static void test_exact(void)
{
	struct tally *tally = tally_new(MIB);
	static struct tally_sum sum;

	tally_sum(tally, &sum);
	ok(!sum.all_sharing && !sum.shared && !sum.error, "nothing is nothing");
	for (uint64_t i = 0; i < 100; i++) {
		add(tally, 0, i, 1);
		add(tally, 1, i + 50, 1);
		add(tally, 63, i + 90, 3);
	}
	tally_sum(tally, &sum);
	ok(sum.sharing[0] == 0 && sum.sharing[1] == 0 && sum.sharing[63] == 200,
	   "copies inside of one owner");
	ok(sum.common[0][1] == 50 && sum.common[0][63] == 10 && sum.common[1][63] == 60,
	   "contents that two have");
	ok(sum.common[1][0] == 0, "are counted on one side");
	/* 190 contents among 500 pages. */
	ok(sum.all_sharing == 500 - 190, "what all save");
	/* All of the last owner, and what the first two have in common. */
	ok(sum.shared == 100 + 40, "contents that are shared");
	ok(sum.halvings == 0 && sum.error == 0, "all was counted");
	tally_free(tally);
}

/* Many copies of few contents take the room of few. */
static void test_copies(void)
{
	struct tally *tally = tally_new(MIB);
	static struct tally_sum sum;

	for (uint64_t i = 0; i < 1000; i++)
		add(tally, i % 2, i % 10, 1000);
	tally_sum(tally, &sum);
	ok(sum.halvings == 0 && sum.all_sharing == 1000000 - 10 && sum.sharing[0] == 500000 - 5,
	   "a million copies of ten contents fit");
	tally_free(tally);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* A half of the contents is in both, a quarter twice in the second. */
static void test_sample(uint64_t contents, unsigned int least_halvings)
{
	struct tally *tally = tally_new(MIB);
	static struct tally_sum sum;
	uint64_t truth = contents / 2 + contents / 4;

	for (uint64_t i = 0; i < contents; i++) {
		add(tally, 0, i, 1);
		if (i % 2)
			add(tally, 1, i, 1);
		if (i % 4 == 1)
			add(tally, 1, i, 1);
	}
	tally_sum(tally, &sum);
	ok(sum.halvings >= least_halvings, "%llu contents: %u halvings",
	   (unsigned long long)contents, sum.halvings);
	ok(distance(sum.all_sharing, truth) <= sum.error, "%llu is %llu within %llu",
	   (unsigned long long)sum.all_sharing, (unsigned long long)truth,
	   (unsigned long long)sum.error);
	ok(sum.error < truth / 10, "which is not much");
	ok(distance(sum.common[0][1], contents / 2) <= sum.error, "nor is the error of a pair");
	tally_free(tally);
}

static struct area read_area(const char *first, const char *rest)
{
	struct area area;

	area_begin(first, &area);
	area_go_on("Size:               2048 kB\n", &area);
	area_go_on("Rss:                1024 kB\n", &area);
	area_go_on(rest, &area);
	return area;
}

static const struct {
	const char *first, *flags;
	bool mergeable;
} areas[] = {
	{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0", "rd wr mr mw me ac sd", true },
	{ "55d0c0000000-55d0c0021000 rw-p 00000000 00:00 0      [heap]", "rd wr ac", true },
	{ "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0      [stack]", "rd gd ac", true },
	{ "7f0000000000-7f0000200000 ---p 00000000 00:00 0      [anon:guest]", "mr mw", true },
	{ "7f0000000000-7f0000200000 rw-p 00000000 00:00 0", "rd wr lo ac", false },
	{ "7f0000000000-7f0000200000 rw-s 00000000 00:01 77     /dev/zero", "rd sh", false },
	{ "7f0000000000-7f0000200000 rw-p 00000000 08:01 77     /usr/lib/x", "rd wr", false },
	{ "7f0000000000-7f0000200000 rw-p 00000000 00:0f 77     /anon_hugepage", "rd ht", false },
	{ "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0      [vdso]", "rd ex", false },
	{ "7ffd00000000-7ffd00002000 r--p 00000000 00:00 0", "rd io dd", false },
	{ "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]", "ex", false },
	{ "800000000000-800000200000 rw-p 00000000 00:00 0", "rd wr", false },
	{ "7f0000200000-7f0000000000 rw-p 00000000 00:00 0", "rd wr", false },
	{ "7f0000000000-7f0000200000 rw-p", "rd wr", false },
	{ "7f0000000000-7f0000200000 rw 00000000 00:00 0", "rd wr", false },
	{ "", "rd wr", false },
};

static void test_areas(void)
{
	struct area area;
	char flags[64];

	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		snprintf(flags, sizeof(flags), "VmFlags: %s\n", areas[i].flags);
		ok(read_area(areas[i].first, flags).mergeable == areas[i].mergeable, "%s: %s",
		   areas[i].first, areas[i].flags);
	}
	ok(!read_area(areas[0].first, "Locked: 0 kB\n").mergeable, "without flags it is not taken");
	ok(!read_area(areas[0].first, "VmFlags: l").private ||
	   read_area(areas[0].first, "VmFlags: l").mergeable, "half a flag is none");
	area = read_area(areas[0].first, "VmFlags: rd\n");
	ok(area.start == 0x7f0000000000 && area.end == 0x7f0000200000 && area.rss_bytes == MIB,
	   "addresses and resident memory");
	ok(!area_begin("Rss:   4 kB\n", &area) && !area_begin("VmFlags: rd\n", &area) &&
	   !area_begin("\n", &area), "other lines begin no area");
}

int main(void)
{
	test_exact();
	test_copies();
	test_sample(20000, 0);
	test_sample(100000, 2);
	test_sample(1000000, 5);
	test_areas();
	return tap_end();
}
