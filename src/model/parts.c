/* parts.c: parts of what lives at a point, from digests and rows (parts.h). */
#include "model/parts.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

void mm_parts_deinit(struct mm_parts *p)
{
	free(p->sites);
	free(p->threads);
	memset(p, 0, sizeof *p);
}

static struct mm_part_sum *site_of(struct mm_parts *p, uint32_t site)
{
	return &p->sites[site < p->site_count ? site : 0];
}

static struct mm_part_sum *thread_of(struct mm_parts *p, uint32_t thread)
{
	return &p->threads[thread < p->thread_count ? thread : p->thread_count - 1];
}

static void add(struct mm_part_sum *s, uint64_t bytes, uint64_t count)
{
	s->bytes += bytes;
	s->count += count;
}

static void add_digest(void *arg, const struct mm_digest *d)
{
	struct mm_parts *p = arg;

	for (size_t i = 0; i < d->site_count; i++) {
		const struct mm_digest_site *s = &d->sites[i];
		add(site_of(p, s->site), s->bytes_in - s->bytes_out, s->allocs - s->frees);
		add(&p->all, s->bytes_in - s->bytes_out, s->allocs - s->frees);
	}
	for (size_t i = 0; i < d->thread_count; i++) {
		const struct mm_digest_thread *t = &d->threads[i];
		add(thread_of(p, t->thread), t->bytes_in - t->bytes_out, t->allocs - t->frees);
	}
	for (int i = 0; i < MM_SIZE_BUCKETS; i++)
		add(&p->sizes[i], d->size_bytes[i] - d->size_freed_bytes[i],
		    d->size_count[i] - d->size_freed_count[i]);
}

static void add_event(void *arg, const struct mm_event *ev, struct mm_point after)
{
	struct mm_parts *p = arg;
	int birth = mm_event_is_birth(ev->kind);

	(void)after;
	if (!birth && (!mm_event_is_death(ev->kind) || ev->kind == MM_EV_INHERITED))
		return;
	uint64_t bytes = birth ? ev->size : 0 - ev->size, count = birth ? 1 : UINT64_MAX;
	add(site_of(p, birth ? ev->site : ev->born_site), bytes, count);
	add(thread_of(p, birth ? ev->thread : ev->born_thread), bytes, count);
	add(&p->sizes[mm_size_bucket(ev->size)], bytes, count);
	add(&p->all, bytes, count);
}

static int sum_up(struct mm_parts *p, struct mm_reader *r, struct mm_learnt *l, struct mm_point at,
		  uint32_t most)
{
	uint32_t end = 0;
	struct mm_part *part;

	if (mm_learnt_has_gap(l, 0, at.chunk + 1))
		return 1;
	int err = mm_tower_sum(&l->tower, r, l->process, 0, at.chunk, add_digest, p, &end);
	if (err || end < at.chunk)
		return err ? err : 1;
	const struct mm_totals *t = &mm_reader_chunk(r, l->process, at.chunk)->before;
	if (t->live_bytes != p->all.bytes || t->live_count != p->all.count)
		return 1;
	if (!at.index)
		return MM_OK;
	err = mm_learnt_part(l, r, at.chunk, at.index, most, &part);
	if (!err)
		mm_part_walk(part, r, l, 0, at.index, add_event, p);
	return err;
}

int mm_parts_at(struct mm_parts *ret, struct mm_reader *r, struct mm_learnt *l,
		struct mm_point at, uint32_t most, uint32_t site_count, uint32_t thread_count)
{
	struct mm_parts p = { .site_count = site_count, .thread_count = thread_count };

	p.sites = calloc(site_count, sizeof *p.sites);
	p.threads = calloc(thread_count, sizeof *p.threads);
	int err = p.sites && p.threads ? sum_up(&p, r, l, at, most) : MM_ENOMEM;
	if (err)
		mm_parts_deinit(&p);
	else
		*ret = p;
	return err;
}
