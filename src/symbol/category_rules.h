/* category_rules.h: the rules of a configuration file, as categories.c keeps them. */
#ifndef MM_SYMBOL_CATEGORY_RULES_H
#define MM_SYMBOL_CATEGORY_RULES_H

#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/diag.h"

enum mm_glob_kind { MM_GLOB_FUNCTION = 0, MM_GLOB_FILE = 1, MM_GLOB_LIBRARY = 2,
	MM_GLOB_THREAD = 3, MM_GLOB_KINDS = 4 };

/* One glob of a rule; pattern belongs to the configuration. */
struct mm_category_glob {
	const char *pattern;
	uint32_t rule;
	uint8_t kind; /* enum mm_glob_kind */
};

struct mm_category_rules {
	struct mm_conf *conf;
	struct mm_category_glob *globs; /* in the order of their rules */
	size_t glob_count, glob_cap;
	uint32_t *categories;           /* of each rule */
	size_t rule_count, rule_cap;
	int has_kind[MM_GLOB_KINDS];
};

struct mm_categories;

/* Reads path into r and c's names and budgets. MM_ESYNTAX and a diag with file:line. */
int mm_category_rules_read(struct mm_category_rules *r, struct mm_categories *c,
			   const char *path, struct mm_diag *diag);
/* The same from r->conf, already parsed; path is for messages. */
int mm_category_rules_take(struct mm_category_rules *r, struct mm_categories *c,
			   const char *path, struct mm_diag *diag);
/* One rule more, behind the others. */
int mm_category_rules_add(struct mm_category_rules *r, struct mm_categories *c, uint32_t category,
			  const struct mm_conf_value *globs, size_t count, const char *path,
			  struct mm_diag *diag);
void mm_category_rules_deinit(struct mm_category_rules *r);

/* For the reader alone. */
void mm_categories_set_budget(struct mm_categories *c, uint32_t category, uint64_t bytes);

#endif
