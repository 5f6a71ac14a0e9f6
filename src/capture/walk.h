/* walk.h: frame after frame outwards by rows, noting every word that is read.
 *
 * Promise: what a step reads depends on the frame's place, its stack pointer,
 * where its BP is, and the words noted, on nothing else. BP is read when a row
 * needs it and not before: a caller may keep a loop counter in it.
 *
 * Vocabulary
 *   trail   the frames of one walk, innermost first, and the words read: those
 *           of frame n led from frame n - 1 to it, and the last of them is its
 *           return address, just below its stack pointer
 *   plain   made by rows alone, so that a memo may keep it
 *
 * Never: an allocation, a lock, a read of memory not proven readable. Signal-safe.
 */
#ifndef MM_CAPTURE_WALK_H
#define MM_CAPTURE_WALK_H

#include <stdint.h>

#include "capture/probe.h"
#include "capture/rows.h"

/* Where a frame's BP is, else the offset of the word that holds it. */
enum mm_bp_at {
	MM_BP_REGISTER = 0xfffffffe, /* as it was in the innermost frame */
	MM_BP_READ = 0xfffffffd,     /* has been read on the way */
	MM_BP_LOST = 0xfffffffc      /* cannot be known */
};

struct mm_frame {
	uint64_t place, sp;
	uint64_t row;   /* of place; 0 = not looked at (taken from a memo) */
	uint32_t after; /* index of the word after its return address */
	uint32_t bp_at; /* enum mm_bp_at or offset */
	uint64_t hash;  /* of its path in the call tree, once known */
	uint32_t needs_bp; /* for the memo */
};

enum mm_walk_end {
	MM_WALK_ON = 0, /* not at the end */
	MM_WALK_WHOLE,  /* outermost frame reached */
	MM_WALK_CUT,    /* cannot go on: no rule, or memory not readable */
	MM_WALK_FULL,   /* no more frames are kept */
	MM_WALK_SLOW    /* the row needs all registers */
};

struct mm_trail {
	uint32_t limit;  /* frames there is room for */
	uint32_t count;  /* frames */
	uint32_t words;
	uint32_t plain;
	struct mm_frame *frame; /* limit of them */
	uint64_t *value;        /* words, in the order read ... */
	uint32_t *offset;       /* ... and their distance from frame 0's sp */
};

enum {
	MM_WALK_WORDS = 3,        /* at most, for one frame */
	MM_WALK_SPAN = 0x7fffffff /* words of a plain trail are nearer than that */
};

struct mm_walk {
	struct mm_trail *trail;
	struct mm_reach *reach;
	uint32_t generation;
	uint32_t alien; /* ended in no module: true today, perhaps not tomorrow */
	uint64_t base;  /* frame 0's sp */
	uint64_t first_bp; /* frame 0's */
	uint64_t bp;       /* the last frame's, where it was read or is in a register */
	uint64_t bp_addr;  /* else where it is */
};

/* Starts *w at the frame (place, sp, bp). */
void mm_walk_begin(struct mm_walk *w, uint64_t place, uint64_t sp, uint64_t bp);

/* From the trail's last frame to its caller, which is added. */
enum mm_walk_end mm_walk_step(struct mm_walk *w);

/* Adds a frame found otherwise: the trail is no longer plain. */
void mm_walk_add(struct mm_walk *w, uint64_t place, uint64_t sp, const uint64_t *bp);

#endif
