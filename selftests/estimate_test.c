// SPDX-License-Identifier: GPL-2.0
/* pshare estimate against known content, and against what the module then merges. */
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "command.h"
#include "fixture.h"
#include "terminal.h"

HOST_FIXTURE(estimate);

#define PAGES		1024UL
#define MANY		24576UL
#define TESTER		1000
#define SECONDS		20

enum { SEED_A = 1, SEED_B = 11, SEED_C = 12 };

/*
 * Two processes of 1024 pages. The first: 512 contents, 128 zero pages, 128 of its own, and 256
 * again that it has already. The second: 256 of the first, and 768 of its own.
 */
static void start(struct __test_metadata *_metadata, struct host *host, struct child *a,
		  struct child *b)
{
	ASSERT_OK(host_filled(host, a, NULL, PAGES, MEM_SMALL, SEED_A, 0));
	ASSERT_EQ(0, child_fill(a, 512, 128, SEED_ZERO, 0));
	ASSERT_EQ(0, child_fill(a, 640, 128, SEED_B, 0));
	ASSERT_EQ(0, child_fill(a, 768, 256, SEED_A, 0));
	ASSERT_OK(host_filled(host, b, NULL, PAGES, MEM_SMALL, SEED_C, 0));
	ASSERT_EQ(0, child_fill(b, 0, 256, SEED_A, 0));
}

static struct json_object *part(struct run *run, const char *key, size_t i)
{
	return json_object_array_get_idx(json_object_object_get(run->json, key), i);
}

static void expect_numbers(struct __test_metadata *_metadata, struct run *run)
{
	struct json_object *a = part(run, "processes", 0), *b = part(run, "processes", 1);
	struct json_object *pair = part(run, "pairs", 0);

	EXPECT_EQ(PAGES, number_of(a, "pages_scanned"));
	EXPECT_EQ(128, number_of(a, "zero_pages"));
	EXPECT_EQ(256, number_of(a, "pages_sharing"));
	EXPECT_EQ(PAGES, number_of(b, "pages_scanned"));
	EXPECT_EQ(0, number_of(b, "zero_pages"));
	EXPECT_EQ(0, number_of(b, "pages_sharing"));
	EXPECT_EQ(256, number_of(pair, "pages_common"));
	EXPECT_EQ((512 + 128) * PAGE_SIZE, number_of(pair, "saved_bytes"));
	EXPECT_EQ(2 * PAGES, number_of(run->json, "pages_scanned"));
	EXPECT_EQ(256, number_of(run->json, "pages_shared"));
	EXPECT_EQ(512, number_of(run->json, "pages_sharing"));
	EXPECT_EQ(128, number_of(run->json, "zero_pages"));
	EXPECT_EQ((512 + 128) * PAGE_SIZE, number_of(run->json, "saved_bytes"));
	EXPECT_EQ(0, number_of(run->json, "error_bytes"));
	EXPECT_EQ(1, number_of(run->json, "sampled_one_of"));
}

HOST_TEST(estimate, it_finds_exactly_what_is_equal_and_what_the_module_then_merges)
{
	struct run run = { 0 };
	struct child a, b;

	start(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, run_pshare(&run, "-j estimate %d %d", a.pid, b.pid));
	expect_numbers(_metadata, &run);
	/* Nothing was merged, and nothing changed. */
	EXPECT_EQ(0, stat_now(C(PAGES_SHARED)));
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, 256));

	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(256, stat_settles(C(PAGES_SHARED), 256));
	EXPECT_EQ(512, stat_settles(C(PAGES_SHARING), 512));
	EXPECT_EQ(128, stat_settles(C(ZERO_PAGES), 128));
	/* What is shared already counts as what it saves. */
	ASSERT_EQ(0, run_pshare(&run, "-j estimate a b"));
	EXPECT_EQ(512, number_of(run.json, "pages_sharing"));
	EXPECT_EQ(-1, child_verify(&a, 0, 512, SEED_A, 0));
	run_free(&run);
}

