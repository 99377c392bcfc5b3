// SPDX-License-Identifier: GPL-2.0
/*
 * One thread of the stress: a random operation on a random part of its memory,
 * over and over, with the content of every page known and checked.
 */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

/* A run of pages. */
struct part {
	size_t page;
	size_t count;
};

/* Return: 0, or an errno when the kernel refused, which it may. */
typedef int (*op_fn)(struct stress_thread *t, struct part part);

static uint64_t next_random(struct stress_thread *t)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return t->random;
}

static char *page_at(struct stress_thread *t, size_t page)
{
	return t->mem + page * PAGE_SIZE;
}

/* What the page holds instead, if it is anything that a thread writes. */
static int describe_content(char *text, size_t size, const void *page)
{
	uint32_t seed, number;

	if (page_matches(page, SEED_ZERO, 0))
		return snprintf(text, size, "all zero");
	for (seed = 1; seed < STRESS_SEEDS; seed++)
		for (number = 0; number < STRESS_NUMBERS; number++)
			if (page_matches(page, seed, number))
				return snprintf(text, size, "page %u of seed %u", number, seed);
	return snprintf(text, size, "a mixture that begins with %016lx", *(unsigned long *)page);
}

/* The last operations on a page, the latest first, and how many operations ago. */
static void describe_history(struct stress_thread *t, size_t page, char *text, size_t size)
{
	unsigned long ago, max = t->nr_done < STRESS_HISTORY ? t->nr_done : STRESS_HISTORY;
	size_t used = 0;

	for (ago = 1; ago <= max && used + 64 < size; ago++) {
		const struct stress_done *done = &t->history[(t->nr_done - ago) % STRESS_HISTORY];

		if (page - done->page < done->count)
			used += snprintf(text + used, size - used, " %s%s(%u+%u)-%lu",
					 stress_op_name(done->op), done->refused ? "!" : "",
					 done->page, done->count, ago);
	}
}

static void wrong(struct stress_thread *t, const char *what, size_t page)
{
	uint64_t entry = pagemap_entry(getpid(), page_at(t, page));
	char content[64], history[512] = "";

	if (t->report->wrong)
		return;
	describe_content(content, sizeof(content), page_at(t, page));
	describe_history(t, page, history, sizeof(history));
	snprintf(t->report->message, sizeof(t->report->message),
		 "%s: page %zu at %p is not page %u of seed %u but %s; entry %#lx, then %#lx;%s",
		 what, page, page_at(t, page), t->content[page].number, t->content[page].seed,
		 content, entry, pagemap_entry(getpid(), page_at(t, page)), history);
	t->report->wrong = true;
}

static bool right(struct stress_thread *t, const void *copy, size_t page)
{
	return page_matches(copy, t->content[page].seed, t->content[page].number);
}

static void check(struct stress_thread *t, const char *what, struct part part)
{
	size_t i;

	for (i = part.page; i < part.page + part.count; i++)
		if (!right(t, page_at(t, i), i))
			wrong(t, what, i);
}

/* Few different contents, so that most pages have a twin somewhere. */
static void choose_content(struct stress_thread *t, size_t page)
{
	t->content[page].seed = next_random(t) % STRESS_SEEDS;
	t->content[page].number = next_random(t) % STRESS_NUMBERS;
}

static void write_page(struct stress_thread *t, void *to, size_t page)
{
	choose_content(t, page);
	page_fill(to, t->content[page].seed, t->content[page].number);
}

static int op_write(struct stress_thread *t, struct part part)
{
	size_t i;

	for (i = part.page; i < part.page + part.count; i++)
		write_page(t, page_at(t, i), i);
	return 0;
}

static int op_verify(struct stress_thread *t, struct part part)
{
	check(t, "verify", part);
	return 0;
}

/* A byte changed and changed back: the copy on write must bring all of the page along. */
static int op_flip(struct stress_thread *t, struct part part)
{
	volatile char *byte;
	size_t i;

	for (i = part.page; i < part.page + part.count; i++) {
		byte = page_at(t, i) + next_random(t) % PAGE_SIZE;
		*byte ^= 1;
		*byte ^= 1;
	}
	check(t, "flip", part);
	return 0;
}

static int advise(struct stress_thread *t, struct part part, int advice)
{
	int err = madvise(page_at(t, part.page), part.count * PAGE_SIZE, advice) ? errno : 0;

	check(t, "madvise", part);
	return err;
}

