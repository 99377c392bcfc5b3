// SPDX-License-Identifier: GPL-2.0
/*
 * The daemon against the module and real processes: finding VMs, rules, settings that are read
 * again, and what it survives.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sched.h>

#include "daemon.h"
#include "fixture.h"

HOST_FIXTURE(daemon);

#define QEMU		"qemu-system-x86_64"
#define TAKE_ALL	"[pshared]\nmetrics = 127.0.0.1:9752\n[others]\nregister = yes\n"
#define MANY		1000
#define MANY_SECONDS	600
#define SHORT_LIVED	200
#define BURST		6000
#define TESTER		1000

static void start(struct __test_metadata *_metadata, struct host *host, struct daemon *daemon,
		  const char *settings)
{
	unlink(DAEMON_LEDGER);
	ASSERT_EQ(0, daemon_start(host, daemon, settings));
}

static void expect_stop(struct __test_metadata *_metadata, struct daemon *daemon)
{
	EXPECT_EQ(0, daemon_stop(daemon));
}

static unsigned int count_vms(void)
{
	struct host_info info;

	return stats_get(&info, false) ? ~0U : info.vms;
}

/* Waits until so many are registered. */
static unsigned int vms_settle(unsigned int wanted, unsigned int seconds)
{
	double end = deadline(seconds);
	unsigned int count;

	while ((count = count_vms()) != wanted && now() < end)
		pause_ms(50);
	return count;
}

/* Finding them */

HOST_TEST(daemon, a_vm_that_starts_is_registered_under_its_name)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t pid;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	pid = test_vm_start(&self->host, QEMU, "-name guest=web1,debug-threads=on -m 4G");
	ASSERT_EQ(pid, registered("web1", &info));
	EXPECT_EQ(process_start_time(pid), info.start_time);
	EXPECT_EQ(0, info.domain);
	EXPECT_EQ(100, info.weight);
	EXPECT_EQ(1, count_vms());
	expect_stop(_metadata, &daemon);
	EXPECT_EQ(pid, registered("web1", &info));
}

HOST_TEST(daemon, a_vm_that_runs_already_is_registered)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t pid = test_vm_start(&self->host, QEMU, "-name old");

	pause_ms(200);
	start(_metadata, &self->host, &daemon, TAKE_ALL);
	EXPECT_EQ(pid, registered("old", &info));
}

HOST_TEST(daemon, every_hypervisor_is_known_by_any_path_and_others_are_not)
{
	struct daemon daemon;
	struct vm_info info;
	char name[64];
	pid_t pid;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	pid = test_vm_start(&self->host, "qemu-kvm", "-accel tcg -name rhel");
	EXPECT_EQ(pid, registered("rhel", &info));
	pid = test_vm_start(&self->host, "kvm", "--name guest=pve");
	EXPECT_EQ(pid, registered("pve", &info));
	pid = test_vm_start(&self->host, "qemu-system-aarch64", "-m 1G");
	snprintf(name, sizeof(name), "qemu-system-aar-%d", pid);
	EXPECT_EQ(pid, registered(name, &info));
	pid = test_vm_start(&self->host, "cloud-hypervisor", "--api-socket /run/ch1.sock");
	EXPECT_EQ(pid, registered("ch1", &info));
	pid = test_vm_start(&self->host, "firecracker", "--api-sock /run/api.sock --id fc1");
	EXPECT_EQ(pid, registered("fc1", &info));
	EXPECT_EQ(5, count_vms());
	test_vm_start(&self->host, "qemu-img", "-name none");
	pid = test_vm_start(&self->host, QEMU, "-name last");
	EXPECT_EQ(pid, registered("last", &info));
	EXPECT_EQ(6, count_vms());
}

HOST_TEST(daemon, a_vm_that_ends_gives_its_name_to_the_next)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t pid;
	int turn;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	for (turn = 0; turn < 5; turn++) {
		pid = test_vm_start(&self->host, QEMU, "-name again");
		ASSERT_EQ(pid, registered("again", &info));
		test_vm_end(pid);
		EXPECT_TRUE(unregistered("again"));
	}
	EXPECT_EQ(0, metric_settles("pshared_vms{standing=\"registered\"}", 0));
}

