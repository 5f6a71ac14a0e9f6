/* memo.c: the arena of entries and its index (memo.h, memo_entry.h). */
#include "capture/memo.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "capture/memo_entry.h"
#include "core/arch.h"

enum {
	ARENA_FIRST = 16 * 1024,
	ARENA_LAST = 2 * 1024 * 1024, /* compilers come back to stacks after 0.5 to 1 MiB of others */
	ALL_ARENAS = 64 * 1024 * 1024,
	ARENA_PER_SLOT = 128,  /* bytes of arena for each slot of the index */
	WAYS = 2,
	CHOICES = 8,           /* entries tried for one stack */
	LINES_NEAR = 3,        /* of an entry that is wanted soon */
	LINKS = 3              /* from an entry to its outermost frame, at most */
};

struct mm_stack_memo {
	uint64_t bytes; /* of this mapping: header and trail */
	struct mm_trail trail;
	uint8_t *arena;
	uint64_t *index;       /* tag << 32 | position / MM_MEMO_UNIT, position never 0 */
	uint64_t size;         /* of the arena, a power of two; 0 = none */
	uint64_t head;         /* bytes ever written, padding included */
	uint64_t latest;       /* position of the entry last used, 0 = none */
	uint64_t key;          /* where the stack last sought and not found belongs */
	uint64_t lap_hits, lap_kept; /* counts when the arena last began anew */
	struct mm_memo_counts counts;
	struct mm_stack_memo *_Atomic spare; /* of handlers, when none has it; it has none */
};

static _Atomic uint64_t all_arenas; /* bytes in arenas, of all threads */

/* --- memory ---------------------------------------------------------------------------- */

/* All of it will be written before long: one fault less for each page. */
static void *map_bytes(uint64_t bytes)
{
	int64_t p = mm_arch_syscall(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, ~UINT64_C(0), 0);

	return p < 0 && p > -4096 ? NULL : (void *)(uintptr_t)p;
}

static void unmap_bytes(void *p, uint64_t bytes)
{
	mm_arch_syscall(SYS_munmap, (uintptr_t)p, bytes, 0, 0, 0, 0);
}

static uint64_t slots_of(uint64_t size)
{
	return size / ARENA_PER_SLOT;
}

static uint64_t mapped_for(uint64_t size)
{
	return size + slots_of(size) * sizeof(uint64_t);
}

/* Starts anew with an arena of `size` bytes, or stays as it is without memory. */
static void start_arena(struct mm_stack_memo *m, uint64_t size)
{
	uint64_t more = mapped_for(size) - (m->size ? mapped_for(m->size) : 0);
	uint8_t *p, *old = m->arena;
	uint64_t old_size = m->size;

	if (atomic_fetch_add(&all_arenas, more) + more > ALL_ARENAS ||
	    !(p = map_bytes(mapped_for(size)))) {
		atomic_fetch_sub(&all_arenas, more);
		return;
	}
	m->size = 0; /* a handler that gives up here finds no arena */
	m->arena = p;
	m->index = (uint64_t *)(p + size);
	m->head = MM_MEMO_UNIT;
	m->latest = 0;
	m->counts.bytes = m->size = size;
	if (old_size)
		unmap_bytes(old, mapped_for(old_size));
}

struct mm_stack_memo *mm_memo_new(uint32_t depth)
{
	uint64_t words = (uint64_t)depth * MM_WALK_WORDS;
	uint64_t bytes = sizeof(struct mm_stack_memo) + depth * sizeof(struct mm_frame) +
			 words * (sizeof(uint64_t) + sizeof(uint32_t));
	struct mm_stack_memo *m = map_bytes(bytes);

	if (!m)
		return NULL;
	m->bytes = bytes;
	m->trail.limit = depth;
	m->trail.frame = (struct mm_frame *)(m + 1);
	m->trail.value = (uint64_t *)(m->trail.frame + depth);
	m->trail.offset = (uint32_t *)(m->trail.value + words);
	return m;
}

struct mm_stack_memo *mm_memo_take_spare(struct mm_stack_memo *m)
{
	struct mm_stack_memo *spare = atomic_exchange(&m->spare, NULL);

	return spare ? spare : mm_memo_new(m->trail.limit);
}

void mm_memo_give_spare(struct mm_stack_memo *m, struct mm_stack_memo *spare)
{
	struct mm_stack_memo *other = atomic_exchange(&m->spare, spare);

	if (other)
		mm_memo_free(other);
}

