/* resolve.c: entries to events (resolve.h). */
#include "collect/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "collect/lane.h"
#include "core/error.h"

enum {
	AHEAD = 64, NEAR = 24,
	FAR_BUCKETS = 512, /* a table smaller than that, and its objects, are near anyway */
	FORKS_KEPT = 1024
};

void mm_resolver_init(struct mm_resolver *r, struct mm_stream *stream,
		      const struct mm_image *image, uint32_t process,
		      const struct mm_stampclock *clock)
{
	memset(r, 0, sizeof *r);
	r->stream = stream;
	r->image = image;
	r->process = process;
	r->clock = clock;
	r->addrs.objects = mm_stream_objects(stream);
	r->number = mm_stream_get_process(stream)->number;
}

void mm_resolver_deinit(struct mm_resolver *r)
{
	mm_addrs_deinit(&r->addrs);
	free(r->sites);
	free(r->modules);
	free(r->names);
	free(r->forks);
	memset(r, 0, sizeof *r);
}

static uint64_t time_of(struct mm_resolver *r, uint64_t stamp)
{
	uint64_t t = mm_stampclock_ns(r->clock, &r->cursor, stamp);

	r->last_time = t > r->last_time ? t : r->last_time;
	return r->last_time;
}

static uint32_t site_of(struct mm_resolver *r, uint64_t node_word)
{
	uint32_t node = MM_REC_NODE_ID(node_word);

	if (node < r->sites_cap && r->sites[node])
		return r->sites[node];
	return mm_resolver_site(r, node);
}

/* --- births and deaths ---------------------------------------------------- */

static void begin(struct mm_resolver *r, const struct mm_lane *l, uint8_t kind, uint64_t time)
{
	struct mm_event *ev = &r->ev;

	ev->kind = kind;
	ev->align_log2 = 0;
	ev->slot = MM_NO_SLOT;
	ev->thread = l->number;
	ev->site = 0;
	ev->other = MM_NO_SLOT;
	ev->time = time;
	ev->size = 0;
	ev->addr = 0;
}

static int die(struct mm_resolver *r, const struct mm_lane *l, uint8_t kind, uint64_t time,
	       uint32_t slot, uint64_t addr, uint32_t site)
{
	begin(r, l, slot == MM_NO_SLOT ? MM_EV_INHERITED : kind, time);
	r->ev.slot = slot;
	r->ev.addr = addr;
	r->ev.site = site;
	return mm_stream_death(r->stream, &r->ev);
}

static uint8_t birth_kind(uint32_t call)
{
	switch (call) {
	case MM_CALL_CALLOC: return MM_EV_CALLOC;
	case MM_CALL_ALIGNED: return MM_EV_ALIGNED;
	case MM_CALL_NEW: return MM_EV_NEW;
	case MM_CALL_NEW_ALIGNED: return MM_EV_NEW_ALIGNED;
	case MM_CALL_NOTE: return MM_EV_NOTE_ALLOC;
	}
	return MM_EV_MALLOC; /* realloc of nothing included */
}

static int be_born(struct mm_resolver *r, const struct mm_lane *l, const struct mm_entry *e,
		   uint8_t kind, uint32_t other)
{
	uint64_t addr = MM_REC_ADDR(e->head), time = time_of(r, e->stamp);
	uint32_t slot;
	size_t place;
	int err = mm_addrs_seek(&r->addrs, addr, kind == MM_EV_NOTE_ALLOC, &place, &slot);

	if (!err && slot != MM_NO_SLOT)
		err = die(r, l, MM_EV_IMPLIED, time, slot, addr, 0);
	if (err)
		return err;
	uint32_t site = site_of(r, e->node);
	begin(r, l, kind, time);
	r->ev.addr = addr;
	/* No object is that large; but a program may say so of its own. */
	r->ev.size = e->size < INT64_MAX ? e->size : INT64_MAX;
	r->ev.site = site;
	r->ev.other = other;
	r->ev.align_log2 = (uint8_t)MM_REC_ALIGN(e->node);
	err = mm_stream_birth(r->stream, &r->ev, &slot);
	if (!err)
		mm_addrs_set(&r->addrs, place, addr, slot);
	return err;
}

static int take_free(struct mm_resolver *r, const struct mm_lane *l, const struct mm_entry *e)
{
	uint64_t addr = MM_REC_ADDR(e->head);
	int note = MM_REC_CALL(e->node) == MM_CALL_NOTE;
	uint32_t slot = mm_addrs_take(&r->addrs, addr, note);
	uint32_t site = MM_REC_NODE_ID(e->node) ? site_of(r, e->node) : 0;

	return die(r, l, note ? MM_EV_NOTE_FREE : MM_EV_FREE, time_of(r, e->stamp), slot, addr,
		   site);
}

