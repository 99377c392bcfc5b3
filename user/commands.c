// SPDX-License-Identifier: GPL-2.0
/*
 * The subcommands; see pshare.h for what a row is. Options stand in the arguments as they are
 * given, and operands in capitals: the completion of command lines goes by them.
 */
#include "pshare.h"

const struct command commands[] = {
	{ "vm add", vm_add, "PID|MACHINE [--name NAME] [--domain N] [--weight N] [--thp POLICY]",
	  "register a process" },
	{ "vm del", vm_del, "VM [--unmerge] [--force]",
	  "end a registration; what is merged stays merged unless told otherwise" },
	{ "vm list", vm_list, "", "the registered VMs" },
	{ "vm show", vm_show, "VM", "all about one VM" },
	{ "vm set", vm_set, "VM KEY=VALUE... [--force]", "domain, weight, thp, paused of a VM" },
	{ "status", status, "[-w SECONDS]", "totals of the host" },
	{ "top", top, "[-w SECONDS] [-n COUNT] [-s COLUMN] [-r]", "a live table of the VMs" },
	{ "get", knob_get, "[KNOB...]", "settings, with range and meaning" },
	{ "set", knob_set, "KNOB=VALUE...", "change settings, all or none" },
	{ "scan", scan, "[VM] [--wait]", "one full pass at full speed" },
	{ "unmerge", unmerge, "[VM] [--force]", "give one VM, or all, their own copies back" },
	{ "monitor", monitor, "", "events as they come" },
	{ "estimate", estimate, "[PID|VM...] [--domain N] [--memory MIB]",
	  "what would be saved, without merging" },
	{ "doctor", doctor, "[--pass SECONDS]", "why nothing merges" },
	{ "regions", regions, "VM", "the 2 MiB regions of a VM" },
	{ "map", map, "VM [--svg FILE]", "where in its memory a VM shares" },
	{ "exclude add", exclude_add, "PID|PROGRAM", "leave a process alone when scope is all" },
	{ "exclude del", exclude_del, "PID|PROGRAM", "take that back" },
	{ "exclude list", exclude_list, "", "what is left alone" },
	{ "completion", completion, "bash", "a script that completes command lines" },
	{ "help", help, "[COMMAND]", "this list" },
	{ .name = NULL }
};
