/* test_tiers.c: tiers, pressure, budgets and devices of a report, against the list of what the
 * voxel engine's trace was written from, counted by brute force; and small traces by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modelkit.h"
#include "trace/notice.h"
#include "voxel.h"

static const struct mm_model_options overview;
static struct voxel list;
static struct mm_reader *kept;

static int open_kept(void **state)
{
	char path[] = "/tmp/test_tiers-XXXXXX", name[4096];
	const char *top = getenv("top_srcdir");
	struct mm_diag diag = { "" };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	voxel_write(path, &list); /* an empty file is replaced */
	unlink(path);
	snprintf(name, sizeof name, "%s/traces/v1-voxel.mmt", top ? top : ".");
	if (mm_reader_open(&kept, name, &diag))
		fail_msg("%s", diag.text);
	return 0;
}

static int close_kept(void **state)
{
	(void)state;
	mm_reader_close(kept);
	voxel_end(&list);
	return 0;
}

/* --- the kept trace holds what was written ---------------------------------------------------- */

static void assert_notice(unsigned kind, const struct mm_notice *got, const struct mm_notice *want)
{
	size_t count;
	const struct mm_notice_field *f = mm_notice_fields(kind, &count);

	for (size_t i = 0; i < count; i++) {
		if (!f[i].is_text) {
			assert_true(mm_notice_number(got, &f[i]) == mm_notice_number(want, &f[i]));
			continue;
		}
		struct mm_span a = mm_notice_text(got, &f[i]), b = mm_notice_text(want, &f[i]);
		assert_int_equal(a.len, b.len);
		assert_memory_equal(a.text, b.text, a.len);
	}
}

static void the_kept_trace_is_the_list(void **state)
{
	struct mm_cursor *cursor;
	struct mm_event ev;
	size_t n = 0, count;

	(void)state;
	assert_int_equal(mm_reader_info(kept)->complete, 1);
	assert_int_equal(mm_reader_info(kept)->damaged_blocks, 0);
	assert_int_equal(mm_cursor_open(&cursor, kept, 0, 0, NULL), 0);
	for (; mm_cursor_next(cursor, &ev) > 0; n++) {
		assert_true(n < list.count);
		const struct voxel_event *e = &list.events[n];
		assert_int_equal(ev.kind, e->ev.kind);
		assert_true(ev.time == e->ev.time);
		assert_int_equal(ev.thread, e->ev.thread);
		if (mm_notice_fields(ev.kind, &count))
			assert_notice(ev.kind, ev.notice, &e->notice);
		else if (ev.kind == MM_EV_SAMPLE)
			assert_memory_equal(ev.sample, &e->sample, sizeof e->sample);
		else if (mm_event_is_birth(ev.kind))
			assert_true(ev.size == e->ev.size && ev.addr == e->ev.addr);
	}
	assert_int_equal(n, list.count);
	mm_cursor_close(cursor);
}

/* --- brute force ------------------------------------------------------------------------------- */

struct range { const char *from, *to; uint64_t a, b, end; };
#define S(n) ((uint64_t)((n) * 1000) * UINT64_C(1000000))
static const struct range ranges[] = {
	{ NULL, NULL, 0, MM_UNKNOWN, S(60.5) },
	{ NULL, "25s", 0, S(25), S(25) },
	{ "10s", "40s", S(10), S(40), S(40) },
	{ "38.95s", "45.5s", S(38.95), S(45.5), S(45.5) },
	{ NULL, "3s", 0, S(3), S(3) },
};
enum { RANGES = sizeof ranges / sizeof *ranges };

static struct mm_report *report_of(const struct range *r)
{
	struct kit k = { .reader = kept };
	struct mm_model_options o = overview;

	o.from = r->from;
	o.to = r->to;
	return kit_report(&k, &o);
}

static uint64_t window_of(const struct range *r)
{
	return r->end >= S(10) && r->end - S(10) > r->a ? r->end - S(10) : r->a;
}

static int is(struct mm_span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.text, text, s.len) == 0;
}

