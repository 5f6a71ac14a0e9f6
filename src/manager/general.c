/* general.c: blocks of the general heap: charged, placed, noted (mm_alloc.h).
 *
 * A block's note is one word: the number of what is said of it (whats.h) below, or of its entry
 * among the cacheable with bit 31 set, and when it was made above, in ticks; 0 = not live.
 */
#include "manager/general.h"

#include <string.h>
#include <time.h>

#include "alloc/heap_notes.h"
#include "core/error.h"
#include "manager/damage.h"
#include "manager/nodes.h"
#include "manager/numa.h"

enum { NOTE_BYTES = 8, TICK_SHIFT = 4, PLAIN = 0, ZEROED = 1 };

/* --- notes ------------------------------------------------------------------------------ */

uint64_t mm_general_now(const struct mm_manager *m)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 - m->born_ms;
}

/* Ticks of 16 ms: 32 bits of them are two years. */
uint64_t mm_general_note(const struct mm_manager *m, uint32_t number)
{
	return number | mm_general_now(m) >> TICK_SHIFT << 32;
}

uint64_t mm_general_age(const struct mm_manager *m, uint64_t note)
{
	uint64_t now = mm_general_now(m), born = note >> 32 << TICK_SHIFT;

	return now > born ? now - born : 0;
}

static uint64_t read_note(const struct mm_heap_block *b)
{
	return __atomic_load_n((uint64_t *)b->note, __ATOMIC_RELAXED);
}

static void write_note(const struct mm_heap_block *b, uint64_t note)
{
	__atomic_store_n((uint64_t *)b->note, note, __ATOMIC_RELEASE);
}

const struct mm_said *mm_general_said(struct mm_manager *m, uint64_t note)
{
	uint32_t number = (uint32_t)note;

	if (number & MM_NOTE_CACHEABLE)
		number = mm_cacheables_what(&m->cacheables, number & ~MM_NOTE_CACHEABLE);
	return mm_whats_said(number);
}

/* --- the heap ------------------------------------------------------------------------------ */

struct mm_manager *mm_general_of(struct mm_manager *m)
{
	return m ? m : mm_manager_default();
}

int mm_general_strategy(const struct mm_manager_options *o, enum mm_strategy *ret)
{
	enum mm_strategy s = MM_STRATEGY_SIZE_CLASS;

	if ((unsigned)o->checking > MM_CHECKING_FULL ||
	    (o->strategy && mm_strategy_of(o->strategy, &s)) ||
	    (o->untracked && o->untracked_category >= MM_CATEGORIES_BUILT_IN))
		return MM_EINVAL;
	if (!o->untracked && (s == MM_STRATEGY_FIRST_FIT || s == MM_STRATEGY_BEST_FIT))
		return MM_EUNSUP;
	if (o->checking && (o->untracked || s != MM_STRATEGY_SIZE_CLASS))
		return MM_EUNSUP;
	*ret = s;
	return MM_OK;
}

static struct mm_heap *open_heap(struct mm_manager *m)
{
	uint64_t keep = m->options.retain_bytes;
	struct mm_heap_options o = { .strategy = m->strategy, .track = !m->options.untracked,
				     .note_bytes = m->options.untracked ? 0 : NOTE_BYTES,
				     .retain_bytes = keep ? keep : MM_HEAP_DEFAULT,
				     .retain_share = keep ? UINT32_MAX : 0,
				     .check = (enum mm_check)m->options.checking,
				     .misuse = mm_damage_found, .misuse_arg = m };
	struct mm_heap *h;

	if (m->strategy == MM_STRATEGY_NUMA_AWARE) {
		uint32_t nodes = mm_nodes_count();
		o.nodes = nodes < MM_HEAP_NODES ? nodes : MM_HEAP_NODES;
		o.place = o.nodes > 1 ? mm_nodes_place : NULL;
	}
	mm_lock_take(&m->lock);
	h = atomic_load(&m->heap);
	if (!h && mm_heap_open(&h, &o) == MM_OK) {
		mm_numa_settle(m, h);
		mm_told_heap(m, h);
		atomic_store(&m->heap, h);
	}
	mm_lock_give(&m->lock);
	return h;
}

