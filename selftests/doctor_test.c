// SPDX-License-Identifier: GPL-2.0
/* pshare doctor: each thing that stands in the way is brought about, found, and told. */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <liburing.h>

#include "command.h"
#include "fixture.h"

HOST_FIXTURE(doctor);

#define PAGES		256UL
#define LARGE		(80 * MIB_PAGES)	/* small amounts are not worth a word */
#define SECONDS		60

/* A finding of that kind, about that, whose detail has the text. */
static bool finds(struct run *run, const char *finding, const char *about, const char *text)
{
	size_t i, count = json_object_is_type(run->json, json_type_array) ?
			  json_object_array_length(run->json) : 0;

	for (i = 0; i < count; i++) {
		struct json_object *row = json_object_array_get_idx(run->json, i);

		if (!strcmp(text_of(row, "finding"), finding) &&
		    !strcmp(text_of(row, "about"), about) && strstr(text_of(row, "detail"), text))
			return true;
	}
	fprintf(stderr, "# no %s about %s, \"%s\": %s\n", finding, about, text, run->out);
	return false;
}

/* It is a problem, so the exit code is 1, and the text says the same. */
static void expect_problem(struct __test_metadata *_metadata, const char *about, const char *text)
{
	static const char *const columns[] = { "finding", "about", "detail", NULL };
	struct run run = { 0 }, plain = { 0 };

	EXPECT_EQ(EXIT_FAILED, run_pshare(&run, "-j doctor"));
	EXPECT_TRUE(finds(&run, "problem", about, text));
	EXPECT_EQ(EXIT_FAILED, run_pshare(&plain, "doctor"));
	EXPECT_TRUE(table_agrees(plain.out, run.json, columns));
	EXPECT_STREQ("", plain.err);
	run_free(&run);
	run_free(&plain);
}

static void expect_note(struct __test_metadata *_metadata, const char *about, const char *text)
{
	struct run run = { 0 };

	run_pshare(&run, "doctor -j");
	EXPECT_TRUE(finds(&run, "note", about, text));
	run_free(&run);
}

HOST_TEST(doctor, where_all_is_well_it_says_so)
{
	struct run run = { 0 };
	struct child a, b;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	EXPECT_EQ(0, run_pshare(&run, "doctor -j"))
		TH_LOG("%s", run.out);
	EXPECT_TRUE(finds(&run, "good", "module", "version"));
	EXPECT_TRUE(finds(&run, "good", "run", "runs"));
	EXPECT_TRUE(finds(&run, "good", "vms", "2 VMs"));
	EXPECT_TRUE(finds(&run, "good", "ksmd", "does not run"));
	EXPECT_EQ(NULL, row_of(run.json, "finding", "problem"));
	run_free(&run);
}

HOST_TEST(doctor, a_stopped_scanner)
{
	struct child a, b;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_OK(knob_set("run", "0"));
	expect_problem(_metadata, "run", "pshare set run=1");
	ASSERT_OK(knob_set("run", "2"));
	expect_problem(_metadata, "run", "unmerged");
}

HOST_TEST(doctor, no_vm_or_only_one)
{
	struct child a;

	expect_problem(_metadata, "vms", "pshare vm add PID");
	ASSERT_OK(host_vm(&self->host, &a, "one", PAGES, MEM_SMALL));
	expect_note(_metadata, "vms", "only with itself");
}

HOST_TEST(doctor, vms_that_are_paused_or_alone)
{
	struct vm_args args = { .have = HAVE_DOMAIN | HAVE_PAUSED, .domain = 5, .paused = 1 };
	struct child a, b;

	ASSERT_OK(host_vm(&self->host, &a, "a", PAGES, MEM_SMALL));
	ASSERT_OK(host_vm(&self->host, &b, "b", PAGES, MEM_SMALL));
	args.pid = b.pid;
	ASSERT_OK(vm_set(&args));
	expect_problem(_metadata, "b", "pshare vm set b paused=0");
	expect_note(_metadata, "a", "alone in domain 0");
}

HOST_TEST(doctor, the_limit_on_frames)
{
	struct child a, b;

	ASSERT_OK(knob_set("max_frames", "16"));
	host_pair(&self->host, &a, &b, PAGES, MEM_SMALL);
	ASSERT_EQ(16, stat_settles(C(PAGES_SHARED), 16));
	expect_problem(_metadata, "max_frames", "16 of 16 frames");
}