HOST_TEST(daemon, two_vms_of_one_name_are_told_apart_by_their_pids)
{
	struct daemon daemon;
	struct vm_info info;
	char name[64];
	pid_t first, second;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	first = test_vm_start(&self->host, QEMU, "-name twin");
	ASSERT_EQ(first, registered("twin", &info));
	second = test_vm_start(&self->host, QEMU, "-name twin");
	snprintf(name, sizeof(name), "twin-%d", second);
	EXPECT_EQ(second, registered(name, &info));
	EXPECT_EQ(2, count_vms());
}

HOST_TEST(daemon, a_vm_that_becomes_another_program_is_one_no_more)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t pid;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	pid = test_vm_start(&self->host, QEMU, "-name changes -exec");
	ASSERT_EQ(pid, registered("changes", &info));
	kill(pid, SIGUSR1);
	EXPECT_TRUE(unregistered("changes"));
	EXPECT_EQ(0, metric_settles("pshared_vms{standing=\"registered\"}", 0));
	EXPECT_EQ(0, kill(pid, 0));
	EXPECT_EQ(0, count_vms());
}

HOST_TEST(daemon, a_vm_that_goes_into_the_background_stays_registered)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t pid;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	pid = test_vm_start(&self->host, QEMU, "-name back -daemonize");
	ASSERT_EQ(pid, registered("back", &info));
	kill(pid, SIGUSR1);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, metric_settles("pshared_vms{standing=\"new\"}", 0));
	ASSERT_NE(0, registered("back", &info));
	EXPECT_NE(pid, (pid_t)info.pid);
	EXPECT_EQ(1, count_vms());
	kill(info.pid, SIGKILL);
	wait_gone(info.pid);
}

/* Rules */

HOST_TEST(daemon, rules_say_what_is_done_with_a_vm)
{
	struct daemon daemon;
	struct vm_info info;

	start(_metadata, &self->host, &daemon,
	      TAKE_ALL
	      "[rule first]\nname = a-*\ndomain = 7\nweight = 300\nthp = never\n"
	      "[rule second]\nname = a-b*\ndomain = 8\n"
	      "[rule third]\nname = secret*\nregister = no\n");
	test_vm_start(&self->host, QEMU, "-name secret1");
	test_vm_start(&self->host, QEMU, "-name a-b");
	test_vm_start(&self->host, QEMU, "-name else");
	ASSERT_NE(0, registered("a-b", &info));
	EXPECT_EQ(7, info.domain);
	EXPECT_EQ(300, info.weight);
	EXPECT_EQ(PSHARE_THP_POLICY_NEVER, info.thp);
	ASSERT_NE(0, registered("else", &info));
	EXPECT_EQ(0, info.domain);
	EXPECT_EQ(1, metric_settles("pshared_vms{standing=\"left\"}", 1));
	EXPECT_EQ(2, count_vms());
}

HOST_TEST(daemon, without_a_rule_a_vm_is_left_alone_by_default)
{
	struct daemon daemon;
	struct vm_info info;

	start(_metadata, &self->host, &daemon,
	      "[pshared]\nmetrics = 127.0.0.1:9752\n[rule one]\nname = web*\n");
	test_vm_start(&self->host, QEMU, "-name other");
	test_vm_start(&self->host, QEMU, "-name web1");
	ASSERT_NE(0, registered("web1", &info));
	EXPECT_EQ(1, metric_settles("pshared_vms{standing=\"left\"}", 1));
	EXPECT_EQ(1, count_vms());
}

HOST_TEST(daemon, rules_count_also_when_the_module_takes_in_everybody)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t ruled, left;

	ruled = test_vm_start(&self->host, QEMU, "-name ruled");
	left = test_vm_start(&self->host, QEMU, "-name left");
	/* Nothing is merged: frames of processes that live on would be left at the end. */
	ASSERT_OK(knob_set("scope", "all", "run", "0"));
	while (vm_get(ruled, &info) || vm_get(left, &info))
		pause_ms(50);
	start(_metadata, &self->host, &daemon,
	      TAKE_ALL "[rule a]\nname = ruled\ndomain = 5\n"
	      "[rule b]\nname = left\nregister = no\n");
	ASSERT_EQ(ruled, registered("ruled", &info));
	EXPECT_EQ(5, info.domain);
	EXPECT_EQ(0, info.automatic);
	EXPECT_EQ(0, metric_settles("pshared_vms{standing=\"new\"}", 0));
	EXPECT_EQ(0, exclude_get(left, NULL));
	ASSERT_EQ(0, daemon_reload(&daemon, TAKE_ALL));
	EXPECT_EQ(left, registered("left", &info));
	EXPECT_EQ(ENOENT, exclude_get(left, NULL));
}

