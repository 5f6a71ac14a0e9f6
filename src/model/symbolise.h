/* symbolise.h: names for the addresses of a trace, kept in the trace itself.
 *
 * Promise: most used sites first; nothing is written for an address of which nothing is
 * known, so that a later look, with debug information at hand, is free to find it;
 * what the trace knows already is not written again.
 * Vocabulary: site as in ARCHITECTURE.md; use = allocations made below a site.
 */
#ifndef MM_MODEL_SYMBOLISE_H
#define MM_MODEL_SYMBOLISE_H

#include <stdint.h>

#include "base/diag.h"
#include "base/progress.h"
#include "symbol/symbol.h"
#include "trace/reader.h"
#include "trace/writer.h"

enum mm_symbolise_mode {
	MM_SYMBOLISE_NONE = 0,
	MM_SYMBOLISE_NAMES = 1, /* from symbol tables alone */
	MM_SYMBOLISE_FULL = 2   /* lines and inlined frames too, where debug
	                           information is on this machine */
};

struct mm_symbolise_result {
	uint64_t addresses; /* that occur on stacks, of all processes */
	uint64_t kept;      /* in the trace before */
	uint64_t added;     /* by this call */
	uint64_t unknown;   /* looked up, nothing known */
	uint64_t left;      /* not looked up: the deadline came first */
};

/* Appends symbols for every address of r's trace to w, which writes the same trace or a
 * copy. deadline_ns: CLOCK_MONOTONIC, 0 = none. progress, result may be NULL. Passing
 * the deadline is no error. MM_ENOMEM or the writer's error. */
int mm_symbolise(struct mm_writer *w, struct mm_reader *r, struct mm_symbols *symbols,
		 uint64_t deadline_ns, struct mm_progress *progress,
		 struct mm_symbolise_result *result);

/* For the end of a recording, before mm_writer_close: path is the file that w writes and
 * has synced. mode: enum mm_symbolise_mode. `symbols`, made for the same mode, are asked
 * (NULL: others are made) and destroyed. Never asks the network. Where the deadline leaves
 * no time for lines, bare names are kept. "-" and NONE: does nothing. */
int mm_symbolise_writer(struct mm_writer *w, const char *path, int mode,
			struct mm_symbols *symbols, uint64_t deadline_ns, struct mm_diag *d);

#endif
