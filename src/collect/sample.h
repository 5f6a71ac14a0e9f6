/* sample.h: how much memory a process and its surroundings use, from /proc and the
 * control groups.
 *
 * Promise: a figure that cannot be had is MM_UNKNOWN, never 0.
 */
#ifndef MM_COLLECT_SAMPLE_H
#define MM_COLLECT_SAMPLE_H

#include <sys/types.h>

#include "collect/family.h"
#include "trace/event.h"

/* Reads everything about pid: 0, or MM_ENOENT when it is gone. */
int mm_sample_read(pid_t pid, struct mm_sample *ret);

/* Samples every process that is there into its stream. */
int mm_sample_all(struct mm_family *f);

#endif
