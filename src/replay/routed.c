/* routed.c: one object at a time to its destination (routed.h). */
#include "replay/routed.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"

/* --- coming and going ----------------------------------------------------------------------- */

static int open_dest(struct mm_dest *d, const struct mm_conf_dest *conf,
		     const struct mm_heap_options *h)
{
	struct mm_heap_options own = *h;

	if (conf->is_pool)
		return mm_poolset_open(&d->pool, conf->sizes, conf->size_count, h->page_bytes);
	own.strategy = conf->strategy;
	if (own.strategy != MM_STRATEGY_SIZE_CLASS)
		own.check = MM_CHECK_OFF;
	return mm_heap_open(&d->heap, &own);
}

static int open_dests(struct mm_routed *x, struct mm_heap *heap, const struct mm_heap_options *h)
{
	const struct mm_replay_conf *conf = x->router->conf;
	size_t count = conf ? conf->dest_count : 1;
	int err = MM_OK;

	if (!(x->dest = calloc(count, sizeof *x->dest)))
		return MM_ENOMEM;
	x->dest[0].heap = heap;
	x->dest_count = 1;
	for (size_t i = 1; !err && i < count; i++) {
		err = open_dest(&x->dest[i], &conf->dest[i], h);
		x->dest_count += !err;
	}
	x->touched = ~UINT64_C(0) >> (64 - x->dest_count);
	return err;
}

static int begin_categories(struct mm_routed *x)
{
	const struct mm_router *r = x->router;

	x->category_count = mm_categories_count(r->categories);
	x->kept = calloc(x->category_count, sizeof *x->kept);
	x->rule_objects = calloc(r->conf ? r->conf->rule_count + 1 : 1, sizeof *x->rule_objects);
	if (!x->kept || !x->rule_objects)
		return MM_ENOMEM;
	for (uint32_t i = 0; i < x->category_count; i++) {
		x->kept[i].budget = mm_categories_budget(r->categories, i);
		x->kept[i].first_time_ns = x->kept[i].first_event = MM_UNKNOWN;
	}
	return MM_OK;
}

int mm_routed_init(struct mm_routed *x, const struct mm_router *router, struct mm_heap *heap,
		   const struct mm_heap_options *h, uint32_t nodes)
{
	int err;

	x->router = router;
	x->nodes = nodes;
	err = open_dests(x, heap, h);
	if (!err)
		err = begin_categories(x);
	if (err)
		mm_routed_deinit(x);
	return err;
}

void mm_routed_deinit(struct mm_routed *x)
{
	for (size_t i = 0; i < x->threads; i++)
		mm_routed_end_thread(x, (uint32_t)i);
	for (size_t i = 1; i < x->dest_count; i++)
		mm_dest_close(&x->dest[i]);
	free(x->dest);
	free(x->context);
	free(x->kept);
	free(x->rule_objects);
	memset(x, 0, sizeof *x);
}

/* --- contexts --------------------------------------------------------------------------------- */

int mm_routed_thread(struct mm_routed *x, uint32_t thread)
{
	size_t want = ((size_t)thread + 1) * x->dest_count, have = x->threads * x->dest_count;

	if (thread < x->threads)
		return MM_OK;
	if (MM_GROW(x->context, x->context_cap, want))
		return MM_ENOMEM;
	memset(x->context + have, 0, (want - have) * sizeof *x->context);
	x->threads = (size_t)thread + 1;
	return MM_OK;
}

static int context_in(struct mm_routed *x, uint32_t thread, uint32_t dest, struct mm_context *main,
		      struct mm_context **ret)
{
	struct mm_context **at;
	int err = MM_OK;

	*ret = main;
	if (!dest)
		return MM_OK;
	at = &x->context[thread * x->dest_count + dest];
	if (!*at)
		err = mm_dest_context(&x->dest[dest], thread % x->nodes, at);
	*ret = *at;
	return err;
}

void mm_routed_end_thread(struct mm_routed *x, uint32_t thread)
{
	if (thread >= x->threads)
		return;
	for (size_t i = 1; i < x->dest_count; i++) {
		struct mm_context **at = &x->context[thread * x->dest_count + i];
		if (!*at)
			continue;
		mm_dest_leave(&x->dest[i], *at);
		x->touched |= UINT64_C(1) << i;
		*at = NULL;
	}
}

/* --- counts ------------------------------------------------------------------------------------- */

static void count_birth(struct mm_routed *x, const struct mm_routed_block *b)
{
	struct mm_dest *d = &x->dest[b->dest];

	d->allocs++;
	d->live_count++;
	d->live_bytes += b->size;
	x->touched |= UINT64_C(1) << b->dest;
}

static void count_death(struct mm_routed *x, const struct mm_routed_block *b)
{
	struct mm_kept *k = &x->kept[x->router->route[b->route].category];
	struct mm_dest *d = &x->dest[b->dest];

	d->frees++;
	d->live_count--;
	d->live_bytes -= b->size;
	k->live_bytes -= b->size;
	k->live_count--;
	x->touched |= UINT64_C(1) << b->dest;
}

static void note_above(struct mm_routed *x, struct mm_kept *k, uint64_t before)
{
	k->allocs_above++;
	if (before > k->budget)
		return;
	if (!k->times++) {
		k->first_time_ns = x->time_ns;
		k->first_event = x->event;
	}
}