static int op_cold(struct stress_thread *t, struct part part)
{
	return advise(t, part, MADV_COLD);
}

static int op_pageout(struct stress_thread *t, struct part part)
{
	return advise(t, part, MADV_PAGEOUT);
}

static int op_collapse(struct stress_thread *t, struct part part)
{
	(void)part;
	return advise(t, (struct part){ 0, STRESS_PAGES }, MADV_COLLAPSE);
}

static int op_mergeable(struct stress_thread *t, struct part part)
{
	return advise(t, part, next_random(t) & 1 ? MADV_MERGEABLE : MADV_UNMERGEABLE);
}

static void expect_zero(struct stress_thread *t, struct part part)
{
	size_t i;

	for (i = part.page; i < part.page + part.count; i++)
		t->content[i].seed = SEED_ZERO;
}

static int op_dontneed(struct stress_thread *t, struct part part)
{
	if (madvise(page_at(t, part.page), part.count * PAGE_SIZE, MADV_DONTNEED))
		return errno;
	expect_zero(t, part);
	check(t, "dontneed", part);
	return 0;
}

/* Freed lazily: old or zero, until it is written. */
static int op_free(struct stress_thread *t, struct part part)
{
	size_t i;

	if (madvise(page_at(t, part.page), part.count * PAGE_SIZE, MADV_FREE))
		return errno;
	for (i = part.page; i < part.page + part.count; i++)
		if (!right(t, page_at(t, i), i) && !page_matches(page_at(t, i), SEED_ZERO, 0))
			wrong(t, "free", i);
	return op_write(t, part);
}

static int op_mprotect(struct stress_thread *t, struct part part)
{
	void *mem = page_at(t, part.page);
	size_t bytes = part.count * PAGE_SIZE;

	if (mprotect(mem, bytes, PROT_NONE) || mprotect(mem, bytes, PROT_READ))
		return errno;
	check(t, "mprotect", part);
	return mprotect(mem, bytes, PROT_READ | PROT_WRITE) ? errno : 0;
}

static int move(void *from, void *to, size_t bytes, bool keep)
{
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (keep ? MREMAP_DONTUNMAP : 0);

	return mremap(from, bytes, bytes, flags, to) == MAP_FAILED ? errno : 0;
}

/* Away and back again. Several areas cannot be moved at once: that is refused. */
static int op_mremap(struct stress_thread *t, struct part part)
{
	size_t bytes = part.count * PAGE_SIZE;
	char *mem = page_at(t, part.page);
	size_t i;
	int err;

	err = move(mem, t->away, bytes, next_random(t) & 1);
	if (err)
		return err;
	for (i = 0; i < part.count; i++)
		if (!right(t, t->away + i * PAGE_SIZE, part.page + i))
			wrong(t, "mremap", part.page + i);
	if (move(t->away, mem, bytes, false))
		wrong(t, "mremap back", part.page);
	check(t, "mremap back", part);
	return 0;
}

static int op_munmap(struct stress_thread *t, struct part part)
{
	size_t bytes = part.count * PAGE_SIZE;
	char *mem = page_at(t, part.page);

	/* The hole is filled in one step: other threads map memory as well. */
	if (mmap(mem, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		return errno;
	expect_zero(t, part);
	check(t, "munmap", part);
	return 0;
}

static int op_mlock(struct stress_thread *t, struct part part)
{
	void *mem = page_at(t, part.page);
	size_t bytes = part.count * PAGE_SIZE;

	if (mlock2(mem, bytes, next_random(t) & 1 ? MLOCK_ONFAULT : 0))
		return errno;
	check(t, "mlock", part);
	return munlock(mem, bytes) ? errno : 0;
}

/* Nothing but memory is touched in the child: other threads may hold any lock. */
static int op_fork(struct stress_thread *t, struct part part)
{
	int status = 0;
	pid_t pid = child_fork();

	if (pid < 0)
		return errno;
	if (!pid) {
		check(t, "fork", part);
		op_write(t, part);
		check(t, "written in fork", part);
		_exit(0);
	}
	/* What the child chose is not ours. */
	op_flip(t, part);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		wrong(t, "end of fork", part.page);
	return 0;
}

static int op_process_vm(struct stress_thread *t, struct part part)
{
	uint64_t page[PAGE_SIZE / 8];
	struct iovec local = { page, PAGE_SIZE };
	struct iovec remote = { page_at(t, part.page), PAGE_SIZE };

	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)PAGE_SIZE)
		return errno;
	if (!right(t, page, part.page))
		wrong(t, "process_vm_readv", part.page);
	write_page(t, page, part.page);
	if (process_vm_writev(getpid(), &local, 1, &remote, 1, 0) != (ssize_t)PAGE_SIZE)
		wrong(t, "process_vm_writev", part.page);
	return 0;
}

