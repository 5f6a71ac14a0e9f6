/* shares.h: which category each site of a process belongs to.
 *
 * Promise: the innermost category that the program pushed wins; else the
 * first rule of the configuration that matches a frame (or the thread); else `general`.
 * Vocabulary: share = (site, thread) -> category.
 * Not shared between threads.
 */
#ifndef MM_MODEL_SHARES_H
#define MM_MODEL_SHARES_H

#include <stdint.h>

#include "model/naming.h"
#include "symbol/categories.h"
#include "trace/reader.h"

struct mm_shares { /* caller's memory, zero-initialised = empty */
	const struct mm_categories *categories;
	uint32_t *pushed;      /* by site: category + 1, 0 = none pushed */
	uint32_t *rule;        /* by site; UINT32_MAX none */
	uint32_t *thread_rule; /* by thread; NULL = there are no thread rules */
	uint32_t sites, threads;
	int named;             /* some site is not `general` */
	int plain;             /* no site is, whatever its thread */
};

/* Categories that the program named join `c`. Names sites (in batch) only when there
 * are rules over frames. */
int mm_shares_init(struct mm_shares *s, struct mm_categories *c, struct mm_reader *r,
		   uint32_t process, struct mm_naming *naming);
/* The same for shares that may hold some sites already: looks only at those that came since,
 * and at all threads, whose names may have changed. */
int mm_shares_update(struct mm_shares *s, struct mm_categories *c, struct mm_reader *r,
		     uint32_t process, struct mm_naming *naming);
void mm_shares_deinit(struct mm_shares *s);

/* The first rule that decides for an object born there, pushed categories aside: UINT32_MAX
 * none. */
uint32_t mm_shares_rule(const struct mm_shares *s, uint32_t site, uint32_t thread);

/* Category of an object born at `site` by `thread` (MM_NO_THREAD unknown). */
uint32_t mm_shares_category(const struct mm_shares *s, uint32_t site, uint32_t thread);

#endif
