// SPDX-License-Identifier: GPL-2.0
/* State of the host that a test changes, and that is restored after it. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pshare_test.h"

#define CGROUP_ROOT	"/sys/fs/cgroup"
#define ZRAM		"/dev/zram0"

/* Died, warned, soft lockup, bad page: never by us. */
#define TAINT_BAD	(1UL << 5 | 1UL << 7 | 1UL << 9 | 1UL << 14)

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

unsigned int slowness(void)
{
	return access("/sys/kernel/debug/kmemleak", F_OK) ? 1 : 10;
}

double deadline(unsigned int seconds)
{
	return now() + seconds * slowness();
}

void pause_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

bool kernel_at_least(unsigned int major, unsigned int minor)
{
	unsigned int have_major = 0, have_minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &have_major, &have_minor);
	return have_major > major || (have_major == major && have_minor >= minor);
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t length = strlen(text);
	int err = 0;

	if (fd < 0)
		return errno;
	if (write(fd, text, length) != length)
		err = errno;
	close(fd);
	return err;
}

/* Without the final newline. */
int read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return errno;
	length = read(fd, text, size - 1);
	close(fd);
	if (length < 0)
		return EIO;
	text[length] = 0;
	if (length && text[length - 1] == '\n')
		text[length - 1] = 0;
	return 0;
}

/* A number behind a word at the start of a line. */
static long long number_behind(const char *path, const char *field)
{
	size_t length = strlen(field);
	long long value = -1;
	char line[256];
	FILE *file = fopen(path, "re");

	if (!file)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, length) && strchr(": ", line[length]))
			value = strtoll(line + length + 1, NULL, 10);
	fclose(file);
	return value;
}

long long meminfo_kb(const char *field)
{
	return number_behind("/proc/meminfo", field);
}

long long vmstat_number(const char *field)
{
	return number_behind("/proc/vmstat", field);
}

/* Files that offer words show the one in force in brackets. */
static void strip_brackets(char *text)
{
	char *open_bracket = strchr(text, '['), *close_bracket = strchr(text, ']');

	if (!open_bracket || !close_bracket)
		return;
	*close_bracket = 0;
	memmove(text, open_bracket + 1, strlen(open_bracket + 1) + 1);
}

int host_set(struct host *host, const char *path, const char *value)
{
	char old[64];
	int err = read_file(path, old, sizeof(old));

	if (err)
		return err;
	strip_brackets(old);
	err = write_file(path, value);
	if (err || host->nr_saved == HOST_SAVED)
		return err;
	snprintf(host->saved[host->nr_saved].path, sizeof(host->saved[0].path), "%s", path);
	snprintf(host->saved[host->nr_saved].value, sizeof(host->saved[0].value), "%s", old);
	host->nr_saved++;
	return 0;
}

static void restore_files(struct host *host)
{
	while (host->nr_saved) {
		host->nr_saved--;
		write_file(host->saved[host->nr_saved].path, host->saved[host->nr_saved].value);
	}
}

int host_child(struct host *host, struct child *child, int flags)
{
	int err;

	if (host->nr_children == HOST_CHILDREN)
		return ENOSPC;
	err = child_start(child, flags);
	if (!err)
		host->children[host->nr_children++] = child->pid;
	return err;
}

int host_vm(struct host *host, struct child *child, const char *name, size_t pages, int how)
{
	int err = host_child(host, child, CHILD_LOCK_REST);

	if (!err)
		err = child_map(child, pages, how);
	if (!err && name)
		err = vm_add(child->pid, name, 0);
	return err;
}

/* Registered with its content in place, so that nothing changes under the scanner. */
int host_filled(struct host *host, struct child *child, const char *name, size_t pages, int how,
		uint64_t seed, uint64_t first)
{
	int err = host_vm(host, child, NULL, pages, how);

	if (!err)
		err = -child_fill(child, 0, pages, seed, first);
	if (!err && name)
		err = vm_add(child->pid, name, 0);
	return err;
}

