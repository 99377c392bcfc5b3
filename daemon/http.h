/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_HTTP_H
#define PSHARED_HTTP_H

#include <stddef.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

/* An HTTP server that runs in the event loop and knows one page, /metrics. */
struct http;

/* The text of the page, which http frees; NULL if it cannot be had. */
typedef char *(*http_page)(size_t *len, void *data);

/* Returns 0 or -errno. */
int http_open(struct http **http, sd_event *event, const struct sockaddr *address,
	      socklen_t address_len, http_page page, void *data);
void http_close(struct http *http);

#endif
