/* fill_tiers.c: tiers, what lies in them and what moves between them, of a report (work.h).
 *
 * Vocabulary: report_tiers.h. A tier is known by its number in its process; what was told of
 * a number that was never defined makes a tier without a type. However much a trace names,
 * so much is listed: TIERS, CATEGORIES and CAUSES at most.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/ratios.h"
#include "core/error.h"
#include "model/work.h"

enum { TIERS = 256, CATEGORIES = 4096, CAUSES = 64 };
enum cause_of { OF_MOVES, OF_EVICTIONS, OF_DENIALS, CAUSE_LISTS };

struct stall { uint32_t tier; uint64_t ns; };
struct told { uint32_t residency, tier; uint64_t bytes; }; /* the last TIER_USE of both */

struct tier_fill {
	struct mm_work *w;
	uint64_t end, window_from;
	struct mm_report_tier *tiers;
	size_t tier_count, tier_cap;
	struct mm_report_residency *residency;
	size_t residency_count, residency_cap;
	struct mm_map by_category;   /* place in residency + 1 */
	struct told *told;
	struct mm_map by_told;       /* place in told + 1 */
	size_t told_count, told_cap;
	struct mm_report_tier_move *moves;
	struct mm_map by_ends;       /* place in moves + 1 */
	size_t move_count, move_cap;
	struct mm_report_cause *causes[CAUSE_LISTS];
	size_t cause_count[CAUSE_LISTS], cause_cap[CAUSE_LISTS];
	struct stall *stalls;
	size_t stall_count, stall_cap;
	int failed;
};

static void add_known(uint64_t *sum, uint64_t more)
{
	*sum += more == MM_UNKNOWN ? 0 : more;
}

/* --- finding rows: made when there is none --------------------------------------------- */

/* MM_NO_TIER for a number that is not known, and where there is no room. */
static uint32_t find_tier(struct tier_fill *f, uint32_t process, uint32_t number)
{
	uint32_t i = 0;

	if (number == MM_NO_TIER)
		return MM_NO_TIER;
	while (i < f->tier_count &&
	       (f->tiers[i].number != number || f->tiers[i].process != process))
		i++;
	if (i < f->tier_count)
		return i;
	if (i == TIERS)
		return MM_NO_TIER;
	if (MM_GROW(f->tiers, f->tier_cap, f->tier_count + 1)) {
		f->failed = 1;
		return MM_NO_TIER;
	}
	f->tiers[f->tier_count++] = (struct mm_report_tier){
		.name = mm_report_store_printf(f->w->store, "tier %u", number), .type = "",
		.process = process, .number = number, .part_of = MM_NO_TIER,
		.capacity_bytes = MM_UNKNOWN, .used_bytes = MM_UNKNOWN, .used_at_ns = MM_UNKNOWN,
		.hit_count = MM_UNKNOWN, .miss_count = MM_UNKNOWN };
	return i;
}

/* Texts are the store's: equal ones are equal pointers. NULL where there is no room. */
static struct mm_report_residency *find_residency(struct tier_fill *f, const char *category)
{
	struct mm_map_place *place = mm_map_find(&f->by_category, (uintptr_t)category);

	if (place)
		return &f->residency[place->value - 1];
	if (f->residency_count == CATEGORIES)
		return NULL;
	if (MM_GROW(f->residency, f->residency_cap, f->residency_count + 1) ||
	    mm_map_set(&f->by_category, (uintptr_t)category, (uint32_t)f->residency_count + 1)) {
		f->failed = 1;
		return NULL;
	}
	struct mm_report_residency *r = &f->residency[f->residency_count++];
	*r = (struct mm_report_residency){ .category = category };
	return r;
}

static struct mm_report_tier_move *find_move(struct tier_fill *f, uint32_t from, uint32_t to)
{
	/* Places are few, so that MM_NO_TIER + 1 = 0 stands alone. */
	uint64_t key = ((uint64_t)(uint32_t)(from + 1) << 32 | (uint32_t)(to + 1)) + 1;
	struct mm_map_place *place = mm_map_find(&f->by_ends, key);

