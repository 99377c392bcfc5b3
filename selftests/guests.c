// SPDX-License-Identifier: GPL-2.0
/* KVM guests in the test host. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pshare_test.h"

#define START_SECONDS	30

void guest_log(const struct guest *guest, char *path, size_t size)
{
	snprintf(path, size, "/tmp/guest-%s.log", guest->name);
}

static bool is_qemu(pid_t pid)
{
	char path[64], comm[32] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	return !read_file(path, comm, sizeof(comm)) && !strncmp(comm, "qemu", 4);
}

/* The shell's child has to become QEMU first: a VM ends with an exec. */
int guest_start(struct guest *guest, const char *mib, const char *arguments)
{
	double end = deadline(START_SECONDS);
	char command[256], line[32] = "";
	FILE *out;

	snprintf(command, sizeof(command), "/usr/lib/pshare/guest %s %s %s", guest->name, mib,
		 arguments);
	out = popen(command, "r");
	if (!out || !fgets(line, sizeof(line), out) || pclose(out))
		return EIO;
	guest->pid = strtol(line, NULL, 10);
	while (!is_qemu(guest->pid) && now() < end)
		pause_ms(10);
	return is_qemu(guest->pid) ? 0 : ESRCH;
}

/* The largest anonymous area of QEMU. */
void guest_find_ram(struct guest *guest)
{
	unsigned long start, end, inode;
	char path[64], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", guest->pid);
	file = fopen(path, "re");
	guest->pages = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx rw-p %*s %*s %lu", &start, &end, &inode) != 3 || inode)
			continue;
		if ((end - start) / PAGE_SIZE > guest->pages) {
			guest->pages = (end - start) / PAGE_SIZE;
			guest->ram = (void *)start;
		}
	}
	if (file)
		fclose(file);
}

int guest_tell(const struct guest *guest, char letter)
{
	char path[64];
	ssize_t written;
	int fd;

	snprintf(path, sizeof(path), "/tmp/guest-%s.in", guest->name);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno;
	written = write(fd, &letter, 1);
	close(fd);
	return written == 1 ? 0 : EIO;
}
