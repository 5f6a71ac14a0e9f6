/* rider.c: threads in the general heap (rider.h). */
#include "manager/rider.h"

#include "core/error.h"
#include "manager/front.h"
#include "manager/manager.h"
#include "manager/nodes.h"

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

struct mm_rider *mm_rider_there(void)
{
	return mine;
}

const struct mm_riding *mm_rider_has(const struct mm_rider *r, const struct mm_manager *m)
{
	for (uint32_t i = 0; i < MM_RIDER_HEAPS; i++)
		if (r->heap[i].serial == m->serial)
			return &r->heap[i];
	return NULL;
}

/* The place that was filled longest ago is made free. */
static struct mm_riding *join(struct mm_rider *r, struct mm_manager *m)
{
	struct mm_riding *at = &r->heap[r->next_heap++ % MM_RIDER_HEAPS];
	uint32_t node = m->strategy == MM_STRATEGY_NUMA_AWARE ? mm_nodes_here() : 0;
	struct mm_context *c;

	if (mm_heap_context(atomic_load(&m->heap), node, &c))
		return NULL;
	if (at->context)
		mm_manager_leave(at);
	*at = (struct mm_riding){ m->serial, c, 0 };
	return at;
}

static int count_in(struct mm_manager *m, struct mm_riding *at)
{
	uint32_t n = atomic_load(&m->threads), most = atomic_load(&m->threads_most);

	do {
		if (most && n >= most)
			return MM_ELIMIT;
	} while (!atomic_compare_exchange_weak(&m->threads, &n, n + 1));
	at->is_counted = 1;
	return MM_OK;
}

int mm_rider_context(struct mm_rider *r, struct mm_manager *m, int allocates,
		     struct mm_context **ret)
{
	struct mm_riding *at = (struct mm_riding *)mm_rider_has(r, m);
	int err;

	if (!at && !(at = join(r, m)))
		return MM_ENOMEM;
	if (allocates && !at->is_counted && (err = count_in(m, at)))
		return err;
	*ret = at->context;
	return MM_OK;
}

void mm_rider_leave(void)
{
	struct mm_rider *r = mine;

	if (!r)
		return;
	mine = NULL;
	for (uint32_t i = 0; i < MM_RIDER_HEAPS; i++)
		if (r->heap[i].context)
			mm_manager_leave(&r->heap[i]);
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
