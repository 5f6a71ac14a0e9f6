/* manager.c: managers come and go, and are whole in a forked child (mm.h). */
#include "manager/manager.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/lock_order.h"
#include "core/error.h"
#include "manager/front.h"
#include "manager/general.h"

#define ADDRESSES (UINT64_C(1) << 40)

static struct {
	struct mm_lock lock;
	struct mm_manager *first;
	struct mm_manager *standing; /* the default */
	uint64_t serials;
	pthread_once_t once, standing_once;
} managers = { .lock = MM_LOCK_OF(MM_RANK_MANAGERS), .once = PTHREAD_ONCE_INIT,
	       .standing_once = PTHREAD_ONCE_INIT };

/* --- fork ------------------------------------------------------------------------------ */

/* What of every manager is held while the process is copied: the lock at an offset, or what the
 * first function takes and the second gives back. */
struct step {
	size_t lock;
	void (*hold)(struct mm_manager *m);
	void (*go_on)(struct mm_manager *m);
};

#define LOCK(field) { .lock = offsetof(struct mm_manager, field) }

static void hold_pools(struct mm_manager *m)
{
	for (struct mm_pool *p = m->pools; p; p = p->next)
		mm_lock_take(&p->depot.lock);
	mm_voxel_pools_hold(m);
}

static void release_pools(struct mm_manager *m)
{
	mm_voxel_pools_go_on(m);
	for (struct mm_pool *p = m->pools; p; p = p->next)
		mm_lock_give(&p->depot.lock);
}

static void hold_heaps(struct mm_manager *m)
{
	if (atomic_load(&m->heap))
		mm_heap_hold(m->heap);
	if (atomic_load(&m->movables.heap))
		mm_heap_hold(m->movables.heap);
}

static void release_heaps(struct mm_manager *m)
{
	if (atomic_load(&m->movables.heap))
		mm_heap_go_on(m->movables.heap);
	if (atomic_load(&m->heap))
		mm_heap_go_on(m->heap);
}

static void hold_pages(struct mm_manager *m)
{
	mm_vspace_hold(&m->vspace);
}

static void release_pages(struct mm_manager *m)
{
	mm_vspace_go_on(&m->vspace);
}

/* In the order of lock_order.h. Between the two: what threads and numbers of all managers have. */
static const struct step before_front[] = {
	LOCK(movables.pass_lock), LOCK(movables.turn), LOCK(varpool_lock), LOCK(lock),
};

static const struct step behind_front[] = {
	LOCK(buffers.lock),
	{ .hold = hold_pools, .go_on = release_pools },
	LOCK(foreign.lock),
	{ .hold = hold_heaps, .go_on = release_heaps },
	LOCK(slabs.lock),
	{ .hold = hold_pages, .go_on = release_pages },
	LOCK(cacheables.lock), LOCK(meta.lock), LOCK(budget.lock), LOCK(audit.lock),
};

#define STEPS(of) (sizeof (of) / sizeof *(of))

static struct mm_lock *lock_at(struct mm_manager *m, const struct step *s)
{
	return (struct mm_lock *)((char *)m + s->lock);
}

static void hold_step(const struct step *s)
{
	for (struct mm_manager *m = managers.first; m; m = m->next)
		if (s->hold)
			s->hold(m);
		else
			mm_lock_take(lock_at(m, s));
}

static void release_step(const struct step *s)
{
	for (struct mm_manager *m = managers.first; m; m = m->next)
		if (s->go_on)
			s->go_on(m);
		else
			mm_lock_give(lock_at(m, s));
}

/* Every lock is held while the process is copied, in the order in which calls take them, so
 * that the child finds whatever they guard whole. */
static void hold_all(void)
{
	mm_lock_order_all(1);
	mm_lock_take(&managers.lock);
	for (size_t i = 0; i < STEPS(before_front); i++)
		hold_step(&before_front[i]);
	mm_front_hold();
	mm_whats_hold();
	for (size_t i = 0; i < STEPS(behind_front); i++)
		hold_step(&behind_front[i]);
}

static void release_all(void)
{
	for (size_t i = STEPS(behind_front); i--; )
		release_step(&behind_front[i]);
	mm_whats_go_on();
	mm_front_release();
	for (size_t i = STEPS(before_front); i--; )
		release_step(&before_front[i]);
	mm_lock_give(&managers.lock);
	mm_lock_order_all(0);
}

/* Contexts of threads that the child does not have are let go of. */
static void release_child(void)
{
	struct mm_rider *r;

	release_all();
	mm_front_forked();
	r = mm_rider_mine();
	for (struct mm_manager *m = managers.first; m; m = m->next) {
		const struct mm_riding *at = r ? mm_rider_has(r, m) : NULL;
		atomic_store(&m->movables.passing, 0);
		mm_buffers_forked(m);
		mm_shared_buffers_forked(m);
		atomic_store(&m->threads, at && at->is_counted);
		if (atomic_load(&m->heap))
			mm_heap_forked(m->heap, at ? at->context : NULL);
	}
	for (struct mm_manager *m = managers.first; m; m = m->next)
		mm_told_forked(m);
}

static void begin_process(void)
{
	mm_told_listen();
	pthread_atfork(hold_all, release_all, release_child);
}

int mm_manager_is_full(const struct mm_manager *m)
{
	uint32_t n = 0;

	for (const struct mm_pool *p = m->pools; p; p = p->next)
		n++;
	for (const struct mm_named *p = m->svo_pools; p; p = p->next)
		n++;
	for (const struct mm_named *p = m->band_pools; p; p = p->next)
		n++;
	return m->pools_most && n >= m->pools_most;
}

