/* replay.c: chunks, the account along the way, and what it comes to (replay.h). */
#include "replay/replay.h"

#include <string.h>

#include "core/error.h"
#include "replay/drive.h"
#include "replay/heapmap.h"
#include "replay/layout.h"
#include "replay/pins.h"
#include "trace/hand.h"

enum { LOOK_EVERY = 256, PPM = 1000000, SLOT_AHEAD = 16, BLOCK_AHEAD = 8 };

struct run {
	struct mm_reader *reader;
	const struct mm_replay_options *o;
	struct mm_heap *heap;
	struct mm_routed *routed; /* NULL or &routes */
	struct mm_routed routes;
	struct mm_drive drive;
	struct mm_rows rows;
	struct mm_outcome *out;
	uint64_t total, point_every, next_point, next_look;
	uint64_t tick_ns, stop_event; /* stop once so many events were given */
	unsigned __int128 ratio_sum;
	uint64_t ratio_bytes, looked_bytes;
	uint64_t committed;              /* of all destinations */
	int looking;
};

/* --- moments ---------------------------------------------------------------------------- */

static struct mm_moment_account moment_of_account(const struct run *x, const struct mm_account *a,
						  uint64_t time)
{
	return (struct mm_moment_account){ .time_ns = time, .event = x->drive.counts.events,
		.committed_bytes = a->committed, .requested_bytes = a->requested,
		.internal_bytes = a->internal, .cached_bytes = a->cached,
		.slab_external_bytes = a->slab_external, .tail_bytes = a->tail,
		.retained_bytes = a->retained, .metadata_bytes = a->metadata,
		.live_count = a->live, .slab_count = a->slabs };
}

static void add_account(struct mm_account *sum, const struct mm_account *a)
{
	sum->committed += a->committed;
	sum->requested += a->requested;
	sum->internal += a->internal;
	sum->cached += a->cached;
	sum->slab_external += a->slab_external;
	sum->tail += a->tail;
	sum->retained += a->retained;
	sum->metadata += a->metadata;
	sum->live += a->live;
	sum->slabs += a->slabs;
}

enum which { AT_POINT, AT_PEAK, AT_END };

/* Each destination's own account, whose law is looked at too. */
static void account_routed(struct run *x, uint64_t time, enum which which, struct mm_account *sum)
{
	struct mm_account a;

	for (size_t i = 0; i < x->routed->dest_count; i++) {
		const struct mm_dest *d = &x->routed->dest[i];
		mm_dest_account(d, &a);
		x->out->law_broken_count += mm_account_sum(&a) != a.committed ||
			a.requested != d->live_bytes || a.live != d->live_count;
		add_account(sum, &a);
		if (which == AT_PEAK && x->out->dest)
			x->out->dest[i].at_peak = moment_of_account(x, &a, time);
		else if (which == AT_END && x->out->dest)
			x->out->dest[i].at_end = moment_of_account(x, &a, time);
	}
}

static struct mm_moment_account account_now(struct run *x, uint64_t time, enum which which)
{
	struct mm_account a = { 0 };

	if (x->routed)
		account_routed(x, time, which, &a);
	else
		mm_heap_account(x->heap, &a);
	x->out->law_broken_count += mm_account_sum(&a) != a.committed ||
				    a.requested != x->drive.counts.live_bytes;
	return moment_of_account(x, &a, time);
}

/* Of what was used since the last time alone. */
static uint64_t committed_routed(struct run *x)
{
	for (uint64_t left = x->routed->touched; left; left &= left - 1) {
		struct mm_dest *d = &x->routed->dest[__builtin_ctzll(left)];
		uint64_t committed = mm_dest_committed(d);
		x->committed += committed - d->committed;
		d->committed = committed;
		if (committed > d->peak_committed)
			d->peak_committed = committed;
		if (d->live_bytes > d->peak_requested)
			d->peak_requested = d->live_bytes;
		if (d->live_count > d->peak_count)
			d->peak_count = d->live_count;
	}
	x->routed->touched = 0;
	return x->committed;
}

static uint64_t ratio_ppm(uint64_t committed, uint64_t requested)
{
	return requested ? (uint64_t)((unsigned __int128)committed * PPM / requested) : MM_UNKNOWN;
}

_Static_assert((int)MM_OUTCOME_OCCUPANCY == (int)MM_SLAB_TENTHS, "shown as the engine counts");

static void count_slab(void *arg, const struct mm_slab_view *v)
{
	struct mm_outcome *out = arg;
	out->occupancy[mm_slab_tenth(v->blocks, v->free)]++;
}