	if (place)
		return &f->moves[place->value - 1];
	if (MM_GROW(f->moves, f->move_cap, f->move_count + 1) ||
	    mm_map_set(&f->by_ends, key, (uint32_t)f->move_count + 1)) {
		f->failed = 1;
		return NULL;
	}
	struct mm_report_tier_move *m = &f->moves[f->move_count++];
	*m = (struct mm_report_tier_move){ .from = from, .to = to };
	return m;
}

static void count_cause(struct tier_fill *f, enum cause_of which, const struct mm_note_move *m)
{
	struct mm_report_cause *c = f->causes[which];
	size_t i = 0;

	while (i < f->cause_count[which] && c[i].name != m->cause)
		i++;
	if (i == CAUSES)
		return;
	if (i == f->cause_count[which]) {
		if (MM_GROW(f->causes[which], f->cause_cap[which], i + 1)) {
			f->failed = 1;
			return;
		}
		f->causes[which][f->cause_count[which]++] =
			(struct mm_report_cause){ .name = m->cause };
	}
	f->causes[which][i].count++;
	add_known(&f->causes[which][i].bytes, m->bytes);
}

/* --- what was told ------------------------------------------------------------------------- */

static void define_tier(struct tier_fill *f, const struct mm_note_state *s)
{
	uint32_t i = find_tier(f, s->process, mm_notice_place(s->n.tier));

	if (i == MM_NO_TIER)
		return;
	if (s->n.name.len)
		f->tiers[i].name = s->n.name.text;
	if (s->n.what.len)
		f->tiers[i].type = s->n.what.text;
	if (s->n.capacity_bytes != MM_UNKNOWN)
		f->tiers[i].capacity_bytes = s->n.capacity_bytes;
	f->tiers[i].part_of = mm_notice_place(s->n.part_of); /* a number, until settled */
}

static void use_by_category(struct tier_fill *f, const struct mm_note_state *s, uint32_t tier)
{
	struct mm_report_residency *r = find_residency(f, s->n.category.text);
	uint32_t row = r ? (uint32_t)(r - f->residency) : 0;
	uint64_t key = ((uint64_t)row << 32 | tier) + 1;
	struct mm_map_place *place = r ? mm_map_find(&f->by_told, key) : NULL;

	if (place)
		f->told[place->value - 1].bytes = s->n.bytes;
	if (!r || place)
		return;
	if (MM_GROW(f->told, f->told_cap, f->told_count + 1) ||
	    mm_map_set(&f->by_told, key, (uint32_t)f->told_count + 1))
		f->failed = 1;
	else
		f->told[f->told_count++] = (struct told){ row, tier, s->n.bytes };
}

static void use_tier(struct tier_fill *f, const struct mm_note_state *s)
{
	uint32_t i = find_tier(f, s->process, mm_notice_place(s->n.tier));

	if (i == MM_NO_TIER)
		return;
	if (s->n.category.len) {
		use_by_category(f, s, i);
		return;
	}
	f->tiers[i].used_bytes = s->n.bytes;
	f->tiers[i].used_at_ns = s->time;
	f->tiers[i].hit_count = s->n.hits;
	f->tiers[i].miss_count = s->n.misses;
}

static void take_states(struct tier_fill *f)
{
	const struct mm_notices *n = &f->w->notes.notices;

	for (size_t i = 0; i < n->state_count && n->states[i].time < f->w->to; i++)
		if (n->states[i].kind == MM_EV_TIER)
			define_tier(f, &n->states[i]);
		else if (n->states[i].kind == MM_EV_TIER_USE)
			use_tier(f, &n->states[i]);
}

/* --- what moved ------------------------------------------------------------------------------ */

static void count_stall(struct tier_fill *f, uint32_t tier, uint64_t ns)
{
	if (tier == MM_NO_TIER || ns == MM_UNKNOWN)
		return;
	if (MM_GROW(f->stalls, f->stall_cap, f->stall_count + 1))
		f->failed = 1;
	else
		f->stalls[f->stall_count++] = (struct stall){ tier, ns };
}

static void count_ends(struct tier_fill *f, const struct mm_note_move *m, uint32_t from,
		       uint32_t to, int in_window)
{
	if (from != MM_NO_TIER) {
		f->tiers[from].out_count++;
		add_known(&f->tiers[from].out_bytes, m->bytes);
		add_known(&f->tiers[from].out_bytes_per_s, in_window ? m->bytes : 0);
	}
	if (to != MM_NO_TIER) {
		f->tiers[to].in_count++;
		add_known(&f->tiers[to].in_bytes, m->bytes);
		add_known(&f->tiers[to].in_bytes_per_s, in_window ? m->bytes : 0);
	}
}

