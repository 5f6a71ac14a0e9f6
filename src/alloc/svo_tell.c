/* svo_tell.c: what the sink hears of octree pools (core/sink.h, svo_parts.h).
 *
 * Each array of a chunk is a slab of as many pages as its bump needs; each node is a block. */
#include "alloc/svo_parts.h"
#include "core/sink.h"

static uint64_t array_bytes(uint64_t bump, uint64_t each)
{
	return (bump * each + PAGE - 1) / PAGE * PAGE;
}

static void tell_array(const struct mm_svo *p, uint64_t addr, uint64_t each, uint32_t was,
		       uint32_t is)
{
	uint64_t before = array_bytes(was, each), after = array_bytes(is, each);

	if (!addr || before == after)
		return;
	if (!before)
		mm_sink->slab(p->told, addr, after, MM_SVO_SLOTS);
	else if (!after)
		mm_sink->slab_end(p->told, addr, before, MM_SVO_SLOTS);
	else
		mm_sink->slab_size(p->told, addr, after, before);
}

void svo_tell_bump(const struct mm_svo *p, const struct svo_chunk *c, uint32_t was)
{
	tell_array(p, c->node, p->o.node_bytes, was, c->bump);
	if (p->o.value_bytes)
		tell_array(p, c->value, p->o.value_bytes, was, c->bump);
}

/* Of an inner node its own; of a leaf its value's. */
static uint64_t address_of(const struct mm_svo *p, const struct svo_chunk *c, uint32_t slot)
{
	return c->node ? c->node + (uint64_t)slot * p->o.node_bytes
		       : c->value + (uint64_t)slot * p->o.value_bytes;
}

void svo_tell_nodes(const struct mm_svo *p, uint32_t n, uint32_t slot, uint32_t count)
{
	const struct svo_chunk *c = &p->chunk[n];
	uint64_t bytes = (c->node ? p->o.node_bytes : 0) + (uint64_t)p->o.value_bytes;

	for (uint32_t i = slot; i < slot + count; i++)
		mm_sink->alloc(p->told, address_of(p, c, i), bytes, NULL);
	mm_sink->key(p->told, address_of(p, c, slot), c->key);
}

void svo_tell_nodes_end(const struct mm_svo *p, uint32_t n, uint32_t slot, uint32_t count)
{
	for (uint32_t i = slot; i < slot + count; i++)
		mm_sink->free(p->told, address_of(p, &p->chunk[n], i));
}

void svo_tell_chunk_end(const struct mm_svo *p, uint32_t n)
{
	struct svo_chunk c = p->chunk[n];

	for (uint32_t i = 0; c.key && i < c.bump; i++)
		if (c.bits[i / 64] >> i % 64 & 1)
			svo_tell_nodes_end(p, n, i, 1);
	uint32_t was = c.bump;
	c.bump = 0;
	svo_tell_bump(p, &c, was);
}

void svo_tell_rewritten(const struct mm_svo *p, uint32_t n, const struct svo_chunk *old,
			const uint16_t *from)
{
	struct svo_chunk gone = *old;

	svo_tell_bump(p, &p->chunk[n], 0);
	for (uint32_t i = 0; i < p->chunk[n].live; i++)
		mm_sink->move(p->told, address_of(p, old, from[i]),
			      address_of(p, &p->chunk[n], i));
	gone.bump = 0;
	svo_tell_bump(p, &gone, old->bump);
}

void mm_svo_tell(struct mm_svo *p, uint32_t told, int again)
{
	p->told = told;
	for (uint32_t n = 1; told && again && n < p->chunks; n++)
		if (p->chunk[n].key)
			svo_tell_bump(p, &p->chunk[n], 0);
}