static pid_t start_as(struct host *host, uid_t user, const char *words)
{
	pid_t pid = fork(), vm;

	if (pid)
		return pid;
	if (setuid(user))
		_exit(127);
	vm = test_vm_start(host, QEMU, words);
	waitpid(vm, NULL, 0);
	_exit(0);
}

HOST_TEST(daemon, a_rule_may_be_for_the_vms_of_one_user)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t mine, theirs;

	start(_metadata, &self->host, &daemon,
	      "[pshared]\nmetrics = 127.0.0.1:9752\n[rule one]\nname = *\nuser = tester\ndomain = 3\n");
	mine = test_vm_start(&self->host, QEMU, "-name mine");
	theirs = start_as(&self->host, TESTER, "-name theirs");
	ASSERT_NE(0, registered("theirs", &info));
	EXPECT_EQ(3, info.domain);
	EXPECT_EQ(1, metric_settles("pshared_vms{standing=\"left\"}", 1));
	EXPECT_EQ(1, count_vms());
	kill(info.pid, SIGKILL);
	waitpid(theirs, NULL, 0);
	test_vm_end(mine);
}

/* Settings */

HOST_TEST(daemon, settings_that_are_read_again_are_done)
{
	struct daemon daemon;
	struct vm_info info;
	char value[64];
	pid_t one, two;

	start(_metadata, &self->host, &daemon, TAKE_ALL "[module]\ncpu_percent = 30\n");
	EXPECT_EQ(0, knob_get("cpu_percent", value, sizeof(value)));
	EXPECT_STREQ("30", value);
	one = test_vm_start(&self->host, QEMU, "-name one");
	two = test_vm_start(&self->host, QEMU, "-name two");
	ASSERT_EQ(one, registered("one", &info));
	ASSERT_EQ(two, registered("two", &info));
	ASSERT_EQ(0, daemon_reload(&daemon,
				   TAKE_ALL "[module]\ncpu_percent = 40\nthp = never\n"
				   "[rule one]\nname = one\ndomain = 5\nweight = 7\n"
				   "[rule two]\nname = two\nregister = no\n"));
	EXPECT_TRUE(unregistered("two"));
	EXPECT_EQ(1, metric_settles("pshared_vms{standing=\"left\"}", 1));
	ASSERT_EQ(one, registered("one", &info));
	EXPECT_EQ(5, info.domain);
	EXPECT_EQ(7, info.weight);
	EXPECT_EQ(0, knob_get("cpu_percent", value, sizeof(value)));
	EXPECT_STREQ("40", value);
	EXPECT_EQ(0, knob_get("thp", value, sizeof(value)));
	EXPECT_STREQ("never", value);
	ASSERT_EQ(0, daemon_reload(&daemon, TAKE_ALL));
	EXPECT_EQ(two, registered("two", &info));
	EXPECT_EQ(2, metric("pshared_reloads_total"));
	EXPECT_EQ(0, metric("pshared_reload_failures_total"));
}

HOST_TEST(daemon, wrong_settings_are_refused_as_a_whole_and_the_old_ones_stay)
{
	struct daemon daemon;
	struct vm_info info;
	char value[64];

	start(_metadata, &self->host, &daemon, TAKE_ALL "[module]\ncpu_percent = 30\n");
	ASSERT_EQ(0, daemon_reload(&daemon, TAKE_ALL "[module]\ncpu_percent = 40\nthp = often\n"));
	EXPECT_TRUE(daemon_says(&daemon, DAEMON_CONF ":7: thp is one of: never auto always"));
	EXPECT_TRUE(daemon_says(&daemon, "the settings stay as they were"));
	EXPECT_EQ(0, knob_get("cpu_percent", value, sizeof(value)));
	EXPECT_STREQ("30", value);
	EXPECT_EQ(1, metric("pshared_reload_failures_total"));
	test_vm_start(&self->host, QEMU, "-name taken");
	EXPECT_NE(0, registered("taken", &info));
}

/* Only the module knows that this cannot be while pages are shared. */
HOST_TEST(daemon, settings_that_the_module_refuses_are_refused_as_a_whole)
{
	struct daemon daemon;
	struct child a, b;
	char value[64];

	ASSERT_LT(0, host_pair(&self->host, &a, &b, 64, MEM_SMALL));
	start(_metadata, &self->host, &daemon, TAKE_ALL "[module]\ncpu_percent = 30\n");
	ASSERT_EQ(0, daemon_reload(&daemon, TAKE_ALL "[module]\ncpu_percent = 40\n"
				   "merge_across_nodes = 0\n"));
	EXPECT_TRUE(daemon_says(&daemon, "merge_across_nodes changes only after run=2"));
	EXPECT_EQ(0, knob_get("cpu_percent", value, sizeof(value)));
	EXPECT_STREQ("30", value);
	EXPECT_EQ(1, metric("pshared_reload_failures_total"));
}

