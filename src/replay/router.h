/* router.h: which category an object belongs to and where its block comes from.
 *
 * Promise: a site rule that matches a frame (or the thread) wins over the object's category,
 * of several the first in the file; else the category's rule; else destination 0. Categories
 * are those of model/shares.h.
 * Vocabulary
 *   route        one combination of category and destination, by number
 *   rule         replay_conf.h; here: the one that decided, MM_NO_RULE = none
 * Not shared between threads.
 */
#ifndef MM_REPLAY_ROUTER_H
#define MM_REPLAY_ROUTER_H

#include <stdint.h>

#include "model/naming.h"
#include "model/shares.h"
#include "replay/replay_conf.h"
#include "trace/reader.h"

#define MM_NO_RULE UINT32_MAX

enum { MM_ROUTES_MOST = 1 << 16 };

struct mm_route { uint32_t category, dest, rule; };

struct mm_router {
	const struct mm_replay_conf *conf; /* NULL: categories alone, all to destination 0 */
	struct mm_categories *categories;
	struct mm_shares shares, sites;
	struct mm_route *route;
	uint32_t route_count, lanes;       /* lanes: routes of one category */
	uint16_t *of_site;                 /* NULL: threads matter */
	uint32_t site_count;
};

/* For one process. categories: conf's, or others where there is no conf; those that the program
 * named join them. Two namings, since each remembers one set of rules; NULL where there are
 * none. All outlive the router. MM_ESYNTAX with file:line: a rule is for a category that
 * nothing can be in; MM_ENOMEM. */
int mm_router_init(struct mm_router *x, const struct mm_replay_conf *conf,
		   struct mm_categories *categories, struct mm_reader *r, uint32_t process,
		   struct mm_naming *naming, struct mm_naming *site_naming, struct mm_diag *diag);
void mm_router_deinit(struct mm_router *x);

uint32_t mm_router_find(const struct mm_router *x, uint32_t site, uint32_t thread);

/* The route of an object born at `site` by `thread` (MM_NO_THREAD unknown). */
static inline uint32_t mm_router_route(const struct mm_router *x, uint32_t site, uint32_t thread)
{
	if (__builtin_expect(x->of_site != NULL, 1))
		return x->of_site[site < x->site_count ? site : 0];
	return mm_router_find(x, site, thread);
}

#endif