/* Heap and context of this thread. MM_ENOMEM. */
struct seat { struct mm_heap *heap; struct mm_context *context; struct mm_rider *rider; };

/* Any thread may free; of those that allocate there may be a limit: MM_ELIMIT. */
static int sit(struct mm_manager *m, int allocates, struct seat *ret)
{
	ret->heap = atomic_load_explicit(&m->heap, memory_order_acquire);
	if (!ret->heap && !(ret->heap = open_heap(m)))
		return MM_ENOMEM;
	ret->rider = mm_rider_mine();
	return ret->rider ? mm_rider_context(ret->rider, m, allocates, &ret->context) : MM_ENOMEM;
}

/* --- taking ---------------------------------------------------------------------------------- */

/* A cacheable block may be somebody else's as soon as it is noted. */
static int note_block(struct mm_manager *m, struct seat *s, const struct mm_said *said,
		      const struct mm_what *what, const struct mm_heap_block *b)
{
	struct mm_cacheable e = { .block = b->addr, .gone = what->gone, .ctx = what->ctx,
				  .what = mm_whats_number(&s->rider->quick, said),
				  .category = said->category };

	if (!e.what)
		return MM_ENOMEM;
	if (said->priority == MM_PRIORITY_CACHEABLE)
		return mm_cacheables_add(&m->cacheables, &e, mm_general_note(m, MM_NOTE_CACHEABLE),
					 b->note) ? MM_OK : MM_ENOMEM;
	write_note(b, mm_general_note(m, e.what));
	return MM_OK;
}

static int place(struct mm_manager *m, struct seat *s, size_t size, const struct mm_what *what,
		 const struct mm_said *said, int zeroed, void **ret)
{
	struct mm_heap_block b;
	uint64_t addr;
	int err = zeroed ? mm_heap_zalloc(s->heap, s->context, size, &addr)
			 : mm_heap_alloc(s->heap, s->context, size, what->align, &addr);

	if (err)
		return err == MM_EINVAL ? err : MM_ENOMEM;
	if (mm_heap_block_at(s->heap, addr, &b) || note_block(m, s, said, what, &b)) {
		mm_heap_free(s->heap, s->context, addr);
		return MM_ENOMEM;
	}
	*ret = (void *)(uintptr_t)addr;
	return MM_OK;
}

/* Of an untracked heap: what is granted is charged, before anybody has it. */
static int take_bare(struct mm_manager *m, struct seat *s, size_t size, const struct mm_what *what,
		     int zeroed, void **ret)
{
	uint32_t category = m->options.untracked_category;
	uint64_t addr, granted;
	int err;

	if ((unsigned)what->priority >= MM_PRIORITIES || size > PTRDIFF_MAX)
		return MM_EINVAL;
	if (what->priority == MM_PRIORITY_CACHEABLE)
		return MM_EUNSUP;
	if ((err = mm_budget_charge(&m->budget, category, size, 1, what->priority)))
		return err;
	err = zeroed ? mm_heap_zalloc(s->heap, s->context, size, &addr)
		     : mm_heap_alloc(s->heap, s->context, size, what->align, &addr);
	if (err) {
		mm_budget_uncharge(&m->budget, category, size, 1);
		return err == MM_EINVAL ? err : MM_ENOMEM;
	}
	mm_heap_granted(s->heap, addr, &granted);
	if ((err = mm_budget_charge(&m->budget, category, granted - size, 0, what->priority))) {
		mm_heap_free(s->heap, s->context, addr);
		mm_budget_uncharge(&m->budget, category, size, 1);
		return err;
	}
	if (__builtin_expect(m->told != 0, 0))
		mm_told_block(m, (void *)(uintptr_t)addr, size, category);
	*ret = (void *)(uintptr_t)addr;
	return MM_OK;
}

