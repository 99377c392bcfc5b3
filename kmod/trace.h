/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints pshare:*. Addresses are of the process, numbers are pages. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pshare

#if !defined(PSHARE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define PSHARE_TRACE_H

#include <linux/tracepoint.h>

#define PSHARE_TRACE_NAME 64

TRACE_EVENT(pass_begin,
	TP_PROTO(u32 pass),
	TP_ARGS(pass),
	TP_STRUCT__entry(__field(u32, pass)),
	TP_fast_assign(__entry->pass = pass;),
	TP_printk("pass=%u", __entry->pass)
);

TRACE_EVENT(pass_end,
	TP_PROTO(u32 pass, u64 merges),
	TP_ARGS(pass, merges),
	TP_STRUCT__entry(__field(u32, pass) __field(u64, merges)),
	TP_fast_assign(
		__entry->pass = pass;
		__entry->merges = merges;
	),
	TP_printk("pass=%u merges=%llu", __entry->pass, __entry->merges)
);

TRACE_EVENT(region,
	TP_PROTO(pid_t pid, u64 addr, unsigned int present, unsigned int merged,
		 unsigned int breaks),
	TP_ARGS(pid, addr, present, merged, breaks),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, addr)
		__field(unsigned int, present)
		__field(unsigned int, merged)
		__field(unsigned int, breaks)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->addr = addr;
		__entry->present = present;
		__entry->merged = merged;
		__entry->breaks = breaks;
	),
	TP_printk("pid=%d addr=0x%llx present=%u merged=%u breaks=%u", __entry->pid,
		  __entry->addr, __entry->present, __entry->merged, __entry->breaks)
);

TRACE_EVENT(merge_batch,
	TP_PROTO(u64 addr, unsigned int pages, unsigned int merged),
	TP_ARGS(addr, pages, merged),
	TP_STRUCT__entry(
		__field(u64, addr)
		__field(unsigned int, pages)
		__field(unsigned int, merged)
	),
	TP_fast_assign(
		__entry->addr = addr;
		__entry->pages = pages;
		__entry->merged = merged;
	),
	TP_printk("addr=0x%llx pages=%u merged=%u", __entry->addr, __entry->pages,
		  __entry->merged)
);

TRACE_EVENT(merge_fail,
	TP_PROTO(u64 addr, const char *reason),
	TP_ARGS(addr, reason),
	TP_STRUCT__entry(__field(u64, addr) __array(char, reason, 32)),
	TP_fast_assign(
		__entry->addr = addr;
		strscpy(__entry->reason, reason, 32);
	),
	TP_printk("addr=0x%llx reason=%s", __entry->addr, __entry->reason)
);

TRACE_EVENT(thp_split,
	TP_PROTO(u64 addr, unsigned int duplicates, int err),
	TP_ARGS(addr, duplicates, err),
	TP_STRUCT__entry(
		__field(u64, addr)
		__field(unsigned int, duplicates)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->addr = addr;
		__entry->duplicates = duplicates;
		__entry->err = err;
	),
	TP_printk("addr=0x%llx duplicates=%u err=%d", __entry->addr, __entry->duplicates,
		  __entry->err)
);

DECLARE_EVENT_CLASS(pshare_frame,
	TP_PROTO(unsigned long pfn, u32 domain),
	TP_ARGS(pfn, domain),
	TP_STRUCT__entry(__field(unsigned long, pfn) __field(u32, domain)),
	TP_fast_assign(
		__entry->pfn = pfn;
		__entry->domain = domain;
	),
	TP_printk("pfn=0x%lx domain=%u", __entry->pfn, __entry->domain)
);

DEFINE_EVENT(pshare_frame, frame_new,
	TP_PROTO(unsigned long pfn, u32 domain), TP_ARGS(pfn, domain));
DEFINE_EVENT(pshare_frame, frame_free,
	TP_PROTO(unsigned long pfn, u32 domain), TP_ARGS(pfn, domain));

TRACE_EVENT(unmerge,
	TP_PROTO(pid_t pid, u64 addr, unsigned int pages, int err),
	TP_ARGS(pid, addr, pages, err),
	TP_STRUCT__entry(
		__field(pid_t, pid)
		__field(u64, addr)
		__field(unsigned int, pages)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->pid = pid;
		__entry->addr = addr;
		__entry->pages = pages;
		__entry->err = err;
	),
	TP_printk("pid=%d addr=0x%llx pages=%u err=%d", __entry->pid, __entry->addr,
		  __entry->pages, __entry->err)
);

DECLARE_EVENT_CLASS(pshare_vm,
	TP_PROTO(pid_t pid, const char *name),
	TP_ARGS(pid, name),
	TP_STRUCT__entry(__field(pid_t, pid) __array(char, name, PSHARE_TRACE_NAME)),
	TP_fast_assign(
		__entry->pid = pid;
		strscpy(__entry->name, name, PSHARE_TRACE_NAME);
	),
	TP_printk("pid=%d name=%s", __entry->pid, __entry->name)
);

DEFINE_EVENT(pshare_vm, vm_add,
	TP_PROTO(pid_t pid, const char *name), TP_ARGS(pid, name));
DEFINE_EVENT(pshare_vm, vm_del,
	TP_PROTO(pid_t pid, const char *name), TP_ARGS(pid, name));
DEFINE_EVENT(pshare_vm, vm_exit,
	TP_PROTO(pid_t pid, const char *name), TP_ARGS(pid, name));

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
