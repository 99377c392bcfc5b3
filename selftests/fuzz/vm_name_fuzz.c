// SPDX-License-Identifier: GPL-2.0
/* Command lines of virtual machines: what comes out is a name that the module takes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_good(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > PSHARE_NAME_LEN || name[0] == ' ' || name[len - 1] == ' ')
		return 0;
	if (strspn(name, "0123456789") == len)
		return 0;
	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~' || name[i] == '/')
			return 0;
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const programs[] = {
		"qemu-system-x86_64", "cloud-hypervisor", "firecracker",
	};
	char name[VM_NAME_ROOM], with_pid[VM_NAME_ROOM];
	/* Of this size exactly, so that a byte too many is noticed. */
	char *words = malloc(size);

	memcpy(words, data, size);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (!hypervisor_vm_name(hypervisor_find(programs[i]), words, size, name))
			continue;
		vm_name_with_pid(with_pid, name, 4194304);
		if (!is_good(name) || !is_good(with_pid))
			abort();
	}
	free(words);
	return 0;
}
