// SPDX-License-Identifier: GPL-2.0
/* The module itself, and what the kernel has to say about it. */
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pshare_test.h"

#define UNLOAD_SECONDS	10

/* What is in the log of no good run: a regular expression a line. */
#define COMPLAINTS	"/usr/lib/pshare/complaints"
#define MAX_COMPLAINTS	64

int module_insert(const char *path, const char *parameters)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return errno;
	if (syscall(SYS_finit_module, fd, parameters ?: "", 0))
		err = errno;
	close(fd);
	return err;
}

int module_remove(const char *name)
{
	double end = deadline(UNLOAD_SECONDS);

	while (syscall(SYS_delete_module, name, O_NONBLOCK)) {
		/* A request may hold it for a moment. */
		if ((errno != EAGAIN && errno != EBUSY) || now() > end)
			return errno;
		pause_ms(10);
	}
	return 0;
}

int module_load(const char *parameters)
{
	return module_insert(getenv("PSHARE_KO") ?: "/lib/modules/pshare.ko", parameters);
}

int module_unload(void)
{
	return module_remove("pshare");
}

bool module_loaded(void)
{
	return access("/sys/module/pshare/initstate", F_OK) == 0;
}

unsigned long kernel_taint(void)
{
	char text[32];

	if (read_file("/proc/sys/kernel/tainted", text, sizeof(text)))
		return ~0UL;
	return strtoul(text, NULL, 10);
}

int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* One record's text, or NULL at the end. What was overwritten meanwhile is passed over. */
static char *next_record(int fd, char *record, size_t size)
{
	ssize_t length;
	char *text;

	do {
		length = read(fd, record, size - 1);
	} while (length < 0 && errno == EPIPE);
	if (length <= 0)
		return NULL;
	record[length] = 0;
	text = strchr(record, ';');
	return text ? text + 1 : record;
}

void kmsg_mark(const char *mark)
{
	char line[128];

	/* Without a newline the record stays open, and nobody can read it. */
	snprintf(line, sizeof(line), "%s\n", mark);
	write_file("/dev/kmsg", line);
}

/* Where the mark was overwritten meanwhile, all that is left counts. */
int kmsg_open_at(const char *mark)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 && !kmsg_has(fd, mark))
		lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Lines that user space wrote are no complaints: their facility is not 0. */
static bool from_kernel(const char *record)
{
	return strtoul(record, NULL, 10) < 8;
}

/* Returns how many there are. Without them no test could fail for what the kernel says. */
static size_t read_complaints(regex_t *complaint, size_t max)
{
	FILE *file = fopen(COMPLAINTS, "re");
	char line[128];
	size_t n = 0;

	while (file && n < max && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (regcomp(&complaint[n], line, REG_EXTENDED | REG_NOSUB))
			break;
		n++;
	}
	if (!file || !feof(file)) {
		fprintf(stderr, "%s: cannot be read to its end\n", COMPLAINTS);
		abort();
	}
	fclose(file);
	return n;
}

const char *kmsg_complaint(int fd)
{
	static regex_t complaint[MAX_COMPLAINTS];
	static size_t n;
	static char record[2048];
	const char *text;
	size_t i;

	if (!n)
		n = read_complaints(complaint, MAX_COMPLAINTS);
	while ((text = next_record(fd, record, sizeof(record)))) {
		if (!from_kernel(record))
			continue;
		for (i = 0; i < n; i++)
			if (!regexec(&complaint[i], text, 0, NULL, 0))
				return text;
	}
	return NULL;
}

bool kmsg_has(int fd, const char *wanted)
{
	char record[2048];
	const char *text;

	while ((text = next_record(fd, record, sizeof(record))))
		if (strstr(text, wanted))
			return true;
	return false;
}
