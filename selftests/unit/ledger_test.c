// SPDX-License-Identifier: GPL-2.0
/* The ledger: what it remembers over restarts, what it forgets, and what it makes of damage. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.h"
#include "process.h"
#include "tap.h"

#define MANY	5000

static char path[64];

static pid_t start(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static size_t lines(void)
{
	FILE *file = fopen(path, "re");
	size_t count = 0;
	int c;

	while (file && (c = getc(file)) != EOF)
		count += c == '\n';
	if (file)
		fclose(file);
	return count;
}

static void write_text(const char *text)
{
	FILE *file = fopen(path, "we");

	fputs(text, file);
	fclose(file);
}

static void test_restart(void)
{
	pid_t here = start(), gone = start();
	uint64_t here_start = process_start_time(here), gone_start = process_start_time(gone);
	struct ledger *ledger;

	ok(!ledger_open(&ledger, path) && !ledger_has(ledger, here, here_start),
	   "without a file nothing is known");
	ok(!ledger_add(ledger, here, here_start) && !ledger_add(ledger, gone, gone_start) &&
	   ledger_has(ledger, here, here_start), "what is added is known");
	ok(!ledger_has(ledger, here, here_start + 1), "a pid at another time is another");
	ok(!ledger_add(ledger, here, here_start), "it may be added again");
	ledger_close(ledger);
	end(gone);
	ok(!ledger_open(&ledger, path) && ledger_has(ledger, here, here_start),
	   "it is known after a restart");
	ok(!ledger_has(ledger, gone, gone_start) && lines() == 1, "unless it has ended");
	ok(!ledger_remove(ledger, here, here_start) && !ledger_has(ledger, here, here_start),
	   "what is removed is forgotten");
	ok(!ledger_remove(ledger, here, here_start), "also twice");
	ledger_close(ledger);
	ok(!ledger_open(&ledger, path) && !ledger_has(ledger, here, here_start),
	   "and after a restart too");
	ledger_close(ledger);
	end(here);
}

static void test_damage(void)
{
	uint64_t mine = process_start_time(getpid());
	struct ledger *ledger;
	char text[256];

	snprintf(text, sizeof(text), "nonsense\n+\n-1 2\n+%d %llu\n\n+99999999999 1\n+%d 7",
		 getpid(), (unsigned long long)mine, getpid());
	write_text(text);
	ok(!ledger_open(&ledger, path) && ledger_has(ledger, getpid(), mine) &&
	   !ledger_has(ledger, getpid(), 7) && lines() == 1,
	   "lines that are damaged, or were cut off, pass by");
	ledger_close(ledger);
	ok(ledger_open(&ledger, "/nonexistent/ledger") < 0 && !ledger,
	   "a folder that is not there is an error");
}

static void test_growth(void)
{
	uint64_t mine = process_start_time(getpid());
	struct ledger *ledger;
	int err = ledger_open(&ledger, path);

	for (int i = 0; !err && i < MANY; i++)
		err = ledger_add(ledger, getpid(), mine) ?: ledger_remove(ledger, getpid(), mine);
	ok(!err && lines() < MANY, "the file does not grow for ever");
	err = ledger_add(ledger, getpid(), mine);
	ledger_close(ledger);
	ok(!err && !ledger_open(&ledger, path) && ledger_has(ledger, getpid(), mine),
	   "and is still right");
	ledger_close(ledger);
}

int main(void)
{
	snprintf(path, sizeof(path), "/tmp/pshare-ledger-test-%d", getpid());
	test_restart();
	test_damage();
	test_growth();
	unlink(path);
	return tap_end();
}