static void look_at_nodes(struct run *x, enum which which)
{
	struct mm_outcome *out = x->out;

	for (uint32_t i = 0; i < out->node_count; i++) {
		struct mm_heap_node n;
		mm_heap_node(x->heap, i, &n);
		if (which == AT_END)
			out->node[i].remote_free_count = n.remote_frees;
		else
			out->node[i] = (struct mm_outcome_node){ n.slab_bytes, n.large_bytes, 0 };
	}
}

/* All of it, where the heap has never been as large. */
static void look_at_peak(struct run *x, uint64_t time)
{
	x->out->at_peak = account_now(x, time, AT_PEAK);
	look_at_nodes(x, AT_PEAK);
	if (!x->routed)
		mm_heap_occupancy(x->heap, x->out->occupancy);
	else
		memset(x->out->occupancy, 0, sizeof x->out->occupancy);
	for (size_t i = 0; x->routed && i < x->routed->dest_count; i++)
		mm_dest_slabs(&x->routed->dest[i], count_slab, x->out);
}

static void note_mean(struct run *x, uint64_t committed)
{
	uint64_t bytes = x->drive.counts.allocated_bytes - x->looked_bytes;
	uint64_t ratio = ratio_ppm(committed, x->drive.counts.live_bytes);

	x->next_look = x->drive.counts.events + LOOK_EVERY;
	x->looked_bytes = x->drive.counts.allocated_bytes;
	if (ratio == MM_UNKNOWN)
		return;
	x->ratio_sum += (unsigned __int128)ratio * bytes;
	x->ratio_bytes += bytes;
}

/* What came before the range is no peak of it. */
static void begin_looking(struct run *x)
{
	x->looking = 1;
	if (x->routed && x->o->from_ns)
		mm_routed_restart(x->routed);
}

static void look(struct run *x, uint64_t time)
{
	const struct mm_drive_counts *c = &x->drive.counts;
	uint64_t committed = x->routed ? committed_routed(x) : mm_heap_committed(x->heap);

	if (committed > x->out->at_peak.committed_bytes)
		look_at_peak(x, time);
	if (c->live_bytes > x->out->requested.requested_bytes)
		x->out->requested = (struct mm_moment_requested){ time, c->events, c->live_bytes,
								  committed };
	if (c->events >= x->next_look)
		note_mean(x, committed);
	if (c->events >= x->next_point && x->out->point_count < MM_OUTCOME_POINTS) {
		x->out->point[x->out->point_count++] = account_now(x, time, AT_POINT);
		x->next_point += x->point_every;
	}
}

/* --- rows ---------------------------------------------------------------------------------- */

static int give_rows(struct run *x)
{
	const struct mm_replay_options *o = x->o;
	int err = MM_OK;

	for (size_t i = 0; !err && i < x->rows.count; i++) {
		if (i + SLOT_AHEAD < x->rows.count) {
			mm_drive_soon_slot(&x->drive, &x->rows.rows[i + SLOT_AHEAD]);
			mm_drive_soon_block(&x->drive, &x->rows.rows[i + BLOCK_AHEAD]);
		}
		uint64_t time = x->rows.rows[i].tick * x->tick_ns;
		if (o->to_ns != MM_UNKNOWN && time >= o->to_ns)
			return MM_EAGAIN; /* enough */
		err = mm_drive_row(&x->drive, &x->rows.rows[i]);
		if (x->stop_event) {
			if (x->drive.counts.events >= x->stop_event)
				return err ? err : MM_EAGAIN;
		} else if (time >= o->from_ns) {
			if (!x->looking)
				begin_looking(x);
			look(x, time);
		}
	}
	return err;
}

static int give_chunks(struct run *x)
{
	uint32_t chunks = mm_reader_chunks(x->reader, x->o->process);
	int err = MM_OK;

	for (uint32_t c = 0; !err && c < chunks; c++) {
		err = mm_hand_rows(mm_reader_hand(x->reader), x->o->process, c, &x->rows);
		if (err == MM_ECORRUPT) {
			err = MM_OK; /* damage: what it held is missing */
			continue;
		}
		if (!err)
			err = give_rows(x);
		if (x->o->progress)
			x->o->progress(x->o->progress_arg, x->drive.counts.events, x->total);
	}
	return err == MM_EAGAIN ? MM_OK : err;
}

/* What lived when the trace begins. */
static int seed(struct run *x, struct mm_diag *diag)
{
	struct mm_cursor *cursor;
	int err;

	if (mm_reader_chunks(x->reader, x->o->process) == 0 ||
	    mm_reader_chunk(x->reader, x->o->process, 0)->before.live_count == 0)
		return MM_OK;
	if ((err = mm_cursor_open(&cursor, x->reader, x->o->process, 0, diag)))
		return err;
	err = mm_drive_seed(&x->drive, mm_cursor_objects(cursor));
	mm_cursor_close(cursor);
	return err;
}

