// SPDX-License-Identifier: GPL-2.0
/* Processes that hold memory with known content and do what they are told. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pshare_test.h"

#define WORDS	(PAGE_SIZE / sizeof(uint64_t))

struct request {
	child_fn fn;
	long arg[4];
};

struct reply {
	long result;
	char *mem;
	size_t pages;
};

/* Weyl sequence and mixer of splitmix64: every word of every page differs. */
static uint64_t word(uint64_t seed, uint64_t number, size_t i)
{
	uint64_t z = (seed * 0xd1342543de82ef95 + number * WORDS + i) * 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	return z ^ z >> 27;
}

void page_fill(void *page, uint64_t seed, uint64_t number)
{
	uint64_t *words = page;
	size_t i;

	if (seed == SEED_ZERO) {
		memset(page, 0, PAGE_SIZE);
		return;
	}
	for (i = 0; i < WORDS; i++)
		words[i] = word(seed, number, i);
}

static bool page_is_empty(const uint64_t *words)
{
	size_t i;

	for (i = 0; i < WORDS; i++)
		if (words[i])
			return false;
	return true;
}

bool page_matches(const void *page, uint64_t seed, uint64_t number)
{
	const uint64_t *words = page;
	size_t i;

	if (seed == SEED_ZERO)
		return page_is_empty(words);
	for (i = 0; i < WORDS; i++)
		if (words[i] != word(seed, number, i))
			return false;
	return true;
}

void pages_fill(void *mem, size_t pages, uint64_t seed, uint64_t first)
{
	size_t i;

	for (i = 0; i < pages; i++)
		page_fill(mem + i * PAGE_SIZE, seed, first + i);
}

long pages_verify(const void *mem, size_t pages, uint64_t seed, uint64_t first)
{
	size_t i;

	for (i = 0; i < pages; i++)
		if (!page_matches(mem + i * PAGE_SIZE, seed, first + i))
			return i;
	return -1;
}

/* No allocation in here: what libc holds is locked, and must stay as it is. */
static void __attribute__((noreturn)) serve(struct child *self)
{
	struct request request;
	struct reply reply;

	while (read(self->socket, &request, sizeof(request)) == sizeof(request)) {
		reply.result = request.fn ? request.fn(self, request.arg) : 0;
		reply.mem = self->mem;
		reply.pages = self->pages;
		if (write(self->socket, &reply, sizeof(reply)) != sizeof(reply) || !request.fn)
			break;
	}
	_exit(0);
}

static long lock_rest(struct child *self, const long *arg)
{
	(void)self;
	(void)arg;
	return mlockall(MCL_CURRENT) ? -errno : 0;
}

int child_start(struct child *child, int flags)
{
	int pair[2];

	memset(child, 0, sizeof(*child));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return errno;
	child->pid = fork();
	if (child->pid < 0)
		return errno;
	if (!child->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		child->socket = pair[1];
		serve(child);
	}
	close(pair[1]);
	child->socket = pair[0];
	if (flags & CHILD_SCAN_ALL)
		return 0;
	return -child_call(child, lock_rest, 0, 0, 0, 0);
}

int child_begin(struct child *child, child_fn fn, long a, long b, long c, long d)
{
	struct request request = { .fn = fn, .arg = { a, b, c, d } };

	if (send(child->socket, &request, sizeof(request), MSG_NOSIGNAL) != sizeof(request))
		return EPIPE;
	child->running++;
	return 0;
}

long child_end(struct child *child)
{
	struct reply reply;

	if (!child->running || recv(child->socket, &reply, sizeof(reply), 0) != sizeof(reply))
		return -EPIPE;
	child->running--;
	child->mem = reply.mem;
	child->pages = reply.pages;
	return reply.result;
}

long child_call(struct child *child, child_fn fn, long a, long b, long c, long d)
{
	if (child_begin(child, fn, a, b, c, d))
		return -EPIPE;
	return child_end(child);
}

void *child_page(const struct child *child, size_t page)
{
	return child->mem + page * PAGE_SIZE;
}

