// SPDX-License-Identifier: GPL-2.0
/* libmicrohttpd without threads: its epoll descriptor is one of the event loop's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "http.h"

#define CONNECTIONS	32
#define IDLE_SECONDS	10
#define BACKLOG		16

struct http {
	struct MHD_Daemon *daemon;
	sd_event_source *ready;
	sd_event_source *timeout;
	http_page page;
	void *data;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      const char *type, void *text, size_t len,
			      enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, text, mode);
	enum MHD_Result result;

	if (!response) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_plain(struct MHD_Connection *connection, unsigned int status,
				    const char *text)
{
	return answer(connection, status, "text/plain; charset=utf-8", (char *)text, strlen(text),
		      MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **context)
{
	struct http *http = data;
	char *text;
	size_t len;

	(void)version;
	(void)upload;
	(void)upload_size;
	(void)context;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return answer_plain(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
	if (strcmp(url, "/metrics"))
		return answer_plain(connection, MHD_HTTP_NOT_FOUND, "there is only /metrics\n");
	text = http->page(&len, http->data);
	if (!text)
		return answer_plain(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text,
		      len, MHD_RESPMEM_MUST_FREE);
}

/* Idle connections are closed in time also when nothing else happens. */
static int run(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &ms) != MHD_YES)
		return sd_event_source_set_enabled(http->timeout, SD_EVENT_OFF);
	sd_event_source_set_time_relative(http->timeout, ms * 1000ull);
	return sd_event_source_set_enabled(http->timeout, SD_EVENT_ONESHOT);
}

static int on_ready(sd_event_source *source, int fd, uint32_t revents, void *data)
{
	(void)source;
	(void)fd;
	(void)revents;
	return run(data);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	return run(data);
}

/* By ourselves, so that it is told why an address cannot be had. Returns the socket or -errno. */
static int listen_at(const struct sockaddr *address, socklen_t len)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, err;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!bind(fd, address, len) && !listen(fd, BACKLOG))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int start(struct http *http, sd_event *event, int fd)
{
	const union MHD_DaemonInfo *info;
	int err;

	http->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, http,
					MHD_OPTION_LISTEN_SOCKET, fd,
					MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
					MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
					MHD_OPTION_END);
	if (!http->daemon) {
		close(fd);
		return -ENOMEM;
	}
	info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EOPNOTSUPP;
	err = sd_event_add_io(event, &http->ready, info->epoll_fd, EPOLLIN, on_ready, http);
	if (err >= 0)
		err = sd_event_add_time(event, &http->timeout, CLOCK_MONOTONIC, 0, 0, on_timeout,
					http);
	return err < 0 ? err : 0;
}

int http_open(struct http **http, sd_event *event, const struct sockaddr *address,
	      socklen_t address_len, http_page page, void *data)
{
	int fd = listen_at(address, address_len), err;

	if (fd < 0)
		return fd;
	*http = calloc(1, sizeof(**http));
	if (!*http) {
		close(fd);
		return -ENOMEM;
	}
	(*http)->page = page;
	(*http)->data = data;
	err = start(*http, event, fd);
	if (err) {
		http_close(*http);
		*http = NULL;
	}
	return err;
}

void http_close(struct http *http)
{
	if (!http)
		return;
	sd_event_source_disable_unref(http->timeout);
	sd_event_source_disable_unref(http->ready);
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	free(http);
}
