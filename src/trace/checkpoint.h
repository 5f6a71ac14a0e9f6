/* checkpoint.h: the live objects and the free stack of one process, in parts of bounded
 * size (FORMAT.md 7). Valid only when all its parts are intact.
 */
#ifndef MM_TRACE_CHECKPOINT_H
#define MM_TRACE_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "trace/objects.h"

enum { MM_PART_ITEMS = 65536 };

struct mm_checkpoint_head {
	uint64_t number;         /* of the chunk that follows it */
	uint32_t part, parts;
	uint32_t high_water, free_count;
	uint64_t resolution_ns;
	struct mm_totals totals;
};

int mm_checkpoint_encode_head(const struct mm_checkpoint_head *h, struct mm_buf *out);
int mm_checkpoint_decode_head(const uint8_t *data, size_t len,
			      struct mm_checkpoint_head *ret);

/* Parts that the state of `o` takes, and the payload of one. Threads numbered below
 * `threads` have their births counted in it; addresses are written if has_addr. */
uint32_t mm_checkpoint_parts(const struct mm_objects *o);
int mm_checkpoint_encode(const struct mm_objects *o, uint32_t threads,
			 uint64_t resolution_ns, int has_addr, uint32_t part, struct mm_buf *out);

/* The objects of one part alone, by slot; none of another kind of part. */
struct mm_live_list { /* caller's memory, zero-initialised; free both */
	struct mm_object *objects;
	uint32_t *slots;
	size_t count, object_cap, slot_cap;
};
void mm_live_list_deinit(struct mm_live_list *l);
/* 0, MM_ENOMEM, MM_ECORRUPT. */
int mm_checkpoint_objects(const uint8_t *data, size_t len, const struct mm_checkpoint_head *h,
			  struct mm_live_list *ret);
/* In the first part, births by thread: number + 1 of the last one; 0 for threads that it does
 * not name. */
int mm_checkpoint_latest(const uint8_t *data, size_t len, uint32_t *ret, uint32_t threads);
/* How many parts hold objects: they follow the first. */
uint32_t mm_checkpoint_object_parts(const struct mm_checkpoint_head *h);

/* Adds one part to `o` (reset before the first; parts in order): 0, MM_ENOMEM,
 * MM_ECORRUPT. */
int mm_checkpoint_decode(const uint8_t *data, size_t len,
			 const struct mm_checkpoint_head *h, struct mm_objects *o);

#endif
