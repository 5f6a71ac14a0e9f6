/* expr.c: a small stack machine (expr.h). Operation numbers are DWARF 5, 7.7.1. */
#include "capture/expr.h"

#include "capture/octets.h"
#include "core/error.h"

enum { EXPR_CELLS = 32, EXPR_STEPS = 512 };

struct machine {
	struct mm_octets b;
	const uint8_t *start;
	const struct mm_registers *regs;
	mm_expr_read *read;
	void *ctx;
	int err;
	uint32_t depth;
	uint64_t cell[EXPR_CELLS];
};

static void fail(struct machine *m, int err)
{
	if (m->err == MM_OK)
		m->err = err;
}

static void push(struct machine *m, uint64_t v)
{
	if (m->depth == EXPR_CELLS)
		fail(m, MM_ECORRUPT);
	else
		m->cell[m->depth++] = v;
}

static uint64_t pop(struct machine *m)
{
	if (m->depth == 0) {
		fail(m, MM_ECORRUPT);
		return 0;
	}
	return m->cell[--m->depth];
}

/* The cell n below the top. */
static uint64_t peek(struct machine *m, uint64_t n)
{
	if (n >= m->depth) {
		fail(m, MM_ECORRUPT);
		return 0;
	}
	return m->cell[m->depth - 1 - n];
}

static void push_register(struct machine *m, uint64_t reg, int64_t offset)
{
	if (reg >= MM_REG_COUNT || !(m->regs->known >> reg & 1))
		fail(m, MM_ENOENT);
	else
		push(m, m->regs->reg[reg] + (uint64_t)offset);
}

static void deref(struct machine *m, uint32_t size)
{
	uint64_t addr = pop(m), v = 0;

	if (size != 1 && size != 2 && size != 4 && size != 8)
		fail(m, MM_ECORRUPT);
	else if (m->err == MM_OK && m->read(m->ctx, addr, size, &v) != 0)
		fail(m, MM_ENOENT);
	push(m, v);
}

static void jump(struct machine *m, int taken)
{
	int64_t by = (int16_t)mm_octets_u(&m->b, 2);

	if (!taken || m->b.bad)
		return;
	if (by < m->start - m->b.p || by > m->b.end - m->b.p)
		fail(m, MM_ECORRUPT);
	else
		m->b.p += by;
}

static void rotate(struct machine *m)
{
	uint64_t a = pop(m), b = pop(m), c = pop(m);

	push(m, a);
	push(m, c);
	push(m, b);
}

static uint64_t shift_right_signed(uint64_t v, uint64_t by)
{
	return (uint64_t)((int64_t)v >> (by < 64 ? by : 63));
}

/* Two operands: `a` was below `b`. */
static void binary(struct machine *m, uint8_t op)
{
	uint64_t b = pop(m), a = pop(m);
	int64_t sa = (int64_t)a, sb = (int64_t)b;

	if ((op == 0x1b || op == 0x1d) && b == 0) {
		fail(m, MM_ECORRUPT);
		return;
	}
	switch (op) {
	case 0x1a: push(m, a & b); break;
	case 0x1b: push(m, sb == -1 ? 0 - a : (uint64_t)(sa / sb)); break;
	case 0x1c: push(m, a - b); break;
	case 0x1d: push(m, a % b); break;
	case 0x1e: push(m, a * b); break;
	case 0x21: push(m, a | b); break;
	case 0x22: push(m, a + b); break;
	case 0x24: push(m, b < 64 ? a << b : 0); break;
	case 0x25: push(m, b < 64 ? a >> b : 0); break;
	case 0x26: push(m, shift_right_signed(a, b)); break;
	case 0x27: push(m, a ^ b); break;
	case 0x29: push(m, sa == sb); break;
	case 0x2a: push(m, sa >= sb); break;
	case 0x2b: push(m, sa > sb); break;
	case 0x2c: push(m, sa <= sb); break;
	case 0x2d: push(m, sa < sb); break;
	case 0x2e: push(m, sa != sb); break;
	default: fail(m, MM_ECORRUPT);
	}
}

static void constant(struct machine *m, uint8_t op)
{
	uint64_t v;

	if (op == 0x10)
		v = mm_octets_uleb(&m->b);
	else if (op == 0x11)
		v = (uint64_t)mm_octets_sleb(&m->b);
	else
		v = mm_octets_u(&m->b, op == 0x03 ? 8 : 1u << (op - 0x08) / 2);
	switch (op) {
	case 0x09: v = (uint64_t)(int8_t)v; break;
	case 0x0b: v = (uint64_t)(int16_t)v; break;
	case 0x0d: v = (uint64_t)(int32_t)v; break;
	}
	push(m, v);
}

static void unary(struct machine *m, uint8_t op)
{
	uint64_t v = pop(m);

	switch (op) {
	case 0x19: push(m, (int64_t)v < 0 ? 0 - v : v); break;
	case 0x1f: push(m, 0 - v); break;
	case 0x20: push(m, ~v); break;
	case 0x23: push(m, v + mm_octets_uleb(&m->b)); break;
	}
}

static void step(struct machine *m, uint8_t op)
{
	uint64_t a, b;

	if (op >= 0x30 && op <= 0x4f) {
		push(m, op - 0x30u);
		return;
	}
	if (op >= 0x70 && op <= 0x8f) {
		push_register(m, op - 0x70u, mm_octets_sleb(&m->b));
		return;
	}
	switch (op) {
	case 0x03: case 0x08: case 0x09: case 0x0a: case 0x0b: case 0x0c:
	case 0x0d: case 0x0e: case 0x0f: case 0x10: case 0x11:
		constant(m, op);
		break;
	case 0x06: deref(m, 8); break;
	case 0x12: push(m, peek(m, 0)); break;
	case 0x13: pop(m); break;
	case 0x14: push(m, peek(m, 1)); break;
	case 0x15: push(m, peek(m, mm_octets_u(&m->b, 1))); break;
	case 0x16:
		a = pop(m), b = pop(m);
		push(m, a);
		push(m, b);
		break;
	case 0x17: rotate(m); break;
	case 0x19: case 0x1f: case 0x20: case 0x23: unary(m, op); break;
	case 0x28: jump(m, pop(m) != 0); break;
	case 0x2f: jump(m, 1); break;
	case 0x92:
		a = mm_octets_uleb(&m->b);
		push_register(m, a, mm_octets_sleb(&m->b));
		break;
	case 0x94: deref(m, (uint32_t)mm_octets_u(&m->b, 1)); break;
	case 0x96: break; /* nop */
	default: binary(m, op);
	}
}

int mm_expr_value(const uint8_t *p, size_t len, const struct mm_registers *regs,
		  const uint64_t *initial, mm_expr_read *read, void *ctx, uint64_t *ret)
{
	struct machine m = { .b = { .p = p, .end = p + len }, .start = p, .regs = regs,
			     .read = read, .ctx = ctx };
	uint64_t v;

	if (initial)
		push(&m, *initial);
	for (int n = 0; mm_octets_left(&m.b) && m.err == MM_OK; n++) {
		if (n == EXPR_STEPS)
			return MM_ECORRUPT;
		step(&m, (uint8_t)mm_octets_u(&m.b, 1));
	}
	v = pop(&m);
	if (m.b.bad)
		return MM_ECORRUPT;
	if (m.err != MM_OK)
		return m.err;
	*ret = v;
	return MM_OK;
}
