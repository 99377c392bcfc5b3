// SPDX-License-Identifier: GPL-2.0
/* Registration: who is refused and why, how a VM ends, races, ten thousand, and scope "all". */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/sched.h>

#include <netlink/netlink.h>
#include <netlink/genl/genl.h>

#include "fixture.h"

HOST_FIXTURE(add);

#define EVENT_SECONDS	20
#define RACES		200
#define MANY		10000
#define MANY_SECONDS	280

static void expect_message(struct __test_metadata *_metadata, const char *part)
{
	EXPECT_NE(NULL, strstr(last_extack(), part))
		TH_LOG("\"%s\" is not in \"%s\"", part, last_extack());
}

static unsigned int count_vms(void)
{
	struct host_info info;

	return stats_get(&info, false) ? ~0U : info.vms;
}

HOST_TEST(add, a_pid_that_is_gone_is_refused)
{
	struct child child;
	uint64_t start;

	ASSERT_EQ(0, child_start(&child, CHILD_SCAN_ALL));
	start = process_start_time(child.pid);
	child_kill(&child);
	EXPECT_EQ(ESRCH, vm_add_args(&(struct vm_args){ .pid = child.pid, .start_time = start }));
	expect_message(_metadata, "no process");
	EXPECT_EQ(0, count_vms());
}

HOST_TEST(add, a_process_that_has_ended_and_was_not_waited_for_is_refused)
{
	struct child child;
	siginfo_t info;

	ASSERT_EQ(0, child_start(&child, CHILD_SCAN_ALL));
	kill(child.pid, SIGKILL);
	ASSERT_EQ(0, waitid(P_PID, child.pid, &info, WEXITED | WNOWAIT));
	EXPECT_EQ(ESRCH, vm_add(child.pid, "zombie", 0));
	expect_message(_metadata, "ended");
	EXPECT_EQ(0, count_vms());
	child_kill(&child);
}

