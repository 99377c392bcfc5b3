// SPDX-License-Identifier: GPL-2.0
/*
 * Init of a guest: works on its memory and checks it, for ever, and says so once a round.
 *
 * Unknown words of the kernel command line come as environment variables:
 *   guest_name   in every line that is printed; seeds what is unique to this guest
 *   guest_mb     how much memory to work on (default: half of what there is)
 *   guest_equal, guest_zero, guest_hot   percent of it that is equal in all guests, zero, and
 *                rewritten every round (default 50, 10, 10); the rest is unique
 *   guest_pause_ms   rest between rounds (default 500)
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define PAGE_WORDS (PAGE_BYTES / sizeof(uint64_t))

struct part {
	const char *name;
	uint64_t seed;
	size_t first;
	size_t pages;
};

static uint64_t *memory;
static const char *guest = "?";

static unsigned long parameter(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : fallback;
}

/* One write a line: lines of the kernel may come between, never into one. */
static void say(const char *format, ...)
{
	char line[160];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (write(STDOUT_FILENO, line, length) < 0)
		_exit(1);
}

static uint64_t name_seed(const char *name)
{
	uint64_t seed = 0xcbf29ce484222325;

	for (; *name; name++)
		seed = (seed ^ (unsigned char)*name) * 0x100000001b3;
	return seed;
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The state that generates page i of a part; seed 0 means zeroes. */
static uint64_t page_state(uint64_t seed, size_t i)
{
	return seed ? (seed ^ (i + 1) * 0x9e3779b97f4a7c15) | 1 : 0;
}

static void fill_page(const struct part *part, size_t i)
{
	uint64_t *word = memory + (part->first + i) * PAGE_WORDS;
	uint64_t state = page_state(part->seed, i);
	size_t w;

	for (w = 0; w < PAGE_WORDS; w++)
		word[w] = next(&state);
}

static int check_page(const struct part *part, size_t i)
{
	const uint64_t *word = memory + (part->first + i) * PAGE_WORDS;
	uint64_t state = page_state(part->seed, i);
	size_t w;

	for (w = 0; w < PAGE_WORDS; w++) {
		uint64_t expected = next(&state);

		if (word[w] == expected)
			continue;
		say("guest %s CORRUPT %s page %zu word %zu: %016llx, expected %016llx\n", guest,
		    part->name, i, w, (unsigned long long)word[w], (unsigned long long)expected);
		return 1;
	}
	return 0;
}

static void fill(const struct part *part)
{
	size_t i;

	for (i = 0; i < part->pages; i++)
		fill_page(part, i);
}

static int check(const struct part *part)
{
	int bad = 0;
	size_t i;

	for (i = 0; i < part->pages; i++)
		bad |= check_page(part, i);
	return bad;
}

/* Breaks the sharing of one page a round: other content, checked, and the old content again. */
static int break_one(const struct part *part, unsigned long round)
{
	struct part other = *part;
	size_t i;
	int bad;

	if (!part->pages)
		return 0;
	i = round % part->pages;
	other.seed = name_seed(guest) + round;
	fill_page(&other, i);
	bad = check_page(&other, i);
	fill_page(part, i);
	return bad;
}

static void prepare_console(void)
{
	mkdir("/dev", 0755);
	mkdir("/proc", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	mount("proc", "/proc", "proc", 0, NULL);
	dup2(open("/dev/console", O_RDWR), STDOUT_FILENO);
}

static size_t pages_to_use(void)
{
	struct sysinfo info;
	unsigned long mb;

	sysinfo(&info);
	mb = parameter("guest_mb", info.totalram / 2 >> 20);
	return mb << 20 >> 12;
}

int main(void)
{
	unsigned long pause_ms = parameter("guest_pause_ms", 500), round;
	struct part parts[] = { { .name = "equal", .seed = 1 }, { .name = "zero" },
				{ .name = "hot" }, { .name = "unique" } };
	struct part *equal = &parts[0], *zero = &parts[1], *hot = &parts[2], *unique = &parts[3];
	size_t pages;
	int bad = 0;

	prepare_console();
	guest = getenv("guest_name") ?: "?";
	pages = pages_to_use();
	memory = mmap(NULL, pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (memory == MAP_FAILED) {
		say("guest %s cannot have %zu pages\n", guest, pages);
		pause();
	}

	equal->pages = pages * parameter("guest_equal", 50) / 100;
	zero->pages = pages * parameter("guest_zero", 10) / 100;
	hot->pages = pages * parameter("guest_hot", 10) / 100;
	unique->pages = pages - equal->pages - zero->pages - hot->pages;
	zero->first = equal->pages;
	hot->first = zero->first + zero->pages;
	unique->first = hot->first + hot->pages;
	unique->seed = name_seed(guest);
	hot->seed = unique->seed + 1;

	fill(equal);
	fill(hot);
	fill(unique);
	say("guest %s ready: %zu pages, %zu equal, %zu zero, %zu hot, %zu unique\n", guest, pages,
	    equal->pages, zero->pages, hot->pages, unique->pages);
	for (round = 1;; round++) {
		bad |= check(equal) | check(zero) | check(hot) | check(unique);
		bad |= break_one(equal, round) | break_one(zero, round);
		hot->seed++;
		fill(hot);
		say("guest %s round %lu %s\n", guest, round, bad ? "CORRUPT" : "ok");
		usleep(pause_ms * 1000);
	}
}
