/* model.h: a trace and a question become a report.
 *
 * Promise: every figure means what ARCHITECTURE.md says; the same trace and options give
 * the same report, byte for byte. What damage made unknown is MM_UNKNOWN or stands in
 * the `rest` of a table.
 * The figures are those of the command's own process: process 0, or, when that replaced
 * itself by exec, the last recorded image of the same pid. `process` = "all" adds what
 * each recorded process allocated itself.
 * Not shared between threads.
 */
#ifndef MM_MODEL_MODEL_H
#define MM_MODEL_MODEL_H

#include <stddef.h>

#include "base/diag.h"
#include "base/progress.h"
#include "model/report.h"
#include "symbol/categories.h"
#include "symbol/symbol.h"
#include "trace/reader.h"

struct mm_map_request {
	int want;
	uint32_t range;      /* which, by number + 1; 0 = the one with most live bytes */
	uint64_t addr;       /* where the cells begin; 0 = where the range does */
	uint64_t cell_bytes; /* 0 = so that the range fits; whole powers of two from 16 on */
	uint32_t cells;      /* how many */
};

struct mm_model_options { /* zero-initialised = the overview of the whole run */
	const char *trace;      /* the file's name, for the report; NULL = "" */
	enum mm_by by;
	enum mm_metric metric;
	size_t top;             /* rows of a table; 0 = all */
	enum mm_tree tree;
	uint32_t tree_ppm;      /* nodes below this share of the root are folded */
	const char *from, *to;  /* as typed: "12.5s", "50%", "peak", "mark:NAME"; NULL = the ends */
	const char *process;    /* NULL = the command's own, "all", a PID, or "#NUMBER" */
	const char *match;      /* glob over function, file and library: only such stacks in
	                           tables and tree; NULL = all */
	int sweep;              /* read every event even where sums would do */
	int quick;              /* never read every event, nor every object unless `objects` or
	                           `map` asks: what only that tells is MM_UNKNOWN (a category's
	                           own peak; who leaked of a range that does not begin at 0;
	                           categories where rules look at threads). Not of a trace that is
	                           read in no time; 2 = a thousandth of a second, at most */
	int objects;            /* look at each live object: births of the oldest, and leaks of
	                           any range */
	struct mm_map_request map;
	struct mm_categories *categories; /* rules; categories that the program named are added */
	struct mm_symbols *symbols;       /* NULL = only names that the trace holds */
	struct mm_progress *progress;     /* NULL = silent */
};

/* All that the options name outlives the call only. Errors: MM_EINVAL for a time, a
 * process or a combination that makes no sense, MM_ENOENT for a mark or a process
 * that is not in the trace, MM_ENOMEM, and those of the reader. */
int mm_model_report(struct mm_report **ret, struct mm_reader *r,
		    const struct mm_model_options *options, struct mm_diag *diag);

#endif
