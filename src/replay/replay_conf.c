/* replay_conf.c: pools first, then sites and categories, which refer to them (replay_conf.h). */
#include "replay/replay_conf.h"

#include <stdlib.h>
#include <string.h>

#include "alloc/depot.h"
#include "base/buf.h"
#include "base/conf.h"
#include "base/suggest.h"
#include "base/units.h"
#include "core/error.h"
#include "replay/poolset.h"
#include "replay/words.h"

struct conf_reader {
	struct mm_replay_conf *conf;
	const struct mm_conf_item *root;
	const char *path;
	struct mm_diag *diag;
};

#define WRONG(in, at, format, ...) \
	mm_fail((in)->diag, MM_ESYNTAX, "%s:%u: " format, (in)->path, (unsigned)(at), __VA_ARGS__)

static int memory_is_out(const struct conf_reader *in)
{
	return mm_fail(in->diag, MM_ENOMEM, "%s: out of memory", in->path);
}

/* With all names that there are, and the one that was meant. */
static int unknown_word(const struct conf_reader *in, uint32_t line, const char *what,
			const char *word, const char *const *names)
{
	char choices[256];

	return WRONG(in, line, "unknown %s '%s'%s", what, word,
		     mm_suggest_of(choices, sizeof choices, word, names));
}

static int one_value(const struct conf_reader *in, const struct mm_conf_item *item,
		     const struct mm_conf_value **ret)
{
	if (item->is_section || item->is_list)
		return WRONG(in, item->line, "'%s' has one value", item->key);
	*ret = &item->values[0];
	return MM_OK;
}

/* --- destinations --------------------------------------------------------------------------- */

static int add_dest(struct conf_reader *in, const struct mm_conf_dest *dest, uint32_t *ret)
{
	struct mm_replay_conf *c = in->conf;

	if (c->dest_count == MM_DESTS_MOST)
		return WRONG(in, dest->line, "'%s': more than %d pools, heaps and strategies", dest->name,
			     MM_DESTS_MOST - 1);
	if (MM_GROW(c->dest, c->dest_cap, c->dest_count + 1))
		return memory_is_out(in);
	c->dest[c->dest_count] = *dest;
	*ret = (uint32_t)c->dest_count++;
	return MM_OK;
}

static int read_strategy(struct conf_reader *in, const struct mm_conf_item *item,
			 enum mm_strategy *ret)
{
	const struct mm_conf_value *v = NULL;
	int err = one_value(in, item, &v);
	char text[MM_WORDS_TEXT];

	if (err || !mm_strategy_of(v->text, ret))
		return err;
	return WRONG(in, v->line, "%s", mm_words_no_strategy(text, v->text));
}

static int read_check(struct conf_reader *in, const struct mm_conf_item *item)
{
	const struct mm_conf_value *v = NULL;
	int err = one_value(in, item, &v);
	char text[MM_WORDS_TEXT];

	if (!err && mm_check_of(v->text, &in->conf->check))
		return WRONG(in, v->line, "check: %s", mm_words_no_check(text, v->text));
	in->conf->has_check = 1;
	return err;
}

/* --- pools ----------------------------------------------------------------------------------- */

static int read_size(const struct conf_reader *in, const struct mm_conf_value *v, uint64_t *ret)
{
	uint64_t bytes;

	if (mm_parse_size(v->text, &bytes))
		return WRONG(in, v->line, "'%s' is not a size (such as 24 or 4K) and not object",
			     v->text);
	if (bytes == 0)
		return WRONG(in, v->line, "a pool of blocks of %d bytes", 0);
	if (bytes > MM_DEPOT_BLOCK_MOST)
		return WRONG(in, v->line, "'%s': a block of a pool has at most 1 GiB", v->text);
	*ret = (bytes + 7) / 8 * 8;
	return MM_OK;
}

static int put_size(const struct conf_reader *in, struct mm_conf_dest *dest,
		    const struct mm_conf_value *v)
{
	uint64_t bytes = 0;
	size_t at = dest->size_count;
	int err = read_size(in, v, &bytes);

	if (err)
		return err;
	while (at > 0 && dest->sizes[at - 1] >= bytes)
		at--;
	if (at < dest->size_count && dest->sizes[at] == bytes)
		return WRONG(in, v->line, "'%s': blocks of %llu bytes are given twice", v->text,
			     (unsigned long long)bytes);
	memmove(&dest->sizes[at + 1], &dest->sizes[at],
		(dest->size_count - at) * sizeof *dest->sizes);
	dest->sizes[at] = bytes;
	dest->size_count++;
	return MM_OK;
}