HOST_TEST(estimate, it_works_without_the_module)
{
	struct run run = { 0 }, text = { 0 };
	struct child a, b;

	start(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, module_unload());
	EXPECT_EQ(0, run_pshare(&run, "estimate %d %d --json", a.pid, b.pid));
	expect_numbers(_metadata, &run);
	EXPECT_EQ(0, run_pshare(&text, "estimate %d %d", a.pid, b.pid));
	EXPECT_NE(NULL, strstr(text.out, "saved_bytes     2.5 MiB\n"));
	EXPECT_NE(NULL, strstr(text.out, "SAVED TOGETHER"));
	EXPECT_EQ(EXIT_NOT_LOADED, run_pshare(&run, "estimate --domain 0"));
	EXPECT_TRUE(run_explains(&run, "modprobe"));
	ASSERT_EQ(0, module_load(NULL));
	run_free(&run);
	run_free(&text);
}

HOST_TEST(estimate, a_domain_is_all_vms_in_it)
{
	struct run run = { 0 };
	struct child a, b;

	start(_metadata, &self->host, &a, &b);
	ASSERT_OK(knob_set("run", "0"));
	ASSERT_OK(vm_add(a.pid, "a", 3));
	ASSERT_OK(vm_add(b.pid, "b", 4));
	ASSERT_EQ(0, run_pshare(&run, "-j estimate --domain 3"));
	EXPECT_EQ(256, number_of(run.json, "pages_sharing"));
	ASSERT_EQ(0, run_pshare(&run, "-j estimate --domain=3 b"));
	EXPECT_EQ(512, number_of(run.json, "pages_sharing"));
	EXPECT_EQ(EXIT_FAILED, run_pshare(&run, "estimate --domain 5"));
	EXPECT_TRUE(run_explains(&run, "no VM is registered in domain 5"));
	run_free(&run);
}

HOST_TEST(estimate, what_can_never_be_merged_is_not_counted)
{
	struct run run = { 0 };
	struct child shared, locked, huge, usual;

	ASSERT_OK(host_set(&self->host, "/proc/sys/vm/nr_hugepages", "4"));
	ASSERT_OK(host_filled(&self->host, &shared, NULL, PAGES, MEM_TMPFS, SEED_A, 0));
	ASSERT_OK(host_filled(&self->host, &locked, NULL, PAGES, MEM_SMALL, SEED_A, 0));
	ASSERT_EQ(0, child_mlock(&locked, 0));
	ASSERT_OK(host_filled(&self->host, &huge, NULL, 2 * 512, MEM_HUGETLB, SEED_A, 0));
	ASSERT_OK(host_filled(&self->host, &usual, NULL, PAGES, MEM_SMALL, SEED_A, 0));
	ASSERT_EQ(0, run_pshare(&run, "-j estimate %d %d %d %d", shared.pid, locked.pid, huge.pid,
				usual.pid));
	EXPECT_EQ(0, number_of(part(&run, "processes", 0), "pages_scanned"));
	EXPECT_EQ(0, number_of(part(&run, "processes", 1), "pages_scanned"));
	EXPECT_EQ(0, number_of(part(&run, "processes", 2), "pages_scanned"));
	EXPECT_EQ(PAGES, number_of(part(&run, "processes", 3), "pages_scanned"));
	EXPECT_EQ(0, number_of(run.json, "saved_bytes"));
	EXPECT_EQ(6, json_object_array_length(json_object_object_get(run.json, "pairs")));
	run_free(&run);
}

/* The kernel's zero page takes no memory, so nothing is saved where it is mapped already. */
HOST_TEST(estimate, pages_that_were_only_read_save_nothing)
{
	struct run run = { 0 };
	struct child child;

	ASSERT_OK(host_vm(&self->host, &child, NULL, PAGES, MEM_SMALL));
	ASSERT_EQ(0, child_touch(&child, 0, PAGES));
	ASSERT_EQ(0, child_fill(&child, 0, 8, SEED_ZERO, 0));
	ASSERT_EQ(0, run_pshare(&run, "-j estimate %d", child.pid));
	EXPECT_EQ(8, number_of(run.json, "pages_scanned"));
	EXPECT_EQ(8, number_of(run.json, "zero_pages"));
	run_free(&run);
}

