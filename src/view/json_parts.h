/* json_parts.h: parts of the JSON report (report_json.h) that stand in a file of their own.
 *
 * Each writes members into the open object. Nothing outside src/view calls them.
 */
#ifndef MM_VIEW_JSON_PARTS_H
#define MM_VIEW_JSON_PARTS_H

#include "model/report.h"
#include "view/jsonw.h"

void mm_json_measure(struct mm_jsonw *w, const struct mm_measure *m);
void mm_json_tables(struct mm_jsonw *w, const struct mm_report *r);
void mm_json_tree(struct mm_jsonw *w, const struct mm_report *r);
void mm_json_stacks(struct mm_jsonw *w, const struct mm_report *r);
void mm_json_series(struct mm_jsonw *w, const struct mm_report *r);

/* What the program reported of its octrees and distance fields (mm_report_domain), then other
 * metrics named "svo.NAME" and "sdf.NAME", by their last value; null without any. */
void mm_json_domains(struct mm_jsonw *w, const struct mm_report *r);

/* report_json_live.c: "rates"; of a row of leaks what it did; "leaks_trend_ns"; "heap_map". */
void mm_json_rates(struct mm_jsonw *w, const struct mm_report *r);
void mm_json_leak(struct mm_jsonw *w, const struct mm_report_leak *l);
void mm_json_leak_steps(struct mm_jsonw *w, const struct mm_report *r);
void mm_json_map(struct mm_jsonw *w, const struct mm_report *r);

/* report_json_tiers.c: "tiers", "residency", "moves", "evictions" and "denials"; "pressure";
 * "gpu". */
void mm_json_tiers(struct mm_jsonw *w, const struct mm_report *r);
void mm_json_pressure(struct mm_jsonw *w, const struct mm_report *r);
void mm_json_gpu(struct mm_jsonw *w, const struct mm_report *r);

#endif
