/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of the module share. No test harness in here, so that the
 * libraries can include it; a test includes "fixture.h".
 *
 * Calls return 0 or an errno, positive, unless they say otherwise.
 */
#ifndef PSHARE_TEST_H
#define PSHARE_TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/pshare.h>

#define PAGE_SIZE	4096UL
#define HUGE_SIZE	(2UL << 20)
#define HUGE_PAGES	512UL
#define MIB_PAGES	256UL

/* Younger than the C library. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/* nl.c: the netlink family through libnl-genl */

struct nl_msg;
struct nlmsghdr;

/* Indexed by PSHARE_A_COUNTERS_*; C(MERGES) is shorter. */
struct counters {
	int64_t v[PSHARE_A_COUNTERS_MAX + 1];
};

#define C(name)	PSHARE_A_COUNTERS_##name

/* What vm-add, vm-del and vm-set can say; members not named in @have are left out. */
struct vm_args {
	pid_t pid;		/* 0: left out */
	uint64_t start_time;	/* 0: left out */
	const char *name;	/* NULL: left out */
	uint32_t have;		/* HAVE_* */
	uint32_t domain;
	uint32_t weight;
	uint32_t thp;
	uint8_t paused;
	bool unmerge;
	bool force;
};

#define HAVE_DOMAIN	1
#define HAVE_WEIGHT	2
#define HAVE_THP	4
#define HAVE_PAUSED	8

struct vm_info {
	uint32_t id;
	uint32_t pid;
	uint64_t start_time;
	char name[64];
	char comm[64];
	uint32_t domain;
	uint32_t weight;
	uint32_t thp;
	uint8_t paused;
	uint32_t state;
	uint8_t automatic;
	uint64_t rss_bytes;
	struct counters counters;
	uint64_t never[PSHARE_A_NEVER_MAX + 1];
};

struct host_info {
	struct counters counters;
	uint32_t vms;
	char version[64];
};

struct knob_info {
	char name[64];
	char value[64];
	char def[64];
	char range[128];
	char unit[64];
	char doc[256];
};

struct region_info {
	uint64_t addr;
	uint32_t v[PSHARE_A_REGION_MAX + 1];
};

struct event {
	int cmd;
	uint32_t pid;
	char name[64];
	uint64_t cookie;
	uint64_t merges;
	uint64_t full_scans;
	uint64_t frames;
	uint64_t max_frames;
};

/* Message of the last failed request of this thread, "" if it had none. */
const char *last_extack(void);

/*
 * The floor under the rest. nl_request() makes a message of the family, nl_run()
 * sends it, gives every reply to @reply and frees it. ENODEV without the module.
 */
typedef void (*nl_reply)(struct nlmsghdr *hdr, void *arg);
int nl_family(void);
struct nl_msg *nl_request(int cmd, int flags);
int nl_run(struct nl_msg *msg, nl_reply reply, void *arg);

int vm_add_args(const struct vm_args *args);
int vm_add(pid_t pid, const char *name, uint32_t domain);
int vm_del_args(const struct vm_args *args);
int vm_del(pid_t pid, bool unmerge);
int vm_set(const struct vm_args *args);
int vm_get(pid_t pid, struct vm_info *info);
int vm_get_name(const char *name, struct vm_info *info);
/* Every VM, at most @max; *n is how many there are. */
int vm_list(struct vm_info *infos, unsigned int max, unsigned int *n);
int vm_del_all(void);
/* A counter of a VM, -1 if it cannot be read. _settles(): asked until it has the value. */
int64_t vm_counter(pid_t pid, int counter);
int64_t vm_counter_settles(pid_t pid, int counter, int64_t value);

/* knob_set("run", "1", "thp", "never"): all or none. */
int knobs_set(const char *const *pairs);
#define knob_set(...)	knobs_set((const char *const []){ __VA_ARGS__, NULL })
int knob_set_u64(const char *name, uint64_t value);
int knob_info(const char *name, struct knob_info *info);
int knob_get(const char *name, char *value, size_t size);
int knob_list(struct knob_info *infos, unsigned int max, unsigned int *n);
int knobs_default(void);
/* The highest value in a knob's range, 0 if it has none. */
uint64_t knob_max(const char *name);

int stats_get(struct host_info *info, bool refresh);
/* One counter of the host, counted anew; -1 if it cannot be read. */
int64_t stat_now(int counter);
int64_t stat_settles(int counter, int64_t value);

/*
 * Passes over memory. scan_*_wait() ask for two, one after the other, and return
 * when both are done: what can be merged is merged then.
 */
int scan_start(pid_t pid, uint64_t *cookie);
int scan_wait(uint64_t cookie, unsigned int seconds);
int scan_running(uint64_t cookie, bool *running);
int scan_once_wait(pid_t pid);
int scan_vm_wait(pid_t pid);
int scan_all_wait(void);