static pid_t fork_with_pid(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

/* The same pid, at once, for as long as both live in the same clock tick. */
static pid_t reuse_pid(pid_t pid, uint64_t start)
{
	double end = deadline(EVENT_SECONDS);
	pid_t again;

	do {
		again = fork_with_pid(pid);
		if (!again) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		if (again < 0 || process_start_time(again) != start)
			return again;
		kill(again, SIGKILL);
		waitpid(again, NULL, 0);
	} while (now() < end);
	return -1;
}

HOST_TEST(add, a_pid_that_was_reused_is_refused)
{
	struct vm_args args = { .name = "first" };
	struct child child;
	pid_t again;

	ASSERT_EQ(0, child_start(&child, CHILD_SCAN_ALL));
	args.pid = child.pid;
	args.start_time = process_start_time(child.pid);
	child_kill(&child);
	again = reuse_pid(args.pid, args.start_time);
	ASSERT_EQ(args.pid, again);
	EXPECT_EQ(ESRCH, vm_add_args(&args));
	expect_message(_metadata, "another process");
	EXPECT_EQ(0, count_vms());
	EXPECT_EQ(0, vm_add(again, "second", 0));
	kill(again, SIGKILL);
	waitpid(again, NULL, 0);
}

HOST_TEST(add, kernel_threads_are_refused)
{
	EXPECT_EQ(EOPNOTSUPP, vm_add(2, "kthreadd", 0));
	expect_message(_metadata, "kernel thread");
	EXPECT_EQ(0, count_vms());
}

static void *wait_for_end(void *unused)
{
	pause();
	return unused;
}

static long do_thread(struct child *self, const long *arg)
{
	static pthread_t thread;

	(void)self;
	(void)arg;
	return pthread_create(&thread, NULL, wait_for_end, NULL);
}

HOST_TEST(add, a_thread_that_is_no_process_is_refused)
{
	struct child child;
	char command[64];
	pid_t tid = 0;
	FILE *out;

	ASSERT_OK(host_child(&self->host, &child, CHILD_SCAN_ALL));
	ASSERT_EQ(0, child_call(&child, do_thread, 0, 0, 0, 0));
	snprintf(command, sizeof(command), "ls /proc/%d/task", child.pid);
	out = popen(command, "r");
	while (out && fscanf(out, "%d", &tid) == 1 && tid == child.pid)
		;
	pclose(out);
	ASSERT_NE(child.pid, tid);
	EXPECT_EQ(ESRCH, vm_add(tid, "thread", 0));
	EXPECT_LT(0, strlen(last_extack()));
	EXPECT_EQ(0, count_vms());
}

HOST_TEST(add, a_process_is_registered_once)
{
	struct vm_info info;
	struct child child;

	ASSERT_OK(host_vm(&self->host, &child, "once", 16, MEM_SMALL));
	EXPECT_EQ(EEXIST, vm_add(child.pid, "twice", 1));
	expect_message(_metadata, "once");
	EXPECT_EQ(EEXIST, vm_add(child.pid, "once", 0));
	EXPECT_EQ(1, count_vms());
	ASSERT_OK(vm_get(child.pid, &info));
	EXPECT_STREQ("once", info.name);
	EXPECT_EQ(0, info.domain);
	EXPECT_EQ(ENOENT, vm_get_name("twice", &info));
}

HOST_TEST(add, a_name_is_given_once)
{
	struct child a, b;
	struct vm_info info;

	ASSERT_OK(host_vm(&self->host, &a, "same", 16, MEM_SMALL));
	ASSERT_OK(host_vm(&self->host, &b, NULL, 16, MEM_SMALL));
	EXPECT_EQ(EEXIST, vm_add(b.pid, "same", 0));
	expect_message(_metadata, "same");
	ASSERT_OK(vm_get_name("same", &info));
	EXPECT_EQ(a.pid, info.pid);
	EXPECT_EQ(ENOENT, vm_get(b.pid, &info));
	/* Free again when its owner has left. */
	ASSERT_OK(vm_del(a.pid, false));
	ASSERT_OK(vm_add(b.pid, "same", 0));
}

HOST_TEST(add, what_was_given_is_shown_and_the_rest_has_defaults)
{
	struct vm_args args = {
		.name = "all of it", .have = HAVE_DOMAIN | HAVE_WEIGHT | HAVE_THP,
		.domain = UINT32_MAX, .weight = 1000, .thp = PSHARE_THP_POLICY_ALWAYS,
	};
	struct child a, b;
	struct vm_info info;
	char name[64], comm[32], path[64];

	ASSERT_OK(host_vm(&self->host, &a, NULL, 16, MEM_SMALL));
	ASSERT_OK(host_vm(&self->host, &b, NULL, 16, MEM_SMALL));
	args.pid = a.pid;
	args.start_time = process_start_time(a.pid);
	ASSERT_OK(vm_add_args(&args));
	ASSERT_OK(vm_get(a.pid, &info));
	EXPECT_STREQ(args.name, info.name);
	EXPECT_EQ(args.start_time, info.start_time);
	EXPECT_EQ(UINT32_MAX, info.domain);
	EXPECT_EQ(1000, info.weight);
	EXPECT_EQ(PSHARE_THP_POLICY_ALWAYS, info.thp);

	ASSERT_OK(vm_add(b.pid, NULL, 0));
	ASSERT_OK(vm_get(b.pid, &info));
	snprintf(path, sizeof(path), "/proc/%d/comm", b.pid);
	ASSERT_EQ(0, read_file(path, comm, sizeof(comm)));
	snprintf(name, sizeof(name), "%s-%d", comm, b.pid);
	EXPECT_STREQ(name, info.name);
	EXPECT_STREQ(comm, info.comm);
	EXPECT_EQ(100, info.weight);
	EXPECT_EQ(PSHARE_THP_POLICY_DEFAULT, info.thp);
	EXPECT_EQ(0, info.automatic);
	EXPECT_EQ(PSHARE_VM_STATE_ACTIVE, info.state);
}

/* What a request may get wrong by itself; @error, whatever else there is. */
static const struct {
	const char *what;
	struct vm_args args;
	int error;
} mistakes[] = {
	{ "empty name", { .name = "" }, EINVAL },
	{ "a name of digits", { .name = "123" }, EINVAL },
	{ "a name with a slash", { .name = "a/b" }, EINVAL },
	{ "a name with a space before", { .name = " a" }, EINVAL },
	{ "a name with a space behind", { .name = "a " }, EINVAL },
	{ "a name with a newline", { .name = "a\nb" }, EINVAL },
	{ "a name with another script", { .name = "\303\244" }, EINVAL },
	{ "a name of 64 characters", { .name =
		"a-name-that-is-longer-than-the-63-characters-that-a-name-may-has" }, EINVAL },
	{ "weight 0", { .have = HAVE_WEIGHT, .weight = 0 }, EINVAL },
	{ "weight 1001", { .have = HAVE_WEIGHT, .weight = 1001 }, EINVAL },
	{ "an unknown policy", { .have = HAVE_THP, .thp = 4 }, ERANGE },
	{ "what only vm-set knows", { .have = HAVE_PAUSED, .paused = 1 }, EINVAL },
	{ "what only vm-del knows", { .unmerge = true }, EINVAL },
	{ "a pid beyond all", { .pid = -1 }, EINVAL },
};

HOST_TEST(add, mistakes_in_the_request_are_refused_with_a_message)
{
	struct vm_args args;
	struct child child;
	size_t i;

	ASSERT_OK(host_vm(&self->host, &child, NULL, 16, MEM_SMALL));
	for (i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		args = mistakes[i].args;
		args.pid = args.pid ?: child.pid;
		args.start_time = process_start_time(child.pid);
		EXPECT_EQ(mistakes[i].error, vm_add_args(&args))
			TH_LOG("%s: %s", mistakes[i].what, last_extack());
		EXPECT_LT(0, strlen(last_extack()))
			TH_LOG("%s", mistakes[i].what);
	}
	args = (struct vm_args){ .pid = child.pid };
	EXPECT_EQ(EINVAL, vm_add_args(&args));
	expect_message(_metadata, "start time");
	args = (struct vm_args){ .start_time = 1 };
	EXPECT_EQ(EINVAL, vm_add_args(&args));
	expect_message(_metadata, "pid");
	EXPECT_EQ(0, count_vms());
}

HOST_TEST(add, requests_about_unknown_vms_are_refused)
{
	struct vm_args set = { .name = "nobody", .have = HAVE_WEIGHT, .weight = 1 };
	struct child a, b;
	struct vm_info info;

	ASSERT_OK(host_vm(&self->host, &a, "a", 16, MEM_SMALL));
	ASSERT_OK(host_vm(&self->host, &b, "b", 16, MEM_SMALL));
	EXPECT_EQ(ENOENT, vm_get(getpid(), &info));
	EXPECT_EQ(ENOENT, vm_get_name("nobody", &info));
	expect_message(_metadata, "nobody");
	EXPECT_EQ(ENOENT, vm_del(getpid(), false));
	EXPECT_EQ(ENOENT, vm_del_args(&(struct vm_args){ .name = "nobody" }));
	EXPECT_EQ(ENOENT, vm_set(&set));
	EXPECT_EQ(EINVAL, vm_set(&(struct vm_args){ .name = "a" }));
	expect_message(_metadata, "nothing to set");
	EXPECT_EQ(EINVAL, vm_del_args(&(struct vm_args){ .name = "a", .force = true }));
	EXPECT_EQ(EINVAL, vm_del_args(&(struct vm_args){ .name = "a", .pid = b.pid }));
	expect_message(_metadata, "two different");
	EXPECT_EQ(EINVAL, vm_del_args(&(struct vm_args){ .have = 0 }));
	EXPECT_EQ(2, count_vms());
}

HOST_TEST(add, a_vm_ends_with_its_process)
{
	struct event event;
	struct vm_info info;
	struct child a, b;

	ASSERT_MOST(64, host_pair(&self->host, &a, &b, 64, MEM_SMALL));
	child_kill(&a);
	ASSERT_EQ(0, events_wait(PSHARE_CMD_VM_EXIT_NTF, EVENT_SECONDS, &event));
	EXPECT_EQ(a.pid, event.pid);
	EXPECT_STREQ("a", event.name);
	EXPECT_EQ(ENOENT, vm_get(a.pid, &info));
	EXPECT_EQ(ENOENT, vm_get_name("a", &info));
	EXPECT_EQ(1, count_vms());
	EXPECT_EQ(-1, child_verify(&b, 0, 64, SEED_PAIR, 0));
	/* Its name is free at once. */
	ASSERT_OK(host_vm(&self->host, &a, "a", 16, MEM_SMALL));
}

static long do_exec(struct child *self, const long *arg)
{
	(void)self;
	(void)arg;
	execl("/bin/busybox", "sleep", "1000", NULL);
	return -errno;
}

HOST_TEST(add, a_vm_ends_when_its_process_becomes_another_program)
{
	struct event event;
	struct vm_info info;
	struct child a;

	ASSERT_OK(host_vm(&self->host, &a, "a", 64, MEM_SMALL));
	ASSERT_EQ(0, events_open());
	ASSERT_EQ(0, child_begin(&a, do_exec, 0, 0, 0, 0));
	ASSERT_EQ(0, events_wait(PSHARE_CMD_VM_EXIT_NTF, EVENT_SECONDS, &event));
	EXPECT_EQ(a.pid, event.pid);
	EXPECT_EQ(ENOENT, vm_get(a.pid, &info));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_get(a.pid, &info));
	ASSERT_OK(scan_vm_wait(a.pid));
}

