/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_HELP_H
#define PSHARE_HELP_H

#include "pshare.h"

int version(struct ctx *ctx);

#endif
