/* whats.h: what is said of blocks, once for all blocks of which the same is said.
 *
 * Promise: the same (category, priority, name, file, line, site, tag, object) gives the same number; a
 * number's record never changes and never goes.
 * Vocabulary: number = from 1; below 2^31. Strings are copied, each once.
 * Thread-safe. Never: more than one record for the same.
 */
#ifndef MM_MANAGER_WHATS_H
#define MM_MANAGER_WHATS_H

#include <stdint.h>

struct mm_said {
	const char *name, *file; /* NULL = nothing said */
	uintptr_t site;
	uint32_t line;
	uint8_t category, priority;
	uint32_t tag;
	uintptr_t object;
};

enum { MM_WHATS_MOST = 1 << 20, MM_WHATS_QUICK = 32, MM_WHATS_NAME = 64 };

/* What one thread said last: asked first, without a lock. */
struct mm_whats_quick { uint32_t number[MM_WHATS_QUICK]; };

/* The number. Where there is no room for more objects, without the object; for more of anything,
 * of category, priority and tag, then without the tag; 0: no memory. */
uint32_t mm_whats_number(struct mm_whats_quick *quick, const struct mm_said *said);

/* Of a number that was given out. */
const struct mm_said *mm_whats_said(uint32_t number);

/* Around a fork. */
void mm_whats_hold(void);
void mm_whats_go_on(void);

#endif