static int read_sizes(const struct conf_reader *in, const struct mm_conf_item *item,
		      struct mm_conf_dest *dest)
{
	int err = MM_OK;

	if (item->is_section)
		return WRONG(in, item->line, "'%s' has a value, not a section", item->key);
	if (item->is_list && !item->value_count)
		return WRONG(in, item->line, "'%s' has no size", item->key);
	if (item->value_count > MM_POOLSET_SIZES)
		return WRONG(in, item->line, "a pool has at most %d sizes", MM_POOLSET_SIZES);
	if (!item->is_list && strcmp(item->values[0].text, "object") == 0)
		return MM_OK;
	for (size_t i = 0; !err && i < item->value_count; i++)
		err = put_size(in, dest, &item->values[i]);
	return err;
}

static int only_keys(const struct conf_reader *in, const struct mm_conf_item *section,
		     const char *const *keys)
{
	for (size_t i = 0; i < section->item_count; i++) {
		const struct mm_conf_item *item = &section->items[i];
		size_t k = 0;
		while (keys[k] && strcmp(keys[k], item->key))
			k++;
		if (!keys[k])
			return unknown_word(in, item->line, "key", item->key, keys);
		for (k = 0; k < i; k++)
			if (strcmp(section->items[k].key, item->key) == 0)
				return WRONG(in, item->line, "'%s' is given twice (first in line %u)",
					     item->key, (unsigned)section->items[k].line);
	}
	return MM_OK;
}

static const struct mm_conf_item *key_of(const struct mm_conf_item *section, const char *key)
{
	for (size_t i = 0; i < section->item_count; i++)
		if (strcmp(section->items[i].key, key) == 0)
			return &section->items[i];
	return NULL;
}

/* Pools and heaps have one space of names. */
static int is_named_twice(const struct conf_reader *in, const struct mm_conf_item *section)
{
	for (size_t i = 1; i < in->conf->dest_count; i++)
		if (strcmp(in->conf->dest[i].name, section->label) == 0)
			return WRONG(in, section->line, "%s '%s' is given twice (first in line %u)",
				     section->key, section->label,
				     (unsigned)in->conf->dest[i].line);
	return MM_OK;
}

static int read_heap(struct conf_reader *in, const struct mm_conf_item *section)
{
	static const char *const keys[] = { "strategy", NULL };
	struct mm_conf_dest dest = { .name = section->label, .line = section->line, .is_named = 1 };
	const struct mm_conf_item *strategy = key_of(section, "strategy");
	uint32_t n;
	int err = only_keys(in, section, keys);

	if (!err)
		err = is_named_twice(in, section);
	if (!err && strategy)
		err = read_strategy(in, strategy, &dest.strategy);
	return err ? err : add_dest(in, &dest, &n);
}

static int read_pool(struct conf_reader *in, const struct mm_conf_item *section)
{
	static const char *const keys[] = { "size", NULL };
	struct mm_conf_dest dest = { .name = section->label, .line = section->line, .is_pool = 1,
				     .is_named = 1 };
	const struct mm_conf_item *size = key_of(section, "size");
	uint32_t n;
	int err = only_keys(in, section, keys);

	if (!err)
		err = is_named_twice(in, section);
	if (err)
		return err;
	if (!(dest.sizes = calloc(MM_POOLSET_SIZES + 1, sizeof *dest.sizes)))
		return memory_is_out(in);
	if (size)
		err = read_sizes(in, size, &dest);
	if (!err)
		err = add_dest(in, &dest, &n);
	if (err)
		free(dest.sizes);
	return err;
}

/* --- rules ------------------------------------------------------------------------------------- */

