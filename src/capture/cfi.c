/* cfi.c: FDE search and the program of a frame (cfi.h). */
#include "capture/cfi.h"

#include "capture/octets.h"
#include "core/error.h"

enum {
	SEEN_STATES = 6,   /* remember_state nests once or twice in practice */
	ENC_OMIT = 0xff, ENC_PCREL = 0x10, ENC_DATAREL = 0x30, ENC_INDIRECT = 0x80,
	ENC_TABLE = 0x3b   /* datarel | sdata4: the only sorted table there is */
};

struct entry { /* a CIE with the FDE that refers to it */
	uint64_t code_align;
	int64_t data_align;
	uint64_t start, length; /* addresses covered */
	struct mm_octets cie_program, fde_program;
	uint8_t fde_enc, signal_frame, ra_reg;
	uint8_t sized; /* augmentation data carry their length */
};

struct program { /* one run of a program */
	const struct entry *e;
	uint64_t pc, loc;
	struct mm_cfi_rules *now;
	const struct mm_cfi_rules *initial; /* NULL while the CIE's part runs */
	uint32_t depth;
	struct saved {
		struct mm_cfi_rule cfa, reg[MM_REG_COUNT];
	} saved[SEEN_STATES];
};

static int image_at(const struct mm_cfi_image *im, uint64_t addr, struct mm_octets *ret)
{
	uint32_t n = im->count < MM_CFI_RANGES ? im->count : MM_CFI_RANGES;

	for (uint32_t i = 0; i < n; i++) {
		const struct mm_cfi_range *r = &im->range[i];
		if (addr < r->addr || addr - r->addr >= r->size)
			continue;
		ret->p = r->bytes + (addr - r->addr);
		ret->end = r->bytes + r->size;
		ret->bias = r->addr - (uint64_t)(uintptr_t)r->bytes;
		ret->bad = 0;
		return MM_OK;
	}
	return MM_ECORRUPT;
}

/* An encoded pointer; `data` is what datarel is relative to. */
static uint64_t get_encoded(struct mm_octets *b, uint8_t enc, uint64_t data)
{
	uint64_t at = mm_octets_addr(b), v;

	switch (enc & 0x0f) {
	case 0x00: case 0x04: v = mm_octets_u(b, 8); break;
	case 0x01: v = mm_octets_uleb(b); break;
	case 0x02: v = mm_octets_u(b, 2); break;
	case 0x03: v = mm_octets_u(b, 4); break;
	case 0x09: v = (uint64_t)mm_octets_sleb(b); break;
	case 0x0a: v = (uint64_t)(int16_t)mm_octets_u(b, 2); break;
	case 0x0b: v = (uint64_t)(int32_t)mm_octets_u(b, 4); break;
	case 0x0c: v = mm_octets_u(b, 8); break;
	default: b->bad = 1; return 0;
	}
	switch (enc & 0x70) {
	case 0x00: return v;
	case ENC_PCREL: return v + at;
	case ENC_DATAREL: return v + data;
	default: b->bad = 1; return 0;
	}
}

/* --- entries ------------------------------------------------------------------ */

/* Reads a length and confines *b to what it covers; MM_ENOENT at the terminator. */
static int open_entry(struct mm_octets *b)
{
	uint64_t len = mm_octets_u(b, 4);

	if (len == 0xffffffff)
		len = mm_octets_u(b, 8);
	if (b->bad)
		return MM_ECORRUPT;
	if (len == 0)
		return MM_ENOENT;
	if (len > (uint64_t)(b->end - b->p))
		return MM_ECORRUPT;
	b->end = b->p + len;
	return MM_OK;
}

static void cie_augmentation(struct mm_octets *b, const uint8_t *aug, const uint8_t *aug_end,
			     struct entry *e)
{
	uint64_t len = mm_octets_uleb(b);
	struct mm_octets d = mm_octets_take(b, len);

	for (; aug < aug_end && !d.bad; aug++) {
		if (*aug == 'R')
			e->fde_enc = (uint8_t)mm_octets_u(&d, 1);
		else if (*aug == 'L')
			mm_octets_u(&d, 1);
		else if (*aug == 'S')
			e->signal_frame = 1;
		else if (*aug == 'P') {
			uint8_t enc = (uint8_t)mm_octets_u(&d, 1);
			if (enc != ENC_OMIT)
				get_encoded(&d, enc & 0x7f, 0);
		} else
			break; /* the rest is skipped by its length */
	}
	b->bad |= d.bad;
}