static int op_direct(struct stress_thread *t, struct part part)
{
	size_t bytes = part.count * PAGE_SIZE;
	int fd = open(t->device, O_RDWR | O_DIRECT | O_CLOEXEC);
	char *mem = page_at(t, part.page);
	typeof(t->content[0]) kept[STRESS_PAGES];
	ssize_t written, got = 0;

	if (fd < 0)
		return errno;
	written = pwrite(fd, mem, bytes, t->device_offset);
	if (written == (ssize_t)bytes) {
		memcpy(kept, t->content + part.page, part.count * sizeof(*kept));
		op_write(t, part);
		memcpy(t->content + part.page, kept, part.count * sizeof(*kept));
		got = pread(fd, mem, bytes, t->device_offset);
	}
	close(fd);
	if (written != (ssize_t)bytes)
		return EIO;
	if (got != (ssize_t)bytes)
		op_write(t, part);
	check(t, "direct I/O", part);
	return 0;
}

/* A page lies in a pipe while it is written. */
static int op_vmsplice(struct stress_thread *t, struct part part)
{
	struct iovec iov = { page_at(t, part.page), PAGE_SIZE };
	uint64_t page[PAGE_SIZE / 8];
	int fds[2];
	int err = 0;

	if (pipe2(fds, O_CLOEXEC))
		return errno;
	if (vmsplice(fds[1], &iov, 1, 0) != (ssize_t)PAGE_SIZE)
		err = errno;
	else if (read(fds[0], page, PAGE_SIZE) != (ssize_t)PAGE_SIZE || !right(t, page, part.page))
		wrong(t, "vmsplice", part.page);
	close(fds[0]);
	close(fds[1]);
	return err;
}

/* As a debugger does, past the protection. */
static int op_poke(struct stress_thread *t, struct part part)
{
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	char *mem = page_at(t, part.page);
	uint64_t page[PAGE_SIZE / 8];
	ssize_t n;

	if (fd < 0)
		return errno;
	mprotect(mem, PAGE_SIZE, PROT_READ);
	write_page(t, page, part.page);
	n = pwrite(fd, page, PAGE_SIZE, (uintptr_t)mem);
	close(fd);
	if (n != (ssize_t)PAGE_SIZE)
		wrong(t, "poke", part.page);
	check(t, "poked", (struct part){ part.page, 1 });
	return mprotect(mem, PAGE_SIZE, PROT_READ | PROT_WRITE) ? errno : 0;
}

static int op_soft_dirty(struct stress_thread *t, struct part part)
{
	int err = write_file("/proc/self/clear_refs", "4");

	check(t, "soft-dirty", part);
	return err;
}

static int run_fixed(struct stress_thread *t, int fd, void *mem, size_t bytes, bool out)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&t->ring);
	struct io_uring_cqe *cqe;
	int n;

	if (out)
		io_uring_prep_write_fixed(sqe, fd, mem, bytes, t->device_offset, 0);
	else
		io_uring_prep_read_fixed(sqe, fd, mem, bytes, t->device_offset, 0);
	io_uring_submit(&t->ring);
	if (io_uring_wait_cqe(&t->ring, &cqe))
		return EIO;
	n = cqe->res;
	io_uring_cqe_seen(&t->ring, cqe);
	return n == (int)bytes ? 0 : EIO;
}

