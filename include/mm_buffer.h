/* mm_buffer.h: buffers with names, and buffers that one writes while others read. mm.h includes
 * it.
 *
 *	struct mm_buffer *field;
 *	float *v;
 *	err = mm_buffer_create(NULL, "field", 1 << 20, 1, 0, &field);
 *	err = mm_buffer_map(field, MM_MAP_WRITE, (void **)&v);
 *	v[0] = 1;
 *	mm_buffer_unmap(field);                 // published: the version rises
 *	mm_buffer_release(field);
 *
 * Promise: what is mapped stays where it is and is written by one alone; a version means one
 * content; whoever reads a shared buffer reads one version, whole, and waits for nobody.
 * Vocabulary
 *   map        have the bytes for a while: one writer, or any number of readers
 *   publish    what was written is there for others: unmapping after writing, a new size
 *   version    of the content: 1 when it is made, one more each time it is published
 *   page       MM_BUFFER_PAGE bytes of a shared buffer: what changes are counted in
 * This library knows no GPU: buffers are memory of the host, whatever is said of zero copies,
 * and syncing copies nothing. Bytes are of the general heap (mm_alloc.h): charged to the
 * category of the thread that creates, whoever resizes, known by the buffer's name. NULL for a
 * manager is the default one. Any thread may call anything. Functions return 0 or a negative code
 * of mm_error.h; out-parameters are untouched on failure. A child made by fork has mappings as
 * they were; a shared buffer that was being written or published then is written in it as well: it
 * abandons that before it writes itself.
 */
#ifndef MM_BUFFER_H
#define MM_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "mm_error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mm_manager;
struct mm_buffer;

enum { MM_BUFFER_NAME_BYTES = 64, MM_BUFFER_PAGE = 4096 };

/* Its content is zeros; it begins at a page. One reference is the caller's. MM_EINVAL: size 0,
 * name empty or too long; MM_EEXIST: the manager has a buffer of that name; MM_ELIMIT: a budget
 * or a limit; MM_ENOMEM. */
MM_API int mm_buffer_create(struct mm_manager *manager, const char *name, size_t size,
			    int zero_copy, int gpu_writable, struct mm_buffer **ret);

/* The manager's buffer of that name, with a reference more, which is the caller's; or NULL. */
MM_API struct mm_buffer *mm_buffer_get(struct mm_manager *manager, const char *name);

/* One reference more; one less: with the last one the buffer goes. MM_EPERM: that would be the
 * last one, and it is mapped. Managers that are destroyed take their buffers with them. */
MM_API void mm_buffer_add_ref(struct mm_buffer *buffer);
MM_API int mm_buffer_release(struct mm_buffer *buffer);

enum mm_map_mode { MM_MAP_READ = 1, MM_MAP_WRITE = 2, MM_MAP_READ_WRITE = 3 };

/* The bytes, until the matching unmap. MM_EAGAIN: one writes, or others read and the caller
 * wants to write; MM_EINVAL: no such mode. */
MM_API int mm_buffer_map(struct mm_buffer *buffer, enum mm_map_mode mode, void **ret);

/* MM_EINVAL: it is not mapped. */
MM_API int mm_buffer_unmap(struct mm_buffer *buffer);
MM_API int mm_buffer_is_mapped(const struct mm_buffer *buffer);

/* Another size: zeros, behind what was there if `preserve`. Published. MM_EPERM: it is mapped;
 * MM_EINVAL: 0; MM_ELIMIT, MM_ENOMEM: it is as it was. */
MM_API int mm_buffer_resize(struct mm_buffer *buffer, size_t size, int preserve);

/* Bytes that were copied: 0 without a GPU. */
MM_API uint64_t mm_buffer_sync_to_gpu(struct mm_buffer *buffer);
MM_API uint64_t mm_buffer_sync_from_gpu(struct mm_buffer *buffer);

/* What a GPU knows it by: NULL without one. */
MM_API void *mm_buffer_native(struct mm_buffer *buffer);

enum mm_buffer_hint {
	MM_HINT_GENERAL, MM_HINT_SDF_FIELD, MM_HINT_SVO_NODES, MM_HINT_MATERIAL_CHANNELS,
	MM_HINT_VERTEX_DATA, MM_HINT_INDEX_DATA, MM_HINTS
};

/* What it is for; it decides nothing without a GPU. MM_EINVAL. */
MM_API int mm_buffer_set_hint(struct mm_buffer *buffer, enum mm_buffer_hint hint);

struct mm_buffer_stats {
	char name[MM_BUFFER_NAME_BYTES];
	uint64_t size, version;
	uint64_t map_count, unmap_count; /* ever */
	uint32_t refs, mapped;           /* mapped: by how many */
	int is_zero_copy, is_gpu_writable;
	enum mm_map_mode last_mode;      /* 0 = never mapped */
	enum mm_buffer_hint hint;
};

MM_API void mm_buffer_stats(const struct mm_buffer *buffer, struct mm_buffer_stats *ret);

/* --- shared buffers ---------------------------------------------------------------------- */

/* Two copies of the bytes: the published one, which any number read, and one that is written. */
struct mm_shared_buffer;

/* Zeros; version 1. Errors as above; names may be the same. */
MM_API int mm_shared_buffer_create(struct mm_manager *manager, const char *name, size_t size,
				   struct mm_shared_buffer **ret);

/* Nobody may be using it. */
MM_API void mm_shared_buffer_destroy(struct mm_shared_buffer *buffer);

/* To write: the published content, in the caller's own copy until it is published or abandoned.
 * MM_EAGAIN: somebody writes, or still reads the version before the published one. */
MM_API int mm_shared_buffer_begin(struct mm_shared_buffer *buffer, void **ret);

/* Where the writer wrote: then changes are looked for there alone, not everywhere. Of the writer
 * alone. MM_EINVAL: beyond the end, or nobody writes. */
MM_API int mm_shared_buffer_touch(struct mm_shared_buffer *buffer, size_t offset, size_t bytes);

/* Whoever reads from now on reads this. Where nothing has changed the version stays. MM_EINVAL:
 * nobody writes. `ret_version` may be NULL. */
MM_API int mm_shared_buffer_publish(struct mm_shared_buffer *buffer, uint64_t *ret_version);

/* What was written is forgotten. MM_EINVAL: nobody writes. */
MM_API int mm_shared_buffer_abandon(struct mm_shared_buffer *buffer);

/* The published bytes, to read until the matching end; their version, if not NULL. */
MM_API const void *mm_shared_buffer_read(struct mm_shared_buffer *buffer, uint64_t *ret_version);

/* MM_EINVAL: not what a read gave. */
MM_API int mm_shared_buffer_read_end(struct mm_shared_buffer *buffer, const void *bytes);

/* Published now. */
MM_API uint64_t mm_shared_buffer_version(struct mm_shared_buffer *buffer);

struct mm_changed { uint64_t offset, bytes; };

/* How many ranges of pages changed after version `since`; the first `room` of them, in order. */
MM_API size_t mm_shared_buffer_changes(struct mm_shared_buffer *buffer, uint64_t since,
				       struct mm_changed *ranges, size_t room);

#ifdef __cplusplus
}
#endif

#endif
