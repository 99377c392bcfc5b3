/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PSHARE_UTIL_H
#define PSHARE_UTIL_H

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

#ifndef __printf
#define __printf(text, first)	__attribute__((format(printf, text, first)))
#endif

#endif