HOST_TEST(estimate, memory_that_is_huge_or_not_readable_is_counted_page_by_page)
{
	struct run run = { 0 };
	struct child huge, closed;

	ASSERT_OK(host_filled(&self->host, &huge, NULL, 2 * HUGE_PAGES, MEM_HUGE, SEED_A, 0));
	ASSERT_OK(host_filled(&self->host, &closed, NULL, PAGES, MEM_SMALL, SEED_A, 0));
	ASSERT_EQ(0, child_mprotect(&closed, 0, PAGES, PROT_NONE));
	ASSERT_EQ(0, run_pshare(&run, "-j estimate %d %d", huge.pid, closed.pid));
	EXPECT_EQ(PAGES, number_of(run.json, "pages_sharing"));
	EXPECT_EQ(2 * PAGES, number_of(run.json, "pages_scanned"));
	run_free(&run);
}

/* One MiB has room for some 20,000 contents of 49,152. */
HOST_TEST(estimate, in_little_memory_it_samples_and_states_its_error)
{
	struct run run = { 0 };
	struct child a, b;
	long long sharing, truth = MANY / 2, error;

	ASSERT_OK(host_filled(&self->host, &a, NULL, MANY, MEM_SMALL, SEED_A, 0));
	ASSERT_OK(host_filled(&self->host, &b, NULL, MANY, MEM_SMALL, SEED_A, MANY / 2));
	ASSERT_EQ(0, run_pshare(&run, "-j estimate --memory 1 %d %d", a.pid, b.pid));
	EXPECT_LE(2, number_of(run.json, "sampled_one_of"));
	EXPECT_EQ(2 * MANY, number_of(run.json, "pages_scanned"));
	sharing = number_of(run.json, "pages_sharing");
	error = number_of(run.json, "error_bytes") / (long long)PAGE_SIZE;
	EXPECT_LT(0, error);
	EXPECT_GT(truth / 10, error);
	EXPECT_LE(truth - error, sharing);
	EXPECT_GE(truth + error, sharing);
	ASSERT_EQ(0, run_pshare(&run, "-j estimate %d %d", a.pid, b.pid));
	EXPECT_EQ(truth, number_of(run.json, "pages_sharing"));
	EXPECT_EQ(0, number_of(run.json, "error_bytes"));
	run_free(&run);
}

static int become_tester(void)
{
	return setgroups(0, NULL) || setresgid(TESTER, TESTER, TESTER) ||
	       setresuid(TESTER, TESTER, TESTER) ? errno : 0;
}

/* What the terminal was sent is recorded: progress is gone from the screen in the end. */
HOST_TEST(estimate, a_terminal_is_shown_how_far_it_is)
{
	static char sent[SCREEN_SIZE];
	struct child a;
	char command[64];

	ASSERT_OK(host_filled(&self->host, &a, NULL, PAGES, MEM_SMALL, SEED_A, 0));
	ASSERT_TRUE(open_terminal("sh"));
	shell(sent, sizeof(sent), TMUX "pipe-pane 'cat >/tmp/estimate-sent'");
	snprintf(command, sizeof(command), "'pshare estimate %d' Enter", a.pid);
	press(command);
	EXPECT_TRUE(screen_shows("sampled_one_of"));
	EXPECT_EQ(NULL, strstr(screen, "0%,"));
	ASSERT_EQ(0, read_file("/tmp/estimate-sent", sent, sizeof(sent)));
	EXPECT_NE(NULL, strstr(sent, "pshare: estimate:   0%, pid"));
	close_terminal();
}

HOST_TEST(estimate, mistakes_are_told)
{
	struct run run = { 0 };
	struct child a, gone;

	ASSERT_OK(host_vm(&self->host, &a, NULL, 16, MEM_SMALL));
	ASSERT_EQ(0, child_start(&gone, CHILD_LOCK_REST));
	child_kill(&gone);
	EXPECT_EQ(EXIT_FAILED, run_pshare(&run, "estimate %d %d", a.pid, gone.pid));
	EXPECT_TRUE(run_explains(&run, "no such process"));
	EXPECT_EQ(EXIT_FAILED, run_pshare(&run, "estimate 2"));
	EXPECT_TRUE(run_explains(&run, "kernel thread"));
	EXPECT_EQ(EXIT_FAILED, run_pshare(&run, "estimate nobody"));
	EXPECT_TRUE(run_explains(&run, "no machine runs"));
	EXPECT_EQ(EXIT_WRONG_USAGE, run_pshare(&run, "estimate %d %d", a.pid, a.pid));
	EXPECT_TRUE(run_explains(&run, "given twice"));
	EXPECT_EQ(EXIT_WRONG_USAGE, run_pshare(&run, "estimate"));
	EXPECT_EQ(EXIT_WRONG_USAGE, run_pshare(&run, "estimate %d --memory 0", a.pid));
	EXPECT_EQ(EXIT_WRONG_USAGE, run_pshare(&run, "estimate --domain x"));
	run.become = become_tester;
	EXPECT_EQ(EXIT_FAILED, run_pshare(&run, "estimate %d", a.pid));
	EXPECT_TRUE(run_explains(&run, "as root"));
	run_free(&run);
}

