/* event.c: the names of kinds of event (event.h). */
#include "trace/event.h"

#include <stddef.h>

static const char *const low_names[] = {
	[MM_EV_MALLOC] = "malloc",
	[MM_EV_CALLOC] = "calloc",
	[MM_EV_ALIGNED] = "aligned",
	[MM_EV_NEW] = "new",
	[MM_EV_NEW_ALIGNED] = "new-aligned",
	[MM_EV_NOTE_ALLOC] = "note-alloc",
	[MM_EV_REALLOC_IN] = "realloc-in",
	[MM_EV_FREE] = "free",
	[MM_EV_NOTE_FREE] = "note-free",
	[MM_EV_REALLOC_OUT] = "realloc-out",
	[MM_EV_IMPLIED] = "implied",
	[MM_EV_INHERITED] = "inherited",
};

static const char *const other_names[] = {
	[MM_EV_FAILED - MM_EV_OTHER] = "failed",
	[MM_EV_MAP - MM_EV_OTHER] = "map",
	[MM_EV_UNMAP - MM_EV_OTHER] = "unmap",
	[MM_EV_MARK - MM_EV_OTHER] = "mark",
	[MM_EV_METRIC - MM_EV_OTHER] = "metric",
	[MM_EV_BUDGET - MM_EV_OTHER] = "budget",
	[MM_EV_FORK - MM_EV_OTHER] = "fork",
	[MM_EV_SAMPLE - MM_EV_OTHER] = "sample",
	[MM_EV_LOST - MM_EV_OTHER] = "lost",
	[MM_EV_DISCARD - MM_EV_OTHER] = "discard",
	[MM_EV_THREAD_END - MM_EV_OTHER] = "thread-end",
	[MM_EV_POOL - MM_EV_OTHER] = "pool",
	[MM_EV_POOL_END - MM_EV_OTHER] = "pool-end",
	[MM_EV_SLAB - MM_EV_OTHER] = "slab",
	[MM_EV_SLAB_END - MM_EV_OTHER] = "slab-end",
	[MM_EV_BLOCK_MOVE - MM_EV_OTHER] = "block-move",
	[MM_EV_BLOCK_KEY - MM_EV_OTHER] = "block-key",
	[MM_EV_SLAB_SIZE - MM_EV_OTHER] = "slab-size",
	[MM_EV_TIER - MM_EV_OTHER] = "tier",
	[MM_EV_TIER_USE - MM_EV_OTHER] = "tier-use",
	[MM_EV_TIER_MOVE - MM_EV_OTHER] = "tier-move",
	[MM_EV_EVICT - MM_EV_OTHER] = "evict",
	[MM_EV_DENY - MM_EV_OTHER] = "deny",
	[MM_EV_PRESSURE - MM_EV_OTHER] = "pressure",
	[MM_EV_GPU_DEVICE - MM_EV_OTHER] = "gpu-device",
	[MM_EV_GPU_HEAP - MM_EV_OTHER] = "gpu-heap",
	[MM_EV_GPU_KIND - MM_EV_OTHER] = "gpu-kind",
	[MM_EV_GPU_BLOCK - MM_EV_OTHER] = "gpu-block",
};

const char *mm_event_name(unsigned kind)
{
	if (kind < sizeof low_names / sizeof *low_names)
		return low_names[kind];
	if (kind < MM_EV_OTHER)
		return NULL;
	kind -= MM_EV_OTHER;
	return kind < sizeof other_names / sizeof *other_names ? other_names[kind] : NULL;
}
