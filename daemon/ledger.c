// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger: a line is appended for each change, "+PID START" or "-PID START", and the file is
 * written anew when most of it is of the past. A line that a crash cut off is passed over: then
 * the registration counts as somebody else's, and is respected.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ledger.h"
#include "process.h"

#define SPARE_LINES	1024

struct entry {
	pid_t pid;
	uint64_t start_time;
};

struct ledger {
	char path[PATH_MAX - 8];
	FILE *file;
	size_t lines;
	struct entry *entries;
	size_t count, room;
};

static size_t find(const struct ledger *ledger, pid_t pid, uint64_t start_time)
{
	size_t i;

	for (i = 0; i < ledger->count; i++)
		if (ledger->entries[i].pid == pid && ledger->entries[i].start_time == start_time)
			break;
	return i;
}

bool ledger_has(const struct ledger *ledger, pid_t pid, uint64_t start_time)
{
	return find(ledger, pid, start_time) < ledger->count;
}

/* In memory */
static int put(struct ledger *ledger, pid_t pid, uint64_t start_time)
{
	struct entry *larger;

	if (ledger_has(ledger, pid, start_time))
		return 0;
	if (ledger->count == ledger->room) {
		larger = reallocarray(ledger->entries, 2 * ledger->room + 16, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		ledger->entries = larger;
		ledger->room = 2 * ledger->room + 16;
	}
	ledger->entries[ledger->count++] = (struct entry){ pid, start_time };
	return 0;
}

static void drop(struct ledger *ledger, size_t at)
{
	if (at < ledger->count)
		ledger->entries[at] = ledger->entries[--ledger->count];
}

static void drop_ended(struct ledger *ledger)
{
	size_t i = 0;

	while (i < ledger->count) {
		struct entry *entry = &ledger->entries[i];

		if (process_start_time(entry->pid) == entry->start_time)
			i++;
		else
			drop(ledger, i);
	}
}

static int read_lines(struct ledger *ledger)
{
	FILE *file = fopen(ledger->path, "re");
	unsigned long long start_time;
	char line[64], sign, end;
	int pid, err = 0;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (!err && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%c%d %llu%c", &sign, &pid, &start_time, &end) != 4 ||
		    end != '\n')
			continue;
		if (sign == '+')
			err = put(ledger, pid, start_time);
		else
			drop(ledger, find(ledger, pid, start_time));
	}
	fclose(file);
	return err;
}

static int write_line(FILE *file, char sign, pid_t pid, uint64_t start_time)
{
	if (fprintf(file, "%c%d %llu\n", sign, pid, (unsigned long long)start_time) < 0 ||
	    fflush(file))
		return -errno;
	return 0;
}

/* A new file takes the place of the old one at once, or not at all. */
static int write_anew(struct ledger *ledger)
{
	char path[PATH_MAX];
	FILE *file;
	int err = 0;

	snprintf(path, sizeof(path), "%s.new", ledger->path);
	file = fopen(path, "we");
	if (!file)
		return -errno;
	for (size_t i = 0; !err && i < ledger->count; i++)
		err = write_line(file, '+', ledger->entries[i].pid,
				 ledger->entries[i].start_time);
	if (!err && rename(path, ledger->path))
		err = -errno;
	if (err) {
		fclose(file);
		return err;
	}
	if (ledger->file)
		fclose(ledger->file);
	ledger->file = file;
	ledger->lines = ledger->count;
	return 0;
}

static int append(struct ledger *ledger, char sign, pid_t pid, uint64_t start_time)
{
	if (ledger->lines > 2 * ledger->count + SPARE_LINES)
		return write_anew(ledger);
	ledger->lines++;
	return write_line(ledger->file, sign, pid, start_time);
}

int ledger_add(struct ledger *ledger, pid_t pid, uint64_t start_time)
{
	int err = put(ledger, pid, start_time);

	return err ? err : append(ledger, '+', pid, start_time);
}

int ledger_remove(struct ledger *ledger, pid_t pid, uint64_t start_time)
{
	size_t at = find(ledger, pid, start_time);

	if (at == ledger->count)
		return 0;
	drop(ledger, at);
	return append(ledger, '-', pid, start_time);
}

int ledger_open(struct ledger **ledger, const char *path)
{
	int err;

	*ledger = calloc(1, sizeof(**ledger));
	if (!*ledger)
		return -ENOMEM;
	snprintf((*ledger)->path, sizeof((*ledger)->path), "%s", path);
	err = read_lines(*ledger);
	if (!err) {
		drop_ended(*ledger);
		err = write_anew(*ledger);
	}
	if (err) {
		ledger_close(*ledger);
		*ledger = NULL;
	}
	return err;
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	if (ledger->file)
		fclose(ledger->file);
	free(ledger->entries);
	free(ledger);
}
