// SPDX-License-Identifier: GPL-2.0
/* Are there vectors? See vector.h. */
#include "vector.h"

#ifdef __KERNEL__
#include <linux/cache.h>
#include <asm/cpufeature.h>
#else
#define __ro_after_init
#endif

bool pshare_has_vectors __ro_after_init;

void pshare_vector_init(void)
{
#ifdef __KERNEL__
	pshare_has_vectors = boot_cpu_has(X86_FEATURE_AVX2) &&
			     cpu_has_xfeatures(XFEATURE_MASK_SSE | XFEATURE_MASK_YMM, NULL);
#else
	pshare_has_vectors = __builtin_cpu_supports("avx2");
#endif
}
