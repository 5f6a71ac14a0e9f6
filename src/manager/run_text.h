/* run_text.h: text that is put together where nothing may allocate and stdio is not to be had.
 *
 * Promise: what does not fit is left out, in whole pieces; never out of bounds.
 * Pure, but for mm_run_text_write.
 */
#ifndef MM_MANAGER_RUN_TEXT_H
#define MM_MANAGER_RUN_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct mm_run_text { char buf[4096]; size_t used; };

void mm_run_put(struct mm_run_text *t, const char *s);
void mm_run_put_hex(struct mm_run_text *t, uint64_t value);
void mm_run_put_decimal(struct mm_run_text *t, int64_t value);

/* In one piece; what goes wrong is nobody's business. errno is kept. */
void mm_run_text_write(const struct mm_run_text *t, int fd);

#endif
