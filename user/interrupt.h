/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_INTERRUPT_H
#define PSHARE_INTERRUPT_H

enum wake {
	WAKE_TIME,		/* the time is over */
	WAKE_READY,		/* there is something to read */
	WAKE_END,		/* a signal asks to end */
	WAKE_CLOSED,		/* nobody reads our output any more */
};

/* From here on SIGINT and SIGTERM are read from the file descriptor; -1 and errno on failure. */
int interrupt_open(void);

/* Waits for fd (-1: for none). A negative timeout waits for ever. */
enum wake interrupt_wait(int interrupt, int fd, int timeout_ms);

#endif
