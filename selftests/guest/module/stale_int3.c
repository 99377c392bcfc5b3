// SPDX-License-Identifier: GPL-2.0
/*
 * Lets the kernel go on where the emulated processor runs a breakpoint that is gone.
 *
 * The kernel changes its own code by writing a breakpoint, the rest of the instruction and
 * its first byte, and has all processors synchronize after each. QEMU runs translations of
 * code. A processor that translates an instruction in the moment in which another one
 * writes it can end with a translation of the breakpoint that the write has not
 * thrown away, and runs it when the kernel has long forgotten it: "Oops: int3". Linux 6.1
 * tries again by itself, and for ever, as the translation stays.
 *
 * So a breakpoint that is not in memory any more is written over with what is there. That
 * throws its translation away, and the instruction is tried again.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kdebug.h>
#include <linux/kprobes.h>
#include <linux/limits.h>
#include <linux/module.h>
#include <asm/processor-flags.h>
#include <asm/ptrace.h>
#include <asm/special_insns.h>
#include <asm/text-patching.h>

static unsigned int healed;
module_param(healed, uint, 0444);
MODULE_PARM_DESC(healed, "how often a breakpoint was run that was gone");

/* With interrupts off. The kernel's own write_cr0() does not let anybody write to code. */
static void write_over(u8 *code, u8 byte)
{
	unsigned long cr0 = native_read_cr0();

	asm volatile("mov %0, %%cr0" : : "r" (cr0 & ~X86_CR0_WP) : "memory");
	/* If it is a breakpoint again by now somebody else writes it. */
	cmpxchg(code, byte, byte);
	asm volatile("mov %0, %%cr0" : : "r" (cr0) : "memory");
}

NOKPROBE_SYMBOL(write_over);

static int on_breakpoint(struct notifier_block *block, unsigned long reason, void *data)
{
	struct pt_regs *regs = ((struct die_args *)data)->regs;
	u8 *code = (u8 *)(regs->ip - INT3_INSN_SIZE);
	u8 byte;

	if (reason != DIE_INT3 || user_mode(regs))
		return NOTIFY_DONE;
	byte = READ_ONCE(*code);
	if (byte == INT3_INSN_OPCODE)
		return NOTIFY_DONE;
	write_over(code, byte);
	healed++;
	regs->ip = (unsigned long)code;
	return NOTIFY_STOP;
}

NOKPROBE_SYMBOL(on_breakpoint);

static struct notifier_block breakpoints = {
	.notifier_call = on_breakpoint,
	.priority = INT_MAX,
};

static int __init stale_int3_init(void)
{
	return register_die_notifier(&breakpoints);
}

static void __exit stale_int3_exit(void)
{
	unregister_die_notifier(&breakpoints);
}

module_init(stale_int3_init);
module_exit(stale_int3_exit);
MODULE_DESCRIPTION("Goes on where an emulated processor runs a breakpoint that is gone");
MODULE_LICENSE("GPL");
