/* contest_view.h: allocators executing a recording, as text or as JSON.
 *
 * Promise: the same numbers in both; times and memory of real runs are medians, the times
 * with the lowest and the highest round beside them. Writes to the stream given only.
 */
#ifndef MM_VIEW_CONTEST_VIEW_H
#define MM_VIEW_CONTEST_VIEW_H

#include <stdio.h>

#include "model/outcome.h"
#include "view/report_text.h"

/* 0, or MM_EIO. Of the options: colour, bytes, width. */
int mm_contest_text(const struct mm_contest *c, const struct mm_text_options *options, FILE *out);

/* Schema mmprof.contest/1: mmprof.contest.1.schema.json. */
int mm_contest_json(const struct mm_contest *c, const char *version, FILE *out);

#endif
