// SPDX-License-Identifier: GPL-2.0
/* Commands that run until they are told to end: signals come in through a file descriptor. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "interrupt.h"
#include "util.h"

int interrupt_open(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return -1;
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

enum wake interrupt_wait(int interrupt, int fd, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = interrupt, .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 },
		{ .fd = fd, .events = POLLIN },
	};
	int ready = poll(fds, ARRAY_SIZE(fds), timeout_ms);

	if (ready < 0)
		return errno == EINTR ? WAKE_TIME : WAKE_END;
	if (fds[0].revents)
		return WAKE_END;
	if (fds[1].revents)
		return WAKE_CLOSED;
	return fds[2].revents ? WAKE_READY : WAKE_TIME;
}
