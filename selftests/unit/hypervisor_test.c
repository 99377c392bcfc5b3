// SPDX-License-Identifier: GPL-2.0
/* Virtual machines by their executables, and their names by their command lines. */
#include <string.h>

#include "hypervisor.h"
#include "tap.h"
#include "util.h"

static void test_executables(void)
{
	static const char *const are[] = {
		"/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm", "/usr/bin/kvm",
		"/opt/q/bin/qemu-system-aarch64", "/nix/store/x/bin/.qemu-system-x86_64-wrapped",
		"qemu-system-x86_64", "/usr/local/bin/cloud-hypervisor",
		"/x/cloud-hypervisor-static",
		"/srv/jailer/firecracker/web1/root/firecracker", "/x/firecracker-v1.7.0-x86_64",
	};
	static const char *const are_not[] = {
		"/usr/bin/qemu-img", "/usr/bin/qemu-x86_64", "/usr/bin/qemu-system",
		"/qemu-system-x86_64/bash", "/usr/bin/kvm-ok", "", "/", "/usr/bin/firecracker2",
		"/usr/bin/jailer", "/usr/bin/ch-remote", "kvm/",
	};

	for (size_t i = 0; i < ARRAY_SIZE(are); i++)
		ok(hypervisor_find(are[i]), "%s is a hypervisor", are[i]);
	for (size_t i = 0; i < ARRAY_SIZE(are_not); i++)
		ok(!hypervisor_find(are_not[i]), "\"%s\" is none", are_not[i]);
}

/* Words are divided by '|' here. */
static bool gives(const char *exe, const char *line, const char *expected)
{
	const struct hypervisor *hypervisor = hypervisor_find(exe);
	char words[1024], name[VM_NAME_ROOM] = "";
	size_t len = strlen(line) + 1;
	bool found;

	memcpy(words, line, len);
	for (size_t i = 0; i < len; i++)
		if (words[i] == '|')
			words[i] = '\0';
	found = hypervisor_vm_name(hypervisor, words, len, name);
	if (expected ? found && !strcmp(name, expected) : !found)
		return true;
	printf("# %s: %d \"%s\"\n", line, found, name);
	return false;
}

static const struct {
	const char *line;
	const char *name;	/* NULL: none */
} qemu[] = {
	{ "q|-name|guest=web1,debug-threads=on|-m|4G", "web1" },
	{ "q|-name|web1", "web1" },
	{ "q|--name|web1", "web1" },
	{ "q|-name|web1,process=qemu web1,debug-threads=on", "web1" },
	{ "q|-name|process=x,guest=web1", "web1" },
	{ "q|-name|debug-threads=on,guest=a,,b,process=c", "a,b" },
	{ "q|-name|a,,b", "a,b" },
	{ "q|-name|one|-name|two", "two" },
	{ "q|-name=web1", "web1" },
	{ "q|-name|guest=", NULL },
	{ "q|-name|", NULL },
	{ "q|-name", NULL },
	{ "q|-m|4G", NULL },
	{ "-name|x", NULL },
	{ "q|-names|x", NULL },
	{ "q|name|x", NULL },
	{ "q|-name|debug-threads=on", NULL },
	{ "q|-name|guest=100", "vm-100" },
	{ "q|-name|guest=a/b\tc", "a_b_c" },
	{ "q|-name|guest= a ", "a" },
	{ "q|-name|guest=   ", NULL },
	{ "q|-name|guest=d\xc3\xb6ner", "d__ner" },
	{ "q|-name|guest=100 ", "vm-100" },
	{ "q|-name|guest=x123456789012345678901234567890123456789012345678901234567890123456789",
	  "x12345678901234567890123456789012345678901234567890123456789012" },
	{ "q|-name|guest=0123456789012345678901234567890123456789012345678901234567890123456789a",
	  "vm-012345678901234567890123456789012345678901234567890123456789" },
};

static void test_qemu(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(qemu); i++)
		ok(gives("kvm", qemu[i].line, qemu[i].name), "QEMU: %s",
		   qemu[i].name ? qemu[i].name : "no name");
}

static void test_others(void)
{
	ok(gives("cloud-hypervisor", "c|--api-socket|/run/web1.sock", "web1"), "socket");
	ok(gives("cloud-hypervisor", "c|--api-socket=/run/web1.sock", "web1"), "socket by =");
	ok(gives("cloud-hypervisor", "c|--api-socket|path=/run/web.1.sock", "web.1"), "path=");
	ok(gives("cloud-hypervisor", "c|--api-socket|path=/run/vm/web1/ch.sock,x=1", "web1"),
	   "directory of the socket");
	ok(gives("cloud-hypervisor", "c|--api-socket|/run/vc/vm/0a1b/clh-api.sock", "0a1b"),
	   "directory of Kata's socket");
	ok(gives("cloud-hypervisor", "c|--api-socket|fd=3", "fd=3"), "descriptor");
	ok(gives("cloud-hypervisor", "c|--api-socket|/", NULL), "no file");
	ok(gives("cloud-hypervisor", "c|--api-socket|api.sock", NULL), "no directory");
	ok(gives("cloud-hypervisor", "c|--cpus|boot=1", NULL), "no socket");
	ok(gives("firecracker", "f|--id|web1|--api-sock|/run/x.sock", "web1"), "id");
	ok(gives("firecracker", "f|--id=web1", "web1"), "id by =");
	ok(gives("firecracker", "f|--api-sock|/srv/web1/firecracker.socket", "web1"), "no id");
	ok(gives("firecracker", "f|--no-api|--config-file|x", NULL), "neither");
}

static void test_with_pid(void)
{
	char name[VM_NAME_ROOM];
	char longest[VM_NAME_ROOM];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	vm_name_with_pid(name, "web1", 4711);
	ok(!strcmp(name, "web1-4711"), "a name with a pid");
	vm_name_with_pid(name, longest, 4194304);
	ok(strlen(name) == PSHARE_NAME_LEN && !strcmp(name + PSHARE_NAME_LEN - 8, "-4194304"),
	   "a long one is cut, not the pid");
}

int main(void)
{
	test_executables();
	test_qemu();
	test_others();
	test_with_pid();
	return tap_end();
}
