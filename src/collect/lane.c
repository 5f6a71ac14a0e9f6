/* lane.c: drains rings and gives segments back (lane.h, core/shm.h). */
#include "collect/lane.h"

#include <stdatomic.h>
#include <string.h>

#include "core/error.h"

enum { KEEP_ENTRIES = 4096 };

void mm_lane_init(struct mm_lane *l, struct mm_image *image, uint32_t slot)
{
	memset(l, 0, sizeof *l);
	l->image = image;
	l->slot = slot;
	l->shared = &image->threads[slot];
	l->tid = l->shared->tid;
	l->queue.owner = l;
}

void mm_lane_deinit(struct mm_lane *l)
{
	mm_entries_deinit(&l->queue);
}

static void give_back(struct mm_lane *l, uint32_t seg)
{
	atomic_fetch_sub(&l->shared->ring_segs, 1);
	atomic_fetch_sub(&l->image->control->ring_segs, 1);
	mm_shm_seg_give(l->image->base, seg);
	l->image->given++;
}

/* The two kinds that nearly all records are of, from `at` up to another kind or `head`;
 * where it stopped. There is room in the queue for as many as fit. */
static uint32_t read_common(struct mm_entries *q, const struct mm_seg *s, uint32_t at,
			    uint32_t head)
{
	while (at < head) {
		const uint64_t *w = &s->data[at / 8];
		uint32_t kind = MM_REC_KIND(w[0]);
		if (kind == MM_REC_ALLOC && head - at >= 32) {
			q->v[q->len] = (struct mm_entry){ w[1], w[0], w[2], w[3] };
			at += 32;
		} else if (kind == MM_REC_FREE && head - at >= 16) {
			q->v[q->len] = (struct mm_entry){ w[1], w[0], 0, 0 };
			at += 16;
		} else {
			break;
		}
		mm_entries_settle(q);
	}
	return at;
}

/* Records of one segment up to `head`. */
static int read_records(struct mm_lane *l, struct mm_seg *s, uint32_t head)
{
	/* No entry comes from less than two words. */
	if (mm_entries_reserve(&l->queue, (head - l->at) / 16))
		return MM_ENOMEM;
	while ((l->at = read_common(&l->queue, s, l->at, head)) < head) {
		const uint64_t *w = &s->data[l->at / 8];
		uint32_t n = mm_rec_words(w, (head - l->at) / 8);
		int err = n ? mm_entries_put(&l->queue, w, n) : MM_ECORRUPT;
		if (err == MM_ENOMEM)
			return err;
		if (err) {
			l->malformed++;
			l->at = head;
			break;
		}
		l->at += n * 8;
	}
	if (mm_entries_count(&l->queue)) {
		uint64_t last = l->queue.v[l->queue.len - 1].stamp;
		l->last_stamp = last > l->last_stamp ? last : l->last_stamp;
	}
	return MM_OK;
}

/* The next segment to read from, or NULL when the thread has none. */
static struct mm_seg *current(struct mm_lane *l)
{
	if (l->broken)
		return NULL;
	if (l->revoking == 2 && atomic_load(&l->shared->seg) != 0)
		l->revoking = 0; /* it has started afresh */
	if (l->seg == 0) {
		if (l->revoking)
			return NULL;
		l->seg = atomic_load_explicit(&l->shared->first_seg, memory_order_acquire);
		l->at = 0;
	}
	struct mm_seg *s = l->seg ? mm_image_seg(l->image, l->seg) : NULL;
	if (l->seg && (!s || s->thread != l->slot)) {
		l->broken = 1;
		l->malformed++;
		return NULL;
	}
	return s;
}

int mm_lane_drain(struct mm_lane *l, uint64_t bytes, uint64_t *ret_bytes)
{
	uint64_t done = 0;
	int err = MM_OK;

	l->partial = 1;
	/* A chain cannot be longer than a ring: a wild one must not hold us. */
	for (int i = 0; i < 4 * MM_RING_SEGS_THREAD && done < bytes; i++) {
		struct mm_seg *s = current(l);
		if (!s) {
			l->partial = 0;
			break;
		}
		uint32_t next = atomic_load_explicit(&s->next, memory_order_acquire);
		uint32_t head = atomic_load_explicit(&s->head, memory_order_acquire);
		head = head > MM_SEG_DATA ? MM_SEG_DATA : head & ~7u;
		if (head > l->at) {
			uint32_t from = l->at;
			err = read_records(l, s, head);
			done += l->at - from;
			if (err)
				break;
		}
		if (next == 0) {
			l->partial = 0;
			break;
		}
		give_back(l, l->seg);
		l->seg = next;
		l->at = 0;
	}
	*ret_bytes = done;
	return err;
}

void mm_lane_look(struct mm_lane *l, uint64_t now_stamp)
{
	l->busy = atomic_load_explicit(&l->shared->busy, memory_order_acquire) != 0;
	l->final = l->dead;
	if (!l->busy)
		l->idle_stamp = now_stamp;
}

uint64_t mm_lane_bound(const struct mm_lane *l)
{
	if (l->partial)
		return l->last_stamp;
	if (l->final)
		return UINT64_MAX;
	return l->last_stamp > l->idle_stamp ? l->last_stamp : l->idle_stamp;
}

void mm_lane_revoke(struct mm_lane *l)
{
	uint32_t seg = atomic_load(&l->shared->seg);

	if (seg == 0 || l->seg == 0 || l->revoking)
		return;
	/* A thread that has just moved on keeps its chain. */
	if (atomic_compare_exchange_strong(&l->shared->seg, &seg, 0))
		l->revoking = 1;
}

/* Gives back the chain from l->seg on; it is final and drained but for its last part. */
static void return_chain(struct mm_lane *l)
{
	for (int i = 0; i < 4 * MM_RING_SEGS_THREAD && l->seg && !l->broken; i++) {
		struct mm_seg *s = mm_image_seg(l->image, l->seg);
		uint32_t next = s && s->thread == l->slot ? atomic_load(&s->next) : 0;
		if (s && s->thread == l->slot)
			give_back(l, l->seg);
		l->seg = next;
	}
	l->seg = 0;
	l->at = 0;
}

void mm_lane_settle_revoke(struct mm_lane *l)
{
	uint64_t bytes;

	if (l->revoking != 1)
		return;
	uint32_t busy = atomic_load_explicit(&l->shared->busy, memory_order_acquire);
	uint32_t seg = atomic_load_explicit(&l->shared->seg, memory_order_acquire);
	if (busy && seg == 0 && !l->dead)
		return;
	if (mm_lane_drain(l, UINT64_MAX, &bytes) || l->partial)
		return;
	return_chain(l);
	/* Until the thread stores a new first_seg, the number there is the old one. */
	l->revoking = seg != 0 ? 0 : 2;
}

void mm_lane_release(struct mm_lane *l)
{
	if (!l->seg && !l->revoking)
		l->seg = atomic_load(&l->shared->first_seg);
	return_chain(l);
	atomic_store(&l->shared->first_seg, 0);
	atomic_store(&l->shared->seg, 0);
	atomic_store(&l->shared->busy, 0);
	atomic_store(&l->shared->ring_segs, 0);
	atomic_store(&l->shared->dropped, 0);
	atomic_store(&l->shared->events, 0);
	atomic_store_explicit(&l->shared->state, MM_THREAD_FREE, memory_order_release);
	mm_entries_clear(&l->queue, KEEP_ENTRIES);
}
