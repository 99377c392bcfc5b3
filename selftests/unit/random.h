/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that are the same in every run. */
#ifndef PSHARE_RANDOM_H
#define PSHARE_RANDOM_H

#include "user_types.h"

/* splitmix64: any state is as good as any other. */
static inline u64 random_u64(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline u32 random_below(u64 *state, u32 n)
{
	return ((random_u64(state) >> 32) * n) >> 32;
}

#endif
