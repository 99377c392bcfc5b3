// SPDX-License-Identifier: GPL-2.0
/* Requests and writes need CAP_SYS_ADMIN in the initial user namespace; reading files does not. */
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "fixture.h"

HOST_FIXTURE(privilege);

#define SYSFS	"/sys/kernel/mm/pshare/"
#define TESTER	1000

/* What a caller without privilege was told; in shared memory. */
static struct {
	int ready;
	unsigned int n;
	struct {
		int cmd;
		int flags;
		int error;
		char message[128];
	} answer[64];
	int events_error;
	int write_error;
	int read_error;
} *told;

static pid_t victim;

static void put_vm(struct nl_msg *msg, int pid_attr)
{
	nla_put_u32(msg, pid_attr, victim);
}

/* Requests that would be done, were it not for who asks. */
static struct nl_msg *valid_request(int cmd, int flags)
{
	struct nl_msg *msg = nl_request(cmd, flags);
	struct nlattr *nest;

	if (!msg || flags & NLM_F_DUMP)
		return msg;
	switch (cmd) {
	case PSHARE_CMD_VM_ADD:
		put_vm(msg, PSHARE_A_VM_PID);
		nla_put_u64(msg, PSHARE_A_VM_START_TIME, process_start_time(victim));
		break;
	case PSHARE_CMD_VM_DEL:
	case PSHARE_CMD_VM_GET:
	case PSHARE_CMD_UNMERGE:
		put_vm(msg, PSHARE_A_VM_PID);
		break;
	case PSHARE_CMD_VM_SET:
		put_vm(msg, PSHARE_A_VM_PID);
		nla_put_u32(msg, PSHARE_A_VM_WEIGHT, 1);
		break;
	case PSHARE_CMD_KNOB_SET:
		nest = nla_nest_start(msg, PSHARE_A_KNOBS_KNOB);
		nla_put_string(msg, PSHARE_A_KNOB_NAME, "cpu_percent");
		nla_put_string(msg, PSHARE_A_KNOB_VALUE, "3");
		nla_nest_end(msg, nest);
		break;
	case PSHARE_CMD_SCAN_GET:
		nla_put_u64(msg, PSHARE_A_SCAN_COOKIE, 1);
		break;
	case PSHARE_CMD_REGION_GET:
		put_vm(msg, PSHARE_A_REGION_PID);
		nla_put_u64(msg, PSHARE_A_REGION_ADDR, 0);
		break;
	case PSHARE_CMD_EXCLUDE_ADD:
	case PSHARE_CMD_EXCLUDE_DEL:
	case PSHARE_CMD_EXCLUDE_GET:
		put_vm(msg, PSHARE_A_EXCLUDE_PID);
		break;
	}
	return msg;
}

static const struct {
	int cmd;
	int flags;
} operations[] = {
	{ PSHARE_CMD_VM_ADD, 0 }, { PSHARE_CMD_VM_DEL, 0 }, { PSHARE_CMD_VM_SET, 0 },
	{ PSHARE_CMD_VM_GET, 0 }, { PSHARE_CMD_VM_GET, NLM_F_DUMP }, { PSHARE_CMD_KNOB_GET, 0 },
	{ PSHARE_CMD_KNOB_SET, 0 }, { PSHARE_CMD_STATS_GET, 0 }, { PSHARE_CMD_SCAN, 0 },
	{ PSHARE_CMD_SCAN_GET, 0 }, { PSHARE_CMD_UNMERGE, 0 }, { PSHARE_CMD_REGION_GET, 0 },
	{ PSHARE_CMD_REGION_GET, NLM_F_DUMP }, { PSHARE_CMD_EXCLUDE_ADD, 0 },
	{ PSHARE_CMD_EXCLUDE_DEL, 0 }, { PSHARE_CMD_EXCLUDE_GET, 0 },
	{ PSHARE_CMD_EXCLUDE_GET, NLM_F_DUMP },
};

static void ask_all(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		told->answer[i].cmd = operations[i].cmd;
		told->answer[i].flags = operations[i].flags;
		told->answer[i].error = nl_run(valid_request(operations[i].cmd,
							     operations[i].flags), NULL, NULL);
		snprintf(told->answer[i].message, sizeof(told->answer[i].message), "%s",
			 last_extack());
		told->n++;
	}
}

static void ask_everything(void)
{
	char text[64];

	ask_all();
	told->events_error = events_open();
	told->write_error = write_file(SYSFS "cpu_percent", "3");
	told->read_error = read_file(SYSFS "pages_shared", text, sizeof(text));
	told->ready = 1;
	_exit(0);
}

static int become_tester(void)
{
	return setgroups(0, NULL) || setresgid(TESTER, TESTER, TESTER) ||
	       setresuid(TESTER, TESTER, TESTER) ? errno : 0;
}

/* Root in all but this one capability. */
static int drop_sys_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return errno;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1U << CAP_SYS_ADMIN);
	return syscall(SYS_capset, &header, data) ? errno : 0;
}

