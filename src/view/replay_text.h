/* replay_text.h: what a replay came to, as text for people.
 *
 * Promise: the same numbers as the JSON; one strategy gets its whole account, several get
 * one table. Writes to the stream given only.
 */
#ifndef MM_VIEW_REPLAY_TEXT_H
#define MM_VIEW_REPLAY_TEXT_H

#include <stdio.h>

#include "model/outcome.h"
#include "view/report_text.h"

/* Writes to `out` and flushes it: 0, or MM_EIO. Of the options: width, colour, utf8, bytes. */
int mm_replay_text(const struct mm_comparison *c, const struct mm_text_options *options,
		   FILE *out);

#endif
