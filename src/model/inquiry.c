/* inquiry.c: one trace, many reports (inquiry.h). */
#include "model/inquiry.h"

#include <stdlib.h>

#include "base/buf.h"
#include "core/error.h"
#include "model/lookup.h"
#include "model/work.h"

struct mm_inquiry {
	struct mm_reader *reader;
	struct mm_inquiry_options options;
	struct mm_report_store *names; /* texts of naming and notes */
	struct mm_naming *naming;
	struct mm_lookup *lookup;      /* NULL = none */
	uint32_t era;                  /* of the naming */
	size_t symbols;                /* in the trace, when naming began */
	uint64_t bytes;                /* of the trace, then */
	struct mm_pair pair;
	struct mm_learnt **learnt;     /* by process, NULL = nothing yet */
	size_t learnt_cap;
};

static int begin_naming(struct mm_inquiry *q)
{
	mm_naming_destroy(q->naming);
	q->naming = NULL;
	q->symbols = mm_reader_symbols(q->reader);
	q->bytes = mm_reader_info(q->reader)->file_bytes;
	int err = mm_naming_create(&q->naming, q->reader, q->options.symbols, q->names, NULL);
	if (!err && q->lookup)
		mm_naming_ask(q->naming, q->lookup, ++q->era);
	return err;
}

int mm_inquiry_open(struct mm_inquiry **ret, struct mm_reader *r,
		    const struct mm_inquiry_options *options)
{
	struct mm_inquiry *q = calloc(1, sizeof *q);

	if (!q)
		return MM_ENOMEM;
	q->reader = r;
	q->options = *options;
	q->names = mm_report_store_create();
	int err = q->names ? mm_pair_init(&q->pair, r) : MM_ENOMEM;
	if (!err && options->later)
		err = mm_lookup_create(&q->lookup, options->later);
	if (!err)
		err = begin_naming(q);
	if (err)
		mm_inquiry_close(q);
	else
		*ret = q;
	return err;
}

void mm_inquiry_close(struct mm_inquiry *q)
{
	if (!q)
		return;
	for (size_t i = 0; i < q->learnt_cap; i++)
		if (q->learnt[i]) {
			mm_learnt_deinit(q->learnt[i]);
			free(q->learnt[i]);
		}
	free(q->learnt);
	mm_naming_destroy(q->naming);
	mm_lookup_destroy(q->lookup);
	mm_report_store_free(q->names);
	mm_pair_deinit(&q->pair);
	free(q);
}

struct mm_learnt *mm_inquiry_learnt(struct mm_inquiry *q, uint32_t process)
{
	if (MM_GROW(q->learnt, q->learnt_cap, (size_t)process + 1))
		return NULL;
	if (!q->learnt[process]) {
		q->learnt[process] = calloc(1, sizeof **q->learnt);
		if (q->learnt[process])
			*q->learnt[process] = (struct mm_learnt){ .process = process, .pair = &q->pair };
	}
	return q->learnt[process];
}

static void forget_names(struct mm_inquiry *q)
{
	for (size_t i = 0; i < q->learnt_cap; i++)
		if (q->learnt[i])
			mm_learnt_forget_names(q->learnt[i]);
}

/* Names that the trace has by now, and sites that a later block told again, are looked at
 * anew; what rules made of names that were not there yet, too. */
static int renew_names(struct mm_inquiry *q)
{
	const struct mm_trace_info *info = mm_reader_info(q->reader);
	int changed = mm_naming_take(q->naming);

	if (changed < 0)
		return changed;
	if (changed && mm_categories_has_rules(q->options.categories))
		forget_names(q);
	if (q->symbols == mm_reader_symbols(q->reader) &&
	    (!info->damaged_blocks || q->bytes == info->file_bytes))
		return MM_OK;
	forget_names(q);
	return begin_naming(q);
}

int mm_inquiry_refresh(struct mm_inquiry *q, struct mm_diag *diag)
{
	return mm_reader_refresh(q->reader, diag);
}

static int make_report(struct mm_inquiry *q, const struct mm_model_options *options,
		       struct mm_report *report, struct mm_diag *diag)
{
	struct mm_work w = { .reader = q->reader, .options = options, .report = report,
		.store = report->store, .inquiry = q, .naming = q->naming, .names = q->names };

	mm_naming_show(q->naming, options->progress);
	return mm_work_make(&w, diag);
}

int mm_inquiry_report(struct mm_report **ret, struct mm_inquiry *q,
		      const struct mm_model_options *options, struct mm_diag *diag)
{
	struct mm_model_options o = *options;
	struct mm_report *report = calloc(1, sizeof *report);
	int err = renew_names(q);

	o.categories = q->options.categories;
	o.symbols = q->options.symbols;
	if (report)
		report->store = mm_report_store_create();
	if (err || !report || !report->store) {
		mm_report_free(report);
		return MM_ENOMEM;
	}
	mm_report_store_keep(report->store, q->names);
	err = make_report(q, &o, report, diag);
	if (err)
		mm_report_free(report);
	else
		*ret = report;
	return err;
}

int mm_inquiry_has_names(const struct mm_inquiry *q)
{
	return q->lookup && mm_lookup_ready(q->lookup) > 0;
}

size_t mm_inquiry_pending(const struct mm_inquiry *q)
{
	return q->lookup ? mm_lookup_pending(q->lookup) : 0;
}
