/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_SETTING_VALUES_H
#define PSHARED_SETTING_VALUES_H

#include "settings.h"

/* One value of the settings file each: false, and nothing is changed, for what it is not. */
bool take_sweep_seconds(struct settings *settings, struct rule *rule, const char *value);
bool take_metrics(struct settings *settings, struct rule *rule, const char *value);
bool take_pattern(struct settings *settings, struct rule *rule, const char *value);
bool take_user(struct settings *settings, struct rule *rule, const char *value);
bool take_register(struct settings *settings, struct rule *rule, const char *value);
bool take_domain(struct settings *settings, struct rule *rule, const char *value);
bool take_weight(struct settings *settings, struct rule *rule, const char *value);
bool take_thp(struct settings *settings, struct rule *rule, const char *value);

#endif
