/* categories.c: names, budgets and rules of categories (categories.h). */
#include "symbol/categories.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "symbol/category_rules.h"
#include "symbol/glob.h"

struct category { char *name; uint64_t budget; };

struct mm_categories {
	struct category *list;
	size_t count, cap, builtin;
	struct mm_category_rules rules;
};

static int builtins_add(struct mm_categories *c)
{
	static const struct { const char *name; unsigned mib; } builtins[] = {
		{ "general", 64 }, /* first: MM_CATEGORY_GENERAL */
		{ "svo_nodes", 256 }, { "sdf_fields", 512 }, { "narrow_band", 128 },
		{ "material_channels", 256 }, { "mesh_data", 128 },
	};

	for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++) {
		uint32_t category;
		if (mm_categories_intern(c, builtins[i].name, &category))
			return MM_ENOMEM;
		c->list[category].budget = (uint64_t)builtins[i].mib << 20;
	}
	c->builtin = c->count;
	return MM_OK;
}

int mm_categories_load(struct mm_categories **ret, const char *path, struct mm_diag *diag)
{
	struct mm_categories *c = calloc(1, sizeof *c);
	int err = c ? builtins_add(c) : MM_ENOMEM;

	if (err)
		mm_fail(diag, err, "%s", mm_strerror(err));
	if (!err && path)
		err = mm_category_rules_read(&c->rules, c, path, diag);
	if (err)
		mm_categories_free(c);
	else
		*ret = c;
	return err;
}

int mm_categories_of_conf(struct mm_categories **ret, struct mm_conf *conf, const char *path,
			  struct mm_diag *diag)
{
	struct mm_categories *c = NULL;
	int err = mm_categories_load(&c, NULL, diag);

	if (err) {
		mm_conf_free(conf);
		return err;
	}
	c->rules.conf = conf;
	err = mm_category_rules_take(&c->rules, c, path, diag);
	if (err)
		mm_categories_free(c);
	else
		*ret = c;
	return err;
}

int mm_categories_add_rule(struct mm_categories *c, const char *name,
			   const struct mm_conf_value *globs, size_t count, const char *path,
			   struct mm_diag *diag)
{
	uint32_t category;

	if (mm_categories_intern(c, name, &category))
		return MM_ENOMEM;
	return mm_category_rules_add(&c->rules, c, category, globs, count, path, diag);
}

void mm_categories_free(struct mm_categories *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		free(c->list[i].name);
	free(c->list);
	mm_category_rules_deinit(&c->rules);
	free(c);
}

uint32_t mm_categories_count(const struct mm_categories *c)
{
	return (uint32_t)c->count;
}

const char *mm_categories_name(const struct mm_categories *c, uint32_t category)
{
	return category < c->count ? c->list[category].name : "";
}

uint64_t mm_categories_budget(const struct mm_categories *c, uint32_t category)
{
	return category < c->count ? c->list[category].budget : MM_UNKNOWN;
}

void mm_categories_set_budget(struct mm_categories *c, uint32_t category, uint64_t bytes)
{
	c->list[category].budget = bytes;
}

int mm_categories_intern(struct mm_categories *c, const char *name, uint32_t *ret)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->list[i].name, name) == 0) {
			*ret = (uint32_t)i;
			return MM_OK;
		}
	char *copy = strdup(name);
	if (!copy || MM_GROW(c->list, c->cap, c->count + 1)) {
		free(copy);
		return MM_ENOMEM;
	}
	c->list[c->count] = (struct category){ copy, MM_UNKNOWN };
	*ret = (uint32_t)c->count++;
	return MM_OK;
}

int mm_categories_is_builtin(const struct mm_categories *c, uint32_t category)
{
	return category < c->builtin;
}

int mm_categories_has_rules(const struct mm_categories *c)
{
	return c->rules.rule_count > 0;
}

int mm_categories_has_thread_rules(const struct mm_categories *c)
{
	return c->rules.has_kind[MM_GLOB_THREAD];
}

static int frames_match(const struct mm_category_glob *glob, const struct mm_frame *frames,
			size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (glob->kind == MM_GLOB_FUNCTION
		    ? mm_glob_match_function(glob->pattern, frames[i].function)
		    : mm_glob_match_path(glob->pattern, frames[i].file))
			return 1;
	return 0;
}

uint32_t mm_categories_match(const struct mm_categories *c, const char *path,
			     const struct mm_frame *frames, size_t count)
{
	for (size_t i = 0; i < c->rules.glob_count; i++) {
		const struct mm_category_glob *glob = &c->rules.globs[i];
		if (glob->kind == MM_GLOB_THREAD)
			continue;
		if (glob->kind == MM_GLOB_LIBRARY ? mm_glob_match_path(glob->pattern, path)
						  : frames_match(glob, frames, count))
			return glob->rule;
	}
	return UINT32_MAX;
}

uint32_t mm_categories_match_thread(const struct mm_categories *c, const char *thread_name)
{
	for (size_t i = 0; i < c->rules.glob_count; i++) {
		const struct mm_category_glob *glob = &c->rules.globs[i];
		if (glob->kind == MM_GLOB_THREAD &&
		    mm_glob_match(glob->pattern, thread_name, strlen(thread_name)))
			return glob->rule;
	}
	return UINT32_MAX;
}

uint32_t mm_categories_of_rule(const struct mm_categories *c, uint32_t rule)
{
	return rule < c->rules.rule_count ? c->rules.categories[rule] : MM_CATEGORY_GENERAL;
}
