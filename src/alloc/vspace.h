/* vspace.h: the one range of addresses that a heap hands out.
 *
 * Promise: who owns an address is one load; addresses come lowest first, so two runs with
 * the same calls give the same addresses; simulated, no address is ever touched.
 * Vocabulary
 *   slice      64 KiB, the unit of ownership
 *   committed  pages obtained from the system: those in use and those retained
 *   retained   committed and not in use: kept to be used again, up to a limit
 *   regretted  pages that were given to the system and soon obtained again: so much more is kept
 * Thread-safe. Never: reads a slice, or writes to one that is somebody's.
 */
#ifndef MM_ALLOC_VSPACE_H
#define MM_ALLOC_VSPACE_H

#include <stdint.h>

#include "alloc/lock.h"
#include "alloc/lowset.h"
#include "alloc/meta.h"

enum { MM_SLICE_SHIFT = 16, MM_SLICE_BYTES = 1 << MM_SLICE_SHIFT };

struct mm_vspace_options {
	uint64_t bytes;         /* of addresses; less when the system has not as many */
	uint32_t page_bytes;    /* power of two, 4096 to MM_SLICE_BYTES; real: the system's */
	int simulated;
	uint64_t retain_bytes;  /* retained at most: this, */
	uint32_t retain_share;  /* or one in so many of the bytes in use, if that is more; and as
				 * much again behind the pages in use of slices that are taken */
	uint32_t regret_share;  /* regretted bytes are kept beyond that, up to 8 MiB or one in so many of
				 * those in use; 0 = none */
};

struct mm_vspace {
	struct mm_lock lock;
	struct mm_meta *meta;
	struct mm_vspace_options o;
	uint64_t base, bytes;
	uint64_t opened;            /* bytes from the base that may be touched; nothing beyond */
	uint32_t slices, frontier;  /* slices from here on were never used */
	_Atomic uint64_t *owner;    /* 0 = nobody's; the owner's mark in the upper half */
	uint8_t *have, *used;       /* pages of each slice, from its start */
	void *sets[2];              /* where the next two are */
	struct mm_lowset idle;      /* below the frontier, nobody's */
	struct mm_lowset warm;      /* of those: with pages */
	uint64_t used_bytes, retained_bytes, map_bytes;
	uint64_t warm_bytes;        /* of those retained: of slices that are nobody's */
	uint64_t peak_bytes;        /* of both the former, when slices were taken */
	uint64_t commits, purges;   /* pages that came and went */
	uint32_t purging;           /* threads whose slices are neither idle nor taken: they wait
				     * for the system */
	/* Bytes that were purged and did not come back yet; that did; that were taken since both
	 * were last forgotten in part. */
	uint64_t purged_bytes, regretted_bytes, taken_bytes;
};

/* v zero-filled; meta outlives it. MM_EINVAL, MM_ENOSPC without address space, MM_ENOMEM. */
int mm_vspace_init(struct mm_vspace *v, const struct mm_vspace_options *o, struct mm_meta *meta);
void mm_vspace_deinit(struct mm_vspace *v);

/* So many slices in a row, the first at a multiple of `align` slices (a power of two), the
 * first `bytes` of them in use, given to `owner` (not 0). MM_ENOSPC. */
int mm_vspace_take(struct mm_vspace *v, uint32_t slices, uint32_t align, uint64_t bytes,
		   uint32_t owner, uint64_t *ret_addr);

/* The same; *ret_fresh = nothing was written there since it came from the system, so it is
 * zero. */
int mm_vspace_take_fresh(struct mm_vspace *v, uint32_t slices, uint32_t align, uint64_t bytes,
			 uint32_t owner, uint64_t *ret_addr, int *ret_fresh);

/* Holds everybody off, before a fork, once no purge is under way, and lets them go on, after it. */
void mm_vspace_hold(struct mm_vspace *v);
void mm_vspace_go_on(struct mm_vspace *v);

/* Gives them back. Pages above the limit go to the system at once, the highest first. */
void mm_vspace_give(struct mm_vspace *v, uint64_t addr, uint32_t slices);

/* Slices that were taken become `more` longer, with no page more in use. MM_ENOSPC: what lies behind
 * them is somebody's, or with `only_new`, was once, or addresses run short. */
int mm_vspace_extend(struct mm_vspace *v, uint64_t addr, uint32_t slices, uint32_t more,
		     int only_new);

/* The pages in use of slices that were taken become those of `bytes`. MM_EINVAL when they
 * do not fit. */
int mm_vspace_resize(struct mm_vspace *v, uint64_t addr, uint32_t slices, uint64_t bytes);

/* Of slices that were taken with 0 bytes in use: the pages that they have from before, from the
 * first on without a gap, are in use again; others go to the system. How many bytes. */
uint64_t mm_vspace_adopt(struct mm_vspace *v, uint64_t addr, uint32_t slices);

/* Of slices that were taken with 0 bytes in use: what pages they have from before go to the system.
 * For what stays taken for long: they could not be purged, yet count as retained. */
void mm_vspace_trim(struct mm_vspace *v, uint64_t addr, uint32_t slices);

/* Gives retained pages to the system until at most `bytes` are left. */
void mm_vspace_purge(struct mm_vspace *v, uint64_t bytes);

/* Whose slice an address is in, and above that the mark; 0 = nobody's, or not ours. Any thread, no
 * lock. */
static inline uint64_t mm_vspace_word(const struct mm_vspace *v, uint64_t addr)
{
	uint64_t at = addr - v->base;

	return at < v->bytes ? atomic_load_explicit(&v->owner[at >> MM_SLICE_SHIFT],
						    memory_order_relaxed) : 0;
}

static inline uint32_t mm_vspace_owner(const struct mm_vspace *v, uint64_t addr)
{
	return (uint32_t)mm_vspace_word(v, addr);
}

/* What the owner of slices wants to find with them, one load away: 0 when they are taken.
 * Only the owner calls it, one thread at a time. */
void mm_vspace_mark(struct mm_vspace *v, uint64_t addr, uint32_t slices, uint32_t mark);

/* In use and retained, in bytes. */
void mm_vspace_sums(struct mm_vspace *v, uint64_t *ret_used, uint64_t *ret_retained);

/* 0, or the number of the rule that does not hold. Nobody else may be in it. */
int mm_vspace_check(struct mm_vspace *v);

#endif