HOST_TEST(daemon, a_wrong_file_ends_the_start_with_its_line)
{
	char log[1024];

	EXPECT_EQ(2, daemon_run("[pshared]\nsweep = 3\n", "--config", log, sizeof(log)));
	EXPECT_NE(NULL, strstr(log, DAEMON_CONF ":2: there is no setting sweep"))
		TH_LOG("%s", log);
	EXPECT_EQ(2, daemon_run("[pshared]\nsweep = 3\n", "--check", log, sizeof(log)));
	EXPECT_NE(NULL, strstr(log, DAEMON_CONF ":2: there is no setting sweep"));
	EXPECT_EQ(0, daemon_run(TAKE_ALL, "--check", log, sizeof(log)));
	EXPECT_STREQ("", log);
	EXPECT_EQ(2, daemon_run("", "--chek", log, sizeof(log)));
}

/* What it survives */

HOST_TEST(daemon, a_module_that_was_loaded_again_knows_all_vms_again)
{
	struct daemon daemon;
	struct vm_info info;
	char value[64];
	pid_t one, two;
	int turn;

	start(_metadata, &self->host, &daemon, TAKE_ALL "[module]\ncpu_percent = 30\n"
	      "[rule one]\nname = one\ndomain = 5\n");
	one = test_vm_start(&self->host, QEMU, "-name one");
	ASSERT_EQ(one, registered("one", &info));
	for (turn = 0; turn < 3; turn++) {
		ASSERT_EQ(0, module_unload());
		EXPECT_EQ(0, metric_settles("pshare_up", 0));
		ASSERT_EQ(0, module_load(NULL));
		ASSERT_EQ(one, registered("one", &info));
		EXPECT_EQ(5, info.domain);
		EXPECT_EQ(0, knob_get("cpu_percent", value, sizeof(value)));
		EXPECT_STREQ("30", value);
	}
	ASSERT_EQ(0, module_unload());
	two = test_vm_start(&self->host, QEMU, "-name two");
	test_vm_end(one);
	EXPECT_EQ(1, metric_settles("pshared_vms{standing=\"new\"}", 1));
	ASSERT_EQ(0, module_load(NULL));
	EXPECT_EQ(two, registered("two", &info));
	EXPECT_EQ(1, count_vms());
}

HOST_TEST(daemon, a_module_that_is_not_loaded_yet_is_waited_for)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t pid;

	ASSERT_EQ(0, module_unload());
	start(_metadata, &self->host, &daemon, TAKE_ALL "[module]\ncpu_percent = 30\n");
	EXPECT_TRUE(daemon_says(&daemon, "the module is not loaded"));
	pid = test_vm_start(&self->host, QEMU, "-name early");
	EXPECT_EQ(1, metric_settles("pshared_vms{standing=\"new\"}", 1));
	ASSERT_EQ(0, module_load(NULL));
	EXPECT_EQ(pid, registered("early", &info));
}

HOST_TEST(daemon, after_sigkill_vms_are_still_registered_and_none_twice)
{
	struct daemon daemon;
	struct vm_info before, after;
	pid_t one, two;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	one = test_vm_start(&self->host, QEMU, "-name one");
	ASSERT_EQ(one, registered("one", &before));
	daemon_kill(&daemon);
	EXPECT_EQ(1, count_vms());
	two = test_vm_start(&self->host, QEMU, "-name two");
	ASSERT_EQ(0, daemon_start(&self->host, &daemon,
				  TAKE_ALL "[rule one]\nname = one\ndomain = 9\n"));
	ASSERT_EQ(two, registered("two", &after));
	EXPECT_EQ(2, metric_settles("pshared_vms{standing=\"registered\"}", 2));
	ASSERT_EQ(one, registered("one", &after));
	EXPECT_EQ(before.id, after.id);
	/* It is its own: the rule is done. */
	EXPECT_EQ(9, after.domain);
	EXPECT_EQ(2, count_vms());
}

