/* SPDX-License-Identifier: GPL-2.0 */
/* The installed daemon, and processes that it takes for virtual machines. */
#ifndef PSHARE_TEST_DAEMON_H
#define PSHARE_TEST_DAEMON_H

#include "pshare_test.h"

#define DAEMON_CONF	"/tmp/pshared-test.conf"
#define DAEMON_LEDGER	"/run/pshared/registered"
#define METRICS_PORT	9752

struct daemon {
	pid_t pid;
	int notify;		/* what it says to systemd comes here */
	char log[64];		/* what it says to people */
};

/*
 * Starts it with these settings and waits until it is ready. daemon_stop() returns its exit code,
 * or 128 and the signal; daemon_kill() ends it without a word.
 */
int daemon_start(struct host *host, struct daemon *daemon, const char *settings);
int daemon_stop(struct daemon *daemon);
void daemon_kill(struct daemon *daemon);

/* Runs it until it ends by itself. Returns the exit code; what it said is in *log. */
int daemon_run(const char *settings, const char *option, char *log, size_t size);

/* New settings, and the signal to read them; waits until it has. */
int daemon_reload(struct daemon *daemon, const char *settings);

/* Waits until it tells systemd so; false if it does not. Each word is heard once. */
bool daemon_notifies(const struct daemon *daemon, const char *what);

/* Waits until it has said a text; false if it does not. */
bool daemon_says(const struct daemon *daemon, const char *text);

/* A connection, or -1. */
int http_connect(void);
/* A page by HTTP: its status, 0 if there is none; what came is in *text. */
int http_get(const char *method, const char *path, char *text, size_t size);

/* A metric with its labels as they stand there; -1 if there is none. */
double metric(const char *name);
/* The same, read again and again until it has the value. */
double metric_settles(const char *name, double value);

/*
 * A process whose executable has this file name, and a command line with these words (divided by
 * single spaces) behind it; it does nothing. test_vm_main() is what it runs, and returns false in
 * any other program.
 */
pid_t test_vm_start(struct host *host, const char *exe, const char *words);
void test_vm_end(pid_t pid);
bool test_vm_main(int argc, char **argv);

/* The process a VM of that name is registered as, waited for; 0 if there is none in time. */
pid_t registered(const char *name, struct vm_info *info);
/* Waits until no VM of that name is registered; false if it stays. */
bool unregistered(const char *name);

#endif
