/* voxel.h: the trace of a voxel engine that never ran: 60 seconds of a made program, with
 * everything that a memory manager and a GPU layer can say, and the list of what was written.
 *
 * traces/v1-voxel.mmt is what voxel_write writes; what it writes must never change. The story:
 * it loads for 10 s, grows until 38 s, when mesh_data is over its budget and pressure is high,
 * evicts meshes at 39 s, and is calm again at 56 s. Addresses lie in three regions that tear
 * more and more.
 */
#ifndef MM_TEST_VOXEL_H
#define MM_TEST_VOXEL_H

#include <stddef.h>
#include <stdint.h>

#include "trace/event.h"
#include "trace/notice.h"

enum { VOXEL_VRAM, VOXEL_BAR, VOXEL_RAM, VOXEL_HUGE, VOXEL_MMAP, VOXEL_DISK, VOXEL_TIERS };
enum { VOXEL_CATEGORIES = 6 }; /* the last one is general */
extern const char *const voxel_categories[VOXEL_CATEGORIES];

struct voxel_event { /* one event of the list, with copies of what it points to */
	struct mm_event ev;
	struct mm_notice notice;
	struct mm_sample sample;
	int category;      /* of an object; -1 = no object */
	int64_t bytes;     /* that came to live, or went */
};

struct voxel { /* caller's memory; ended by voxel_end */
	struct voxel_event *events;
	size_t count, cap;
};

/* Writes the trace; the test ends where that fails. */
void voxel_write(const char *path, struct voxel *ret);
void voxel_end(struct voxel *v);

#endif