size_t host_pair(struct host *host, struct child *a, struct child *b, size_t pages, int how)
{
	int err = host_filled(host, a, "a", pages, how, SEED_PAIR, 0);

	if (!err)
		err = host_filled(host, b, "b", pages, how, SEED_PAIR, 0);
	if (!err)
		err = scan_all_wait();
	if (err) {
		fprintf(stderr, "# no pair: %s: %s\n", strerror(err), last_extack());
		return 0;
	}
	return frames_equal(a->pid, a->mem, b->pid, b->mem, pages);
}

static void end_children(struct host *host)
{
	unsigned int i;

	for (i = 0; i < host->nr_children; i++)
		kill(host->children[i], SIGKILL);
	for (i = 0; i < host->nr_children; i++)
		wait_gone(host->children[i]);
	host->nr_children = 0;
}

static void cgroup_path(char *path, size_t size, const char *name, const char *file)
{
	snprintf(path, size, CGROUP_ROOT "/%s/%s", name, file);
}

int host_cgroup(struct host *host, const char *name)
{
	char path[128];

	if (host->nr_cgroups == HOST_CGROUPS)
		return ENOSPC;
	cgroup_path(path, sizeof(path), name, "");
	if (mkdir(path, 0755) && errno != EEXIST)
		return errno;
	snprintf(host->cgroups[host->nr_cgroups++], sizeof(host->cgroups[0]), "%s", name);
	return 0;
}

int cgroup_write(const char *name, const char *file, const char *value)
{
	char path[128];

	cgroup_path(path, sizeof(path), name, file);
	return write_file(path, value);
}

int cgroup_add(const char *name, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	return cgroup_write(name, "cgroup.procs", text);
}

long long cgroup_read(const char *name, const char *file)
{
	char path[128], text[64];

	cgroup_path(path, sizeof(path), name, file);
	return read_file(path, text, sizeof(text)) ? -1 : strtoll(text, NULL, 10);
}

/* A process that was killed may take a moment to leave. */
static void remove_cgroups(struct host *host)
{
	double end = deadline(5);
	char path[128];

	while (host->nr_cgroups) {
		host->nr_cgroups--;
		cgroup_path(path, sizeof(path), host->cgroups[host->nr_cgroups], "");
		while (rmdir(path) && errno == EBUSY && now() < end)
			pause_ms(20);
	}
}

