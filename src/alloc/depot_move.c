/* depot_move.c: movers of blocks, victims, destinations (depot_move.h). */
#include "alloc/depot_move.h"

#include <string.h>

#include "core/error.h"
#include "core/sink.h"

enum { CANDIDATES = 64 };

static struct mm_slab *slab_by_addr(const struct mm_depot *p, uint64_t addr)
{
	return mm_slab_at(p->ground->slabs, mm_vspace_owner(p->ground->vspace, addr));
}

static struct mm_slab *slab_in_list(const struct mm_depot *p, uint32_t number)
{
	return number ? mm_slab_at(p->ground->slabs, number) : NULL;
}

/* --- movers ------------------------------------------------------------------------- */

static uint32_t set_mover(struct mm_depot *p, struct mm_slab *s, uint64_t addr, uint32_t mover)
{
	uint32_t *of = &s->mover[mm_depot_block_of(p, s, addr)], was = *of;

	s->movers += (mover != 0) - (was != 0);
	*of = mover;
	return was;
}

static int has_movers(struct mm_depot *p, struct mm_slab *s)
{
	if (!s->mover)
		s->mover = mm_meta_borrow(p->ground->meta, p->blocks * sizeof(uint32_t));
	return s->mover != NULL;
}

int mm_depot_own(struct mm_depot *p, uint64_t addr, uint32_t mover)
{
	mm_lock_take(&p->lock);
	struct mm_slab *s = slab_by_addr(p, addr);
	int has = has_movers(p, s);
	if (has)
		set_mover(p, s, addr, mover);
	mm_lock_give(&p->lock);
	return has ? MM_OK : MM_ENOMEM;
}

void mm_depot_disown(struct mm_depot *p, uint64_t addr)
{
	mm_lock_take(&p->lock);
	struct mm_slab *s = slab_by_addr(p, addr);
	if (s->mover)
		set_mover(p, s, addr, 0);
	mm_lock_give(&p->lock);
}

/* --- victims ------------------------------------------------------------------------ */

static int is_victim(const struct mm_depot *p, const struct mm_slab *s, uint32_t pass)
{
	uint32_t live = s->blocks - s->free;

	return live && s->movers == live && s->passed != pass && p->free - s->free >= live;
}

static const struct mm_slab *emptiest(const struct mm_depot *p, uint32_t list, uint32_t pass)
{
	const struct mm_slab *best = NULL;
	int left = CANDIDATES;

	for (const struct mm_slab *s = slab_in_list(p, p->list[list]); s && left;
	     s = slab_in_list(p, s->next)) {
		if (!is_victim(p, s, pass))
			continue;
		left--;
		if (!best || s->free > best->free)
			best = s;
	}
	return best;
}

int mm_depot_victim(struct mm_depot *p, uint32_t pass, struct mm_depot_victim *ret)
{
	const struct mm_slab *s = NULL;

	mm_lock_take(&p->lock);
	for (uint32_t i = MM_DEPOT_LISTS; !s && i > 0; i--)
		s = emptiest(p, i - 1, pass);
	if (s)
		*ret = (struct mm_depot_victim){ s->addr, s->number,
			s->blocks - s->free, s->bytes, p->slabs_gone };
	mm_lock_give(&p->lock);
	return s ? MM_OK : MM_ENOENT;
}

/* Once slabs have gone its record may be another's, and not even be looked at. */
static struct mm_slab *still_there(const struct mm_depot *p, const struct mm_depot_victim *v)
{
	return v->gone == p->slabs_gone ? mm_slab_at(p->ground->slabs, v->number) : NULL;
}

static int is_out(const struct mm_slab *s, uint32_t block)
{
	return !(s->free_bits[block / 64] >> block % 64 & 1);
}

