/* SPDX-License-Identifier: GPL-2.0 */
/* Threads that do everything to their own memory and check it; run in children of stress_test.c. */
#ifndef PSHARE_TEST_STRESS_H
#define PSHARE_TEST_STRESS_H

#include <liburing.h>

#include "pshare_test.h"

#define STRESS_PAGES	512UL
#define STRESS_SEEDS	4
#define STRESS_NUMBERS	64
#define STRESS_MAX_OPS	32
#define STRESS_MAX_PART	16UL

/* What a thread has done; in memory shared with the test. */
struct stress_report {
	unsigned long done[STRESS_MAX_OPS];
	unsigned long refused[STRESS_MAX_OPS];
	bool wrong;
	char message[1024];
};

/* What was done lately, for the message. */
#define STRESS_HISTORY	2048
struct stress_done {
	uint16_t op;
	uint16_t page;
	uint16_t count;
	uint16_t refused;
};

struct stress_thread {
	struct stress_report *report;
	volatile bool *stop;
	const char *device;	/* a part of it is this thread's */
	uint64_t device_offset;
	uint64_t random;
	struct io_uring ring;
	char *mem;
	char *away;		/* room to move a part to */
	struct {
		uint32_t seed;
		uint32_t number;
	} content[STRESS_PAGES];
	unsigned long nr_done;
	struct stress_done history[STRESS_HISTORY];
};

extern const unsigned int stress_nr_ops;
const char *stress_op_name(unsigned int op);
/*
 * All threads of a process are prepared before one of them runs: parts of their
 * memory are unmapped for moments, in which nobody may map anything anywhere.
 */
int stress_prepare(struct stress_thread *t);
void stress_run(struct stress_thread *t);

#endif