/* Aligned to regions, with a hole around, so that no other area is joined to it. */
static char *map_aligned(size_t bytes, int flags)
{
	size_t room = bytes + 2 * HUGE_SIZE;
	char *area, *mem;

	area = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (area == MAP_FAILED)
		return MAP_FAILED;
	mem = (char *)(((uintptr_t)area + HUGE_SIZE) & ~(HUGE_SIZE - 1));
	return mmap(mem, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static long do_map(struct child *self, const long *arg)
{
	size_t bytes = arg[0] * PAGE_SIZE;
	int how = arg[1];
	char *mem = map_aligned(bytes, (how & MEM_TMPFS ? MAP_SHARED : MAP_PRIVATE) |
				       (how & MEM_HUGETLB ? MAP_HUGETLB : 0));

	if (mem == MAP_FAILED)
		return -errno;
	if (how & MEM_HUGE && madvise(mem, bytes, MADV_HUGEPAGE))
		return -errno;
	if (!(how & (MEM_HUGE | MEM_PLAIN | MEM_HUGETLB)) && madvise(mem, bytes, MADV_NOHUGEPAGE))
		return -errno;
	self->mem = mem;
	self->pages = arg[0];
	return 0;
}

int child_map(struct child *child, size_t pages, int how)
{
	return -child_call(child, do_map, pages, how, 0, 0);
}

static long do_fill(struct child *self, const long *arg)
{
	pages_fill(child_page(self, arg[0]), arg[1], arg[2], arg[3]);
	return 0;
}

long child_fill(struct child *child, size_t page, size_t count, uint64_t seed, uint64_t first)
{
	return child_call(child, do_fill, page, count, seed, first);
}

static long do_verify(struct child *self, const long *arg)
{
	return pages_verify(child_page(self, arg[0]), arg[1], arg[2], arg[3]);
}

long child_verify(struct child *child, size_t page, size_t count, uint64_t seed, uint64_t first)
{
	return child_call(child, do_verify, page, count, seed, first);
}

static long do_touch(struct child *self, const long *arg)
{
	volatile char *mem = child_page(self, arg[0]);
	long i;

	for (i = 0; i < arg[1]; i++)
		(void)mem[i * PAGE_SIZE];
	return 0;
}

long child_touch(struct child *child, size_t page, size_t count)
{
	return child_call(child, do_touch, page, count, 0, 0);
}

static long do_madvise(struct child *self, const long *arg)
{
	return madvise(child_page(self, arg[0]), arg[1] * PAGE_SIZE, arg[2]) ? -errno : 0;
}

long child_madvise(struct child *child, size_t page, size_t count, int advice)
{
	return child_call(child, do_madvise, page, count, advice, 0);
}

static long do_mprotect(struct child *self, const long *arg)
{
	return mprotect(child_page(self, arg[0]), arg[1] * PAGE_SIZE, arg[2]) ? -errno : 0;
}

long child_mprotect(struct child *child, size_t page, size_t count, int prot)
{
	return child_call(child, do_mprotect, page, count, prot, 0);
}

static long do_munmap(struct child *self, const long *arg)
{
	return munmap(child_page(self, arg[0]), arg[1] * PAGE_SIZE) ? -errno : 0;
}

long child_munmap(struct child *child, size_t page, size_t count)
{
	return child_call(child, do_munmap, page, count, 0, 0);
}

static long do_mlock(struct child *self, const long *arg)
{
	return mlock2(self->mem, self->pages * PAGE_SIZE, arg[0]) ? -errno : 0;
}

long child_mlock(struct child *child, unsigned int flags)
{
	return child_call(child, do_mlock, flags, 0, 0, 0);
}

static long do_munlock(struct child *self, const long *arg)
{
	(void)arg;
	return munlock(self->mem, self->pages * PAGE_SIZE) ? -errno : 0;
}

long child_munlock(struct child *child)
{
	return child_call(child, do_munlock, 0, 0, 0, 0);
}

pid_t child_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static long do_fork_stay(struct child *self, const long *arg)
{
	pid_t pid = child_fork();

	(void)self;
	(void)arg;
	if (!pid)
		for (;;)
			pause();
	return pid < 0 ? -errno : pid;
}

pid_t child_fork_stays(struct child *child)
{
	return child_call(child, do_fork_stay, 0, 0, 0, 0);
}

/* A pidfd becomes readable when the process has ended, its memory is gone before. */
void wait_gone(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return;
	poll(&poll_fd, 1, 20000);
	close(fd);
}

void child_exit(struct child *child)
{
	child_call(child, NULL, 0, 0, 0, 0);
	waitpid(child->pid, NULL, 0);
	close(child->socket);
}

void child_kill(struct child *child)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	close(child->socket);
}