static int read_cie(const struct mm_cfi_image *im, uint64_t at, struct entry *e)
{
	struct mm_octets b;
	const uint8_t *aug, *aug_end;
	uint8_t version;

	if (image_at(im, at, &b) != MM_OK || open_entry(&b) != MM_OK)
		return MM_ECORRUPT;
	if (mm_octets_u(&b, 4) != 0)
		return MM_ECORRUPT; /* that is an FDE */
	version = (uint8_t)mm_octets_u(&b, 1);
	if (version != 1 && version != 3 && version != 4)
		return MM_ECORRUPT;
	aug = b.p;
	while (mm_octets_u(&b, 1) != 0)
		; /* ends at the first 0, which a read past the end also gives */
	aug_end = b.p;
	if (version == 4 && (mm_octets_u(&b, 1) != 8 || mm_octets_u(&b, 1) != 0))
		return MM_ECORRUPT;
	e->code_align = mm_octets_uleb(&b);
	e->data_align = mm_octets_sleb(&b);
	e->ra_reg = (uint8_t)(version == 1 ? mm_octets_u(&b, 1) : mm_octets_uleb(&b));
	e->fde_enc = 0;
	e->signal_frame = 0;
	if (b.bad || e->ra_reg >= MM_REG_COUNT)
		return MM_ECORRUPT;
	e->sized = *aug == 'z';
	if (e->sized)
		cie_augmentation(&b, aug + 1, aug_end - 1, e);
	else if (*aug != 0)
		return MM_ECORRUPT; /* unsized augmentation: cannot be skipped */
	e->cie_program = b;
	return b.bad ? MM_ECORRUPT : MM_OK;
}

static int read_fde(const struct mm_cfi_image *im, uint64_t at, struct entry *e)
{
	struct mm_octets b;
	uint64_t here, back;
	int err;

	if (image_at(im, at, &b) != MM_OK)
		return MM_ECORRUPT;
	err = open_entry(&b);
	if (err != MM_OK)
		return err;
	here = mm_octets_addr(&b);
	back = mm_octets_u(&b, 4);
	if (b.bad || back == 0)
		return MM_ECORRUPT;
	err = read_cie(im, here - back, e);
	if (err != MM_OK)
		return err;
	e->start = get_encoded(&b, e->fde_enc, 0);
	e->length = get_encoded(&b, e->fde_enc & 0x0f, 0);
	if ((e->fde_enc & ENC_INDIRECT) != 0)
		return MM_ECORRUPT;
	if (e->sized)
		mm_octets_take(&b, mm_octets_uleb(&b));
	e->fde_program = b;
	return b.bad ? MM_ECORRUPT : MM_OK;
}

/* --- search ------------------------------------------------------------------- */

/* No usable table: entry after entry, to the terminator or the end. */
static int scan(const struct mm_cfi_image *im, uint64_t at, uint64_t pc, uint64_t *ret_fde)
{
	struct mm_octets b;
	struct entry e;

	if (image_at(im, at, &b) != MM_OK)
		return MM_ECORRUPT;
	while (mm_octets_left(&b)) {
		struct mm_octets one = b;
		uint64_t fde = mm_octets_addr(&b);
		int err = open_entry(&one);
		if (err != MM_OK)
			return err;
		b.p = one.end;
		if (mm_octets_u(&one, 4) == 0)
			continue; /* a CIE */
		if (read_fde(im, fde, &e) == MM_OK && pc - e.start < e.length) {
			*ret_fde = fde;
			return MM_OK;
		}
	}
	return MM_ENOENT;
}

/* Last row of the table with start <= pc. Rows are (start, FDE), both sdata4
 * relative to hdr. */
