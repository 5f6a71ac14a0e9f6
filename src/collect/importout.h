/* importout.h: a trace that gets its name only when it is whole.
 *
 * Promise: until mm_import_out_commit nothing at the name has changed; an abandoned
 * one leaves nothing behind. What is at the name already makes way (as NAME.old) only
 * if it is a trace.
 * Not shared between threads.
 */
#ifndef MM_COLLECT_IMPORTOUT_H
#define MM_COLLECT_IMPORTOUT_H

#include "base/diag.h"

/* The caller's memory. */
struct mm_import_out {
	const char *name; /* the caller's, outlives it; "-" = standard output */
	char *part;       /* where the trace grows; NULL: at the name itself */
};

/* MM_EEXIST when something other than a trace has the name; MM_ENOMEM. */
int mm_import_out_init(struct mm_import_out *o, const char *name, struct mm_diag *diag);
void mm_import_out_deinit(struct mm_import_out *o);

/* Path to give to the writer. */
const char *mm_import_out_path(const struct mm_import_out *o);

/* The trace is written and closed: it takes the name. MM_EIO ... */
int mm_import_out_commit(struct mm_import_out *o, struct mm_diag *diag);
/* It is not to be: what was written goes. */
void mm_import_out_abandon(struct mm_import_out *o);

#endif
