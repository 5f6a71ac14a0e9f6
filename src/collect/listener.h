/* listener.h: who wants to know what stands on stacks while a recording runs.
 *
 * Called by the collector's loop when a module or a frame is defined in the trace, for the
 * first time of each process; a frame's module comes before it. Must return at once.
 */
#ifndef MM_COLLECT_LISTENER_H
#define MM_COLLECT_LISTENER_H

#include <stdint.h>

#include "trace/event.h"

struct mm_listener {
	/* *m is valid during the call. */
	void (*module)(void *ctx, uint32_t process, uint32_t number, const struct mm_module *m);
	/* address: return address, as a site's value */
	void (*frame)(void *ctx, uint32_t process, uint32_t module, uint64_t address);
	void *ctx;
};

#endif
