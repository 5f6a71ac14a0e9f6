/* buffers_shared.c: buffers of two sides, one published and one written (mm_buffer.h).
 *
 * Each page has the version that changed it last. A side that is about to be written is behind
 * by the pages that changed after its own version: they alone are copied.
 */
#include <string.h>

#include "core/error.h"
#include "manager/general.h"

enum { IDLE, WRITING, PUBLISHING };

struct mm_side { uint8_t *bytes; uint64_t version; uint32_t readers; };

struct mm_shared_buffer {
	struct mm_manager *manager;
	struct mm_shared_buffer *prev, *next; /* of the manager */
	uint64_t size, pages;
	struct mm_side side[2];
	int front;            /* the published one */
	int state;
	int is_told;          /* the writer says where it writes */
	uint64_t *changed;    /* versions, of each page */
	uint8_t *touched;     /* of each page */
};

static uint64_t shared_page_bytes(const struct mm_shared_buffer *b, uint64_t page)
{
	uint64_t left = b->size - page * MM_BUFFER_PAGE;

	return left < MM_BUFFER_PAGE ? left : MM_BUFFER_PAGE;
}

static struct mm_lock *lock_of(const struct mm_shared_buffer *b)
{
	return &b->manager->buffers.lock;
}

/* --- coming and going ---------------------------------------------------------------------- */

static void enlist_shared(struct mm_shared_buffer *b)
{
	struct mm_shared_buffer **first = &b->manager->buffers.first_shared;

	mm_lock_take(lock_of(b));
	if ((b->next = *first) != NULL)
		b->next->prev = b;
	*first = b;
	mm_lock_give(lock_of(b));
}

static void delist_shared(struct mm_shared_buffer *b)
{
	mm_lock_take(lock_of(b));
	if (b->prev)
		b->prev->next = b->next;
	else
		b->manager->buffers.first_shared = b->next;
	if (b->next)
		b->next->prev = b->prev;
	mm_lock_give(lock_of(b));
}

/* Who was publishing looked for changes, and the sides were not turned over: it is written still. */
void mm_shared_buffers_forked(struct mm_manager *m)
{
	for (struct mm_shared_buffer *b = m->buffers.first_shared; b; b = b->next)
		b->state = b->state == PUBLISHING ? WRITING : b->state;
}

static void discard_shared(struct mm_shared_buffer *b)
{
	struct mm_meta *meta = &b->manager->meta;

	for (int i = 0; i < 2; i++)
		mm_free(b->manager, b->side[i].bytes);
	mm_meta_return(meta, b->changed, b->pages * sizeof *b->changed);
	mm_meta_return(meta, b->touched, b->pages);
	mm_meta_return(meta, b, sizeof *b);
}

void mm_shared_buffer_destroy(struct mm_shared_buffer *b)
{
	if (!b)
		return;
	delist_shared(b);
	discard_shared(b);
}

static int furnish_shared(struct mm_shared_buffer *b, const char *name)
{
	int err = MM_OK;

	b->changed = mm_meta_borrow(&b->manager->meta, b->pages * sizeof *b->changed);
	b->touched = mm_meta_borrow(&b->manager->meta, b->pages);
	if (!b->changed || !b->touched)
		return MM_ENOMEM;
	for (int i = 0; !err && i < 2; i++) {
		void *bytes = NULL;
		err = mm_buffers_obtain(b->manager, MM_CATEGORY_CURRENT, name, b->size, &bytes);
		b->side[i].bytes = bytes;
		b->side[i].version = 1;
	}
	for (uint64_t i = 0; i < b->pages; i++)
		b->changed[i] = 1;
	return err;
}

int mm_shared_buffer_create(struct mm_manager *m, const char *name, size_t size,
			    struct mm_shared_buffer **ret)
{
	struct mm_shared_buffer *b;
	int err;

