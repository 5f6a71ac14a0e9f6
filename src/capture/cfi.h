/* cfi.h: call frame information, as a loaded module carries it.
 *
 * Promise: finds the entry for an address in .eh_frame_hdr's search table (or,
 * where there is none, in .eh_frame itself) and runs its program up to that
 * address. The input is believed in nothing: every read is checked against the
 * ranges given, every loop is bounded by them, and damage is an error code.
 *
 * Vocabulary (DWARF 5, 6.4; LSB, exception frames)
 *   image  readable runs of one module's memory, with their addresses
 *   FDE    what .eh_frame says about one function; CIE, what FDEs share
 *   CFA    canonical frame address: the stack pointer before the call
 *   rule   how the caller's value of one register is found
 *
 * Never: an allocation, a lock, a system call, a read outside the image. Pure,
 * so safe in a signal handler.
 */
#ifndef MM_CAPTURE_CFI_H
#define MM_CAPTURE_CFI_H

#include <stddef.h>
#include <stdint.h>

#include "core/arch.h"

enum { MM_CFI_RANGES = 8 };

struct mm_cfi_range {
	const uint8_t *bytes; /* bytes[0] is at address addr of the module */
	uint64_t addr, size;
};

struct mm_cfi_image {
	uint32_t count;
	struct mm_cfi_range range[MM_CFI_RANGES];
};

enum mm_cfi_kind {
	MM_CFI_SAME = 0,    /* unchanged; also when nothing is said */
	MM_CFI_UNDEFINED,   /* lost; of the return address: no caller */
	MM_CFI_OFFSET,      /* saved at CFA + value */
	MM_CFI_VAL_OFFSET,  /* is CFA + value */
	MM_CFI_REGISTER,    /* in register reg; of the CFA: reg + value */
	MM_CFI_EXPR,        /* saved at the expression's result */
	MM_CFI_VAL_EXPR     /* is the expression's result */
};

struct mm_cfi_rule {
	uint8_t kind; /* enum mm_cfi_kind */
	uint8_t reg;
	uint16_t expr_len;
	int32_t value; /* of an expression: its address minus the FDE's */
};

struct mm_cfi_rules {
	struct mm_cfi_rule cfa; /* REGISTER or VAL_EXPR */
	struct mm_cfi_rule reg[MM_REG_COUNT];
	uint64_t fde;
	uint8_t signal_frame; /* the caller was interrupted, it did not call */
	uint8_t ra_reg;       /* column that holds the return address */
};

/* The FDE that may cover pc, by the .eh_frame_hdr at address hdr. MM_ENOENT when
 * the table has none, MM_ECORRUPT when it is damaged or of an unknown kind. */
int mm_cfi_find(const struct mm_cfi_image *im, uint64_t hdr, uint64_t pc, uint64_t *ret_fde);

/* The rules in force at pc, by the FDE at address fde. MM_ENOENT when that FDE
 * does not cover pc, MM_ECORRUPT when it is damaged. */
int mm_cfi_rules(const struct mm_cfi_image *im, uint64_t fde, uint64_t pc,
		 struct mm_cfi_rules *ret);

/* The bytes of an expression rule: *ret_len of them, or NULL when they are not
 * in the image. */
const uint8_t *mm_cfi_expr_bytes(const struct mm_cfi_image *im, const struct mm_cfi_rules *r,
				 const struct mm_cfi_rule *rule, size_t *ret_len);

#endif
