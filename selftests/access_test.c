// SPDX-License-Identifier: GPL-2.0
/* Content stays right for whoever else reaches into memory: devices, pipes, debuggers, handlers. */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <liburing.h>

#include "fixture.h"

HOST_FIXTURE(access);

#define PAGES		256UL
#define BYTES		(PAGES * PAGE_SIZE)
#define SEED_NEW	9

/* A device's name, for functions that run in children. */
static char device[64];

static void expect_right(struct __test_metadata *_metadata, struct child *child, uint64_t seed)
{
	EXPECT_EQ(-1, child_verify(child, 0, PAGES, seed, 0));
}

static void expect_merged(struct __test_metadata *_metadata, struct child *a, struct child *b)
{
	EXPECT_MOST(PAGES, frames_equal(a->pid, a->mem, b->pid, b->mem, PAGES));
}

static size_t count_frames(struct child *child)
{
	struct mapping map;

	return mapping_count(child->pid, child->mem, PAGES, &map) ? 0 : map.frames;
}

/* The device is made before the children, which must know its name. */
static void prepare(struct __test_metadata *_metadata, struct host *host, struct child *a,
		    struct child *b)
{
	ASSERT_EQ(0, host_loop(host, 4, device, sizeof(device)));
	ASSERT_OK(host_filled(host, a, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
	ASSERT_OK(host_filled(host, b, NULL, PAGES, MEM_SMALL, SEED_PAIR, 0));
}

static void merge(struct __test_metadata *_metadata, struct child *a, struct child *b)
{
	ASSERT_OK(vm_add(a->pid, "a", 0));
	ASSERT_OK(vm_add(b->pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_MOST(PAGES, frames_equal(a->pid, a->mem, b->pid, b->mem, PAGES));
}

/* The whole area to the device, or from it, past the page cache. */
static long direct(struct child *self, bool out)
{
	int fd = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = out ? pwrite(fd, self->mem, BYTES, 0) : pread(fd, self->mem, BYTES, 0);
	close(fd);
	return n == (ssize_t)BYTES ? 0 : -EIO;
}

static long do_direct(struct child *self, const long *arg)
{
	return direct(self, arg[0]);
}

HOST_TEST(access, direct_io_out_of_merged_pages_writes_their_content)
{
	struct child a, b;

	prepare(_metadata, &self->host, &a, &b);
	merge(_metadata, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_direct, 1, 0, 0, 0));
	expect_merged(_metadata, &a, &b);
	ASSERT_EQ(0, child_fill(&a, 0, PAGES, SEED_NEW, 0));
	ASSERT_EQ(0, child_call(&a, do_direct, 0, 0, 0, 0));
	expect_right(_metadata, &a, SEED_PAIR);
	expect_right(_metadata, &b, SEED_PAIR);
}

HOST_TEST(access, direct_io_into_merged_pages_reaches_one_sharer_only)
{
	struct child a, b, c;

	prepare(_metadata, &self->host, &a, &b);
	ASSERT_OK(host_filled(&self->host, &c, NULL, PAGES, MEM_SMALL, SEED_NEW, 0));
	ASSERT_EQ(0, child_call(&c, do_direct, 1, 0, 0, 0));
	merge(_metadata, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_direct, 0, 0, 0, 0));
	expect_right(_metadata, &a, SEED_NEW);
	expect_right(_metadata, &b, SEED_PAIR);
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, PAGES));
	ASSERT_OK(scan_all_wait());
	expect_right(_metadata, &a, SEED_NEW);
}

/* Reads and writes without end, verifying each time, while the area is being merged. */
static long do_direct_loop(struct child *self, const long *arg)
{
	long i;

	for (i = 0; i < arg[0]; i++) {
		pages_fill(self->mem, PAGES, SEED_PAIR, 0);
		if (direct(self, true))
			return -EIO;
		if (pages_verify(self->mem, PAGES, SEED_PAIR, 0) != -1)
			return 1;
		pages_fill(self->mem, PAGES, SEED_NEW, 0);
		if (direct(self, false))
			return -EIO;
		if (pages_verify(self->mem, PAGES, SEED_PAIR, 0) != -1)
			return 2;
	}
	return 0;
}

HOST_TEST(access, direct_io_during_the_merge_loses_nothing)
{
	struct child a, b;
	int i;

	prepare(_metadata, &self->host, &a, &b);
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_EQ(0, child_begin(&a, do_direct_loop, 10, 0, 0, 0));
	for (i = 0; i < 5; i++)
		ASSERT_OK(scan_once_wait(0));
	EXPECT_EQ(0, child_end(&a));
	expect_right(_metadata, &b, SEED_PAIR);
}

