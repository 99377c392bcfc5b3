// SPDX-License-Identifier: GPL-2.0
/* pshare top in a real terminal, tmux, whose screen is read; and where there is no terminal. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"
#include "fixture.h"
#include "terminal.h"

HOST_FIXTURE(top);

#define PAGES		1024UL
#define SECONDS		30
static bool stands_above(const char *upper, const char *lower)
{
	double end = deadline(SECONDS);

	do {
		int first = line_of(upper), second = line_of(lower);

		if (first >= 0 && first < second)
			return true;
		pause_ms(100);
	} while (now() < end);
	fprintf(stderr, "# %s is not above %s:\n%s\n", upper, lower, screen);
	return false;
}

/* Two that share and a big one that does not. */
struct vms {
	struct child a, b, large;
};

static void start_vms(struct __test_metadata *_metadata, struct host *host, struct vms *vms)
{
	ASSERT_MOST(PAGES, host_pair(host, &vms->a, &vms->b, PAGES, MEM_SMALL));
	ASSERT_OK(host_filled(host, &vms->large, "large", 4 * PAGES, MEM_SMALL, 99, 0));
}

static void expect_ended(struct __test_metadata *_metadata, const char *mode)
{
	char after[1024];

	EXPECT_TRUE(screen_shows("ready:"));
	EXPECT_EQ(NULL, strstr(screen, "BROKEN/S"));
	terminal_mode(after, sizeof(after));
	EXPECT_STREQ(mode, after);
	shell(after, sizeof(after), TMUX "display-message -p '#{alternate_on}#{cursor_flag}'");
	EXPECT_STREQ("01\n", after);
}

TERMINAL_TEST(top, a_terminal_shows_a_table_and_is_sorted_by_keys)
{
	char mode[1024];
	struct vms vms;

	start_vms(_metadata, &self->host, &vms);
	ASSERT_TRUE(open_terminal("sh"));
	terminal_mode(mode, sizeof(mode));
	press("'pshare top -w 1' Enter");
	ASSERT_TRUE(screen_shows("BROKEN/S"));
	EXPECT_TRUE(screen_shows("pshare running  VMs 3  saved 4.0 MiB"));
	EXPECT_TRUE(screen_shows("SAVED*"));
	EXPECT_TRUE(stands_above("a", "large"));
	EXPECT_TRUE(screen_shows("4.0M    4.0M"));
	EXPECT_TRUE(screen_shows("#"));
	press("r");
	EXPECT_TRUE(screen_shows("RESIDEN*"));
	EXPECT_TRUE(stands_above("large", "a"));
	press("R");
	EXPECT_TRUE(stands_above("a", "large"));
	press("n");
	EXPECT_TRUE(screen_shows("NAME*"));
	EXPECT_TRUE(stands_above("b", "large"));
	/* Rates come with the second table. */
	EXPECT_TRUE(screen_shows("0   0.0% active"));
	press("q");
	expect_ended(_metadata, mode);
	close_terminal();
}

/* A line in 80 columns is none in 40; each of the screen is filled by one. */
static bool screen_has_size(int columns, int lines)
{
	char size[32], expected[32];

	snprintf(expected, sizeof(expected), "%dx%d\n", columns, lines);
	shell(size, sizeof(size), TMUX "display-message -p '#{pane_width}x#{pane_height}'");
	return !strcmp(size, expected);
}

TERMINAL_TEST(top, it_follows_the_size_of_the_window)
{
	char unused[64];
	struct vms vms;

	start_vms(_metadata, &self->host, &vms);
	ASSERT_TRUE(open_terminal("sh"));
	press("'pshare top -w 3600' Enter");
	ASSERT_TRUE(screen_shows("q quit"));
	shell(unused, sizeof(unused), TMUX "resize-window -x 40 -y 10");
	ASSERT_TRUE(screen_has_size(40, 10));
	EXPECT_TRUE(screen_shows("R reverse  arrows\n"));
	EXPECT_TRUE(line_of("sort:") == 9);
	shell(unused, sizeof(unused), TMUX "resize-window -x 132 -y 30");
	EXPECT_TRUE(screen_shows("=shared"));
	EXPECT_TRUE(screen_shows("q quit"));
	EXPECT_TRUE(line_of("sort:") == 29);
	press("q");
	EXPECT_TRUE(screen_shows("ready:"));
	close_terminal();
}