void mm_memo_free(struct mm_stack_memo *m)
{
	struct mm_stack_memo *spare = atomic_exchange(&m->spare, NULL);

	if (spare)
		unmap_bytes(spare, spare->bytes);
	if (m->size) {
		unmap_bytes(m->arena, mapped_for(m->size));
		atomic_fetch_sub(&all_arenas, mapped_for(m->size));
	}
	unmap_bytes(m, m->bytes);
}

void mm_memo_forget_all(void)
{
	atomic_store(&all_arenas, 0);
}

struct mm_trail *mm_memo_trail(struct mm_stack_memo *m)
{
	return &m->trail;
}

void mm_memo_counts(const struct mm_stack_memo *m, struct mm_memo_counts *ret)
{
	*ret = m->counts;
}

/* --- index ---------------------------------------------------------------------------------- */

static inline uint64_t stack_hash(uint64_t place, uint64_t sp)
{
	uint64_t h = (place ^ sp << 20) * UINT64_C(0x9e3779b97f4a7c15);

	return h ^ h >> 29;
}

static inline uint64_t next_key(uint64_t key, uint32_t word, uint64_t other)
{
	return stack_hash(key ^ other, key + word);
}

static inline uint64_t *set_of(const struct mm_stack_memo *m, uint64_t key)
{
	return m->index + (key & (slots_of(m->size) / WAYS - 1)) * WAYS;
}

static inline const struct mm_memo_entry *entry_at(const struct mm_stack_memo *m, uint64_t position)
{
	return (const struct mm_memo_entry *)(m->arena + (position & (m->size - 1)));
}

/* Not overwritten since? */
static inline int is_live(const struct mm_stack_memo *m, uint64_t position)
{
	return position != 0 && m->head - position <= m->size;
}

static inline const struct mm_memo_entry *entry_of(const struct mm_stack_memo *m, uint64_t key,
						   uint64_t *ret_position)
{
	const uint64_t *set = set_of(m, key);

	for (int i = 0; i < WAYS; i++) {
		uint64_t position = (uint32_t)set[i] * (uint64_t)MM_MEMO_UNIT;
		if (set[i] >> 32 == key >> 32 && is_live(m, position)) {
			*ret_position = position;
			return entry_at(m, position);
		}
	}
	return NULL;
}

/* The entry that goes on where e ends; NULL when it has been overwritten. */
static inline const struct mm_memo_entry *base_of(const struct mm_stack_memo *m,
						  const struct mm_memo_entry *e)
{
	uint64_t position = e->base * (uint64_t)MM_MEMO_UNIT;

	return is_live(m, position) ? entry_at(m, position) : NULL;
}

/* Where a stack is no more what it was. */
struct difference {
	const struct mm_memo_entry *entry; /* NULL = the rest is not known any more */
	uint32_t word;                     /* of it ... */
	uint32_t read;                     /* ... after so many others */
	uint64_t other;                    /* what is there now */
};

/* Is every word from `word` of e on, to the outermost frame, what it was? In order, and
 * nothing after the first difference is read. */
static inline int holds(const struct mm_stack_memo *m, const struct mm_memo_entry *e,
			uint32_t word, struct difference *ret)
{
	uint32_t read = 0, first = word;

	for (;;) {
		word = mm_memo_verify(e, first, &ret->other);
		read += word - first;
		if (word != e->words)
			break;
		if (e->base == 0)
			return 1;
		const struct mm_memo_entry *base = base_of(m, e);
		if (!base) {
			e = NULL;
			break;
		}
		first = mm_memo_frames(base)[e->base_frame].after;
		e = base;
	}
	ret->entry = e;
	ret->word = word;
	ret->read = read;
	return 0;
}

/* A stack as the hook finds it. */
struct seen { uint64_t stamp, place, sp, bp, hi; };

/* What must be so before any of the entry's words is read. */
static inline int may_be(const struct mm_memo_entry *e, const struct seen *s)
{
	return e->place == s->place && e->sp == s->sp && e->stamp == s->stamp &&
	       s->hi - s->sp >= e->top;
}

static inline int bp_holds(const struct mm_memo_entry *e, const struct seen *s)
{
	return !e->needs_bp || e->bp == s->bp;
}

/* The latest entry is now the one at `position`; what came after that before comes near. */
static inline void use(struct mm_stack_memo *m, uint64_t position)
{
	struct mm_memo_entry *last = (struct mm_memo_entry *)(uintptr_t)entry_at(m, m->latest);
	const char *next = (const char *)entry_at(m, entry_at(m, position)->next * (uint64_t)MM_MEMO_UNIT);

	if (is_live(m, m->latest) && last->next != position / MM_MEMO_UNIT)
		last->next = (uint32_t)(position / MM_MEMO_UNIT);
	m->latest = position;
	for (int line = 0; line < LINES_NEAR; line++)
		__builtin_prefetch(next + 64 * line);
}

