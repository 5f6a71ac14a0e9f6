/* replay_json.h: what a replay came to, as JSON, schema mmprof.replay/1.
 *
 * Promise: one document, valid against mmprof.replay.1.schema.json; integers only, the unit
 * in each key's suffix; null = unknown; the same outcome gives the same bytes.
 */
#ifndef MM_VIEW_REPLAY_JSON_H
#define MM_VIEW_REPLAY_JSON_H

#include <stdio.h>

#include "model/outcome.h"

/* Writes to `out` and flushes it: 0, or MM_EIO. `version` is mmprof's own. */
int mm_replay_json(const struct mm_comparison *c, const char *version, FILE *out);

#endif