/* Reallocs of one thread nest (a handler's inside the real call of another), so the
 * free half that belongs to a birth is the one last pushed. */
static int take_out_half(struct mm_resolver *r, struct mm_lane *l, const struct mm_entry *e)
{
	uint64_t addr = MM_REC_ADDR(e->head);
	uint32_t slot = mm_addrs_take(&r->addrs, addr, 0);

	if (l->out_count < MM_LANE_NESTED)
		l->out[l->out_count] = slot;
	l->out_count++;
	return die(r, l, MM_EV_REALLOC_OUT, time_of(r, e->stamp), slot, addr, 0);
}

static int take_in_half(struct mm_resolver *r, struct mm_lane *l, const struct mm_entry *e)
{
	uint32_t other = MM_NO_SLOT;

	if (l->out_count > 0 && --l->out_count < MM_LANE_NESTED)
		other = l->out[l->out_count];
	return be_born(r, l, e, MM_EV_REALLOC_IN, other);
}

/* --- the rest --------------------------------------------------------------- */

static int take_sized(struct mm_resolver *r, const struct mm_lane *l, uint8_t kind,
		      uint64_t time, uint64_t addr, uint64_t size, uint32_t site)
{
	begin(r, l, kind, time);
	r->ev.addr = addr;
	r->ev.size = size;
	r->ev.site = site;
	return mm_stream_other(r->stream, &r->ev);
}

static int take_unmap(struct mm_resolver *r, const struct mm_lane *l, uint64_t time,
		      uint64_t addr, uint64_t size, uint32_t site)
{
	r->mapped_bytes -= size < r->mapped_bytes ? size : r->mapped_bytes;
	return take_sized(r, l, MM_EV_UNMAP, time, addr, size, site);
}

static int take_map(struct mm_resolver *r, const struct mm_lane *l, uint64_t time,
		    uint64_t addr, uint64_t size, uint32_t site)
{
	r->mapped_bytes += size;
	return take_sized(r, l, MM_EV_MAP, time, addr, size, site);
}

static int take_text(struct mm_resolver *r, const struct mm_lane *l, uint8_t kind,
		     uint64_t time, const struct mm_entry_rest *rest, uint32_t fixed,
		     uint32_t site)
{
	begin(r, l, kind, time);
	r->ev.site = site;
	r->ev.value = fixed > 4 ? (int64_t)rest->w[4] : 0;
	r->ev.text = (const char *)&rest->w[fixed];
	r->ev.text_len = (uint32_t)rest->w[2];
	int err = mm_stream_other(r->stream, &r->ev);
	r->ev.text = NULL;
	r->ev.text_len = 0;
	r->ev.value = 0;
	return err;
}

static uint8_t told_kind(uint32_t kind)
{
	switch (kind) {
	case MM_REC_POOL: return MM_EV_POOL;
	case MM_REC_POOL_END: return MM_EV_POOL_END;
	case MM_REC_SLAB: return MM_EV_SLAB;
	case MM_REC_SLAB_END: return MM_EV_SLAB_END;
	case MM_REC_MOVE: return MM_EV_BLOCK_MOVE;
	case MM_REC_SLAB_SIZE: return MM_EV_SLAB_SIZE;
	}
	return MM_EV_BLOCK_KEY;
}

/* A block's object is at another address now. */
static int move_block(struct mm_resolver *r, struct mm_event *ev)
{
	uint32_t slot = mm_addrs_take(&r->addrs, ev->addr, 1), there;
	size_t place;

	ev->slot = slot;
	if (slot == MM_NO_SLOT)
		return MM_OK;
	int err = mm_stream_readdress(r->stream, slot, (uint64_t)ev->value);
	if (!err)
		err = mm_addrs_seek(&r->addrs, (uint64_t)ev->value, 1, &place, &there);
	if (!err)
		mm_addrs_set(&r->addrs, place, (uint64_t)ev->value, slot);
	return err;
}