HOST_TEST(access, process_vm_writev_reaches_one_sharer_only)
{
	static uint64_t content[BYTES / 8];
	struct iovec local = { content, BYTES }, remote;
	struct child a, b;

	ASSERT_MOST(PAGES, host_pair(&self->host, &a, &b, PAGES, MEM_SMALL));
	remote = (struct iovec){ a.mem, BYTES };
	ASSERT_EQ(BYTES, process_vm_readv(a.pid, &local, 1, &remote, 1, 0));
	EXPECT_EQ(-1, pages_verify(content, PAGES, SEED_PAIR, 0));
	expect_merged(_metadata, &a, &b);
	pages_fill(content, PAGES, SEED_NEW, 0);
	ASSERT_EQ(BYTES, process_vm_writev(a.pid, &local, 1, &remote, 1, 0));
	expect_right(_metadata, &a, SEED_NEW);
	expect_right(_metadata, &b, SEED_PAIR);
}

/* Debuggers write where the process itself must not. */
static void check_poke(struct __test_metadata *_metadata, struct host *host, int protection)
{
	struct child a, b;
	const long value = 0x0123456789abcdef;
	size_t i;

	ASSERT_MOST(PAGES, host_pair(host, &a, &b, PAGES, MEM_SMALL));
	ASSERT_EQ(0, child_mprotect(&a, 0, PAGES, protection));
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, a.pid, 0, 0));
	ASSERT_EQ(0, ptrace(PTRACE_INTERRUPT, a.pid, 0, 0));
	ASSERT_EQ(a.pid, waitpid(a.pid, NULL, 0));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, a.pid, child_page(&a, i), value));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(value, ptrace(PTRACE_PEEKDATA, a.pid, child_page(&a, i), 0));
	ASSERT_EQ(0, ptrace(PTRACE_DETACH, a.pid, 0, 0));
	expect_right(_metadata, &b, SEED_PAIR);
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, 16));
	EXPECT_EQ(-1, child_verify(&a, 16, PAGES - 16, SEED_PAIR, 16));
	ASSERT_OK(scan_all_wait());
	expect_right(_metadata, &b, SEED_PAIR);
}

HOST_TEST(access, ptrace_poke_reaches_one_sharer_only)
{
	check_poke(_metadata, &self->host, PROT_READ | PROT_WRITE);
}

HOST_TEST(access, ptrace_poke_into_read_only_memory_reaches_one_sharer_only)
{
	check_poke(_metadata, &self->host, PROT_READ);
}

/* A pipe that holds the first pages themselves, not copies. */
#define SPLICED	16UL
static int pipe_fds[2];

static long do_vmsplice(struct child *self, const long *arg)
{
	struct iovec iov = { self->mem, SPLICED * PAGE_SIZE };

	(void)arg;
	return vmsplice(pipe_fds[1], &iov, 1, 0) == (ssize_t)iov.iov_len ? 0 : -errno;
}

static void expect_in_pipe(struct __test_metadata *_metadata, uint64_t seed)
{
	static uint64_t content[SPLICED * PAGE_SIZE / 8];
	size_t got = 0;
	ssize_t n;

	while (got < sizeof(content)) {
		n = read(pipe_fds[0], (char *)content + got, sizeof(content) - got);
		ASSERT_LT(0, n);
		got += n;
	}
	EXPECT_EQ(-1, pages_verify(content, SPLICED, seed, 0));
}

HOST_TEST(access, pages_in_a_pipe_are_not_merged_until_it_is_read)
{
	struct child a, b;

	ASSERT_EQ(0, pipe(pipe_fds));
	prepare(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_vmsplice, 0, 0, 0, 0));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, frames_equal(a.pid, a.mem, b.pid, b.mem, SPLICED));
	EXPECT_LE(SPLICED, vm_counter(a.pid, C(SKIPPED_PINNED)));
	expect_in_pipe(_metadata, SEED_PAIR);
	ASSERT_OK(scan_all_wait());
	expect_merged(_metadata, &a, &b);
	expect_right(_metadata, &a, SEED_PAIR);
}

HOST_TEST(access, frames_in_a_pipe_keep_their_content_and_outlive_their_sharers)
{
	struct child a, b;

	ASSERT_EQ(0, pipe(pipe_fds));
	prepare(_metadata, &self->host, &a, &b);
	merge(_metadata, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_vmsplice, 0, 0, 0, 0));
	ASSERT_EQ(0, child_fill(&a, 0, PAGES, SEED_NEW, 0));
	ASSERT_OK(scan_all_wait());
	child_exit(&a);
	child_exit(&b);
	ASSERT_OK(scan_all_wait());
	expect_in_pipe(_metadata, SEED_PAIR);
}

static struct io_uring ring;