/* Programs ask for memory on the same stacks in the same order again and again. */
static inline int is_next(const struct mm_stack_memo *m, const struct seen *s,
			  uint64_t *ret_position)
{
	uint64_t position = entry_at(m, m->latest)->next * (uint64_t)MM_MEMO_UNIT;
	const struct mm_memo_entry *e = entry_at(m, position);
	struct difference d;

	*ret_position = position;
	return is_live(m, m->latest) && is_live(m, position) && may_be(e, s) && bp_holds(e, s) &&
	       holds(m, e, 0, &d);
}

/* Stacks that agree in (place, sp) form a tree: the next to try is the one that was met
 * when a stack differed from this one in the same word by the same value. */
static inline int is_known(struct mm_stack_memo *m, const struct seen *s, uint64_t *ret_position)
{
	uint64_t key = stack_hash(s->place, s->sp);

	for (int i = 0; m->size != 0 && i < CHOICES; i++) {
		const struct mm_memo_entry *e = entry_of(m, key, ret_position);
		if (!e || !may_be(e, s))
			break;
		struct difference d = { .entry = e, .read = UINT32_MAX, .other = s->bp };
		if (bp_holds(e, s) && holds(m, e, 0, &d))
			return 1;
		if (!d.entry)
			break;
		key = next_key(key, d.read, d.other);
	}
	m->key = key;
	return 0;
}

int mm_memo_find(struct mm_stack_memo *m, uint64_t stamp, uint64_t place, uint64_t sp,
		 uint64_t bp, uint64_t hi, uint32_t *ret_node)
{
	const struct seen s = { stamp, place, sp, bp, hi };
	uint64_t position;

	if (!(m->size != 0 && is_next(m, &s, &position)) && !is_known(m, &s, &position))
		return 0;
	use(m, position);
	m->counts.hits++;
	*ret_node = entry_at(m, position)->node;
	return 1;
}

/* --- joining ---------------------------------------------------------------------------------- */

void mm_memo_join_begin(const struct mm_stack_memo *m, uint64_t stamp, struct mm_memo_join *j)
{
	j->entry = NULL;
	j->frame = j->bad = j->joined = 0;
	if (m->size == 0 || !is_live(m, m->latest))
		return;
	const struct mm_memo_entry *e = entry_at(m, m->latest);
	if (e->stamp == stamp) {
		j->entry = e;
		j->position = m->latest;
	}
}

/* Would the rest of the entry, from frame i on, be walked the same from here? */
static int same_state(const struct mm_memo_entry *e, uint32_t i, const struct mm_walk *w)
{
	const struct mm_memo_frame *k = &mm_memo_frames(e)[i];
	const struct mm_frame *f = &w->trail->frame[w->trail->count - 1];

	if (mm_memo_place(e, i) != f->place)
		return 0;
	if (!k->needs_bp)
		return 1;
	if (k->bp_at == MM_BP_REGISTER)
		return f->bp_at == MM_BP_REGISTER && w->bp == e->bp;
	return k->bp_at < MM_BP_LOST && f->bp_at < MM_BP_LOST &&
	       e->sp + k->bp_at == w->base + f->bp_at;
}

/* The same frames in all, so the same end? */
static int same_length(const struct mm_memo_entry *e, uint32_t i, const struct mm_trail *t)
{
	uint32_t total = t->count + (e->total - 1u - i);

	return e->end == MM_WALK_FULL ? total == t->limit : total <= t->limit;
}

/* From now on, frames behind the word that differed are looked at. */
static void join_behind(const struct mm_stack_memo *m, struct mm_memo_join *j,
			const struct difference *d)
{
	while (j->entry && j->entry != d->entry) {
		j->position = j->entry->base * (uint64_t)MM_MEMO_UNIT;
		j->entry = d->entry ? base_of(m, j->entry) : NULL;
		j->frame = 0;
	}
	j->bad = d->word + 1;
}

/* The trail's last frame is at the same height as frame j->frame of the entry. */
static enum mm_walk_end join_here(const struct mm_stack_memo *m, struct mm_memo_join *j,
				  struct mm_walk *w)
{
	const struct mm_memo_entry *e = j->entry;
	const struct mm_memo_frame *k = &mm_memo_frames(e)[j->frame];
	struct mm_frame *last = &w->trail->frame[w->trail->count - 1];
	struct difference d;

