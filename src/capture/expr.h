/* expr.h: DWARF expressions, as far as frame programs use them.
 *
 * Promise: gives the value of an expression over the registers of one frame, or
 * an error; memory is read only through the caller's function; the stack, the
 * steps and the bytes are bounded, whatever the input.
 * Never: an allocation, a lock, a system call of its own. Signal-safe.
 */
#ifndef MM_CAPTURE_EXPR_H
#define MM_CAPTURE_EXPR_H

#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"

/* One frame's registers; bit n of known says that reg[n] holds its value. The
 * frame was left by a call, or else interrupted at reg[MM_REG_RA]. */
struct mm_registers {
	uint64_t reg[MM_REG_COUNT];
	uint32_t known;
	uint32_t interrupted;
};

/* Reads size bytes (1, 2, 4, 8) at addr, zero-extended; nonzero = unreadable. */
typedef int mm_expr_read(void *ctx, uint64_t addr, uint32_t size, uint64_t *ret);

/* Evaluates the len bytes at p; *initial, if not NULL, is on the stack first.
 * MM_ECORRUPT when the expression is malformed or needs more than 32 stack cells
 * or 512 steps; MM_ENOENT when a register is not known or memory not readable. */
int mm_expr_value(const uint8_t *p, size_t len, const struct mm_registers *regs,
		  const uint64_t *initial, mm_expr_read *read, void *ctx, uint64_t *ret);

#endif