static int find_named(const struct conf_reader *in, const char *what,
		      const struct mm_conf_value *v, uint32_t *ret)
{
	const char *names[MM_DESTS_MOST + 1] = { NULL };
	size_t count = 0;

	for (size_t i = 1; i < in->conf->dest_count; i++) {
		const struct mm_conf_dest *d = &in->conf->dest[i];
		if (!d->is_named || d->is_pool != (*what == 'p'))
			continue;
		names[count++] = d->name;
		if (strcmp(d->name, v->text) == 0) {
			*ret = (uint32_t)i;
			return MM_OK;
		}
	}
	return unknown_word(in, v->line, what, v->text, names);
}

/* The only one of the keys that a section has, NULL = none. */
static int one_of(const struct conf_reader *in, const struct mm_conf_item *section,
		  const char *const *keys, const struct mm_conf_item **ret)
{
	*ret = NULL;
	for (; *keys; keys++) {
		const struct mm_conf_item *item = key_of(section, *keys);
		if (item && *ret)
			return WRONG(in, item->line, "'%s' has a %s (line %u) or a %s, not both",
				     section->label, (*ret)->key, (unsigned)(*ret)->line, *keys);
		*ret = item ? item : *ret;
	}
	return MM_OK;
}

/* Where a section leads: a pool, a heap, or a heap of its own under its strategy. */
static int read_dest(struct conf_reader *in, const struct mm_conf_item *section, uint32_t *ret)
{
	static const char *const keys[] = { "pool", "heap", "strategy", NULL };
	struct mm_conf_dest own = { .name = section->label, .line = section->line };
	const struct mm_conf_value *v = NULL;
	const struct mm_conf_item *item;
	int err = one_of(in, section, keys, &item);

	if (err || !item)
		return err;
	if (*item->key == 's') {
		if (!(err = read_strategy(in, item, &own.strategy)))
			err = add_dest(in, &own, ret);
	} else if (!(err = one_value(in, item, &v))) {
		err = find_named(in, item->key, v, ret);
	}
	if (!err)
		in->conf->dest[*ret].wanted = 1;
	return err;
}

static int add_rule(struct conf_reader *in, const struct mm_conf_rule *rule)
{
	struct mm_replay_conf *c = in->conf;

	if (MM_GROW(c->rule, c->rule_cap, c->rule_count + 1))
		return memory_is_out(in);
	c->rule[c->rule_count++] = *rule;
	return MM_OK;
}

static int twice(const struct conf_reader *in, const struct mm_conf_item *section)
{
	for (const struct mm_conf_item *i = in->root->items; i < section; i++)
		if (strcmp(i->key, section->key) == 0 && strcmp(i->label, section->label) == 0)
			return *section->label
				? WRONG(in, section->line, "%s '%s' is given twice (first in line %u)",
					section->key, section->label, (unsigned)i->line)
				: WRONG(in, section->line, "'%s' is given twice (first in line %u)",
					section->key, (unsigned)i->line);
	return MM_OK;
}

static int read_site(struct conf_reader *in, const struct mm_conf_item *section)
{
	static const char *const keys[] = { "pool", "heap", "strategy", NULL };
	struct mm_conf_rule rule = { .name = section->label, .line = section->line, .is_site = 1,
				     .has_match = 1 };
	struct mm_conf_value glob = { section->label, section->line };
	int err = only_keys(in, section, keys);

	if (!err)
		err = twice(in, section);
	if (!err)
		err = read_dest(in, section, &rule.dest);
	if (!err && !rule.dest)
		err = WRONG(in, section->line, "site '%s' needs a pool, a heap or a strategy",
			    section->label);
	/* Kept by the configuration, which outlives the rule; the pointer is to its text. */
	if (!err)
		err = mm_categories_add_rule(in->conf->sites, section->label, &glob, 1, in->path,
					     in->diag);
	return err ? err : add_rule(in, &rule);
}

static int check_category(struct conf_reader *in, const struct mm_conf_item *section)
{
	static const char *const keys[] = { "budget", "heap", "match", "pool", "strategy", NULL };
	int err = only_keys(in, section, keys);

	return err ? err : twice(in, section);
}

static int read_category(struct conf_reader *in, const struct mm_conf_item *section)
{
	struct mm_conf_rule rule = { .name = section->label, .line = section->line,
				     .has_match = key_of(section, "match") != NULL,
				     .has_budget = key_of(section, "budget") != NULL };
	int err = read_dest(in, section, &rule.dest);

	if (!err && mm_categories_intern(in->conf->categories, rule.name, &rule.category))
		err = memory_is_out(in);
	return err ? err : add_rule(in, &rule);
}

