/* depot_choice.c: which slab the next blocks come from (depot_parts.h): the one where the context is
 * at work, so that what is allocated one after another lies so; else one of the fullest, so that
 * others get empty; never one where another context is at work while a new one is to be had. */
#include "alloc/depot_parts.h"

enum { LOOKS_MOST = 16, SHARED_LEAST = 4 /* slabs */, SHARED_SHARE = 4 };

/* Another context is at work there. */
static int is_anothers(const struct mm_depot *p, uint32_t slab, uint32_t context)
{
	for (uint32_t i = 0; i < MM_DEPOT_LASTS; i++)
		if (p->last[i] == slab && i != mm_depot_last_index(p, context))
			return 1;
	return 0;
}

/* A slice's word: what is in the record of a slab that is not ours may change at any time. */
static int is_marked_ours(const struct mm_depot *p, uint64_t word)
{
	return ((uint32_t)(word >> 32) & MM_MARK_DEPOT) == p->index + 1;
}

/* The context's last slab, or the one behind it, if it is ours and has free blocks. */
static struct mm_slab *last_or_behind(struct mm_depot *p, uint32_t context)
{
	uint32_t n = p->last[mm_depot_last_index(p, context)];
	struct mm_slab *last = n ? mm_depot_slab(p, n) : NULL;
	uint64_t behind;

	if (!last || last->free)
		return last;
	behind = mm_vspace_word(p->ground->vspace, last->addr + mm_depot_span(p));
	if (!is_marked_ours(p, behind) || is_anothers(p, (uint32_t)behind, context))
		return NULL;
	last = mm_depot_slab(p, (uint32_t)behind);
	return last->free ? last : NULL;
}

/* A slab that others fill from is shared when there is enough in such slabs. */
static int may_share(const struct mm_depot *p)
{
	return p->free / p->blocks >= SHARED_LEAST &&
	       p->free > (uint64_t)p->slab_count * p->blocks / SHARED_SHARE;
}

struct mm_slab *mm_depot_any_free(const struct mm_depot *p)
{
	uint32_t list = 0;

	while (list < MM_DEPOT_LISTS && !p->list[list])
		list++;
	return list < MM_DEPOT_LISTS ? mm_depot_slab(p, p->list[list]) : NULL;
}

/* One of the fullest where no other context is at work; NULL when there is none, and a new one
 * is to be had instead. */
static struct mm_slab *fullest_free(const struct mm_depot *p, uint32_t context)
{
	uint32_t looks = LOOKS_MOST;

	if (p->owned)
		return mm_depot_any_free(p);
	for (uint32_t list = 0; list < MM_DEPOT_LISTS; list++)
		for (uint32_t n = p->list[list]; n && looks; looks--) {
			if (!is_anothers(p, n, context))
				return mm_depot_slab(p, n);
			n = mm_depot_slab(p, n)->next;
		}
	return may_share(p) ? mm_depot_any_free(p) : NULL;
}

/* The rest of the context's last slab, or the one behind it, when no other is fuller by more
 * than a list; else any of the fullest. */
static struct mm_slab *fullest_slab(struct mm_depot *p, uint32_t context)
{
	struct mm_slab *s = fullest_free(p, context), *last = last_or_behind(p, context);

	return last && (!s || last->list <= s->list + 1) ? last : s;
}

static int is_for(const struct mm_slab *s, uint32_t context)
{
	uint32_t of = mm_slab_filled_for(s);

	return of == context || !of;
}

/* Of the fullest: one of that context's, or of nobody's. */
static struct mm_slab *own_slab(struct mm_depot *p, uint32_t context)
{
	uint32_t looks = LOOKS_MOST;

	for (uint32_t list = 0; list < MM_DEPOT_LISTS; list++)
		for (uint32_t n = p->list[list]; n && looks; looks--) {
			struct mm_slab *s = mm_depot_slab(p, n);
			if (is_for(s, context))
				return s;
			n = s->next;
		}
	return NULL;
}

struct mm_slab *mm_depot_choose(struct mm_depot *p, uint32_t context)
{
	struct mm_slab *s = fullest_slab(p, context), *own;

	if (!s || !p->owned || is_for(s, context))
		return s;
	own = own_slab(p, context);
	return own || !may_share(p) ? own : s;
}

struct mm_slab *mm_depot_choose_row(struct mm_depot *p, uint32_t context)
{
	struct mm_slab *s = last_or_behind(p, context);

	return s && mm_depot_has_row(p, s) ? s : mm_depot_find_row(p);
}
