// SPDX-License-Identifier: GPL-2.0
/* The settings file: what is taken, what is refused and with which line, which rule counts. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <linux/pshare.h>

#include "settings.h"
#include "tap.h"
#include "util.h"

static char error[SETTINGS_ERROR];

static struct settings *parse(const char *text)
{
	return settings_parse("F", text, strlen(text), error);
}

static void test_defaults(void)
{
	struct settings *settings = parse("");

	ok(settings && !*error, "an empty file is right");
	ok(settings->sweep_seconds == 60 && !settings->metrics_len && !settings->nr_knobs &&
	   !settings->nr_rules && !settings->others.treatment.take, "and changes nothing");
	settings_free(settings);
}

static const char good[] =
	"# comment\n"
	"; comment\n"
	"[pshared]\n"
	"  sweep_seconds = 5   ; behind a value\n"
	"metrics=127.1.2.3:80\r\n"
	"\n"
	"[module]\n"
	"cpu_percent: 50\n"
	"thp = always\n"
	"[others] # behind a section\n"
	"register = yes\n"
	"domain = 4294967295\n"
	"[rule web servers]\n"
	"\tname = web*\n"
	"\tuser = 0\n"
	"weight = 1000\n"
	"thp = never\n"
	"[rule all web]\n"
	"name = web*\n"
	"register = no\n"
	"[rule last]\n"
	"name = [ab]?=x";

static void test_good(void)
{
	struct settings *settings = parse(good);
	const struct sockaddr_in *address;
	const struct rule *rule;

	ok(settings, "a full file is right%s", error);
	if (!settings)
		return;
	address = (const struct sockaddr_in *)&settings->metrics;
	ok(settings->sweep_seconds == 5, "a comment may follow a value");
	ok(settings->metrics_len == sizeof(*address) && address->sin_port == htons(80) &&
	   address->sin_addr.s_addr == htonl(0x7f010203), "address and port are taken");
	ok(settings->nr_knobs == 2 && !strcmp(settings->knobs[0].name, "cpu_percent") &&
	   !strcmp(settings->knobs[0].value, "50") && !strcmp(settings->knobs[1].value, "always"),
	   "knobs are taken in order");
	rule = &settings->others;
	ok(rule->treatment.take && rule->treatment.domain == UINT32_MAX &&
	   rule->treatment.weight == 100, "others are as told, or by default");
	ok(settings->nr_rules == 3 && !strcmp(settings->rules[0].label, "web servers"),
	   "rules have labels");
	rule = settings_rule(settings, "web1", 0);
	ok(rule == &settings->rules[0] && rule->treatment.weight == 1000 &&
	   rule->treatment.thp == PSHARE_THP_POLICY_NEVER && rule->treatment.take,
	   "the first rule for a name and a user counts");
	ok(settings_rule(settings, "web1", 1) == &settings->rules[1], "the next for another");
	ok(settings_rule(settings, "b.=x", 7) == &settings->rules[2], "a pattern has brackets");
	ok(settings_rule(settings, "c.=x", 7) == &settings->others, "else it is one of others");
	settings_free(settings);
}

static void test_ipv6(void)
{
	struct settings *settings = parse("[pshared]\nmetrics = [::1]:65535\n");

	ok(settings && settings->metrics_len == sizeof(struct sockaddr_in6), "IPv6");
	settings_free(settings);
	settings = parse("[pshared]\nmetrics = off\n");
	ok(settings && !settings->metrics_len, "off");
	settings_free(settings);
}

#define TEN	"xxxxxxxxxx"
#define HUNDRED	TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *text;
	const char *said;
} wrong[] = {
	{ "sweep_seconds = 5\n", "F:1: sweep_seconds stands before the first [SECTION]" },
	{ "[pshared]\nsweep = 5\n", "F:2: there is no setting sweep in this section" },
	{ "[pshared]\n\n# x\nsweep_seconds = 0\n",
	  "F:4: sweep_seconds is a number from 1 to 86400, not '0'" },
	{ "[pshared]\nsweep_seconds = 1 # x\n",
	  "F:2: sweep_seconds is a number from 1 to 86400, not '1 # x'" },
	{ "[pshared]\nsweep_seconds =\n",
	  "F:2: sweep_seconds is a number from 1 to 86400, not ''" },
	{ "[pshared]\nsweep_seconds = 1\nsweep_seconds = 2\n", "F:3: sweep_seconds is set twice" },
	{ "[pshared]\n[pshared]\n", "F:2: section [pshared] is there twice" },
	{ "[pshared]\nsweep_seconds\n", "F:2: this is neither [SECTION] nor KEY = VALUE" },
	{ "[pshared]\nnonsense\nsweep_seconds = x\n",
	  "F:2: this is neither [SECTION] nor KEY = VALUE" },
	{ "[pshared]\ndomain = 1\n", "F:2: there is no setting domain in this section" },
	{ "[pshared]\nmetrics = 0.0.0.0:9752\n", "F:2: metrics is off, or a loopback" },
	{ "[pshared]\nmetrics = 192.168.0.1:9752\n", "F:2: metrics is off, or a loopback" },
	{ "[pshared]\nmetrics = 127.0.0.1\n", "F:2: metrics is off, or a loopback" },
	{ "[pshared]\nmetrics = 127.0.0.1:0\n", "F:2: metrics is off, or a loopback" },
	{ "[pshared]\nmetrics = 127.0.0.1:65536\n", "F:2: metrics is off, or a loopback" },
	{ "[pshared]\nmetrics = [::]:9752\n", "F:2: metrics is off, or a loopback" },
	{ "[pshared]\nmetrics = :9752\n", "F:2: metrics is off, or a loopback" },
	{ "[pshared]\nmetrics = localhost:9752\n", "F:2: metrics is off, or a loopback" },
	{ "[Pshared]\n", "F:1: there is no section [Pshared]; there are" },
	{ "[pshared\n", "F:1: a section is [NAME], on one line" },
	{ "[pshared] x\n", "F:1: nothing may stand behind [NAME]" },
	{ "[]\n", "F:1: there is no section []" },
	{ "[rule]\n", "F:1: there is no section [rule]" },
	{ "[rule ]\n", "F:1: a rule needs a label" },
	{ "[rule " HUNDRED "]\n", "F:1: a section's name has at most" },
	{ "[pshared]\nmetrics = " HUNDRED HUNDRED "\n", "F:2: a line has at most" },
	{ "\n[rule a]\ndomain = 1\n[others]\n", "F:2: rule a needs a name" },
	{ "\n[rule a]\ndomain = 1\n", "F:2: rule a needs a name" },
	{ "[rule a]\n", "F:1: rule a needs a name" },
	{ "[rule a]\nname = x\n[rule a]\n", "F:3: there is a rule a already" },
	{ "[rule a]\nname =\n", "F:2: name is a pattern of names, not ''" },
	{ "[rule a]\nuser = no-such-user\n", "F:2: user is a user's name or number" },
	{ "[rule a]\nregister = true\n", "F:2: register is yes or no, not 'true'" },
	{ "[rule a]\ndomain = -1\n", "F:2: domain is a number from 0 to 4294967295, not '-1'" },
	{ "[rule a]\ndomain = 4294967296\n", "F:2: domain is a number from 0" },
	{ "[rule a]\nweight = 0\n", "F:2: weight is a number from 1 to 1000" },
	{ "[rule a]\nweight = 1001\n", "F:2: weight is a number from 1 to 1000" },
	{ "[rule a]\nthp = maybe\n", "F:2: thp is default, never, auto or always, not 'maybe'" },
	{ "[others]\nname = x\n", "F:2: there is no setting name in this section" },
	{ "[module]\nscop = all\n", "F:2: the module has no knob scop; 'pshare get' shows all" },
	{ "[module]\nscope = some\n", "F:2: scope is one of: registered all; not \"some\"" },
	{ "[module]\ncpu_percent = 0\n", "F:2: cpu_percent is a number 1-1600, not \"0\"" },
	{ "[module]\nrun = 1\nrun = 0\n", "F:3: run is set twice" },
	{ "[module]\nrun = 1\n\x01\n", "F:3: this is neither [SECTION] nor KEY = VALUE" },
};

static void test_wrong(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct settings *settings = parse(wrong[i].text);
		bool good_error = !settings && !strncmp(error, wrong[i].said,
							strlen(wrong[i].said));

		ok(good_error, "%s", wrong[i].said);
		if (!good_error)
			printf("# but: %s\n", error);
		settings_free(settings);
	}
	ok(!settings_parse("F", "[pshared]\0\n", 11, error) && strstr(error, "NUL"),
	   "a file that is no text is refused");
	ok(!settings_load("/nonexistent/file", error) &&
	   !strcmp(error, "/nonexistent/file: No such file or directory"), "one that is not there");
	ok(!settings_load("/", error) && strstr(error, "/: "), "one that is none");
}

static void test_shipped(void)
{
	struct settings *settings = settings_load("daemon/pshared.conf", error);

	ok(settings, "the shipped file is right%s", error);
	ok(settings && settings->others.treatment.take && !settings->others.treatment.domain &&
	   !settings->nr_rules, "and has one domain for all");
	settings_free(settings);
}

int main(void)
{
	test_defaults();
	test_good();
	test_ipv6();
	test_wrong();
	test_shipped();
	return tap_end();
}
