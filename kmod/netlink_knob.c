// SPDX-License-Identifier: GPL-2.0
/* Netlink requests about knobs: knob-get, knob-set. */
#include <net/genetlink.h>

#include <linux/pshare.h>

#include "compat.h"
#include "knobs.h"
#include "netlink_gen.h"
#include "netlink_request.h"

/* The knob that a nest names; @named has those that were named before. */
static const struct pshare_knob *read_knob(struct nlattr *nest, struct nlattr **tb,
					   unsigned long *named, struct netlink_ext_ack *extack)
{
	const struct pshare_knob *knob;
	int err;

	err = nla_parse_nested(tb, PSHARE_A_KNOB_MAX, nest, pshare_knob_nl_policy, extack);
	if (!err)
		err = pshare_nl_check_doubled(nla_data(nest), nla_len(nest), 0, extack);
	if (err)
		return ERR_PTR(err);
	if (!tb[PSHARE_A_KNOB_NAME]) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "a knob is given without its name");
		return ERR_PTR(-EINVAL);
	}
	err = pshare_nl_check_text(tb[PSHARE_A_KNOB_NAME], extack);
	if (err)
		return ERR_PTR(err);
	knob = pshare_knob_find(nla_data(tb[PSHARE_A_KNOB_NAME]));
	if (!knob) {
		NL_SET_ERR_MSG_FMT(extack, "there is no knob named \"%.40s\"",
				   (char *)nla_data(tb[PSHARE_A_KNOB_NAME]));
		return ERR_PTR(-EINVAL);
	}
	if (__test_and_set_bit(knob - pshare_knob_table, named)) {
		NL_SET_ERR_MSG_FMT(extack, "the knob %s is given twice", knob->name);
		return ERR_PTR(-EINVAL);
	}
	return knob;
}

static int refuse_beyond(struct nlattr **tb, int last, struct netlink_ext_ack *extack)
{
	int i;

	for (i = last + 1; i <= PSHARE_A_KNOB_MAX; i++) {
		if (!tb[i])
			continue;
		NL_SET_ERR_MSG_ATTR(extack, tb[i],
				    "knob-set takes name and value, knob-get the name only");
		return -EINVAL;
	}
	return 0;
}

static int read_names(struct genl_info *info, unsigned long *named)
{
	struct nlattr *tb[PSHARE_A_KNOB_MAX + 1];
	const struct pshare_knob *knob;
	struct nlattr *nest;
	int rem, err;

	nlmsg_for_each_attr(nest, info->nlhdr, GENL_HDRLEN, rem) {
		knob = read_knob(nest, tb, named, info->extack);
		if (IS_ERR(knob))
			return PTR_ERR(knob);
		err = refuse_beyond(tb, PSHARE_A_KNOB_NAME, info->extack);
		if (err)
			return err;
	}
	return 0;
}

static int put_knob(struct sk_buff *skb, const struct pshare_knob *knob)
{
	char value[PSHARE_KNOB_TEXT], def[PSHARE_KNOB_TEXT], range[PSHARE_KNOB_TEXT];
	struct nlattr *nest = nla_nest_start(skb, PSHARE_A_KNOBS_KNOB);

	if (!nest)
		return -EMSGSIZE;
	pshare_knob_print(knob, pshare_knob_get(knob), value, sizeof(value));
	pshare_knob_print(knob, knob->def, def, sizeof(def));
	pshare_knob_print_range(knob, range, sizeof(range));
	if (nla_put_string(skb, PSHARE_A_KNOB_NAME, knob->name) ||
	    nla_put_string(skb, PSHARE_A_KNOB_VALUE, value) ||
	    nla_put_string(skb, PSHARE_A_KNOB_DEFAULT, def) ||
	    nla_put_string(skb, PSHARE_A_KNOB_RANGE, range) ||
	    nla_put_string(skb, PSHARE_A_KNOB_UNIT, knob->unit) ||
	    nla_put_string(skb, PSHARE_A_KNOB_DOC, knob->doc))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int knob_get(struct sk_buff *skb, struct genl_info *info)
{
	unsigned long named = 0;
	struct pshare_nl_reply reply;
	unsigned int i;
	int err;

	err = read_names(info, &named);
	if (err)
		return err;
	err = pshare_nl_reply_begin(&reply, info);
	if (err)
		return err;
	for (i = 0; i < pshare_nr_knobs && !err; i++)
		if (!named || test_bit(i, &named))
			err = put_knob(reply.skb, &pshare_knob_table[i]);
	return pshare_nl_reply_end(&reply, info, err);
}

static int set_knob(struct pshare_knobs *copy, struct nlattr *nest, unsigned long *named,
		    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[PSHARE_A_KNOB_MAX + 1];
	const struct pshare_knob *knob;
	u64 value;
	int err;

	knob = read_knob(nest, tb, named, extack);
	if (IS_ERR(knob))
		return PTR_ERR(knob);
	err = refuse_beyond(tb, PSHARE_A_KNOB_VALUE, extack);
	if (err)
		return err;
	if (!tb[PSHARE_A_KNOB_VALUE]) {
		NL_SET_ERR_MSG_FMT(extack, "the knob %s is given without a value", knob->name);
		return -EINVAL;
	}
	err = pshare_nl_check_text(tb[PSHARE_A_KNOB_VALUE], extack);
	if (!err)
		err = pshare_knob_parse(knob, nla_data(tb[PSHARE_A_KNOB_VALUE]), &value, extack);
	if (!err)
		pshare_knob_set(copy, knob, value);
	return err;
}

static int set_knobs(struct pshare_knobs *copy, void *data)
{
	struct genl_info *info = data;
	unsigned long named = 0;
	struct nlattr *nest;
	int rem, err;

	nlmsg_for_each_attr(nest, info->nlhdr, GENL_HDRLEN, rem) {
		err = set_knob(copy, nest, &named, info->extack);
		if (err)
			return err;
	}
	return 0;
}

static int knob_set(struct sk_buff *skb, struct genl_info *info)
{
	if (!info->attrs[PSHARE_A_KNOBS_KNOB]) {
		GENL_SET_ERR_MSG(info, "knob-set needs at least one knob");
		return -EINVAL;
	}
	return pshare_knobs_update(set_knobs, info, false, info->extack);
}

PSHARE_NL_DOIT(knob_get, PSHARE_A_KNOBS_KNOB)
PSHARE_NL_DOIT(knob_set, PSHARE_A_KNOBS_KNOB)