/* A shell that looks like QEMU: the program's name and its command line. */
static pid_t start_machine(struct host *host, const char *name)
{
	char argument[128];
	pid_t pid;

	if (system("cd /tmp && [ -e qemu-system-x86_64 ] || cp /bin/busybox qemu-system-x86_64"))
		return -1;
	snprintf(argument, sizeof(argument), "guest=%s,debug-threads=on", name);
	pid = child_fork();
	if (!pid) {
		execl("/tmp/qemu-system-x86_64", "sh", "-c", "while sleep 1; do :; done", "-name",
		      argument, NULL);
		_exit(127);
	}
	host->children[host->nr_children++] = pid;
	return pid;
}

static bool answers_to(const char *name)
{
	double end = deadline(SECONDS);
	struct run run = { 0 };
	bool good;

	do {
		good = !run_pshare(&run, "estimate %s", name);
	} while (!good && now() < end);
	run_free(&run);
	return good;
}

HOST_TEST(estimate, a_machine_is_found_by_its_own_name)
{
	struct run run = { 0 };
	struct vm_info info;
	pid_t pid = start_machine(&self->host, "web1");

	ASSERT_LT(0, pid);
	ASSERT_TRUE(answers_to("web1"));
	ASSERT_EQ(0, run_pshare(&run, "-j vm add web1"));
	EXPECT_EQ(pid, number_of(run.json, "pid"));
	EXPECT_STREQ("web1", text_of(run.json, "name"));
	ASSERT_EQ(0, run_pshare(&run, "vm del web1"));
	/* Registered under another name, it answers to both. */
	ASSERT_EQ(0, run_pshare(&run, "vm add %d --name other", pid));
	ASSERT_EQ(0, run_pshare(&run, "-j vm show web1"));
	EXPECT_STREQ("other", text_of(run.json, "name"));
	ASSERT_EQ(0, run_pshare(&run, "vm set web1 weight=7"));
	ASSERT_EQ(0, run_pshare(&run, "regions web1"));
	ASSERT_EQ(0, run_pshare(&run, "scan web1"));
	ASSERT_EQ(0, run_pshare(&run, "unmerge web1"));
	ASSERT_OK(vm_get(pid, &info));
	EXPECT_EQ(7, info.weight);
	ASSERT_EQ(0, run_pshare(&run, "vm del web1"));
	EXPECT_EQ(ENOENT, vm_get(pid, &info));
	run_free(&run);
}

HOST_TEST(estimate, a_name_of_two_machines_is_refused)
{
	struct run run = { 0 };
	pid_t first = start_machine(&self->host, "twin");

	ASSERT_TRUE(answers_to("twin"));
	ASSERT_LT(0, start_machine(&self->host, "twin"));
	while (!run_pshare(&run, "estimate twin"))
		pause_ms(50);
	EXPECT_TRUE(run_explains(&run, "several machines"));
	/* libvirt's file tells which is meant. */
	ASSERT_EQ(0, system("mkdir -p /run/libvirt/qemu"));
	ASSERT_EQ(0, system("echo 1 >/run/libvirt/qemu/twin.pid"));
	EXPECT_EQ(EXIT_FAILED, run_pshare(&run, "vm add twin"));
	snprintf(run.line, sizeof(run.line), "echo %d >/run/libvirt/qemu/twin.pid", first);
	ASSERT_EQ(0, system(run.line));
	EXPECT_EQ(0, run_pshare(&run, "-j vm add twin"));
	EXPECT_EQ(first, number_of(run.json, "pid"));
	ASSERT_EQ(0, system("rm -r /run/libvirt"));
	run_free(&run);
}

TEST_HARNESS_MAIN
