/* front.c: contexts of threads, and numbers of pools (front.h). */
#include "manager/front.h"

#include <pthread.h>

#include "alloc/lock_order.h"
#include "core/error.h"
#include "manager/rider.h"

enum { NUMBERS = 64 };
#define CONTEXT_BYTES mm_cache_bytes_stocked(MM_FRONT_SEATS)

__thread struct mm_context *mm_front_mine;

static struct {
	struct mm_lock lock;
	struct mm_meta meta;
	struct mm_context *contexts;
	uint64_t taken[MM_CACHE_DEPOTS / 64];  /* numbers of pools */
	/* By number: what contexts had that a fork left behind. */
	uint64_t left_behind[MM_CACHE_DEPOTS], served_before[MM_CACHE_DEPOTS];
	uint64_t numbered; /* numbers of contexts: 1 << number */
	pthread_once_t once;
	pthread_key_t key;
	int keyed;
} front = { .lock = MM_LOCK_OF(MM_RANK_FRONT), .once = PTHREAD_ONCE_INIT };

/* --- threads -------------------------------------------------------------------------- */

static void unlink_context(struct mm_context *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		front.contexts = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

/* The lowest that is free, so that one who comes goes on where one who went was at work. All the
 * others share the last: a number only keeps them apart. */
static uint32_t context_number(void)
{
	uint32_t n = ~front.numbered ? (uint32_t)__builtin_ctzll(~front.numbered) : NUMBERS;

	if (n < NUMBERS)
		front.numbered |= UINT64_C(1) << n;
	return n;
}

static void drop_number(uint32_t n)
{
	if (n < NUMBERS)
		front.numbered &= ~(UINT64_C(1) << n);
}

/* The thread ends. Should another destructor want a block after this one, it gets a fresh
 * context, and this is called again. */
static void leave(void *arg)
{
	struct mm_context *c = arg;

	mm_rider_leave();
	mm_front_mine = NULL;
	mm_lock_take(&front.lock);
	mm_cache_deinit(c);
	unlink_context(c);
	drop_number(c->number);
	mm_meta_return(&front.meta, c, CONTEXT_BYTES);
	mm_lock_give(&front.lock);
}

static void make_key(void)
{
	front.keyed = pthread_key_create(&front.key, leave) == 0;
}

struct mm_context *mm_front_context(void)
{
	struct mm_context *c = mm_front_mine;

	if (c)
		return c;
	pthread_once(&front.once, make_key);
	if (!front.keyed)
		return NULL;
	mm_lock_take(&front.lock);
	if ((c = mm_meta_borrow(&front.meta, CONTEXT_BYTES)) != NULL) {
		c->seats = MM_FRONT_SEATS;
		c->number = context_number();
		if (c->number < NUMBERS) /* those who share a number could have too much in stock */
			mm_cache_stock_up(c);
		if ((c->next = front.contexts) != NULL)
			c->next->prev = c;
		front.contexts = c;
	}
	mm_lock_give(&front.lock);
	if (c && pthread_setspecific(front.key, c) != 0) {
		leave(c);
		c = NULL;
	}
	mm_front_mine = c;
	return c;
}

void *mm_front_borrow(uint64_t bytes)
{
	return mm_meta_borrow(&front.meta, bytes);
}

void mm_front_return(void *p, uint64_t bytes)
{
	mm_meta_return(&front.meta, p, bytes);
}

/* --- pools ------------------------------------------------------------------------------ */

int mm_front_number(uint32_t *ret)
{
	int err = MM_ELIMIT;

	mm_lock_take(&front.lock);
	for (uint32_t n = 0; err && n < MM_CACHE_DEPOTS; n++)
		if (!(front.taken[n / 64] >> n % 64 & 1)) {
			front.taken[n / 64] |= UINT64_C(1) << n % 64;
			*ret = n;
			err = MM_OK;
		}
	mm_lock_give(&front.lock);
	return err;
}

void mm_front_drop(uint32_t number, int leave_it)
{
	mm_lock_take(&front.lock);
	for (struct mm_context *c = front.contexts; c; c = c->next)
		mm_cache_drop(c, number);
	front.left_behind[number] = 0;
	if (leave_it) {
		front.served_before[number] = 0;
		front.taken[number / 64] &= ~(UINT64_C(1) << number % 64);
	}
	mm_lock_give(&front.lock);
}

void mm_front_sums(uint32_t number, uint64_t *ret_cached, uint64_t *ret_served)
{
	mm_lock_take(&front.lock);
	uint64_t cached = front.left_behind[number], served = front.served_before[number];
	for (struct mm_context *c = front.contexts; c; c = c->next) {
		cached += mm_cache_ready(&c->seat[number]) + mm_cache_stocked(c, number);
		served += __atomic_load_n(&c->seat[number].served, __ATOMIC_RELAXED);
	}
	mm_lock_give(&front.lock);
	*ret_cached = cached;
	*ret_served = served;
}

void mm_front_hold(void)
{
	mm_lock_take(&front.lock);
	mm_lock_take(&front.meta.lock);
}

void mm_front_release(void)
{
	mm_lock_give(&front.meta.lock);
	mm_lock_give(&front.lock);
}

static void leave_behind(struct mm_context *c)
{
	for (uint32_t n = 0; n < MM_CACHE_DEPOTS; n++) {
		front.left_behind[n] += mm_cache_ready(&c->seat[n]) + mm_cache_stocked(c, n);
		front.served_before[n] += c->seat[n].served;
	}
	drop_number(c->number);
}

void mm_front_forked(void)
{
	struct mm_context *mine = mm_front_mine;

	for (struct mm_context *c = front.contexts; c; c = c->next)
		if (c != mine)
			leave_behind(c);
	front.contexts = mine;
	if (mine)
		mine->prev = mine->next = NULL;
}
