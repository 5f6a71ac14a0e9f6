/* unwind.c: applies a full rule set (unwind.h). */
#include "capture/unwind.h"

#include "capture/rows.h"
#include "core/error.h"

struct step {
	const struct mm_registers *from;
	const struct mm_cfi_image *image;
	struct mm_cfi_rules rules;
	struct mm_reach *reach;
	uint64_t cfa;
};

/* mm_expr_read */
static int read_stack(void *ctx, uint64_t addr, uint32_t size, uint64_t *ret)
{
	if (!mm_reach_word(ctx, addr))
		return -1;
	*ret = 0;
	__builtin_memcpy(ret, (const void *)(uintptr_t)addr, size);
	return 0;
}

static int expression(const struct step *s, const struct mm_cfi_rule *rule,
		      const uint64_t *initial, uint64_t *ret)
{
	size_t len;
	const uint8_t *p = mm_cfi_expr_bytes(s->image, &s->rules, rule, &len);

	if (!p)
		return MM_ECORRUPT;
	return mm_expr_value(p, len, s->from, initial, read_stack, s->reach, ret);
}

static int compute_cfa(struct step *s)
{
	const struct mm_cfi_rule *r = &s->rules.cfa;

	if (r->kind == MM_CFI_VAL_EXPR)
		return expression(s, r, NULL, &s->cfa);
	if (!(s->from->known >> r->reg & 1))
		return MM_ENOENT;
	s->cfa = s->from->reg[r->reg] + (uint64_t)(int64_t)r->value;
	return MM_OK;
}

/* The caller's value of register n; nonzero = not known. */
static int caller_value(const struct step *s, uint32_t n, uint64_t *ret)
{
	const struct mm_cfi_rule *r = &s->rules.reg[n];
	uint64_t at;

	switch (r->kind) {
	case MM_CFI_SAME:
		*ret = s->from->reg[n];
		return !(s->from->known >> n & 1);
	case MM_CFI_OFFSET:
		return read_stack(s->reach, s->cfa + (uint64_t)(int64_t)r->value, 8, ret);
	case MM_CFI_VAL_OFFSET:
		*ret = s->cfa + (uint64_t)(int64_t)r->value;
		return 0;
	case MM_CFI_REGISTER:
		*ret = s->from->reg[r->reg];
		return !(s->from->known >> r->reg & 1);
	case MM_CFI_EXPR:
		return expression(s, r, &s->cfa, &at) != MM_OK ||
		       read_stack(s->reach, at, 8, ret) != 0;
	case MM_CFI_VAL_EXPR:
		return expression(s, r, &s->cfa, ret) != MM_OK;
	default:
		return -1;
	}
}

enum mm_unwind_result mm_unwind_step(struct mm_registers *r, struct mm_reach *reach,
				     uint32_t generation)
{
	struct step s = { .from = r, .reach = reach };
	struct mm_registers next = { .known = 0 };

	if (mm_rows_rules(mm_unwind_place(r), generation, &s.image, &s.rules) != MM_OK)
		return MM_UNWIND_LOST;
	if (s.rules.reg[s.rules.ra_reg].kind == MM_CFI_UNDEFINED)
		return MM_UNWIND_END;
	if (compute_cfa(&s) != MM_OK)
		return MM_UNWIND_LOST;
	for (uint32_t n = 0; n < MM_REG_COUNT; n++) {
		if (n == MM_REG_RA && s.rules.reg[n].kind == MM_CFI_SAME)
			continue;
		if (caller_value(&s, n, &next.reg[n]) == 0)
			next.known |= 1u << n;
	}
	if (s.rules.reg[MM_REG_SP].kind == MM_CFI_SAME) {
		next.reg[MM_REG_SP] = s.cfa; /* by convention */
		next.known |= 1u << MM_REG_SP;
	}
	if (s.rules.ra_reg != MM_REG_RA) {
		next.reg[MM_REG_RA] = next.reg[s.rules.ra_reg];
		next.known = (next.known & ~(1u << MM_REG_RA)) |
			     (next.known >> s.rules.ra_reg & 1) << MM_REG_RA;
	}
	if (!(next.known >> MM_REG_RA & 1) || !(next.known >> MM_REG_SP & 1))
		return MM_UNWIND_LOST;
	if (next.reg[MM_REG_RA] == 0)
		return MM_UNWIND_END;
	next.interrupted = s.rules.signal_frame;
	*r = next;
	return MM_UNWIND_OK;
}
