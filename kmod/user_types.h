/* SPDX-License-Identifier: GPL-2.0 */
/* What the files that build in user space too need of the kernel's headers. */
#ifndef PSHARE_USER_TYPES_H
#define PSHARE_USER_TYPES_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef long long s64;

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define prefetch(p)		__builtin_prefetch(p)
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BITS_PER_LONG		64
#define BITS_TO_LONGS(n)	(((n) + 63) / 64)
#define barrier()	__asm__ volatile("" : : : "memory")
#define noinline	__attribute__((noinline))
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define cond_resched()		do { } while (0)

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return READ_ONCE(map[nr / 64]) >> (nr % 64) & 1;
}

static inline void set_bit(unsigned long nr, unsigned long *map)
{
	__atomic_fetch_or(&map[nr / 64], 1UL << (nr % 64), __ATOMIC_RELAXED);
}

static inline void clear_bit(unsigned long nr, unsigned long *map)
{
	__atomic_fetch_and(&map[nr / 64], ~(1UL << (nr % 64)), __ATOMIC_RELAXED);
}

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

static inline void hlist_add_head(struct hlist_node *n, struct hlist_head *h)
{
	n->next = h->first;
	if (h->first)
		h->first->pprev = &n->next;
	WRITE_ONCE(h->first, n);
	n->pprev = &h->first;
}

static inline void __hlist_del(struct hlist_node *n)
{
	WRITE_ONCE(*n->pprev, n->next);
	if (n->next)
		n->next->pprev = n->pprev;
}

#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define hlist_entry_safe(p, type, member) \
	((p) ? container_of(p, type, member) : NULL)
#define hlist_for_each_entry(pos, head, member) \
	for (pos = hlist_entry_safe((head)->first, __typeof__(*pos), member); pos; \
	     pos = hlist_entry_safe(pos->member.next, __typeof__(*pos), member))
#define hlist_for_each_entry_safe(pos, n, head, member) \
	for (pos = hlist_entry_safe((head)->first, __typeof__(*pos), member); \
	     pos && ({ n = pos->member.next; 1; }); \
	     pos = hlist_entry_safe(n, __typeof__(*pos), member))

typedef pthread_mutex_t spinlock_t;
#define spin_lock_init(l)	pthread_mutex_init(l, NULL)
#define spin_lock(l)		pthread_mutex_lock(l)
#define spin_unlock(l)		pthread_mutex_unlock(l)

typedef struct { s64 v; } atomic64_t;
#define atomic64_set(a, n)	WRITE_ONCE((a)->v, n)
#define atomic64_read(a)	READ_ONCE((a)->v)
#define atomic64_inc(a)		__atomic_fetch_add(&(a)->v, 1, __ATOMIC_RELAXED)
#define atomic64_dec(a)		__atomic_fetch_sub(&(a)->v, 1, __ATOMIC_RELAXED)

#define GFP_KERNEL		0
#define __GFP_NORETRY		0
#define __GFP_NOWARN		0
#define __GFP_ZERO		0
#define __vmalloc(size, gfp)	calloc(1, size)
#define vfree(p)		free(p)

/* One final newline is allowed; too many digits are found before other faults, as in the kernel. */
static inline int kstrtou64(const char *text, unsigned int base, u64 *value)
{
	const char *digit = text + (*text == '+'), *first = digit;
	bool fits = true;
	u64 sum = 0;

	for (; *digit >= '0' && *digit - '0' < (int)base; digit++)
		fits &= !__builtin_mul_overflow(sum, base, &sum) &&
			!__builtin_add_overflow(sum, *digit - '0', &sum);
	if (!fits)
		return -ERANGE;
	if (digit == first || digit[*digit == '\n'])
		return -EINVAL;
	*value = sum;
	return 0;
}

static inline int __sysfs_match_string(const char * const *words, size_t n, const char *text)
{
	size_t len = strlen(text), i;

	len -= len && text[len - 1] == '\n';
	for (i = 0; i < n && words[i]; i++)
		if (strlen(words[i]) == len && !memcmp(words[i], text, len))
			return i;
	return -EINVAL;
}

/* The length of what is in the buffer, not of what would have been. */
#define scnprintf(buf, size, ...) ({ \
	int _len = snprintf(buf, size, __VA_ARGS__); \
	_len < (int)(size) ? _len : max((int)(size) - 1, 0); })

/* As much of netlink's as gets a message out; len is what it needed. */
struct netlink_ext_ack {
	char text[80];
	int len;
};

#define NL_SET_ERR_MSG_FMT(extack, ...) do { \
	struct netlink_ext_ack *_ack = (extack); \
	if (_ack) \
		_ack->len = snprintf(_ack->text, sizeof(_ack->text), __VA_ARGS__); \
} while (0)

#endif