/* --- the run ---------------------------------------------------------------------------------- */

static void prepare(struct run *x)
{
	const struct mm_trace_info *info = mm_reader_info(x->reader);

	x->tick_ns = info->time_resolution_ns;
	for (uint32_t c = 0; c < mm_reader_chunks(x->reader, x->o->process); c++)
		x->total += mm_reader_chunk(x->reader, x->o->process, c)->events;
	x->point_every = x->total / MM_OUTCOME_POINTS + 1;
	x->next_look = 1;
}

static void finish_routed(struct run *x)
{
	struct mm_outcome *out = x->out;
	uint64_t committed, purged;

	for (size_t i = 1; i < x->routed->dest_count; i++) {
		mm_dest_pages(&x->routed->dest[i], &committed, &purged);
		out->committed_pages += committed;
		out->purged_pages += purged;
		if (x->routed->dest[i].heap) {
			uint64_t zeroed, copied;
			mm_heap_touched(x->routed->dest[i].heap, &zeroed, &copied);
			out->zeroed_bytes += zeroed;
			out->copied_bytes += copied;
		}
		if (!out->check_rule)
			out->check_rule = (uint64_t)mm_dest_check(&x->routed->dest[i]);
	}
	out->copied_bytes += x->routed->copied_bytes;
	mm_routed_tell(x->routed, x->o->store, out);
}

static void finish(struct run *x)
{
	struct mm_outcome *out = x->out;
	const struct mm_drive_counts *c = &x->drive.counts;
	uint64_t end = mm_reader_info(x->reader)->duration_ns;

	out->at_end = account_now(x, x->o->to_ns != MM_UNKNOWN ? x->o->to_ns : end, AT_END);
	look_at_nodes(x, AT_END);
	out->event_count = c->events;
	out->alloc_count = c->allocs;
	out->free_count = c->frees;
	out->realloc_count = c->reallocs;
	out->moved_count = c->moved;
	out->failed_count = c->failed;
	out->unknown_free_count = c->unknown_frees;
	out->note_count = c->notes;
	out->seeded_count = c->seeded;
	out->lost_object_count = c->lost_objects;
	out->fingerprint = c->fingerprint;
	mm_heap_touched(x->heap, &out->zeroed_bytes, &out->copied_bytes);
	mm_heap_pages(x->heap, &out->committed_pages, &out->purged_pages);
	out->check_rule = (uint64_t)mm_heap_check(x->heap);
	if (x->routed)
		finish_routed(x);
	out->measures = (struct mm_measures){
		x->ratio_bytes ? (uint64_t)(x->ratio_sum / x->ratio_bytes) : MM_UNKNOWN,
		ratio_ppm(out->requested.committed_bytes, out->requested.requested_bytes),
		ratio_ppm(out->at_peak.committed_bytes, out->at_peak.requested_bytes),
		ratio_ppm(out->at_peak.committed_bytes, out->requested.requested_bytes) };
}

static int take_map(struct run *x)
{
	struct mm_dest whole = { .heap = x->heap };

	if (!x->o->map)
		return MM_OK;
	return mm_heapmap_take(x->routed ? x->routed->dest : &whole,
			       x->routed ? x->routed->dest_count : 1, x->o->store, x->out);
}

static int pin(struct run *x)
{
	const struct mm_replay_options *o = x->o;
	struct mm_pins pins = { 0 };
	int err = mm_pins_of_engine(&pins, &x->drive);

	if (!x->routed)
		mm_layout_of(x->heap, &x->out->layout);

	if (!err)
		err = mm_pins_share(&pins, x->reader, &x->drive, 0, o->naming, o->process,
				    o->pinned_rows, o->store, &x->out->pinned);
	mm_pins_deinit(&pins);
	return err;
}

static int run_in(struct run *x, struct mm_diag *diag)
{
	int err;

	mm_drive_init(&x->drive, x->heap, x->out->machine.nodes);
	mm_drive_of(&x->drive, x->reader, x->o->process);
	if (x->routed)
		mm_drive_route(&x->drive, x->routed);
	if (x->stop_event)
		mm_drive_keep_births(&x->drive);
	prepare(x);
	err = seed(x, diag);
	if (!err)
		err = give_chunks(x);
	if (!err && x->stop_event)
		err = pin(x);
	else if (!err)
		finish(x);
	if (!err && !x->stop_event)
		err = take_map(x);
	if (!err && x->routed && mm_report_store_failed(x->o->store))
		err = MM_ENOMEM;
	mm_drive_deinit(&x->drive);
	mm_rows_deinit(&x->rows);
	return err;
}

