/* guard_parts.h: what heap.c and the files of the checked levels share (guard.h): for heap*.c
 * and guard*.c.
 *
 * Where every block is checked (on, full) slabs keep what each block's slack is + 1: 0 says
 * that the block was never out, MM_SLACK_MARKED that it was damaged and stays out for ever, and
 * MM_SLACK_FREED less the slack that it has come back. So one record of two bytes says what is
 * or was requested, whether the block is live, and where its canary is.
 */
#ifndef MM_ALLOC_GUARD_PARTS_H
#define MM_ALLOC_GUARD_PARTS_H

#include "alloc/account.h"
#include "alloc/cache.h"
#include "alloc/classes.h"
#include "alloc/guard.h"
#include "alloc/lock.h"

struct mm_slab;

enum {
	MM_SLACK_MARKED = 0xffff,
	MM_SLACK_FREED = 0xfffe,
	MM_SLACK_LIVE_MOST = MM_CLASS_MOST + 1 /* a live block's record; no freed one is as low */
};

enum mm_run_state { MM_RUN_LIVE = 1, MM_RUN_QUARANTINED, MM_RUN_IDLE, MM_RUN_MARKED };

enum { MM_GUARD_GONE = 64 };

struct mm_guard {
	struct mm_lock lock;        /* of runs */
	uint32_t runs, most;
	uint32_t oldest, newest, quarantined, quarantine_most; /* linked by next */
	uint32_t idle;              /* runs of one slice to be used again, linked by next */
	uint32_t every;
	_Atomic uint32_t contexts;  /* ever */
	uint64_t live, bytes, requested;  /* watched blocks */
	uint64_t cached;                  /* bytes of runs that are not live */
	uint64_t watched, beyond;
	struct mm_lock told_lock;   /* of what follows */
	uint64_t kind[MM_MISUSES];
	struct mm_misuse latest;
	int has_latest, quiet;      /* the sink is called later */
	_Atomic uint64_t marked, marked_bytes; /* all; those of pools and large ones */
	/* Large blocks that were freed last, with what was requested: no slab knows them any more. */
	struct mm_guard_gone { _Atomic uint64_t addr, requested; } gone[MM_GUARD_GONE];
	_Atomic uint32_t gone_next;
};

/* --- guard.c: one branch in each call of heap.c leads here --------------------------------- */

void mm_guard_init(struct mm_heap *h);
void mm_guard_context(struct mm_heap *h, struct mm_context *c);
int mm_guard_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
		   uint64_t *ret_addr);
int mm_guard_free(struct mm_heap *h, struct mm_context *c, uint64_t addr);
int mm_guard_stray(struct mm_heap *h, struct mm_context *c, uint64_t addr);
int mm_guard_realloc(struct mm_heap *h, struct mm_context *c, uint64_t addr, uint64_t size,
		     uint64_t align, uint64_t *ret_addr);
/* What may be used is what was requested: the rest is watched. */
int mm_guard_granted(struct mm_heap *h, uint64_t addr, uint64_t *ret_bytes);

/* Live blocks of pools, where every block is checked: what the records say. */
void mm_guard_count(struct mm_heap *h, struct mm_account *a);

/* c, who met it, may be NULL. */
void mm_guard_tell(struct mm_heap *h, const struct mm_context *c, struct mm_misuse *m);

/* --- guard_run.c: runs and the quarantine --------------------------------------------------- */

/* A watched block. MM_ELIMIT: as many as may be are there; MM_EINVAL: aligned beyond a page. */
int mm_run_alloc(struct mm_heap *h, struct mm_context *c, uint64_t size, uint64_t align,
		 uint64_t *ret_addr);

/* Into quarantine; MM_EINVAL and MM_ECORRUPT are told. */
int mm_run_free(struct mm_heap *h, struct mm_context *c, struct mm_slab *s, uint64_t addr);

/* Looks at the bytes of a run that nobody may have written: MM_OK, or MM_ECORRUPT and what
 * is to be told. */
int mm_run_verify(struct mm_heap *h, const struct mm_slab *s, struct mm_misuse *ret);

/* All that are free, or else MM_ECORRUPT and the first that was written. */
int mm_run_verify_free(struct mm_heap *h, struct mm_misuse *ret);

/* Quarantine and idle runs go. */
void mm_run_trim(struct mm_heap *h, const struct mm_context *c);

/* 0, or the number of the rule that does not hold. Nobody else may be in it. */
int mm_run_check(struct mm_heap *h);

#endif
