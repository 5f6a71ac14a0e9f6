/* digest.c: adding up a chunk (digest.h). */
#include "trace/digest.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/varint.h"
#include "trace/bytes.h"
#include "trace/codec.h"

struct mm_digest_site *mm_digest_add_site(struct mm_digest_builder *b, uint32_t site)
{
	if (site >= b->site_place_cap &&
	    MM_GROW(b->site_place, b->site_place_cap, (size_t)site + 1))
		return NULL;
	if (MM_GROW(b->sums.sites, b->site_cap, b->sums.site_count + 1))
		return NULL;
	struct mm_digest_site *s = &b->sums.sites[b->sums.site_count++];
	*s = (struct mm_digest_site){ .site = site };
	b->site_place[site] = (uint32_t)b->sums.site_count;
	return s;
}

/* Place 0 is kept for MM_NO_THREAD. */
struct mm_digest_thread *mm_digest_find_thread(struct mm_digest_builder *b, uint32_t thread)
{
	uint32_t at = thread + 1;

	if (at >= b->thread_place_cap &&
	    MM_GROW(b->thread_place, b->thread_place_cap, (size_t)at + 1))
		return NULL;
	if (!b->thread_place[at]) {
		if (MM_GROW(b->sums.threads, b->thread_cap, b->sums.thread_count + 1))
			return NULL;
		b->sums.threads[b->sums.thread_count++] =
			(struct mm_digest_thread){ .thread = thread };
		b->thread_place[at] = (uint32_t)b->sums.thread_count;
	}
	b->last_thread = at;
	b->last_place = b->thread_place[at] - 1;
	return &b->sums.threads[b->last_place];
}

void mm_digest_reset(struct mm_digest_builder *b)
{
	struct mm_digest_site *sites = b->sums.sites;
	struct mm_digest_thread *threads = b->sums.threads;

	for (size_t i = 0; i < b->sums.site_count; i++)
		b->site_place[sites[i].site] = 0;
	for (size_t i = 0; i < b->sums.thread_count; i++)
		b->thread_place[threads[i].thread + 1] = 0;
	b->last_thread = 0;
	memset(&b->sums, 0, sizeof b->sums);
	b->sums.sites = sites;
	b->sums.threads = threads;
}

void mm_digest_builder_deinit(struct mm_digest_builder *b)
{
	mm_digest_deinit(&b->sums);
	free(b->site_place);
	free(b->thread_place);
	memset(b, 0, sizeof *b);
}

void mm_digest_deinit(struct mm_digest *d)
{
	free(d->sites);
	free(d->threads);
	memset(d, 0, sizeof *d);
}

/* --- in the file ---------------------------------------------------------------------- */

/* Column by column: like numbers beside each other pack better. */
#define PUT_COLUMN(out, items, count, field) \
	for (size_t i_ = 0; i_ < (count); i_++) \
		mm_buf_varint((out), (items)[i_].field)

static void put_buckets(struct mm_buf *out, const uint64_t *count, const uint64_t *bytes,
			unsigned buckets)
{
	unsigned used = buckets;

	while (used && !count[used - 1])
		used--;
	mm_buf_varint(out, used);
	for (unsigned i = 0; i < used; i++)
		mm_buf_varint(out, count[i]);
	for (unsigned i = 0; i < used; i++)
		mm_buf_varint(out, bytes[i]);
}

int mm_digest_encode(const struct mm_digest *d, struct mm_buf *out)
{
	uint32_t before = 0;

	mm_buf_varint(out, d->site_count);
	for (size_t i = 0; i < d->site_count; i++) {
		mm_buf_varint(out, mm_zigzag((int64_t)d->sites[i].site - before));
		before = d->sites[i].site;
	}
	PUT_COLUMN(out, d->sites, d->site_count, allocs);
	PUT_COLUMN(out, d->sites, d->site_count, frees);
	PUT_COLUMN(out, d->sites, d->site_count, bytes_in);
	PUT_COLUMN(out, d->sites, d->site_count, bytes_out);
	PUT_COLUMN(out, d->sites, d->site_count, temporaries);
	mm_buf_varint(out, d->thread_count);
	for (size_t i = 0; i < d->thread_count; i++)
		mm_buf_varint(out, (uint32_t)(d->threads[i].thread + 1));
	PUT_COLUMN(out, d->threads, d->thread_count, allocs);
	PUT_COLUMN(out, d->threads, d->thread_count, frees);
	PUT_COLUMN(out, d->threads, d->thread_count, bytes_in);
	PUT_COLUMN(out, d->threads, d->thread_count, bytes_out);
	PUT_COLUMN(out, d->threads, d->thread_count, temporaries);
	put_buckets(out, d->life_count, d->life_bytes, MM_LIFE_BUCKETS);
	put_buckets(out, d->size_count, d->size_bytes, MM_SIZE_BUCKETS);
	put_buckets(out, d->size_freed_count, d->size_freed_bytes, MM_SIZE_BUCKETS);
	return out->failed ? MM_ENOMEM : MM_OK;
}

