/* tower.c: merged digests (tower.h). */
#include "model/tower.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"

enum { MOST_BYTES = 32 << 20 };

static const uint32_t span[MM_TOWER_LEVELS] = { MM_TOWER_CHUNKS,
	MM_TOWER_CHUNKS * MM_TOWER_CHUNKS, MM_TOWER_CHUNKS * MM_TOWER_CHUNKS * MM_TOWER_CHUNKS };

void mm_tower_deinit(struct mm_tower *t)
{
	for (int k = 0; k < MM_TOWER_LEVELS; k++) {
		for (size_t i = 0; i < t->cap[k]; i++)
			mm_digest_deinit(&t->blocks[k][i].sums);
		free(t->blocks[k]);
	}
	memset(t, 0, sizeof *t);
}

/* --- merging ------------------------------------------------------------------------- */

struct merging {
	struct mm_digest_builder builder;
	uint32_t sites, threads; /* that there are */
	int failed;              /* MM_ENOMEM, or 1: a number that means nothing */
};

static void merge_site(struct merging *m, const struct mm_digest_site *s)
{
	struct mm_digest_site *to = s->site < m->sites ? mm_digest_site(&m->builder, s->site) : NULL;

	if (!to) {
		m->failed = s->site < m->sites ? MM_ENOMEM : 1;
		return;
	}
	to->allocs += s->allocs;
	to->frees += s->frees;
	to->bytes_in += s->bytes_in;
	to->bytes_out += s->bytes_out;
	to->temporaries += s->temporaries;
}

static void merge_thread(struct merging *m, const struct mm_digest_thread *t)
{
	int sound = t->thread < m->threads || t->thread == MM_NO_THREAD;
	struct mm_digest_thread *to = sound ? mm_digest_thread(&m->builder, t->thread) : NULL;

	if (!to) {
		m->failed = sound ? MM_ENOMEM : 1;
		return;
	}
	to->allocs += t->allocs;
	to->frees += t->frees;
	to->bytes_in += t->bytes_in;
	to->bytes_out += t->bytes_out;
	to->temporaries += t->temporaries;
}

static void merge_buckets(struct mm_digest *to, const struct mm_digest *d)
{
	for (int i = 0; i < MM_LIFE_BUCKETS; i++) {
		to->life_count[i] += d->life_count[i];
		to->life_bytes[i] += d->life_bytes[i];
	}
	for (int i = 0; i < MM_SIZE_BUCKETS; i++) {
		to->size_count[i] += d->size_count[i];
		to->size_bytes[i] += d->size_bytes[i];
		to->size_freed_count[i] += d->size_freed_count[i];
		to->size_freed_bytes[i] += d->size_freed_bytes[i];
	}
}

static void merge(void *arg, const struct mm_digest *d)
{
	struct merging *m = arg;

	for (size_t i = 0; !m->failed && i < d->site_count; i++)
		merge_site(m, &d->sites[i]);
	for (size_t i = 0; !m->failed && i < d->thread_count; i++)
		merge_thread(m, &d->threads[i]);
	merge_buckets(&m->builder.sums, d);
}

static size_t block_bytes(const struct mm_digest *d)
{
	return d->site_count * sizeof *d->sites + d->thread_count * sizeof *d->threads;
}

/* The block has the sums, in arrays no longer than they are. */
static int keep(struct mm_tower *t, struct mm_tower_block *b, const struct mm_digest *d)
{
	struct mm_digest kept = *d;

	kept.sites = malloc((d->site_count + 1) * sizeof *kept.sites);
	kept.threads = malloc((d->thread_count + 1) * sizeof *kept.threads);
	if (!kept.sites || !kept.threads) {
		free(kept.sites);
		free(kept.threads);
		return MM_ENOMEM;
	}
	if (d->site_count)
		memcpy(kept.sites, d->sites, d->site_count * sizeof *kept.sites);
	if (d->thread_count)
		memcpy(kept.threads, d->threads, d->thread_count * sizeof *kept.threads);
	b->sums = kept;
	b->state = 1;
	t->bytes += block_bytes(d);
	return MM_OK;
}

