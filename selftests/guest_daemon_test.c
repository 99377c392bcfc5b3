// SPDX-License-Identifier: GPL-2.0
/* The daemon and real QEMU guests: found, named, merged, and gone. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon.h"
#include "fixture.h"

HOST_FIXTURE(guest_daemon);

#define GUEST_SECONDS	200
#define GUEST_MIB	128	/* in half of that a kernel may run out of memory while it boots */
#define SETTINGS	"[pshared]\nmetrics = 127.0.0.1:9752\n" \
			"[rule all]\nname = *\ndomain = 6\n"

/* The pid that the script prints is of a shell that becomes QEMU. */
static pid_t start_guest(struct host *host, const char *name)
{
	char command[128], line[32] = "";
	pid_t pid;
	FILE *out;

	snprintf(command, sizeof(command), "/usr/lib/pshare/guest %s %d guest_mb=20", name,
		 GUEST_MIB);
	out = popen(command, "r");
	if (!out || !fgets(line, sizeof(line), out) || pclose(out))
		return -1;
	pid = strtol(line, NULL, 10);
	host->children[host->nr_children++] = pid;
	return pid;
}

/* The end of what a guest, or QEMU, said. */
static const char *last_words(const char *name)
{
	static char text[16384];
	char path[64];

	snprintf(path, sizeof(path), "/tmp/guest-%s.log", name);
	if (read_file(path, text, sizeof(text)) || !*text) {
		snprintf(path, sizeof(path), "/tmp/guest-%s.out", name);
		if (read_file(path, text, sizeof(text)))
			return "nothing";
	}
	return strlen(text) > 800 ? text + strlen(text) - 800 : text;
}

/* Once both have the same kernel in memory. */
static double shared_in_time(void)
{
	double end = deadline(GUEST_SECONDS / 2), shared;

	while ((shared = metric("pshare_sharing_bytes")) <= 0 && now() < end)
		pause_ms(1000);
	return shared;
}

TEST_F_TIMEOUT(guest_daemon, real_guests_are_found_by_name_and_share, GUEST_SECONDS)
{
	struct daemon daemon;
	struct vm_info info;
	pid_t anna, bert;

	unlink(DAEMON_LEDGER);
	anna = start_guest(&self->host, "anna");
	ASSERT_LT(0, anna);
	ASSERT_EQ(0, daemon_start(&self->host, &daemon, SETTINGS));
	bert = start_guest(&self->host, "bert");
	ASSERT_EQ(anna, registered("anna", &info));
	EXPECT_EQ(6, info.domain);
	EXPECT_EQ(process_start_time(anna), info.start_time);
	ASSERT_EQ(bert, registered("bert", &info))
		TH_LOG("bert: %s", last_words("bert"));
	EXPECT_EQ(2, metric_settles("pshared_vms{standing=\"registered\"}", 2));
	EXPECT_LT(0, shared_in_time());
	kill(anna, SIGKILL);
	wait_gone(anna);
	EXPECT_TRUE(unregistered("anna"));
	EXPECT_EQ(1, metric_settles("pshared_vms{standing=\"registered\"}", 1));
	EXPECT_EQ(0, daemon_stop(&daemon));
	ASSERT_EQ(bert, registered("bert", &info))
		TH_LOG("bert: %s", last_words("bert"));
}

TEST_F_TIMEOUT(guest_daemon, a_guest_that_goes_into_the_background_is_found, GUEST_SECONDS)
{
	static const char command[] =
		"qemu-system-x86_64 -name guest=back -accel kvm -cpu host -m 32 -nodefaults "
		"-no-user-config -display none -S -daemonize -pidfile /tmp/guest-back.pid";
	struct daemon daemon;
	struct vm_info info;
	char text[32];
	pid_t pid;

	unlink(DAEMON_LEDGER);
	ASSERT_EQ(0, daemon_start(&self->host, &daemon, SETTINGS));
	ASSERT_EQ(0, system(command));
	ASSERT_EQ(0, read_file("/tmp/guest-back.pid", text, sizeof(text)));
	pid = strtol(text, NULL, 10);
	self->host.children[self->host.nr_children++] = pid;
	EXPECT_EQ(0, metric_settles("pshared_vms{standing=\"new\"}", 0));
	EXPECT_EQ(0, vm_get(pid, &info));
	EXPECT_EQ(0, strncmp(info.name, "back", 4));
	EXPECT_EQ(1, metric_settles("pshared_vms{standing=\"registered\"}", 1));
}

int main(int argc, char **argv)
{
	if (test_vm_main(argc, argv))
		return 0;
	return run_slowly(argc, argv);
}