#define GET_COLUMN(b, items, count, field) \
	for (size_t i_ = 0; i_ < (count); i_++) \
		(items)[i_].field = mm_bytes_varint(b)

static void get_buckets(struct mm_bytes *b, uint64_t *count, uint64_t *bytes,
			unsigned buckets)
{
	uint64_t used = mm_bytes_varint(b);

	if (used > buckets) {
		mm_bytes_fail(b);
		return;
	}
	for (unsigned i = 0; i < used; i++)
		count[i] = mm_bytes_varint(b);
	for (unsigned i = 0; i < used; i++)
		bytes[i] = mm_bytes_varint(b);
}

/* Room for `count` items, each of which takes at least `least` more bytes of b. */
static void *make_items(struct mm_bytes *b, uint64_t count, size_t least, size_t size)
{
	if (count > MM_CHUNK_EVENTS || count * least > mm_bytes_left(b)) {
		mm_bytes_fail(b);
		return NULL;
	}
	return calloc(count ? count : 1, size);
}

static int get_sites(struct mm_bytes *b, struct mm_digest *d)
{
	uint64_t count = mm_bytes_varint(b), site = 0;

	d->sites = make_items(b, count, 6, sizeof *d->sites);
	if (!d->sites)
		return b->bad ? MM_ECORRUPT : MM_ENOMEM;
	d->site_count = count;
	for (size_t i = 0; i < count; i++) {
		site += (uint64_t)mm_unzigzag(mm_bytes_varint(b));
		d->sites[i].site = (uint32_t)site;
	}
	GET_COLUMN(b, d->sites, count, allocs);
	GET_COLUMN(b, d->sites, count, frees);
	GET_COLUMN(b, d->sites, count, bytes_in);
	GET_COLUMN(b, d->sites, count, bytes_out);
	GET_COLUMN(b, d->sites, count, temporaries);
	return MM_OK;
}

static int get_threads(struct mm_bytes *b, struct mm_digest *d)
{
	uint64_t count = mm_bytes_varint(b);

	d->threads = make_items(b, count, 6, sizeof *d->threads);
	if (!d->threads)
		return b->bad ? MM_ECORRUPT : MM_ENOMEM;
	d->thread_count = count;
	for (size_t i = 0; i < count; i++)
		d->threads[i].thread = mm_bytes_u32(b) - 1;
	GET_COLUMN(b, d->threads, count, allocs);
	GET_COLUMN(b, d->threads, count, frees);
	GET_COLUMN(b, d->threads, count, bytes_in);
	GET_COLUMN(b, d->threads, count, bytes_out);
	GET_COLUMN(b, d->threads, count, temporaries);
	return MM_OK;
}

int mm_digest_decode(const uint8_t *data, size_t len, struct mm_digest *ret)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	struct mm_digest d = { 0 };
	int err = get_sites(&b, &d);

	if (!err)
		err = get_threads(&b, &d);
	get_buckets(&b, d.life_count, d.life_bytes, MM_LIFE_BUCKETS);
	get_buckets(&b, d.size_count, d.size_bytes, MM_SIZE_BUCKETS);
	get_buckets(&b, d.size_freed_count, d.size_freed_bytes, MM_SIZE_BUCKETS);
	if (!err && b.bad)
		err = MM_ECORRUPT;
	if (err)
		mm_digest_deinit(&d);
	else
		*ret = d;
	return err;
}