/* The last event of a kind before `before` that matches; NULL none. */
static const struct mm_notice *last_use(uint64_t before, unsigned tier, const char *category)
{
	const struct mm_notice *n = NULL;

	for (size_t i = 0; i < list.count; i++) {
		const struct voxel_event *e = &list.events[i];
		if (e->ev.kind == MM_EV_TIER_USE && e->ev.time < before && e->notice.tier == tier &&
		    is(e->notice.category, category))
			n = &e->notice;
	}
	return n;
}

static uint64_t capacity_at(uint64_t before, unsigned tier)
{
	uint64_t bytes = MM_UNKNOWN;

	for (size_t i = 0; i < list.count; i++)
		if (list.events[i].ev.kind == MM_EV_TIER && list.events[i].ev.time < before &&
		    list.events[i].notice.tier == tier)
			bytes = list.events[i].notice.capacity_bytes;
	return bytes;
}

/* Bytes of moves (or evictions) in [a, b); tiers and texts that are -1 or NULL are any. */
static uint64_t moved(unsigned kind, uint64_t a, uint64_t b, int from, int to, const char *category,
		      const char *cause, uint64_t *ret_count)
{
	uint64_t bytes = 0, count = 0;

	for (size_t i = 0; i < list.count; i++) {
		const struct voxel_event *e = &list.events[i];
		if (e->ev.kind != kind || e->ev.time < a || e->ev.time >= b ||
		    (from >= 0 && e->notice.tier != (uint64_t)from) ||
		    (to >= 0 && e->notice.to != (uint64_t)to) ||
		    (category && !is(e->notice.category, category)) ||
		    (cause && !is(e->notice.cause, cause)))
			continue;
		bytes += e->notice.bytes;
		count++;
	}
	if (ret_count)
		*ret_count = count;
	return bytes;
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The least stall that at most one in a hundred is above. */
static uint64_t p99_of(const struct range *r, unsigned tier)
{
	uint64_t *stalls = malloc(list.count * sizeof *stalls), p99 = MM_UNKNOWN;
	size_t n = 0, above;

	for (size_t i = 0; i < list.count; i++) {
		const struct voxel_event *e = &list.events[i];
		if (e->ev.kind == MM_EV_TIER_MOVE && e->ev.time >= r->a && e->ev.time < r->b &&
		    e->notice.tier == tier && e->notice.stall_ns != MM_UNKNOWN)
			stalls[n++] = e->notice.stall_ns;
	}
	qsort(stalls, n, sizeof *stalls, by_size);
	for (size_t i = 0; i < n && p99 == MM_UNKNOWN; i++) {
		for (above = 0; above < n - i - 1 && stalls[n - 1 - above] > stalls[i];)
			above++;
		if (above * 100 <= n)
			p99 = stalls[i];
	}
	free(stalls);
	return p99;
}

/* --- tiers ----------------------------------------------------------------------------------------- */

static void check_tier(const struct range *r, const struct mm_report *p, unsigned i)
{
	const struct mm_report_tier *t = &p->tiers.tiers[i];
	const struct mm_notice *use = last_use(r->b, i, ""), *before = last_use(r->a, i, "");
	uint64_t n;

	assert_int_equal(t->number, i);
	assert_true(t->part_of == (i == VOXEL_HUGE ? VOXEL_RAM : MM_NO_TIER));
	assert_true(t->capacity_bytes == capacity_at(r->b, i));
	assert_true(t->used_bytes == (use ? use->bytes : MM_UNKNOWN));
	assert_true(t->used_ppm == (use ? use->bytes * 1000000 / t->capacity_bytes : MM_UNKNOWN));
	if (use && use->hits != MM_UNKNOWN) {
		assert_true(t->hit_count == use->hits - (before ? before->hits : 0));
		assert_true(t->miss_count == use->misses - (before ? before->misses : 0));
		assert_true(t->hit_ppm == t->hit_count * 1000000 / (t->hit_count + t->miss_count));
	} else {
		assert_true(t->hit_count == MM_UNKNOWN && t->hit_ppm == MM_UNKNOWN);
	}
	assert_true(t->in_bytes == moved(MM_EV_TIER_MOVE, r->a, r->b, -1, (int)i, NULL, NULL, &n));
	assert_true(t->in_count == n);
	assert_true(t->out_bytes == moved(MM_EV_TIER_MOVE, r->a, r->b, (int)i, -1, NULL, NULL, &n));
	assert_true(t->out_count == n);
	n = moved(MM_EV_TIER_MOVE, window_of(r), r->b, (int)i, -1, NULL, NULL, NULL);
	assert_true(t->out_bytes_per_s == n * 1000 / ((r->end - window_of(r)) / 1000000));
	assert_true(t->evict_bytes == moved(MM_EV_EVICT, r->a, r->b, (int)i, -1, NULL, NULL, NULL));
	assert_true(t->stall_p99_ns == p99_of(r, i));
}

static void tiers_as_they_were_told(void **state)
{
	(void)state;
	for (int i = 0; i < RANGES; i++) {
		struct mm_report *p = report_of(&ranges[i]);
		assert_int_equal(p->tiers.count, VOXEL_TIERS);
		assert_string_equal(p->tiers.tiers[VOXEL_DISK].name, "disk");
		assert_string_equal(p->tiers.tiers[VOXEL_DISK].type, "zstd pack");
		for (unsigned t = 0; t < VOXEL_TIERS; t++)
			check_tier(&ranges[i], p, t);
		mm_report_free(p);
	}
}

static void check_residency(const struct range *r, const struct mm_report *p,
			    const struct mm_report_residency *row)
{
	uint64_t total = 0, n;

	for (unsigned t = 0; t < VOXEL_TIERS; t++) {
		const struct mm_notice *use = last_use(r->b, t, row->category);
		assert_true(row->tier_bytes[t] == (use ? use->bytes : MM_UNKNOWN));
		total += use && t != VOXEL_HUGE ? use->bytes : 0;
	}
	assert_true(row->total_bytes == total);
	assert_true(row->moved_bytes == moved(MM_EV_TIER_MOVE, r->a, r->b, -1, -1, row->category,
					      NULL, &n));
	assert_true(row->move_count == n);
	moved(MM_EV_TIER_MOVE, window_of(r), r->b, -1, -1, row->category, NULL, &n);
	assert_true(row->moves_per_s == n * 1000 / (p->tiers.window_ns / 1000000));
	assert_true(row->evict_bytes == moved(MM_EV_EVICT, r->a, r->b, -1, -1, row->category, NULL,
					      &n));
	assert_true(row->evict_count == n);
	assert_true(row->deny_bytes == moved(MM_EV_DENY, r->a, r->b, -1, -1, row->category, NULL,
					     &n));
	assert_true(row->deny_count == n);
}

static void what_lies_where_and_moves(void **state)
{
	(void)state;
	for (int i = 0; i < RANGES; i++) {
		const struct range *r = &ranges[i];
		struct mm_report *p = report_of(r);
		uint64_t bytes = 0, count = 0, n;
		assert_int_equal(p->tiers.residency_count, VOXEL_CATEGORIES);
		for (size_t k = 0; k < p->tiers.residency_count; k++)
			check_residency(r, p, &p->tiers.residency[k]);
		for (size_t k = 0; k < p->tiers.move_count; k++) {
			const struct mm_report_tier_move *m = &p->tiers.moves[k];
			assert_true(m->bytes == moved(MM_EV_TIER_MOVE, r->a, r->b, (int)m->from,
						      (int)m->to, NULL, NULL, &n));
			assert_true(m->move_count == n && n > 0);
			assert_true(m->window_bytes == moved(MM_EV_TIER_MOVE, window_of(r), r->b,
					(int)m->from, (int)m->to, NULL, NULL, &n));
			assert_true(m->window_count == n);
			bytes += m->bytes;
			count += m->move_count;
		}
		assert_true(bytes == moved(MM_EV_TIER_MOVE, r->a, r->b, -1, -1, NULL, NULL, &n));
		assert_true(count == n);
		mm_report_free(p);
	}
}

static void check_causes(const struct range *r, unsigned kind, const struct mm_report_cause *c,
			 size_t count)
{
	uint64_t all = moved(kind, r->a, r->b, -1, -1, NULL, NULL, NULL), sum = 0, n;

	for (size_t i = 0; i < count; i++) {
		assert_true(c[i].bytes == moved(kind, r->a, r->b, -1, -1, NULL, c[i].name, &n));
		assert_true(c[i].count == n && n > 0);
		assert_true(c[i].ppm == c[i].bytes * 1000000 / all);
		assert_true(i == 0 || c[i - 1].bytes >= c[i].bytes);
		sum += c[i].bytes;
	}
	assert_true(sum == all);
}

static void causes_add_up(void **state)
{
	(void)state;
	for (int i = 0; i < RANGES; i++) {
		struct mm_report *p = report_of(&ranges[i]);
		check_causes(&ranges[i], MM_EV_TIER_MOVE, p->tiers.move_causes,
			     p->tiers.move_cause_count);
		check_causes(&ranges[i], MM_EV_EVICT, p->tiers.evictions, p->tiers.eviction_count);
		check_causes(&ranges[i], MM_EV_DENY, p->tiers.denials, p->tiers.denial_count);
		mm_report_free(p);
	}
}

/* --- pressure and budgets --------------------------------------------------------------------------- */

static const struct voxel_event *told[16]; /* of pressure */
static size_t told_count;

static void find_told(void)
{
	told_count = 0;
	for (size_t i = 0; i < list.count; i++)
		if (list.events[i].ev.kind == MM_EV_PRESSURE)
			told[told_count++] = &list.events[i];
}

/* The level told last until `time`. */
static uint64_t level_at(uint64_t time, uint64_t *ret_since)
{
	uint64_t level = MM_UNKNOWN;

	for (size_t i = 0; i < told_count; i++) {
		if (told[i]->ev.time > time)
			continue;
		level = told[i]->notice.level;
		*ret_since = told[i]->ev.time;
	}
	return level;
}

static void levels_as_they_were_told(void **state)
{
	(void)state;
	find_told();
	for (int i = 0; i < RANGES; i++) {
		const struct range *r = &ranges[i];
		struct mm_report *p = report_of(r);
		uint64_t since, worst = 0, spent[MM_LEVEL_COUNT] = { 0 };
		assert_int_equal(p->pressure.source, MM_PRESSURE_TOLD);
		assert_true(p->pressure.level == level_at(r->end - 1, &since));
		assert_true(p->pressure.since_ns == since);
		for (uint64_t t = r->a; t < r->end; t += 1000000) {
			uint64_t level = level_at(t, &since);
			if (level == MM_UNKNOWN)
				continue;
			spent[level] += 1000000;
			worst = level > worst ? level : worst;
		}
		for (int k = 0; k < MM_LEVEL_COUNT; k++)
			assert_true(p->pressure.level_ns[k] == spent[k]);
		assert_true(p->pressure.worst_level == worst);
		mm_report_free(p);
	}
}

static int is_logged(unsigned kind)
{
	return kind == MM_EV_PRESSURE || kind == MM_EV_EVICT || kind == MM_EV_DENY ||
	       kind == MM_EV_BUDGET || kind == MM_EV_MARK;
}

static void check_entry(const struct mm_report_log *l, const struct voxel_event *e)
{
	static const unsigned kinds[] = { MM_EV_PRESSURE, MM_EV_EVICT, MM_EV_DENY, MM_EV_BUDGET,
					  MM_EV_MARK };

	assert_true(l->t_ns == e->ev.time);
	assert_int_equal(kinds[l->kind], e->ev.kind);
	if (l->kind == MM_LOG_BUDGET) {
		assert_true(l->bytes == (uint64_t)e->ev.value);
		assert_string_equal(l->category, e->ev.text);
	} else if (l->kind == MM_LOG_MARK) {
		assert_string_equal(l->text, e->ev.text);
	} else if (l->kind == MM_LOG_LEVEL) {
		assert_true(l->level == e->notice.level && l->before == e->notice.before);
	} else {
		assert_true(l->bytes == e->notice.bytes);
		assert_true(is(e->notice.category, l->category) && is(e->notice.cause, l->cause));
		assert_true(l->tier == (uint32_t)e->notice.tier);
	}
}

/* Of one time, kinds may stand in another order: but those of a kind keep theirs. */
static void the_log_is_what_happened(void **state)
{
	(void)state;
	for (int i = 0; i < RANGES; i++) {
		struct mm_report *p = report_of(&ranges[i]);
		const struct mm_report_pressure *q = &p->pressure;
		size_t n = 0, used = 0;
		uint8_t *taken = calloc(q->log_count + 1, 1);
		for (size_t k = 0; k < list.count; k++) {
			const struct voxel_event *e = &list.events[k];
			if (!is_logged(e->ev.kind) || e->ev.time < ranges[i].a ||
			    e->ev.time >= ranges[i].b)
				continue;
			static const uint8_t log_kinds[] = { MM_LOG_MARK, 0, MM_LOG_BUDGET };
			unsigned kind = e->ev.kind == MM_EV_PRESSURE ? MM_LOG_LEVEL
				: e->ev.kind == MM_EV_EVICT ? MM_LOG_EVICT
				: e->ev.kind == MM_EV_DENY ? MM_LOG_DENY
				: log_kinds[e->ev.kind - MM_EV_MARK];
			for (n = 0; n < q->log_count &&
				    (taken[n] || q->log[n].kind != (enum mm_log_kind)kind);)
				n++;
			assert_true(n < q->log_count);
			taken[n] = 1;
			used++;
			check_entry(&q->log[n], e);
		}
		assert_int_equal(used, q->log_count);
		assert_int_equal(q->log_left_out_count, 0);
		free(taken);
		mm_report_free(p);
	}
}

static uint64_t budget_at_start(int category)
{
	static const uint64_t mib[VOXEL_CATEGORIES] = { 256, 512, 128, 256, 128, 64 };

	return mib[category] << 20;
}

static void budgets_of_their_time(void **state)
{
	(void)state;
	for (int i = 0; i < RANGES; i++) {
		struct mm_report *p = report_of(&ranges[i]);
		for (int c = 0; c < VOXEL_CATEGORIES; c++) {
			int64_t live = 0;
			uint64_t budget = budget_at_start(c), exceeded = MM_UNKNOWN, at;
			for (size_t k = 0; k < list.count; k++) {
				const struct voxel_event *e = &list.events[k];
				if (e->ev.time >= ranges[i].b)
					break;
				live += e->category == c ? e->bytes : 0;
				if (e->ev.kind == MM_EV_BUDGET &&
				    strcmp(e->ev.text, voxel_categories[c]) == 0)
					budget = (uint64_t)e->ev.value;
				at = e->ev.time < ranges[i].a ? ranges[i].a : e->ev.time;
				if (e->ev.time < ranges[i].a)
					exceeded = live > (int64_t)budget ? at : MM_UNKNOWN;
				else if (exceeded == MM_UNKNOWN && live > (int64_t)budget)
					exceeded = at;
			}
			size_t k = 0;
			while (strcmp(p->categories[k].name, voxel_categories[c]) != 0)
				k++;
			assert_true(p->categories[k].budget_bytes == budget);
			assert_true(p->categories[k].own.live_bytes == (uint64_t)live);
			assert_true(p->categories[k].exceeded_at_ns == exceeded);
			assert_int_equal(p->categories[k].over, exceeded != MM_UNKNOWN);
		}
		mm_report_free(p);
	}
}

/* --- devices ---------------------------------------------------------------------------------------- */

static const struct mm_notice *last_of(unsigned kind, uint64_t before, uint64_t heap, uint64_t block,
				       const char *type, const char *category)
{
	const struct mm_notice *n = NULL;

	for (size_t i = 0; i < list.count; i++) {
		const struct voxel_event *e = &list.events[i];
		if (e->ev.kind == kind && e->ev.time < before && e->notice.heap == heap &&
		    (kind != MM_EV_GPU_BLOCK || e->notice.block == block) &&
		    (kind != MM_EV_GPU_KIND || (is(e->notice.what, type) &&
						is(e->notice.category, category))))
			n = &e->notice;
	}
	return n;
}

static void check_heap(const struct range *r, const struct mm_report *p, size_t i)
{
	const struct mm_report_gpu_heap *h = &p->gpu.heaps[i];
	const struct mm_notice *n = last_of(MM_EV_GPU_HEAP, r->b, i, 0, "", "");
	const struct mm_notice *w = last_of(MM_EV_GPU_HEAP, window_of(r), i, 0, "", "");
	uint64_t unused = MM_UNKNOWN;

	assert_true(h->budget_bytes == n->budget_bytes && h->usage_bytes == n->bytes);
	assert_true(h->others_bytes == n->bytes - n->ours_bytes);
	assert_true(h->block_count == n->blocks && h->alloc_count == n->count);
	for (uint64_t b = 0; b < 16; b++) {
		const struct mm_notice *block = last_of(MM_EV_GPU_BLOCK, r->b, i, b, "", "");
		if (block && block->capacity_bytes)
			unused = (unused == MM_UNKNOWN ? 0 : unused) + block->capacity_bytes -
				 block->bytes;
	}
	assert_true(h->unused_bytes == unused);
	if (i == 0)
		assert_true(h->upload_bytes_per_s == (n->up_bytes - (w ? w->up_bytes : 0)) * 1000 /
						     (p->tiers.window_ns / 1000000));
	else
		assert_true(h->upload_bytes == MM_UNKNOWN && h->upload_bytes_per_s == MM_UNKNOWN);
}

static void check_block(const struct range *r, const struct mm_report_gpu_block *b)
{
	const struct mm_notice *n = last_of(MM_EV_GPU_BLOCK, r->b, b->heap, b->number, "", "");
	uint64_t used = 0, run = 0, longest = 0, cells = strlen(b->map);

	for (const char *c = b->map; *c; c++) {
		used += *c != '.';
		run = *c == '.' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	assert_true(is(n->what, b->map));
	assert_true(b->used_bytes == used << 20 && b->size_bytes == cells << 20);
	assert_true(b->largest_free_bytes == longest << 20);
	assert_true(b->fragmentation_ppm == (used == cells ? 0 : (cells - used - longest) * 1000000 /
								 (cells - used)));
}

static void devices_as_they_were_told(void **state)
{
	(void)state;
	for (int i = 0; i < RANGES; i++) {
		const struct range *r = &ranges[i];
		struct mm_report *p = report_of(r);
		const struct mm_report_gpu *g = &p->gpu;
		size_t blocks = 0;
		assert_int_equal(g->device_count, 1);
		assert_string_equal(g->devices[0].driver, "vxl 24.1.3");
		assert_int_equal(g->heap_count, 3);
		for (size_t k = 0; k < 3; k++)
			check_heap(r, p, k);
		assert_int_equal(g->kind_count, 6);
		for (size_t k = 0; k < g->kind_count; k++) {
			const struct mm_report_gpu_kind *q = &g->kinds[k];
			const struct mm_notice *n = last_of(MM_EV_GPU_KIND, r->b, q->heap, 0, q->type,
							    q->category);
			assert_true(q->bytes == n->bytes && q->count == n->count);
			assert_true(q->mean_bytes == n->bytes / n->count);
			assert_true(q->mapped_count == n->mapped && q->age_ns == n->age_ns);
		}
		for (size_t k = 0; k < g->block_count; k++)
			check_block(r, &g->blocks[k]);
		for (uint64_t b = 0; b < 16; b++)
			for (uint64_t h = 0; h < 3; h += 2) {
				const struct mm_notice *n = last_of(MM_EV_GPU_BLOCK, r->b, h, b, "", "");
				blocks += n && n->capacity_bytes;
			}
		assert_int_equal(g->block_count, blocks);
		mm_report_free(p);
	}
}

/* --- by hand ---------------------------------------------------------------------------------------- */

static void put_sample(struct kit *k, uint32_t p, struct mm_sample s, uint64_t time)
{
	struct mm_event ev = { .kind = MM_EV_SAMPLE, .thread = MM_NO_THREAD, .slot = MM_NO_SLOT,
			       .time = time, .sample = &s };

	kit_other(k, p, &ev);
}

static struct mm_sample nothing_known(void)
{
	struct mm_sample s;

	memset(&s, 0xff, sizeof s);
	return s;
}

struct reading { uint64_t used_ppm, full_ppm, level; };

/* The machine has 1 GiB; its use goes up and down, and so does the wait for memory. */
static void levels_from_samples(void **state)
{
	static const struct reading readings[] = {
		{ 600000, 0, 0 }, { 699999, 0, 0 }, { 700001, 0, 1 }, { 680000, 0, 1 },
		{ 669000, 0, 0 }, { 760000, 0, 2 }, { 721000, 0, 2 }, { 719000, 0, 1 },
		{ 980000, 0, 4 }, { 941000, 0, 4 }, { 939000, 0, 3 }, { 300000, 0, 0 },
		{ 300000, 100000, 0 }, { 300000, 100001, 1 }, { 300000, 70000, 1 },
		{ 300000, 69999, 0 }, { 760000, 200000, 3 }, { 990000, 500000, 4 },
		{ 300000, MM_UNKNOWN, 1 }, { 300000, 0, 0 },
	};
	enum { COUNT = sizeof readings / sizeof *readings };
	uint64_t total = UINT64_C(1) << 30;
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	for (size_t i = 0; i < COUNT; i++) {
		struct mm_sample s = nothing_known();
		s.rss_bytes = 5;
		s.limit_bytes = total;
		s.mem_available_bytes = total - total / 1000000 * readings[i].used_ppm -
					readings[i].used_ppm * (total % 1000000) / 1000000;
		s.psi_full_ppm = readings[i].full_ppm;
		put_sample(&k, p, s, (i + 1) * 1000);
	}
	kit_reader(&k);
	for (size_t i = 0; i < COUNT; i++) {
		char to[32];
		snprintf(to, sizeof to, "%zuns", (i + 1) * 1000 + 1);
		struct mm_report *r = kit_report(&k, &(struct mm_model_options){ .to = to });
		assert_int_equal(r->pressure.source, MM_PRESSURE_SAMPLES);
		assert_int_equal(r->pressure.level, readings[i].level);
		assert_int_equal(r->pressure.limit_kind, MM_LIMIT_MACHINE);
		mm_report_free(r);
	}
	kit_end(&k);
}

static void the_fuller_of_cgroup_and_machine(void **state)
{
	struct mm_sample s = nothing_known();
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	s.limit_bytes = 1000;
	s.cgroup_bytes = 910;
	s.mem_available_bytes = (UINT64_C(1) << 30) / 2;
	put_sample(&k, p, s, 10);
	s.mem_available_bytes = 0;
	put_sample(&k, p, s, 20);
	s = nothing_known();
	s.limit_bytes = 100; /* of what, nobody knows */
	s.rss_bytes = 76;
	put_sample(&k, p, s, 30);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &(struct mm_model_options){ .to = "15ns" });
	assert_int_equal(r->pressure.level, MM_LEVEL_HIGH);
	assert_int_equal(r->pressure.limit_kind, MM_LIMIT_CGROUP);
	assert_int_equal(r->pressure.used_bytes, 910);
	assert_string_equal(r->pressure.cause, "cgroup");
	mm_report_free(r);
	r = kit_report(&k, &(struct mm_model_options){ .to = "25ns" });
	assert_int_equal(r->pressure.level, MM_LEVEL_CRITICAL);
	assert_int_equal(r->pressure.limit_kind, MM_LIMIT_MACHINE);
	mm_report_free(r);
	r = kit_report(&k, &overview);
	assert_int_equal(r->pressure.level, MM_LEVEL_WARN);
	assert_int_equal(r->pressure.used_bytes, 76);
	assert_string_equal(r->pressure.cause, "rss");
	assert_int_equal(r->pressure.transition_count, 2);
	mm_report_free(r);
	kit_end(&k);
}

static void put_notice(struct kit *k, uint32_t p, unsigned kind, struct mm_notice n, uint64_t time)
{
	kit_other(k, p, &(struct mm_event){ .kind = (uint8_t)kind, .thread = MM_NO_THREAD,
		.slot = MM_NO_SLOT, .time = time, .notice = &n });
}

/* What a trace says of things that it never defined, and more than is listed. */
static void odd_and_many(void **state)
{
	struct mm_notice n = mm_notice_unknown();
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	put_notice(&k, p, MM_EV_TIER_MOVE, n, 1); /* of nothing, from nowhere */
	put_notice(&k, p, MM_EV_GPU_BLOCK, n, 1);
	n.cause = (struct mm_span){ "a\0bcdefghijklmnopq", 19 };
	put_notice(&k, p, MM_EV_DENY, n, 1);
	put_notice(&k, p, MM_EV_DENY, n, 1);
	n.level = 77;
	put_notice(&k, p, MM_EV_PRESSURE, n, 1);
	for (uint64_t i = 0; i < 600; i++) {
		n = mm_notice_unknown();
		n.tier = i;
		n.bytes = UINT64_MAX / 2;
		n.capacity_bytes = 1;
		n.part_of = i ? i - 1 : 0;
		put_notice(&k, p, MM_EV_TIER_USE, n, 2);
		put_notice(&k, p, MM_EV_TIER, n, 2);
		put_notice(&k, p, MM_EV_EVICT, n, 3 + i);
		n.device = n.heap = i;
		put_notice(&k, p, MM_EV_GPU_HEAP, n, 3 + i);
	}
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->tiers.count, 256);
	assert_int_equal(r->tiers.tiers[0].part_of, MM_NO_TIER);
	assert_int_equal(r->tiers.tiers[9].part_of, 8);
	assert_true(r->tiers.tiers[9].used_ppm == MM_UNKNOWN); /* it fits no integer */
	assert_int_equal(r->tiers.move_count, 1);
	assert_int_equal(r->tiers.denial_count, 1);
	assert_string_equal(r->tiers.denials[0].name, "a");
	assert_int_equal(r->tiers.denials[0].count, 2);
	assert_int_equal(r->tiers.moves[0].from, MM_NO_TIER);
	assert_int_equal(r->pressure.source, MM_PRESSURE_NONE);
	assert_true(r->pressure.level == MM_UNKNOWN);
	assert_int_equal(r->pressure.log_count, 512);
	assert_int_equal(r->pressure.log_left_out_count, 90);
	assert_int_equal(r->pressure.log[511].t_ns, 602);
	assert_int_equal(r->gpu.block_count, 0);
	assert_int_equal(r->gpu.device_count, 64);
	mm_report_free(r);
	kit_end(&k);
}

