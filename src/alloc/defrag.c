/* defrag.c: which block goes next, and whether there is time for it (defrag.h). */
#include "alloc/defrag.h"

#include "alloc/handle_parts.h"
#include "alloc/heap_parts.h"
#include "alloc/depot_move.h"
#include "core/error.h"

/* What a step takes is believed to have grown when one took longer, but not to more than so
 * many times what it was (somebody else may have had the machine), and to fall slowly. */
enum { GROW = 4, CALM = 16, CALM_LAST = 256 };

/* What one step of a kind takes, in ns; 0 = not known yet. */
struct pace { uint64_t choose, move; };

struct mm_defrag {
	struct mm_handles *handles;
	struct mm_heap *heap;
	_Atomic int in_progress;
	uint32_t pass;
	_Atomic uint8_t registered[MM_CLASSES];
	uint64_t flush_pace;
	uint64_t last_pace; /* of a slab's last block: now and then the system gets pages back */
	struct pace pace[MM_CLASSES];
	_Atomic uint64_t passes, moved_blocks, moved_bytes, freed_slabs, freed_bytes, skipped,
		longest_ns;
};

struct candidate { struct mm_depot_victim victim; int state; };

enum { UNKNOWN, CHOSEN, NOTHING };

struct pass {
	struct mm_defrag *d;
	const struct mm_defrag_slice *slice;
	struct mm_defrag_work work;
	uint64_t began, now;
	struct candidate candidate[MM_CLASSES];
};

/* --- opening ------------------------------------------------------------------------ */

int mm_defrag_open(struct mm_defrag **ret, struct mm_handles *t)
{
	struct mm_heap *h = mm_handles_heap(t);
	struct mm_defrag *d = mm_meta_borrow(&h->meta, sizeof *d);

	if (!d)
		return MM_ENOMEM;
	d->handles = t;
	d->heap = h;
	*ret = d;
	return MM_OK;
}

void mm_defrag_close(struct mm_defrag *d)
{
	if (d)
		mm_meta_return(&d->heap->meta, d, sizeof *d);
}

static int enrol(struct mm_defrag *d, uint64_t bytes, uint8_t is_in)
{
	if (bytes > MM_CLASS_MOST)
		return MM_EINVAL;
	for (uint32_t i = 0; i < MM_CLASSES; i++)
		if (bytes == 0 || i == mm_class_of(bytes))
			atomic_store(&d->registered[i], is_in);
	return MM_OK;
}

int mm_defrag_register(struct mm_defrag *d, uint64_t bytes)
{
	return enrol(d, bytes, 1);
}

int mm_defrag_unregister(struct mm_defrag *d, uint64_t bytes)
{
	return enrol(d, bytes, 0);
}

/* --- time --------------------------------------------------------------------------- */

/* What has gone by since it was asked last. */
static uint64_t lap(struct pass *p)
{
	uint64_t was = p->now;

	p->now = p->slice->now(p->slice->arg, &p->work);
	return p->now - was;
}

/* A step that is refused before anything was moved is believed cheaper the next time, or it
 * would be refused for ever. */
static int has_time(const struct pass *p, uint64_t *pace)
{
	uint64_t spent = p->now - p->began;

	if (spent < p->slice->max_ns && *pace <= p->slice->max_ns - spent)
		return 1;
	if (p->work.moved_blocks == 0)
		*pace /= 2;
	return 0;
}

static void learn(uint64_t *pace, uint64_t took, uint64_t calm)
{
	if (took < *pace)
		*pace -= (*pace - took + calm - 1) / calm;
	else
		*pace = *pace && took / GROW > *pace ? GROW * *pace : took;
}

/* --- victims ------------------------------------------------------------------------ */

static int may_move(void *arg, uint32_t mover)
{
	const struct pass *p = arg;

	return mm_handle_may_move(p->d->handles, mover, p->slice->floor);
}

/* The next slab of that pool that can be emptied whole, one look at a time. */
static void choose_victim(struct pass *p, uint32_t n)
{
	struct mm_depot *pool = &p->d->heap->pool[n];
	struct candidate *c = &p->candidate[n];
	uint32_t refusals;

	if (mm_depot_victim(pool, p->d->pass, &c->victim)) {
		c->state = NOTHING;
	} else if ((refusals = mm_depot_refusals(pool, &c->victim, may_move, p)) != 0) {
		atomic_fetch_add(&p->d->skipped, refusals);
		mm_depot_give_up(pool, &c->victim, p->d->pass);
	} else {
		c->state = CHOSEN;
	}
	learn(&p->d->pace[n].choose, lap(p), CALM);
}

/* Bytes freed for a byte moved, in 1024ths. */
static uint64_t yield_of(const struct pass *p, uint32_t n)
{
	const struct mm_depot *pool = &p->d->heap->pool[n];

	return p->candidate[n].victim.bytes * 1024 /
	       ((uint64_t)p->candidate[n].victim.live * pool->block_bytes);
}

