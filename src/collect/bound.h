/* bound.h: makes what targets did before now visible now.
 *
 * Any thread.
 */
#ifndef MM_COLLECT_BOUND_H
#define MM_COLLECT_BOUND_H

/* After this returns, every store that a thread of a target made before the call
 * began is visible, and every stamp that such a thread takes later than a store not yet
 * visible is later than the call's beginning. */
void mm_bound_barrier(void);

#endif
