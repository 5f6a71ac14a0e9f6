/* ahead.h: names looked up while the program still runs, on a core that would be idle.
 *
 * Promise: the recording never waits for it, but for what is under way at the end; it runs
 * only where a core is idle, and then with less priority, uses no more processor time than
 * symbols may take, and has no more open than a recording may hold. What it leaves undone is
 * done at the end.
 * Vocabulary: module, frame as in collect/listener.h; ask = one address to be looked up.
 * Never: the network. One thread tells, a thread of its own looks up.
 */
#ifndef MM_MODEL_AHEAD_H
#define MM_MODEL_AHEAD_H

#include <stdint.h>

#include "symbol/symbol.h"
#include "trace/event.h"

struct mm_ahead;

/* names_only: from symbol tables alone. cores: of this machine; one is idle when no more
 * threads can run than that. 0 or MM_ENOMEM. No thread runs before the first frame is told
 * of. */
int mm_ahead_create(struct mm_ahead **ret, int names_only, uint32_t cores);

/* For struct mm_listener; ctx is the mm_ahead. Without memory nothing is noted. */
void mm_ahead_module(void *ctx, uint32_t process, uint32_t number, const struct mm_module *m);
void mm_ahead_frame(void *ctx, uint32_t process, uint32_t module, uint64_t address);

/* Gives what was found, the caller's to destroy; NULL when what is under way does not come to
 * its end in time. *ret_spent_ns: processor time that it took. The mm_ahead is gone, and the
 * thread ends by itself. NULL is fine: NULL, and 0 ns. */
struct mm_symbols *mm_ahead_finish(struct mm_ahead *a, uint64_t *ret_spent_ns);

#endif