static int search(struct mm_octets *table, uint64_t count, uint64_t hdr, uint64_t pc,
		  uint64_t *ret_fde)
{
	uint64_t room = (uint64_t)(table->end - table->p) / 8;
	uint64_t lo = 0, hi = count < room ? count : room;
	struct mm_octets b = *table;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;
		b.p = table->p + mid * 8;
		if (hdr + (uint64_t)(int32_t)mm_octets_u(&b, 4) <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return MM_ENOENT;
	b.p = table->p + (lo - 1) * 8 + 4;
	*ret_fde = hdr + (uint64_t)(int32_t)mm_octets_u(&b, 4);
	return b.bad ? MM_ECORRUPT : MM_OK;
}

int mm_cfi_find(const struct mm_cfi_image *im, uint64_t hdr, uint64_t pc, uint64_t *ret_fde)
{
	struct mm_octets b;
	uint8_t frame_enc, count_enc, table_enc;
	uint64_t frame, count;

	if (image_at(im, hdr, &b) != MM_OK || mm_octets_u(&b, 1) != 1)
		return MM_ECORRUPT;
	frame_enc = (uint8_t)mm_octets_u(&b, 1);
	count_enc = (uint8_t)mm_octets_u(&b, 1);
	table_enc = (uint8_t)mm_octets_u(&b, 1);
	if (b.bad || frame_enc == ENC_OMIT)
		return MM_ECORRUPT;
	frame = get_encoded(&b, frame_enc, hdr);
	if (count_enc == ENC_OMIT || table_enc != ENC_TABLE)
		return b.bad ? MM_ECORRUPT : scan(im, frame, pc, ret_fde);
	count = get_encoded(&b, count_enc, hdr);
	return b.bad ? MM_ECORRUPT : search(&b, count, hdr, pc, ret_fde);
}

/* --- programs ------------------------------------------------------------------- */

static void set_rule(struct program *p, struct mm_octets *b, uint64_t reg, uint8_t kind,
		     int64_t value)
{
	if (value != (int32_t)value) {
		b->bad = 1;
		return;
	}
	if (reg < MM_REG_COUNT) /* vector registers do not matter here */
		p->now->reg[reg] = (struct mm_cfi_rule){ .kind = kind, .value = (int32_t)value };
}

static void set_expr(struct program *p, struct mm_octets *b, struct mm_cfi_rule *rule, uint8_t kind)
{
	uint64_t len = mm_octets_uleb(b);
	int64_t at = (int64_t)(mm_octets_addr(b) - p->now->fde);

	mm_octets_take(b, len);
	if (b->bad || len > UINT16_MAX || at != (int32_t)at) {
		b->bad = 1;
		return;
	}
	*rule = (struct mm_cfi_rule){ .kind = kind, .expr_len = (uint16_t)len,
				      .value = (int32_t)at };
}

static void set_cfa(struct program *p, struct mm_octets *b, uint64_t reg, int64_t value)
{
	if (reg >= MM_REG_COUNT || value != (int32_t)value) {
		b->bad = 1;
		return;
	}
	p->now->cfa = (struct mm_cfi_rule){ .kind = MM_CFI_REGISTER, .reg = (uint8_t)reg,
					    .value = (int32_t)value };
}

static void restore(struct program *p, uint64_t reg)
{
	if (reg < MM_REG_COUNT)
		p->now->reg[reg] = p->initial ? p->initial->reg[reg] : (struct mm_cfi_rule){ 0 };
}

static void remember(struct program *p, struct mm_octets *b)
{
	if (p->depth == SEEN_STATES) {
		b->bad = 1;
		return;
	}
	struct saved *s = &p->saved[p->depth++];
	s->cfa = p->now->cfa;
	__builtin_memcpy(s->reg, p->now->reg, sizeof s->reg);
}

static void recall(struct program *p, struct mm_octets *b)
{
	if (p->depth == 0) {
		b->bad = 1;
		return;
	}
	const struct saved *s = &p->saved[--p->depth];
	p->now->cfa = s->cfa;
	__builtin_memcpy(p->now->reg, s->reg, sizeof s->reg);
}

/* Operations whose first operand is a register other than the CFA's: 0x05-0x09,
 * 0x10, 0x11, 0x14-0x16 and 0x2f. */
static const uint64_t TAKES_REGISTER = UINT64_C(0x8000007303e0);

static void step_register(struct program *p, struct mm_octets *b, uint8_t op)
{
	int64_t align = p->e->data_align;
	uint64_t reg = mm_octets_uleb(b), other;
	struct mm_cfi_rule unused;

	switch (op) {
	case 0x05: case 0x2f: /* offset_extended, GNU_negative_offset_extended */
		other = mm_octets_uleb(b);
		set_rule(p, b, reg, MM_CFI_OFFSET,
			 (int64_t)((op == 0x2f ? 0 - other : other) * (uint64_t)align));
		break;
	case 0x06: restore(p, reg); break;
	case 0x07: set_rule(p, b, reg, MM_CFI_UNDEFINED, 0); break;
	case 0x08: set_rule(p, b, reg, MM_CFI_SAME, 0); break;
	case 0x09: /* register */
		other = mm_octets_uleb(b);
		set_rule(p, b, reg, other < MM_REG_COUNT ? MM_CFI_REGISTER : MM_CFI_UNDEFINED, 0);
		if (reg < MM_REG_COUNT && other < MM_REG_COUNT)
			p->now->reg[reg].reg = (uint8_t)other;
		break;
	case 0x10: case 0x16: /* expression, val_expression */
		set_expr(p, b, reg < MM_REG_COUNT ? &p->now->reg[reg] : &unused,
			 op == 0x10 ? MM_CFI_EXPR : MM_CFI_VAL_EXPR);
		break;
	case 0x11: case 0x15: /* offset_extended_sf, val_offset_sf */
		set_rule(p, b, reg, op == 0x11 ? MM_CFI_OFFSET : MM_CFI_VAL_OFFSET,
			 (int64_t)((uint64_t)mm_octets_sleb(b) * (uint64_t)align));
		break;
	case 0x14: /* val_offset */
		set_rule(p, b, reg, MM_CFI_VAL_OFFSET,
			 (int64_t)(mm_octets_uleb(b) * (uint64_t)align));
		break;
	}
}

static void advance(struct program *p, uint64_t units)
{
	p->loc += units * p->e->code_align;
}

static void step_other(struct program *p, struct mm_octets *b, uint8_t op)
{
	uint64_t reg;

	switch (op) {
	case 0x00: break; /* nop */
	case 0x01: p->loc = get_encoded(b, p->e->fde_enc, 0); break;
	case 0x02: advance(p, mm_octets_u(b, 1)); break;
	case 0x03: advance(p, mm_octets_u(b, 2)); break;
	case 0x04: advance(p, mm_octets_u(b, 4)); break;
	case 0x0a: remember(p, b); break;
	case 0x0b: recall(p, b); break;
	case 0x0c: /* def_cfa */
		reg = mm_octets_uleb(b);
		set_cfa(p, b, reg, (int64_t)mm_octets_uleb(b));
		break;
	case 0x0d: set_cfa(p, b, mm_octets_uleb(b), p->now->cfa.value); break;
	case 0x0e: set_cfa(p, b, p->now->cfa.reg, (int64_t)mm_octets_uleb(b)); break;
	case 0x0f: set_expr(p, b, &p->now->cfa, MM_CFI_VAL_EXPR); break;
	case 0x12: /* def_cfa_sf */
		reg = mm_octets_uleb(b);
		set_cfa(p, b, reg,
			(int64_t)((uint64_t)mm_octets_sleb(b) * (uint64_t)p->e->data_align));
		break;
	case 0x13:
		set_cfa(p, b, p->now->cfa.reg,
			(int64_t)((uint64_t)mm_octets_sleb(b) * (uint64_t)p->e->data_align));
		break;
	case 0x2e: mm_octets_uleb(b); break; /* GNU_args_size */
	default: b->bad = 1;
	}
}

/* Runs *b until its end or until the location passes pc. */
static int run(struct program *p, struct mm_octets b)
{
	while (mm_octets_left(&b)) {
		uint8_t op = (uint8_t)mm_octets_u(&b, 1);
		uint64_t low = op & 0x3f;

		if (op >> 6 == 1)
			advance(p, low);
		else if (op >> 6 == 2)
			set_rule(p, &b, low, MM_CFI_OFFSET,
				 (int64_t)(mm_octets_uleb(&b) * (uint64_t)p->e->data_align));
		else if (op >> 6 == 3)
			restore(p, low);
		else if (TAKES_REGISTER >> op & 1)
			step_register(p, &b, op);
		else
			step_other(p, &b, op);
		if (p->loc > p->pc && p->initial)
			break;
	}
	return b.bad ? MM_ECORRUPT : MM_OK;
}

int mm_cfi_rules(const struct mm_cfi_image *im, uint64_t fde, uint64_t pc,
		 struct mm_cfi_rules *ret)
{
	struct mm_cfi_rules now = { .fde = fde }, initial;
	struct program p = { .pc = pc, .now = &now };
	struct entry e;
	int err = read_fde(im, fde, &e);

	if (err != MM_OK)
		return err;
	if (pc - e.start >= e.length)
		return MM_ENOENT;
	p.e = &e;
	p.loc = e.start;
	now.signal_frame = e.signal_frame;
	now.ra_reg = e.ra_reg;
	err = run(&p, e.cie_program);
	if (err != MM_OK)
		return err;
	initial = now;
	p.initial = &initial;
	err = run(&p, e.fde_program);
	if (err != MM_OK)
		return err;
	if (now.cfa.kind != MM_CFI_REGISTER && now.cfa.kind != MM_CFI_VAL_EXPR)
		return MM_ECORRUPT; /* nothing ever defined it */
	*ret = now;
	return MM_OK;
}

const uint8_t *mm_cfi_expr_bytes(const struct mm_cfi_image *im, const struct mm_cfi_rules *r,
				 const struct mm_cfi_rule *rule, size_t *ret_len)
{
	struct mm_octets b;

	if (image_at(im, r->fde + (uint64_t)(int64_t)rule->value, &b) != MM_OK ||
	    (uint64_t)(b.end - b.p) < rule->expr_len)
		return NULL;
	*ret_len = rule->expr_len;
	return b.p;
}
