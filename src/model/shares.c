/* shares.c: sites into categories, by one pass over the call tree (shares.h): parents
 * come before children, so each site looks at itself and its parent only. */
#include "model/shares.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

void mm_shares_deinit(struct mm_shares *s)
{
	free(s->pushed);
	free(s->rule);
	free(s->thread_rule);
	memset(s, 0, sizeof *s);
}

static uint32_t known_parent(const struct mm_site *site, uint32_t number)
{
	return site->parent < number ? site->parent : 0;
}

static int push_category(struct mm_shares *s, struct mm_categories *c, struct mm_reader *r,
			 uint32_t process, uint32_t i)
{
	const struct mm_site *site = mm_reader_site(r, process, i);
	uint32_t category;

	s->pushed[i] = s->pushed[known_parent(site, i)];
	if (site->kind != MM_SITE_CATEGORY)
		return MM_OK;
	const char *name = mm_reader_string(r, process, (uint32_t)site->value);
	int err = mm_categories_intern(c, name && *name ? name : "general", &category);
	if (err)
		return err;
	s->pushed[i] = category + 1;
	s->named |= category != MM_CATEGORY_GENERAL;
	return MM_OK;
}

static int match_frames(struct mm_shares *s, struct mm_reader *r, uint32_t process,
			struct mm_naming *naming, uint32_t first, uint32_t sites)
{
	uint8_t *wanted = calloc(sites + 1u, 1);

	if (!wanted)
		return MM_ENOMEM;
	memset(wanted + first, 1, sites - first);
	int err = mm_naming_prepare_flagged(naming, process, wanted);
	free(wanted);
	for (uint32_t i = first ? first : 1; !err && i < sites; i++) {
		uint32_t above = s->rule[known_parent(mm_reader_site(r, process, i), i)];
		err = mm_naming_rule(naming, s->categories, process, i, &s->rule[i]);
		if (above < s->rule[i])
			s->rule[i] = above;
		s->named |= s->rule[i] != UINT32_MAX;
	}
	return err;
}

static int match_threads(struct mm_shares *s, struct mm_reader *r, uint32_t process)
{
	free(s->thread_rule);
	s->threads = mm_reader_threads(r, process);
	s->thread_rule = malloc((s->threads + 1) * sizeof *s->thread_rule);
	if (!s->thread_rule)
		return MM_ENOMEM;
	for (uint32_t i = 0; i < s->threads; i++) {
		const char *name = mm_reader_thread(r, process, i)->name;
		s->thread_rule[i] = mm_categories_match_thread(s->categories, name ? name : "");
		s->plain &= s->thread_rule[i] == UINT32_MAX;
	}
	return MM_OK;
}

/* Room for so many sites; those from the old number on have no category. */
static int make_room(struct mm_shares *s, uint32_t sites)
{
	uint32_t *pushed = realloc(s->pushed, (sites + 1u) * sizeof *pushed);

	if (!pushed)
		return MM_ENOMEM;
	s->pushed = pushed;
	uint32_t *rule = realloc(s->rule, (sites + 1u) * sizeof *rule);
	if (!rule)
		return MM_ENOMEM;
	s->rule = rule;
	memset(pushed + s->sites, 0, (sites + 1u - s->sites) * sizeof *pushed);
	memset(rule + s->sites, 0xff, (sites + 1u - s->sites) * sizeof *rule);
	return MM_OK;
}

static int add_sites(struct mm_shares *s, struct mm_categories *c, struct mm_reader *r,
		     uint32_t process, struct mm_naming *naming)
{
	uint32_t sites = mm_reader_sites(r, process);
	int err = make_room(s, sites);

	for (uint32_t i = s->sites ? s->sites : 1; !err && i < sites; i++)
		err = push_category(s, c, r, process, i);
	if (!err && mm_categories_has_rules(c))
		err = match_frames(s, r, process, naming, s->sites, sites);
	if (!err)
		s->sites = sites;
	return err;
}

int mm_shares_update(struct mm_shares *s, struct mm_categories *c, struct mm_reader *r,
		     uint32_t process, struct mm_naming *naming)
{
	int err = MM_OK;

	s->categories = c;
	if (mm_reader_sites(r, process) > s->sites)
		err = add_sites(s, c, r, process, naming);
	s->plain = !s->named;
	if (!err && mm_categories_has_thread_rules(c))
		err = match_threads(s, r, process);
	if (err)
		mm_shares_deinit(s);
	return err;
}

int mm_shares_init(struct mm_shares *s, struct mm_categories *c, struct mm_reader *r,
		   uint32_t process, struct mm_naming *naming)
{
	memset(s, 0, sizeof *s);
	return mm_shares_update(s, c, r, process, naming);
}

uint32_t mm_shares_rule(const struct mm_shares *s, uint32_t site, uint32_t thread)
{
	uint32_t rule = site < s->sites ? s->rule[site] : UINT32_MAX;

	if (s->thread_rule && thread < s->threads && s->thread_rule[thread] < rule)
		rule = s->thread_rule[thread];
	return rule;
}

uint32_t mm_shares_category(const struct mm_shares *s, uint32_t site, uint32_t thread)
{
	if (site >= s->sites)
		return MM_CATEGORY_GENERAL;
	if (s->pushed[site])
		return s->pushed[site] - 1;
	uint32_t rule = mm_shares_rule(s, site, thread);
	return rule == UINT32_MAX ? MM_CATEGORY_GENERAL
				  : mm_categories_of_rule(s->categories, rule);
}
