// SPDX-License-Identifier: GPL-2.0
/*
 * Keeps the emulated processor from giving a guest the same interrupt twice.
 *
 * QEMU's emulation of VMRUN delivers an injected interrupt at once, and leaves its
 * vector noted as an exception that is still to come. The note goes with the next exit
 * or exception of the guest. If the emulator has to leave its loop before that, for an
 * interrupt that arrives between two of its instructions, say, the vector is delivered
 * again, whether the guest has interrupts enabled or not. A guest that was in user space
 * is then at the first instruction of its handler, with the GS base of user space: it
 * faults until its entry stack is full, and dies. When instructions are counted, the
 * emulator leaves its loop all the time, and every guest dies or hangs soon.
 *
 * So whenever an interrupt is injected, the processor sends itself another one, which
 * stays pending over VMRUN: the guest exits before its first instruction, and the note
 * is gone. All other ways of injecting do not leave one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/irq_work.h>
#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <asm/svm.h>

/* How struct vcpu_svm of kvm-amd begins, in 6.1 and 6.12. */
struct vcpu_head {
	struct kvm_vcpu vcpu;
	struct vmcb *vmcb;
};

static void nothing(struct irq_work *work)
{
}

static DEFINE_PER_CPU(struct irq_work, interrupt);

/* Interrupts are off from here until the processor is in the guest. */
static int before_run(struct kprobe *probe, struct pt_regs *regs)
{
	const struct vcpu_head *head = (const struct vcpu_head *)regs->di;
	u32 event = head->vmcb->control.event_inj;

	if ((event & SVM_EVTINJ_VALID) && (event & SVM_EVTINJ_TYPE_MASK) == SVM_EVTINJ_TYPE_INTR)
		irq_work_queue(this_cpu_ptr(&interrupt));
	return 0;
}

static struct kprobe probe = {
	.symbol_name = "svm_vcpu_run",
	.pre_handler = before_run,
};

static int __init svm_steady_init(void)
{
	int cpu, err;

	/* Not where it is defined: kernels apply no relocation to a module's data of processors. */
	for_each_possible_cpu(cpu)
		init_irq_work(per_cpu_ptr(&interrupt, cpu), nothing);
	err = register_kprobe(&probe);
	if (err)
		pr_err("cannot probe %s of kvm-amd: %d\n", probe.symbol_name, err);
	return err;
}

static void __exit svm_steady_exit(void)
{
	int cpu;

	unregister_kprobe(&probe);
	for_each_possible_cpu(cpu)
		irq_work_sync(per_cpu_ptr(&interrupt, cpu));
}

module_init(svm_steady_init);
module_exit(svm_steady_exit);
MODULE_DESCRIPTION("Keeps an emulated processor from giving a KVM guest an interrupt twice");
MODULE_LICENSE("GPL");