/* Header of a swap area, as mkswap writes it. */
static int make_swap(const char *device, unsigned int pages)
{
	char page[PAGE_SIZE] = { 0 };
	uint32_t *header = (uint32_t *)(page + 1024);
	int fd = open(device, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	header[0] = 1;
	header[1] = pages - 1;
	memcpy(page + PAGE_SIZE - 10, "SWAPSPACE2", 10);
	if (write(fd, page, sizeof(page)) != sizeof(page) || fsync(fd))
		err = EIO;
	close(fd);
	return err;
}

static int run_program(const char *program, const char *argument)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execlp(program, program, argument, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : ENOSYS;
}

static int enable_swap(struct host *host, const char *device, unsigned int mib)
{
	int err = make_swap(device, mib * MIB_PAGES);

	if (err)
		return err;
	if (swapon(device, 0))
		return errno;
	snprintf(host->swap, sizeof(host->swap), "%s", device);
	return 0;
}

int host_swap_on(struct host *host, unsigned int mib)
{
	char size[32];
	int err = run_program("modprobe", "zram");

	if (err)
		return err;
	write_file("/sys/block/zram0/reset", "1");
	snprintf(size, sizeof(size), "%uM", mib);
	return write_file("/sys/block/zram0/disksize", size) ?: enable_swap(host, ZRAM, mib);
}

int host_swap_on_loop(struct host *host, unsigned int mib)
{
	char device[64];

	return host_loop(host, mib, device, sizeof(device)) ?: enable_swap(host, device, mib);
}

int host_swap_off(struct host *host)
{
	bool zram = !strcmp(host->swap, ZRAM);

	if (!host->swap[0])
		return 0;
	if (swapoff(host->swap))
		return errno;
	host->swap[0] = 0;
	return zram ? write_file("/sys/block/zram0/reset", "1") : 0;
}

/* busybox brings losetup along. */
static int attach_loop(struct host *host, const char *file, char *path, size_t size)
{
	char command[128];
	FILE *out;

	snprintf(command, sizeof(command), "losetup -f && losetup -f %s", file);
	out = popen(command, "r");
	if (!out)
		return errno;
	if (!fgets(path, size, out))
		path[0] = 0;
	if (pclose(out) || sscanf(path, "/dev/loop%d", &host->loop) != 1)
		return ENODEV;
	path[strcspn(path, "\n")] = 0;
	return 0;
}

int host_loop(struct host *host, unsigned int mib, char *path, size_t size)
{
	char file[] = "/dev/shm/pshare-loop-XXXXXX";
	int err = run_program("modprobe", "loop");
	int fd;

	if (err)
		return err;
	fd = mkstemp(file);
	if (fd < 0 || ftruncate(fd, (off_t)mib << 20))
		return errno;
	close(fd);
	err = attach_loop(host, file, path, size);
	/* The device keeps it. */
	unlink(file);
	return err;
}

static void detach_loop(struct host *host)
{
	char command[64];

	if (host->loop < 0)
		return;
	snprintf(command, sizeof(command), "losetup -d /dev/loop%d", host->loop);
	if (system(command))
		fprintf(stderr, "# %s failed\n", command);
	host->loop = -1;
}

static const char *problem(struct host *host, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(host->problem, sizeof(host->problem), format, args);
	va_end(args);
	return host->problem;
}

static int set_full_speed(void)
{
	return knob_set_u64("cpu_percent", knob_max("cpu_percent"));
}

int64_t host_grown(struct host *host, int counter)
{
	return stat_now(counter) - host->start.v[counter];
}

void host_begin(struct host *host)
{
	memset(host, 0, sizeof(*host));
	host->loop = -1;
	host->taint = kernel_taint();
	/* Like no other: the log holds those of other tests, too. */
	snprintf(host->mark, sizeof(host->mark), "pshare test %d at %.6f", getpid(), now());
	kmsg_mark(host->mark);
}

const char *host_setup(struct host *host)
{
	struct host_info info;
	int err = 0;

	host_begin(host);
	if (!module_loaded())
		err = module_load(NULL);
	if (err)
		return problem(host, "the module does not load: %s", strerror(err));
	err = vm_del_all() ?: knobs_default() ?: set_full_speed() ?: stats_get(&info, true);
	if (err)
		return problem(host, "%s: %s", strerror(err), last_extack());
	host->start = info.counters;
	return NULL;
}

static const char *check_kernel(struct host *host)
{
	int fd = kmsg_open_at(host->mark);
	const char *complaint = kmsg_complaint(fd);

	close(fd);
	if (complaint)
		return problem(host, "kernel log: %.400s", complaint);
	if ((kernel_taint() & ~host->taint) & TAINT_BAD)
		return problem(host, "the kernel is tainted: %#lx", kernel_taint());
	return NULL;
}

/* With its last process gone, a frame that is left is a leak. */
static const char *check_frames(struct host *host)
{
	long long frames = stat_settles(C(PAGES_SHARED), 0);

	if (frames)
		return problem(host, "%lld frames are left with nobody to share them", frames);
	return NULL;
}

const char *host_teardown(struct host *host)
{
	const char *wrong = NULL;
	int err = 0;

	end_children(host);
	restore_files(host);
	if (host_swap_off(host))
		wrong = problem(host, "swapoff failed: %s", strerror(errno));
	detach_loop(host);
	remove_cgroups(host);
	if (module_loaded()) {
		err = vm_del_all() ?: knobs_default();
		if (err)
			wrong = problem(host, "%s: %s", strerror(err), last_extack());
		if (!wrong)
			wrong = check_frames(host);
	}
	return check_kernel(host) ?: wrong;
}
