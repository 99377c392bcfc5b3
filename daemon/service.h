/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARED_SERVICE_H
#define PSHARED_SERVICE_H

/* The daemon at work, until it is told to end; takes the path of its settings. An exit code. */
int service_run(const char *path);

#endif
