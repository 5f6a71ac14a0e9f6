/* top_find.h: which trace mmtop shows: by the number of a process, by name, or the one that is
 * being made. */
#ifndef MM_CLI_TOP_FIND_H
#define MM_CLI_TOP_FIND_H

#include "base/diag.h"
#include "base/registry.h"

struct mm_top_find {
	char *trace;       /* malloc'ed */
	int live;          /* it is being written: `entry` says by whom */
	struct mm_registry_entry entry;
	char process[16];  /* of a descendant that was asked for; "" = the command's own */
};

/* pid NULL: `trace`, or, when that is NULL too, the only recording that is being made, else
 * trace.bin. MM_ENOENT with what can be done. */
int mm_top_find(struct mm_top_find *ret, const char *pid, const char *trace, struct mm_diag *diag);
void mm_top_find_deinit(struct mm_top_find *f);

/* One line for each recording that is being made, on standard output. */
int mm_top_find_list(struct mm_diag *diag);

#endif
