/* lookup.h: a thread that asks the files at hand what addresses are called, while its owner goes
 * on with module and offset.
 *
 * Promise: asking and taking never wait for a file; the thread has symbols of its own.
 * Vocabulary: ask = one address, answer = its frames; mark = the owner's word for an ask.
 * All calls come from one thread, the owner's.
 */
#ifndef MM_MODEL_LOOKUP_H
#define MM_MODEL_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/symbol.h"
#include "trace/event.h"

struct mm_lookup;

/* No thread runs before the first ask. 0 or MM_ENOMEM. */
int mm_lookup_create(struct mm_lookup **ret, const struct mm_symbol_options *options);
/* Waits a fifth of a second, at most, for what is under way, which else ends by itself; so the
 * texts of answers are void. NULL is fine. */
void mm_lookup_destroy(struct mm_lookup *l);

/* `module` is that number of the process; it is copied when it is first met. Without memory
 * or threads there will be no answer. */
void mm_lookup_ask(struct mm_lookup *l, uint32_t process, uint32_t number,
		   const struct mm_module *module, uint64_t address, uint64_t mark);

/* Calls fn for each answer that came since: how many. Frames live as long as the lookup. */
size_t mm_lookup_take(struct mm_lookup *l,
		      void (*fn)(void *arg, uint64_t mark, const struct mm_frame *frames, size_t count),
		      void *arg);

size_t mm_lookup_ready(struct mm_lookup *l);   /* answers that can be taken */
size_t mm_lookup_pending(struct mm_lookup *l); /* asks not answered, or not taken */

#endif