/* What an engine told of its pools. */
static int take_told(struct mm_resolver *r, const struct mm_lane *l, const struct mm_entry *e,
		     const struct mm_entry_rest *rest, uint64_t time, uint32_t site)
{
	uint8_t kind = told_kind(MM_REC_KIND(e->head));
	struct mm_event ev = { .kind = kind, .slot = MM_NO_SLOT, .thread = l->number,
		.other = MM_NO_SLOT, .site = site, .time = time, .addr = MM_REC_ADDR(e->head),
		.size = rest->w[2] };

	switch (kind) {
	case MM_EV_POOL:
		ev.value = (int64_t)(rest->w[4] >> 32);
		ev.size = rest->w[5];
		ev.blocks = rest->w[6];
		ev.text = (const char *)&rest->w[7];
		ev.text_len = (uint32_t)rest->w[2];
		break;
	case MM_EV_BLOCK_MOVE: case MM_EV_BLOCK_KEY: case MM_EV_SLAB_SIZE:
		ev.value = (int64_t)rest->w[5];
		break;
	case MM_EV_SLAB: case MM_EV_SLAB_END:
		ev.blocks = rest->w[5];
	}
	ev.pool = (uint32_t)rest->w[kind == MM_EV_POOL_END ? 2 : 4];
	int err = kind == MM_EV_BLOCK_MOVE ? move_block(r, &ev) : MM_OK;
	return err ? err : mm_stream_other(r->stream, &ev);
}

static int take_rest(struct mm_resolver *r, const struct mm_lane *l, const struct mm_entry *e)
{
	struct mm_entry_rest *rest = (struct mm_entry_rest *)(uintptr_t)e->size;
	uint64_t time = time_of(r, e->stamp), addr = MM_REC_ADDR(e->head);
	uint32_t site = site_of(r, rest->w[3]);
	int err = MM_OK;

	switch (MM_REC_KIND(e->head)) {
	case MM_REC_MAP:
		err = take_map(r, l, time, addr, rest->w[2], site);
		break;
	case MM_REC_REMAP:
		err = take_unmap(r, l, time, rest->w[4], rest->w[5], site);
		if (!err)
			err = take_map(r, l, time, addr, rest->w[2], site);
		break;
	case MM_REC_MARK:
		err = take_text(r, l, MM_EV_MARK, time, rest, 4, site);
		break;
	case MM_REC_METRIC:
		err = take_text(r, l, MM_EV_METRIC, time, rest, 5, site);
		break;
	case MM_REC_BUDGET:
		err = take_text(r, l, MM_EV_BUDGET, time, rest, 5, site);
		break;
	default:
		err = take_told(r, l, e, rest, time, site);
	}
	free(rest);
	return err;
}

static int take_fork(struct mm_resolver *r, const struct mm_lane *l, const struct mm_entry *e)
{
	r->forks_seen++;
	if (r->fork_count == FORKS_KEPT) {
		memmove(r->forks, r->forks + FORKS_KEPT / 2,
			FORKS_KEPT / 2 * sizeof *r->forks);
		r->fork_count = FORKS_KEPT / 2;
	}
	if (MM_GROW(r->forks, r->forks_cap, r->fork_count + 1))
		return MM_ENOMEM;
	r->forks[r->fork_count++] = (struct mm_resolver_fork){
		e->stamp, mm_objects_totals(mm_stream_objects(r->stream))->live_bytes };
	return take_sized(r, l, MM_EV_FORK, time_of(r, e->stamp), 0, 0, 0);
}

static int take_one(struct mm_resolver *r, struct mm_lane *l, const struct mm_entry *e)
{
	switch (MM_REC_KIND(e->head)) {
	case MM_REC_ALLOC:
		return be_born(r, l, e, birth_kind(MM_REC_CALL(e->node)), MM_NO_SLOT);
	case MM_REC_FREE: case MM_REC_FREE_AT:
		return take_free(r, l, e);
	case MM_ENTRY_REALLOC_OUT:
		return take_out_half(r, l, e);
	case MM_ENTRY_REALLOC_IN:
		return take_in_half(r, l, e);
	case MM_REC_FAILED:
		return take_sized(r, l, MM_EV_FAILED, time_of(r, e->stamp), 0, e->size,
				  site_of(r, e->node));
	case MM_REC_UNMAP:
		return take_unmap(r, l, time_of(r, e->stamp), MM_REC_ADDR(e->head), e->size,
				  site_of(r, e->node));
	case MM_REC_FORK:
		return take_fork(r, l, e);
	}
	return take_rest(r, l, e);
}

/* What is far is asked for in time: places first, then the objects they name. */
static inline void look_ahead(const struct mm_resolver *r, const struct mm_merged *batch,
			      size_t count, size_t i)
{
	if (i + AHEAD < count)
		mm_addrs_prefetch(&r->addrs, MM_REC_ADDR(batch[i + AHEAD].entry->head));
	if (i + NEAR < count)
		mm_stream_prefetch(r->stream,
				   mm_addrs_guess(&r->addrs,
						  MM_REC_ADDR(batch[i + NEAR].entry->head)));
}

