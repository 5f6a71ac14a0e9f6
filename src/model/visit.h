/* visit.h: points of one process's part of a trace, and going from one to another.
 *
 * Vocabulary: point = the state after `index` events of chunk `chunk`; (0, 0) is the
 * start, the end is (last chunk, its events).
 * Promise: goes forward on one cursor while that is near, and reopens at a checkpoint
 * when the way is long or leads back; so a visit costs at most a checkpoint and the
 * events since it. Not shared between threads.
 */
#ifndef MM_MODEL_VISIT_H
#define MM_MODEL_VISIT_H

#include <stdint.h>

#include "base/diag.h"
#include "trace/reader.h"

struct mm_point { uint32_t chunk, index; };

struct mm_visit { /* caller's memory */
	struct mm_reader *reader;
	uint32_t process;
	struct mm_cursor *cursor; /* NULL = nothing read yet */
	struct mm_point at;      /* of the cursor */
	int started;              /* the cursor gave an event */
};

typedef void (*mm_visit_fn)(void *arg, const struct mm_event *ev, struct mm_point after);

void mm_visit_init(struct mm_visit *w, struct mm_reader *r, uint32_t process);
void mm_visit_deinit(struct mm_visit *w);

int mm_point_compare(struct mm_point a, struct mm_point b);
struct mm_point mm_visit_end(const struct mm_visit *w);

/* The point after every event earlier than `time`. Decodes at most one chunk. */
int mm_visit_point(struct mm_visit *w, uint64_t time, struct mm_point *ret);

/* Goes to point `to`, calling fn (may be NULL) for each event from point `from` on:
 * fn sees [from, to). mm_visit_objects then are those live at `to`. */
int mm_visit_to(struct mm_visit *w, struct mm_point from, struct mm_point to, mm_visit_fn fn,
	       void *arg, struct mm_diag *diag);

/* Live objects where the walk stands; NULL before the first visit. */
const struct mm_objects *mm_visit_objects(const struct mm_visit *w);

#endif
