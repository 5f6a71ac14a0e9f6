/* router.c: a table of routes, and one of sites into it (router.h). */
#include "replay/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "core/error.h"

enum { NEAR_NAMES = 256 };

void mm_router_deinit(struct mm_router *x)
{
	mm_shares_deinit(&x->shares);
	mm_shares_deinit(&x->sites);
	free(x->route);
	free(x->of_site);
	memset(x, 0, sizeof *x);
}

/* --- categories that nothing can be in --------------------------------------------------- */

static int is_pushed(const struct mm_shares *s, uint32_t category)
{
	for (uint32_t i = 0; i < s->sites; i++)
		if (s->pushed[i] == category + 1)
			return 1;
	return 0;
}

static int exists(const struct mm_router *x, uint32_t category)
{
	if (mm_categories_is_builtin(x->categories, category) || is_pushed(&x->shares, category))
		return 1;
	for (size_t i = 0; i < x->conf->rule_count; i++) {
		const struct mm_conf_rule *r = &x->conf->rule[i];
		if (!r->is_site && r->category == category && r->has_match)
			return 1;
	}
	return 0;
}

static int refuse_category(const struct mm_router *x, const struct mm_conf_rule *rule,
			   struct mm_diag *diag)
{
	const char *names[NEAR_NAMES + 1] = { NULL }, *near;
	size_t count = 0;

	for (uint32_t i = 0; i < mm_categories_count(x->categories) && count < NEAR_NAMES; i++)
		if (exists(x, i))
			names[count++] = mm_categories_name(x->categories, i);
	near = mm_suggest(rule->name, names);
	return mm_fail(diag, MM_ESYNTAX, "%s:%u: there is no category '%s': it has no match, and the "
		       "program of this trace names none so%s%s%s", x->conf->path,
		       (unsigned)rule->line, rule->name, near ? "; did you mean '" : "",
		       near ? near : "", near ? "'?" : "");
}

static int check_categories(const struct mm_router *x, struct mm_diag *diag)
{
	for (size_t i = x->conf->site_count; i < x->conf->rule_count; i++)
		if (!exists(x, x->conf->rule[i].category))
			return refuse_category(x, &x->conf->rule[i], diag);
	return MM_OK;
}

/* --- routes --------------------------------------------------------------------------------- */

static struct mm_route plain_route(const struct mm_router *x, uint32_t category)
{
	struct mm_route route = { category, 0, MM_NO_RULE };

	for (size_t i = x->conf ? x->conf->site_count : 0;
	     x->conf && i < x->conf->rule_count; i++)
		if (x->conf->rule[i].category == category) {
			route.dest = x->conf->rule[i].dest;
			route.rule = (uint32_t)i;
		}
	return route;
}

/* Of each category one route without a site rule and one for each. More of them than there may
 * be routes: the last are taken for general. */
static int make_routes(struct mm_router *x)
{
	uint32_t categories = mm_categories_count(x->categories), n = 0;

	x->lanes = 1 + (uint32_t)(x->conf ? x->conf->site_count : 0);
	if (categories > MM_ROUTES_MOST / x->lanes)
		categories = MM_ROUTES_MOST / x->lanes;
	x->route_count = categories * x->lanes;
	if (!(x->route = calloc(x->route_count + 1u, sizeof *x->route)))
		return MM_ENOMEM;
	for (uint32_t c = 0; c < categories; c++) {
		x->route[n++] = plain_route(x, c);
		for (uint32_t s = 1; s < x->lanes; s++)
			x->route[n++] = (struct mm_route){ c, x->conf->rule[s - 1].dest, s - 1 };
	}
	return MM_OK;
}

uint32_t mm_router_find(const struct mm_router *x, uint32_t site, uint32_t thread)
{
	uint32_t category = mm_shares_category(&x->shares, site, thread);
	uint32_t rule = x->lanes > 1 ? mm_shares_rule(&x->sites, site, thread) : MM_NO_RULE;
	uint32_t n = category * x->lanes + (rule == MM_NO_RULE ? 0 : rule + 1);

	return n < x->route_count ? n : 0;
}

static int make_table(struct mm_router *x)
{
	x->site_count = x->shares.sites ? x->shares.sites : 1;
	if (!(x->of_site = calloc(x->site_count, sizeof *x->of_site)))
		return MM_ENOMEM;
	for (uint32_t i = 0; i < x->site_count; i++)
		x->of_site[i] = (uint16_t)mm_router_find(x, i, MM_NO_THREAD);
	return MM_OK;
}

int mm_router_init(struct mm_router *x, const struct mm_replay_conf *conf,
		   struct mm_categories *categories, struct mm_reader *r, uint32_t process,
		   struct mm_naming *naming, struct mm_naming *site_naming, struct mm_diag *diag)
{
	int err;

	memset(x, 0, sizeof *x);
	x->conf = conf;
	x->categories = categories;
	err = mm_shares_init(&x->shares, categories, r, process, naming);
	if (!err && conf)
		err = check_categories(x, diag);
	if (!err && conf && conf->site_count)
		err = mm_shares_init(&x->sites, conf->sites, r, process, site_naming);
	if (!err)
		err = make_routes(x);
	if (!err && !x->shares.thread_rule && !x->sites.thread_rule)
		err = make_table(x);
	if (err)
		mm_router_deinit(x);
	return err;
}