static void count_cell(struct mm_report_tier_move *cell, const struct mm_note_move *m,
		       int in_window)
{
	cell->move_count++;
	add_known(&cell->bytes, m->bytes);
	add_known(&cell->block_count, m->blocks);
	add_known(&cell->stall_ns, m->stall_ns);
	cell->window_count += in_window;
	add_known(&cell->window_bytes, in_window ? m->bytes : 0);
}

static void take_move(struct tier_fill *f, const struct mm_note_move *m)
{
	uint32_t from = find_tier(f, m->process, m->from), to = find_tier(f, m->process, m->to);
	struct mm_report_tier_move *cell = find_move(f, from, to);
	struct mm_report_residency *r = find_residency(f, m->category);
	int in_window = m->time >= f->window_from;

	if (cell)
		count_cell(cell, m, in_window);
	if (r) {
		r->move_count++;
		add_known(&r->moved_bytes, m->bytes);
		r->moves_per_s += in_window;
	}
	count_ends(f, m, from, to, in_window);
	count_stall(f, from, m->stall_ns);
	count_cause(f, OF_MOVES, m);
}

static void take_evict(struct tier_fill *f, const struct mm_note_move *m)
{
	uint32_t tier = find_tier(f, m->process, m->from);
	struct mm_report_residency *r = find_residency(f, m->category);

	if (tier != MM_NO_TIER) {
		f->tiers[tier].evict_count++;
		add_known(&f->tiers[tier].evict_bytes, m->bytes);
	}
	if (r) {
		r->evict_count++;
		add_known(&r->evict_bytes, m->bytes);
	}
	count_cause(f, OF_EVICTIONS, m);
}

static void take_deny(struct tier_fill *f, const struct mm_note_move *m)
{
	struct mm_report_residency *r = find_residency(f, m->category);

	if (r) {
		r->deny_count++;
		add_known(&r->deny_bytes, m->bytes);
	}
	count_cause(f, OF_DENIALS, m);
}

static void take_moves(struct tier_fill *f)
{
	const struct mm_notices *n = &f->w->notes.notices;

	for (size_t i = 0; i < n->move_count && n->moves[i].time < f->w->to; i++) {
		const struct mm_note_move *m = &n->moves[i];
		if (m->time < f->w->from)
			continue;
		if (m->kind == MM_EV_TIER_MOVE)
			take_move(f, m);
		else if (m->kind == MM_EV_EVICT)
			take_evict(f, m);
		else
			take_deny(f, m);
	}
}

/* --- settling ---------------------------------------------------------------------------------- */

static int stall_order(const void *a, const void *b)
{
	const struct stall *x = a, *y = b;

	if (x->tier != y->tier)
		return x->tier < y->tier ? -1 : 1;
	return x->ns < y->ns ? -1 : x->ns > y->ns;
}

static void settle_stalls(struct tier_fill *f)
{
	size_t n;

	if (f->stall_count)
		qsort(f->stalls, f->stall_count, sizeof *f->stalls, stall_order);
	for (size_t i = 0; i < f->tier_count; i++)
		f->tiers[i].stall_p99_ns = f->tiers[i].stall_max_ns = MM_UNKNOWN;
	for (size_t i = 0; i < f->stall_count; i += n) {
		struct mm_report_tier *t = &f->tiers[f->stalls[i].tier];
		for (n = 0; i + n < f->stall_count && f->stalls[i + n].tier == f->stalls[i].tier; n++)
			t->stall_ns += f->stalls[i + n].ns;
		t->stall_count = n;
		t->stall_p99_ns = f->stalls[i + (n * 99 + 99) / 100 - 1].ns;
		t->stall_max_ns = f->stalls[i + n - 1].ns;
	}
}

struct counts { uint64_t hits, misses; };

