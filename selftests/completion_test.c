// SPDX-License-Identifier: GPL-2.0
/* Completion in a real bash, in a real terminal: what a Tab makes of what was typed. */
#include <stdlib.h>

#include "command.h"
#include "fixture.h"
#include "terminal.h"

HOST_FIXTURE(completion);

#define PAGES	16UL

/*
 * Types a line and a Tab, and a letter because spaces at an end are not seen; waits for what comes
 * of it, and gives the line up.
 */
static bool completes(const char *typed, const char *expected)
{
	char keys[128], line[128];
	bool good;

	press("C-u C-l");
	if (!screen_shows("ready:"))
		return false;
	snprintf(keys, sizeof(keys), "-l '%s'", typed);
	press(keys);
	press("Tab X");
	snprintf(line, sizeof(line), "ready:%sX", expected);
	good = screen_shows(line);
	press("C-u");
	return good;
}

/* Two Tabs list what is possible. */
static bool lists(const char *typed, const char *expected)
{
	char keys[128];

	press("C-u C-l");
	snprintf(keys, sizeof(keys), "-l '%s'", typed);
	press(keys);
	press("Tab Tab");
	return screen_shows(expected);
}

static bool open_bash(void)
{
	if (!open_terminal("bash --norc --noprofile -i"))
		return false;
	press("-l 'eval \"$(pshare completion bash)\"; clear; echo loaded'");
	press("Enter");
	return screen_shows("loaded");
}

TERMINAL_TEST(completion, a_tab_completes_commands_options_names_and_values)
{
	struct child a;

	ASSERT_OK(host_vm(&self->host, &a, "web-frontend", PAGES, MEM_SMALL));
	ASSERT_TRUE(open_bash());
	EXPECT_TRUE(completes("pshare stat", "pshare status "));
	EXPECT_TRUE(completes("pshare vm sh", "pshare vm show "));
	EXPECT_TRUE(completes("pshare vm show web", "pshare vm show web-frontend "));
	EXPECT_TRUE(completes("pshare vm add 1 --dom", "pshare vm add 1 --domain "));
	EXPECT_TRUE(completes("pshare vm add 1 --thp al", "pshare vm add 1 --thp always "));
	EXPECT_TRUE(completes("pshare vm set web-frontend th", "pshare vm set web-frontend thp="));
	EXPECT_TRUE(completes("pshare vm set web-frontend thp=au",
			      "pshare vm set web-frontend thp=auto "));
	EXPECT_TRUE(completes("pshare set cpu", "pshare set cpu_percent="));
	EXPECT_TRUE(completes("pshare set scope=al", "pshare set scope=all "));
	EXPECT_TRUE(completes("pshare get max", "pshare get max_frames "));
	EXPECT_TRUE(completes("pshare top -s sav", "pshare top -s saved_bytes "));
	EXPECT_TRUE(completes("pshare -j exclude li", "pshare -j exclude list "));
	EXPECT_TRUE(completes("pshare help doc", "pshare help doctor "));
	/* No candidate of its own: names of files. */
	EXPECT_TRUE(completes("pshare map web-frontend --svg /etc/pass",
			      "pshare map web-frontend --svg /etc/passwd "));
	EXPECT_TRUE(lists("pshare vm ", "add   del   list  set   show"));
	EXPECT_TRUE(lists("pshare set thp=", "always  auto    never"));
	close_terminal();
}

TERMINAL_TEST(completion, without_the_module_it_completes_what_it_knows)
{
	struct run run = { 0 };

	ASSERT_EQ(0, module_unload());
	ASSERT_TRUE(open_bash());
	EXPECT_TRUE(completes("pshare vm sh", "pshare vm show "));
	EXPECT_TRUE(completes("pshare vm show /etc/pass", "pshare vm show /etc/passwd "));
	close_terminal();
	EXPECT_EQ(0, run_pshare(&run, "completion bash -j"));
	EXPECT_STREQ("bash", text_of(run.json, "shell"));
	EXPECT_EQ(EXIT_WRONG_USAGE, run_pshare(&run, "completion fish"));
	EXPECT_TRUE(run_explains(&run, "no script for"));
	ASSERT_EQ(0, module_load(NULL));
	run_free(&run);
}

TEST_HARNESS_MAIN
