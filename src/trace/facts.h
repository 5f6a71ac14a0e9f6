/* facts.h: the run and the processes, as (key, value) pairs in blocks of their own: a
 * reader skips keys that it does not know.
 */
#ifndef MM_TRACE_FACTS_H
#define MM_TRACE_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "trace/event.h"
#include "trace/tables.h"

struct mm_run_facts {
	const char *command, *tool, *source;
	uint64_t start_unix_ns, page_bytes, mem_total_bytes, resolution_ns;
	uint32_t cores;
	int has_addresses;
};

int mm_run_encode(const struct mm_run_facts *f, struct mm_buf *out);
int mm_process_encode(const struct mm_process *p, struct mm_buf *out);

/* Texts go to the arena. 0, MM_ENOMEM, MM_ECORRUPT. */
int mm_run_decode(const uint8_t *data, size_t len, struct mm_arena *a,
		  struct mm_run_facts *ret);
int mm_process_decode(const uint8_t *data, size_t len, struct mm_arena *a,
		      struct mm_process *ret);

#endif