int unmerge(pid_t pid, bool force, struct counters *counters);
int region_get(pid_t pid, const void *addr, struct region_info *info);
int region_list(pid_t pid, uint64_t from, struct region_info *infos, unsigned int max,
		unsigned int *n);
int exclude_add(pid_t pid, const char *name);
int exclude_del(pid_t pid, const char *name);
int exclude_get(pid_t pid, const char *name);

/* Events from events_open() on; events_wait() passes over those with another command. */
int events_open(void);
void events_close(void);
int events_wait(int cmd, unsigned int seconds, struct event *event);

/* pagemap.c: which page is where, as the kernel sees it */

#define PM_SOFT_DIRTY	(1ULL << 55)
#define PM_UFFD_WP	(1ULL << 57)
#define PM_FILE		(1ULL << 61)
#define PM_SWAP		(1ULL << 62)
#define PM_PRESENT	(1ULL << 63)

/* What a process maps in a range. */
struct mapping {
	size_t frames;		/* mappings of frames of ours */
	size_t distinct;	/* different frames among them */
	size_t zero;		/* the zero page */
	size_t anon;		/* pages of its own, or shared after fork or by KSM */
	size_t huge;		/* of @anon: parts of compound pages */
	size_t swapped;
	size_t absent;
	size_t other;
};

/* Entries of @n pages; all 0 where it cannot be read. */
int pagemap_read(pid_t pid, const void *addr, size_t n, uint64_t *entries);
uint64_t pagemap_entry(pid_t pid, const void *addr);
/* Page frame number, 0 if no page is present. */
uint64_t page_frame(pid_t pid, const void *addr);
uint64_t page_flags(uint64_t pfn);
uint64_t page_mapcount(uint64_t pfn);
bool page_is_zero(uint64_t pfn);
/* NUMA node of a page frame, -1 if it has none. */
int page_node(uint64_t pfn);
int nr_nodes(void);
bool page_is_frame(uint64_t pfn);
bool page_is_huge(uint64_t pfn);
int mapping_count(pid_t pid, const void *addr, size_t pages, struct mapping *out);
/* How many of @n pages have the same frame in both. */
size_t frames_equal(pid_t pid1, const void *addr1, pid_t pid2, const void *addr2, size_t n);
/* Numbers with "kB" behind them; -1 if there is no such line. */
long status_kb(pid_t pid, const char *field);
long smaps_kb(pid_t pid, const void *addr, const char *field);
long smaps_rollup_kb(pid_t pid, const char *field);
bool smaps_has_flag(pid_t pid, const void *addr, const char *flag);
uint64_t process_start_time(pid_t pid);

/*
 * child.c: processes that hold memory and do what they are told
 *
 * Content of a page is a pure function of a seed and a number; seed 0 is zeroes.
 */

#define SEED_ZERO	0

struct child;
typedef long (*child_fn)(struct child *self, const long *arg);

struct child {
	pid_t pid;
	int socket;
	char *mem;		/* in the child */
	size_t pages;
	unsigned int running;	/* calls whose result was not fetched */
};

/* What child_map() makes. */
#define MEM_SMALL	0	/* never huge */
#define MEM_HUGE	1	/* aligned and advised to be huge */
#define MEM_PLAIN	2	/* as the host is set */
#define MEM_TMPFS	4	/* shared memory */
#define MEM_HUGETLB	8	/* of the pool of huge pages */

/* A child that locks all it has, so that only what it maps later is scanned. */
#define CHILD_LOCK_REST	0
#define CHILD_SCAN_ALL	1

void page_fill(void *page, uint64_t seed, uint64_t number);
bool page_matches(const void *page, uint64_t seed, uint64_t number);
/* Pages first, first + 1 ... of a seed. pages_verify(): -1 all right, else the first wrong one. */
void pages_fill(void *mem, size_t pages, uint64_t seed, uint64_t first);
long pages_verify(const void *mem, size_t pages, uint64_t seed, uint64_t first);

int child_start(struct child *child, int flags);
/* Runs @fn in the child; its result (0 or -errno by custom), or -EPIPE if the child died. */
long child_call(struct child *child, child_fn fn, long a, long b, long c, long d);
/* The same in two halves, for calls that wait for something. */
int child_begin(struct child *child, child_fn fn, long a, long b, long c, long d);
long child_end(struct child *child);
int child_map(struct child *child, size_t pages, int how);
/* @count pages from @page on get the content of pages @first... of @seed. */
long child_fill(struct child *child, size_t page, size_t count, uint64_t seed, uint64_t first);
long child_verify(struct child *child, size_t page, size_t count, uint64_t seed, uint64_t first);
/* Reads a byte of each page. */
long child_touch(struct child *child, size_t page, size_t count);
long child_madvise(struct child *child, size_t page, size_t count, int advice);
long child_mprotect(struct child *child, size_t page, size_t count, int prot);
long child_munmap(struct child *child, size_t page, size_t count);
/* All of its memory; @flags are mlock2()'s. */
long child_mlock(struct child *child, unsigned int flags);
long child_munlock(struct child *child);
/* A fork of it that does nothing until it is killed or the child ends; its pid or -errno. */
pid_t child_fork_stays(struct child *child);
/* Asks it to exit, or kills it; waits until its memory is gone. */
void child_exit(struct child *child);
void child_kill(struct child *child);
void *child_page(const struct child *child, size_t page);
/* In a child: fork() whose child ends with its parent. */
pid_t child_fork(void);
void wait_gone(pid_t pid);

