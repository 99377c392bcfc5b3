// SPDX-License-Identifier: GPL-2.0
/* Requests for a full pass at full speed; see request.h. */
#include <linux/list.h>
#include <linux/slab.h>

#include "netlink.h"
#include "region.h"
#include "request.h"
#include "stats.h"
#include "trace.h"
#include "vm.h"

#define MAX_REQUESTS	64

/**
 * struct request - one request
 * @list: in the order they came; the first is being served
 * @cookie: its number; the low half is what regions carry
 * @vm: over this VM, with a reference, or NULL for all
 * @left: regions and layouts that it still waits for
 * @merges: pages merged so far when it began
 * @refs: the list's, and that of who makes its VMs join
 * @started: it is being served
 */
struct request {
	struct list_head list;
	u64 cookie;
	struct pshare_vm *vm;
	u64 left;
	s64 merges;
	unsigned int refs;
	bool started;
};

/* All under the queue's lock. */
static LIST_HEAD(requests);
static u64 last_cookie;
static unsigned int nr_requests;
static s64 pass_merges;

static s64 merges_so_far(void)
{
	return atomic64_read(&pshare_host_stats.c[PSHARE_C_merges]);
}

static struct request *first_request(void)
{
	return list_first_entry_or_null(&requests, struct request, list);
}

int pshare_request_add(struct pshare_vm *vm, u64 *cookie)
{
	struct request *request = kzalloc(sizeof(*request), GFP_KERNEL);

	if (!request)
		return -ENOMEM;
	request->vm = vm;
	request->refs = 1;
	if (vm)
		refcount_inc(&vm->ref);
	pshare_region_lock();
	if (nr_requests == MAX_REQUESTS) {
		pshare_region_unlock();
		if (vm)
			pshare_vm_put(vm);
		kfree(request);
		return -EBUSY;
	}
	/* Regions carry the low half, in which 0 means none. */
	last_cookie += (u32)last_cookie == U32_MAX ? 2 : 1;
	request->cookie = last_cookie;
	*cookie = last_cookie;
	nr_requests++;
	list_add_tail(&request->list, &requests);
	pshare_region_unlock();
	return 0;
}

bool pshare_request_waiting(void)
{
	return READ_ONCE(nr_requests);
}

int pshare_request_running(u64 cookie)
{
	struct request *request;
	int running = 0;

	pshare_region_lock();
	if (!cookie || cookie > last_cookie)
		running = -ENOENT;
	list_for_each_entry(request, &requests, list) {
		if (request->cookie == cookie)
			running = 1;
	}
	pshare_region_unlock();
	return running;
}

static void put_request(struct request *request)
{
	bool last;

	pshare_region_lock();
	last = !--request->refs;
	pshare_region_unlock();
	if (!last)
		return;
	if (request->vm)
		pshare_vm_put(request->vm);
	kfree(request);
}

static void request_layouts(struct request *request, u32 id)
{
	struct pshare_vm *vm;
	u32 slot = 0;

	if (request->vm) {
		pshare_region_request_layout(request->vm, id);
		return;
	}
	while ((vm = pshare_vm_next(&slot))) {
		pshare_region_request_layout(vm, id);
		pshare_vm_put(vm);
		cond_resched();
	}
}

void pshare_request_start(void)
{
	struct request *request;

	pshare_region_lock();
	request = first_request();
	if (!request || request->started) {
		pshare_region_unlock();
		return;
	}
	request->started = true;
	request->merges = merges_so_far();
	/* Keeps it from ending before every VM has joined. */
	request->left = 1;
	/* It may be cancelled meanwhile. */
	request->refs++;
	pshare_region_unlock();
	pshare_region_drain_soon();
	request_layouts(request, request->cookie);
	pshare_region_lock();
	request->left--;
	pshare_region_unlock();
	put_request(request);
	pshare_request_settle();
}

static void end_request(struct request *request)
{
	pshare_event_scan(request->cookie, merges_so_far() - request->merges);
	put_request(request);
}

static struct request *take_served(bool any)
{
	struct request *request;

	pshare_region_lock();
	request = first_request();
	if (request && (any || (request->started && !request->left))) {
		list_del(&request->list);
		nr_requests--;
	} else {
		request = NULL;
	}
	pshare_region_unlock();
	return request;
}

void pshare_request_settle(void)
{
	struct request *request = take_served(false);

	if (request)
		end_request(request);
}

void pshare_request_cancel_all(void)
{
	struct request *request;

	while ((request = take_served(true)))
		end_request(request);
}

void pshare_request_join(u32 id)
{
	struct request *request = first_request();

	if (request && (u32)request->cookie == id)
		request->left++;
}

void pshare_request_leave(u32 id)
{
	struct request *request = first_request();

	/* A cancelled request may still be carried by regions. */
	if (request && (u32)request->cookie == id)
		request->left--;
}

u32 pshare_request_current(const struct pshare_vm *vm)
{
	struct request *request = first_request();

	if (!request || !request->started || (request->vm && request->vm != vm))
		return 0;
	return request->cookie;
}

void pshare_request_pass_ended(void)
{
	u32 pass = pshare_region_pass();
	s64 merges = merges_so_far();
	s64 before = xchg(&pass_merges, merges);

	pshare_stats_add_one(NULL, PSHARE_C_full_scans, 1);
	trace_pass_end(pass - 1, merges - before);
	pshare_event_pass(atomic64_read(&pshare_host_stats.c[PSHARE_C_full_scans]),
			  merges - before);
	trace_pass_begin(pass);
}
