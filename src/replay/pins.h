/* pins.h: which sites keep memory that nobody uses from going back to the system.
 *
 * Promise: the free bytes of each unit are shared equally among the objects that overlap it,
 * the remainder going to the oldest; so the shares and what nobody holds add up to all free
 * bytes, exactly.
 * Vocabulary
 *   unit     what can be given back only whole: a slab of the engine, a page of a recorded
 *            heap
 *   pinned   free bytes that cannot go back because of somebody's object
 * Not shared between threads. Memory: O(live objects).
 */
#ifndef MM_REPLAY_PINS_H
#define MM_REPLAY_PINS_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "model/naming.h"
#include "model/outcome.h"
#include "replay/drive.h"

struct mm_pin { /* one object in one unit */
	uint64_t unit;
	uint32_t order; /* of birth */
	uint32_t site;
	uint32_t covered; /* bytes of the unit; recorded heaps */
};

/* Caller's memory, zero-initialised = empty. */
struct mm_pins {
	struct mm_pin *pin;
	size_t count, cap;
	uint64_t free_bytes; /* of all units, those that nobody holds too */
};

void mm_pins_deinit(struct mm_pins *p);

/* Every block of the engine's slabs at this moment. */
int mm_pins_of_engine(struct mm_pins *p, const struct mm_drive *d);

/* Every object of the trace that lives after event `index` of `chunk`, by its recorded
 * address, in pages of `page_bytes`; *ret_committed = bytes of the pages that they touch.
 * MM_ENOENT when the trace has no addresses. */
int mm_pins_of_trace(struct mm_pins *p, struct mm_reader *r, uint32_t process, uint32_t chunk,
		     uint32_t index, uint32_t page_bytes, uint64_t *ret_committed,
		     struct mm_diag *diag);

/* The shares by site, the largest `rows` of them with names (0 = all). `d` is that of
 * mm_pins_of_engine; NULL: pages of `page_bytes`. Rows and strings belong to the store. */
int mm_pins_share(struct mm_pins *p, struct mm_reader *r, const struct mm_drive *d,
		  uint32_t page_bytes, struct mm_naming *naming, uint32_t process, size_t rows,
		  struct mm_report_store *store, struct mm_pinned *ret);

#endif
