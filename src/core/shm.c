/* shm.c: the pool of segments and the layout of a fresh mapping (shm.h).
 * Runs in both processes; safe in signal handlers; calls nothing but memcpy-free
 * atomics, so it may be linked into somebody else's program. */
#include "core/shm.h"

#include <linux/futex.h>

#include "core/error.h"

uint32_t mm_shm_seg_take(void *base)
{
	struct mm_shm_control *c = base;
	uint64_t head = atomic_load_explicit(&c->free_head, memory_order_acquire);

	while ((uint32_t)head != 0) {
		uint32_t seg = (uint32_t)head;
		uint32_t next = atomic_load_explicit(&mm_shm_seg(base, seg)->next_free,
						     memory_order_relaxed);
		uint64_t want = ((head >> 32) + 1) << 32 | next;
		if (atomic_compare_exchange_weak_explicit(&c->free_head, &head, want,
							  memory_order_acq_rel,
							  memory_order_acquire))
			return seg;
	}
	uint32_t limit = atomic_load_explicit(&c->seg_limit, memory_order_relaxed);
	uint32_t seg = atomic_load_explicit(&c->bump, memory_order_relaxed);
	while (seg < limit)
		if (atomic_compare_exchange_weak_explicit(&c->bump, &seg, seg + 1,
							  memory_order_relaxed,
							  memory_order_relaxed))
			return seg;
	return 0;
}

void mm_shm_seg_give(void *base, uint32_t seg)
{
	struct mm_shm_control *c = base;
	uint64_t head = atomic_load_explicit(&c->free_head, memory_order_relaxed);
	uint64_t want;

	do {
		atomic_store_explicit(&mm_shm_seg(base, seg)->next_free, (uint32_t)head,
				      memory_order_relaxed);
		want = ((head >> 32) + 1) << 32 | seg;
	} while (!atomic_compare_exchange_weak_explicit(&c->free_head, &head, want,
							memory_order_release,
							memory_order_relaxed));
}

int mm_shm_is_full(void *base)
{
	struct mm_shm_control *c = base;

	return (uint32_t)atomic_load(&c->free_head) == 0 &&
	       atomic_load(&c->bump) >= atomic_load(&c->seg_limit);
}

int mm_shm_collector_gone(void *base)
{
	struct mm_shm_control *c = base;
	/* glibc keeps a robust mutex's futex in its first word. */
	_Atomic uint32_t *word = (_Atomic uint32_t *)&c->collector_lock;

	return (atomic_load_explicit(word, memory_order_relaxed) & FUTEX_OWNER_DIED) != 0 ||
	       atomic_load_explicit(&c->stopped, memory_order_relaxed) != 0;
}

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

int mm_shm_format(void *base, uint64_t map_bytes, uint32_t options, uint32_t depth,
		  uint32_t clock_kind)
{
	struct mm_shm_control *c = base;
	uint64_t process_off = round_up(sizeof *c, 4096);
	uint64_t thread_off = process_off +
		round_up(sizeof(struct mm_shm_process) * MM_SHM_PROCESSES, 4096);
	uint64_t first = round_up(thread_off + sizeof(struct mm_shm_thread) * MM_SHM_THREADS,
				  MM_SEG_SIZE);

	if (map_bytes < first + 16 * (uint64_t)MM_SEG_SIZE || depth < 1 ||
	    depth > MM_DEPTH_MAX)
		return MM_EINVAL;
	c->magic = MM_SHM_MAGIC;
	c->version = MM_SHM_VERSION;
	c->options = options;
	c->clock_kind = clock_kind;
	c->depth = depth;
	c->map_bytes = map_bytes;
	c->process_off = process_off;
	c->thread_off = thread_off;
	c->first_seg = (uint32_t)(first / MM_SEG_SIZE);
	c->seg_count = (uint32_t)(map_bytes / MM_SEG_SIZE);
	atomic_store(&c->load_generation, 1);
	atomic_store(&c->bump, c->first_seg);
	atomic_store(&c->seg_limit, c->seg_count);
	atomic_store(&c->process_next, 1); /* slot 0: the image itself */
	atomic_store(&mm_shm_process(base, 0)->state, MM_PROC_CLAIMED);
	return MM_OK;
}

/* Words after the fixed part for a text of n bytes; 0 fixed = malformed. */
static uint32_t with_text(const uint64_t *w, uint32_t avail, uint32_t fixed)
{
	if (avail < 3 || w[2] > 4096)
		return 0;
	return fixed + (uint32_t)((w[2] + 7) / 8);
}

uint32_t mm_rec_words(const uint64_t *w, uint32_t avail)
{
	uint32_t n;

	switch (MM_REC_KIND(w[0])) {
	case MM_REC_VOID:
		n = w[0] >> 8 < MM_SEG_DATA / 8 ? 1 + (uint32_t)(w[0] >> 8) : 0;
		break;
	case MM_REC_FREE: case MM_REC_FORK: n = 2; break;
	case MM_REC_FREE_AT: n = 3; break;
	case MM_REC_ALLOC: case MM_REC_FAILED: case MM_REC_UNMAP: case MM_REC_POOL_END:
		n = 4;
		break;
	case MM_REC_MAP: n = 5; break;
	case MM_REC_REALLOC: case MM_REC_REMAP: case MM_REC_SLAB: case MM_REC_SLAB_END:
	case MM_REC_MOVE: case MM_REC_KEY: case MM_REC_SLAB_SIZE:
		n = 6;
		break;
	case MM_REC_MARK: n = with_text(w, avail, 4); break;
	case MM_REC_METRIC: case MM_REC_BUDGET: n = with_text(w, avail, 5); break;
	case MM_REC_POOL: n = with_text(w, avail, 7); break;
	default: n = 0;
	}
	return n <= avail ? n : 0;
}
