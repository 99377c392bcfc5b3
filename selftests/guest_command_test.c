// SPDX-License-Identifier: GPL-2.0
/* The command and real QEMU: machines by their names, as people have them from libvirt. */
#include <stdlib.h>

#include "command.h"
#include "fixture.h"

HOST_FIXTURE(guest_command);

#define QEMU		"qemu-system-x86_64 -accel kvm -cpu host -m 32 -nodefaults " \
			"-no-user-config -display none -S"
#define QEMU_SECONDS	120

/* A machine that does not run: its name is what is wanted. */
static pid_t start_machine(struct host *host, const char *name)
{
	char command[256], file[64], text[32];
	pid_t pid;

	snprintf(file, sizeof(file), "/tmp/guest-command-%u.pid", host->nr_children);
	snprintf(command, sizeof(command), QEMU " -name %s -daemonize -pidfile %s", name, file);
	if (system(command) || read_file(file, text, sizeof(text)))
		return -1;
	pid = strtol(text, NULL, 10);
	host->children[host->nr_children++] = pid;
	return pid;
}

TEST_F_TIMEOUT(guest_command, real_machines_go_by_their_names, QEMU_SECONDS)
{
	struct run run = { 0 };
	struct vm_info info;
	pid_t plain, full;

	plain = start_machine(&self->host, "anna");
	full = start_machine(&self->host, "guest=bert,,b,debug-threads=on");
	ASSERT_LT(0, plain);
	ASSERT_LT(0, full);
	ASSERT_EQ(0, run_pshare(&run, "-j estimate anna bert,b"))
		TH_LOG("%s", run.err);
	EXPECT_LT(0, number_of(run.json, "saved_bytes"));
	ASSERT_EQ(0, run_pshare(&run, "-j vm add anna"));
	EXPECT_EQ(plain, number_of(run.json, "pid"));
	EXPECT_STREQ("anna", text_of(run.json, "name"));
	/* By its pid it has its own name, too. */
	ASSERT_EQ(0, run_pshare(&run, "-j vm add %d", full));
	EXPECT_STREQ("bert,b", text_of(run.json, "name"));
	ASSERT_EQ(0, run_pshare(&run, "vm set anna weight=3"));
	ASSERT_OK(vm_get(plain, &info));
	EXPECT_EQ(3, info.weight);
	ASSERT_EQ(0, run_pshare(&run, "vm del bert,b"));
	EXPECT_EQ(ENOENT, vm_get(full, &info));
	EXPECT_EQ(EXIT_FAILED, run_pshare(&run, "vm add carl"));
	EXPECT_TRUE(run_explains(&run, "no machine runs by this name"));
	run_free(&run);
}

TEST_HARNESS_MAIN
