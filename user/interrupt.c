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

static int open_for(const int *numbers, size_t count)
{
	sigset_t signals;

	sigemptyset(&signals);
	for (size_t i = 0; i < count; i++)
		sigaddset(&signals, numbers[i]);
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return -1;
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

int interrupt_open(void)
{
	static const int numbers[] = { SIGINT, SIGTERM };

	return open_for(numbers, ARRAY_SIZE(numbers));
}

int interrupt_open_screen(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP };

	return open_for(numbers, ARRAY_SIZE(numbers));
}

static enum wake read_signal(int interrupt)
{
	struct signalfd_siginfo info;

	if (read(interrupt, &info, sizeof(info)) != sizeof(info))
		return WAKE_END;
	switch (info.ssi_signo) {
	case SIGWINCH:
		return WAKE_RESIZED;
	case SIGTSTP:
		return WAKE_STOP;
	default:
		return WAKE_END;
	}
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
		return read_signal(interrupt);
	if (fds[1].revents)
		return WAKE_CLOSED;
	return fds[2].revents ? WAKE_READY : WAKE_TIME;
}
