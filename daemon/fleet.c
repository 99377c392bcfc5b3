// SPDX-License-Identifier: GPL-2.0
/*
 * The fleet: a record for each process that is a virtual machine, from the moment it is found
 * until it ends or becomes another program. Its pidfd tells of the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "field.h"
#include "fleet.h"
#include "log.h"
#include "parse.h"
#include "schema.h"

#define BUCKETS		4096

/* A VM whose command line is not there, whose name another one still has: looked at again. */
#define TRIES		10
#define AGAIN_MS	200

/* A fork of a VM is one itself (-daemonize), or will become another program soon. */
#define FORK_MS		1000

/* How long VMs are registered one after the other, when there are many. */
#define TURN_MS		100

/* How a VM stands with the module. */
enum standing {
	STANDING_NEW,		/* nothing is done yet */
	STANDING_REGISTERED,	/* by us */
	STANDING_FOREIGN,	/* registered by somebody else, and left as it is */
	STANDING_LEFT,		/* left alone, as its rule says */
	STANDING_DELETED,	/* its registration was ended by somebody else: left alone */
	STANDING_REFUSED,	/* the module does not take it */
	NR_STANDINGS
};

static const char *const standing_keys[NR_STANDINGS] = {
	[STANDING_NEW] = "vms_new",
	[STANDING_REGISTERED] = "vms_registered",
	[STANDING_FOREIGN] = "vms_foreign",
	[STANDING_LEFT] = "vms_left",
	[STANDING_DELETED] = "vms_deleted",
	[STANDING_REFUSED] = "vms_refused",
};

LIST_HEAD(vm_list, vm);
TAILQ_HEAD(vm_queue, vm);

/* chain: of those with the same hash of their pid; queue: of those to do something for */
struct vm {
	LIST_ENTRY(vm) chain;
	TAILQ_ENTRY(vm) queue;
	bool queued;
	bool waiting;			/* until it is looked at again; it joins the queue then */
	struct fleet *fleet;
	struct process process;
	enum standing standing;
	uint32_t id;			/* in the module, if we registered it */
	struct treatment treatment;	/* as registered by us */
	unsigned int tries;
	int pidfd;
	sd_event_source *exit;
	sd_event_source *again;
};

struct fleet {
	sd_event *event;
	sd_event_source *work;
	struct module *module;
	struct ledger *ledger;
	const struct settings *settings;
	struct vm_list chains[BUCKETS];
	struct vm_queue queue;
	unsigned int standings[NR_STANDINGS];
	unsigned long long found, registrations, failures, sweeps, look_failures;
};

static struct vm *find(struct fleet *fleet, pid_t pid)
{
	struct vm *vm;

	LIST_FOREACH(vm, &fleet->chains[pid % BUCKETS], chain)
		if (vm->process.pid == pid)
			return vm;
	return NULL;
}

static void stand(struct vm *vm, enum standing standing)
{
	vm->fleet->standings[vm->standing]--;
	vm->fleet->standings[standing]++;
	vm->standing = standing;
}

/* The queue of work */

/* By a timer that is due already: unlike a deferred call, it takes turns with all else. */
static void start_work(struct fleet *fleet)
{
	sd_event_source_set_time(fleet->work, 0);
	sd_event_source_set_enabled(fleet->work, SD_EVENT_ONESHOT);
}

static void enqueue(struct vm *vm)
{
	if (vm->queued || vm->waiting)
		return;
	vm->queued = true;
	TAILQ_INSERT_TAIL(&vm->fleet->queue, vm, queue);
	start_work(vm->fleet);
}

static void dequeue(struct vm *vm)
{
	if (!vm->queued)
		return;
	vm->queued = false;
	TAILQ_REMOVE(&vm->fleet->queue, vm, queue);
}

static void enqueue_all(struct fleet *fleet)
{
	struct vm *vm;

	for (size_t i = 0; i < BUCKETS; i++)
		LIST_FOREACH(vm, &fleet->chains[i], chain)
			enqueue(vm);
}

