// SPDX-License-Identifier: GPL-2.0
/*
 * Holds a few KVM guests that never run for as long as the test host runs.
 *
 * KVM changes the scheduler's code when the first guest comes and when the last one goes, and
 * its own whenever the first processor has no local APIC, or one that is off, or when there is no
 * such processor any more. That is so each time a guest boots, while others run that code.
 * Under emulation another processor can run it half changed and dies of it ("Oops: int3"; see
 * also module/stale_int3.c). So there is one of each kind from when there is one
 * processor, see selftests/init, and never none.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define APIC_BASE_ENABLE	(1ULL << 11)

static int fail(const char *what)
{
	fprintf(stderr, "hold-kvm: ");
	perror(what);
	return -1;
}

static int add_vcpu(int vm, int id)
{
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, id);

	return vcpu < 0 ? fail("no processor") : vcpu;
}

static int add_vm(int kvm)
{
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	return vm < 0 ? fail("no guest") : vm;
}

/* Without KVM's interrupt controllers its processors have no APIC. */
static int hold_no_apic(int kvm)
{
	int vm = add_vm(kvm);

	return vm < 0 ? -1 : add_vcpu(vm, 0);
}

/* An APIC is off by software until the guest enables it, and by hardware when told so. */
static int hold_apics_that_are_off(int kvm)
{
	struct kvm_sregs registers;
	int vm = add_vm(kvm), vcpu;

	if (vm < 0)
		return -1;
	if (ioctl(vm, KVM_CREATE_IRQCHIP, 0))
		return fail("no interrupt controllers");
	if (add_vcpu(vm, 0) < 0)
		return -1;
	vcpu = add_vcpu(vm, 1);
	if (vcpu < 0)
		return -1;
	if (ioctl(vcpu, KVM_GET_SREGS, &registers))
		return fail("cannot read registers");
	registers.apic_base &= ~APIC_BASE_ENABLE;
	if (ioctl(vcpu, KVM_SET_SREGS, &registers))
		return fail("cannot disable an APIC");
	return 0;
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR);

	if (kvm < 0) {
		fail("/dev/kvm");
		return 1;
	}
	if (hold_no_apic(kvm) < 0 || hold_apics_that_are_off(kvm) < 0)
		return 1;
	if (daemon(0, 0)) {
		fail("daemon");
		return 1;
	}
	for (;;)
		pause();
}
