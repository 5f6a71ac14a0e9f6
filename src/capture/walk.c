/* walk.c: a step by a row (walk.h). */
#include "capture/walk.h"

static void add_frame(struct mm_walk *w, uint64_t place, uint64_t sp, uint32_t bp_at)
{
	struct mm_frame *f = &w->trail->frame[w->trail->count++];

	f->place = place;
	f->sp = sp;
	f->row = 0;
	f->after = w->trail->words;
	f->bp_at = bp_at;
}

void mm_walk_begin(struct mm_walk *w, uint64_t place, uint64_t sp, uint64_t bp)
{
	w->alien = 0;
	w->base = sp;
	w->bp = w->first_bp = bp;
	w->bp_addr = 0;
	w->trail->count = w->trail->words = 0;
	w->trail->plain = 1;
	add_frame(w, place, sp, MM_BP_REGISTER);
}

void mm_walk_add(struct mm_walk *w, uint64_t place, uint64_t sp, const uint64_t *bp)
{
	w->trail->plain = 0;
	w->bp = bp ? *bp : 0;
	add_frame(w, place, sp, bp ? MM_BP_READ : MM_BP_LOST);
}

/* Reads and notes the word at addr; 0 when it is not readable. */
static inline int take_word(struct mm_walk *w, uint64_t addr, uint64_t *ret)
{
	struct mm_trail *t = w->trail;

	if (!mm_reach_word(w->reach, addr))
		return 0;
	*ret = *(const volatile uint64_t *)(uintptr_t)addr;
	if (addr - w->base >= MM_WALK_SPAN)
		t->plain = 0;
	t->offset[t->words] = (uint32_t)(addr - w->base);
	t->value[t->words++] = *ret;
	return 1;
}

/* Makes w->bp the BP of frame f. */
static inline int want_bp(struct mm_walk *w, const struct mm_frame *f)
{
	if (f->bp_at == MM_BP_REGISTER || f->bp_at == MM_BP_READ)
		return 1;
	return f->bp_at != MM_BP_LOST && take_word(w, w->bp_addr, &w->bp);
}

static enum mm_walk_end no_rule(struct mm_walk *w, uint64_t row)
{
	switch (mm_row_kind(row)) {
	case MM_ROW_END: return MM_WALK_WHOLE;
	case MM_ROW_SLOW: return MM_WALK_SLOW;
	case MM_ROW_ALIEN: w->alien = 1; return MM_WALK_CUT;
	default: return MM_WALK_CUT;
	}
}

enum mm_walk_end mm_walk_step(struct mm_walk *w)
{
	struct mm_trail *t = w->trail;
	struct mm_frame *f = &t->frame[t->count - 1];
	uint64_t row = f->row = mm_rows_get(f->place, w->generation);
	uint32_t bp_at = f->bp_at;
	enum mm_row_kind kind = mm_row_kind(row);
	uint64_t cfa, place;

	if (kind == MM_ROW_SP) {
		cfa = f->sp + (uint64_t)mm_row_k(row);
	} else if (kind == MM_ROW_BP || kind == MM_ROW_AT_BP) {
		if (!want_bp(w, f))
			return MM_WALK_CUT;
		bp_at = bp_at == MM_BP_REGISTER ? bp_at : MM_BP_READ;
		cfa = w->bp + (uint64_t)mm_row_k(row);
		if (kind == MM_ROW_AT_BP && !take_word(w, cfa, &cfa))
			return MM_WALK_CUT;
	} else {
		return no_rule(w, row);
	}
	if (cfa <= f->sp)
		t->plain = 0; /* another stack: the words are not in order */
	if (cfa == f->sp || !take_word(w, cfa - 8, &place))
		return MM_WALK_CUT;
	if (place == 0)
		return MM_WALK_WHOLE;
	if (t->count == t->limit)
		return MM_WALK_FULL;
	if (mm_row_saves_bp(row)) {
		w->bp_addr = (kind == MM_ROW_AT_BP ? w->bp : cfa) + (uint64_t)mm_row_bp(row);
		bp_at = (uint32_t)(w->bp_addr - w->base);
		if (w->bp_addr - w->base >= MM_WALK_SPAN)
			t->plain = 0, bp_at = 0;
	}
	add_frame(w, place, cfa, bp_at);
	return MM_WALK_ON;
}
