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

/* text_more.c */
void mm_text_timeline(struct mm_pen *p, const struct mm_report *r);
void mm_text_categories(struct mm_pen *p, const struct mm_report *r);
void mm_text_threads(struct mm_pen *p, const struct mm_report *r);
void mm_text_processes(struct mm_pen *p, const struct mm_report *r);
void mm_text_histograms(struct mm_pen *p, const struct mm_report *r);
void mm_text_notes(struct mm_pen *p, const struct mm_report *r);

/* text_tree.c */
void mm_text_tree(struct mm_pen *p, const struct mm_report *r);

#endif
