/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_LOG_H
#define PSHARED_LOG_H

#include "util.h"

/*
 * One line on stderr, with the priority in front where the journal reads it. Names of processes
 * come in as they are: what could steer a terminal is escaped here.
 */
void log_error(const char *format, ...) __printf(1, 2);
void log_warning(const char *format, ...) __printf(1, 2);
void log_info(const char *format, ...) __printf(1, 2);

#endif
