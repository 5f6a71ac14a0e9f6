/* rows.c: compiles rows and keeps them (rows.h).
 *
 * Levels of buckets: an entry goes to the first level whose bucket has a vacant
 * way, ways fill in order and are never vacated, so a vacant way ends a search. */
#include "capture/rows.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "capture/modules.h"
#include "capture/touch.h"
#include "core/arch.h"
#include "core/error.h"

enum { LEVELS = 4, LEVEL_STEP = 3 };

struct mm_rows_bucket mm_rows_first[1 << MM_ROWS_FIRST_BITS];
static _Atomic(struct mm_rows_bucket *) level_of[LEVELS]; /* [0] is not used */

/* --- encoding ---------------------------------------------------------------------- */

static uint64_t pack(enum mm_row_kind kind, int64_t k, int saves_bp, int64_t bp, uint32_t module)
{
	if (k % 8 != 0 || k / 8 >= 1 << 16 || k / 8 < -(1 << 16) || bp % 8 != 0 ||
	    bp / 8 >= 1 << 8 || bp / 8 < -(1 << 8))
		kind = MM_ROW_SLOW, k = bp = saves_bp = 0;
	return (uint64_t)kind | ((uint64_t)(k / 8) & 0x1ffff) << 3 |
	       ((uint64_t)(bp / 8) & 0x1ff) << 20 | (uint64_t)(saves_bp != 0) << 29 |
	       (uint64_t)(module & 0x1fff) << 30;
}

/* breg6 N, and deref after it if `indirect`. */
static int is_bp_plus(const struct mm_cfi_image *im, const struct mm_cfi_rules *r,
		      const struct mm_cfi_rule *rule, int indirect, int64_t *ret)
{
	size_t len;
	const uint8_t *p = mm_cfi_expr_bytes(im, r, rule, &len);

	if (!p || len != (indirect ? 3u : 2u) || p[0] != 0x70 + MM_REG_BP || (p[1] & 0x80) ||
	    (indirect && p[2] != 0x06))
		return 0;
	*ret = (p[1] & 0x40) ? (int64_t)p[1] - 128 : p[1];
	return 1;
}

/* The row's part about BP; 0 when it does not fit. */
static int bp_part(const struct mm_cfi_image *im, const struct mm_cfi_rules *r, int realigned,
		   int *ret_saves, int64_t *ret_at)
{
	const struct mm_cfi_rule *bp = &r->reg[MM_REG_BP];

	*ret_saves = bp->kind != MM_CFI_SAME;
	*ret_at = bp->value;
	if (bp->kind == MM_CFI_SAME)
		*ret_at = 0;
	else if (realigned)
		return bp->kind == MM_CFI_EXPR && is_bp_plus(im, r, bp, 0, ret_at);
	else if (bp->kind != MM_CFI_OFFSET)
		return 0;
	return 1;
}

uint64_t mm_row_from_rules(const struct mm_cfi_image *im, const struct mm_cfi_rules *r,
			   uint32_t module)
{
	const struct mm_cfi_rule *ra = &r->reg[MM_REG_RA];
	uint64_t slow = pack(MM_ROW_SLOW, 0, 0, 0, module);
	int64_t k = r->cfa.value, bp;
	int saves, realigned = r->cfa.kind == MM_CFI_VAL_EXPR;

	if (ra->kind == MM_CFI_UNDEFINED)
		return pack(MM_ROW_END, 0, 0, 0, module);
	if (r->signal_frame || r->ra_reg != MM_REG_RA || ra->kind != MM_CFI_OFFSET ||
	    ra->value != -8 || r->reg[MM_REG_SP].kind != MM_CFI_SAME)
		return slow;
	if (!bp_part(im, r, realigned, &saves, &bp))
		return slow;
	if (realigned)
		return is_bp_plus(im, r, &r->cfa, 1, &k) ?
			pack(MM_ROW_AT_BP, k, saves, bp, module) : slow;
	if (r->cfa.reg == MM_REG_SP)
		return pack(MM_ROW_SP, k, saves, bp, module);
	if (r->cfa.reg == MM_REG_BP)
		return pack(MM_ROW_BP, k, saves, bp, module);
	return slow;
}

/* --- compiling ------------------------------------------------------------------------ */