	if (k->after < j->bad || !same_state(e, j->frame, w))
		return MM_WALK_ON;
	if (!same_length(e, j->frame, w->trail) || w->reach->hi < e->sp + e->top) {
		j->entry = NULL;
		return MM_WALK_ON;
	}
	if (!holds(m, e, k->after, &d)) {
		join_behind(m, j, &d);
		return MM_WALK_ON;
	}
	last->hash = mm_memo_hash(k);
	last->needs_bp = k->needs_bp;
	j->joined = 1;
	return (enum mm_walk_end)e->end;
}

enum mm_walk_end mm_memo_join(const struct mm_stack_memo *m, struct mm_memo_join *j,
			      struct mm_walk *w)
{
	uint64_t sp = w->trail->frame[w->trail->count - 1].sp;

	while (j->entry) {
		const struct mm_memo_entry *e = j->entry;
		const struct mm_memo_frame *k = mm_memo_frames(e);
		while (j->frame < e->frames && e->sp + k[j->frame].sp < sp)
			j->frame++;
		if (j->frame < e->frames)
			return e->sp + k[j->frame].sp == sp ? join_here(m, j, w) : MM_WALK_ON;
		j->frame = e->base_frame;
		j->bad = 0;
		j->position = e->base * (uint64_t)MM_MEMO_UNIT;
		j->entry = e->base ? base_of(m, e) : NULL;
	}
	return MM_WALK_ON;
}

/* The frames and words behind the trail's last frame, which is j->frame of j->entry, join
 * the trail. The chain of entries holds: it has just been read. */
static void copy_rest(const struct mm_stack_memo *m, const struct mm_memo_join *j,
		      struct mm_walk *w)
{
	struct mm_trail *t = w->trail;
	const struct mm_memo_entry *e = j->entry;
	uint32_t first = j->frame, next = first + 1;

	for (; e; next = first = e->base_frame, e = e->base ? base_of(m, e) : NULL) {
		const struct mm_memo_frame *k = mm_memo_frames(e);
		uint32_t from = k[first].after, shift = t->words - from;
		uint32_t move = (uint32_t)(e->sp - w->base);
		for (uint32_t n = next; n < e->frames; n++)
			t->frame[t->count++] = (struct mm_frame){
				.sp = e->sp + k[n].sp, .after = k[n].after + shift,
				.hash = mm_memo_hash(&k[n]), .needs_bp = k[n].needs_bp,
				.bp_at = k[n].bp_at < MM_BP_LOST ? k[n].bp_at + move
								 : k[n].bp_at };
		for (uint32_t n = from; n < e->words; n++) {
			t->offset[t->words] = mm_memo_offsets(e)[n] + move;
			t->value[t->words++] = mm_memo_values(e)[n];
		}
	}
}

/* --- keeping ------------------------------------------------------------------------- */

/* Room for n bytes in one piece: its position, or 0. */
static uint64_t take_room(struct mm_stack_memo *m, uint64_t n)
{
	uint64_t size = m->size ? m->size : ARENA_FIRST, left;

	while (size < ARENA_LAST && n > size / 4)
		size *= 2;
	if (m->size && (m->head & (m->size - 1)) + n > m->size) {
		/* Full: worth more if it has earned what it cost. */
		if ((m->counts.hits - m->lap_hits) * 4 >= m->counts.kept - m->lap_kept &&
		    size == m->size && size < ARENA_LAST)
			size *= 2;
		m->lap_hits = m->counts.hits;
		m->lap_kept = m->counts.kept;
	}
	if (size != m->size || m->head / MM_MEMO_UNIT > UINT32_MAX / 2)
		start_arena(m, size);
	if (m->size == 0 || n > m->size / 2 || m->head / MM_MEMO_UNIT > UINT32_MAX / 2)
		return 0;
	left = m->size - (m->head & (m->size - 1));
	if (left < n)
		m->head += left;
	m->head += n;
	return m->head - n;
}

/* From the outermost inwards: who needs BP as it is in his frame? */
static void mark_needs(struct mm_trail *t)
{
	uint32_t needs = 0;

	for (uint32_t i = t->count; i-- > 0;) {
		struct mm_frame *f = &t->frame[i];
		enum mm_row_kind kind = mm_row_kind(f->row);
		if (kind == MM_ROW_NONE)
			needs = f->needs_bp; /* from a memo */
		else if (kind == MM_ROW_BP || kind == MM_ROW_AT_BP)
			needs = 1;
		else if (mm_row_saves_bp(f->row))
			needs = 0;
		f->needs_bp = needs;
	}
}