static long do_register(struct child *self, const long *arg)
{
	struct iovec iov = { self->mem, BYTES };
	int err = io_uring_queue_init(4, &ring, 0);

	(void)arg;
	return err ?: io_uring_register_buffers(&ring, &iov, 1);
}

static long do_unregister(struct child *self, const long *arg)
{
	int err = io_uring_unregister_buffers(&ring);

	(void)self;
	(void)arg;
	io_uring_queue_exit(&ring);
	return err;
}

/* Reads or writes the whole area through the registered buffer. */
static long do_fixed(struct child *self, const long *arg)
{
	int fd = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	struct io_uring_cqe *cqe;
	int n;

	if (fd < 0 || !sqe)
		return -errno;
	if (arg[0])
		io_uring_prep_write_fixed(sqe, fd, self->mem, BYTES, 0, 0);
	else
		io_uring_prep_read_fixed(sqe, fd, self->mem, BYTES, 0, 0);
	io_uring_submit(&ring);
	if (io_uring_wait_cqe(&ring, &cqe))
		return -errno;
	n = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	close(fd);
	return n == (int)BYTES ? 0 : -EIO;
}

HOST_TEST(access, registered_buffers_are_skipped_as_pinned)
{
	struct child a, b;

	prepare(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_register, 0, 0, 0, 0));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, count_frames(&a));
	EXPECT_MOST(PAGES, vm_counter(a.pid, C(SKIPPED_PINNED)));
	/* Its twin is no frame either: that would be shared with nobody. */
	EXPECT_EQ(0, count_frames(&b));
	ASSERT_EQ(0, child_call(&a, do_fixed, 1, 0, 0, 0));
	ASSERT_EQ(0, child_fill(&a, 0, PAGES, SEED_NEW, 0));
	ASSERT_OK(scan_all_wait());
	/* What the kernel writes into the pinned pages is what the process sees. */
	ASSERT_EQ(0, child_call(&a, do_fixed, 0, 0, 0, 0));
	expect_right(_metadata, &a, SEED_PAIR);
	ASSERT_EQ(0, child_call(&a, do_unregister, 0, 0, 0, 0));
	ASSERT_OK(scan_all_wait());
	expect_merged(_metadata, &a, &b);
}

HOST_TEST(access, registering_merged_pages_gives_them_frames_of_their_own)
{
	struct child a, b;

	prepare(_metadata, &self->host, &a, &b);
	merge(_metadata, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_register, 0, 0, 0, 0));
	EXPECT_EQ(0, count_frames(&a));
	ASSERT_EQ(0, child_call(&a, do_fixed, 1, 0, 0, 0));
	ASSERT_EQ(0, child_fill(&a, 0, PAGES, SEED_NEW, 0));
	ASSERT_EQ(0, child_call(&a, do_fixed, 0, 0, 0, 0));
	expect_right(_metadata, &a, SEED_PAIR);
	expect_right(_metadata, &b, SEED_PAIR);
	ASSERT_EQ(0, child_call(&a, do_unregister, 0, 0, 0, 0));
}

/* Write protection by userfaultfd, with a thread that lifts it where a write is reported. */
static int uffd;
static unsigned long uffd_events;

static int protect(void *mem, size_t bytes, bool on)
{
	struct uffdio_writeprotect wp = {
		.range = { (uintptr_t)mem, bytes },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(uffd, UFFDIO_WRITEPROTECT, &wp) ? -errno : 0;
}

static void *handle_faults(void *unused)
{
	struct uffd_msg msg;

	(void)unused;
	while (read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		uffd_events++;
		protect((void *)(msg.arg.pagefault.address & ~(PAGE_SIZE - 1)), PAGE_SIZE, false);
	}
	return NULL;
}

static long do_uffd_open(struct child *self, const long *arg)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct uffdio_register reg = {
		.range = { (uintptr_t)self->mem, BYTES },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	pthread_t thread;

	(void)arg;
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg))
		return -errno;
	return -pthread_create(&thread, NULL, handle_faults, NULL);
}

static long do_uffd_protect(struct child *self, const long *arg)
{
	return protect(self->mem, BYTES, arg[0]);
}

static long do_uffd_events(struct child *self, const long *arg)
{
	(void)self;
	(void)arg;
	return uffd_events;
}