int mm_manager_charge(struct mm_manager *m, uint32_t category, int64_t bytes)
{
	if (bytes > 0)
		return mm_budget_charge(&m->budget, category, (uint64_t)bytes, 0,
					MM_PRIORITY_NORMAL);
	mm_budget_uncharge(&m->budget, category, (uint64_t)-bytes, 0);
	return MM_OK;
}

void mm_manager_leave(const struct mm_riding *r)
{
	struct mm_manager *m;

	mm_lock_take(&managers.lock);
	for (m = managers.first; m && m->serial != r->serial; m = m->next)
		;
	if (m) {
		mm_heap_leave(m->heap, r->context);
		atomic_fetch_sub(&m->threads, r->is_counted != 0);
	}
	mm_lock_give(&managers.lock);
}

/* --- coming and going -------------------------------------------------------------------- */

static void close_manager(struct mm_manager *m)
{
	if (atomic_load(&m->heap)) {
		mm_told_heap_end(m);
		mm_heap_close(m->heap);
	}
	mm_movables_close(m);
	mm_vspace_deinit(&m->vspace);
	mm_meta_deinit(&m->meta);
	munmap(m, sizeof *m);
}

int mm_manager_create(struct mm_manager **ret)
{
	static const struct mm_manager_options plain = { 0 };

	return mm_manager_create_with(&plain, ret);
}

static void rank_locks(struct mm_manager *m)
{
	mm_lock_is(&m->lock, MM_RANK_MANAGER);
	mm_lock_is(&m->varpool_lock, MM_RANK_VARPOOL);
	mm_lock_is(&m->movables.pass_lock, MM_RANK_PASS);
	mm_lock_is(&m->movables.turn, MM_RANK_TURN);
	mm_lock_is(&m->foreign.lock, MM_RANK_FOREIGN);
	mm_lock_is(&m->cacheables.lock, MM_RANK_CACHEABLES);
	mm_lock_is(&m->buffers.lock, MM_RANK_BUFFERS);
}

int mm_manager_create_with(const struct mm_manager_options *options, struct mm_manager **ret)
{
	static const struct mm_vspace_options space = { .bytes = ADDRESSES, .page_bytes = 4096,
		.retain_bytes = UINT64_MAX };
	struct mm_manager *m;
	enum mm_strategy strategy;
	int err = mm_general_strategy(options, &strategy);

	if (err)
		return err;
	m = mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return MM_ENOMEM;
	m->options = *options;
	m->strategy = strategy;
	m->options.strategy = NULL; /* the caller's */
	err = mm_vspace_init(&m->vspace, &space, &m->meta);
	if (!err)
		err = mm_slabs_init(&m->slabs, &m->meta, m->vspace.slices);
	if (err) {
		close_manager(m);
		return err;
	}
	m->ground = (struct mm_ground){ .meta = &m->meta, .vspace = &m->vspace,
					.slabs = &m->slabs };
	rank_locks(m);
	mm_budget_init(&m->budget);
	m->budget.evict = mm_general_evict;
	m->budget.evict_arg = m;
	mm_foreign_init(&m->foreign, &m->meta);
	mm_cacheables_init(&m->cacheables, &m->meta);
	m->born_ms = mm_general_now(m);
	pthread_once(&managers.once, begin_process);
	mm_lock_take(&managers.lock);
	m->serial = ++managers.serials;
	if ((m->next = managers.first) != NULL)
		m->next->prev = m;
	managers.first = m;
	mm_lock_give(&managers.lock);
	*ret = m;
	return MM_OK;
}

int mm_leaks_at_end(struct mm_manager *m, int (*fn)(void *ctx, const struct mm_info *info),
		    void *ctx)
{
	if (!(m = mm_general_of(m)))
		return MM_ENOMEM;
	mm_lock_take(&m->lock);
	m->at_end = fn;
	m->at_end_ctx = ctx;
	mm_lock_give(&m->lock);
	return MM_OK;
}

static void tell_leaks(struct mm_manager *m)
{
	if (m->at_end)
		mm_each(m, m->at_end, m->at_end_ctx);
}

/* The default manager's end is that of the process. */
static __attribute__((destructor)) void end_of_process(void)
{
	if (managers.standing)
		tell_leaks(managers.standing);
}

static int is_pool_sealed(struct mm_manager *m)
{
	for (struct mm_pool *p = m->pools; p; p = p->next)
		if (mm_seal_check_pool(p, "mm_manager_destroy"))
			return 1;
	return 0;
}

void mm_manager_destroy(struct mm_manager *m)
{
	if (!m || m == managers.standing || mm_seal_check(m, "mm_manager_destroy") ||
	    is_pool_sealed(m))
		return;
	tell_leaks(m);
	while (m->pools)
		mm_pool_end(m->pools);
	mm_voxel_pools_destroy(m);
	mm_lock_take(&managers.lock);
	if (m->prev)
		m->prev->next = m->next;
	else
		managers.first = m->next;
	if (m->next)
		m->next->prev = m->prev;
	mm_lock_give(&managers.lock);
	close_manager(m);
}

static void make_standing(void)
{
	struct mm_manager *m;

	if (mm_manager_create(&m) == MM_OK)
		managers.standing = m;
}

struct mm_manager *mm_manager_default(void)
{
	pthread_once(&managers.standing_once, make_standing);
	return managers.standing;
}

int mm_manager_is_initialised(const struct mm_manager *m)
{
	const struct mm_manager *at;

	mm_lock_take(&managers.lock);
	for (at = managers.first; at && at != (m ? m : managers.standing); at = at->next)
		;
	mm_lock_give(&managers.lock);
	return at != NULL;
}
