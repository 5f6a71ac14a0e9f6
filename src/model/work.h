/* work.h: the state of one report in the making, shared by the files that fill it.
 *
 * Inner header of the model: nothing outside src/model sees it. Each fill function
 * sets one part of the report and may be called once, in the order of model.c.
 */
#ifndef MM_MODEL_WORK_H
#define MM_MODEL_WORK_H

#include "model/inquiry.h"
#include "model/learnt.h"
#include "model/model.h"
#include "model/naming.h"
#include "model/ranking.h"
#include "model/report_store.h"
#include "model/shares.h"
#include "model/sums.h"
#include "model/trace_notes.h"

struct mm_work {
	struct mm_reader *reader;
	const struct mm_model_options *options;
	struct mm_report *report;
	struct mm_report_store *store;
	struct mm_inquiry *inquiry;
	struct mm_naming *naming;        /* the inquiry's, as its texts */
	struct mm_report_store *names;
	uint32_t *selected;     /* process numbers */
	size_t selected_count;
	int all;                /* that there are */
	uint64_t from, to;      /* ns; to MM_UNKNOWN = the end */
	struct mm_learnt **learnt; /* the inquiry's; one each of selected, as sums */
	struct mm_sums *sums;
	size_t ready;              /* that are set up */
	int small;                 /* few enough events to read each, whatever else is asked */
	struct mm_budget_step *budgets; /* in the order of time */
	size_t budget_count;
	struct mm_notes notes;     /* of one process: those it has learnt */
	struct mm_ranking ground;
	struct mm_place *leak_places; /* of the rows of report->leaks */
};

/* select.c: which processes; what the range's ends mean. */
int mm_work_select(struct mm_work *w, struct mm_diag *diag);
int mm_work_range(struct mm_work *w, struct mm_diag *diag);

/* Where the last 10 seconds of the range begin, or the range itself; after mm_fill_run. */
uint64_t mm_work_window(const struct mm_work *w);

/* merge.c: the peak of several processes together, as points of each. */
int mm_work_merge_peak(struct mm_work *w, struct mm_diag *diag);

/* budgets.c: the configured budgets, then those that the program set before the range's end;
 * after the shares, which name the categories. */
int mm_work_budgets(struct mm_work *w);
/* inquiry.c: what is known of a process; NULL without memory. */
struct mm_learnt *mm_inquiry_learnt(struct mm_inquiry *q, uint32_t process);

/* model.c: the report of a work whose first six members are set. */
int mm_work_make(struct mm_work *w, struct mm_diag *diag);

/* fill_*.c */
int mm_fill_run(struct mm_work *w);
int mm_fill_totals(struct mm_work *w);
int mm_fill_processes(struct mm_work *w);
int mm_fill_categories(struct mm_work *w);
int mm_fill_pools(struct mm_work *w);
int mm_fill_threads(struct mm_work *w);
int mm_fill_histograms(struct mm_work *w);
int mm_fill_timeline(struct mm_work *w);
int mm_fill_notes(struct mm_work *w);
int mm_fill_tiers(struct mm_work *w);
int mm_fill_gpu(struct mm_work *w);
int mm_fill_pressure(struct mm_work *w); /* after the tiers */
int mm_fill_tables(struct mm_work *w);
int mm_fill_groups(struct mm_work *w, struct mm_report_table *ret);
int mm_fill_tree(struct mm_work *w);
int mm_fill_match(struct mm_work *w);
int mm_fill_rates(struct mm_work *w);
int mm_fill_leaks(struct mm_work *w);
int mm_fill_map(struct mm_work *w);
int mm_fill_frames(struct mm_work *w);

#endif