uint32_t mm_depot_refusals(struct mm_depot *p, const struct mm_depot_victim *v,
			  int (*may)(void *arg, uint32_t mover), void *arg)
{
	uint32_t n = 0;

	mm_lock_take(&p->lock);
	const struct mm_slab *s = still_there(p, v);
	for (uint32_t i = 0; s && s->mover && i < s->blocks; i++)
		n += is_out(s, i) && !may(arg, s->mover[i]);
	mm_lock_give(&p->lock);
	return n;
}

void mm_depot_give_up(struct mm_depot *p, const struct mm_depot_victim *v, uint32_t pass)
{
	mm_lock_take(&p->lock);
	struct mm_slab *s = still_there(p, v);
	if (s)
		s->passed = pass;
	mm_lock_give(&p->lock);
}

/* --- moves -------------------------------------------------------------------------- */

static uint32_t next_out(const struct mm_slab *s, uint32_t block)
{
	while (block < s->blocks && (!is_out(s, block) || !s->mover[block]))
		block++;
	return block;
}

/* Of equally full slabs either may fill the other: the sum of the squares of what is live
 * in them grows with each move all the same. */
static struct mm_slab *fuller(const struct mm_depot *p, const struct mm_slab *than)
{
	for (uint32_t i = 0; i <= than->list; i++)
		for (struct mm_slab *s = slab_in_list(p, p->list[i]); s;
		     s = slab_in_list(p, s->next))
			if (s != than && s->free <= than->free)
				return s;
	return NULL;
}

static int plan(struct mm_depot *p, struct mm_slab *s, uint32_t *at, struct mm_depot_move *ret)
{
	struct mm_slab *to;
	uint32_t block = s && s->mover && s->free ? next_out(s, *at) : UINT32_MAX;

	if (!s || block >= s->blocks)
		return MM_ENOENT;
	if (!(to = fuller(p, s)))
		return MM_ENOSPC;
	if (!has_movers(p, to))
		return MM_ENOMEM;
	ret->to = mm_depot_take_from(p, to);
	ret->from = s->addr + (uint64_t)block * p->block_bytes;
	ret->mover = s->mover[block];
	*at = block + 1;
	return MM_OK;
}

int mm_depot_move_begin(struct mm_depot *p, const struct mm_depot_victim *v, uint32_t *at,
		       struct mm_depot_move *ret)
{
	mm_lock_take(&p->lock);
	int err = plan(p, still_there(p, v), at, ret);
	mm_lock_give(&p->lock);
	return err;
}

/* What is known of the block goes with it. */
void mm_depot_move_records(struct mm_depot *p, const struct mm_depot_move *m)
{
	mm_lock_take(&p->lock);
	struct mm_slab *s = slab_by_addr(p, m->from), *to = slab_by_addr(p, m->to);

	set_mover(p, s, m->from, 0);
	set_mover(p, to, m->to, m->mover);
	if (s->slack) {
		uint16_t *was = &s->slack[mm_depot_block_of(p, s, m->from)];
		to->slack[mm_depot_block_of(p, to, m->to)] = *was;
		*was = 0;
	}
	if (s->notes) {
		uint32_t n = p->ground->note_bytes;
		char *was = (char *)s->notes + (uint64_t)mm_depot_block_of(p, s, m->from) * n;
		memcpy((char *)to->notes + (uint64_t)mm_depot_block_of(p, to, m->to) * n, was, n);
		memset(was, 0, n);
	}
	mm_lock_give(&p->lock);
	if (__builtin_expect(p->told != 0, 0))
		mm_sink->move(p->told, m->from, m->to);
}

uint64_t mm_depot_move_end(struct mm_depot *p, const struct mm_depot_move *m, int moved)
{
	uint64_t gone;

	if (!moved) {
		mm_depot_give(p, &m->to, 1);
		return 0;
	}
	mm_lock_take(&p->lock); /* for both: else somebody may take of the slab in between */
	struct mm_slab *s = slab_by_addr(p, m->from);
	gone = s->free + 1 == s->blocks ? s->bytes : 0;
	mm_depot_give_to(p, s, m->from);
	mm_lock_give(&p->lock);
	return gone;
}