/* What a larger block sums up is made again when it is wanted. */
static void make_room(struct mm_tower *t, int level, uint32_t index)
{
	for (uint32_t i = index * MM_TOWER_CHUNKS; i < (index + 1) * MM_TOWER_CHUNKS; i++) {
		struct mm_tower_block *b = i < t->cap[level - 1] ? &t->blocks[level - 1][i] : NULL;
		if (!b || b->state != 1)
			continue;
		t->bytes -= block_bytes(&b->sums);
		mm_digest_deinit(&b->sums);
		b->state = 0;
	}
}

static int sum_below(struct mm_tower *t, struct mm_reader *r, uint32_t process, int levels,
		     uint32_t first, uint32_t end,
		     void (*fn)(void *arg, const struct mm_digest *d), void *arg, uint32_t *ret_at);

static int make_block(struct mm_tower *t, struct mm_reader *r, uint32_t process, int level,
		      uint32_t index)
{
	struct merging m = { .sites = mm_reader_sites(r, process),
			     .threads = mm_reader_threads(r, process) };
	uint32_t first = index * span[level], end = first + span[level], at = first;
	int err = sum_below(t, r, process, level, first, end, merge, &m, &at);

	if (m.failed < 0)
		err = m.failed;
	if (!err && (at < end || m.failed))
		t->blocks[level][index].state = 2;
	else if (!err)
		err = keep(t, &t->blocks[level][index], &m.builder.sums);
	mm_digest_builder_deinit(&m.builder);
	if (!err && level && t->bytes > MOST_BYTES)
		make_room(t, level, index);
	return err;
}

/* --- sums ---------------------------------------------------------------------------- */

/* The block of that level that begins at `first` and lies in a run up to `end`: its chunks,
 * 0 = there is none, or an error. The newest chunk's digest may not be there yet: no block
 * takes it in. */
static int find_block(struct mm_tower *t, struct mm_reader *r, uint32_t process, int level,
		      uint32_t first, uint32_t end, const struct mm_digest **ret)
{
	uint32_t index = first / span[level], chunks = mm_reader_chunks(r, process);

	if (first % span[level] || end - first < span[level] || chunks - first <= span[level])
		return 0;
	if (MM_GROW(t->blocks[level], t->cap[level], (size_t)index + 1))
		return MM_ENOMEM;
	if (!t->blocks[level][index].state) {
		int err = make_block(t, r, process, level, index);
		if (err)
			return err;
	}
	*ret = &t->blocks[level][index].sums;
	return t->blocks[level][index].state == 1 ? (int)span[level] : 0;
}

/* By blocks of levels below `levels` and single chunks. */
static int sum_below(struct mm_tower *t, struct mm_reader *r, uint32_t process, int levels,
		     uint32_t first, uint32_t end,
		     void (*fn)(void *arg, const struct mm_digest *d), void *arg, uint32_t *ret_at)
{
	while (first < end) {
		const struct mm_digest *sums = NULL;
		struct mm_digest one = { 0 };
		int got = 0;
		for (int level = levels; level-- > 0 && !got;)
			got = find_block(t, r, process, level, first, end, &sums);
		if (got < 0)
			return got;
		if (!got) {
			int err = mm_reader_digest(r, process, first, &one);
			if (err == MM_ENOMEM)
				return err;
			if (err)
				break;
			sums = &one;
			got = 1;
		}
		fn(arg, sums);
		mm_digest_deinit(&one);
		first += (uint32_t)got;
	}
	*ret_at = first;
	return MM_OK;
}

int mm_tower_sum(struct mm_tower *t, struct mm_reader *r, uint32_t process, uint32_t first,
		 uint32_t end, void (*fn)(void *arg, const struct mm_digest *d), void *arg,
		 uint32_t *ret_at)
{
	return sum_below(t, r, process, MM_TOWER_LEVELS, first, end, fn, arg, ret_at);
}
