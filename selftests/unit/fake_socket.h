/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command's netlink on a socket that is none: whoever includes this plays the kernel by
 * fake_send() and fake_receive(). Takes in user/netlink.c itself.
 */
#ifndef FAKE_SOCKET_H
#define FAKE_SOCKET_H

#include <sys/socket.h>
#include <sys/types.h>

#include <libmnl/libmnl.h>

static ssize_t fake_send(const struct mnl_socket *socket, const void *request, size_t size);
static ssize_t fake_receive(int fd, struct msghdr *header, int flags);

static struct mnl_socket *fake_open(int bus, int flags)
{
	static int any;

	(void)bus;
	(void)flags;
	return (struct mnl_socket *)&any;
}

static int fake_bind(struct mnl_socket *socket, unsigned int groups, pid_t pid)
{
	(void)socket;
	(void)groups;
	(void)pid;
	return 0;
}

static int fake_close(struct mnl_socket *socket)
{
	(void)socket;
	return 0;
}

static int fake_fd(const struct mnl_socket *socket)
{
	(void)socket;
	return -1;
}

static int fake_option(const struct mnl_socket *socket, int type, void *buf, socklen_t len)
{
	(void)socket;
	(void)type;
	(void)buf;
	(void)len;
	return 0;
}

#define mnl_socket_open2	fake_open
#define mnl_socket_bind		fake_bind
#define mnl_socket_close	fake_close
#define mnl_socket_get_fd	fake_fd
#define mnl_socket_setsockopt	fake_option
#define mnl_socket_sendto	fake_send
#define recvmsg			fake_receive

#include "../../user/netlink.c"

#endif