/* Records */

static void forget(struct vm *vm)
{
	dequeue(vm);
	LIST_REMOVE(vm, chain);
	vm->fleet->standings[vm->standing]--;
	sd_event_source_disable_unref(vm->again);
	sd_event_source_disable_unref(vm->exit);
	if (vm->pidfd >= 0)
		close(vm->pidfd);
	free(vm);
}

/* What the ledger has to say of a VM. */
static void note(struct vm *vm, bool ours)
{
	struct ledger *ledger = vm->fleet->ledger;
	int err = ours ? ledger_add(ledger, vm->process.pid, vm->process.start_time) :
			 ledger_remove(ledger, vm->process.pid, vm->process.start_time);

	if (err)
		log_warning("%s: %s", LEDGER_FILE, strerror(-err));
}

static void forget_ended(struct vm *vm)
{
	note(vm, false);
	forget(vm);
}

static int on_end(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	struct vm *vm = data;

	(void)source;
	(void)fd;
	(void)revents;
	log_info("%s: process %d ended", vm->process.name, vm->process.pid);
	forget_ended(vm);
	return 0;
}

/*
 * The pid may have become another process before we held it: only if the start time is still the
 * same, the pidfd is of the process that we read of. Returns 0, or -errno: then it is gone.
 */
static int watch_exit(struct vm *vm)
{
	vm->pidfd = syscall(SYS_pidfd_open, vm->process.pid, 0);
	if (vm->pidfd < 0 && errno == ESRCH)
		return -ESRCH;
	if (vm->pidfd < 0) {
		log_error("%s: its end will be noticed late: %s", vm->process.name,
			  strerror(errno));
		return 0;
	}
	if (process_start_time(vm->process.pid) != vm->process.start_time)
		return -ESRCH;
	return sd_event_add_io(vm->fleet->event, &vm->exit, vm->pidfd, EPOLLIN, on_end, vm);
}

/* NULL if it is gone, or memory is short, which is told. */
static struct vm *meet(struct fleet *fleet, const struct process *process)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int err;

	if (!vm) {
		log_error("%s: out of memory", process->name);
		return NULL;
	}
	vm->fleet = fleet;
	vm->process = *process;
	vm->standing = STANDING_NEW;
	LIST_INSERT_HEAD(&fleet->chains[process->pid % BUCKETS], vm, chain);
	fleet->standings[STANDING_NEW]++;
	err = watch_exit(vm);
	if (!err) {
		fleet->found++;
		return vm;
	}
	if (err != -ESRCH)
		log_error("%s: cannot wait for its end: %s", process->name, strerror(-err));
	forget(vm);
	return NULL;
}

static void look_again(struct vm *vm, unsigned int ms);

static int on_again(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm *vm = data;
	struct process process;
	int err = process_read(vm->process.pid, &process);

	(void)source;
	(void)usec;
	vm->waiting = false;
	if (err == -EAGAIN && vm->tries < TRIES) {
		look_again(vm, AGAIN_MS);
	} else if ((err && err != -EAGAIN) || process.start_time != vm->process.start_time) {
		forget(vm);
	} else {
		vm->process = process;
		enqueue(vm);
	}
	return 0;
}

static void look_again(struct vm *vm, unsigned int ms)
{
	int err;

	vm->tries++;
	sd_event_source_disable_unref(vm->again);
	vm->again = NULL;
	err = sd_event_add_time_relative(vm->fleet->event, &vm->again, CLOCK_MONOTONIC,
					 ms * 1000ull, 0, on_again, vm);
	vm->waiting = err >= 0;
	if (err < 0)
		log_error("%s: cannot be looked at again: %s", vm->process.name, strerror(-err));
}

/* What is to be done for one VM */

static void respect(struct vm *vm, const char *name)
{
	log_info("%s: registered already by somebody else as %s, and left as it is",
		 vm->process.name, name);
	stand(vm, STANDING_FOREIGN);
}

