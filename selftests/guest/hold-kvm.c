// SPDX-License-Identifier: GPL-2.0
/*
 * Holds one empty KVM guest for as long as the test host runs.
 *
 * KVM changes the scheduler's code when the first guest comes and when the last
 * one goes. Under emulation another processor can run such code half changed and
 * dies of it ("Oops: int3" in __schedule). So the first guest is made while there
 * is one processor, see selftests/init, and never goes.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR), vm, vcpu;

	if (kvm < 0) {
		perror("hold-kvm: /dev/kvm");
		return 1;
	}
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0) {
		perror("hold-kvm: no guest");
		return 1;
	}
	if (daemon(0, 0)) {
		perror("hold-kvm: daemon");
		return 1;
	}
	for (;;)
		pause();
}
