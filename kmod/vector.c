// SPDX-License-Identifier: GPL-2.0
/* Are there vectors? See vector.h. */
#include "fingerprint.h"
#include "vector.h"

#ifdef __KERNEL__
#include <linux/cache.h>
#include <linux/string.h>
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

void pshare_vector_copy(void *to, const void *from)
{
	long at = -PSHARE_PAGE_BYTES;

	if (!pshare_has_vectors) {
		memcpy(to, from, PSHARE_PAGE_BYTES);
		return;
	}
	asm volatile("1:\n\t"
		     "vmovdqu 0x00(%[from],%[at]), %%ymm0\n\t"
		     "vmovdqu 0x20(%[from],%[at]), %%ymm1\n\t"
		     "vmovdqu 0x40(%[from],%[at]), %%ymm2\n\t"
		     "vmovdqu 0x60(%[from],%[at]), %%ymm3\n\t"
		     "vmovdqu 0x80(%[from],%[at]), %%ymm4\n\t"
		     "vmovdqu 0xa0(%[from],%[at]), %%ymm5\n\t"
		     "vmovdqu 0xc0(%[from],%[at]), %%ymm6\n\t"
		     "vmovdqu 0xe0(%[from],%[at]), %%ymm7\n\t"
		     "vmovdqu %%ymm0, 0x00(%[to],%[at])\n\t"
		     "vmovdqu %%ymm1, 0x20(%[to],%[at])\n\t"
		     "vmovdqu %%ymm2, 0x40(%[to],%[at])\n\t"
		     "vmovdqu %%ymm3, 0x60(%[to],%[at])\n\t"
		     "vmovdqu %%ymm4, 0x80(%[to],%[at])\n\t"
		     "vmovdqu %%ymm5, 0xa0(%[to],%[at])\n\t"
		     "vmovdqu %%ymm6, 0xc0(%[to],%[at])\n\t"
		     "vmovdqu %%ymm7, 0xe0(%[to],%[at])\n\t"
		     "add $0x100, %[at]\n\t"
		     "jnz 1b\n\t"
		     "vzeroupper"
		     : [at] "+r" (at)
		     : [from] "r" ((const char *)from + PSHARE_PAGE_BYTES),
		       [to] "r" ((char *)to + PSHARE_PAGE_BYTES)
		     : "memory", "cc" PSHARE_VECTORS_USED);
}