static void spin(unsigned int turns)
{
	volatile unsigned int i;

	for (i = 0; i < turns; i++)
		;
}

/* Released by a byte, then, after a while, exec or exit while the other side registers it. */
static pid_t racer(int wait_fd, bool exec, unsigned int delay)
{
	pid_t pid = child_fork();
	char byte;

	if (pid)
		return pid;
	if (read(wait_fd, &byte, 1) != 1)
		_exit(1);
	spin(delay);
	if (exec)
		execl("/bin/busybox", "sleep", "1000", NULL);
	_exit(0);
}

/*
 * Now one of them is late and now the other, by more and more: which is faster by itself is
 * the host's choice. Return: the error of the add. The process is gone afterwards.
 */
static int race_once(int *pipe_fds, bool exec, unsigned int turn)
{
	unsigned int delay = turn / 2 % 25 * 4000;
	struct vm_args args = { .name = "racer" };
	int status, err;

	args.pid = racer(pipe_fds[0], exec, turn % 2 ? delay : 0);
	if (args.pid < 0)
		return errno;
	args.start_time = process_start_time(args.pid);
	if (write(pipe_fds[1], "x", 1) != 1)
		return errno;
	spin(turn % 2 ? 0 : delay);
	err = vm_add_args(&args);
	if (exec)
		kill(args.pid, SIGKILL);
	waitpid(args.pid, &status, 0);
	return err;
}