	if (!mm_buffers_is_name(name) || !size || size > PTRDIFF_MAX)
		return MM_EINVAL;
	if (!(m = mm_general_of(m)) || !(b = mm_meta_borrow(&m->meta, sizeof *b)))
		return MM_ENOMEM;
	b->manager = m;
	b->size = size;
	b->pages = (size + MM_BUFFER_PAGE - 1) / MM_BUFFER_PAGE;
	if ((err = furnish_shared(b, name))) {
		discard_shared(b);
		return err;
	}
	enlist_shared(b);
	*ret = b;
	return MM_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* From one state to another, of which the caller is the only one. */
static int step_shared(struct mm_shared_buffer *b, int from, int to)
{
	mm_lock_take(lock_of(b));
	int err = b->state == from ? MM_OK : MM_EINVAL;
	if (!err)
		b->state = to;
	mm_lock_give(lock_of(b));
	return err;
}

static void catch_up(struct mm_shared_buffer *b, struct mm_side *behind,
		     const struct mm_side *front)
{
	for (uint64_t i = 0; i < b->pages; i++)
		if (b->changed[i] > behind->version)
			memcpy(behind->bytes + i * MM_BUFFER_PAGE,
			       front->bytes + i * MM_BUFFER_PAGE, shared_page_bytes(b, i));
	behind->version = front->version;
	memset(b->touched, 0, b->pages);
	b->is_told = 0;
}

int mm_shared_buffer_begin(struct mm_shared_buffer *b, void **ret)
{
	struct mm_side *back;
	int err = MM_OK;

	mm_lock_take(lock_of(b));
	back = &b->side[!b->front];
	if (b->state != IDLE || back->readers)
		err = MM_EAGAIN;
	else
		b->state = WRITING;
	mm_lock_give(lock_of(b));
	if (err)
		return err;
	catch_up(b, back, &b->side[b->front]);
	*ret = back->bytes;
	return MM_OK;
}

int mm_shared_buffer_touch(struct mm_shared_buffer *b, size_t offset, size_t bytes)
{
	if (step_shared(b, WRITING, WRITING) || offset > b->size || bytes > b->size - offset)
		return MM_EINVAL;
	b->is_told = 1;
	if (bytes)
		memset(b->touched + offset / MM_BUFFER_PAGE, 1,
		       (offset + bytes - 1) / MM_BUFFER_PAGE - offset / MM_BUFFER_PAGE + 1);
	return MM_OK;
}

/* Leaves those pages touched that differ. */
static int look_for_changes(struct mm_shared_buffer *b)
{
	int any = 0;

	for (uint64_t i = 0; i < b->pages; i++) {
		if (b->is_told && !b->touched[i])
			continue;
		b->touched[i] = memcmp(b->side[0].bytes + i * MM_BUFFER_PAGE,
				       b->side[1].bytes + i * MM_BUFFER_PAGE,
				       shared_page_bytes(b, i)) != 0;
		any |= b->touched[i];
	}
	return any;
}

/* With the lock held. */
static void turn_over(struct mm_shared_buffer *b)
{
	uint64_t version = b->side[b->front].version + 1;

	for (uint64_t i = 0; i < b->pages; i++)
		if (b->touched[i])
			b->changed[i] = version;
	b->front = !b->front;
	b->side[b->front].version = version;
}

int mm_shared_buffer_publish(struct mm_shared_buffer *b, uint64_t *ret_version)
{
	int err = step_shared(b, WRITING, PUBLISHING);

	if (err)
		return err;
	int any = look_for_changes(b);
	mm_lock_take(lock_of(b));
	if (any)
		turn_over(b);
	if (ret_version)
		*ret_version = b->side[b->front].version;
	b->state = IDLE;
	mm_lock_give(lock_of(b));
	return MM_OK;
}

/* Nothing of that side is known any more: it is behind by every page. */
int mm_shared_buffer_abandon(struct mm_shared_buffer *b)
{
	int err = MM_EINVAL;

	mm_lock_take(lock_of(b));
	if (b->state == WRITING) {
		b->side[!b->front].version = 0;
		b->state = IDLE;
		err = MM_OK;
	}
	mm_lock_give(lock_of(b));
	return err;
}

/* --- reading ---------------------------------------------------------------------------------- */

const void *mm_shared_buffer_read(struct mm_shared_buffer *b, uint64_t *ret_version)
{
	struct mm_side *s;

	mm_lock_take(lock_of(b));
	s = &b->side[b->front];
	s->readers++;
	if (ret_version)
		*ret_version = s->version;
	mm_lock_give(lock_of(b));
	return s->bytes;
}

int mm_shared_buffer_read_end(struct mm_shared_buffer *b, const void *bytes)
{
	int err = MM_EINVAL;

	mm_lock_take(lock_of(b));
	for (int i = 0; i < 2; i++)
		if (b->side[i].bytes == bytes && b->side[i].readers) {
			b->side[i].readers--;
			err = MM_OK;
		}
	mm_lock_give(lock_of(b));
	return err;
}

uint64_t mm_shared_buffer_version(struct mm_shared_buffer *b)
{
	mm_lock_take(lock_of(b));
	uint64_t version = b->side[b->front].version;
	mm_lock_give(lock_of(b));
	return version;
}

size_t mm_shared_buffer_changes(struct mm_shared_buffer *b, uint64_t since,
				struct mm_changed *ranges, size_t room)
{
	uint64_t end = UINT64_MAX;
	size_t n = 0;

	mm_lock_take(lock_of(b));
	for (uint64_t i = 0; i < b->pages; i++) {
		if (b->changed[i] <= since)
			continue;
		n += i != end;
		if (n <= room && i != end)
			ranges[n - 1] = (struct mm_changed){ i * MM_BUFFER_PAGE, 0 };
		if (n <= room)
			ranges[n - 1].bytes += shared_page_bytes(b, i);
		end = i + 1;
	}
	mm_lock_give(lock_of(b));
	return n;
}
