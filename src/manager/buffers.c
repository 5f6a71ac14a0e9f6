/* buffers.c: buffers with names (mm_buffer.h). */
#include "manager/buffers.h"

#include <string.h>

#include "core/error.h"
#include "manager/general.h"

enum { WRITTEN = -1, RESIZED = -2 }; /* mapped: by one who writes; nobody may now */

struct mm_buffer {
	struct mm_manager *manager;
	struct mm_buffer *next;
	void *bytes;
	uint64_t size, version, maps, unmaps;
	uint32_t refs, category; /* what it is charged to, whatever size it gets, by whomever */
	int mapped;           /* by so many who read, or the above */
	int is_zero_copy, is_gpu_writable;
	enum mm_map_mode last_mode;
	enum mm_buffer_hint hint;
	char name[MM_BUFFER_NAME_BYTES];
};

/* --- coming and going ---------------------------------------------------------------------- */

int mm_buffers_is_name(const char *name)
{
	return name && *name && strlen(name) < MM_BUFFER_NAME_BYTES;
}

int mm_buffers_obtain(struct mm_manager *m, uint32_t category, const char *name, size_t size,
		      void **ret)
{
	struct mm_what what = MM_WHAT;
	int err;

	what.category = category;
	what.name = name;
	what.align = MM_BUFFER_PAGE;
	if ((err = mm_alloc_as(m, size, &what, ret)) == MM_OK)
		memset(*ret, 0, size);
	return err;
}

/* With the lock held. */
static struct mm_buffer *buffer_named(struct mm_manager *m, const char *name)
{
	struct mm_buffer *b = m->buffers.first;

	while (b && strcmp(b->name, name) != 0)
		b = b->next;
	return b;
}

static void discard_buffer(struct mm_buffer *b)
{
	mm_free(b->manager, b->bytes);
	mm_meta_return(&b->manager->meta, b, sizeof *b);
}

/* Unless the name is taken. */
static int enlist_buffer(struct mm_manager *m, struct mm_buffer *b)
{
	int err = MM_EEXIST;

	mm_lock_take(&m->buffers.lock);
	if (!buffer_named(m, b->name)) {
		b->next = m->buffers.first;
		m->buffers.first = b;
		err = MM_OK;
	}
	mm_lock_give(&m->buffers.lock);
	return err;
}

int mm_buffer_create(struct mm_manager *m, const char *name, size_t size, int zero_copy,
		     int gpu_writable, struct mm_buffer **ret)
{
	struct mm_rider *r = mm_rider_mine();
	struct mm_buffer *b;
	int err;

	if (!mm_buffers_is_name(name) || !size)
		return MM_EINVAL;
	if (!r || !(m = mm_general_of(m)) || !(b = mm_meta_borrow(&m->meta, sizeof *b)))
		return MM_ENOMEM;
	b->category = mm_rider_category(r);
	if ((err = mm_buffers_obtain(m, b->category, name, size, &b->bytes))) {
		mm_meta_return(&m->meta, b, sizeof *b);
		return err;
	}
	b->manager = m;
	b->size = size;
	b->version = b->refs = 1;
	b->is_zero_copy = zero_copy != 0;
	b->is_gpu_writable = gpu_writable != 0;
	strcpy(b->name, name);
	if ((err = enlist_buffer(m, b)))
		discard_buffer(b);
	else
		*ret = b;
	return err;
}

struct mm_buffer *mm_buffer_get(struct mm_manager *m, const char *name)
{
	struct mm_buffer *b;

	if (!name || !(m = mm_general_of(m)))
		return NULL;
	mm_lock_take(&m->buffers.lock);
	if ((b = buffer_named(m, name)) != NULL)
		b->refs++;
	mm_lock_give(&m->buffers.lock);
	return b;
}

void mm_buffer_add_ref(struct mm_buffer *b)
{
	mm_lock_take(&b->manager->buffers.lock);
	b->refs++;
	mm_lock_give(&b->manager->buffers.lock);
}

/* With the lock held. */
static void delist_buffer(struct mm_buffer *b)
{
	struct mm_buffer **at = &b->manager->buffers.first;

	while (*at != b)
		at = &(*at)->next;
	*at = b->next;
}

int mm_buffer_release(struct mm_buffer *b)
{
	struct mm_lock *lock = &b->manager->buffers.lock;
	int is_last;

	mm_lock_take(lock);
	is_last = b->refs == 1;
	if (is_last && b->mapped) {
		mm_lock_give(lock);
		return MM_EPERM;
	}
	b->refs--;
	if (is_last)
		delist_buffer(b);
	mm_lock_give(lock);
	if (is_last)
		discard_buffer(b);
	return MM_OK;
}