static void race(struct __test_metadata *_metadata, bool exec)
{
	unsigned int turn, added = 0, gone = 0;
	struct event event;
	int pipe_fds[2], err;

	ASSERT_EQ(0, pipe2(pipe_fds, O_CLOEXEC));
	ASSERT_EQ(0, events_open());
	for (turn = 0; turn < RACES; turn++) {
		err = race_once(pipe_fds, exec, turn);
		/* "Being killed" is what the kernel says of an address space that ends. */
		EXPECT_TRUE(!err || err == ESRCH || err == ECANCELED)
			TH_LOG("%s: %s", strerror(err), last_extack());
		gone += err == ESRCH;
		added += !err;
		if (!err)
			ASSERT_EQ(0, events_wait(PSHARE_CMD_VM_EXIT_NTF, EVENT_SECONDS, &event));
		ASSERT_EQ(0, count_vms());
	}
	TH_LOG("%u registered, %u gone before", added, gone);
	EXPECT_LT(0, added);
	if (!exec)
		EXPECT_LT(0, gone);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

HOST_TEST(add, a_process_may_exec_during_the_add)
{
	race(_metadata, true);
}

HOST_TEST(add, a_process_may_exit_during_the_add)
{
	race(_metadata, false);
}

/* How often a dump told of each pid. */
struct seen {
	unsigned char times[1 << 22];
	unsigned int n;
	bool interrupted;
};

static struct seen seen;

static void see(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attr = nlmsg_find_attr(hdr, GENL_HDRLEN, PSHARE_A_VM_PID);

	(void)arg;
	seen.interrupted |= hdr->nlmsg_flags & NLM_F_DUMP_INTR;
	if (attr && nla_get_u32(attr) < sizeof(seen.times))
		seen.times[nla_get_u32(attr)]++;
	seen.n++;
}

static int dump(void)
{
	memset(&seen, 0, sizeof(seen));
	return nl_run(nl_request(PSHARE_CMD_VM_GET, NLM_F_DUMP), see, NULL);
}

/* As small as processes can be: each only waits for its end. */
static pid_t fork_many(pid_t *pids, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		pids[i] = child_fork();
		if (pids[i] < 0)
			return i;
		if (!pids[i])
			for (;;)
				pause();
	}
	return count;
}

