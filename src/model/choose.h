/* choose.h: which process of a trace is meant.
 *
 * Promise: without a wish it is the command's own: process 0, or, when that replaced itself
 * by exec, the last recorded image of the same pid.
 * Not shared between threads.
 */
#ifndef MM_MODEL_CHOOSE_H
#define MM_MODEL_CHOOSE_H

#include <stdint.h>

#include "base/diag.h"
#include "trace/reader.h"

/* The process `text` ("1234" = a PID, "#2" = by number; NULL = the command's own).
 * MM_EINVAL for what is no process, MM_ENOENT when it is not in the trace. */
int mm_choose_process(struct mm_reader *r, const char *text, uint32_t *ret, struct mm_diag *diag);

/* 0 = a child that was seen and not recorded. */
int mm_choose_is_recorded(struct mm_reader *r, uint32_t process);

#endif