/* Pinned while it is written out, overwritten, and read back in. */
static int op_io_uring(struct stress_thread *t, struct part part)
{
	struct iovec iov = { page_at(t, part.page), part.count * PAGE_SIZE };
	typeof(t->content[0]) kept[STRESS_PAGES];
	int fd, err;

	err = -io_uring_register_buffers(&t->ring, &iov, 1);
	if (err)
		return err;
	fd = open(t->device, O_RDWR | O_DIRECT | O_CLOEXEC);
	err = run_fixed(t, fd, iov.iov_base, iov.iov_len, true);
	if (!err) {
		memcpy(kept, t->content + part.page, part.count * sizeof(*kept));
		op_write(t, part);
		memcpy(t->content + part.page, kept, part.count * sizeof(*kept));
		if (run_fixed(t, fd, iov.iov_base, iov.iov_len, false))
			op_write(t, part);
	}
	close(fd);
	check(t, "io_uring", part);
	io_uring_unregister_buffers(&t->ring);
	return err;
}

/* Protected for a while; nobody writes in it, so no handler is needed. */
static int op_uffd(struct stress_thread *t, struct part part)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP };
	struct uffdio_range range = { (uintptr_t)page_at(t, part.page), part.count * PAGE_SIZE };
	struct uffdio_register reg = { .range = range, .mode = UFFDIO_REGISTER_MODE_WP };
	struct uffdio_writeprotect wp = { .range = range, .mode = UFFDIO_WRITEPROTECT_MODE_WP };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg) ||
	    ioctl(fd, UFFDIO_WRITEPROTECT, &wp))
		err = errno;
	check(t, "userfaultfd", part);
	wp.mode = 0;
	ioctl(fd, UFFDIO_WRITEPROTECT, &wp);
	ioctl(fd, UFFDIO_UNREGISTER, &range);
	close(fd);
	check(t, "userfaultfd closed", part);
	return err;
}

/* One area again instead of many, and huge if the kernel likes. Rare, for it is long. */
static int op_renew(struct stress_thread *t, struct part part)
{
	struct part all = { 0, STRESS_PAGES };

	if (part.count != STRESS_MAX_PART)
		return op_verify(t, part);
	if (mmap(t->mem, STRESS_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return errno;
	madvise(t->mem, STRESS_PAGES * PAGE_SIZE, MADV_HUGEPAGE);
	return op_write(t, all);
}

static const struct {
	const char *name;
	op_fn run;
} ops[] = {
	{ "write", op_write },
	{ "verify", op_verify },
	{ "flip", op_flip },
	{ "cold", op_cold },
	{ "pageout", op_pageout },
	{ "collapse", op_collapse },
	{ "mergeable", op_mergeable },
	{ "dontneed", op_dontneed },
	{ "free", op_free },
	{ "mprotect", op_mprotect },
	{ "mremap", op_mremap },
	{ "munmap", op_munmap },
	{ "mlock", op_mlock },
	{ "fork", op_fork },
	{ "process_vm", op_process_vm },
	{ "direct", op_direct },
	{ "vmsplice", op_vmsplice },
	{ "poke", op_poke },
	{ "soft-dirty", op_soft_dirty },
	{ "io_uring", op_io_uring },
	{ "userfaultfd", op_uffd },
	{ "renew", op_renew },
};

const unsigned int stress_nr_ops = sizeof(ops) / sizeof(*ops);

const char *stress_op_name(unsigned int op)
{
	return ops[op].name;
}

static void one_operation(struct stress_thread *t)
{
	unsigned int op = next_random(t) % stress_nr_ops;
	struct part part = { .page = next_random(t) % STRESS_PAGES };
	int refused;

	part.count = 1 + next_random(t) % STRESS_MAX_PART;
	if (part.count > STRESS_PAGES - part.page)
		part.count = STRESS_PAGES - part.page;
	refused = ops[op].run(t, part);
	if (refused)
		t->report->refused[op]++;
	else
		t->report->done[op]++;
	t->history[t->nr_done++ % STRESS_HISTORY] = (struct stress_done) {
		op, part.page, part.count, refused,
	};
}

int stress_prepare(struct stress_thread *t)
{
	t->away = mmap(NULL, STRESS_MAX_PART * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);
	if (t->away == MAP_FAILED)
		return errno;
	return -io_uring_queue_init(4, &t->ring, 0);
}

void stress_run(struct stress_thread *t)
{
	struct part all = { 0, STRESS_PAGES };
	unsigned int i;

	op_write(t, all);
	for (i = 1; !*t->stop && !t->report->wrong; i++) {
		one_operation(t);
		if (i % 64 == 0)
			check(t, "all", all);
	}
	check(t, "end", all);
}