/* Its registration is there already: ours of before a restart, or somebody else's. */
static int adopt(struct vm *vm, const struct module_vm *there, const struct treatment *wanted)
{
	struct fleet *fleet = vm->fleet;
	int err;

	if (!ledger_has(fleet->ledger, vm->process.pid, vm->process.start_time)) {
		respect(vm, there->name);
		return 0;
	}
	err = module_set(fleet->module, vm->process.pid, wanted);
	if (err)
		return err;
	vm->id = there->id;
	vm->treatment = *wanted;
	stand(vm, STANDING_REGISTERED);
	return 0;
}

/* Noted before: whoever is killed in between still knows after that it is ours. */
static int add(struct vm *vm, const char *name, const struct treatment *wanted)
{
	struct fleet *fleet = vm->fleet;
	bool noted = ledger_has(fleet->ledger, vm->process.pid, vm->process.start_time);
	int err;

	if (!noted)
		note(vm, true);
	err = module_add(fleet->module, &vm->process, name, wanted, &vm->id);
	if (err) {
		if (!noted)
			note(vm, false);
		return err;
	}
	log_info("%s: process %d is registered in domain %u", name, vm->process.pid,
		 wanted->domain);
	fleet->registrations++;
	vm->treatment = *wanted;
	stand(vm, STANDING_REGISTERED);
	return 0;
}

/* The module took it in by itself, without name and rule. It may do so again in between. */
static int replace(struct vm *vm, const struct treatment *wanted)
{
	int err = module_del(vm->fleet->module, vm->process.pid);

	if (!err)
		err = add(vm, vm->process.name, wanted);
	if (err == -EEXIST && vm->tries < TRIES) {
		look_again(vm, AGAIN_MS);
		return 0;
	}
	return err;
}

/*
 * Its name may be of a VM that is just ending, as when a guest is started again: it is tried again
 * for a while, and then its pid tells it from the other.
 */
static int resolve_conflict(struct vm *vm, const struct treatment *wanted)
{
	char name[VM_NAME_ROOM];
	struct module_vm there;
	int err = module_get(vm->fleet->module, vm->process.pid, &there);

	if (!err && there.automatic)
		return replace(vm, wanted);
	if (!err && there.start_time == vm->process.start_time)
		return adopt(vm, &there, wanted);
	if (err && err != -ENOENT && err != -ESRCH)
		return err;
	if (vm->tries < TRIES) {
		look_again(vm, AGAIN_MS);
		return 0;
	}
	vm_name_with_pid(name, vm->process.name, vm->process.pid);
	return add(vm, name, wanted);
}

static void register_vm(struct vm *vm, const struct rule *rule)
{
	int err = 0;

	if (vm->standing == STANDING_LEFT)
		err = module_exclude(vm->fleet->module, vm->process.pid, false);
	if (!err)
		err = add(vm, vm->process.name, &rule->treatment);
	if (err == -EEXIST)
		err = resolve_conflict(vm, &rule->treatment);
	/* It has ended, which its pidfd tells; or the module has, and tells when it comes. */
	if (!err || err == -ESRCH || err == -ENODEV)
		return;
	/* Told of once, and tried again at each sweep. */
	if (vm->standing != STANDING_REFUSED)
		log_error("%s: process %d is not registered: %s", vm->process.name,
			  vm->process.pid, module_reason(vm->fleet->module));
	vm->fleet->failures++;
	stand(vm, STANDING_REFUSED);
}

/* Also when the module takes in everybody else. */
static void leave(struct vm *vm)
{
	int err = module_exclude(vm->fleet->module, vm->process.pid, true);

	if (err && err != -ESRCH && err != -ENODEV)
		log_error("%s: is not left alone when scope is all: %s", vm->process.name,
			  module_reason(vm->fleet->module));
	stand(vm, STANDING_LEFT);
}

static void unregister_vm(struct vm *vm)
{
	struct fleet *fleet = vm->fleet;
	int err = module_del(fleet->module, vm->process.pid);

	if (err && err != -ENOENT && err != -ESRCH) {
		log_error("%s: is not unregistered: %s", vm->process.name,
			  module_reason(fleet->module));
		return;
	}
	log_info("%s: is no longer registered, as its rule says", vm->process.name);
	leave(vm);
	note(vm, false);
}

