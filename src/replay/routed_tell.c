/* routed_tell.c: what destinations, categories and rules came to, for views (routed.h). */
#include "replay/routed.h"

void mm_routed_restart(struct mm_routed *x)
{
	for (uint32_t i = 0; i < x->category_count; i++) {
		struct mm_kept *k = &x->kept[i];
		k->peak_bytes = k->live_bytes;
		k->peak_count = k->live_count;
		k->peak_time_ns = x->time_ns;
		k->peak_event = x->event;
		k->times = k->live_bytes > k->budget;
		k->allocs_above = 0;
		k->first_time_ns = k->times ? x->time_ns : MM_UNKNOWN;
		k->first_event = k->times ? x->event : MM_UNKNOWN;
	}
}

static void tell_dest(const struct mm_dest *d, const struct mm_conf_dest *conf,
		      enum mm_strategy main, struct mm_report_store *store,
		      struct mm_outcome_dest *ret)
{
	uint32_t sizes[MM_POOLSET_SIZES];

	ret->name = conf->name;
	if (d->pool) {
		ret->depot_count = mm_poolset_sizes(d->pool, sizes, MM_POOLSET_SIZES);
		ret->block_bytes = mm_report_store_copy(store, sizes, ret->depot_count, sizeof *sizes);
	} else {
		ret->strategy = mm_strategy_name(main);
	}
	ret->alloc_count = d->allocs;
	ret->free_count = d->frees;
	ret->misfit_count = d->misfits;
	ret->came_count = d->came;
	ret->went_count = d->went;
	ret->peak_committed_bytes = d->peak_committed;
	ret->peak_requested_bytes = d->peak_requested;
	ret->peak_live_count = d->peak_count;
}

static struct mm_outcome_category category_row(const char *name, const struct mm_kept *k)
{
	return (struct mm_outcome_category){ .name = name, .budget_bytes = k->budget,
		.alloc_count = k->allocs, .alloc_bytes = k->allocated_bytes,
		.live_bytes = k->live_bytes, .live_count = k->live_count,
		.peak_bytes = k->peak_bytes, .peak_count = k->peak_count,
		.peak_time_ns = k->peak_time_ns, .exceeded_count = k->times,
		.above_count = k->allocs_above,
		.most_above_bytes = k->peak_bytes > k->budget ? k->peak_bytes - k->budget : 0,
		.first_time_ns = k->first_time_ns, .first_event = k->first_event };
}

static int has_rule(const struct mm_replay_conf *conf, uint32_t category)
{
	for (size_t i = conf ? conf->site_count : 0; conf && i < conf->rule_count; i++)
		if (conf->rule[i].category == category)
			return 1;
	return 0;
}

static void tell_categories(const struct mm_routed *x, struct mm_report_store *store,
			    struct mm_outcome *ret)
{
	const struct mm_router *r = x->router;

	ret->category = mm_report_store_alloc(store, x->category_count, sizeof *ret->category);
	for (uint32_t i = 0; ret->category && i < x->category_count; i++)
		if (x->kept[i].allocs || has_rule(r->conf, i))
			ret->category[ret->category_count++] =
				category_row(mm_categories_name(r->categories, i), &x->kept[i]);
}

static void tell_rules(const struct mm_routed *x, struct mm_report_store *store,
		       struct mm_outcome *ret)
{
	const struct mm_replay_conf *conf = x->router->conf;

	ret->rule = mm_report_store_alloc(store, conf->rule_count, sizeof *ret->rule);
	for (size_t i = 0; ret->rule && i < conf->rule_count; i++) {
		const struct mm_conf_rule *rule = &conf->rule[i];
		ret->rule[ret->rule_count++] = (struct mm_outcome_rule){
			.kind = rule->is_site ? "site" : "category", .name = rule->name,
			.dest = conf->dest[rule->dest].name, .line = rule->line,
			.object_count = x->rule_objects[i] };
	}
}

void mm_routed_tell(const struct mm_routed *x, struct mm_report_store *store,
		    struct mm_outcome *ret)
{
	const struct mm_replay_conf *conf = x->router->conf;

	for (size_t i = 0; ret->dest && i < ret->dest_count; i++)
		tell_dest(&x->dest[i], &conf->dest[i],
			  i ? conf->dest[i].strategy : mm_heap_strategy(x->dest[0].heap), store,
			  &ret->dest[i]);
	tell_categories(x, store, ret);
	if (conf)
		tell_rules(x, store, ret);
}