/* Root of a user namespace, with every capability there, and root's files outside. */
static int become_root_of_a_namespace(void)
{
	int err;

	if (unshare(CLONE_NEWUSER))
		return errno;
	err = write_file("/proc/self/uid_map", "0 0 1");
	err = err ?: write_file("/proc/self/setgroups", "deny");
	err = err ?: write_file("/proc/self/gid_map", "0 0 1");
	return err ?: setresuid(0, 0, 0) ? errno : 0;
}

/* A socket that root has opened does not lend its privilege. */
static int become_tester_with_roots_socket(void)
{
	struct host_info info;
	int err = stats_get(&info, false);

	return err ?: become_tester();
}

static void run_as(struct __test_metadata *_metadata, struct host *host, int (*become)(void))
{
	struct child child;
	int status = 0;
	pid_t pid;

	ASSERT_OK(host_filled(host, &child, "victim", 16, MEM_SMALL, SEED_PAIR, 0));
	victim = child.pid;
	ASSERT_OK(knobs_default());
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
	ASSERT_NE(MAP_FAILED, told);
	pid = child_fork();
	if (!pid) {
		if (become())
			_exit(99);
		ask_everything();
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_EQ(1, told->ready);
}

static void expect_refused(struct __test_metadata *_metadata)
{
	struct vm_info info;
	char value[64];
	unsigned int i;

	ASSERT_EQ(sizeof(operations) / sizeof(*operations), told->n);
	for (i = 0; i < told->n; i++) {
		EXPECT_EQ(EPERM, told->answer[i].error)
			TH_LOG("command %d, flags %#x", told->answer[i].cmd,
			       told->answer[i].flags);
		EXPECT_NE(NULL, strstr(told->answer[i].message, "CAP_SYS_ADMIN"))
			TH_LOG("command %d, flags %#x: \"%s\"", told->answer[i].cmd,
			       told->answer[i].flags, told->answer[i].message);
	}
	EXPECT_EQ(EPERM, told->events_error);
	EXPECT_TRUE(told->write_error == EPERM || told->write_error == EACCES);
	EXPECT_EQ(0, told->read_error);
	/* Nothing of it was done. */
	ASSERT_OK(vm_get(victim, &info));
	EXPECT_EQ(100, info.weight);
	EXPECT_EQ(0, info.paused);
	EXPECT_EQ(ENOENT, exclude_get(victim, NULL));
	ASSERT_OK(knob_get("cpu_percent", value, sizeof(value)));
	EXPECT_STREQ("20", value);
	ASSERT_OK(knob_get("run", value, sizeof(value)));
	EXPECT_STREQ("1", value);
}

HOST_TEST(privilege, an_unprivileged_user_is_refused_everything)
{
	run_as(_metadata, &self->host, become_tester);
	expect_refused(_metadata);
	EXPECT_EQ(EACCES, told->write_error);
}

HOST_TEST(privilege, root_without_the_capability_is_refused_everything)
{
	run_as(_metadata, &self->host, drop_sys_admin);
	expect_refused(_metadata);
	EXPECT_EQ(EPERM, told->write_error);
}

HOST_TEST(privilege, root_of_a_user_namespace_is_refused_everything)
{
	run_as(_metadata, &self->host, become_root_of_a_namespace);
	expect_refused(_metadata);
	EXPECT_EQ(EPERM, told->write_error);
}

HOST_TEST(privilege, a_socket_of_roots_does_not_help)
{
	run_as(_metadata, &self->host, become_tester_with_roots_socket);
	expect_refused(_metadata);
}

/* Another network namespace does not even see the family. */
static int leave_the_network(void)
{
	return unshare(CLONE_NEWNET) ? errno : 0;
}

HOST_TEST(privilege, the_family_is_not_seen_from_another_network_namespace)
{
	unsigned int i;

	run_as(_metadata, &self->host, leave_the_network);
	for (i = 0; i < told->n; i++)
		EXPECT_EQ(ENODEV, told->answer[i].error);
	EXPECT_NE(0, told->events_error);
}

static int keep_sys_admin_only(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = 1U << CAP_SYS_ADMIN, .permitted = 1U << CAP_SYS_ADMIN },
	};
	int err;

	prctl(PR_SET_KEEPCAPS, 1);
	err = become_tester();
	return err ?: syscall(SYS_capset, &header, data) ? errno : 0;
}

HOST_TEST(privilege, the_capability_is_enough_without_being_root)
{
	unsigned int i;

	run_as(_metadata, &self->host, keep_sys_admin_only);
	for (i = 0; i < told->n; i++)
		EXPECT_NE(EPERM, told->answer[i].error)
			TH_LOG("command %d: %s", told->answer[i].cmd, told->answer[i].message);
	EXPECT_EQ(0, told->events_error);
}

TEST_HARNESS_MAIN
