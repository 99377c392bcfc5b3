/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_LEDGER_H
#define PSHARED_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LEDGER_DIR	"/run/pshared"
#define LEDGER_FILE	LEDGER_DIR "/registered"

/*
 * Which processes the daemon registered, kept in a file, so that it knows after a restart, also
 * after SIGKILL, which registrations are its own. It is on a file system that ends with the boot.
 */
struct ledger;

/* Reads the file, if there is one; those that have ended meanwhile are left out. 0 or -errno. */
int ledger_open(struct ledger **ledger, const char *path);
void ledger_close(struct ledger *ledger);

bool ledger_has(const struct ledger *ledger, pid_t pid, uint64_t start_time);
/* Both return 0 or -errno: then it is known until the daemon ends, but not after. */
int ledger_add(struct ledger *ledger, pid_t pid, uint64_t start_time);
int ledger_remove(struct ledger *ledger, pid_t pid, uint64_t start_time);

#endif
