/* digest.h: the sums of one chunk (struct mm_digest in reader.h), made while events are
 * written and read back without decoding them.
 *
 * Promise: equals what a walk over the chunk's events would add up.
 */
#ifndef MM_TRACE_DIGEST_H
#define MM_TRACE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/error.h"
#include "trace/objects.h"
#include "trace/reader.h"

/* Caller's memory, zero-initialised = empty. */
struct mm_digest_builder {
	struct mm_digest sums;
	size_t site_cap, thread_cap;
	uint32_t *site_place, *thread_place; /* number -> place + 1; 0 = not touched */
	size_t site_place_cap, thread_place_cap;
	uint32_t last_thread;  /* + 1, of the place below; 0 = none */
	size_t last_place;
};

/* Bucket of a lifetime and of a size (reader.h). */
static inline unsigned mm_life_bucket(uint64_t ns)
{
	unsigned k = ns ? 63u - (unsigned)__builtin_clzll(ns) : 0;

	return k < MM_LIFE_BUCKETS ? k : MM_LIFE_BUCKETS - 1;
}

static inline unsigned mm_size_bucket(uint64_t size)
{
	unsigned k = size ? 64u - (unsigned)__builtin_clzll(size) : 0;

	return k < MM_SIZE_BUCKETS ? k : MM_SIZE_BUCKETS - 1;
}

/* Sums of a site that has none yet, and of any thread; NULL without memory. */
struct mm_digest_site *mm_digest_add_site(struct mm_digest_builder *b, uint32_t site);
struct mm_digest_thread *mm_digest_find_thread(struct mm_digest_builder *b, uint32_t thread);

static inline struct mm_digest_site *mm_digest_site(struct mm_digest_builder *b, uint32_t site)
{
	if (site < b->site_place_cap && b->site_place[site])
		return &b->sums.sites[b->site_place[site] - 1];
	return mm_digest_add_site(b, site);
}

static inline struct mm_digest_thread *mm_digest_thread(struct mm_digest_builder *b,
							uint32_t thread)
{
	if (b->last_thread && b->last_thread == thread + 1)
		return &b->sums.threads[b->last_place];
	return mm_digest_find_thread(b, thread);
}

/* Each 0 or MM_ENOMEM. `thread` and `site` are those of birth. */
static inline int mm_digest_birth(struct mm_digest_builder *b, uint32_t site, uint32_t thread,
				  uint64_t size)
{
	struct mm_digest_site *s = mm_digest_site(b, site);
	struct mm_digest_thread *t = s ? mm_digest_thread(b, thread) : NULL;
	unsigned k = mm_size_bucket(size);

	if (!t)
		return MM_ENOMEM;
	s->allocs++;
	s->bytes_in += size;
	t->allocs++;
	t->bytes_in += size;
	b->sums.size_count[k]++;
	b->sums.size_bytes[k] += size;
	return MM_OK;
}

static inline int mm_digest_death(struct mm_digest_builder *b, const struct mm_object *obj,
				  uint64_t time, int temporary)
{
	struct mm_digest_site *s = mm_digest_site(b, obj->site);
	struct mm_digest_thread *t = s ? mm_digest_thread(b, obj->thread) : NULL;
	unsigned k = mm_size_bucket(obj->size), life = mm_life_bucket(time - obj->time);

	if (!t)
		return MM_ENOMEM;
	s->frees++;
	s->bytes_out += obj->size;
	s->temporaries += (unsigned)temporary;
	t->frees++;
	t->bytes_out += obj->size;
	t->temporaries += (unsigned)temporary;
	b->sums.size_freed_count[k]++;
	b->sums.size_freed_bytes[k] += obj->size;
	b->sums.life_count[life]++;
	b->sums.life_bytes[life] += obj->size;
	return MM_OK;
}

void mm_digest_reset(struct mm_digest_builder *b);
void mm_digest_builder_deinit(struct mm_digest_builder *b);

int mm_digest_encode(const struct mm_digest *d, struct mm_buf *out);

/* Fills *ret (untouched on failure): 0, MM_ENOMEM, MM_ECORRUPT. */
int mm_digest_decode(const uint8_t *data, size_t len, struct mm_digest *ret);

#endif
