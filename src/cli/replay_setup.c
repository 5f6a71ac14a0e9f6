/* replay_setup.c: the making of them (replay_setup.h). */
#include "cli/replay_setup.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "model/trace_notes.h"
#include "symbol/category_rules.h"

static int begin_names(struct mm_replay_setup *s, struct mm_reader *r, int names)
{
	struct mm_symbol_options how = { .debuginfod = 1 };
	int err = names ? mm_symbols_create(&s->symbols, &how) : MM_OK;

	if (!err && !(s->store = mm_report_store_create()))
		err = MM_ENOMEM;
	if (!err)
		err = mm_naming_create(&s->naming, r, s->symbols, s->store, NULL);
	if (!err && s->conf && s->conf->site_count)
		err = mm_naming_create(&s->site_naming, r, s->symbols, s->store, NULL);
	return err;
}

static int is_set_by_conf(const struct mm_replay_conf *conf, uint32_t category)
{
	for (size_t i = conf ? conf->site_count : 0; conf && i < conf->rule_count; i++)
		if (conf->rule[i].category == category && conf->rule[i].has_budget)
			return 1;
	return 0;
}

/* The last that the program set, where the configuration sets none. */
static int take_budgets(struct mm_categories *c, const struct mm_replay_conf *conf,
			const struct mm_notes *notes)
{
	uint32_t category;

	for (size_t i = 0; i < notes->budget_count; i++) {
		if (mm_categories_intern(c, notes->budgets[i].category, &category))
			return MM_ENOMEM;
		if (!is_set_by_conf(conf, category))
			mm_categories_set_budget(c, category, notes->budgets[i].bytes);
	}
	return MM_OK;
}

static int read_budgets(struct mm_replay_setup *s, struct mm_reader *r, uint32_t process)
{
	struct mm_notes notes = { 0 };
	int err = mm_notes_read(&notes, r, process, s->store);

	if (!err)
		err = take_budgets(s->categories, NULL, &notes);
	if (!err && s->conf)
		err = take_budgets(s->conf->categories, s->conf, &notes);
	mm_notes_deinit(&notes);
	return err;
}

int mm_replay_setup_begin(struct mm_replay_setup *s, struct mm_reader *r, uint32_t process,
			  const struct mm_replay_conf *conf, int names, struct mm_diag *diag)
{
	s->conf = conf;
	int err = begin_names(s, r, names);

	if (!err)
		err = mm_categories_load(&s->categories, NULL, diag);
	if (!err)
		err = read_budgets(s, r, process);
	if (!err)
		err = mm_router_init(&s->plain, NULL, s->categories, r, process, NULL, NULL, diag);
	s->has_plain = !err && !s->plain.shares.plain;
	if (!err && conf)
		err = mm_router_init(&s->routed, conf, conf->categories, r, process, s->naming,
				     s->site_naming, diag);
	return err;
}

void mm_replay_setup_end(struct mm_replay_setup *s)
{
	mm_router_deinit(&s->plain);
	mm_router_deinit(&s->routed);
	if (s->categories)
		mm_categories_free(s->categories);
	if (s->site_naming)
		mm_naming_destroy(s->site_naming);
	if (s->naming)
		mm_naming_destroy(s->naming);
	if (s->symbols)
		mm_symbols_destroy(s->symbols);
	mm_report_store_free(s->store);
}

static uint64_t objects_of(const struct mm_outcome *o, const struct mm_outcome_rule *rule)
{
	if (strcmp(rule->kind, "site") == 0)
		return rule->object_count;
	for (size_t i = 0; i < o->category_count; i++)
		if (strcmp(o->category[i].name, rule->name) == 0)
			return o->category[i].alloc_count;
	return 0;
}

void mm_replay_setup_idle(const struct mm_replay_setup *s, const struct mm_outcome *o,
			  void (*fn)(const char *text))
{
	char text[512];

	for (size_t i = 0; i < o->rule_count; i++) {
		const struct mm_outcome_rule *rule = &o->rule[i];
		if (objects_of(o, rule))
			continue;
		snprintf(text, sizeof text, "%s:%u: %s '%s' matches no allocation of this replay",
			 o->config, (unsigned)rule->line, rule->kind, rule->name);
		fn(text);
	}
	for (size_t i = 1; i < s->conf->dest_count; i++) {
		const struct mm_conf_dest *d = &s->conf->dest[i];
		if (d->wanted)
			continue;
		snprintf(text, sizeof text, "%s:%u: no category and no site goes to %s '%s'",
			 o->config, (unsigned)d->line, d->is_pool ? "pool" : "heap", d->name);
		fn(text);
	}
}
