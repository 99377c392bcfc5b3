// SPDX-License-Identifier: GPL-2.0
/*
 * pshare: sharing of identical anonymous pages across virtual machines.
 *
 * Start and end of the module; what there is to it is in the other files.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/utsname.h>

#include "frame.h"
#include "knobs.h"
#include "ksyms.h"
#include "netlink.h"
#include "region.h"
#include "scan.h"
#include "store.h"
#include "unmerge.h"
#include "version.h"
#include "vm.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static void say_loaded(void)
{
	pr_info("version %s on %s: run=%llu cpu_percent=%llu scan_threads=%llu\n",
		THIS_MODULE->version, utsname()->release, pshare_knobs.run,
		pshare_knobs.cpu_percent, pshare_knobs.scan_threads);
}

static int __init pshare_init(void)
{
	int err;

	pshare_knobs_init();
	err = pshare_ksyms_init();
	if (err)
		return err;
	err = pshare_region_init();
	if (err)
		return err;
	pshare_frame_init();
	err = pshare_store_init();
	if (err)
		goto err_store;
	err = pshare_vm_init();
	if (err)
		goto err_vm;
	err = pshare_scan_init();
	if (err)
		goto err_scan;
	err = pshare_sysfs_init();
	if (err)
		goto err_sysfs;
	err = pshare_netlink_init();
	if (err)
		goto err_netlink;
	say_loaded();
	return 0;

err_netlink:
	pshare_sysfs_exit();
err_sysfs:
	pshare_scan_exit();
err_scan:
	pshare_vm_exit();
	pshare_exclude_exit();
	pshare_frame_exit();
err_vm:
	pshare_store_exit();
err_store:
	pshare_region_exit();
	pr_err("not loaded: error %d\n", err);
	return err;
}

static void __exit pshare_exit(void)
{
	/* Whoever unmerges gives up, so that nobody waits for it. */
	pshare_unmerge_abort();
	pshare_netlink_exit();
	pshare_sysfs_exit();
	pshare_scan_exit();
	pshare_vm_exit();
	pshare_exclude_exit();
	/* Nobody is left who could find a frame; those that are mapped live on. */
	pshare_frame_exit();
	pshare_store_exit();
	pshare_region_exit();
}

module_init(pshare_init);
module_exit(pshare_exit);

MODULE_DESCRIPTION("Sharing of identical anonymous pages across virtual machines");
MODULE_LICENSE("GPL");
MODULE_VERSION(PSHARE_VERSION);
