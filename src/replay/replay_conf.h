/* replay_conf.h: "what if": a configuration that sends categories and sites to pools and
 * strategies of their own.
 *
 *     strategy = size-class                  # of all that goes nowhere else
 *     pool nodes { size = 24 }               # or size = [ 24, 32 ], or size = object
 *     heap bricks { strategy = best-fit }    # for all that name it
 *     category svo_nodes { match = [ "svo::*" ]; budget = 256M; pool = nodes }
 *     category sdf_fields { heap = bricks }
 *     category mesh_data { strategy = first-fit } # a heap of its own
 *     site "*octree_alloc*" { pool = nodes } # a glob as in match; before categories
 *
 * The categories are those of symbol/categories.h, so one file serves report and replay.
 * Promise: what is wrong is refused with "file:line: reason".
 * Vocabulary
 *   destination  where blocks come from: number 0 = the heap that all others go to
 *   rule         a section that sends objects somewhere or sets a budget
 * Read-only once made.
 */
#ifndef MM_REPLAY_REPLAY_CONF_H
#define MM_REPLAY_REPLAY_CONF_H

#include <stddef.h>
#include <stdint.h>

#include "alloc/heap.h"
#include "base/diag.h"
#include "symbol/categories.h"

enum { MM_DESTS_MOST = 64 };

struct mm_conf_dest {
	const char *name;          /* pool, heap, category or glob; of number 0 "general heap" */
	uint32_t line;
	int is_pool, is_named;     /* named: by a section of its own */
	int wanted;                /* a rule leads here */
	enum mm_strategy strategy; /* of a heap */
	uint64_t *sizes;           /* of a pool, ascending multiples of 8; 0 of them = each object's */
	size_t size_count;
};

struct mm_conf_rule {
	const char *name;     /* category or glob */
	uint32_t line, dest;  /* dest: 0 = none of its own */
	uint32_t category;    /* not of a site */
	uint8_t is_site, has_match, has_budget;
};

struct mm_replay_conf {
	char *path;
	struct mm_categories *categories;
	struct mm_categories *sites;   /* rules alone: rule n is the site section number n */
	int has_strategy, has_check;
	enum mm_strategy strategy;
	enum mm_check check;
	struct mm_conf_dest *dest;
	size_t dest_count, dest_cap;
	struct mm_conf_rule *rule;     /* sites first, in the order of the file */
	size_t rule_count, rule_cap, site_count;
};

/* MM_ESYNTAX, MM_ENOMEM; MM_ENOENT, MM_EPERM, MM_EIO. */
int mm_replay_conf_load(struct mm_replay_conf **ret, const char *path, struct mm_diag *diag);
/* From memory; name stands for the path in messages. */
int mm_replay_conf_parse(struct mm_replay_conf **ret, const char *name, const char *text,
			 size_t len, struct mm_diag *diag);
void mm_replay_conf_free(struct mm_replay_conf *c);

#endif
