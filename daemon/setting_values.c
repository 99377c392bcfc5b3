// SPDX-License-Identifier: GPL-2.0
/* Values of the settings file, from text. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "parse.h"
#include "schema.h"
#include "setting_values.h"

static bool take_u32(const char *value, uint32_t min, uint32_t max, uint32_t *number)
{
	uint64_t parsed;

	if (!parse_number(value, min, max, &parsed))
		return false;
	*number = parsed;
	return true;
}

bool take_sweep_seconds(struct settings *settings, struct rule *rule, const char *value)
{
	(void)rule;
	return take_u32(value, 1, 86400, &settings->sweep_seconds);
}

static bool parse_port(const char *text, in_port_t *port)
{
	uint32_t number;

	if (!text || !take_u32(text, 1, UINT16_MAX, &number))
		return false;
	*port = htons(number);
	return true;
}

/* What is told there is for the host itself: 127.0.0.0/8. */
static bool take_ipv4(struct settings *settings, const char *host, const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
	    ntohl(address.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET ||
	    !parse_port(port, &address.sin_port))
		return false;
	memcpy(&settings->metrics, &address, sizeof(address));
	settings->metrics_len = sizeof(address);
	return true;
}

static bool take_ipv6(struct settings *settings, const char *port)
{
	struct sockaddr_in6 address = {
		.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};

	if (!parse_port(port, &address.sin6_port))
		return false;
	memcpy(&settings->metrics, &address, sizeof(address));
	settings->metrics_len = sizeof(address);
	return true;
}

bool take_metrics(struct settings *settings, struct rule *rule, const char *value)
{
	static const char ipv6[] = "[::1]:";
	const char *colon = strrchr(value, ':');
	char host[INET_ADDRSTRLEN];

	(void)rule;
	if (!strcmp(value, "off")) {
		settings->metrics_len = 0;
		return true;
	}
	if (!strncmp(value, ipv6, sizeof(ipv6) - 1))
		return take_ipv6(settings, value + sizeof(ipv6) - 1);
	if (!colon || (size_t)(colon - value) >= sizeof(host))
		return false;
	memcpy(host, value, colon - value);
	host[colon - value] = '\0';
	return take_ipv4(settings, host, colon + 1);
}

bool take_pattern(struct settings *settings, struct rule *rule, const char *value)
{
	(void)settings;
	if (!*value || strlen(value) >= sizeof(rule->pattern))
		return false;
	snprintf(rule->pattern, sizeof(rule->pattern), "%s", value);
	return true;
}

bool take_user(struct settings *settings, struct rule *rule, const char *value)
{
	const struct passwd *user;
	uint32_t number;

	(void)settings;
	if (take_u32(value, 0, UINT32_MAX - 1, &number)) {
		rule->user = number;
	} else {
		user = getpwnam(value);
		if (!user)
			return false;
		rule->user = user->pw_uid;
	}
	rule->of_user = true;
	return true;
}

bool take_register(struct settings *settings, struct rule *rule, const char *value)
{
	static const char *const words[] = { "no", "yes", NULL };
	int word = parse_word(value, words);

	(void)settings;
	if (word < 0)
		return false;
	rule->treatment.take = word;
	return true;
}

bool take_domain(struct settings *settings, struct rule *rule, const char *value)
{
	(void)settings;
	return take_u32(value, 0, UINT32_MAX, &rule->treatment.domain);
}

bool take_weight(struct settings *settings, struct rule *rule, const char *value)
{
	(void)settings;
	return take_u32(value, 1, 1000, &rule->treatment.weight);
}

bool take_thp(struct settings *settings, struct rule *rule, const char *value)
{
	int word = parse_word(value, thp_words);

	(void)settings;
	if (word < 0)
		return false;
	rule->treatment.thp = word;
	return true;
}