HOST_TEST(access, pages_protected_by_userfaultfd_are_skipped)
{
	struct child a, b;

	prepare(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_uffd_open, 0, 0, 0, 0));
	ASSERT_EQ(0, child_call(&a, do_uffd_protect, 1, 0, 0, 0));
	ASSERT_OK(vm_add(a.pid, "a", 0));
	ASSERT_OK(vm_add(b.pid, "b", 0));
	ASSERT_OK(scan_all_wait());
	EXPECT_EQ(0, count_frames(&a));
	EXPECT_MOST(PAGES, vm_counter(a.pid, C(SKIPPED_UFFD)));
	ASSERT_EQ(0, child_fill(&a, 0, 4, SEED_PAIR, 0));
	EXPECT_EQ(4, child_call(&a, do_uffd_events, 0, 0, 0, 0));
	ASSERT_EQ(0, child_call(&a, do_uffd_protect, 0, 0, 0, 0));
	ASSERT_OK(scan_all_wait());
	expect_merged(_metadata, &a, &b);
	expect_right(_metadata, &a, SEED_PAIR);
}

HOST_TEST(access, userfaultfd_protects_merged_pages_and_reports_writes)
{
	uint64_t entries[PAGES];
	struct child a, b;
	size_t i;

	prepare(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_uffd_open, 0, 0, 0, 0));
	merge(_metadata, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_uffd_protect, 1, 0, 0, 0));
	ASSERT_OK(scan_all_wait());
	ASSERT_EQ(0, pagemap_read(a.pid, a.mem, PAGES, entries));
	for (i = 0; i < PAGES; i++)
		EXPECT_NE(0, entries[i] & PM_UFFD_WP);
	ASSERT_EQ(0, child_fill(&a, 0, 100, SEED_NEW, 0));
	EXPECT_EQ(100, child_call(&a, do_uffd_events, 0, 0, 0, 0));
	EXPECT_EQ(-1, child_verify(&a, 0, 100, SEED_NEW, 0));
	EXPECT_EQ(-1, child_verify(&a, 100, PAGES - 100, SEED_PAIR, 100));
	expect_right(_metadata, &b, SEED_PAIR);
}

/* The handler would have to be asked, and may never answer. */
HOST_TEST(access, unmerge_does_not_wait_for_a_userfaultfd)
{
	struct child a, b;
	int err;

	prepare(_metadata, &self->host, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_uffd_open, 0, 0, 0, 0));
	merge(_metadata, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_uffd_protect, 1, 0, 0, 0));
	err = unmerge(a.pid, false, NULL);
	EXPECT_EQ(EBUSY, err);
	EXPECT_STRNE("", last_extack());
	EXPECT_EQ(0, child_call(&a, do_uffd_events, 0, 0, 0, 0));
	expect_right(_metadata, &a, SEED_PAIR);
	ASSERT_EQ(0, child_call(&a, do_uffd_protect, 0, 0, 0, 0));
	ASSERT_OK(unmerge(a.pid, false, NULL));
	EXPECT_EQ(0, count_frames(&a));
	expect_right(_metadata, &a, SEED_PAIR);
	expect_right(_metadata, &b, SEED_PAIR);
}

static long do_uffd_flap(struct child *self, const long *arg)
{
	double end = now() + arg[0] / 1000.0;
	int err = 0;

	while (!err && now() < end)
		err = protect(self->mem, BYTES, true) ?: protect(self->mem, BYTES, false);
	return err;
}

/* A page was free to be copied when it was looked at, and is not when it is copied. */
static void check_flapping(struct __test_metadata *_metadata, struct host *host, int protection)
{
	struct child a, b;
	int i, err = 0;

	prepare(_metadata, host, &a, &b);
	ASSERT_EQ(0, child_call(&a, do_uffd_open, 0, 0, 0, 0));
	ASSERT_EQ(0, child_mprotect(&a, 0, PAGES, protection));
	merge(_metadata, &a, &b);
	ASSERT_EQ(0, child_begin(&a, do_uffd_flap, 1000 * slowness(), 0, 0, 0));
	for (i = 0; i < 50 && (!err || err == EBUSY); i++)
		err = unmerge(a.pid, false, NULL);
	ASSERT_EQ(0, child_end(&a));
	EXPECT_TRUE(!err || err == EBUSY)
		TH_LOG("%s: %s", strerror(err), last_extack());
	EXPECT_EQ(0, child_call(&a, do_uffd_events, 0, 0, 0, 0));
	ASSERT_OK(unmerge(a.pid, false, NULL));
	EXPECT_EQ(0, count_frames(&a));
	expect_right(_metadata, &a, SEED_PAIR);
	expect_right(_metadata, &b, SEED_PAIR);
}

HOST_TEST(access, pages_that_userfaultfd_protects_during_an_unmerge_are_left_alone)
{
	check_flapping(_metadata, &self->host, PROT_READ | PROT_WRITE);
}

HOST_TEST(access, read_only_pages_that_userfaultfd_protects_during_an_unmerge_too)
{
	check_flapping(_metadata, &self->host, PROT_READ);
}

TEST_HARNESS_MAIN
