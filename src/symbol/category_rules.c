/* category_rules.c: reads category sections from a configuration file
 * (category_rules.h). */
#include "symbol/category_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"
#include "core/error.h"
#include "symbol/categories.h"
#include "symbol/glob.h"

struct rules_reader {
	struct mm_category_rules *rules;
	struct mm_categories *categories;
	const char *path;
	struct mm_diag *diag;
};

#define BUDGET_MOST (UINT64_C(1) << 63)

#define REFUSE(in, at, format, ...) \
	mm_fail((in)->diag, MM_ESYNTAX, "%s:%u: " format, (in)->path, (unsigned)(at), __VA_ARGS__)

static int out_of_memory(const struct rules_reader *in)
{
	return mm_fail(in->diag, MM_ENOMEM, "%s: out of memory", in->path);
}

/* Takes a leading "file:" off; a name with "::" has no such prefix. */
static int kind_read(const struct rules_reader *in, const struct mm_conf_value *v,
		     struct mm_category_glob *ret)
{
	static const char *const kinds[MM_GLOB_KINDS] = {
		[MM_GLOB_FUNCTION] = "function", [MM_GLOB_FILE] = "file",
		[MM_GLOB_LIBRARY] = "library", [MM_GLOB_THREAD] = "thread",
	};
	size_t len = strcspn(v->text, ":*?[\\(<, /");

	ret->kind = MM_GLOB_FUNCTION;
	ret->pattern = v->text;
	if (v->text[len] != ':' || v->text[len + 1] == ':')
		return MM_OK;
	for (uint8_t i = 0; i < MM_GLOB_KINDS; i++)
		if (strlen(kinds[i]) == len && memcmp(kinds[i], v->text, len) == 0) {
			ret->kind = i;
			ret->pattern = v->text + len + 1;
			return MM_OK;
		}
	return REFUSE(in, v->line, "'%s': patterns begin with function:, file:, library: or "
		      "thread:, not '%.*s:'", v->text, (int)len, v->text);
}

static int glob_read(struct rules_reader *in, const struct mm_conf_value *v, uint32_t rule)
{
	struct mm_category_rules *r = in->rules;
	struct mm_category_glob glob = { .rule = rule };
	int err = kind_read(in, v, &glob);

	if (err)
		return err;
	const char *wrong = mm_glob_check(glob.pattern);
	if (wrong)
		return REFUSE(in, v->line, "'%s': %s", v->text, wrong);
	if (MM_GROW(r->globs, r->glob_cap, r->glob_count + 1))
		return out_of_memory(in);
	r->globs[r->glob_count++] = glob;
	r->has_kind[glob.kind] = 1;
	return MM_OK;
}

static int match_read(struct rules_reader *in, const struct mm_conf_value *globs, size_t count,
		      uint32_t category)
{
	struct mm_category_rules *r = in->rules;
	int err = MM_OK;

	if (MM_GROW(r->categories, r->rule_cap, r->rule_count + 1))
		return out_of_memory(in);
	r->categories[r->rule_count] = category;
	for (size_t i = 0; i < count && !err; i++)
		err = glob_read(in, &globs[i], (uint32_t)r->rule_count);
	r->rule_count++;
	return err;
}

static int budget_read(struct rules_reader *in, const struct mm_conf_item *item,
		       uint32_t category)
{
	uint64_t bytes;

	if (item->is_list)
		return REFUSE(in, item->line, "'%s' is one size, not a list", item->key);
	if (mm_parse_size(item->values[0].text, &bytes))
		return REFUSE(in, item->values[0].line, "'%s' is not a size (such as 256M or "
			      "64MB)", item->values[0].text);
	if (bytes > BUDGET_MOST)
		return REFUSE(in, item->values[0].line, "'%s': a budget is at most 2^63 bytes",
			      item->values[0].text);
	mm_categories_set_budget(in->categories, category, bytes);
	return MM_OK;
}

static int is_others(const char *key, const char *one, const char *other)
{
	return strcmp(key, one) == 0 || strcmp(key, other) == 0;
}

static int key_read(struct rules_reader *in, const struct mm_conf_item *item,
		    uint32_t category)
{
	if (is_others(item->key, "pool", "strategy") || strcmp(item->key, "heap") == 0)
		return MM_OK;
	if (strcmp(item->key, "budget") && strcmp(item->key, "match"))
		return REFUSE(in, item->line, "unknown key '%s' (a category has budget and "
			      "match)", item->key);
	if (item->is_section)
		return REFUSE(in, item->line, "'%s' has a value, not a section", item->key);
	return item->key[0] == 'b' ? budget_read(in, item, category)
				   : match_read(in, item->values, item->value_count, category);
}

/* One section; its rule comes from its one `match`. */
static int category_read(struct rules_reader *in, const struct mm_conf_item *section)
{
	uint32_t category;

	if (!section->label[0])
		return REFUSE(in, section->line, "%s needs a name: category NAME { ... }",
			      section->key);
	if (mm_categories_intern(in->categories, section->label, &category))
		return out_of_memory(in);
	for (size_t i = 0; i < section->item_count; i++) {
		const struct mm_conf_item *item = &section->items[i];
		for (size_t k = 0; k < i; k++)
			if (strcmp(section->items[k].key, item->key) == 0)
				return REFUSE(in, item->line, "'%s' is given twice (first in line "
					      "%u)", item->key,
					      (unsigned)section->items[k].line);
		int err = key_read(in, item, category);
		if (err)
			return err;
	}
	return MM_OK;
}

static int sections_read(struct rules_reader *in)
{
	const struct mm_conf_item *root = mm_conf_root(in->rules->conf);

	for (size_t i = 0; i < root->item_count; i++) {
		const struct mm_conf_item *item = &root->items[i];
		if (is_others(item->key, "pool", "site") || strcmp(item->key, "heap") == 0 ||
		    is_others(item->key, "strategy", "check"))
			continue;
		if (strcmp(item->key, "category"))
			return REFUSE(in, item->line, "unknown key '%s' (known: category)",
				      item->key);
		if (!item->is_section)
			return REFUSE(in, item->line, "write category NAME { ... }, not "
				      "category = %s",
				      item->value_count ? item->values[0].text : "[]");
		int err = category_read(in, item);
		if (err)
			return err;
	}
	return MM_OK;
}

int mm_category_rules_take(struct mm_category_rules *r, struct mm_categories *c,
			   const char *path, struct mm_diag *diag)
{
	struct rules_reader in = { r, c, path, diag };

	return sections_read(&in);
}

int mm_category_rules_add(struct mm_category_rules *r, struct mm_categories *c, uint32_t category,
			  const struct mm_conf_value *globs, size_t count, const char *path,
			  struct mm_diag *diag)
{
	struct rules_reader in = { r, c, path, diag };

	return match_read(&in, globs, count, category);
}

int mm_category_rules_read(struct mm_category_rules *r, struct mm_categories *c,
			   const char *path, struct mm_diag *diag)
{
	int err = mm_conf_load(&r->conf, path, diag);

	return err ? err : mm_category_rules_take(r, c, path, diag);
}

void mm_category_rules_deinit(struct mm_category_rules *r)
{
	mm_conf_free(r->conf);
	free(r->globs);
	free(r->categories);
	memset(r, 0, sizeof *r);
}