/* ZEROED is of the default alignment. */
static int general_take(struct mm_manager *m, size_t size, const struct mm_what *what,
			uintptr_t site, int zeroed, void **ret)
{
	struct mm_said said = { what->name, what->file, site, what->line, 0,
				(uint8_t)what->priority, what->tag, (uintptr_t)what->object };
	struct seat s;
	int err;

	if (!(m = mm_general_of(m)))
		return MM_ENOMEM;
	if ((err = sit(m, 1, &s)))
		return err;
	if (__builtin_expect(m->options.untracked, 0))
		return take_bare(m, &s, size, what, zeroed, ret);
	uint32_t category = what->category == MM_CATEGORY_CURRENT ? mm_rider_category(s.rider)
								  : what->category;
	if (category >= m->budget.categories || (unsigned)what->priority >= MM_PRIORITIES ||
	    size > PTRDIFF_MAX)
		return MM_EINVAL;
	said.category = (uint8_t)category;
	if ((err = mm_budget_charge(&m->budget, category, size, 1, what->priority)))
		return err;
	if ((err = place(m, &s, size, what, &said, zeroed, ret)))
		mm_budget_uncharge(&m->budget, category, size, 1);
	else if (__builtin_expect(m->told != 0, 0))
		mm_told_block(m, *ret, size, category);
	return err;
}

int mm_alloc_as(struct mm_manager *m, size_t size, const struct mm_what *what, void **ret)
{
	char name[MM_WHATS_NAME];
	struct mm_what w = *what;

	if (w.align & (w.align - 1)) /* the heap rounds up what is below its own */
		return MM_EINVAL;
	if (w.name && strlen(w.name) >= sizeof name) {
		memcpy(name, w.name, sizeof name - 1);
		name[sizeof name - 1] = 0;
		w.name = name;
	}
	return general_take(m, size, &w, (uintptr_t)__builtin_return_address(0), PLAIN, ret);
}

void *mm_alloc(struct mm_manager *m, size_t size)
{
	static const struct mm_what plain = MM_WHAT;
	void *p = NULL;

	general_take(m, size, &plain, (uintptr_t)__builtin_return_address(0), PLAIN, &p);
	return p;
}

void *mm_alloc_at(struct mm_manager *m, size_t size, uint32_t category, const char *name,
		  const char *file, uint32_t line)
{
	const struct mm_what w = { .category = category, .name = name, .file = file, .line = line };
	void *p = NULL;

	general_take(m, size, &w, (uintptr_t)__builtin_return_address(0), PLAIN, &p);
	return p;
}

void *mm_calloc(struct mm_manager *m, size_t count, size_t size)
{
	static const struct mm_what plain = MM_WHAT;
	void *p = NULL;
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	general_take(m, bytes, &plain, (uintptr_t)__builtin_return_address(0), ZEROED, &p);
	return p;
}

/* --- giving ----------------------------------------------------------------------------------- */

/* The live block that begins there. MM_EINVAL. */
static int live_block(struct mm_manager *m, const void *block, struct seat *ret_seat,
		      struct mm_heap_block *ret)
{
	if (!m || !atomic_load(&m->heap) || sit(m, 0, ret_seat))
		return MM_EINVAL;
	if (mm_heap_block_at(ret_seat->heap, (uintptr_t)block, ret) ||
	    ret->addr != (uintptr_t)block || !read_note(ret))
		return MM_EINVAL;
	return MM_OK;
}

static int is_taken_away(struct mm_manager *m, uint64_t note, uint64_t addr)
{
	struct mm_cacheable gone;
	uint32_t n = (uint32_t)note;

	return n & MM_NOTE_CACHEABLE &&
	       !mm_cacheables_take(&m->cacheables, n & ~MM_NOTE_CACHEABLE, addr, &gone);
}

static int give(struct mm_manager *m, struct seat *s, const struct mm_heap_block *b,
		uint64_t note, uint32_t category)
{
	int err;

	if (__builtin_expect(m->told != 0, 0))
		mm_told_block_end(m, b->addr);
	mm_budget_uncharge(&m->budget, category, b->requested, 1);
	s->rider->freed_note = note;
	err = mm_heap_free(s->heap, s->context, b->addr);
	s->rider->freed_note = 0;
	return err;
}

static int give_bare(struct mm_manager *m, void *block)
{
	uint64_t granted, addr = (uintptr_t)block;
	struct seat s;

	if (!atomic_load(&m->heap) || sit(m, 0, &s) || mm_heap_granted(s.heap, addr, &granted))
		return mm_damage_refuse(m, NULL, addr);
	if (__builtin_expect(m->told != 0, 0))
		mm_told_block_end(m, addr);
	if (mm_heap_free(s.heap, s.context, addr))
		return mm_damage_refuse(m, NULL, addr);
	mm_budget_uncharge(&m->budget, m->options.untracked_category, granted, 1);
	return MM_OK;
}

