/* replay_parts.h: what several files write of one replay: for replay_*.c. */
#ifndef MM_VIEW_REPLAY_PARTS_H
#define MM_VIEW_REPLAY_PARTS_H

#include "model/outcome.h"
#include "view/jsonw.h"
#include "view/text_pen.h"

/* "at_peak": { ... } */
void mm_json_moment(struct mm_jsonw *w, const char *key, const struct mm_moment_account *a);

/* Destinations, categories and rules: members of the outcome's object. */
void mm_json_configured(struct mm_jsonw *w, const struct mm_outcome *o);

/* The same as tables; nothing where there are none. */
void mm_text_configured(struct mm_pen *p, const struct mm_outcome *o);

/* The map as a text of the pen's width; nothing where it was not taken. */
void mm_text_map(struct mm_pen *p, const struct mm_outcome *o);

#endif
