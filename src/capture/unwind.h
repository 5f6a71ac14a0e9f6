/* unwind.h: one frame outwards with all registers, by the module's full rules.
 *
 * Promise: what rows cannot say (rows.h) is interpreted exactly as the table
 * says it, or refused. Slow: a table search and a program run each step.
 * Never: an allocation, a lock, a read of memory not proven readable. Signal-safe.
 */
#ifndef MM_CAPTURE_UNWIND_H
#define MM_CAPTURE_UNWIND_H

#include <stdint.h>

#include "capture/expr.h"
#include "capture/probe.h"

enum mm_unwind_result {
	MM_UNWIND_OK = 0,
	MM_UNWIND_END,   /* the outermost frame: there is no caller */
	MM_UNWIND_LOST   /* no rules, a register not known, memory not readable */
};

/* The frame's place as in rows.h. */
static inline uint64_t mm_unwind_place(const struct mm_registers *r)
{
	return r->reg[MM_REG_RA] + r->interrupted;
}

/* Replaces the registers of a frame by its caller's. Untouched unless
 * MM_UNWIND_OK. */
enum mm_unwind_result mm_unwind_step(struct mm_registers *r, struct mm_reach *reach,
				     uint32_t generation);

#endif
