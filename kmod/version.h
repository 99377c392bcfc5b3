/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_VERSION
/*
 * The version of everything: module, command, daemon. dkms.conf and debian/changelog have to name
 * it too, and scripts/lint sees that they do.
 */
#define PSHARE_VERSION	"0.1.0"
#endif
