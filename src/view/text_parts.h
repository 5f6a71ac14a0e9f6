/* text_parts.h: the sections of the text report, each in a function.
 *
 * Inner header of the text view; the order is report_text.c's.
 */
#ifndef MM_VIEW_TEXT_PARTS_H
#define MM_VIEW_TEXT_PARTS_H

#include "model/report.h"
#include "view/text_pen.h"

/* text_head.c */
void mm_text_head(struct mm_pen *p, const struct mm_report *r);
void mm_text_hints(struct mm_pen *p, const struct mm_report *r);

/* text_table.c: how much of each stack a table shows; at most `limit` rows, 0 = all */
enum mm_text_stacks { MM_STACKS_NONE, MM_STACKS_CHAIN, MM_STACKS_FULL };
void mm_text_table(struct mm_pen *p, const struct mm_report *r, const struct mm_report_table *t,
		   enum mm_text_stacks stacks, size_t limit);

/* Columns left of the line when `used` are taken; never fewer than 12. */
size_t mm_text_room(const struct mm_pen *p, size_t used);

/* text_chain.c: "< caller < caller" under a row, for as many as fit on one line; how many
 * sites look like this one when there are several */
void mm_text_chain(struct mm_pen *p, const struct mm_report *r, const struct mm_report_stack *s,
		   size_t indent, uint32_t sites);

/* A table by site in which rows that would look the same are one. */
struct mm_text_merged {
	struct mm_report_table table;
	struct mm_report_row *rows; /* of table; NULL = the original's */
	uint32_t *sites;            /* by row: how many it stands for; NULL = one each */
};
void mm_text_merge(const struct mm_report *r, const struct mm_report_table *t,
		   struct mm_text_merged *ret);
void mm_text_merge_deinit(struct mm_text_merged *m);

/* text_more.c */
void mm_text_timeline(struct mm_pen *p, const struct mm_report *r);
void mm_text_categories(struct mm_pen *p, const struct mm_report *r);
void mm_text_threads(struct mm_pen *p, const struct mm_report *r);
void mm_text_processes(struct mm_pen *p, const struct mm_report *r);
void mm_text_histograms(struct mm_pen *p, const struct mm_report *r);
void mm_text_notes(struct mm_pen *p, const struct mm_report *r);

/* text_pools.c */
void mm_text_pools(struct mm_pen *p, const struct mm_report *r);

/* text_tiers.c: nothing where nothing was told, nor of pressure that never rose */
void mm_text_pressure(struct mm_pen *p, const struct mm_report *r);
void mm_text_tiers(struct mm_pen *p, const struct mm_report *r);
void mm_text_gpu(struct mm_pen *p, const struct mm_report *r);

/* text_tree.c */
void mm_text_tree(struct mm_pen *p, const struct mm_report *r);

#endif
