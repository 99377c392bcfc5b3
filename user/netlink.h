/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_NETLINK_H
#define PSHARE_NETLINK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "field.h"

struct nl;

/* Nothing is opened before the first request. NULL if memory is short. */
struct nl *nl_new(void);
void nl_free(struct nl *nl);

/* A request is begun, filled, and sent by nl_do() or nl_dump(). */
void nl_begin(struct nl *nl, uint8_t cmd);
void nl_put(struct nl *nl, uint16_t attr, const void *data, size_t len);
struct nlattr *nl_nest(struct nl *nl, uint16_t attr);
void nl_nest_end(struct nl *nl, struct nlattr *nest);

static inline void nl_put_u8(struct nl *nl, uint16_t attr, uint8_t value)
{
	nl_put(nl, attr, &value, sizeof(value));
}

static inline void nl_put_u32(struct nl *nl, uint16_t attr, uint32_t value)
{
	nl_put(nl, attr, &value, sizeof(value));
}

static inline void nl_put_u64(struct nl *nl, uint16_t attr, uint64_t value)
{
	nl_put(nl, attr, &value, sizeof(value));
}

static inline void nl_put_text(struct nl *nl, uint16_t attr, const char *text)
{
	nl_put(nl, attr, text, strlen(text) + 1);
}

static inline void nl_put_flag(struct nl *nl, uint16_t attr)
{
	nl_put(nl, attr, "", 0);
}

/*
 * Sends the request and waits for its answer. What the replies say is added to object, which
 * may be NULL if none is expected. Returns 0 or -errno; nl_error() has the reason then.
 */
int nl_do(struct nl *nl, const struct fields *set, struct json_object *object);

/*
 * The same for a dump: an object for each reply in a new array, which the caller puts. A dump
 * that was interrupted by a change is asked for again.
 */
int nl_dump(struct nl *nl, const struct fields *set, struct json_object **rows);

/* Joins the group "events". Requests need an nl of their own. Returns 0 or -errno. */
int nl_subscribe(struct nl *nl);

/*
 * The same, but the module may come later, and go and come again: its events go on by themselves
 * then. Returns 0 or -errno; the module's absence is none.
 */
int nl_watch(struct nl *nl);

/* Of an nl that watches: whether the module is there. */
bool nl_is_connected(const struct nl *nl);

/* What poll() waits on for events. */
int nl_fd(const struct nl *nl);

/*
 * Appends the events that have come to the array, each with its name in "event". Three are made
 * here: "lost" if some did not fit, "unloaded" when the module goes, "loaded" when it comes.
 * Returns 0 or -errno.
 */
int nl_events(struct nl *nl, struct json_object *events);

struct nl_error {
	int code;		/* errno, positive */
	bool not_loaded;	/* the family is not there */
	char message[256];	/* what the kernel says; may be empty */
};

const struct nl_error *nl_error(const struct nl *nl);

#endif
