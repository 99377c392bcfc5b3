// SPDX-License-Identifier: GPL-2.0
/* The command against the module: what it does, shows, refuses, and its exit codes. */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/sched.h>

#include "command.h"
#include "fixture.h"

HOST_FIXTURE(command);

#define PAGES		256UL
#define SECONDS		20
#define TESTER		1000
#define MAX_KNOBS	32
#define TWO_PASSES	2

static void expect(struct __test_metadata *_metadata, struct run *run, int code)
{
	bool is_monitor = strstr(run->line, "monitor");

	EXPECT_EQ(code, run->code)
		TH_LOG("pshare %s: \"%s\"", run->line, run->err);
	EXPECT_STREQ("", code == EXIT_DONE ? run->err : is_monitor ? "" : run->out);
}

/* Runs, and expects it to be done. */
#define DO(run, ...) do { \
	run_pshare(run, __VA_ARGS__); \
	expect(_metadata, run, EXIT_DONE); \
} while (0)

/* Runs, and expects it to fail with that code, and one line that has the text. */
#define REFUSED(run, exit_code, text, ...) do { \
	run_pshare(run, __VA_ARGS__); \
	expect(_metadata, run, exit_code); \
	EXPECT_TRUE(run_explains(run, text)); \
} while (0)

/* Two processes with the same content, not registered. */
static void twins(struct __test_metadata *_metadata, struct host *host, struct child *a,
		  struct child *b)
{
	ASSERT_OK(host_filled(host, a, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(host, b, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
}

static size_t equal(struct child *a, struct child *b)
{
	return frames_equal(a->pid, a->mem, b->pid, b->mem, PAGES);
}

static void expect_content(struct __test_metadata *_metadata, struct child *child)
{
	EXPECT_EQ(-1, child_verify(child, 0, PAGES, SEED_PAIR, 0));
}

HOST_TEST(command, vm_add_list_show_set_and_del_do_what_they_say)
{
	static const char *const columns[] = { "pid", "name", "state", "domain", "weight", "thp",
					       NULL };
	struct run run = { 0 }, text = { 0 };
	struct vm_info info;
	struct child a, b;

	twins(_metadata, &self->host, &a, &b);
	DO(&run, "vm add %d --name web1 --domain 7 --weight 200 --thp never", a.pid);
	EXPECT_NE(NULL, strstr(run.out, "web1"));
	ASSERT_OK(vm_get_name("web1", &info));
	EXPECT_EQ(a.pid, info.pid);
	EXPECT_EQ(7, info.domain);
	EXPECT_EQ(200, info.weight);
	EXPECT_EQ(PSHARE_THP_POLICY_NEVER, info.thp);
	DO(&run, "-j vm add %d", b.pid);
	EXPECT_EQ(b.pid, number_of(run.json, "pid"));
	EXPECT_EQ(process_start_time(b.pid), number_of(run.json, "start_time"));
	ASSERT_OK(vm_get(b.pid, &info));
	EXPECT_STREQ(info.name, text_of(run.json, "name"));

	DO(&run, "vm list -j");
	DO(&text, "vm list");
	EXPECT_EQ(2, json_object_array_length(run.json));
	EXPECT_TRUE(table_agrees(text.out, run.json, columns));
	EXPECT_EQ(a.pid, number_of(row_of(run.json, "name", "web1"), "pid"));

	DO(&run, "vm set web1 weight=5 paused=1 domain=3");
	ASSERT_OK(vm_get(a.pid, &info));
	EXPECT_EQ(5, info.weight);
	EXPECT_EQ(1, info.paused);
	EXPECT_EQ(3, info.domain);
	DO(&run, "-j vm set %d thp=always", a.pid);
	DO(&run, "vm show --json web1");
	DO(&text, "vm show %d", a.pid);
	EXPECT_TRUE(record_agrees(text.out, run.json));
	EXPECT_STREQ("always", text_of(run.json, "thp"));
	EXPECT_STREQ("paused", text_of(run.json, "state"));

	DO(&run, "vm del web1");
	EXPECT_STREQ("", run.out);
	EXPECT_EQ(ENOENT, vm_get(a.pid, &info));
	DO(&run, "-j vm del %d", b.pid);
	EXPECT_EQ(ENOENT, vm_get(b.pid, &info));
	run_free(&run);
	run_free(&text);
}

HOST_TEST(command, counters_of_a_vm_are_those_of_the_module)
{
	struct run run = { 0 };
	struct child a, b;
	struct vm_info info;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_OK(knob_set("run", "0"));
	DO(&run, "-j vm show a");
	ASSERT_OK(vm_get(a.pid, &info));
	EXPECT_EQ(info.counters.v[C(PAGES_SHARED)], number_of(run.json, "pages_shared"));
	EXPECT_EQ(info.counters.v[C(PAGES_SHARING)], number_of(run.json, "pages_sharing"));
	EXPECT_EQ(info.counters.v[C(MERGES)], number_of(run.json, "merges"));
	EXPECT_EQ(info.never[PSHARE_A_NEVER_MLOCKED],
		  number_of(run.json, "never_mlocked_bytes"));
	EXPECT_MOST(PAGES, number_of(run.json, "pages_sharing"));
	run_free(&run);
}

HOST_TEST(command, scan_wait_merges_and_unmerge_gives_back)
{
	struct run run = { 0 };
	struct child a, b;
	struct vm_info info;
	char value[64];
	int pass;

	twins(_metadata, &self->host, &a, &b);
	DO(&run, "vm add %d --name a", a.pid);
	DO(&run, "vm add %d --name b", b.pid);
	for (pass = 0; pass < TWO_PASSES; pass++)
		DO(&run, "-j scan --wait");
	EXPECT_LT(0, number_of(run.json, "cookie"));
	EXPECT_MOST(PAGES, equal(&a, &b));
	DO(&run, "status -j");
	EXPECT_MOST((long long)PAGES, number_of(run.json, "pages_sharing"));
	EXPECT_EQ(2, number_of(run.json, "vms"));

	DO(&run, "-j unmerge a");
	EXPECT_LE(PAGES, number_of(run.json, "unmerges"));
	EXPECT_EQ(0, equal(&a, &b));
	ASSERT_OK(vm_get(a.pid, &info));
	EXPECT_EQ(1, info.paused);
	REFUSED(&run, EXIT_FAILED, "paused=0", "scan a");
	DO(&run, "vm set a paused=0");
	for (pass = 0; pass < TWO_PASSES; pass++)
		DO(&run, "scan a --wait");
	EXPECT_NE(NULL, strstr(run.out, "merges"));
	EXPECT_MOST(PAGES, equal(&a, &b));

	DO(&run, "unmerge");
	EXPECT_EQ(0, equal(&a, &b));
	ASSERT_OK(knob_get("run", value, sizeof(value)));
	EXPECT_STREQ("2", value);
	REFUSED(&run, EXIT_FAILED, "run=1", "scan --wait");
	expect_content(_metadata, &a);
	expect_content(_metadata, &b);
	run_free(&run);
}

HOST_TEST(command, vm_del_keeps_what_is_shared_unless_told_to_unmerge)
{
	struct run run = { 0 };
	struct child a, b;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	DO(&run, "vm del a");
	EXPECT_MOST(PAGES, equal(&a, &b));
	DO(&run, "vm del b --unmerge");
	EXPECT_EQ(0, equal(&a, &b));
	expect_content(_metadata, &a);
	expect_content(_metadata, &b);
	run_free(&run);
}

/* The same moment in text and in JSON: nothing runs meanwhile. */
HOST_TEST(command, status_says_the_same_in_text_and_json_and_as_sysfs)
{
	struct run run = { 0 }, text = { 0 };
	char value[64];
	struct child a, b;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	DO(&run, "set run=0");
	DO(&run, "status -j");
	DO(&text, "status");
	EXPECT_TRUE(record_agrees(text.out, run.json));
	EXPECT_EQ(4096 * (number_of(run.json, "pages_sharing") + number_of(run.json, "zero_pages")),
		  number_of(run.json, "saved_bytes"));
	ASSERT_OK(read_file("/sys/kernel/mm/pshare/pages_sharing", value, sizeof(value)));
	EXPECT_EQ(strtoll(value, NULL, 10), number_of(run.json, "pages_sharing"));
	EXPECT_NE(NULL, strstr(text.out, "(stopped)"));
	run_free(&run);
	run_free(&text);
}

HOST_TEST(command, status_watch_repeats_until_it_is_interrupted)
{
	struct run run = { 0 };
	char *first;

	run_begin(&run, "status -j -w 1");
	ASSERT_TRUE(run_says(&run, "}\n{", SECONDS));
	kill(run.pid, SIGINT);
	run_end(&run);
	expect(_metadata, &run, EXIT_DONE);
	run_begin(&run, "status --watch=1");
	ASSERT_TRUE(run_says(&run, "\n\n", SECONDS));
	kill(run.pid, SIGTERM);
	run_end(&run);
	expect(_metadata, &run, EXIT_DONE);
	first = strstr(run.out, "version");
	EXPECT_NE(NULL, first);
	run_free(&run);
}

HOST_TEST(command, get_shows_every_knob_as_it_is)
{
	static const char *const columns[] = { "name", "value", "default", "range", NULL };
	struct knob_info knobs[MAX_KNOBS];
	struct run run = { 0 }, text = { 0 };
	unsigned int n, i;

	ASSERT_OK(knob_list(knobs, MAX_KNOBS, &n));
	DO(&run, "get -j");
	DO(&text, "get");
	EXPECT_TRUE(table_agrees(text.out, run.json, columns));
	ASSERT_EQ(n, json_object_array_length(run.json));
	for (i = 0; i < n; i++) {
		struct json_object *row = row_of(run.json, "name", knobs[i].name);

		EXPECT_STREQ(knobs[i].value, text_of(row, "value"));
		EXPECT_STREQ(knobs[i].def, text_of(row, "default"));
		EXPECT_STREQ(knobs[i].range, text_of(row, "range"));
		EXPECT_STREQ(knobs[i].unit, text_of(row, "unit"));
		EXPECT_STREQ(knobs[i].doc, text_of(row, "doc"));
	}
	DO(&run, "-j get thp run");
	EXPECT_EQ(2, json_object_array_length(run.json));
	run_free(&run);
	run_free(&text);
}

static void expect_knob(struct __test_metadata *_metadata, const char *name, const char *value)
{
	char text[64] = "";

	EXPECT_EQ(0, knob_get(name, text, sizeof(text)));
	EXPECT_STREQ(value, text);
}

HOST_TEST(command, set_takes_all_or_none_and_says_the_range)
{
	struct run run = { 0 };

	DO(&run, "set cpu_percent=37 thp=never");
	expect_knob(_metadata, "cpu_percent", "37");
	expect_knob(_metadata, "thp", "never");
	DO(&run, "-j set cpu_percent=38");
	expect_knob(_metadata, "cpu_percent", "38");
	REFUSED(&run, EXIT_FAILED, "run is a number 0-2", "set cpu_percent=40 run=3");
	REFUSED(&run, EXIT_FAILED, "never auto always", "set cpu_percent=40 thp=maybe");
	REFUSED(&run, EXIT_FAILED, "speed", "set cpu_percent=40 speed=1");
	REFUSED(&run, EXIT_FAILED, "twice", "set cpu_percent=40 cpu_percent=41");
	REFUSED(&run, EXIT_FAILED, "speed", "get speed");
	expect_knob(_metadata, "cpu_percent", "38");
	REFUSED(&run, EXIT_WRONG_USAGE, "KNOB=VALUE", "set cpu_percent=40 run");
	REFUSED(&run, EXIT_WRONG_USAGE, "KNOB=VALUE", "set cpu_percent=40 =1");
	REFUSED(&run, EXIT_WRONG_USAGE, "KNOB=VALUE", "set cpu_percent= run=1");
	expect_knob(_metadata, "cpu_percent", "38");
	run_free(&run);
}

HOST_TEST(command, regions_show_where_pages_are_shared)
{
	static const char *const columns[] = { "state", "present", "shared", "zero", "unshared",
					       NULL };
	struct run run = { 0 }, text = { 0 };
	long long shared = 0;
	struct child a, b;
	size_t i;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_OK(knob_set("run", "0"));
	DO(&run, "regions a -j");
	DO(&text, "regions %d", a.pid);
	EXPECT_TRUE(table_agrees(text.out, run.json, columns));
	for (i = 0; i < json_object_array_length(run.json); i++) {
		struct json_object *row = json_object_array_get_idx(run.json, i);

		if ((unsigned long)number_of(row, "addr") == (unsigned long)a.mem)
			shared = number_of(row, "shared");
	}
	EXPECT_MOST((long long)PAGES, shared);
	REFUSED(&run, EXIT_FAILED, "nobody", "regions nobody");
	run_free(&run);
	run_free(&text);
}

/* The letter of the map at an address. */
static char letter_at(const char *map, const void *mem)
{
	unsigned long addr = (unsigned long)mem, row = addr & ~(64 * HUGE_SIZE - 1);
	char label[32];
	const char *line;

	snprintf(label, sizeof(label), "%012lx  ", row);
	line = strstr(map, label);
	return line ? line[strlen(label) + (addr - row) / HUGE_SIZE] : '?';
}

HOST_TEST(command, map_shows_where_pages_are_shared)
{
	struct run run = { 0 }, text = { 0 };
	struct child a, b, alone;
	char picture[4096];

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_OK(host_filled(&self->host, &alone, "alone", PAGES, MEM_SMALL, 77, 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_OK(knob_set("run", "0"));
	DO(&text, "map a");
	EXPECT_EQ('#', letter_at(text.out, a.mem));
	EXPECT_NE(NULL, strstr(text.out, "shared or zero:  . none"));
	EXPECT_EQ(NULL, strchr(text.out, '\033'));
	DO(&text, "map alone");
	EXPECT_EQ('.', letter_at(text.out, alone.mem));
	DO(&run, "-j map alone");
	EXPECT_LE(PAGES, number_of(run.json, "pages_present"));
	EXPECT_EQ(0, number_of(run.json, "pages_shared"));
	EXPECT_EQ(HUGE_SIZE, number_of(run.json, "cell_bytes"));
	DO(&run, "map a --svg /tmp/a.svg -j");
	ASSERT_EQ(0, read_file("/tmp/a.svg", picture, sizeof(picture)));
	EXPECT_NE(NULL, strstr(picture, "<svg "));
	EXPECT_NE(NULL, strstr(picture, "memory of a<"));
	unlink("/tmp/a.svg");
	REFUSED(&run, EXIT_FAILED, "cannot write", "map a --svg /nowhere/a.svg");
	REFUSED(&run, EXIT_FAILED, "cannot write", "map a --svg /dev/full");
	REFUSED(&run, EXIT_FAILED, "nobody", "map nobody");
	run_free(&run);
	run_free(&text);
}

HOST_TEST(command, exclude_adds_lists_and_takes_back)
{
	static const char *const columns[] = { "pid", "name", NULL };
	struct run run = { 0 }, text = { 0 };
	struct child a;

	ASSERT_OK(host_child(&self->host, &a, CHILD_LOCK_REST));
	DO(&run, "exclude add %d", a.pid);
	DO(&run, "-j exclude add noisy");
	EXPECT_EQ(0, exclude_get(a.pid, NULL));
	EXPECT_EQ(0, exclude_get(0, "noisy"));
	DO(&run, "exclude list -j");
	DO(&text, "exclude list");
	EXPECT_TRUE(table_agrees(text.out, run.json, columns));
	EXPECT_EQ(2, json_object_array_length(run.json));
	REFUSED(&run, EXIT_FAILED, "already", "exclude add noisy");
	DO(&run, "exclude del noisy");
	DO(&run, "-j exclude del %d", a.pid);
	REFUSED(&run, EXIT_FAILED, "not excluded", "exclude del noisy");
	DO(&run, "exclude list -j");
	EXPECT_EQ(0, json_object_array_length(run.json));
	run_free(&run);
	run_free(&text);
}

static void cause_events(struct __test_metadata *_metadata, struct child *a, struct child *b)
{
	struct run run = { 0 };

	DO(&run, "set max_frames=16");
	DO(&run, "vm add %d --name first", a->pid);
	DO(&run, "vm add %d --name second", b->pid);
	DO(&run, "scan --wait");
	DO(&run, "scan --wait");
	DO(&run, "vm del first");
	run_free(&run);
	child_kill(b);
}

/* It listens when it has heard of something that is repeated until then. */
static void start_listening(struct run *monitor)
{
	struct run run = { 0 };

	do {
		run_pshare(&run, "scan");
	} while (!run_says(monitor, "\n", 1));
	run_free(&run);
}

HOST_TEST(command, monitor_tells_each_event_in_a_line)
{
	static const char *const names[] = { "vm_add", "scan", "limit", "vm_del", "vm_exit" };
	struct run json = { 0 }, text = { 0 };
	char pattern[64];
	struct child a, b;
	size_t i;

	twins(_metadata, &self->host, &a, &b);
	run_begin(&json, "monitor -j");
	run_begin(&text, "monitor");
	start_listening(&json);
	start_listening(&text);
	cause_events(_metadata, &a, &b);
	EXPECT_TRUE(run_says(&json, "vm_exit", SECONDS));
	EXPECT_TRUE(run_says(&text, "vm_exit", SECONDS));
	kill(json.pid, SIGINT);
	kill(text.pid, SIGTERM);
	run_end(&json);
	run_end(&text);
	expect(_metadata, &json, EXIT_DONE);
	expect(_metadata, &text, EXIT_DONE);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(pattern, sizeof(pattern), "\"event\":\"%s\"", names[i]);
		EXPECT_NE(NULL, strstr(json.out, pattern));
		EXPECT_NE(NULL, strstr(text.out, names[i]));
	}
	EXPECT_NE(NULL, strstr(text.out, "name first"));
	EXPECT_NE(NULL, strstr(json.out, "\"name\":\"second\""));
	run_free(&json);
	run_free(&text);
}

/* Events that the kernel had to drop because a process did not read them. */
static unsigned long dropped_for(pid_t pid)
{
	unsigned long drops, sum = 0;
	FILE *file = fopen("/proc/net/netlink", "re");
	char line[256];
	int port;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %*s %d %*s %*s %*s %*s %*s %lu", &port, &drops) == 2 &&
		    port == pid)
			sum += drops;
	if (file)
		fclose(file);
	return sum;
}

HOST_TEST(command, monitor_tells_that_events_were_lost_and_goes_on)
{
	struct run run = { 0 };
	struct child a, b;
	int i;

	twins(_metadata, &self->host, &a, &b);
	run_begin(&run, "monitor -j");
	start_listening(&run);
	kill(run.pid, SIGSTOP);
	for (i = 0; i < 20000 && !dropped_for(run.pid); i++) {
		ASSERT_OK(vm_add(a.pid, "flood", 0));
		ASSERT_OK(vm_del(a.pid, false));
	}
	EXPECT_LT(0, dropped_for(run.pid));
	kill(run.pid, SIGCONT);
	EXPECT_TRUE(run_says(&run, "\"event\":\"lost\"", SECONDS));
	/* What comes before it has read the rest may be lost, too. */
	for (i = 0; i < SECONDS && !run_says(&run, "\"name\":\"after\"", 1); i++) {
		ASSERT_OK(vm_add(b.pid, "after", 0));
		ASSERT_OK(vm_del(b.pid, false));
	}
	EXPECT_GT(SECONDS, i);
	kill(run.pid, SIGINT);
	run_end(&run);
	expect(_metadata, &run, EXIT_DONE);
	run_free(&run);
}

HOST_TEST(command, monitor_ends_when_the_module_goes)
{
	struct run run = { 0 };

	run_begin(&run, "monitor -j");
	start_listening(&run);
	ASSERT_EQ(0, module_unload());
	run_end(&run);
	expect(_metadata, &run, EXIT_NOT_LOADED);
	EXPECT_STREQ("unloaded", text_of(run.json, "event"));
	EXPECT_TRUE(run_explains(&run, "unloaded"));
	ASSERT_EQ(0, module_load(NULL));
	run_free(&run);
}

HOST_TEST(command, what_cannot_be_registered_is_refused_with_the_reason)
{
	struct run run = { 0 };
	struct child a, b;
	struct host_info info;

	twins(_metadata, &self->host, &a, &b);
	REFUSED(&run, EXIT_FAILED, "kernel thread", "vm add 2");
	REFUSED(&run, EXIT_FAILED, "no such process", "-j vm add 2147483647");
	DO(&run, "vm add %d --name once", a.pid);
	REFUSED(&run, EXIT_FAILED, "registered already, as once", "vm add %d --name other", a.pid);
	REFUSED(&run, EXIT_FAILED, "another VM has the name once", "vm add %d --name once", b.pid);
	REFUSED(&run, EXIT_FAILED, "no /", "vm add %d --name a/b", b.pid);
	REFUSED(&run, EXIT_WRONG_USAGE, "name", "vm add %d --name 123", b.pid);
	REFUSED(&run, EXIT_WRONG_USAGE, "weight", "vm add %d --weight 0", b.pid);
	REFUSED(&run, EXIT_WRONG_USAGE, "domain", "vm add %d --domain 4294967296", b.pid);
	REFUSED(&run, EXIT_WRONG_USAGE, "thp", "vm add %d --thp maybe", b.pid);
	child_kill(&b);
	REFUSED(&run, EXIT_FAILED, "no such process", "vm add %d", b.pid);
	REFUSED(&run, EXIT_FAILED, "no VM with pid", "vm show %d", b.pid);
	REFUSED(&run, EXIT_FAILED, "no VM named", "vm del nobody");
	REFUSED(&run, EXIT_FAILED, "no VM named", "vm set nobody weight=3");
	REFUSED(&run, EXIT_FAILED, "no VM named", "scan nobody --wait");
	REFUSED(&run, EXIT_FAILED, "no VM named", "unmerge nobody");
	ASSERT_OK(stats_get(&info, false));
	EXPECT_EQ(1, info.vms);
	run_free(&run);
}

/* Runs on until it opens a socket, which is after it has read the start time. */
static bool stop_at_socket(pid_t pid)
{
	struct __ptrace_syscall_info info;
	int status;

	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD);
	while (WIFSTOPPED(status) &&
	       ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0) {
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_socket)
			return true;
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		waitpid(pid, &status, 0);
	}
	return false;
}

static int trace_me(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? errno : 0;
}

static pid_t start_with_pid(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1,
	};
	pid_t child = syscall(SYS_clone3, &args, sizeof(args));

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

HOST_TEST(command, a_pid_that_is_reused_behind_its_back_is_refused)
{
	struct run run = { .become = trace_me };
	struct host_info info;
	struct child a;
	pid_t again;

	ASSERT_EQ(0, child_start(&a, CHILD_LOCK_REST));
	run_begin(&run, "vm add %d", a.pid);
	ASSERT_TRUE(stop_at_socket(run.pid));
	child_kill(&a);
	pause_ms(50);
	again = start_with_pid(a.pid);
	ASSERT_EQ(a.pid, again);
	ptrace(PTRACE_DETACH, run.pid, NULL, NULL);
	run_end(&run);
	expect(_metadata, &run, EXIT_FAILED);
	EXPECT_TRUE(run_explains(&run, "another process"));
	ASSERT_OK(stats_get(&info, false));
	EXPECT_EQ(0, info.vms);
	kill(again, SIGKILL);
	waitpid(again, NULL, 0);
	run_free(&run);
}

HOST_TEST(command, wrong_usage_does_nothing)
{
	static const char *const wrong[] = {
		"", "-j", "nonsense", "vm", "vm nonsense", "vm add", "vm add 1 2",
		"vm add 0", "vm add 1 --color red", "vm add 1 --name", "vm del", "vm del a b",
		"vm list a", "vm show", "vm set a", "vm set a weight", "vm set a speed=1",
		"vm set a weight=1 weight=2", "vm set a paused=2", "vm set a thp=x", "status a",
		"status -w", "status -w 0", "status -w 1x", "status -x", "set", "set run",
		"scan a b", "scan --wait=1", "scan --nonsense", "unmerge a b", "unmerge --force=1",
		"monitor a", "exclude", "exclude add", "exclude add 1 2", "exclude list 1",
		"regions", "map", "map a b", "map a --svg", "top a", "doctor a",
		"help nonsense", "--nonsense", "-x status",
		"vm show 99999999999",
	};
	struct run run = { 0 };
	struct host_info info;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		REFUSED(&run, EXIT_WRONG_USAGE, "pshare", "%s", wrong[i]);
	ASSERT_OK(stats_get(&info, false));
	EXPECT_EQ(0, info.vms);
	expect_knob(_metadata, "run", "1");
	run_free(&run);
}

/* A line of each command that needs the module. */
static const char *const needs_module[] = {
	"vm add 1", "vm del a", "vm list", "vm show a", "vm set a weight=1", "status",
	"status -w 1", "get", "set run=1", "scan", "scan --wait", "unmerge", "monitor",
	"exclude add a", "exclude del a", "exclude list", "regions a", "map a", "top",
};

#define NEEDS	(sizeof(needs_module) / sizeof(*needs_module))

HOST_TEST(command, without_the_module_it_says_how_to_load_it)
{
	struct run run = { 0 };
	size_t i;

	ASSERT_EQ(0, module_unload());
	for (i = 0; i < NEEDS; i++)
		REFUSED(&run, EXIT_NOT_LOADED, "modprobe pshare", "%s", needs_module[i]);
	run_pshare(&run, "doctor -j");
	EXPECT_EQ(EXIT_NOT_LOADED, run.code);
	EXPECT_STREQ("problem", text_of(row_of(run.json, "about", "module"), "finding"));
	DO(&run, "help -j");
	DO(&run, "help");
	DO(&run, "--version");
	DO(&run, "-j --version");
	ASSERT_EQ(0, module_load(NULL));
	run_free(&run);
}

static int become_tester(void)
{
	return setgroups(0, NULL) || setresgid(TESTER, TESTER, TESTER) ||
	       setresuid(TESTER, TESTER, TESTER) ? errno : 0;
}

HOST_TEST(command, without_privilege_it_says_who_may)
{
	struct run run = { .become = become_tester };
	size_t i;

	for (i = 0; i < NEEDS; i++)
		REFUSED(&run, EXIT_FAILED, "as root", "%s", needs_module[i]);
	REFUSED(&run, EXIT_FAILED, "as root", "doctor");
	DO(&run, "help");
	expect_knob(_metadata, "run", "1");
	run_free(&run);
}

static int write_to_full_device(void)
{
	return dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO) < 0 ? errno : 0;
}

HOST_TEST(command, output_that_cannot_be_written_is_a_failure)
{
	static const char *const lines[] = { "status", "-j status", "get", "help", "vm list" };
	struct run run = { .become = write_to_full_device };
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		REFUSED(&run, EXIT_FAILED, "cannot write", "%s", lines[i]);
	run_free(&run);
}

HOST_TEST(command, help_lists_what_there_is)
{
	struct run run = { 0 }, text = { 0 };
	static const char *const columns[] = { "command", NULL };

	DO(&run, "help -j");
	DO(&text, "help");
	EXPECT_TRUE(table_agrees(text.out, run.json, columns));
	DO(&run, "help vm -j");
	EXPECT_EQ(5, json_object_array_length(run.json));
	DO(&run, "vm add --help");
	EXPECT_NE(NULL, strstr(run.out, "--domain"));
	run_free(&run);
	run_free(&text);
}

TEST_HARNESS_MAIN