void mm_buffers_forked(struct mm_manager *m)
{
	for (struct mm_buffer *b = m->buffers.first; b; b = b->next)
		b->mapped = b->mapped == RESIZED ? 0 : b->mapped;
}

/* --- bytes ------------------------------------------------------------------------------------ */

/* With the lock held: how many have it mapped. */
static uint32_t mapped_by(const struct mm_buffer *b)
{
	return b->mapped == WRITTEN ? 1 : b->mapped == RESIZED ? 0 : (uint32_t)b->mapped;
}

int mm_buffer_map(struct mm_buffer *b, enum mm_map_mode mode, void **ret)
{
	int err = MM_OK;

	if (mode < MM_MAP_READ || mode > MM_MAP_READ_WRITE)
		return MM_EINVAL;
	mm_lock_take(&b->manager->buffers.lock);
	if (b->mapped < 0 || (b->mapped && mode != MM_MAP_READ)) {
		err = MM_EAGAIN;
	} else {
		b->mapped = mode == MM_MAP_READ ? b->mapped + 1 : WRITTEN;
		b->last_mode = mode;
		b->maps++;
		*ret = b->bytes;
	}
	mm_lock_give(&b->manager->buffers.lock);
	return err;
}

int mm_buffer_unmap(struct mm_buffer *b)
{
	int err = MM_OK;

	mm_lock_take(&b->manager->buffers.lock);
	if (!mapped_by(b)) {
		err = MM_EINVAL;
	} else {
		b->version += b->mapped == WRITTEN;
		b->mapped = b->mapped == WRITTEN ? 0 : b->mapped - 1;
		b->unmaps++;
	}
	mm_lock_give(&b->manager->buffers.lock);
	return err;
}

int mm_buffer_is_mapped(const struct mm_buffer *b)
{
	mm_lock_take(&b->manager->buffers.lock);
	int is_mapped = mapped_by(b) != 0;
	mm_lock_give(&b->manager->buffers.lock);
	return is_mapped;
}

/* Whoever resizes has it alone, so that nobody maps it while bytes are copied. */
static int have_alone(struct mm_buffer *b)
{
	mm_lock_take(&b->manager->buffers.lock);
	int err = b->mapped ? MM_EPERM : MM_OK;
	if (!err)
		b->mapped = RESIZED;
	mm_lock_give(&b->manager->buffers.lock);
	return err;
}

static void have_no_more(struct mm_buffer *b, void *bytes, size_t size)
{
	mm_lock_take(&b->manager->buffers.lock);
	b->mapped = 0;
	if (bytes) {
		b->bytes = bytes;
		b->size = size;
		b->version++;
	}
	mm_lock_give(&b->manager->buffers.lock);
}

int mm_buffer_resize(struct mm_buffer *b, size_t size, int preserve)
{
	void *bytes = NULL, *was;
	int err;

	if (!size)
		return MM_EINVAL;
	if ((err = have_alone(b)))
		return err;
	was = b->bytes;
	err = mm_buffers_obtain(b->manager, b->category, b->name, size, &bytes);
	if (!err && preserve)
		memcpy(bytes, was, size < b->size ? size : b->size);
	have_no_more(b, err ? NULL : bytes, size);
	if (!err)
		mm_free(b->manager, was);
	return err;
}

uint64_t mm_buffer_sync_to_gpu(struct mm_buffer *b)
{
	(void)b;
	return 0;
}

uint64_t mm_buffer_sync_from_gpu(struct mm_buffer *b)
{
	(void)b;
	return 0;
}

void *mm_buffer_native(struct mm_buffer *b)
{
	(void)b;
	return NULL;
}

int mm_buffer_set_hint(struct mm_buffer *b, enum mm_buffer_hint hint)
{
	if ((unsigned)hint >= MM_HINTS)
		return MM_EINVAL;
	mm_lock_take(&b->manager->buffers.lock);
	b->hint = hint;
	mm_lock_give(&b->manager->buffers.lock);
	return MM_OK;
}

void mm_buffer_stats(const struct mm_buffer *b, struct mm_buffer_stats *ret)
{
	memset(ret, 0, sizeof *ret);
	strcpy(ret->name, b->name);
	mm_lock_take(&b->manager->buffers.lock);
	ret->size = b->size;
	ret->version = b->version;
	ret->map_count = b->maps;
	ret->unmap_count = b->unmaps;
	ret->refs = b->refs;
	ret->mapped = mapped_by(b);
	ret->is_zero_copy = b->is_zero_copy;
	ret->is_gpu_writable = b->is_gpu_writable;
	ret->last_mode = b->last_mode;
	ret->hint = b->hint;
	mm_lock_give(&b->manager->buffers.lock);
}
