/* ranking.c: sites by metric, with stacks (ranking.h). */
#include "model/ranking.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"

void mm_ranking_deinit(struct mm_ranking *g)
{
	mm_map_deinit(&g->stack_of);
	free(g->stacks);
	if (g->matched)
		for (size_t i = 0; i < g->sum_count; i++)
			free(g->matched[i]);
	free(g->matched);
}

/* --- order --------------------------------------------------------------------------- */

struct sort_key { uint64_t figure, second; struct mm_place place; };

static int key_order(const void *a, const void *b)
{
	const struct sort_key *x = a, *y = b;

	if (x->figure != y->figure)
		return x->figure > y->figure ? -1 : 1;
	if (x->second != y->second)
		return x->second > y->second ? -1 : 1;
	if (x->place.sum != y->place.sum)
		return x->place.sum < y->place.sum ? -1 : 1;
	return x->place.site < y->place.site ? -1 : x->place.site > y->place.site;
}

static size_t gather(const struct mm_ranking *g, enum mm_metric metric, struct sort_key *keys)
{
	size_t n = 0;

	for (size_t s = 0; s < g->sum_count; s++)
		for (uint32_t i = 0; i < g->sums[s].site_count; i++) {
			const struct mm_measure *m = &g->sums[s].sites[i];
			uint64_t figure = mm_measure_get(m, metric);
			if (!figure || figure == MM_UNKNOWN || !mm_ranking_keeps(g, s, i))
				continue;
			if (keys)
				keys[n] = (struct sort_key){ figure, m->alloc_bytes,
							     { (uint32_t)s, i } };
			n++;
		}
	return n;
}

int mm_ranking_pick(const struct mm_ranking *g, enum mm_metric metric, size_t limit,
		    struct mm_place **ret, size_t *ret_count, size_t *ret_positive)
{
	size_t n = gather(g, metric, NULL);
	size_t kept = limit && limit < n ? limit : n;
	struct sort_key *keys = malloc((n + 1) * sizeof *keys);
	struct mm_place *places = malloc((kept + 1) * sizeof *places);

	if (!keys || !places) {
		free(keys);
		free(places);
		return MM_ENOMEM;
	}
	gather(g, metric, keys);
	qsort(keys, n, sizeof *keys, key_order);
	for (size_t i = 0; i < kept; i++)
		places[i] = keys[i].place;
	free(keys);
	*ret = places;
	*ret_count = kept;
	*ret_positive = n;
	return MM_OK;
}

int mm_ranking_name(struct mm_ranking *g, const struct mm_place *places, size_t count)
{
	uint32_t *sites = malloc((count + 1) * sizeof *sites);
	int err = sites ? MM_OK : MM_ENOMEM;

	for (size_t s = 0; !err && s < g->sum_count; s++) {
		size_t n = 0;
		for (size_t i = 0; i < count; i++)
			if (places[i].sum == s)
				sites[n++] = places[i].site;
		if (n)
			err = mm_naming_prepare(g->naming, g->sums[s].process, sites, n);
	}
	free(sites);
	return err;
}

/* --- stacks -------------------------------------------------------------------------- */

static uint64_t hash_text(uint64_t h, const char *text)
{
	do
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	while (*text++);
	return h;
}

/* From names alone, so that the id outlives address randomisation and line changes. */
static const char *stack_id(struct mm_ranking *g, const uint32_t *frames, size_t count)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < count; i++) {
		const struct mm_report_frame *f = mm_naming_frame(g->naming, frames[i]);
		h = hash_text(hash_text(h, f->library), f->name);
	}
	return mm_report_store_printf(g->store, "%016llx", (unsigned long long)(h ^ h >> 31));
}

static int is_runtime(const struct mm_report_frame *f)
{
	return f->kind == MM_FRAME_RUNTIME || f->kind == MM_FRAME_CATEGORY;
}

/* Past the runtime's frames; one without a name that such a frame called is of them. */
uint32_t mm_ranking_first(const struct mm_ranking *g, const uint32_t *frames, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct mm_report_frame *f = mm_naming_frame(g->naming, frames[i]);
		int skips = is_runtime(f) || (!*f->function && i + 1 < count &&
			    mm_naming_frame(g->naming, frames[i + 1])->kind == MM_FRAME_RUNTIME);
		if (!skips)
			return (uint32_t)i;
	}
	return 0;
}

int mm_ranking_frames(const struct mm_ranking *g, struct mm_place place, uint32_t **frames,
		     size_t *cap, size_t *ret_count)
{
	uint32_t process = g->sums[place.sum].process;
	size_t n = 0;

	for (uint32_t site = place.site; site;) {
		uint32_t first, count;
		int err = mm_naming_frames(g->naming, process, site, &first, &count);
		if (!err)
			err = MM_GROW(*frames, *cap, n + count);
		if (err)
			return err;
		for (uint32_t i = 0; i < count; i++)
			(*frames)[n++] = first + i;
		uint32_t parent = mm_reader_site(g->reader, process, site)->parent;
		site = parent < site ? parent : 0;
	}
	*ret_count = n;
	return MM_OK;
}

