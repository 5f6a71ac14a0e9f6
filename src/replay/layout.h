/* layout.h: how what is free lies in a heap (model/outcome.h). */
#ifndef MM_REPLAY_LAYOUT_H
#define MM_REPLAY_LAYOUT_H

#include "alloc/heap.h"
#include "model/outcome.h"

/* Of a heap that nobody is in; known = 0 without memory. */
void mm_layout_of(struct mm_heap *h, struct mm_layout *ret);

#endif