/* Behind the death of what it replaces. */
static void count_kept(struct mm_routed *x, const struct mm_routed_block *b)
{
	const struct mm_route *route = &x->router->route[b->route];
	struct mm_kept *k = &x->kept[route->category];
	uint64_t before = k->live_bytes;

	k->allocs++;
	k->allocated_bytes += b->size;
	k->live_bytes += b->size;
	k->live_count++;
	if (route->rule != MM_NO_RULE)
		x->rule_objects[route->rule]++;
	if (k->live_bytes > k->peak_bytes) {
		k->peak_bytes = k->live_bytes;
		k->peak_count = k->live_count;
		k->peak_time_ns = x->time_ns;
		k->peak_event = x->event;
	}
	if (__builtin_expect(k->live_bytes > k->budget, 0))
		note_above(x, k, before);
}

/* --- blocks --------------------------------------------------------------------------------------- */

static int take_in(struct mm_routed *x, uint32_t thread, struct mm_context *main, uint32_t dest,
		   const struct mm_row *row, uint64_t *ret_addr)
{
	struct mm_context *c;
	int err = context_in(x, thread, dest, main, &c);

	return err ? err : mm_dest_alloc(&x->dest[dest], c, row->size, mm_row_align(row), ret_addr);
}

static int take_block(struct mm_routed *x, uint32_t thread, struct mm_context *c,
		      const struct mm_row *row, uint32_t route, struct mm_routed_block *ret)
{
	uint32_t dest = x->router->route[route].dest;
	uint64_t addr;
	int err = take_in(x, thread, c, dest, row, &addr);

	if (err == MM_ELIMIT && dest) {
		x->dest[dest].misfits++;
		dest = 0;
		err = take_in(x, thread, c, dest, row, &addr);
	}
	if (err)
		return err;
	*ret = (struct mm_routed_block){ .addr = addr, .dest = dest, .size = row->size,
					.route = route };
	count_birth(x, ret);
	return MM_OK;
}

int mm_routed_alloc(struct mm_routed *x, uint32_t thread, struct mm_context *c,
		    const struct mm_row *row, struct mm_routed_block *ret)
{
	int err = take_block(x, thread, c, row, mm_router_route(x->router, row->site, row->thread),
			     ret);

	if (!err)
		count_kept(x, ret);
	return err;
}

int mm_routed_free(struct mm_routed *x, uint32_t thread, struct mm_context *main,
		   const struct mm_routed_block *b)
{
	struct mm_context *c;
	int err = context_in(x, thread, b->dest, main, &c);

	count_death(x, b);
	return err ? err : mm_dest_free(&x->dest[b->dest], c, b->addr, b->size);
}

/* --- realloc ---------------------------------------------------------------------------------------- */

/* In the heap or the depot where it is anyway. */
static int stay(struct mm_routed *x, uint32_t thread, struct mm_context *main,
		const struct mm_row *row, const struct mm_routed_block *was, uint32_t route,
		struct mm_routed_block *ret)
{
	struct mm_dest *d = &x->dest[was->dest];
	uint64_t addr = was->addr;
	struct mm_context *c;
	int err = context_in(x, thread, was->dest, main, &c);

	if (!err && d->pool)
		err = mm_poolset_resize(d->pool, addr, was->size, row->size, mm_row_align(row))
			? MM_OK : MM_ELIMIT;
	else if (!err)
		err = mm_heap_realloc(d->heap, c, addr, row->size, mm_row_align(row), &addr);
	if (err)
		return err;
	*ret = (struct mm_routed_block){ .addr = addr, .dest = was->dest, .size = row->size,
					.route = route };
	count_birth(x, ret);
	return MM_OK;
}

/* What went to destination 0 for want of a fitting block, and still does not fit, stays there. */
static int move(struct mm_routed *x, uint32_t thread, struct mm_context *c,
		const struct mm_row *row, const struct mm_routed_block *was, uint32_t route,
		struct mm_routed_block *ret)
{
	const struct mm_dest *to = &x->dest[x->router->route[route].dest];
	struct mm_context *own;
	int err;

	if (!was->dest && to->pool && !mm_poolset_takes(to->pool, row->size, mm_row_align(row))) {
		x->dest[x->router->route[route].dest].misfits++;
		return stay(x, thread, c, row, was, route, ret);
	}
	if ((err = take_block(x, thread, c, row, route, ret)))
		return err;
	x->copied_bytes += row->size < was->size ? row->size : was->size;
	x->dest[was->dest].went += was->dest != ret->dest;
	x->dest[ret->dest].came += was->dest != ret->dest;
	err = context_in(x, thread, was->dest, c, &own);
	return err ? err : mm_dest_free(&x->dest[was->dest], own, was->addr, was->size);
}

int mm_routed_realloc(struct mm_routed *x, uint32_t thread, struct mm_context *c,
		      const struct mm_row *row, const struct mm_routed_block *was,
		      struct mm_routed_block *ret)
{
	uint32_t route = mm_router_route(x->router, row->site, row->thread);
	int err = MM_ELIMIT;

	if (x->router->route[route].dest == was->dest)
		err = stay(x, thread, c, row, was, route, ret);
	if (err == MM_ELIMIT)
		err = move(x, thread, c, row, was, route, ret);
	if (err)
		return err;
	count_death(x, was);
	count_kept(x, ret);
	return MM_OK;
}