/* guests.c: KVM guests in the test host, see guest/ */

struct guest {
	const char *name;
	pid_t pid;
	void *ram;		/* in QEMU */
	size_t pages;
};

/* @arguments are for guest/load.c. Returns when QEMU runs; what the guest says is in its log. */
int guest_start(struct guest *guest, const char *mib, const char *arguments);
void guest_find_ram(struct guest *guest);
void guest_log(const struct guest *guest, char *path, size_t size);
/* A letter on its console. */
int guest_tell(const struct guest *guest, char letter);

/* module.c: the module and what the kernel has to say */

/* Any module, by its file and by its name; pshare. */
int module_insert(const char *path, const char *parameters);
int module_remove(const char *name);
int module_load(const char *parameters);
int module_unload(void);
bool module_loaded(void);
unsigned long kernel_taint(void);
/*
 * The kernel log from its end on, or from a line of our own on that kmsg_mark()
 * wrote. kmsg_complaint(): the first complaint since, or NULL. Both read on from
 * where the last call stopped.
 */
int kmsg_open(void);
int kmsg_open_at(const char *mark);
void kmsg_mark(const char *mark);
const char *kmsg_complaint(int fd);
bool kmsg_has(int fd, const char *text);

/* host.c: state of the host that a test changes and that is restored after it */

#define HOST_CHILDREN	64
#define HOST_SAVED	24
#define HOST_CGROUPS	4

/* In memory shared with the parent, so that it can clean up after a test that crashed. */
struct host {
	char mark[48];
	unsigned long taint;
	struct counters start;
	unsigned int nr_children;
	pid_t children[HOST_CHILDREN];
	unsigned int nr_saved;
	struct {
		char path[96];
		char value[64];
	} saved[HOST_SAVED];
	unsigned int nr_cgroups;
	char cgroups[HOST_CGROUPS][32];
	char swap[64];		/* the device, or "" */
	int loop;		/* number of the loop device, or -1 */
	char problem[512];
};

/* From here on everything that teardown finds counts; setup does it. */
void host_begin(struct host *host);
/* Both return what is wrong, or NULL. Setup: module loaded, full speed, no VM. */
const char *host_setup(struct host *host);
const char *host_teardown(struct host *host);
/* By how much a counter has grown since setup. */
int64_t host_grown(struct host *host, int counter);
/* A child that teardown ends, registered unless @name is NULL. */
int host_child(struct host *host, struct child *child, int flags);
int host_vm(struct host *host, struct child *child, const char *name, size_t pages, int how);
/*
 * Processes with the same content, pages 0... of seed 1, registered and merged.
 * host_pair() returns how many pages have the same frame in both.
 */
#define SEED_PAIR	1
int host_filled(struct host *host, struct child *child, const char *name, size_t pages, int how,
		uint64_t seed, uint64_t first);
size_t host_pair(struct host *host, struct child *a, struct child *b, size_t pages, int how);
/* Writes a file of the kernel, restored by teardown. */
int host_set(struct host *host, const char *path, const char *value);
/* A cgroup, removed by teardown. */
int host_cgroup(struct host *host, const char *name);
int cgroup_write(const char *name, const char *file, const char *value);
int cgroup_add(const char *name, pid_t pid);
long long cgroup_read(const char *name, const char *file);
/*
 * A zram device as swap, or a loop device, whose pages stay in the swap cache when
 * they are read. swapoff by teardown; host_swap_off() brings everything back in.
 */
int host_swap_on(struct host *host, unsigned int mib);
int host_swap_on_loop(struct host *host, unsigned int mib);
int host_swap_off(struct host *host);
/* A loop device over a tmpfs file, for O_DIRECT; fills in its path. */
int host_loop(struct host *host, unsigned int mib, char *path, size_t size);
int write_file(const char *path, const char *text);
int read_file(const char *path, char *text, size_t size);
long long meminfo_kb(const char *field);
long long vmstat_number(const char *field);
bool kernel_at_least(unsigned int major, unsigned int minor);
/* Seconds since some moment. */
double now(void);
/* How many times longer things may take: kernels built for debugging are slow. */
unsigned int slowness(void);
/* The moment until which to wait for what takes this long at most. */
double deadline(unsigned int seconds);
void pause_ms(unsigned int ms);

#endif
