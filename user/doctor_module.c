// SPDX-License-Identifier: GPL-2.0
/* doctor, while the module is not there: why the kernel does not have it, or refused it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor.h"
#include "util.h"

#define LINE_SIZE	400

#define SIGN		"sign it as README.md says under Secure Boot"
#define BUILD_AGAIN	"build it again for this kernel: 'make install'"

long long doctor_read_number(const char *path)
{
	long long number = -1;
	FILE *file = fopen(path, "re");

	if (!file)
		return -1;
	if (fscanf(file, "%lld", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

static void read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (!file)
		return;
	if (!fgets(line, size, file))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fclose(file);
}

/* What the kernel's log has of a refusal, and what to do. The last line that is there counts. */
static const struct reason {
	const char *text;
	const char *advice;	/* NULL: it was loaded after all */
} reasons[] = {
	{ "pshare: this kernel has no symbol",
	  "the kernel lacks what the module needs; boot Debian's 6.1 or 6.12" },
	{ "pshare: cannot find kallsyms_lookup_name",
	  "boot a kernel with CONFIG_KPROBES and CONFIG_KALLSYMS" },
	{ "pshare: version magic", BUILD_AGAIN },
	{ "pshare: disagrees about version", BUILD_AGAIN },
	{ "pshare: Unknown symbol", BUILD_AGAIN },
	{ "unsigned module loading is restricted", SIGN },
	{ "Loading of unsigned module is rejected", SIGN },
	{ "Loading of module with unavailable key is rejected",
	  "enroll the key that the module is signed with: 'mokutil --import MOK.der'" },
	{ "pshare: not loaded: error", "see 'dmesg' for what went before" },
	{ "pshare: version ", NULL },
};

static const struct reason *find_reason(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strstr(text, reasons[i].text))
			return &reasons[i];
	return NULL;
}

/* A general reason does not replace the special one before it. */
static bool is_better(const struct reason *reason, const struct reason *before)
{
	return reason && !(before && before->advice && strstr(reason->text, "not loaded: error"));
}

static void examine_log(struct doctor *doctor)
{
	const struct reason *last = NULL, *reason;
	char record[8192], line[LINE_SIZE] = "", *text;
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t len = 1;

	while (fd >= 0 && (len > 0 || errno == EPIPE)) {
		len = read(fd, record, sizeof(record) - 1);
		if (len <= 0)
			continue;
		record[len] = '\0';
		text = strchr(record, ';');
		reason = text ? find_reason(text) : NULL;
		if (!is_better(reason, last))
			continue;
		last = reason;
		snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n") - 1, text + 1);
	}
	if (fd >= 0)
		close(fd);
	if (last && last->advice)
		doctor_say(doctor, FINDING_PROBLEM, "log", "the kernel refused it: \"%s\"; %s",
			   line, last->advice);
}

/* "none [integrity] confidentiality" */
static void examine_lockdown(struct doctor *doctor)
{
	char line[LINE_SIZE];

	read_line("/sys/kernel/security/lockdown", line, sizeof(line));
	if (strstr(line, "[integrity]") || strstr(line, "[confidentiality]"))
		doctor_say(doctor, FINDING_PROBLEM, "lockdown",
			   "the kernel is locked down and takes signed modules only; " SIGN);
}

static void examine_signature(struct doctor *doctor)
{
	char line[LINE_SIZE];

	read_line("/sys/module/module/parameters/sig_enforce", line, sizeof(line));
	if (line[0] == 'Y')
		doctor_say(doctor, FINDING_PROBLEM, "signature",
			   "the kernel takes signed modules only (module.sig_enforce); " SIGN);
}

static void examine_modules_disabled(struct doctor *doctor)
{
	if (doctor_read_number("/proc/sys/kernel/modules_disabled") == 1)
		doctor_say(doctor, FINDING_PROBLEM, "modules_disabled",
			   "kernel.modules_disabled is set: no module can be loaded until a reboot");
}

/* Whether modprobe would find it. */
static bool is_installed(const char *release)
{
	char path[512], *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep", release);
	file = fopen(path, "re");
	while (file && !found && getline(&line, &size, file) > 0)
		found = strstr(line, "/pshare.ko");
	free(line);
	if (file)
		fclose(file);
	return found;
}

static void examine_file(struct doctor *doctor)
{
	struct utsname name;

	uname(&name);
	if (!is_installed(name.release))
		doctor_say(doctor, FINDING_PROBLEM, "file",
			   "it is not installed for kernel %s: 'make install' where the sources are",
			   name.release);
}

static void (*const examinations[])(struct doctor *doctor) = {
	examine_file, examine_modules_disabled, examine_lockdown, examine_signature, examine_log,
};

void doctor_examine_absence(struct doctor *doctor)
{
	if (!access("/sys/module/pshare", F_OK)) {
		doctor_say(doctor, FINDING_PROBLEM, "module",
			   "loaded, but not to be reached from this network namespace");
		return;
	}
	doctor_say(doctor, FINDING_PROBLEM, "module",
		   "not loaded; run 'modprobe pshare' or 'insmod pshare.ko'");
	for (size_t i = 0; i < ARRAY_SIZE(examinations); i++)
		examinations[i](doctor);
}