/* The same number in two processes is two tiers. */
static void tiers_of_two_processes(void **state)
{
	struct mm_notice n = mm_notice_unknown();
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t a = kit_process(&k, 1, MM_START_COMMAND, 0), b = kit_process(&k, 2, MM_START_FORK, 0);
	n.tier = 1;
	n.bytes = 10;
	put_notice(&k, b, MM_EV_TIER_USE, n, 1);
	n.bytes = 20;
	put_notice(&k, a, MM_EV_TIER_USE, n, 2);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &(struct mm_model_options){ .process = "all" });
	assert_int_equal(r->tiers.count, 2);
	assert_int_equal(r->tiers.tiers[0].used_bytes, 20);
	assert_int_equal(r->tiers.tiers[1].used_bytes, 10);
	assert_string_equal(r->tiers.tiers[1].name, "tier 1");
	mm_report_free(r);
	r = kit_report(&k, &overview);
	assert_int_equal(r->tiers.count, 1);
	mm_report_free(r);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kept_trace_is_the_list),
		cmocka_unit_test(tiers_as_they_were_told),
		cmocka_unit_test(what_lies_where_and_moves),
		cmocka_unit_test(causes_add_up),
		cmocka_unit_test(levels_as_they_were_told),
		cmocka_unit_test(the_log_is_what_happened),
		cmocka_unit_test(budgets_of_their_time),
		cmocka_unit_test(devices_as_they_were_told),
		cmocka_unit_test(levels_from_samples),
		cmocka_unit_test(the_fuller_of_cgroup_and_machine),
		cmocka_unit_test(odd_and_many),
		cmocka_unit_test(tiers_of_two_processes),
	};

	return cmocka_run_group_tests_name("tiers", tests, open_kept, close_kept);
}