/* Whoever finds the note frees the block: of two that come at once, one. */
int mm_free(struct mm_manager *m, void *block)
{
	struct mm_heap_block b;
	struct seat s;
	uint32_t category;
	uint64_t note;

	if (!block)
		return MM_OK;
	m = mm_general_of(m);
	if (m && __builtin_expect(m->options.untracked, 0))
		return give_bare(m, block);
	if (live_block(m, block, &s, &b) ||
	    !(note = __atomic_exchange_n((uint64_t *)b.note, 0, __ATOMIC_ACQ_REL)))
		return mm_damage_refuse(m, m ? atomic_load(&m->heap) : NULL, (uintptr_t)block);
	category = mm_general_said(m, note)->category;
	if (is_taken_away(m, note, b.addr))
		return MM_EINVAL;
	return give(m, &s, &b, note & MM_NOTE_CACHEABLE ? 0 : note, category);
}

/* The note goes before the block does: then it is another's. */
static int move(struct seat *s, struct mm_heap_block *b, size_t size, uint64_t *ret_addr)
{
	uint64_t note = read_note(b);
	struct mm_heap_block to;
	int err;

	write_note(b, 0);
	err = mm_heap_realloc(s->heap, s->context, b->addr, size, 0, ret_addr);
	if (err || mm_heap_block_at(s->heap, *ret_addr, &to)) {
		write_note(b, note);
		return err ? err : MM_ENOMEM;
	}
	write_note(&to, note);
	return MM_OK;
}

static int general_resize(struct mm_manager *m, struct seat *s, struct mm_heap_block *b,
			  size_t size, uint64_t *ret_addr)
{
	const struct mm_said *said = mm_general_said(m, read_note(b));
	uint64_t was = b->requested, more = size > was ? size - was : 0;
	int err = MM_OK;

	if (size > PTRDIFF_MAX)
		return MM_EINVAL;
	if (more)
		err = mm_budget_charge(&m->budget, said->category, more, 0,
				       (enum mm_priority)said->priority);
	if (err)
		return err;
	if (__builtin_expect(m->told != 0, 0))
		mm_told_block_end(m, b->addr);
	if ((err = move(s, b, size, ret_addr)) && more)
		mm_budget_uncharge(&m->budget, said->category, more, 0);
	if (__builtin_expect(m->told != 0, 0))
		mm_told_block(m, (void *)(uintptr_t)(err ? b->addr : *ret_addr),
			      err ? was : size, said->category);
	if (!err && size < was)
		mm_budget_uncharge(&m->budget, said->category, was - size, 0);
	return err;
}

/* A cacheable block is none while it is resized: what makes room for it must not take it. Then
 * it is the youngest. */
static int resize_cacheable(struct mm_manager *m, struct seat *s, struct mm_heap_block *b,
			    size_t size, uint64_t *ret_addr)
{
	uint64_t note = read_note(b), born = note >> 32 << 32;
	struct mm_heap_block now;
	struct mm_cacheable e;
	int err;

	if (!mm_cacheables_take(&m->cacheables, (uint32_t)note & ~MM_NOTE_CACHEABLE, b->addr, &e))
		return MM_EINVAL;
	write_note(b, born | e.what);
	*ret_addr = b->addr;
	err = general_resize(m, s, b, size, ret_addr);
	e.block = *ret_addr;
	if (mm_heap_block_at(s->heap, e.block, &now) == MM_OK)
		mm_cacheables_add(&m->cacheables, &e, born | MM_NOTE_CACHEABLE, now.note);
	return err;
}

/* What a block is granted is known when it is there: so it moves unless it fits well. */
static void *resize_bare(struct mm_manager *m, void *block, size_t size)
{
	static const struct mm_what plain = MM_WHAT;
	uint64_t granted;
	struct seat s;
	void *p = NULL;

	if (!atomic_load(&m->heap) || sit(m, 0, &s) ||
	    mm_heap_granted(s.heap, (uintptr_t)block, &granted))
		return NULL;
	if (size <= granted && size >= granted / 2)
		return block;
	if (general_take(m, size, &plain, 0, PLAIN, &p))
		return NULL;
	memcpy(p, block, size < granted ? size : granted);
	give_bare(m, block);
	return p;
}