static int make_stack(struct mm_ranking *g, struct mm_place place, struct mm_report_stack *ret)
{
	uint32_t *frames = NULL;
	size_t cap = 0, count = 0;
	int err = mm_ranking_frames(g, place, &frames, &cap, &count);

	if (!err) {
		*ret = (struct mm_report_stack){
			.id = stack_id(g, frames, count),
			.frames = mm_report_store_copy(g->store, frames, count, sizeof *frames),
			.count = (uint32_t)count,
			.first = mm_ranking_first(g, frames, count),
		};
		err = mm_report_store_failed(g->store) ? MM_ENOMEM : MM_OK;
	}
	free(frames);
	return err;
}

int mm_ranking_stack(struct mm_ranking *g, struct mm_place place, uint32_t *ret)
{
	uint64_t key = ((uint64_t)place.sum + 1) << 32 | place.site;
	struct mm_map_place *known = mm_map_find(&g->stack_of, key);

	if (known) {
		*ret = known->value - 1;
		return MM_OK;
	}
	if (MM_GROW(g->stacks, g->stack_cap, g->stack_count + 1))
		return MM_ENOMEM;
	int err = make_stack(g, place, &g->stacks[g->stack_count]);
	if (!err)
		err = mm_map_set(&g->stack_of, key, (uint32_t)g->stack_count + 1);
	if (!err)
		*ret = (uint32_t)g->stack_count++;
	return err;
}

/* --- tables -------------------------------------------------------------------------- */

static const char *frame_place(struct mm_ranking *g, const struct mm_report_frame *f)
{
	const char *slash = strrchr(f->file, '/');

	if (!*f->file)
		return *f->function ? f->library : "";
	const char *base = slash ? slash + 1 : f->file;
	return f->line ? mm_report_store_printf(g->store, "%s:%u", base, f->line)
		       : mm_report_store_text(g->store, base);
}

static int site_row(struct mm_ranking *g, struct mm_place place, struct mm_report_row *row)
{
	const struct mm_sums *s = &g->sums[place.sum];

	*row = (struct mm_report_row){
		.name = "[no stack]", .place = "", .process = s->process,
		.category = s->shares->thread_rule ? MM_NO_CATEGORY
			: mm_shares_category(s->shares, place.site, MM_NO_THREAD),
		.own = s->sites[place.site], .inclusive = s->sites[place.site],
		.oldest_ns = s->oldest[place.site],
	};
	int err = mm_ranking_stack(g, place, &row->stack);
	if (err)
		return err;
	const struct mm_report_stack *stack = &g->stacks[row->stack];
	if (stack->count) {
		const struct mm_report_frame *f =
			mm_naming_frame(g->naming, stack->frames[stack->first]);
		row->name = f->name;
		row->place = frame_place(g, f);
	}
	return MM_OK;
}

static void lost_part(const struct mm_sums *s, struct mm_measure *ret)
{
	struct mm_measure all = mm_sums_all(s);

	for (uint32_t i = 0; i < s->site_count; i++)
		mm_measure_take(&all, &s->sites[i]);
	*ret = all;
}

void mm_ranking_total(const struct mm_ranking *g, struct mm_measure *ret_kept,
		     struct mm_measure *ret_lost)
{
	memset(ret_kept, 0, sizeof *ret_kept);
	memset(ret_lost, 0, sizeof *ret_lost);
	for (size_t s = 0; s < g->sum_count; s++) {
		struct mm_measure lost;
		lost_part(&g->sums[s], &lost);
		mm_measure_add(ret_lost, &lost);
		for (uint32_t i = 0; i < g->sums[s].site_count; i++)
			if (mm_ranking_keeps(g, s, i))
				mm_measure_add(ret_kept, &g->sums[s].sites[i]);
	}
}

int mm_ranking_table(struct mm_ranking *g, enum mm_metric metric, const struct mm_place *places,
		     size_t count, size_t positive, struct mm_report_table *ret)
{
	struct mm_measure lost;
	struct mm_report_table t = { .by = MM_BY_SITE, .metric = metric, .count = count,
				     .rest_count = positive - count };

	t.rows = mm_report_store_alloc(g->store, count, sizeof *t.rows);
	if (count && !t.rows)
		return MM_ENOMEM;
	mm_ranking_total(g, &t.total, &lost);
	if (!g->matched)
		mm_measure_add(&t.total, &lost);
	t.rest = t.total;
	for (size_t i = 0; i < count; i++) {
		int err = site_row(g, places[i], &t.rows[i]);
		if (err)
			return err;
		mm_measure_take(&t.rest, &t.rows[i].own);
	}
	*ret = t;
	return MM_OK;
}
