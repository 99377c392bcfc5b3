/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_INTERRUPT_H
#define PSHARE_INTERRUPT_H

enum wake {
	WAKE_TIME,		/* the time is over */
	WAKE_READY,		/* there is something to read */
	WAKE_END,		/* a signal asks to end */
	WAKE_CLOSED,		/* nobody reads our output any more */
	WAKE_RESIZED,		/* the terminal has another size */
	WAKE_STOP,		/* a signal asks to stop, until the shell lets us go on */
};

/* From here on SIGINT and SIGTERM are read from the file descriptor; -1 and errno on failure. */
int interrupt_open(void);

/* The same for who draws on a terminal: all that the terminal sends, none may end us untidily. */
int interrupt_open_screen(void);

/* Waits for fd (-1: for none). A negative timeout waits for ever. */
enum wake interrupt_wait(int interrupt, int fd, int timeout_ms);

#endif