static void end_many(pid_t *pids, int count)
{
	int i;

	for (i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < count; i++)
		waitpid(pids[i], NULL, 0);
}

static void expect_all_seen_once(struct __test_metadata *_metadata, pid_t *pids, int count)
{
	int i, wrong = 0;

	for (i = 0; i < count; i++)
		wrong += seen.times[pids[i]] != 1;
	EXPECT_EQ(0, wrong);
}

/* While the list changes: whoever stays is told of once, whatever comes and goes. */
static void dump_while_it_changes(struct __test_metadata *_metadata, pid_t *pids, int count)
{
	pid_t other = child_fork();
	int i;

	if (!other)
		for (i = 0;; i++) {
			vm_add(pids[count - 1], NULL, 0);
			vm_del(pids[count - 1], false);
		}
	for (i = 0; i < 3; i++) {
		/* libnl tells of an interrupted dump by an error. */
		dump();
		EXPECT_LE(count - 1, seen.n);
		expect_all_seen_once(_metadata, pids, count - 1);
	}
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
}

static void expect_count(struct __test_metadata *_metadata, unsigned int count)
{
	double end = deadline(EVENT_SECONDS);

	while (count_vms() != count && now() < end)
		pause_ms(10);
	EXPECT_EQ(count, count_vms());
}

/* A debug kernel forks as many in ten minutes: a tenth of them there. */
TEST_F_TIMEOUT(add, ten_thousand_processes_are_registered_listed_and_let_go, MANY_SECONDS)
{
	static pid_t pids[MANY];
	long long before = meminfo_kb("MemAvailable");
	const int many = MANY / slowness();
	double start = now();
	int i, n;

	ASSERT_OK(knob_set("cpu_percent", "20"));
	n = fork_many(pids, many);
	ASSERT_EQ(many, n);
	TH_LOG("%d processes cost %lld KiB, %.1f s", n, before - meminfo_kb("MemAvailable"),
	       now() - start);
	for (i = 0; i < many; i++)
		ASSERT_OK(vm_add(pids[i], NULL, 0));
	EXPECT_EQ(many, count_vms());
	TH_LOG("registered after %.1f s", now() - start);
	ASSERT_OK(dump());
	EXPECT_EQ(many, seen.n);
	EXPECT_FALSE(seen.interrupted);
	expect_all_seen_once(_metadata, pids, many);
	TH_LOG("listed after %.1f s", now() - start);
	ASSERT_OK(vm_del(pids[many - 1], false));
	dump_while_it_changes(_metadata, pids, many);
	vm_del(pids[many - 1], false);
	for (i = 0; i < many / 2; i++)
		ASSERT_OK(vm_del(pids[i], false));
	EXPECT_EQ(many / 2 - 1, count_vms());
	end_many(pids, many);
	expect_count(_metadata, 0);
	TH_LOG("gone after %.1f s", now() - start);
	ASSERT_OK(dump());
	EXPECT_EQ(0, seen.n);
}

static long do_comm(struct child *self, const long *arg)
{
	(void)self;
	return prctl(PR_SET_NAME, arg) ? -errno : 0;
}

/* Four words of arguments have room for any command name. */
static void set_comm(struct child *child, const char *name)
{
	long words[4] = { 0 };

	memcpy(words, name, strlen(name));
	child_call(child, do_comm, words[0], words[1], words[2], words[3]);
}

static void make(struct __test_metadata *_metadata, struct host *host, struct child *child,
		 const char *comm)
{
	ASSERT_OK(host_filled(host, child, NULL, 64, MEM_SMALL, SEED_PAIR, 0));
	set_comm(child, comm);
}

static bool is_taken_in(struct child *child)
{
	struct vm_info info;

	return !vm_get(child->pid, &info) && info.automatic;
}

/* Unmerged before the end: what other processes of the host share is no leak. */
static void leave_scope_all(struct __test_metadata *_metadata)
{
	ASSERT_OK(knob_set("run", "2"));
	ASSERT_OK(knob_set("scope", "registered"));
}