int mm_resolver_take(void *resolver, const struct mm_merged *batch, size_t count)
{
	struct mm_resolver *r = resolver;
	int far = r->addrs.buckets >= FAR_BUCKETS, err = MM_OK;

	for (size_t i = 0; far && i < count && i < AHEAD; i++)
		mm_addrs_prefetch(&r->addrs, MM_REC_ADDR(batch[i].entry->head));
	for (size_t i = 0; i < count; i++) {
		if (far)
			look_ahead(r, batch, count, i);
		int e = take_one(r, batch[i].owner, batch[i].entry);
		err = err ? err : e;
	}
	return err;
}

int mm_resolver_tell(struct mm_resolver *r, struct mm_event *ev)
{
	if (ev->time < r->last_time)
		ev->time = r->last_time;
	r->last_time = ev->time;
	return mm_stream_other(r->stream, ev);
}

uint64_t mm_resolver_fork_bytes(const struct mm_resolver *r, uint64_t stamp)
{
	for (size_t i = r->fork_count; i-- > 0;)
		if (r->forks[i].stamp == stamp)
			return r->forks[i].live_bytes;
	return MM_UNKNOWN;
}

/* --- sites ------------------------------------------------------------------- */

static uint32_t module_of(struct mm_resolver *r, uint32_t number)
{
	struct mm_shm_module m;
	struct mm_module out = { .path = "" };
	uint32_t ret = 0;

	if (number == 0 || number >= MM_MODULE_DIR * MM_MODULES_PER_SEG)
		return 0;
	if (number < r->modules_cap && r->modules[number])
		return r->modules[number];
	if (mm_image_module(r->image, r->process, number, &m) ||
	    MM_GROW(r->modules, r->modules_cap, number + 1))
		return 0;
	out.start = m.start;
	out.end = m.end;
	out.bias = m.bias;
	out.time = mm_stampclock_ns(r->clock, &(uint64_t){ r->cursor }, m.stamp);
	out.path = m.path[0] || !r->exe ? m.path : r->exe;
	out.build_id_len = (uint8_t)m.build_id_len;
	memcpy(out.build_id, m.build_id, sizeof out.build_id);
	if (mm_stream_module(r->stream, &out, &ret))
		return 0;
	r->modules[number] = ret;
	if (r->listener)
		r->listener->module(r->listener->ctx, r->number, ret, &out);
	return ret;
}

static uint32_t name_of(struct mm_resolver *r, uint64_t number)
{
	struct mm_shm_name n;
	uint32_t ret = 0;

	if (number == 0 || number >= (uint64_t)MM_NAME_DIR * MM_NAMES_PER_SEG)
		return 0;
	if (number < r->names_cap && r->names[number])
		return r->names[number];
	if (mm_image_name(r->image, r->process, (uint32_t)number, &n) ||
	    MM_GROW(r->names, r->names_cap, number + 1) ||
	    mm_stream_string(r->stream, n.text, strlen(n.text), &ret))
		return 0;
	r->names[number] = ret;
	return ret;
}

static int make_site(struct mm_resolver *r, const struct mm_shm_node *n, uint32_t parent,
		     uint32_t *ret)
{
	struct mm_site s = { .parent = parent, .value = MM_NODE_VALUE(n->value_kind) };

	switch (MM_NODE_KIND(n->value_kind)) {
	case MM_NODE_FRAME:
		s.kind = MM_SITE_FRAME;
		s.module = module_of(r, n->module);
		break;
	case MM_NODE_CATEGORY:
		s.kind = MM_SITE_CATEGORY;
		s.value = name_of(r, s.value);
		s.module = n->module; /* of a pool */
		break;
	default:
		s.kind = MM_SITE_CUT;
		s.value = 0;
	}
	int err = mm_stream_site(r->stream, &s, ret);
	if (!err && r->listener && s.kind == MM_SITE_FRAME)
		r->listener->frame(r->listener->ctx, r->number, s.module, s.value);
	return err;
}

uint32_t mm_resolver_site(struct mm_resolver *r, uint32_t node)
{
	uint32_t chain[MM_DEPTH_MAX + 64], n = 0, site = 0;
	struct mm_shm_node data;

	/* Up to the first ancestor that is known, then down again. */
	for (uint32_t at = node; at != 0; at = data.parent) {
		if (at < r->sites_cap && r->sites[at]) {
			site = r->sites[at];
			break;
		}
		if (n == sizeof chain / sizeof *chain ||
		    mm_image_node(r->image, r->process, at, &data))
			return 0;
		chain[n++] = at;
	}
	while (n-- > 0) {
		uint32_t at = chain[n];
		if (mm_image_node(r->image, r->process, at, &data) ||
		    MM_GROW(r->sites, r->sites_cap, (size_t)at + 1) ||
		    make_site(r, &data, site, &site))
			return 0;
		r->sites[at] = site;
	}
	return site;
}
