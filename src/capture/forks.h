/* forks.h: a child that copies this process's memory is another process.
 *
 * Promise: a child never writes to its parent's rings. One made by libc's fork
 * brings the time of the fork with it; one made by a raw clone is noticed by the
 * gate at its first hook. A vfork or CLONE_VM child shares the memory and with it
 * the gate: it belongs to its parent.
 * Never: a lock, malloc, a change of errno.
 */
#ifndef MM_CAPTURE_FORKS_H
#define MM_CAPTURE_FORKS_H

#include <stdbool.h>

struct mm_hook;

/* Asks libc to tell of forks. Called once, while attaching. */
void mm_forks_watch(void);

/* Makes this process, a copy of a recorded one, a recorded process of its own
 * with *t as its only thread. False: it is not to be recorded. All signals are
 * blocked, no other thread is in here. */
bool mm_forks_adopt(struct mm_hook *t);

#endif