/* The pool whose victim yields most; MM_CLASSES when there is none, or no time. */
static uint32_t best_pool(struct pass *p)
{
	uint32_t best = MM_CLASSES;

	for (uint32_t i = 0; i < MM_CLASSES; i++) {
		struct candidate *c = &p->candidate[i];
		if (!atomic_load(&p->d->registered[i]) || p->d->heap->pool[i].block_bytes == 0)
			continue;
		while (c->state == UNKNOWN) {
			if (!has_time(p, &p->d->pace[i].choose))
				return MM_CLASSES;
			choose_victim(p, i);
		}
		if (c->state == CHOSEN &&
		    (best == MM_CLASSES || yield_of(p, i) > yield_of(p, best)))
			best = i;
	}
	return best;
}

/* --- moves -------------------------------------------------------------------------- */

static void count_move(struct pass *p, const struct mm_depot *pool, uint64_t gone)
{
	struct mm_defrag *d = p->d;

	p->work.moved_blocks++;
	p->work.moved_bytes += pool->block_bytes;
	atomic_fetch_add(&d->moved_blocks, 1);
	atomic_fetch_add(&d->moved_bytes, pool->block_bytes);
	if (gone) {
		p->work.freed_slabs++;
		atomic_fetch_add(&d->freed_slabs, 1);
		atomic_fetch_add(&d->freed_bytes, gone);
	}
}

/* 1 when the slab went with it, 0, or MM_E* when the block stays. */
static int move_block(struct pass *p, struct mm_depot *pool, const struct mm_depot_move *m)
{
	struct mm_handles *t = p->d->handles;
	int err = mm_handle_move_begin(t, m->mover, m->from, p->slice->floor);

	if (err) {
		mm_depot_move_end(pool, m, 0);
		atomic_fetch_add(&p->d->skipped, err == MM_EAGAIN);
		return err;
	}
	mm_content_copy(&p->d->heap->content, m->to, m->from, pool->block_bytes);
	mm_depot_move_records(pool, m);
	mm_handle_move_end(t, m->mover, m->to);
	uint64_t gone = mm_depot_move_end(pool, m, 1);
	count_move(p, pool, gone);
	return gone != 0;
}

/* 0 when there was no time to go on. */
static int empty_victim(struct pass *p, uint32_t n)
{
	struct mm_depot *pool = &p->d->heap->pool[n];
	struct mm_depot_victim *v = &p->candidate[n].victim;
	struct mm_depot_move m;
	uint32_t at = 0, left = v->live;
	int err = 0;

	p->work.victims++;
	p->candidate[n].state = UNKNOWN;
	while (err == 0) {
		uint64_t *pace = left == 1 ? &p->d->last_pace : &p->d->pace[n].move;
		if (!has_time(p, pace))
			return 0;
		if ((err = mm_depot_move_begin(pool, v, &at, &m)) != 0)
			break;
		err = move_block(p, pool, &m);
		learn(pace, lap(p), left == 1 ? CALM_LAST : CALM);
		left--;
	}
	if (err < 0) /* locked meanwhile, or no room: the next pass may try again */
		mm_depot_give_up(pool, v, p->d->pass);
	return 1;
}

static void run_pass(struct mm_defrag *d, struct mm_context *c, const struct mm_defrag_slice *s)
{
	struct pass p = { .d = d, .slice = s };
	uint64_t longest = atomic_load(&d->longest_ns);
	uint32_t n;

	p.began = p.now = s->now(s->arg, &p.work);
	if (has_time(&p, &d->flush_pace)) {
		mm_cache_flush(c);
		learn(&d->flush_pace, lap(&p), CALM);
	}
	d->pass++;
	while ((n = best_pool(&p)) < MM_CLASSES && empty_victim(&p, n))
		continue;
	lap(&p);
	atomic_fetch_add(&d->passes, 1);
	if (p.now - p.began > longest)
		atomic_store(&d->longest_ns, p.now - p.began);
}

int mm_defrag_pass(struct mm_defrag *d, struct mm_context *c, const struct mm_defrag_slice *s)
{
	int none = 0;

	if (!s->now)
		return MM_EINVAL;
	if (!atomic_compare_exchange_strong(&d->in_progress, &none, 1))
		return MM_EAGAIN;
	if (s->max_ns)
		run_pass(d, c, s);
	atomic_store(&d->in_progress, 0);
	return MM_OK;
}

/* --- looking ------------------------------------------------------------------------ */

int mm_defrag_in_progress(const struct mm_defrag *d)
{
	return atomic_load(&d->in_progress);
}

uint32_t mm_defrag_fragmentation(struct mm_defrag *d)
{
	uint64_t free = 0, all = 0;

	for (uint32_t i = 0; i < MM_CLASSES; i++) {
		struct mm_depot_sums s;
		if (!atomic_load(&d->registered[i]))
			continue;
		mm_depot_sums(&d->heap->pool[i], &s);
		free += s.external_bytes;
		all += s.slab_bytes;
	}
	return all ? (uint32_t)(free * 10000 / all) : 0;
}

void mm_defrag_counts(const struct mm_defrag *d, struct mm_defrag_counts *ret)
{
	*ret = (struct mm_defrag_counts){ atomic_load(&d->passes), atomic_load(&d->moved_blocks),
		atomic_load(&d->moved_bytes), atomic_load(&d->freed_slabs),
		atomic_load(&d->freed_bytes), atomic_load(&d->skipped),
		atomic_load(&d->longest_ns) };
}
