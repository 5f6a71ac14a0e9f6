/* rider.c: threads in the general heap (rider.h). */
#include "manager/rider.h"

#include "manager/front.h"
#include "manager/manager.h"

static __thread struct mm_rider *mine __attribute__((tls_model("initial-exec")));

struct mm_rider *mm_rider_mine(void)
{
	struct mm_rider *r = mine;

	if (r)
		return r;
	if (!mm_front_context()) /* whose end is ours too */
		return NULL;
	return mine = mm_front_borrow(sizeof *r);
}

struct mm_context *mm_rider_has(const struct mm_rider *r, const struct mm_manager *m)
{
	for (uint32_t i = 0; i < MM_RIDER_HEAPS; i++)
		if (r->heap[i].serial == m->serial)
			return r->heap[i].context;
	return NULL;
}

/* The place that was filled longest ago is made free. */
static struct mm_context *join(struct mm_rider *r, struct mm_manager *m)
{
	uint32_t at = r->next_heap++ % MM_RIDER_HEAPS;
	struct mm_context *c;

	if (mm_heap_context(atomic_load(&m->heap), 0, &c))
		return NULL;
	if (r->heap[at].context)
		mm_manager_leave(r->heap[at].serial, r->heap[at].context);
	r->heap[at].serial = m->serial;
	r->heap[at].context = c;
	return c;
}

struct mm_context *mm_rider_context(struct mm_rider *r, struct mm_manager *m)
{
	struct mm_context *c = mm_rider_has(r, m);

	return c ? c : join(r, m);
}

void mm_rider_leave(void)
{
	struct mm_rider *r = mine;

	if (!r)
		return;
	mine = NULL;
	for (uint32_t i = 0; i < MM_RIDER_HEAPS; i++)
		if (r->heap[i].context)
			mm_manager_leave(r->heap[i].serial, r->heap[i].context);
	mm_front_return(r, sizeof *r);
}

/* --- categories ----------------------------------------------------------------------------- */

uint32_t mm_rider_category(const struct mm_rider *r)
{
	uint32_t depth = r->depth < MM_CATEGORY_DEPTH ? r->depth : MM_CATEGORY_DEPTH;

	return depth ? r->category[depth - 1] : MM_CATEGORY_GENERAL;
}

void mm_category_begin(uint32_t category)
{
	struct mm_rider *r = mm_rider_mine();

	if (!r)
		return;
	if (r->depth < MM_CATEGORY_DEPTH)
		r->category[r->depth] = category < MM_CATEGORIES ? (uint8_t)category
								 : MM_CATEGORY_GENERAL;
	r->depth++;
}

void mm_category_end(void)
{
	struct mm_rider *r = mm_rider_mine();

	if (r && r->depth)
		r->depth--;
}
