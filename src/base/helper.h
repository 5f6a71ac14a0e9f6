/* helper.h: one more thread, which does one thing at a time beside its owner.
 *
 * Promise: what was begun is done when `wait` returns, where no thread can be had too; signals
 * are the owner's. Used by one thread; what both touch meanwhile is the caller's care.
 */
#ifndef MM_BASE_HELPER_H
#define MM_BASE_HELPER_H

struct mm_helper;

/* Its thread begins with the first thing to do. MM_ENOMEM. */
int mm_helper_create(struct mm_helper **ret);
/* NULL is fine. Nothing is being done. */
void mm_helper_destroy(struct mm_helper *h);

/* fn(arg) by the thread, or now. */
void mm_helper_begin(struct mm_helper *h, void (*fn)(void *arg), void *arg);
/* Until it is done, if it was begun. */
void mm_helper_wait(struct mm_helper *h);

#endif