/* What they were when the range began. */
static void find_bases(struct tier_fill *f, struct counts *base)
{
	const struct mm_notices *n = &f->w->notes.notices;

	for (size_t i = 0; i < n->state_count && n->states[i].time < f->w->to; i++) {
		const struct mm_note_state *s = &n->states[i];
		uint32_t t = s->kind == MM_EV_TIER_USE && !s->n.category.len
			? find_tier(f, s->process, mm_notice_place(s->n.tier)) : MM_NO_TIER;
		if (t == MM_NO_TIER)
			continue;
		mm_ratio_base(&base[t].hits, f->w->from, s->time, s->n.hits);
		mm_ratio_base(&base[t].misses, f->w->from, s->time, s->n.misses);
	}
}

static void settle_hits(struct tier_fill *f)
{
	struct counts *base = malloc((f->tier_count + 1) * sizeof *base);

	if (!base) {
		f->failed = 1;
		return;
	}
	memset(base, 0xff, (f->tier_count + 1) * sizeof *base);
	find_bases(f, base);
	for (size_t i = 0; i < f->tier_count; i++) {
		struct mm_report_tier *t = &f->tiers[i];
		t->hit_count = mm_ratio_since(t->hit_count, base[i].hits);
		t->miss_count = mm_ratio_since(t->miss_count, base[i].misses);
		t->hit_ppm = t->miss_count == MM_UNKNOWN || t->hit_count == MM_UNKNOWN
			? MM_UNKNOWN : mm_ratio_ppm(t->hit_count, t->hit_count + t->miss_count);
	}
	free(base);
}

/* A tier whose whole was never told holds what its categories do. */
static void settle_use(struct tier_fill *f)
{
	for (size_t i = 0; i < f->told_count; i++) {
		struct mm_report_tier *t = &f->tiers[f->told[i].tier];
		if (t->used_at_ns == MM_UNKNOWN)
			mm_ratio_add(&t->used_bytes, f->told[i].bytes);
	}
}

static void settle_tiers(struct tier_fill *f)
{
	uint64_t window = f->end - f->window_from;

	for (size_t i = 0; i < f->tier_count; i++) {
		struct mm_report_tier *t = &f->tiers[i];
		size_t whole = 0;
		while (whole < f->tier_count && (f->tiers[whole].number != t->part_of ||
						 f->tiers[whole].process != t->process))
			whole++;
		t->used_ppm = mm_ratio_ppm(t->used_bytes, t->capacity_bytes);
		t->in_bytes_per_s = mm_ratio_per_second(t->in_bytes_per_s, window);
		t->out_bytes_per_s = mm_ratio_per_second(t->out_bytes_per_s, window);
		/* Tiers are sorted by number when this is a place. */
		t->part_of = t->part_of == MM_NO_TIER || whole == i || whole == f->tier_count
			? MM_NO_TIER : (uint32_t)whole;
	}
}

static void settle_residency(struct tier_fill *f)
{
	uint64_t window = f->end - f->window_from;

	for (size_t i = 0; i < f->residency_count; i++) {
		struct mm_report_residency *r = &f->residency[i];
		r->moves_per_s = mm_ratio_per_second(r->moves_per_s, window);
		r->total_bytes = MM_UNKNOWN;
		r->tier_bytes = mm_report_store_alloc(f->w->store, f->tier_count,
						      sizeof *r->tier_bytes);
		for (size_t k = 0; r->tier_bytes && k < f->tier_count; k++)
			r->tier_bytes[k] = MM_UNKNOWN;
	}
	for (size_t i = 0; i < f->told_count; i++) {
		const struct told *t = &f->told[i];
		struct mm_report_residency *r = &f->residency[t->residency];
		if (!r->tier_bytes)
			return;
		r->tier_bytes[t->tier] = t->bytes;
		if (f->tiers[t->tier].part_of == MM_NO_TIER)
			mm_ratio_add(&r->total_bytes, t->bytes);
	}
}

/* --- order ----------------------------------------------------------------------------------- */

