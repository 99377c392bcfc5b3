// SPDX-License-Identifier: GPL-2.0
/* The installed daemon, and processes that it takes for virtual machines. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "daemon.h"

#define PROGRAM		"/usr/sbin/pshared"
#define NOTIFY		"/tmp/pshared-test.notify"
#define VM_DIR		"/tmp/vm"
#define VM_MARK		"PSHARE_TEST_VM"
#define MAX_WORDS	16
#define WAIT_SECONDS	30
#define WATCHDOG_USEC	"20000000"
#define QUEUE_FILE	"/proc/sys/net/unix/max_dgram_qlen"
#define QUEUE_SIZE	"10000"

/*
 * Unlike systemd nobody reads all the time. The daemon, which tells every few seconds that it
 * lives, would wait once the queue is full.
 */
static int lengthen_queue(struct host *host)
{
	char now[64];
	int err = read_file(QUEUE_FILE, now, sizeof(now));

	return err || atoi(now) == atoi(QUEUE_SIZE) ? err : host_set(host, QUEUE_FILE, QUEUE_SIZE);
}

/* What systemd gives a service of Type=notify. */
static int open_notify(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = NOTIFY };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	unlink(NOTIFY);
	if (fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

bool daemon_notifies(const struct daemon *daemon, const char *what)
{
	struct pollfd poll_fd = { .fd = daemon->notify, .events = POLLIN };
	double end = deadline(WAIT_SECONDS);
	char text[256];
	ssize_t len;

	while (now() < end) {
		if (poll(&poll_fd, 1, 100) <= 0)
			continue;
		len = recv(daemon->notify, text, sizeof(text) - 1, 0);
		text[len > 0 ? len : 0] = 0;
		if (strstr(text, what))
			return true;
	}
	return false;
}

static int write_settings(const char *settings)
{
	FILE *file = fopen(DAEMON_CONF, "we");

	if (!file)
		return errno;
	fputs(settings, file);
	return fclose(file) ? errno : 0;
}

/* What its unit leaves it, so that every test tells whether that is enough. */
static void drop_capabilities(void)
{
	int capability;

	for (capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (capability != CAP_SYS_ADMIN && capability != CAP_SYS_PTRACE &&
		    capability != CAP_NET_ADMIN)
			prctl(PR_CAPBSET_DROP, capability);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static pid_t spawn(const char *log, const char *option)
{
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(fd, STDERR_FILENO);
	setenv("NOTIFY_SOCKET", NOTIFY, 1);
	setenv("WATCHDOG_USEC", WATCHDOG_USEC, 1);
	drop_capabilities();
	execl(PROGRAM, "pshared", option, DAEMON_CONF, NULL);
	_exit(127);
}

int daemon_start(struct host *host, struct daemon *daemon, const char *settings)
{
	int err = write_settings(settings) ?: lengthen_queue(host);

	if (err)
		return err;
	if (host->nr_children == HOST_CHILDREN)
		return ENOSPC;
	daemon->notify = open_notify();
	snprintf(daemon->log, sizeof(daemon->log), "/tmp/pshared-test-%d.log", getpid());
	unlink(daemon->log);
	daemon->pid = spawn(daemon->log, "--config");
	if (daemon->pid < 0)
		return errno;
	host->children[host->nr_children++] = daemon->pid;
	return daemon_notifies(daemon, "READY=1") ? 0 : ETIMEDOUT;
}

static int exit_code(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int daemon_stop(struct daemon *daemon)
{
	kill(daemon->pid, SIGTERM);
	close(daemon->notify);
	return exit_code(daemon->pid);
}

void daemon_kill(struct daemon *daemon)
{
	kill(daemon->pid, SIGKILL);
	close(daemon->notify);
	waitpid(daemon->pid, NULL, 0);
}

int daemon_run(const char *settings, const char *option, char *log, size_t size)
{
	const char *path = "/tmp/pshared-test-run.log";
	int code;

	if (write_settings(settings))
		return -1;
	unlink(path);
	code = exit_code(spawn(path, option));
	if (read_file(path, log, size))
		log[0] = 0;
	return code;
}

int daemon_reload(struct daemon *daemon, const char *settings)
{
	int err = write_settings(settings);

	if (err)
		return err;
	kill(daemon->pid, SIGHUP);
	return daemon_notifies(daemon, "READY=1") ? 0 : ETIMEDOUT;
}

bool daemon_says(const struct daemon *daemon, const char *text)
{
	static char log[1 << 20];
	double end = deadline(WAIT_SECONDS);

	do {
		if (!read_file(daemon->log, log, sizeof(log)) && strstr(log, text))
			return true;
		pause_ms(20);
	} while (now() < end);
	fprintf(stderr, "# the daemon does not say \"%s\" but:\n%.2000s\n", text, log);
	return false;
}

/* HTTP */

int http_connect(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(METRICS_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

int http_get(const char *method, const char *path, char *text, size_t size)
{
	int fd = http_connect(), status = 0;
	size_t length = 0;
	ssize_t more = 1;

	text[0] = 0;
	if (fd < 0)
		return 0;
	dprintf(fd, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", method, path);
	while (more > 0 && length < size - 1) {
		more = read(fd, text + length, size - 1 - length);
		length += more > 0 ? more : 0;
	}
	close(fd);
	text[length] = 0;
	return sscanf(text, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

double metric(const char *name)
{
	static char text[4 << 20];
	size_t length = strlen(name);
	const char *line;

	if (http_get("GET", "/metrics", text, sizeof(text)) != 200)
		return -1;
	for (line = strchr(text, '\n'); line; line = strchr(line + 1, '\n'))
		if (!strncmp(line + 1, name, length) && line[1 + length] == ' ')
			return strtod(line + 1 + length, NULL);
	return -1;
}

double metric_settles(const char *name, double value)
{
	double end = deadline(WAIT_SECONDS), seen;

	/* With many VMs each look costs the daemon something. */
	while ((seen = metric(name)) != value && now() < end)
		pause_ms(200);
	return seen;
}

/* Processes */

/* The test program itself, under the name. */
static int copy_program(const char *path)
{
	char command[512];
	char self[128];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return errno;
	self[length] = 0;
	mkdir(VM_DIR, 0755);
	if (!access(path, X_OK))
		return 0;
	snprintf(command, sizeof(command), "cp %s %s", self, path);
	return system(command) ? EIO : 0;
}

/* What the last word says is done on SIGUSR1, which waits until the program can take it. */
static sigset_t usr1(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return set;
}

static void become_vm(char *path, const char *words)
{
	char line[1024], *argv[MAX_WORDS + 2], *save = NULL, *word;
	const sigset_t set = usr1();
	int argc = 0;

	snprintf(line, sizeof(line), "%s", words);
	argv[argc++] = path;
	for (word = strtok_r(line, " ", &save); word && argc <= MAX_WORDS;
	     word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	setenv(VM_MARK, "1", 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	execv(path, argv);
	_exit(127);
}

pid_t test_vm_start(struct host *host, const char *exe, const char *words)
{
	char path[128];
	pid_t pid;

	snprintf(path, sizeof(path), VM_DIR "/%s", exe);
	if (copy_program(path))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		become_vm(path, words);
	}
	/* For many, pdeathsig has to do: the daemon needs a place, too. */
	if (pid > 0 && host->nr_children < HOST_CHILDREN / 2)
		host->children[host->nr_children++] = pid;
	return pid;
}

void test_vm_end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void fork_and_leave(void)
{
	if (fork())
		_exit(0);
	while (1)
		pause();
}

static void exec_another(void)
{
	execl("/bin/busybox", "sleep", "1000", NULL);
	_exit(127);
}

bool test_vm_main(int argc, char **argv)
{
	const char *last = argv[argc - 1];
	const sigset_t set = usr1();
	int signal;

	if (!getenv(VM_MARK))
		return false;
	if (!strcmp(last, "-version"))
		return true;
	sigwait(&set, &signal);
	if (!strcmp(last, "-daemonize"))
		fork_and_leave();
	if (!strcmp(last, "-exec"))
		exec_another();
	while (1)
		pause();
}

/* Registrations */

pid_t registered(const char *name, struct vm_info *info)
{
	double end = deadline(WAIT_SECONDS);

	do {
		if (!vm_get_name(name, info))
			return info->pid;
		pause_ms(20);
	} while (now() < end);
	return 0;
}

bool unregistered(const char *name)
{
	double end = deadline(WAIT_SECONDS);
	struct vm_info info;

	do {
		if (vm_get_name(name, &info) == ENOENT)
			return true;
		pause_ms(20);
	} while (now() < end);
	return false;
}