/* Rows of the outcome are there before the first moment is. */
static int route(struct run *x, const struct mm_heap_options *h)
{
	int err = mm_routed_init(&x->routes, x->o->router, x->heap, h, x->out->machine.nodes);

	if (err)
		return err;
	x->routed = &x->routes;
	x->routed->tick_ns = mm_reader_info(x->reader)->time_resolution_ns;
	if (x->stop_event || !x->o->router->conf)
		return MM_OK;
	x->out->dest_count = x->routed->dest_count;
	x->out->dest = mm_report_store_alloc(x->o->store, x->out->dest_count, sizeof *x->out->dest);
	return x->out->dest ? MM_OK : MM_ENOMEM;
}

/* With stop_event 0 the whole run; else who pins memory at that event. */
static int pass(struct mm_reader *r, const struct mm_replay_options *o, uint64_t stop_event,
		struct mm_outcome *out, struct mm_diag *diag)
{
	struct run x = { .reader = r, .o = o, .out = out, .stop_event = stop_event };
	struct mm_heap_options h = { .strategy = o->strategy, .simulated = 1, .track = 1,
		.check = o->strategy == MM_STRATEGY_SIZE_CLASS ? o->check : MM_CHECK_OFF,
		.seed = o->seed, .page_bytes = o->page_bytes, .retain_bytes = MM_HEAP_DEFAULT,
		.nodes = o->nodes,
		.bytes = UINT64_C(1) << 40 };
	int err = mm_heap_open(&x.heap, &h);

	if (!err && o->router)
		err = route(&x, &h);
	if (err)
		mm_fail(diag, err, "cannot set up a heap: %s", mm_strerror(err));
	else
		err = run_in(&x, diag);
	if (x.routed)
		mm_routed_deinit(x.routed);
	mm_heap_close(x.heap);
	return err;
}

int mm_replay_run(struct mm_reader *r, const struct mm_replay_options *o,
		  struct mm_outcome *ret, struct mm_diag *diag)
{
	if (o->process >= mm_reader_processes(r))
		return mm_fail(diag, MM_ENOENT, "the trace has no process %u", o->process);
	memset(ret, 0, sizeof *ret);
	ret->strategy = mm_strategy_name(o->strategy);
	ret->name = o->name ? o->name : ret->strategy;
	ret->config = o->router && o->router->conf ? o->router->conf->path : NULL;
	ret->check = mm_check_name(o->strategy == MM_STRATEGY_SIZE_CLASS ? o->check : MM_CHECK_OFF);
	ret->seed = o->seed;
	ret->machine.page_bytes = o->page_bytes ? o->page_bytes : 4096;
	ret->machine.cores = o->cores ? o->cores : 8;
	ret->machine.nodes = o->nodes ? o->nodes : 1;
	if (o->strategy == MM_STRATEGY_NUMA_AWARE)
		ret->node_count = ret->machine.nodes;
	int err = pass(r, o, 0, ret, diag);
	return !err && o->naming && ret->at_peak.event
		? pass(r, o, ret->at_peak.event, ret, diag) : err;
}

/* --- the recorded heap -------------------------------------------------------------------------- */

static uint32_t chunk_of_peak(const struct mm_reader *r, uint32_t process)
{
	uint32_t best = 0;

	for (uint32_t c = 1; c < mm_reader_chunks(r, process); c++)
		if (mm_reader_chunk(r, process, c)->peak_bytes >
		    mm_reader_chunk(r, process, best)->peak_bytes)
			best = c;
	return best;
}

int mm_replay_recorded(struct mm_reader *r, const struct mm_replay_options *o,
		       struct mm_recorded_heap *ret, struct mm_diag *diag)
{
	uint32_t page = o->page_bytes ? o->page_bytes : 4096, at;
	struct mm_pins pins = { 0 };

	memset(ret, 0, sizeof *ret);
	if (!mm_reader_chunks(r, o->process) || !mm_reader_info(r)->has_addresses)
		return MM_OK;
	at = chunk_of_peak(r, o->process);
	const struct mm_chunk_info *chunk = mm_reader_chunk(r, o->process, at);
	ret->time_ns = chunk->peak_time;
	ret->requested_bytes = chunk->peak_bytes;
	int err = mm_pins_of_trace(&pins, r, o->process, at, chunk->peak_index, page,
				   &ret->committed_bytes, diag);
	if (!err)
		err = mm_pins_share(&pins, r, NULL, page, o->naming, o->process, o->pinned_rows,
				    o->store, &ret->pinned);
	ret->known = !err;
	mm_pins_deinit(&pins);
	return err;
}
