/* facts.h: the run and the processes, as (key, value) pairs in blocks of their own: a
 * reader skips keys that it does not know.
 * Vocabulary: roll = facts of many processes in one block, each with its sums; sums =
 * what a process did in all, for when the file does not hold all of it.
 */
#ifndef MM_TRACE_FACTS_H
#define MM_TRACE_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "trace/event.h"
#include "trace/objects.h"
#include "trace/tables.h"

struct mm_run_facts {
	const char *command, *tool, *source;
	uint64_t start_unix_ns, page_bytes, mem_total_bytes, resolution_ns;
	uint32_t cores;
	int has_addresses;
};

int mm_run_encode(const struct mm_run_facts *f, struct mm_buf *out);
int mm_process_encode(const struct mm_process *p, struct mm_buf *out);

struct mm_process_sums {
	uint64_t events; /* that the file should hold, 0 = not told: those it does not are lost */
	struct mm_totals totals;
};

struct mm_roll_head { /* what begins each block of a roll */
	uint64_t left_out; /* processes behind those in it: for another block, or no room */
	uint64_t events;   /* of all processes, those as well; 0 = not told */
	uint64_t time;     /* ns: of a segment that it begins, else 0 */
};

void mm_roll_encode_head(const struct mm_roll_head *h, struct mm_buf *out);

/* Appends one process to a roll. 0 or MM_ENOMEM. */
int mm_roll_encode(const struct mm_process *p, const struct mm_process_sums *sums,
		   struct mm_buf *out);

/* Texts go to the arena. 0, MM_ENOMEM, MM_ECORRUPT. */
int mm_run_decode(const uint8_t *data, size_t len, struct mm_arena *a,
		  struct mm_run_facts *ret);
int mm_process_decode(const uint8_t *data, size_t len, struct mm_arena *a,
		      struct mm_process *ret);

struct mm_bytes;
int mm_roll_decode_head(struct mm_bytes *b, struct mm_roll_head *ret);
/* Next process of a roll: 1 with its number in p->number, 0 at the end, or an error. */
int mm_roll_next(struct mm_bytes *b, struct mm_arena *a, struct mm_process *ret,
		 struct mm_process_sums *ret_sums);

#endif