HOST_TEST(add, scope_all_takes_everybody_in_but_those_excluded)
{
	struct child a, b, by_pid, by_name, own;
	struct vm_info info;

	make(_metadata, &self->host, &a, "worker");
	make(_metadata, &self->host, &b, "worker");
	make(_metadata, &self->host, &by_pid, "worker");
	make(_metadata, &self->host, &by_name, "left-alone");
	make(_metadata, &self->host, &own, "worker");
	ASSERT_OK(vm_add(own.pid, "own", 0));
	ASSERT_OK(exclude_add(by_pid.pid, NULL));
	ASSERT_OK(exclude_add(0, "left-alone"));
	EXPECT_EQ(0, exclude_get(by_pid.pid, NULL));
	EXPECT_EQ(0, exclude_get(0, "left-alone"));
	EXPECT_EQ(ENOENT, exclude_get(a.pid, NULL));
	EXPECT_EQ(EEXIST, exclude_add(0, "left-alone"));

	ASSERT_OK(knob_set("scope", "all"));
	EXPECT_TRUE(is_taken_in(&a));
	EXPECT_TRUE(is_taken_in(&b));
	EXPECT_EQ(ENOENT, vm_get(by_pid.pid, &info));
	EXPECT_EQ(ENOENT, vm_get(by_name.pid, &info));
	ASSERT_OK(vm_get(own.pid, &info));
	EXPECT_EQ(0, info.automatic);
	EXPECT_STREQ("own", info.name);

	ASSERT_OK(scan_vm_wait(a.pid));
	ASSERT_OK(scan_vm_wait(b.pid));
	EXPECT_MOST(64, frames_equal(a.pid, a.mem, b.pid, b.mem, 64));
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, by_pid.pid, by_pid.mem, 64));
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, by_name.pid, by_name.mem, 64));
	/* Excluded later, it is let go. */
	ASSERT_OK(exclude_add(b.pid, NULL));
	EXPECT_EQ(ENOENT, vm_get(b.pid, &info));
	EXPECT_EQ(-1, child_verify(&a, 0, 64, SEED_PAIR, 0));
	EXPECT_EQ(-1, child_verify(&b, 0, 64, SEED_PAIR, 0));

	leave_scope_all(_metadata);
	EXPECT_EQ(ENOENT, vm_get(a.pid, &info));
	EXPECT_EQ(0, vm_get(own.pid, &info));
	EXPECT_EQ(1, count_vms());
	EXPECT_EQ(0, exclude_del(0, "left-alone"));
	EXPECT_EQ(ENOENT, exclude_del(0, "left-alone"));
	EXPECT_EQ(0, exclude_del(by_pid.pid, NULL));
}

HOST_TEST(add, scope_all_finds_processes_that_come_later)
{
	double end = deadline(EVENT_SECONDS);
	struct event event = { 0 };
	struct child a;

	ASSERT_EQ(0, events_open());
	ASSERT_OK(knob_set("scope", "all"));
	make(_metadata, &self->host, &a, "late");
	while ((pid_t)event.pid != a.pid && now() < end)
		events_wait(PSHARE_CMD_VM_ADD_NTF, EVENT_SECONDS, &event);
	EXPECT_EQ(a.pid, event.pid);
	EXPECT_TRUE(is_taken_in(&a));
	leave_scope_all(_metadata);
	EXPECT_EQ(0, count_vms());
}

HOST_TEST(add, exclusions_are_refused_where_they_make_no_sense)
{
	EXPECT_EQ(EINVAL, exclude_add(0, NULL));
	EXPECT_LT(0, strlen(last_extack()));
	EXPECT_EQ(EINVAL, exclude_add(1, "init"));
	EXPECT_EQ(EINVAL, exclude_add(0, "a-name-of-more-than-15"));
	expect_message(_metadata, "15");
	EXPECT_EQ(EINVAL, exclude_add(0, ""));
	EXPECT_EQ(EINVAL, exclude_add(-1, NULL));
	EXPECT_EQ(ENOENT, exclude_del(0, "nobody"));
	EXPECT_EQ(ENOENT, exclude_get(0, "nobody"));
}

TEST_HARNESS_MAIN