void *mm_realloc(struct mm_manager *m, void *block, size_t size)
{
	static const struct mm_what plain = MM_WHAT;
	struct mm_heap_block b;
	struct seat s;
	uint64_t addr;
	void *p = NULL;

	if (!block) {
		general_take(m, size, &plain, (uintptr_t)__builtin_return_address(0), PLAIN, &p);
		return p;
	}
	m = mm_general_of(m);
	if (m && __builtin_expect(m->options.untracked, 0))
		return resize_bare(m, block, size);
	if (live_block(m, block, &s, &b))
		return NULL;
	int cacheable = ((uint32_t)read_note(&b) & MM_NOTE_CACHEABLE) != 0;
	if (cacheable ? resize_cacheable(m, &s, &b, size, &addr)
		      : general_resize(m, &s, &b, size, &addr))
		return NULL;
	return (void *)(uintptr_t)addr;
}

/* --- taking away --------------------------------------------------------------------------------- */

void mm_general_ready(struct mm_manager *m)
{
	struct seat s;

	if (__builtin_expect(__atomic_load_n(&m->cacheables.entry, __ATOMIC_RELAXED) != NULL, 0))
		sit(m, 0, &s); /* without memory there is nothing that could be taken away */
}

/* Where the thread sits already. */
static int is_seated(struct mm_manager *m, struct seat *ret)
{
	struct mm_rider *r = mm_rider_there();
	const struct mm_riding *at = r ? mm_rider_has(r, m) : NULL;

	if (at)
		*ret = (struct seat){ atomic_load(&m->heap), at->context, r };
	return at != NULL;
}

uint64_t mm_general_evict(void *arg, uint32_t of, uint64_t bytes)
{
	struct mm_manager *m = arg;
	struct mm_cacheable e;
	struct mm_heap_block b;
	uint64_t freed = 0;
	struct seat s;

	if (!is_seated(m, &s))
		return 0;
	while (freed < bytes && mm_cacheables_oldest(&m->cacheables, of, &e)) {
		uint32_t category = mm_whats_said(e.what)->category;
		if (mm_heap_block_at(s.heap, e.block, &b))
			continue;
		uint64_t size = b.requested;
		if (e.gone)
			e.gone(e.ctx, (void *)(uintptr_t)e.block);
		write_note(&b, 0);
		give(m, &s, &b, 0, category);
		freed += size ? size : 1;
		atomic_fetch_add(&m->budget.purse[category].evicted, 1);
		mm_budget_tell(&m->budget, MM_ALARM_EVICTED, category, size);
	}
	return freed;
}

/* --- memory of others ------------------------------------------------------------------------------ */

int mm_register(struct mm_manager *m, const void *start, size_t size, uint32_t category,
		const char *name)
{
	struct mm_rider *r = mm_rider_mine();
	struct mm_said said = { .name = name, .category = (uint8_t)category };
	int err;

	if (!start || !(m = mm_general_of(m)) || category >= m->budget.categories)
		return MM_EINVAL;
	uint32_t number = r ? mm_whats_number(&r->quick, &said) : 0;
	if (!number)
		return MM_ENOMEM;
	mm_general_ready(m);
	if ((err = mm_budget_charge(&m->budget, category, size, 1, MM_PRIORITY_NORMAL)))
		return err;
	struct mm_alien a = { (uintptr_t)start, size, mm_general_note(m, number) };
	if ((err = mm_foreign_add(&m->foreign, &a)))
		mm_budget_uncharge(&m->budget, category, size, 1);
	return err;
}

int mm_unregister(struct mm_manager *m, const void *start)
{
	struct mm_alien a;

	if (!(m = mm_general_of(m)) || mm_foreign_remove(&m->foreign, (uintptr_t)start, &a))
		return MM_ENOENT;
	mm_budget_uncharge(&m->budget, mm_general_said(m, a.note)->category, a.size, 1);
	return MM_OK;
}
