/* learnt.h: what is known of one process of a trace beyond the reader's tables, whatever the
 * question: kept from one report to the next and extended as the trace grows.
 *
 * Inner header of the model. Not shared between threads.
 */
#ifndef MM_MODEL_LEARNT_H
#define MM_MODEL_LEARNT_H

#include <stdint.h>

#include "model/naming.h"
#include "model/pair.h"
#include "model/part.h"
#include "model/report_store.h"
#include "model/shares.h"
#include "model/tower.h"
#include "model/trace_notes.h"
#include "symbol/categories.h"
#include "trace/reader.h"

enum { MM_LEARNT_PARTS = 3 }; /* a range's ends, and its peak */

struct mm_learnt {
	uint32_t process;
	struct mm_pair *pair; /* borrowed */
	struct mm_notes notes;
	uint32_t noted;     /* chunks whose notes are there */
	struct mm_shares shares;
	struct mm_tower tower;
	/* by chunk: most bytes live in it, its start included */
	uint64_t *peaks;
	size_t peak_cap;
	uint32_t counted;   /* chunks in `peaks` and below */
	uint64_t events;
	uint32_t *gaps;     /* chunks before which some are missing */
	size_t gap_cap, gap_count;
	struct mm_part parts[MM_LEARNT_PARTS];
	uint32_t parts_used;
	struct mm_point hopeless; /* a quick look did not find who lived there; chunk + 1 */
};

/* Up to what the reader has now: 0, MM_ENOMEM. Texts are the store's. */
int mm_learnt_notes(struct mm_learnt *l, struct mm_reader *r, struct mm_report_store *store);
int mm_learnt_shares(struct mm_learnt *l, struct mm_reader *r, struct mm_categories *c,
		     struct mm_naming *naming);

int mm_learnt_chunks(struct mm_learnt *l, struct mm_reader *r);

/* Is something missing before one of the chunks first .. end? */
int mm_learnt_has_gap(const struct mm_learnt *l, uint32_t first, uint32_t end);

/* A part that knows the first `count` events of the chunk (`most` as mm_part_read): 0 and *ret, valid until the next
 * call; 1 = it cannot be had; MM_ENOMEM. */
int mm_learnt_part(struct mm_learnt *l, struct mm_reader *r, uint32_t chunk, uint32_t count,
		   uint32_t most, struct mm_part **ret);

/* Names are others now. */
void mm_learnt_forget_names(struct mm_learnt *l);
void mm_learnt_deinit(struct mm_learnt *l);

#endif