HOST_TEST(daemon, what_was_done_by_hand_is_respected)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t hand, gone;

	hand = test_vm_start(&self->host, QEMU, "-name hand");
	pause_ms(200);
	ASSERT_OK(vm_add(hand, "by-hand", 77));
	start(_metadata, &self->host, &daemon, TAKE_ALL);
	EXPECT_TRUE(daemon_says(&daemon, "registered already by somebody else as by-hand"));
	gone = test_vm_start(&self->host, QEMU, "-name gone");
	ASSERT_EQ(gone, registered("gone", &info));
	ASSERT_OK(vm_del(gone, false));
	EXPECT_TRUE(daemon_says(&daemon, "gone: its registration was ended by somebody else"));
	ASSERT_EQ(0, daemon_reload(&daemon, TAKE_ALL "[pshared2]\n"));
	ASSERT_EQ(0, daemon_reload(&daemon, "[pshared]\nsweep_seconds = 1\n"
				   "metrics = 127.0.0.1:9752\n[others]\nregister = yes\n"));
	pause_ms(2500);
	ASSERT_EQ(hand, registered("by-hand", &info));
	EXPECT_EQ(77, info.domain);
	EXPECT_EQ(1, count_vms());
	EXPECT_EQ(1, metric("pshared_vms{standing=\"foreign\"}"));
	EXPECT_EQ(1, metric("pshared_vms{standing=\"deleted\"}"));
}

TEST_F_TIMEOUT(daemon, a_thousand_vms, MANY_SECONDS)
{
	/* A tenth where the kernel is slow. */
	const int many = MANY / slowness();
	static pid_t pids[MANY];
	struct daemon daemon;
	char words[32];
	double begun;
	int i;

	/* The scanner would take most of the processors, and it is not what is tested. */
	ASSERT_OK(knob_set("run", "0"));
	for (i = 0; i < many / 2; i++) {
		snprintf(words, sizeof(words), "-name many%d", i);
		pids[i] = test_vm_start(&self->host, QEMU, words);
	}
	start(_metadata, &self->host, &daemon, TAKE_ALL);
	for (; i < many; i++) {
		snprintf(words, sizeof(words), "-name many%d", i);
		pids[i] = test_vm_start(&self->host, QEMU, words);
	}
	begun = now();
	EXPECT_EQ(many, vms_settle(many, 250));
	TH_LOG("all are registered %.1f s after the last has started", now() - begun);
	EXPECT_EQ(many, metric_settles("pshared_vms{standing=\"registered\"}", many));
	EXPECT_EQ(many, metric("pshare_vms"));
	daemon_kill(&daemon);
	ASSERT_EQ(0, daemon_start(&self->host, &daemon, TAKE_ALL));
	begun = now();
	EXPECT_EQ(many, metric_settles("pshared_vms{standing=\"registered\"}", many));
	TH_LOG("all are recognised %.1f s after the start", now() - begun);
	EXPECT_EQ(many, count_vms());
	for (i = 0; i < many; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < many; i++)
		waitpid(pids[i], NULL, 0);
	EXPECT_EQ(0, metric_settles("pshared_vms{standing=\"registered\"}", 0));
	EXPECT_EQ(0, vms_settle(0, 60));
	expect_stop(_metadata, &daemon);
}

HOST_TEST(daemon, vms_that_come_and_go_at_once_leave_nothing)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t pid;
	int i;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	for (i = 0; i < SHORT_LIVED; i++) {
		pid = test_vm_start(&self->host, QEMU, "-name brief -version");
		if (i % 2)
			kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	pid = test_vm_start(&self->host, QEMU, "-name stays");
	EXPECT_EQ(pid, registered("stays", &info));
	EXPECT_EQ(1, metric_settles("pshared_vms{standing=\"registered\"}", 1));
	EXPECT_EQ(0, metric_settles("pshared_vms{standing=\"new\"}", 0));
	EXPECT_EQ(0, metric("pshared_registration_failures_total"));
	EXPECT_EQ(1, count_vms());
}

static pid_t fork_with_pid(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

/* The daemon gets to hear of the VM when its pid is another process. */
HOST_TEST(daemon, a_reused_pid_is_another_process)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t pid, again;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	kill(daemon.pid, SIGSTOP);
	pid = test_vm_start(&self->host, QEMU, "-name first");
	pause_ms(500);
	test_vm_end(pid);
	again = fork_with_pid(pid);
	if (!again) {
		pause();
		_exit(0);
	}
	ASSERT_EQ(pid, again);
	kill(daemon.pid, SIGCONT);
	EXPECT_NE(0, test_vm_start(&self->host, QEMU, "-name second"));
	EXPECT_NE(0, registered("second", &info));
	EXPECT_EQ(1, count_vms());
	test_vm_end(again);
}

