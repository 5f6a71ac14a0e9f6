/* heaptrack.h: recordings made by heaptrack become traces.
 *
 * Promise: what the recording says, exactly, under our definitions: allocations,
 * frees, bytes, stacks, its clock of 10 ms ticks. What it does not say stays unknown:
 * threads (there is one, "all threads"), alignments, realloc (a free and an alloc),
 * and, in an interpreted recording, addresses and which of several blocks of the same
 * size and stack a free was of (the youngest is taken).
 * Vocabulary: raw = as the program wrote it, with addresses and modules; interpreted =
 * with names, as heaptrack leaves it by default. File formats 0 to 3 are read.
 * A bad input leaves nothing behind: the trace gets its name only when it is whole.
 * Not shared between threads.
 */
#ifndef MM_COLLECT_HEAPTRACK_H
#define MM_COLLECT_HEAPTRACK_H

#include <stdint.h>

#include "base/diag.h"
#include "collect/importtext.h"
#include "trace/objects.h"

struct mm_import_summary {
	struct mm_totals totals;
	uint64_t lines, duration_ns, rss_peak_bytes;
	uint32_t tool_version;   /* 0x010400 = 1.4.0 */
	uint32_t format_version; /* 0 to 3 */
	int interpreted;
	int cut;                 /* the input stops inside a line or a compressed frame */
};

/* Reads the input to its end and writes the trace `out` ("-" = standard output). An
 * existing trace there becomes OUT.old; any other file is MM_EEXIST. MM_ESYNTAX with
 * name and line number for what is not a recording, MM_ENEWER for a later format,
 * MM_ECORRUPT, MM_EIO, MM_ENOSPC, MM_ELIMIT, MM_ENOMEM. */
int mm_import_heaptrack(const struct mm_text_input *input, const char *out,
			struct mm_import_summary *ret, struct mm_diag *diag);

#endif