static void change_vm(struct vm *vm, const struct treatment *wanted)
{
	if (vm->treatment.domain == wanted->domain && vm->treatment.weight == wanted->weight &&
	    vm->treatment.thp == wanted->thp)
		return;
	if (module_set(vm->fleet->module, vm->process.pid, wanted)) {
		log_error("%s: is not changed: %s", vm->process.name,
			  module_reason(vm->fleet->module));
		return;
	}
	log_info("%s: is changed as its rule says", vm->process.name);
	vm->treatment = *wanted;
}

static void settle(struct vm *vm)
{
	const struct fleet *fleet = vm->fleet;
	const struct rule *rule = settings_rule(fleet->settings, vm->process.name,
						vm->process.user);

	if (!module_is_loaded(fleet->module))
		return;
	switch (vm->standing) {
	case STANDING_REGISTERED:
		if (rule->treatment.take)
			change_vm(vm, &rule->treatment);
		else
			unregister_vm(vm);
		break;
	case STANDING_FOREIGN:
	case STANDING_DELETED:
		break;
	default:
		if (rule->treatment.take)
			register_vm(vm, rule);
		else if (vm->standing != STANDING_LEFT)
			leave(vm);
	}
}

static uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

/* As many as there is time for, before it is the turn of all else. */
static int on_work(sd_event_source *source, uint64_t usec, void *data)
{
	uint64_t end = now_usec() + TURN_MS * 1000;
	struct fleet *fleet = data;

	(void)source;
	(void)usec;
	do {
		struct vm *vm = TAILQ_FIRST(&fleet->queue);

		if (!vm)
			return 0;
		dequeue(vm);
		settle(vm);
	} while (now_usec() < end);
	start_work(fleet);
	return 0;
}

/* What happens on the host */

/* The same processes fail at each sweep: the first one is told of, the others are counted. */
static void look_failed(struct fleet *fleet, pid_t pid, int err)
{
	if (!fleet->look_failures++)
		log_warning("process %d cannot be looked at, nor may others be: %s", pid,
			    strerror(-err));
}

static void look(struct fleet *fleet, pid_t pid)
{
	struct process process;
	struct vm *vm;
	int err = process_read(pid, &process);

	if (err && err != -EAGAIN) {
		if (err != -ENOENT)
			look_failed(fleet, pid, err);
		return;
	}
	vm = meet(fleet, &process);
	if (!vm)
		return;
	if (err)
		look_again(vm, AGAIN_MS);
	else
		enqueue(vm);
}

void fleet_exec(struct fleet *fleet, pid_t pid)
{
	struct vm *vm = find(fleet, pid);

	/* The module ended the registration with the memory of the program before. */
	if (vm)
		forget(vm);
	look(fleet, pid);
}

void fleet_fork(struct fleet *fleet, pid_t parent, pid_t child)
{
	struct process process;
	struct vm *vm;
	int err;

	if (!find(fleet, parent) || find(fleet, child))
		return;
	err = process_read(child, &process);
	if (err && err != -EAGAIN)
		return;
	vm = meet(fleet, &process);
	if (vm)
		look_again(vm, FORK_MS);
}

static void look_if_new(pid_t pid, void *data)
{
	struct fleet *fleet = data;

	if (!find(fleet, pid))
		look(fleet, pid);
}

/* Where an exit, or the end of a pid and its next use, was missed. */
static void check(struct vm *vm)
{
	if (process_start_time(vm->process.pid) != vm->process.start_time)
		forget_ended(vm);
	else if (vm->standing == STANDING_REFUSED)
		enqueue(vm);
}

static void check_all(struct fleet *fleet)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct vm *vm, *next;

		for (vm = LIST_FIRST(&fleet->chains[i]); vm; vm = next) {
			next = LIST_NEXT(vm, chain);
			check(vm);
		}
	}
}

