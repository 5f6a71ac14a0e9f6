/* categories.h: rules that put sites into categories, and their budgets.
 *
 *     category svo_nodes { budget = 256mb; match = [ "svo::*", "file:src/svo/x*.c",
 *                          "library:libsvo*", "thread:svo-*", "function:node_new" ] }
 *
 * The first rule in the file one of whose globs matches any
 * frame wins; a bare glob is matched against functions. Six categories are built in
 * with budgets and without rules: svo_nodes 256 MiB, sdf_fields 512, narrow_band 128,
 * material_channels 256, mesh_data 128, general 64. An unknown key is an error that
 * names file and line. Sizes: 64M = 2^20, 64MB = 10^6 (case does not matter).
 */
#ifndef MM_SYMBOL_CATEGORIES_H
#define MM_SYMBOL_CATEGORIES_H

#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/diag.h"
#include "trace/event.h"

struct mm_categories;

enum { MM_CATEGORY_GENERAL = 0 }; /* number of `general`, always there */

/* path NULL = the built-in ones only. MM_ESYNTAX with file:line: reason. */
int mm_categories_load(struct mm_categories **ret, const char *path, struct mm_diag *diag);
void mm_categories_free(struct mm_categories *c);

/* The same from a configuration that was parsed, which belongs to the categories from now on,
 * also on failure. What other readers look for in the same file is left to them: sections
 * `pool`, `heap` and `site`, keys `strategy` and `check`, and of a category `pool`, `heap` and
 * `strategy`. */
int mm_categories_of_conf(struct mm_categories **ret, struct mm_conf *conf, const char *path,
			  struct mm_diag *diag);

/* A rule behind all others, that puts what matches one of the globs into the category of that
 * name. The globs outlive the categories; path is for messages. */
int mm_categories_add_rule(struct mm_categories *c, const char *name,
			   const struct mm_conf_value *globs, size_t count, const char *path,
			   struct mm_diag *diag);

uint32_t mm_categories_count(const struct mm_categories *c);
const char *mm_categories_name(const struct mm_categories *c, uint32_t category);
uint64_t mm_categories_budget(const struct mm_categories *c, uint32_t category); /* MM_UNKNOWN = none */

/* Number of the category named so, adding it (without rules) when unknown. */
int mm_categories_intern(struct mm_categories *c, const char *name, uint32_t *ret);

int mm_categories_is_builtin(const struct mm_categories *c, uint32_t category);
int mm_categories_has_rules(const struct mm_categories *c);
int mm_categories_has_thread_rules(const struct mm_categories *c);

/* Index of the first rule (0 = first in the file) that these frames of one address in
 * the module at `path` match, or UINT32_MAX. Thread globs are not looked at. The answer
 * for a site is the least over its frames. */
uint32_t mm_categories_match(const struct mm_categories *c, const char *path,
			     const struct mm_frame *frames, size_t count);
uint32_t mm_categories_match_thread(const struct mm_categories *c, const char *thread_name);
uint32_t mm_categories_of_rule(const struct mm_categories *c, uint32_t rule);

#endif
