/* depot_sums.c: every slab of a depot: gone through, told, summed and checked (depot.h). */
#include "alloc/depot_parts.h"
#include "alloc/tell.h"

/* --- each ---------------------------------------------------------------------------------------- */

static void each_slab(struct mm_depot *p, void (*fn)(struct mm_depot *p, struct mm_slab *s,
						     void *arg), void *arg)
{
	for (uint32_t i = 0; i <= MM_DEPOT_FULL; i++)
		for (uint32_t n = p->list[i]; n; n = mm_depot_slab(p, n)->next)
			fn(p, mm_depot_slab(p, n), arg);
}

struct each_out { void (*fn)(void *arg, uint64_t addr); void *arg; };

static void out_of_slab(struct mm_depot *p, struct mm_slab *s, void *arg)
{
	const struct each_out *e = arg;

	for (uint32_t i = 0; i < s->blocks; i++)
		if (!(s->free_bits[i / 64] >> i % 64 & 1))
			e->fn(e->arg, s->addr + (uint64_t)i * p->block_bytes);
}

void mm_depot_each_out(struct mm_depot *p, void (*fn)(void *arg, uint64_t addr), void *arg)
{
	struct each_out e = { fn, arg };

	each_slab(p, out_of_slab, &e);
}

struct each_free { void (*fn)(void *arg, uint64_t addr, uint64_t bytes); void *arg; };

static void free_in_slab(struct mm_depot *p, struct mm_slab *s, void *arg)
{
	const struct each_free *e = arg;
	uint64_t end = s->addr + s->bytes, blocks_end = s->addr + (uint64_t)s->blocks * p->block_bytes;
	uint32_t i = 0, from;

	end = end < blocks_end ? end : blocks_end;
	while (i < s->blocks) {
		while (i < s->blocks && !(s->free_bits[i / 64] >> i % 64 & 1))
			i++;
		for (from = i; i < s->blocks && (s->free_bits[i / 64] >> i % 64 & 1);)
			i++;
		uint64_t at = s->addr + (uint64_t)from * p->block_bytes;
		uint64_t to = s->addr + (uint64_t)i * p->block_bytes;
		if (at < (to < end ? to : end))
			e->fn(e->arg, at, (to < end ? to : end) - at);
	}
}

void mm_depot_each_free(struct mm_depot *p, void (*fn)(void *arg, uint64_t addr, uint64_t bytes),
			void *arg)
{
	struct each_free e = { fn, arg };

	each_slab(p, free_in_slab, &e);
}

enum { MESHED_MOST = 64 };

static int are_disjoint(const struct mm_depot *p, const struct mm_slab *a,
			const struct mm_slab *b)
{
	for (uint32_t w = 0; w < mm_depot_words(p); w++)
		if (~a->free_bits[w] & ~b->free_bits[w] &
		    (w + 1 < mm_depot_words(p) || p->blocks % 64 == 0
			     ? ~UINT64_C(0) : (UINT64_C(1) << p->blocks % 64) - 1))
			return 0;
	return 1;
}

void mm_depot_meshable(struct mm_depot *p, uint64_t *pairs, uint64_t *disjoint)
{
	const struct mm_slab *slab[MESHED_MOST];
	uint32_t count = 0;

	for (uint32_t i = 0; i < MM_DEPOT_LISTS; i++)
		for (uint32_t n = p->list[i]; n && count < MESHED_MOST; n = mm_depot_slab(p, n)->next)
			slab[count++] = mm_depot_slab(p, n);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < i; k++, ++*pairs)
			*disjoint += (uint64_t)are_disjoint(p, slab[i], slab[k]);
}

void mm_depot_occupancy(struct mm_depot *p, uint64_t *tenths)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < MM_DEPOT_LISTS; i++)
		for (uint32_t n = p->list[i]; n; n = mm_depot_slab(p, n)->next, seen++)
			tenths[mm_slab_tenth(p->blocks, mm_depot_slab(p, n)->free)]++;
	tenths[MM_SLAB_TENTHS - 1] += p->slab_count - seen;
}

static void tell_slab(struct mm_depot *p, struct mm_slab *s, void *arg)
{
	(void)arg;
	mm_tell_slab(p->told, s);
}

void mm_depot_tell(struct mm_depot *p)
{
	each_slab(p, tell_slab, NULL);
}

/* --- sums --------------------------------------------------------------------------------------- */

void mm_depot_sums(struct mm_depot *p, struct mm_depot_sums *ret)
{
	mm_lock_take(&p->lock);
	uint64_t blocks = (uint64_t)p->slab_count * p->blocks;
	*ret = (struct mm_depot_sums){ .slabs = p->slab_count, .slab_bytes = p->reach_bytes,
		.blocks = blocks, .free = p->free, .tail_bytes = p->tail_bytes,
		.external_bytes = p->reach_bytes - p->tail_bytes -
				  (blocks - p->free) * p->block_bytes };
	mm_lock_give(&p->lock);
}

static int check_slab(const struct mm_depot *p, const struct mm_slab *s)
{
	uint32_t free = 0;

	for (uint32_t i = 0; i < mm_depot_words(p); i++) {
		free += (uint32_t)__builtin_popcountll(s->free_bits[i]);
		if (i < s->lowest && s->free_bits[i])
			return 3;
	}
	if (s->pool != p->index + 1 || s->blocks != p->blocks)
		return 4;
	if (free != s->free || free == s->blocks)
		return 5;
	for (uint32_t i = (uint32_t)(s->bytes / p->block_bytes) + 1; i < s->blocks; i++)
		if (!(s->free_bits[i / 64] >> i % 64 & 1))
			return 8; /* out, and beyond what is in use */
	return mm_vspace_owner(p->ground->vspace, s->addr) == s->number ? 0 : 6;
}

int mm_depot_check(struct mm_depot *p)
{
	uint64_t free = 0;

	for (uint32_t i = 0; i <= MM_DEPOT_FULL; i++) {
		uint32_t before = 0;
		for (uint32_t n = p->list[i]; n; before = n, n = mm_depot_slab(p, n)->next) {
			struct mm_slab *s = mm_depot_slab(p, n);
			int rule = s->list != i || mm_depot_list_for(s) != i ? 1 : s->prev != before ? 2
				: check_slab(p, s);
			if (rule)
				return rule;
			free += s->free;
		}
	}
	return free == p->free ? 0 : 7;
}