void fleet_sweep(struct fleet *fleet)
{
	int err;

	check_all(fleet);
	err = process_each(look_if_new, fleet);
	if (err)
		log_error("/proc: %s", strerror(-err));
	fleet->sweeps++;
}

void fleet_set_settings(struct fleet *fleet, const struct settings *settings)
{
	fleet->settings = settings;
	enqueue_all(fleet);
}

void fleet_module_went(struct fleet *fleet)
{
	struct vm *vm;

	for (size_t i = 0; i < BUCKETS; i++)
		LIST_FOREACH(vm, &fleet->chains[i], chain) {
			vm->tries = 0;
			if (vm->standing != STANDING_DELETED)
				stand(vm, STANDING_NEW);
		}
}

/* One row of what the module lists. */
static void recognise(struct fleet *fleet, struct json_object *row)
{
	struct vm *vm = find(fleet, json_number(row, "pid"));
	int thp = parse_word(json_text(row, "thp"), thp_words);

	if (!vm || vm->standing != STANDING_NEW || json_number(row, "automatic") ||
	    vm->process.start_time != (uint64_t)json_number(row, "start_time"))
		return;
	if (!ledger_has(fleet->ledger, vm->process.pid, vm->process.start_time)) {
		respect(vm, json_text(row, "name"));
		return;
	}
	vm->id = json_number(row, "id");
	vm->treatment = (struct treatment){
		.take = true, .domain = json_number(row, "domain"),
		.weight = json_number(row, "weight"), .thp = thp < 0 ? 0 : thp,
	};
	stand(vm, STANDING_REGISTERED);
}

/* All at once: to ask for each of a thousand takes long. What changes meanwhile is seen later. */
static void recognise_all(struct fleet *fleet)
{
	struct json_object *rows;

	if (module_list(fleet->module, &rows)) {
		log_warning("registered VMs cannot be listed: %s", module_reason(fleet->module));
		return;
	}
	for (size_t i = 0; i < json_object_array_length(rows); i++)
		recognise(fleet, json_object_array_get_idx(rows, i));
	json_object_put(rows);
}

void fleet_module_came(struct fleet *fleet)
{
	recognise_all(fleet);
	enqueue_all(fleet);
}

void fleet_deleted(struct fleet *fleet, uint32_t id)
{
	struct vm *vm;

	for (size_t i = 0; i < BUCKETS; i++)
		LIST_FOREACH(vm, &fleet->chains[i], chain) {
			if (vm->standing != STANDING_REGISTERED || vm->id != id)
				continue;
			log_info("%s: its registration was ended by somebody else; left alone",
				 vm->process.name);
			stand(vm, STANDING_DELETED);
			note(vm, false);
		}
}

void fleet_report(const struct fleet *fleet, struct json_object *report)
{
	for (size_t i = 0; i < NR_STANDINGS; i++)
		json_set_number(report, standing_keys[i], fleet->standings[i]);
	json_set_number(report, "found", fleet->found);
	json_set_number(report, "registrations", fleet->registrations);
	json_set_number(report, "failures", fleet->failures);
	json_set_number(report, "sweeps", fleet->sweeps);
	json_set_number(report, "look_failures", fleet->look_failures);
}

int fleet_new(struct fleet **fleet, sd_event *event, struct module *module,
	      struct ledger *ledger, const struct settings *settings)
{
	struct fleet *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	new->event = event;
	new->module = module;
	new->ledger = ledger;
	new->settings = settings;
	TAILQ_INIT(&new->queue);
	err = sd_event_add_time(event, &new->work, CLOCK_MONOTONIC, 0, 0, on_work, new);
	if (err < 0) {
		free(new);
		return err;
	}
	*fleet = new;
	return 0;
}

void fleet_free(struct fleet *fleet)
{
	if (!fleet)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while (!LIST_EMPTY(&fleet->chains[i]))
			forget(LIST_FIRST(&fleet->chains[i]));
	sd_event_source_disable_unref(fleet->work);
	free(fleet);
}
