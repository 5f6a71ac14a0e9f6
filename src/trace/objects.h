/* objects.h: who is alive in one process, and the rule that numbers them.
 *
 * Promise: slots are dense and recycled last-freed-first, so writer and reader give
 * the same object the same slot without saying so; totals are exact.
 * Vocabulary: slot, object, temporary as in ARCHITECTURE.md. A death leaves the slot on top of
 * the free stack; a birth takes the top, or the next never used (high water).
 * 24 bytes an object, four more while its slot is free. Not shared between threads.
 */
#ifndef MM_TRACE_OBJECTS_H
#define MM_TRACE_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

struct mm_object {
	uint64_t addr;   /* 0 = not recorded */
	uint64_t size;   /* MM_UNKNOWN = born in a gap */
	uint64_t time;   /* birth; MM_UNKNOWN likewise */
	uint32_t site, thread;
	uint32_t order;  /* births of the process before it, modulo 2^30 */
	uint8_t kind, align_log2, pad[2];
};

struct mm_objects; /* opaque */

struct mm_totals {
	uint64_t allocs, frees;        /* counts; frees include implied, not inherited */
	uint64_t alloc_bytes, free_bytes;
	uint64_t live_bytes, live_count;
	uint64_t peak_bytes, peak_time;/* first time the largest live_bytes was reached */
	uint64_t temporaries, implied, inherited, failed, reallocs;
	uint64_t unknown_count;        /* live objects of unknown size (after a gap) */
};

/* `tick_ns`: what times are mostly multiples of (the trace's resolution); any are kept. */
int mm_objects_create(struct mm_objects **ret, uint64_t tick_ns);
void mm_objects_destroy(struct mm_objects *o);

/* Birth: takes a slot by the rule and returns it in *ret; 0 or MM_ENOMEM. */
int mm_objects_birth(struct mm_objects *o, const struct mm_object *obj, uint32_t *ret);

/* Death of a live slot: copies the object out, and whether it was temporary for a
 * death by `thread`; 0 or MM_ENOENT when the slot is not live. A death that is half
 * of a realloc is never temporary: pass realloc = 1. */
int mm_objects_death(struct mm_objects *o, uint32_t slot, uint32_t thread, int realloc,
		     struct mm_object *ret, int *ret_temporary);

/* 1 and a copy of the object that lives at slot; 0 = there is none, or it is not known. */
int mm_objects_get(const struct mm_objects *o, uint32_t slot, struct mm_object *ret);

/* The live objects that are known, one a call, each once: by slot, after a gap in any order (which
 * is the same in every run). *at is 0 before the first. 1, or 0 = no more. Takes as long as there are
 * objects, whatever the high water after a gap is said to be. */
int mm_objects_next(const struct mm_objects *o, size_t *at, uint32_t *ret_slot,
		    struct mm_object *ret);
uint32_t mm_objects_high_water(const struct mm_objects *o);
const struct mm_totals *mm_objects_totals(const struct mm_objects *o);

/* --- for those who write and read traces ------------------------------------------ */

/* Counts an event that changes no object: IMPLIED, INHERITED, FAILED. */
void mm_objects_note(struct mm_objects *o, unsigned kind);

/* Birth at a slot that the trace names: 0, MM_ENOMEM, or MM_ECORRUPT when the rule
 * would have given another slot. */
int mm_objects_birth_at(struct mm_objects *o, const struct mm_object *obj, uint32_t slot);

/* Forgets everything: nobody alive, no slot ever used, no births counted. */
void mm_objects_reset(struct mm_objects *o);

/* Totals as the trace states them at this point; what is alive stays. */
void mm_objects_set_totals(struct mm_objects *o, const struct mm_totals *t);

/* What a gap leaves: slots below high_water of which free_depth are free, no telling
 * which. Until the next reset, mm_objects_get of a slot not born since gives 0 and
 * its death an object of unknown size. */
void mm_objects_gap(struct mm_objects *o, uint32_t high_water, uint32_t free_depth,
		    const struct mm_totals *t);

/* State from a checkpoint, after a reset: live objects in any order, then the free
 * stack from its bottom up, then the latest birth of each thread: its order + 1, 0 = none
 * yet. (Traces exist whose orders are births of the thread instead; as long as one kind
 * is restored, all that follows is the same.) Of the totals, live_bytes and unknown_count are summed.
 * 0, MM_ENOMEM, or MM_ECORRUPT for a slot given twice. */
int mm_objects_restore(struct mm_objects *o, const struct mm_object *obj, uint32_t slot);
int mm_objects_restore_free(struct mm_objects *o, uint32_t slot);
int mm_objects_set_latest(struct mm_objects *o, uint32_t thread, uint32_t latest);
uint32_t mm_objects_latest(const struct mm_objects *o, uint32_t thread);

/* Is the object of that order the thread's latest birth? Some bits of an order are kept. */
#define MM_ORDER_BITS ((UINT32_C(1) << 30) - 1)
static inline int mm_order_is_latest(uint32_t order, uint32_t latest)
{
	return ((order + 1 - latest) & MM_ORDER_BITS) == 0;
}

/* Free slots, the bottom of the stack first; *ret_count counts the known ones, and
 * mm_objects_free_depth also those below them that a gap hid. */
const uint32_t *mm_objects_free(const struct mm_objects *o, uint32_t *ret_count);
uint32_t mm_objects_free_depth(const struct mm_objects *o);

/* 0 when the invariants hold (O(n)): free stack and live flags partition the slots,
 * sums equal totals. */
int mm_objects_check(const struct mm_objects *o);

#endif