static int tier_order(const void *a, const void *b)
{
	const struct mm_report_tier *x = a, *y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int most_first(uint64_t a, uint64_t b, const char *x, const char *y)
{
	/* MM_UNKNOWN + 1 is 0: what is not known comes last. */
	return a + 1 != b + 1 ? (a + 1 > b + 1 ? -1 : 1) : strcmp(x, y);
}

static int residency_order(const void *a, const void *b)
{
	const struct mm_report_residency *x = a, *y = b;

	return most_first(x->total_bytes, y->total_bytes, x->category, y->category);
}

static int cause_order(const void *a, const void *b)
{
	const struct mm_report_cause *x = a, *y = b;

	return most_first(x->bytes, y->bytes, x->name, y->name);
}

static int move_order(const void *a, const void *b)
{
	const struct mm_report_tier_move *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/* --- all together ------------------------------------------------------------------------------ */

/* Every tier that is ever named, sorted, before places of theirs are remembered. */
static void list_tiers(struct tier_fill *f)
{
	const struct mm_notices *n = &f->w->notes.notices;

	for (size_t i = 0; i < n->state_count && n->states[i].time < f->w->to; i++)
		if (n->states[i].kind == MM_EV_TIER || n->states[i].kind == MM_EV_TIER_USE)
			find_tier(f, n->states[i].process, mm_notice_place(n->states[i].n.tier));
	for (size_t i = 0; i < n->move_count && n->moves[i].time < f->w->to; i++) {
		if (n->moves[i].time < f->w->from)
			continue;
		find_tier(f, n->moves[i].process, n->moves[i].from);
		find_tier(f, n->moves[i].process, n->moves[i].to);
	}
	if (f->tier_count)
		qsort(f->tiers, f->tier_count, sizeof *f->tiers, tier_order);
}

static void settle_causes(struct tier_fill *f, enum cause_of which, struct mm_report_cause **ret,
			  size_t *ret_count)
{
	uint64_t all = 0;

	for (size_t i = 0; i < f->cause_count[which]; i++)
		all += f->causes[which][i].bytes;
	for (size_t i = 0; i < f->cause_count[which]; i++)
		f->causes[which][i].ppm = mm_ratio_ppm(f->causes[which][i].bytes, all);
	if (f->cause_count[which])
		qsort(f->causes[which], f->cause_count[which], sizeof **ret, cause_order);
	*ret = mm_report_store_copy(f->w->store, f->causes[which], f->cause_count[which],
				    sizeof **ret);
	*ret_count = *ret ? f->cause_count[which] : 0;
}

static void store_all(struct tier_fill *f, struct mm_report_tiers *t)
{
	struct mm_report_store *s = f->w->store;

	if (f->residency_count)
		qsort(f->residency, f->residency_count, sizeof *f->residency, residency_order);
	if (f->move_count)
		qsort(f->moves, f->move_count, sizeof *f->moves, move_order);
	settle_causes(f, OF_MOVES, &t->move_causes, &t->move_cause_count);
	settle_causes(f, OF_EVICTIONS, &t->evictions, &t->eviction_count);
	settle_causes(f, OF_DENIALS, &t->denials, &t->denial_count);
	t->tiers = mm_report_store_copy(s, f->tiers, f->tier_count, sizeof *f->tiers);
	t->count = t->tiers ? f->tier_count : 0;
	t->residency = mm_report_store_copy(s, f->residency, f->residency_count,
					    sizeof *f->residency);
	t->residency_count = t->residency ? f->residency_count : 0;
	t->moves = mm_report_store_copy(s, f->moves, f->move_count, sizeof *f->moves);
	t->move_count = t->moves ? f->move_count : 0;
}

int mm_fill_tiers(struct mm_work *w)
{
	struct mm_report_tiers *t = &w->report->tiers;
	struct tier_fill f = { .w = w, .end = w->report->run.to_ns };

	f.window_from = mm_work_window(w);
	t->window_from_ns = f.window_from;
	t->window_ns = f.end - f.window_from;
	list_tiers(&f);
	take_states(&f);
	take_moves(&f);
	if (!f.failed) {
		settle_hits(&f);
		settle_stalls(&f);
		settle_use(&f);
		settle_tiers(&f);
		settle_residency(&f);
		store_all(&f, t);
	}
	free(f.tiers);
	free(f.residency);
	free(f.told);
	mm_map_deinit(&f.by_category);
	mm_map_deinit(&f.by_told);
	mm_map_deinit(&f.by_ends);
	free(f.moves);
	for (int i = 0; i < CAUSE_LISTS; i++)
		free(f.causes[i]);
	free(f.stalls);
	return f.failed ? MM_ENOMEM : MM_OK;
}
