/* ranking.h: sites of the selected processes sorted by a metric, and their stacks.
 *
 * Vocabulary: place = (process, site); candidate = a place whose measure is not all
 * zero; stack, table, row as report.h.
 * Not shared between threads.
 */
#ifndef MM_MODEL_RANKING_H
#define MM_MODEL_RANKING_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "model/naming.h"
#include "model/report.h"
#include "model/report_store.h"
#include "model/sums.h"

/* Everything that grouping, ranking and the tree work from; made by the model. */
struct mm_ranking {
	struct mm_reader *reader;
	struct mm_naming *naming;
	struct mm_report_store *store;
	struct mm_sums *sums; /* of the selected processes */
	size_t sum_count;
	const struct mm_categories *categories;
	uint8_t **matched;    /* by sum: sites that --match keeps; NULL = all */
	struct mm_report_stack *stacks;
	size_t stack_count, stack_cap;
	struct mm_map stack_of; /* (sum, site) -> stack + 1 */
};

struct mm_place { uint32_t sum, site; };

void mm_ranking_deinit(struct mm_ranking *g);

/* Is the site to be counted (--match)? */
static inline int mm_ranking_keeps(const struct mm_ranking *g, size_t sum, uint32_t site)
{
	return !g->matched || g->matched[sum][site];
}

/* Index of the frame that a stack (innermost first) is listed under: the first that is
 * not the runtime's; 0 when all are. */
uint32_t mm_ranking_first(const struct mm_ranking *g, const uint32_t *frames, size_t count);

/* Frames of a place's whole stack, innermost first, into *frames (grown by *cap). */
int mm_ranking_frames(const struct mm_ranking *g, struct mm_place place, uint32_t **frames,
		     size_t *cap, size_t *ret_count);

/* The first `limit` places by metric (0 = all whose figure is not 0): a malloc'ed array
 * in *ret, its length in *ret_count; in *ret_positive how many have a figure. */
int mm_ranking_pick(const struct mm_ranking *g, enum mm_metric metric, size_t limit,
		    struct mm_place **ret, size_t *ret_count, size_t *ret_positive);

/* Names the stacks of these places, in batches. */
int mm_ranking_name(struct mm_ranking *g, const struct mm_place *places, size_t count);

/* Number of the place's stack, made when new. */
int mm_ranking_stack(struct mm_ranking *g, struct mm_place place, uint32_t *ret);

/* A table by site from places that mm_ranking_pick gave for `metric`. */
int mm_ranking_table(struct mm_ranking *g, enum mm_metric metric, const struct mm_place *places,
		     size_t count, size_t positive, struct mm_report_table *ret);

/* Sum over all sites that are kept, and the part whose sites were lost (all processes). */
void mm_ranking_total(const struct mm_ranking *g, struct mm_measure *ret_kept,
		     struct mm_measure *ret_lost);

#endif
