/* tracecheck.h: comparing what a reader gives with what a generator knows. */
#ifndef MM_TEST_TRACECHECK_H
#define MM_TEST_TRACECHECK_H

#include "trace/reader.h"
#include "tracegen.h"

/* NULL when the two are the same event; else the name of a field that differs. With
 * `gaps`, what a gap may have made unknown passes, other values never do. */
const char *tc_differs(const struct mm_event *got, const struct mm_event *want, int gaps);

/* NULL, or the name of a total that differs. */
const char *tc_totals_differ(const struct mm_totals *got, const struct mm_totals *want);

/* Walks process 0 from the first chunk on, comparing with g->events: how many were the
 * same until the end or the first that differs (*ret_field says how). */
size_t tc_walk(struct mm_reader *r, const struct tg *g, const char **ret_field);

#endif
