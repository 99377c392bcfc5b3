// SPDX-License-Identifier: GPL-2.0
/* Private kernel symbols: one table, found at load. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kobject.h>
#include <linux/kprobes.h>

#include "ksyms.h"

#define X(name) DEFINE_STATIC_CALL_NULL(pshare_##name, name);
PSHARE_KSYMS(X)
#undef X

unsigned long kallsyms_lookup_name(const char *name);
DEFINE_STATIC_CALL_NULL(pshare_lookup, kallsyms_lookup_name);

#ifdef PSHARE_KSYM_MM_KOBJ
static struct kobject **mm_kobj_found;
#endif

/*
 * kallsyms_lookup_name() is not exported, but a kprobe on it tells its address.
 * The address may lie behind an ENDBR instruction: a static call is a direct
 * call, for which that does not matter.
 */
static int find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int err;

	err = register_kprobe(&probe);
	if (err) {
		pr_err("cannot find kallsyms_lookup_name by a kprobe (error %d); the kernel needs CONFIG_KPROBES and CONFIG_KALLSYMS\n",
		       err);
		return err;
	}
	static_call_update(pshare_lookup, (typeof(kallsyms_lookup_name) *)probe.addr);
	unregister_kprobe(&probe);
	return 0;
}

static void *find(const char *name, unsigned int *missing)
{
	void *address = (void *)static_call(pshare_lookup)(name);

	if (!address) {
		pr_err("this kernel has no symbol %s\n", name);
		++*missing;
	}
	return address;
}

int pshare_ksyms_init(void)
{
	unsigned int missing = 0;
	void *address;
	int err;

	err = find_lookup();
	if (err)
		return err;
#define X(name) \
	address = find(#name, &missing); \
	if (address) \
		static_call_update(pshare_##name, (typeof(name) *)address);
	PSHARE_KSYMS(X)
#undef X
#ifdef PSHARE_KSYM_MM_KOBJ
	mm_kobj_found = find(PSHARE_KSYM_MM_KOBJ, &missing);
#endif
	return missing ? -ENOENT : 0;
}

struct kobject *pshare_mm_kobj(void)
{
#ifdef PSHARE_KSYM_MM_KOBJ
	return *mm_kobj_found;
#else
	return mm_kobj;
#endif
}
