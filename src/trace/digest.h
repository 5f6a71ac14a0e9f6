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

/* Each 0 or MM_ENOMEM. `thread` and `site` are those of birth. */
int mm_digest_birth(struct mm_digest_builder *b, uint32_t site, uint32_t thread,
		    uint64_t size);
int mm_digest_death(struct mm_digest_builder *b, const struct mm_object *obj,
		    uint64_t time, int temporary);
void mm_digest_reset(struct mm_digest_builder *b);
void mm_digest_builder_deinit(struct mm_digest_builder *b);

int mm_digest_encode(const struct mm_digest *d, struct mm_buf *out);

/* Fills *ret (untouched on failure): 0, MM_ENOMEM, MM_ECORRUPT. */
int mm_digest_decode(const uint8_t *data, size_t len, struct mm_digest *ret);

#endif
