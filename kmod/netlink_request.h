/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the handlers of netlink requests share. Each request goes through
 * pshare_nl_request(), which sees to privilege and to a message on every error.
 * Dumps check in their first call, by pshare_nl_check_request(): kernel 6.1 has
 * no extack before, so that the error of a dump is always in its NLMSG_DONE.
 *
 * An array of attributes reaches to the last one of its operation's policy, no
 * further.
 */
#ifndef PSHARE_NETLINK_REQUEST_H
#define PSHARE_NETLINK_REQUEST_H

#include <net/genetlink.h>

struct pshare_vm;

typedef int (*pshare_nl_handler_t)(struct sk_buff *skb, struct genl_info *info);

/**
 * pshare_nl_request() - check a request, handle it, explain its error
 * @skb: the request
 * @info: the request
 * @many: the attribute that may be given several times, or 0
 * @handler: does it
 * Return: what the doit of an operation returns.
 */
int pshare_nl_request(struct sk_buff *skb, struct genl_info *info, int many,
		      pshare_nl_handler_t handler);

/* The generated table's doit of an operation, whose handler has its name. */
#define PSHARE_NL_DOIT(op, many) \
	int pshare_nl_##op##_doit(struct sk_buff *skb, struct genl_info *info) \
	{ \
		return pshare_nl_request(skb, info, many, op); \
	}

/**
 * pshare_nl_check_request() - privilege, and no attribute twice
 * @skb: the request
 * @nlh: its header
 * @many: as for pshare_nl_request()
 * @extack: gets a message on every error
 * Return: 0, -EPERM or -EINVAL.
 */
int pshare_nl_check_request(struct sk_buff *skb, const struct nlmsghdr *nlh, int many,
			    struct netlink_ext_ack *extack);

/* The same for the attributes of a nest; -EINVAL if one is there twice. */
int pshare_nl_check_doubled(struct nlattr *head, int len, int many,
			    struct netlink_ext_ack *extack);

/* How a call of dumpit ends: all told, more in another message, or an error. */
int pshare_nl_dump_result(struct sk_buff *skb, struct netlink_callback *cb, int err);

struct pshare_nl_reply {
	struct sk_buff *skb;
	void *hdr;
};

/*
 * Begin an answer, before what must not be done in vain. End it: send it, or
 * after @err give it up and return @err.
 */
int pshare_nl_reply_begin(struct pshare_nl_reply *reply, struct genl_info *info);
int pshare_nl_reply_end(struct pshare_nl_reply *reply, struct genl_info *info, int err);

/* A nest of @n numbers with successive attributes. Return: 0 or -EMSGSIZE. */
int pshare_nl_put_numbers(struct sk_buff *skb, int nest_attr, int first, int pad,
			  const u64 *values, unsigned int n);

/* Counters of a VM, or of the host; may sleep. Return: 0 or -EMSGSIZE. */
int pshare_nl_put_counters(struct sk_buff *skb, int nest_attr, struct pshare_vm *vm, bool refresh);

/* Is a text not empty, and printable? Else -EINVAL. */
int pshare_nl_check_text(const struct nlattr *attr, struct netlink_ext_ack *extack);

/* A pid in its range, or -EINVAL. */
int pshare_nl_read_pid(const struct nlattr *attr, pid_t *pid, struct netlink_ext_ack *extack);

/**
 * pshare_nl_find_vm() - the VM that a request means
 * @pid: attribute with its pid, or NULL
 * @name: attribute with its name, or NULL
 * @extack: gets a message on every error
 * Return: the VM with a reference, or ERR_PTR: -ENOENT, or -EINVAL if neither
 * is given or the two do not belong together.
 */
struct pshare_vm *pshare_nl_find_vm(const struct nlattr *pid, const struct nlattr *name,
				    struct netlink_ext_ack *extack);

#endif