/* Only forks: execs would take minutes here. */
static void make_a_burst(void)
{
	int i;

	for (i = 0; i < BURST; i++) {
		pid_t pid = vfork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

HOST_TEST(daemon, a_vm_is_found_though_events_were_lost)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t pid;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	kill(daemon.pid, SIGSTOP);
	make_a_burst();
	pid = test_vm_start(&self->host, QEMU, "-name missed");
	pause_ms(500);
	kill(daemon.pid, SIGCONT);
	EXPECT_EQ(pid, registered("missed", &info));
	EXPECT_LT(0, metric("pshared_lost_events_total"));
}

/* Metrics */

/* scripts/check gives what stands behind "#metrics " to promtool. */
static void show_metrics(char *text)
{
	char *save = NULL, *line = strstr(text, "\r\n\r\n");

	for (line = strtok_r(line, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
		printf("#metrics %s\n", line);
	fflush(stdout);
}

HOST_TEST(daemon, metrics_are_served_on_the_loopback_interface)
{
	static char text[1 << 20];
	struct daemon daemon;
	struct child a, b;
	struct vm_info info;

	ASSERT_LT(0, host_pair(&self->host, &a, &b, 64, MEM_SMALL));
	start(_metadata, &self->host, &daemon, TAKE_ALL "[rule w]\nname = w*\ndomain = 4\n");
	test_vm_start(&self->host, QEMU, "-name w\"\\{1}");
	ASSERT_NE(0, registered("w\"\\{1}", &info));
	EXPECT_EQ(3, metric("pshare_vms"));
	EXPECT_EQ(1, metric("pshare_up"));
	EXPECT_EQ(64 * 4096, metric_settles("pshare_sharing_bytes", 64 * 4096));
	EXPECT_EQ(64 * 4096, metric("pshare_vm_frame_bytes{vm=\"a\",domain=\"0\"}"));
	EXPECT_EQ(0, metric("pshare_vm_frame_bytes{vm=\"w\\\"\\\\{1}\",domain=\"4\"}"));
	ASSERT_EQ(200, http_get("GET", "/metrics", text, sizeof(text)));
	show_metrics(text);
	EXPECT_EQ(200, http_get("HEAD", "/metrics", text, sizeof(text)));
	EXPECT_EQ(404, http_get("GET", "/", text, sizeof(text)));
	EXPECT_EQ(405, http_get("POST", "/metrics", text, sizeof(text)));
	ASSERT_EQ(0, module_unload());
	EXPECT_EQ(0, metric_settles("pshare_up", 0));
	ASSERT_EQ(200, http_get("GET", "/metrics", text, sizeof(text)));
	EXPECT_EQ(NULL, strstr(text, "\npshare_vms "));
	ASSERT_EQ(0, daemon_reload(&daemon, "[pshared]\nmetrics = off\n"));
	EXPECT_EQ(0, http_get("GET", "/metrics", text, sizeof(text)));
	expect_stop(_metadata, &daemon);
}

HOST_TEST(daemon, those_who_do_not_finish_their_request_keep_nobody_waiting)
{
	struct daemon daemon;
	struct vm_info info;
	int fds[8];
	size_t i;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	for (i = 0; i < 8; i++) {
		fds[i] = http_connect();
		ASSERT_LE(0, fds[i]);
		ASSERT_LT(0, dprintf(fds[i], "GET /metr"));
	}
	EXPECT_EQ(1, metric("pshare_up"));
	test_vm_start(&self->host, QEMU, "-name meanwhile");
	EXPECT_NE(0, registered("meanwhile", &info));
	for (i = 0; i < 8; i++)
		close(fds[i]);
	expect_stop(_metadata, &daemon);
}

HOST_TEST(daemon, systemd_is_told_that_it_is_alive)
{
	struct daemon daemon;

	start(_metadata, &self->host, &daemon, TAKE_ALL);
	EXPECT_TRUE(daemon_notifies(&daemon, "WATCHDOG=1"));
	EXPECT_EQ(0, kill(daemon.pid, SIGTERM));
	EXPECT_TRUE(daemon_notifies(&daemon, "STOPPING=1"));
	expect_stop(_metadata, &daemon);
}

int main(int argc, char **argv)
{
	if (test_vm_main(argc, argv))
		return 0;
	return run_slowly(argc, argv);
}
