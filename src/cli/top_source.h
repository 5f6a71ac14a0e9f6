/* top_source.h: the trace that mmtop shows, as the answers to its questions (tui/question.h).
 * Not shared between threads.
 */
#ifndef MM_CLI_TOP_SOURCE_H
#define MM_CLI_TOP_SOURCE_H

#include "base/diag.h"
#include "base/registry.h"
#include "tui/question.h"

struct mm_top_source;

struct mm_top_source_options {
	const char *trace;
	const char *categories; /* NULL none */
	const char *process;    /* as report's --process; NULL = the command's own */
	int no_symbols;
	const struct mm_registry_entry *live; /* who is writing it; NULL = nobody */
};

/* Nothing of the options but the strings is kept, which outlive it. */
int mm_top_source_open(struct mm_top_source **ret, const struct mm_top_source_options *options,
		       struct mm_diag *diag);
void mm_top_source_close(struct mm_top_source *s);
const struct mm_source *mm_top_source_view(struct mm_top_source *s);

#endif