static uint32_t end_of(const struct mm_trail *t)
{
	uint32_t top = 0;

	for (uint32_t i = 0; i < t->words; i++)
		if (t->offset[i] + 8 > top)
			top = t->offset[i] + 8;
	return top;
}

/* The trail, all of it or, when it goes on in `base`, all but its last frame. */
static void write_entry(struct mm_memo_entry *e, const struct mm_walk *w,
			const struct mm_memo_join *base, enum mm_walk_end end)
{
	const struct mm_trail *t = w->trail;
	struct mm_memo_frame *k;

	e->place = t->frame[0].place;
	e->sp = w->base;
	e->bp = w->first_bp;
	e->needs_bp = (uint8_t)t->frame[0].needs_bp;
	e->end = (uint8_t)end;
	e->words = (uint16_t)t->words;
	e->top = end_of(t);
	e->base = 0;
	e->base_frame = e->links = 0;
	e->next = 0;
	e->frames = e->total = (uint16_t)t->count;
	if (base) {
		uint32_t top = (uint32_t)(base->entry->sp - w->base) + base->entry->top;
		e->top = top > e->top ? top : e->top;
		e->base = (uint32_t)(base->position / MM_MEMO_UNIT);
		e->base_frame = (uint16_t)base->frame;
		e->links = (uint16_t)(base->entry->links + 1);
		e->frames--;
		e->total = (uint16_t)(e->frames + base->entry->total - base->frame);
	}
	k = mm_memo_frames(e);
	for (uint32_t i = 0; i < e->frames; i++)
		k[i] = (struct mm_memo_frame){ .hash = { (uint32_t)t->frame[i].hash,
						      (uint32_t)(t->frame[i].hash >> 32) },
					    .sp = (uint32_t)(t->frame[i].sp - w->base),
					    .bp_at = t->frame[i].bp_at,
					    .after = (uint16_t)t->frame[i].after,
					    .needs_bp = (uint16_t)t->frame[i].needs_bp };
	for (uint32_t i = 0; i < t->words; i++) {
		mm_memo_values(e)[i] = t->value[i];
		mm_memo_offsets(e)[i] = t->offset[i];
	}
}

/* The way of a set that is worth least: a dead one, the older. */
static uint64_t *choose_way(struct mm_stack_memo *m, uint64_t key)
{
	uint64_t *set = set_of(m, key), *worst = set;

	for (int i = 0; i < WAYS; i++) {
		if (!is_live(m, (uint32_t)set[i] * (uint64_t)MM_MEMO_UNIT) ||
		    set[i] >> 32 == key >> 32)
			return &set[i];
		if ((uint32_t)set[i] < (uint32_t)*worst)
			worst = &set[i];
	}
	return worst;
}

/* An entry that others lean on must last: one that is soon to be overwritten is copied
 * instead, as is one at the end of a long chain. */
static int is_sound_base(const struct mm_stack_memo *m, const struct mm_memo_join *j)
{
	return j->entry->links < LINKS && m->head - j->position <= m->size / 2;
}

struct mm_memo_entry *mm_memo_keep(struct mm_stack_memo *m, const struct mm_memo_join *join,
				   struct mm_walk *w, enum mm_walk_end end)
{
	struct mm_trail *t = w->trail;
	const struct mm_memo_join *base = join && join->joined ? join : NULL;
	const uint8_t *arena = m->arena;
	struct mm_memo_entry *e;

	m->counts.joins += base != NULL;
	if (base && !is_sound_base(m, base)) {
		copy_rest(m, base, w);
		base = NULL;
	}
	uint64_t position = take_room(m, mm_memo_entry_bytes(t->words, t->count - (base != NULL)));
	if (position == 0 || (base && (m->arena != arena || !is_live(m, base->position))))
		return NULL;
	mark_needs(t);
	e = (struct mm_memo_entry *)(uintptr_t)entry_at(m, position);
	*(volatile uint64_t *)&e->stamp = 0;
	atomic_signal_fence(memory_order_seq_cst);
	write_entry(e, w, base, end);
	atomic_signal_fence(memory_order_seq_cst);
	use(m, position);
	return e;
}

void mm_memo_seal(struct mm_stack_memo *m, struct mm_memo_entry *e, uint64_t stamp,
		  uint32_t node)
{
	e->node = node;
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint64_t *)&e->stamp = stamp;
	*choose_way(m, m->key) = m->key >> 32 << 32 | m->latest / MM_MEMO_UNIT;
	m->counts.kept++;
}
