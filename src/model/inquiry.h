/* inquiry.h: many questions to one trace, whole or growing: what was learnt for one is kept
 * for the next.
 *
 * Promise: a report is the same, byte for byte, as mm_model_report makes it of the trace as it
 * is now; names may come later where they are looked up by a thread of the inquiry. With
 * `quick` a report costs in the order of what is shown, not of the trace.
 * Vocabulary: as model.h. Not shared between threads.
 */
#ifndef MM_MODEL_INQUIRY_H
#define MM_MODEL_INQUIRY_H

#include "base/diag.h"
#include "model/model.h"
#include "trace/reader.h"

struct mm_inquiry;

struct mm_inquiry_options {
	struct mm_categories *categories; /* borrowed; names that the program gave are added */
	struct mm_symbols *symbols;       /* borrowed; asked at once; NULL = not so */
	/* Files are asked by a thread of the inquiry (symbols is NULL): until it has answered,
	 * stacks say module+offset. NULL = only names that the trace holds. */
	const struct mm_symbol_options *later;
};

/* The reader is borrowed: nobody else refreshes it. MM_ENOMEM. */
int mm_inquiry_open(struct mm_inquiry **ret, struct mm_reader *r,
		    const struct mm_inquiry_options *options);
/* NULL is fine. Reports that were made live on. */
void mm_inquiry_close(struct mm_inquiry *q);

/* Looks for what was appended since: number of new chunks, or an error of
 * mm_reader_refresh; after MM_ENOENT (another file has taken the path) close both and open
 * them again. */
int mm_inquiry_refresh(struct mm_inquiry *q, struct mm_diag *diag);

/* As mm_model_report; options->categories and symbols are not looked at. */
int mm_inquiry_report(struct mm_report **ret, struct mm_inquiry *q,
		      const struct mm_model_options *options, struct mm_diag *diag);

/* True when names came since the last report was made: it would look different now. */
int mm_inquiry_has_names(const struct mm_inquiry *q);
/* Addresses that are being looked up, or were and no report was made since. */
size_t mm_inquiry_pending(const struct mm_inquiry *q);

#endif