/* --- the file ------------------------------------------------------------------------------------ */

/* Sections and keys of that name, in order. */
static int each_section(struct conf_reader *in, const char *key,
			int (*fn)(struct conf_reader *in, const struct mm_conf_item *section))
{
	int err = MM_OK;

	for (size_t i = 0; !err && i < in->root->item_count; i++) {
		const struct mm_conf_item *item = &in->root->items[i];
		if (strcmp(item->key, key))
			continue;
		if (!item->is_section || !item->label[0])
			return WRONG(in, item->line, "write %s NAME { ... }", key);
		err = fn(in, item);
	}
	return err;
}

static int check_root(struct conf_reader *in)
{
	static const char *const keys[] = { "category", "check", "heap", "pool", "site", "strategy",
		NULL };
	int err = MM_OK;

	for (size_t i = 0; !err && i < in->root->item_count; i++) {
		const struct mm_conf_item *item = &in->root->items[i];
		size_t k = 0;
		while (keys[k] && strcmp(keys[k], item->key))
			k++;
		if (!keys[k])
			return unknown_word(in, item->line, "key", item->key, keys);
		if (item->key[0] == 's' && item->key[1] == 't') {
			if ((err = twice(in, item)) == MM_OK)
				err = read_strategy(in, item, &in->conf->strategy);
			in->conf->has_strategy = 1;
		} else if (strcmp(item->key, "check") == 0) {
			if ((err = twice(in, item)) == MM_OK)
				err = read_check(in, item);
		}
	}
	return err;
}

static int read_all(struct conf_reader *in)
{
	struct mm_conf_dest heap = { .name = "general heap" };
	uint32_t n;
	int err;

	heap.strategy = in->conf->strategy;
	err = add_dest(in, &heap, &n);
	if (!err)
		err = each_section(in, "pool", read_pool);
	if (!err)
		err = each_section(in, "heap", read_heap);
	if (!err)
		err = mm_categories_load(&in->conf->sites, NULL, in->diag);
	if (!err)
		err = each_section(in, "site", read_site);
	in->conf->site_count = in->conf->rule_count;
	return err ? err : each_section(in, "category", read_category);
}

static int take_path(struct conf_reader *in)
{
	in->conf->path = strdup(in->path);
	return in->conf->path ? MM_OK : memory_is_out(in);
}

/* conf is the result's, or gone. */
static int take_conf(struct mm_replay_conf **ret, struct mm_conf *conf, const char *path,
		     struct mm_diag *diag)
{
	struct conf_reader in = { .path = path, .diag = diag, .root = mm_conf_root(conf) };
	int err;

	if (!(in.conf = calloc(1, sizeof *in.conf))) {
		mm_conf_free(conf);
		return memory_is_out(&in);
	}
	err = check_root(&in);
	if (!err)
		err = each_section(&in, "category", check_category);
	if (!err)
		err = take_path(&in);
	if (err)
		mm_conf_free(conf);
	else
		err = mm_categories_of_conf(&in.conf->categories, conf, path, diag);
	if (!err)
		err = read_all(&in);
	if (err)
		mm_replay_conf_free(in.conf);
	else
		*ret = in.conf;
	return err;
}

int mm_replay_conf_load(struct mm_replay_conf **ret, const char *path, struct mm_diag *diag)
{
	struct mm_conf *conf = NULL;
	int err = mm_conf_load(&conf, path, diag);

	return err ? err : take_conf(ret, conf, path, diag);
}

int mm_replay_conf_parse(struct mm_replay_conf **ret, const char *name, const char *text,
			 size_t len, struct mm_diag *diag)
{
	struct mm_conf *conf = NULL;
	int err = mm_conf_parse(&conf, name, text, len, diag);

	return err ? err : take_conf(ret, conf, name, diag);
}

void mm_replay_conf_free(struct mm_replay_conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->dest_count; i++)
		free(c->dest[i].sizes);
	free(c->dest);
	free(c->rule);
	free(c->path);
	if (c->sites)
		mm_categories_free(c->sites);
	if (c->categories)
		mm_categories_free(c->categories);
	free(c);
}