HOST_TEST(doctor, a_budget_that_is_too_small_for_the_memory)
{
	struct run run = { 0 };
	struct child a, b;

	ASSERT_OK(host_filled(&self->host, &a, "a", LARGE, MEM_SMALL, 2, 0));
	ASSERT_OK(host_filled(&self->host, &b, "b", LARGE, MEM_SMALL, 3, 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_OK(knob_set("cpu_percent", "1"));
	EXPECT_EQ(EXIT_FAILED, run_pshare(&run, "-j doctor --pass 1"));
	EXPECT_TRUE(finds(&run, "problem", "cpu_percent", "ns / 1% of a CPU"));
	EXPECT_TRUE(finds(&run, "problem", "cpu_percent", "pshare set cpu_percent="));
	EXPECT_EQ(0, run_pshare(&run, "-j doctor --pass 100000"));
	EXPECT_EQ(EXIT_WRONG_USAGE, run_pshare(&run, "doctor --pass 0"));
	run_free(&run);
}

HOST_TEST(doctor, memory_that_can_never_merge)
{
	struct child shared, locked, huge;

	ASSERT_OK(host_set(&self->host, "/proc/sys/vm/nr_hugepages", "48"));
	ASSERT_OK(host_child(&self->host, &huge, CHILD_LOCK_REST));
	ASSERT_EQ(0, child_map(&huge, 40 * 512, MEM_HUGETLB));
	ASSERT_OK(vm_add(huge.pid, "huge", 0));
	ASSERT_OK(host_filled(&self->host, &shared, "shared", LARGE, MEM_TMPFS, 2, 0));
	ASSERT_OK(host_filled(&self->host, &locked, NULL, LARGE, MEM_SMALL, 3, 0));
	ASSERT_EQ(0, child_mlock(&locked, 0));
	ASSERT_OK(vm_add(locked.pid, "locked", 0));
	ASSERT_OK(scan_all_wait());
	expect_problem(_metadata, "huge", "80.0 MiB can never merge: hugetlbfs");
	expect_problem(_metadata, "shared", "no memfd, share=off");
	expect_problem(_metadata, "locked", "without mem-lock");
}

static long do_register_buffers(struct child *self, const long *arg)
{
	static struct io_uring ring;
	struct iovec vec = { self->mem, self->pages * PAGE_SIZE };

	(void)arg;
	return io_uring_queue_init(4, &ring, 0) ?: io_uring_register_buffers(&ring, &vec, 1);
}

HOST_TEST(doctor, pages_that_are_pinned_for_io)
{
	struct child a;

	ASSERT_OK(host_filled(&self->host, &a, "pinned", 16 * MIB_PAGES, MEM_SMALL, 2, 0));
	ASSERT_EQ(0, child_call(&a, do_register_buffers, 0, 0, 0, 0));
	expect_problem(_metadata, "pinned", "16.0 MiB are pinned for I/O");
}

static long do_open_group(struct child *self, const long *arg)
{
	(void)self;
	(void)arg;
	return open("/dev/vfio/7", O_RDONLY) < 0 ? -errno : 0;
}

HOST_TEST(doctor, a_device_that_is_passed_through)
{
	struct child a;

	mkdir("/dev/vfio", 0755);
	close(open("/dev/vfio/7", O_CREAT | O_WRONLY, 0600));
	ASSERT_OK(host_vm(&self->host, &a, "vfio", PAGES, MEM_SMALL));
	ASSERT_EQ(0, child_call(&a, do_open_group, 0, 0, 0, 0));
	expect_problem(_metadata, "vfio", "passed through by VFIO");
	unlink("/dev/vfio/7");
	rmdir("/dev/vfio");
}

static bool ksmd_has_pages(pid_t pid)
{
	double end = deadline(SECONDS);
	char path[64], text[32] = "0";

	snprintf(path, sizeof(path), "/proc/%d/ksm_merging_pages", pid);
	while (now() < end) {
		if (!read_file(path, text, sizeof(text)) && atoi(text))
			return true;
		pause_ms(100);
	}
	return false;
}

HOST_TEST(doctor, ksmd_on_the_same_vm)
{
	struct child a;

	ASSERT_OK(host_child(&self->host, &a, CHILD_LOCK_REST));
	ASSERT_EQ(0, child_map(&a, 2 * PAGES, MEM_SMALL));
	ASSERT_EQ(0, child_madvise(&a, 0, 2 * PAGES, MADV_MERGEABLE));
	ASSERT_EQ(0, child_fill(&a, 0, PAGES, 5, 0));
	ASSERT_EQ(0, child_fill(&a, PAGES, PAGES, 5, 0));
	ASSERT_OK(host_set(&self->host, "/sys/kernel/mm/ksm/pages_to_scan", "10000"));
	ASSERT_OK(host_set(&self->host, "/sys/kernel/mm/ksm/run", "1"));
	ASSERT_TRUE(ksmd_has_pages(a.pid));
	ASSERT_OK(vm_add(a.pid, "both", 0));
	expect_problem(_metadata, "both", "ksmd works on it, too");
	expect_note(_metadata, "ksmd", "ksmd runs");
}

HOST_TEST(doctor, huge_pages_that_are_kept_whole)
{
	struct child a, b;

	ASSERT_OK(knob_set("thp", "never"));
	host_pair(&self->host, &a, &b, 4 * HUGE_PAGES, MEM_HUGE);
	ASSERT_LT(0, stat_now(C(THP_KEPT)));
	expect_note(_metadata, "thp", "pshare set thp=auto");
}

/* While the module is not there: the files that tell why are replaced for one run. */

static int cover(const char *path, const char *text)
{
	int err = write_file("/tmp/doctor-file", text);

	return err ?: mount("/tmp/doctor-file", path, NULL, MS_BIND, NULL) ? errno : 0;
}

static int prepare(void)
{
	close(open("/tmp/doctor-file", O_CREAT | O_WRONLY | O_TRUNC, 0600));
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return errno;
	return 0;
}

/* The file where the kernel may have none, nor its folder: a file system over one that it has. */
static int stand_in(const char *top, const char *path, const char *text)
{
	char folder[128];
	char *end;

	if (mount("none", top, "tmpfs", 0, NULL))
		return errno;
	snprintf(folder, sizeof(folder), "%s", path);
	for (end = folder + strlen(top); (end = strchr(end + 1, '/'));) {
		*end = '\0';
		if (mkdir(folder, 0755))
			return errno;
		*end = '/';
	}
	close(open(path, O_CREAT | O_WRONLY, 0600));
	return write_file(path, text);
}

static int lock_down(void)
{
	return prepare() ?: stand_in("/sys/kernel", "/sys/kernel/security/lockdown",
				     "none [integrity] confidentiality\n");
}

static int enforce_signatures(void)
{
	return prepare() ?: stand_in("/sys/module", "/sys/module/module/parameters/sig_enforce",
				     "Y\n");
}

static int disable_modules(void)
{
	return prepare() ?: cover("/proc/sys/kernel/modules_disabled", "1\n");
}

static int forget_the_file(void)
{
	char path[128], release[64];
	int err = prepare() ?: read_file("/proc/sys/kernel/osrelease", release, sizeof(release));

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	return err ?: cover(path, "kernel/x.ko:\n");
}

static int leave_the_network(void)
{
	return unshare(CLONE_NEWNET) ? errno : 0;
}

static void expect_reason(struct __test_metadata *_metadata, int (*become)(void),
			  const char *about, const char *text)
{
	struct run run = { .become = become };

	EXPECT_EQ(EXIT_NOT_LOADED, run_pshare(&run, "doctor -j"));
	EXPECT_TRUE(finds(&run, "problem", about, text));
	run_free(&run);
}

HOST_TEST(doctor, why_the_kernel_does_not_have_the_module)
{
	struct run run = { 0 };

	expect_reason(_metadata, leave_the_network, "module", "network namespace");
	ASSERT_EQ(0, module_unload());
	kmsg_mark("pshare: version 0 on test: run=1");
	EXPECT_EQ(EXIT_NOT_LOADED, run_pshare(&run, "doctor -j"));
	EXPECT_TRUE(finds(&run, "problem", "module", "modprobe pshare"));
	EXPECT_EQ(1, json_object_array_length(run.json));
	expect_reason(_metadata, lock_down, "lockdown", "signed modules only");
	expect_reason(_metadata, enforce_signatures, "signature", "Secure Boot");
	expect_reason(_metadata, disable_modules, "modules_disabled", "until a reboot");
	expect_reason(_metadata, forget_the_file, "file", "make install");
	ASSERT_EQ(0, module_load(NULL));
	run_free(&run);
}

HOST_TEST(doctor, why_the_kernel_refused_the_module)
{
	static const struct {
		const char *line, *advice;
	} cases[] = {
		{ "pshare: this kernel has no symbol foo", "boot Debian's" },
		{ "pshare: cannot find kallsyms_lookup_name by a kprobe", "CONFIG_KPROBES" },
		{ "pshare: version magic '6.1' should be '6.12'", "make install" },
		{ "Lockdown: insmod: unsigned module loading is restricted; see man", "sign it" },
		{ "Loading of unsigned module is rejected", "sign it" },
		{ "Loading of module with unavailable key is rejected", "mokutil" },
	};
	struct run run = { 0 };
	size_t i;

	ASSERT_EQ(0, module_unload());
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		kmsg_mark(cases[i].line);
		expect_reason(_metadata, NULL, "log", cases[i].line);
		expect_reason(_metadata, NULL, "log", cases[i].advice);
	}
	/* What a general line follows says more, and a load that went well ends it. */
	kmsg_mark("pshare: not loaded: error -2");
	expect_reason(_metadata, NULL, "log", "mokutil");
	ASSERT_EQ(0, module_load(NULL));
	ASSERT_EQ(0, module_unload());
	run_pshare(&run, "doctor -j");
	EXPECT_EQ(NULL, row_of(run.json, "about", "log"));
	ASSERT_EQ(0, module_load(NULL));
	run_free(&run);
}

TEST_HARNESS_MAIN