static void kill_top(int signal)
{
	char pid[32];

	shell(pid, sizeof(pid), "pidof pshare");
	kill(atoi(pid), signal);
}

TERMINAL_TEST(top, every_end_gives_the_terminal_back)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	char mode[1024];
	struct vms vms;
	size_t i;

	start_vms(_metadata, &self->host, &vms);
	ASSERT_TRUE(open_terminal("sh"));
	terminal_mode(mode, sizeof(mode));
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		press("clear Enter 'pshare top' Enter");
		ASSERT_TRUE(screen_shows("BROKEN/S"));
		kill_top(signals[i]);
		expect_ended(_metadata, mode);
	}
	press("clear Enter 'pshare top' Enter");
	ASSERT_TRUE(screen_shows("BROKEN/S"));
	press("C-c");
	expect_ended(_metadata, mode);
	close_terminal();
}

TERMINAL_TEST(top, it_can_be_stopped_and_goes_on)
{
	char mode[1024];
	struct vms vms;

	start_vms(_metadata, &self->host, &vms);
	ASSERT_TRUE(open_terminal("sh"));
	terminal_mode(mode, sizeof(mode));
	press("'pshare top' Enter");
	ASSERT_TRUE(screen_shows("BROKEN/S"));
	press("C-z");
	expect_ended(_metadata, mode);
	press("fg Enter");
	EXPECT_TRUE(screen_shows("BROKEN/S"));
	press("q");
	expect_ended(_metadata, mode);
	close_terminal();
}

TERMINAL_TEST(top, an_error_is_told_on_the_screen_of_the_shell)
{
	char mode[1024];
	struct vms vms;

	start_vms(_metadata, &self->host, &vms);
	ASSERT_TRUE(open_terminal("sh"));
	terminal_mode(mode, sizeof(mode));
	press("'pshare top -w 1; echo code $?' Enter");
	ASSERT_TRUE(screen_shows("BROKEN/S"));
	ASSERT_EQ(0, module_unload());
	EXPECT_TRUE(screen_shows("the module is not loaded"));
	EXPECT_TRUE(screen_shows("code 3"));
	expect_ended(_metadata, mode);
	close_terminal();
	ASSERT_EQ(0, module_load(NULL));
}

HOST_TEST(top, without_a_terminal_it_prints_a_table_for_each_interval)
{
	static const char *const columns[] = { "name", "pid", "state", NULL };
	struct run run = { 0 }, text = { 0 };
	struct vms vms;
	char *second;
	size_t shared;

	start_vms(_metadata, &self->host, &vms);
	ASSERT_OK(knob_set("run", "0"));
	ASSERT_EQ(0, run_pshare(&text, "top -n 2 -w 1 --sort name"));
	ASSERT_EQ(0, run_pshare(&run, "-j top -n 2 -w 1 --sort=name"));
	EXPECT_EQ(3, json_object_array_length(run.json));
	EXPECT_EQ(0, number_of(row_of(run.json, "name", "a"), "broken_per_second"));
	shared = frames_equal(vms.a.pid, vms.a.mem, vms.b.pid, vms.b.mem, PAGES);
	EXPECT_MOST(PAGES, shared);
	EXPECT_EQ(shared * PAGE_SIZE, number_of(row_of(run.json, "name", "a"), "saved_bytes"));
	EXPECT_EQ(NULL, strchr(text.out, '\033'));
	second = strstr(text.out, "\n\n");
	ASSERT_NE(NULL, second);
	EXPECT_TRUE(table_agrees(second + 2, run.json, columns));
	second[1] = '\0';
	EXPECT_TRUE(table_agrees(text.out, run.json, columns));
	EXPECT_EQ(EXIT_WRONG_USAGE, run_pshare(&run, "top -s nonsense"));
	EXPECT_EQ(EXIT_WRONG_USAGE, run_pshare(&run, "top -n 0"));
	EXPECT_EQ(EXIT_WRONG_USAGE, run_pshare(&run, "top -w 0"));
	run_free(&run);
	run_free(&text);
}

TEST_HARNESS_MAIN