int mm_rows_rules(uint64_t place, uint32_t generation, const struct mm_cfi_image **ret_image,
		  struct mm_cfi_rules *ret)
{
	const struct mm_module *m = mm_module_at(place - 1, generation);
	uint64_t fde;
	int err;

	if (!m || m->eh_hdr == 0)
		return MM_ENOENT;
	err = mm_cfi_find(&m->image, m->eh_hdr, place - 1, &fde);
	if (err == MM_OK)
		err = mm_cfi_rules(&m->image, fde, place - 1, ret);
	if (err != MM_OK)
		return MM_ENOENT;
	*ret_image = &m->image;
	return MM_OK;
}

static uint64_t compile(uint64_t place, uint32_t generation, uint64_t stale)
{
	const struct mm_module *m = mm_module_at(place - 1, generation);
	const struct mm_cfi_image *im;
	struct mm_cfi_rules rules;

	if (!m)
		return MM_ROW_ALIEN;
	if (stale != 0 && m->number != 0 && mm_row_module(stale) == m->number)
		return stale & ((UINT64_C(1) << 43) - 1);
	if (mm_rows_rules(place, generation, &im, &rules) != MM_OK)
		return pack(MM_ROW_BLANK, 0, 0, 0, m->number);
	return mm_row_from_rules(im, &rules, m->number);
}

/* --- levels ------------------------------------------------------------------------------ */

static uint64_t level_bytes(int level)
{
	return sizeof(struct mm_rows_bucket) << (MM_ROWS_FIRST_BITS + LEVEL_STEP * level);
}

static struct mm_rows_bucket *level_at(int level, int make)
{
	struct mm_rows_bucket *b, *none = NULL;
	int64_t p;

	if (level == 0)
		return mm_rows_first;
	b = atomic_load_explicit(&level_of[level], memory_order_acquire);
	if (b || !make)
		return b;
	p = mm_arch_syscall(SYS_mmap, 0, level_bytes(level), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, ~UINT64_C(0), 0);
	if (p < 0 && p > -4096)
		return NULL;
	b = (struct mm_rows_bucket *)(uintptr_t)p;
	if (level == 1)
		mm_touch(b, level_bytes(level));
	if (atomic_compare_exchange_strong(&level_of[level], &none, b))
		return b;
	mm_arch_syscall(SYS_munmap, (uint64_t)p, level_bytes(level), 0, 0, 0, 0);
	return none;
}

void mm_rows_prepare(void)
{
	mm_touch(mm_rows_first, sizeof mm_rows_first);
}

/* The row word of a place, or NULL. A new place is entered only if `claim`. */
static _Atomic uint64_t *slot_of(uint64_t place, int claim)
{
	uint64_t hash = mm_rows_hash(place);

	for (int level = 0; level < LEVELS; level++) {
		struct mm_rows_bucket *b = level_at(level, claim);
		if (!b)
			return NULL;
		b += hash >> (64 - MM_ROWS_FIRST_BITS - LEVEL_STEP * level);
		for (int i = 0; i < MM_ROWS_WAYS; i++) {
			uint64_t have = atomic_load_explicit(&b->way[i].place,
							     memory_order_relaxed);
			if (have == 0 && !claim)
				return NULL;
			if (have == place || (have == 0 &&
			    (atomic_compare_exchange_strong(&b->way[i].place, &have, place) ||
			     have == place)))
				return &b->way[i].row;
		}
	}
	return NULL;
}

uint64_t mm_rows_compile(uint64_t place, uint32_t generation)
{
	uint32_t want = generation & ((1u << MM_ROW_GENERATION_BITS) - 1);
	_Atomic uint64_t *slot;
	uint64_t row, have = 0;

	if (place == 0)
		return MM_ROW_ALIEN;
	slot = slot_of(place, 0);
	if (slot)
		have = atomic_load_explicit(slot, memory_order_relaxed);
	if (have != 0 && mm_row_generation(have) == want)
		return have;
	row = compile(place, generation, have);
	if (mm_row_kind(row) == MM_ROW_ALIEN)
		return row;
	row |= (uint64_t)want << 43;
	if (!slot)
		slot = slot_of(place, 1);
	if (slot)
		atomic_store_explicit(slot, row, memory_order_relaxed);
	return row;
}
