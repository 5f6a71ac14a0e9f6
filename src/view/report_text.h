/* report_text.h: the report as text for people.
 *
 * Promise: from 80 columns on no line is wider than asked for (unless full paths are);
 * names from the trace are escaped (utf8.h); the same numbers as the JSON. Writes to the
 * stream given only.
 */
#ifndef MM_VIEW_REPORT_TEXT_H
#define MM_VIEW_REPORT_TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "model/report.h"

struct mm_text_options {
	int width;      /* columns, at least 60 */
	int colour;
	int utf8;       /* may draw with more than ASCII */
	int bytes;      /* exact bytes instead of KiB, MiB */
	int full_paths; /* names and paths are not shortened */
	int overview;   /* every section; else totals and the table asked for */
	/* Overview: rows of the peak's table and of the others; 0 = all there are. */
	size_t peak_rows, rows;
};

/* Writes to `out` and flushes it: 0, or MM_EIO. */
int mm_report_text(const struct mm_report *r, const struct mm_text_options *options, FILE *out);

#endif
