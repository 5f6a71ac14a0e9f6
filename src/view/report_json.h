/* report_json.h: the report as JSON, schema mmprof.report/1.
 *
 * Promise: one document, valid against mmprof.report.1.schema.json, the same numbers as
 * the text; integers only, the unit in each key's suffix (_bytes, _ns, _count, _ppm);
 * null = unknown; ids and addresses are strings; the same report gives the same bytes.
 */
#ifndef MM_VIEW_REPORT_JSON_H
#define MM_VIEW_REPORT_JSON_H

#include <stdio.h>

#include "model/report.h"

/* Writes to `out` and flushes it: 0, or MM_EIO. `version` is mmprof's own. */
int mm_report_json(const struct mm_report *r, const char *version, FILE *out);

#endif
