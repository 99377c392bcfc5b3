/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_SETTINGS_H
#define PSHARED_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define SETTINGS_FILE	"/etc/pshare/pshared.conf"
#define SETTINGS_ERROR	512	/* room for a message */

/* What is done with a VM. */
struct treatment {
	bool take;		/* registered, or left alone */
	uint32_t domain;
	uint32_t weight;
	uint32_t thp;		/* enum pshare_thp_policy */
};

/* Which VMs it is done with. */
struct rule {
	char label[48];
	char pattern[192];	/* of names, as for fnmatch() */
	bool of_user;		/* only VMs of this user */
	uid_t user;
	struct treatment treatment;
};

struct knob_setting {
	const char *name;
	char value[48];
};

/* A settings file that was read and found right; never changed after. */
struct settings {
	uint32_t sweep_seconds;
	struct sockaddr_storage metrics;
	socklen_t metrics_len;	/* 0: no metrics */
	struct rule others;	/* VMs that no rule names */
	struct rule *rules;	/* in order: the first that names a VM counts */
	size_t nr_rules;
	struct knob_setting *knobs;
	size_t nr_knobs;
};

/*
 * Reads and checks a file as a whole. NULL if anything is wrong with it; error then says what,
 * with file and line.
 */
struct settings *settings_load(const char *path, char error[SETTINGS_ERROR]);

/* The same of a text that is in memory; path is for messages only. */
struct settings *settings_parse(const char *path, const char *text, size_t len,
				char error[SETTINGS_ERROR]);
void settings_free(struct settings *settings);

/* The rule for a VM; that of the others if none names it. */
const struct rule *settings_rule(const struct settings *settings, const char *name, uid_t user);

/* Every section and key there is, for the test that compares them with the manual. */
void settings_each(void (*found)(const char *section, const char *key, void *data), void *data);

#endif
