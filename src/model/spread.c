/* spread.c: one pass over objects in the order of addresses (spread.h). */
#include "model/spread.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ratios.h"
#include "core/error.h"

enum { MOST_CELLS = 1 << 20, LEAST_CELL = 16, DIGIT = 11, DIGITS = 1 << DIGIT };

/* --- order --------------------------------------------------------------------------- */

/* One pass by digit `shift`; 0 when all have the same there. */
static int sort_digit(const struct mm_placed *from, struct mm_placed *to, size_t count,
		      unsigned shift)
{
	size_t start[DIGITS + 1] = { 0 };

	for (size_t i = 0; i < count; i++)
		start[(from[i].addr >> shift & (DIGITS - 1)) + 1]++;
	if (start[(from[0].addr >> shift & (DIGITS - 1)) + 1] == count)
		return 0;
	for (size_t d = 0; d < DIGITS; d++)
		start[d + 1] += start[d];
	for (size_t i = 0; i < count; i++)
		to[start[from[i].addr >> shift & (DIGITS - 1)]++] = from[i];
	return 1;
}

int mm_placed_sort(struct mm_placed *objects, size_t count)
{
	struct mm_placed *other = malloc((count + 1) * sizeof *other), *from = objects, *to = other;

	if (!other)
		return MM_ENOMEM;
	for (unsigned shift = 0; count && shift < 64; shift += DIGIT)
		if (sort_digit(from, to, count, shift)) {
			struct mm_placed *was = from;
			from = to;
			to = was;
		}
	if (from == other && count)
		memcpy(objects, other, count * sizeof *other);
	free(other);
	return MM_OK;
}

/* --- ranges and holes ------------------------------------------------------------------ */

struct layout {
	struct mm_report_map *map;
	struct mm_report_map_range *ranges;
	size_t count, cap;
	uint64_t end;      /* of what is covered so far */
	uint64_t page_end; /* of the pages touched so far */
};

static uint64_t end_of(const struct mm_placed *o)
{
	return o->size > UINT64_MAX - o->addr ? UINT64_MAX : o->addr + o->size;
}

static unsigned hole_class(uint64_t bytes)
{
	unsigned k = 0;

	for (uint64_t least = 4096; k + 1 < MM_MAP_HOLES && bytes >= least; least *= 4)
		k++;
	return k;
}

static void take_gap(struct mm_report_map *m, uint64_t bytes)
{
	unsigned k = hole_class(bytes);

	if (bytes < MM_MAP_SLACK) {
		m->slack_bytes += bytes;
		return;
	}
	m->hole_count++;
	m->free_bytes += bytes;
	m->hole_counts[k]++;
	m->hole_bytes[k] += bytes;
	if (bytes > m->largest_hole_bytes)
		m->largest_hole_bytes = bytes;
}

static void touch_pages(struct layout *l, struct mm_report_map_range *r, uint64_t from, uint64_t to)
{
	uint64_t page = l->map->page_bytes;
	uint64_t first = from / page * page, end = (to > from ? to - 1 : from) / page * page;

	if (first < l->page_end)
		first = l->page_end;
	if (end < first)
		return;
	r->page_count += (end - first) / page + 1;
	l->page_end = end + page;
	r->bytes = l->page_end - r->addr;
}

static int begin_range(struct layout *l, uint64_t addr)
{
	if (MM_GROW(l->ranges, l->cap, l->count + 1))
		return MM_ENOMEM;
	uint64_t page = addr / l->map->page_bytes * l->map->page_bytes;
	l->ranges[l->count++] = (struct mm_report_map_range){ .addr = page };
	l->end = addr;
	return MM_OK;
}

static int place(struct layout *l, const struct mm_placed *o)
{
	if ((!l->count || (o->addr > l->end && o->addr - l->end >= MM_MAP_GAP)) &&
	    begin_range(l, o->addr))
		return MM_ENOMEM;
	struct mm_report_map_range *r = &l->ranges[l->count - 1];
	if (o->addr > l->end)
		take_gap(l->map, o->addr - l->end);
	uint64_t from = o->addr > l->end ? o->addr : l->end, to = end_of(o);
	r->object_count++;
	touch_pages(l, r, o->addr, to);
	if (to > from) {
		r->live_bytes += to - from;
		l->end = to;
	} else if (o->addr > l->end) {
		l->end = o->addr;
	}
	return MM_OK;
}

static void sum_up(struct layout *l)
{
	struct mm_report_map *m = l->map;

	for (size_t i = 0; i < l->count; i++) {
		m->live_bytes += l->ranges[i].live_bytes;
		m->object_count += l->ranges[i].object_count;
		m->touched_bytes += l->ranges[i].page_count * m->page_bytes;
	}
	m->not_returnable_bytes = m->touched_bytes - m->live_bytes - m->slack_bytes;
	m->external_ppm = m->free_bytes ? 1000000 - mm_ratio_ppm(m->largest_hole_bytes, m->free_bytes) : 0;
	m->free_ppm = m->touched_bytes ? mm_ratio_ppm(m->not_returnable_bytes, m->touched_bytes) : 0;
}

/* --- cells ----------------------------------------------------------------------------- */

struct cells {
	struct mm_report_map *map;
	uint64_t *tally;   /* by category, of cell `at` */
	uint32_t *touched; /* categories in it */
	size_t touched_count, at;
	uint64_t most;     /* of them, the largest */
};

static uint32_t choose_range(const struct mm_report_map *m, const struct mm_map_request *q)
{
	uint32_t best = 0;

	if (q->range && q->range <= m->range_count)
		return q->range - 1;
	for (uint32_t i = 0; i < m->range_count; i++)
		if (q->addr ? m->ranges[i].addr <= q->addr
			    : m->ranges[i].live_bytes > m->ranges[best].live_bytes)
			best = i;
	return best;
}

static uint64_t fitting_cell(uint64_t bytes, uint64_t cells)
{
	uint64_t cell = LEAST_CELL;

	while (cell < UINT64_C(1) << 62 && bytes / cell + (bytes % cell != 0) > cells)
		cell *= 2;
	return cell;
}

/* Number of the cell that holds `addr`, or how many there are. */
static size_t cell_at(const struct mm_report_map *m, uint64_t addr)
{
	if (addr < m->cell_addr)
		return 0;
	uint64_t i = (addr - m->cell_addr) / m->cell_bytes;
	return i < m->cell_count ? (size_t)i : m->cell_count;
}

/* Bytes of cell i within from .. to. */
static uint64_t overlap(const struct mm_report_map *m, size_t i, uint64_t from, uint64_t to)
{
	uint64_t a = m->cell_addr + i * m->cell_bytes, b = a + m->cell_bytes;

	a = a > from ? a : from;
	b = b < to ? b : to;
	return b > a ? b - a : 0;
}

static void leave_cell(struct cells *c)
{
	while (c->touched_count)
		c->tally[c->touched[--c->touched_count]] = 0;
	c->most = 0;
}

static void vote(struct cells *c, size_t cell, uint32_t category, uint64_t bytes)
{
	if (category == MM_NO_CATEGORY || !bytes || cell < c->at)
		return;
	if (cell != c->at)
		leave_cell(c);
	c->at = cell;
	if (!c->tally[category])
		c->touched[c->touched_count++] = category;
	c->tally[category] += bytes;
	if (c->tally[category] > c->most) {
		c->most = c->tally[category];
		c->map->cells[cell].category = category;
	}
}

/* Free bytes first hold all of touched pages; what covers them is taken away. */
static void pin(struct mm_report_map *m, uint64_t from, uint64_t to)
{
	for (size_t i = cell_at(m, from); i < m->cell_count && overlap(m, i, from, to); i++)
		m->cells[i].pinned_bytes += overlap(m, i, from, to);
}

static void unpin(struct mm_report_map *m, uint64_t from, uint64_t to)
{
	for (size_t i = cell_at(m, from); i < m->cell_count && overlap(m, i, from, to); i++)
		m->cells[i].pinned_bytes -= overlap(m, i, from, to);
}

static void put_object(struct cells *c, const struct mm_placed *o, uint64_t from)
{
	struct mm_report_map *m = c->map;
	uint64_t to = end_of(o);

	if (o->addr >= m->cell_addr && cell_at(m, o->addr) < m->cell_count)
		m->cells[cell_at(m, o->addr)].object_count++;
	for (size_t i = cell_at(m, o->addr); i < m->cell_count; i++) {
		if (!overlap(m, i, o->addr, to > o->addr ? to : o->addr + 1))
			break;
		uint64_t fresh = overlap(m, i, from, to);
		m->cells[i].live_bytes += fresh;
		if (o->time < m->cells[i].oldest_ns)
			m->cells[i].oldest_ns = o->time;
		vote(c, i, o->category, fresh);
	}
	if (to > from)
		unpin(m, from, to);
}

static void fill_cells(struct cells *c, const struct mm_placed *objects, size_t count)
{
	uint64_t page = c->map->page_bytes, end = 0, page_end = 0;
	uint64_t last = c->map->cell_addr + c->map->cell_count * c->map->cell_bytes;

	for (size_t i = 0; i < count && objects[i].addr < last; i++) {
		const struct mm_placed *o = &objects[i];
		uint64_t to = end_of(o), from = o->addr > end ? o->addr : end;
		uint64_t first = o->addr / page * page;
		uint64_t pages = (to > o->addr ? to - 1 : o->addr) / page * page + page;
		first = first > page_end ? first : page_end;
		if (pages > first) {
			pin(c->map, first, pages);
			page_end = pages;
		}
		if (i && o->addr > end && o->addr - end < MM_MAP_SLACK)
			unpin(c->map, end, o->addr);
		put_object(c, o, from);
		end = to > end ? to : end;
	}
}

static int make_cells(struct mm_report_map *m, const struct mm_placed *objects, size_t count,
		      const struct mm_map_request *q, uint32_t categories,
		      struct mm_report_store *store)
{
	const struct mm_report_map_range *r = &m->ranges[m->shown];
	uint64_t n = q->cells < MOST_CELLS ? q->cells : MOST_CELLS;
	struct cells c = { .map = m, .tally = calloc(categories + 1u, sizeof *c.tally),
			   .touched = calloc(categories + 1u, sizeof *c.touched) };

	m->cell_addr = q->addr ? q->addr : r->addr;
	m->cell_bytes = q->cell_bytes ? fitting_cell(q->cell_bytes, 1) : fitting_cell(r->bytes, n);
	m->cells = mm_report_store_alloc(store, n, sizeof *m->cells);
	int err = m->cells && c.tally && c.touched ? MM_OK : MM_ENOMEM;
	if (!err) {
		m->cell_count = n;
		for (size_t i = 0; i < n; i++) {
			m->cells[i].oldest_ns = MM_UNKNOWN;
			m->cells[i].category = MM_NO_CATEGORY;
		}
		fill_cells(&c, objects, count);
	}
	free(c.tally);
	free(c.touched);
	return err;
}

/* --- slabs ----------------------------------------------------------------------------- */

static size_t first_from(const struct mm_placed *objects, size_t count, uint64_t addr)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (objects[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void count_slab(struct mm_report_map_slab *s, const struct mm_placed *objects, size_t count)
{
	for (size_t i = first_from(objects, count, s->addr);
	     i < count && objects[i].addr - s->addr < s->bytes; i++) {
		s->used_count++;
		s->used_bytes += objects[i].size;
	}
}

int mm_spread_objects(struct mm_report_map *map, const struct mm_placed *objects, size_t count,
		 const struct mm_map_request *request, uint32_t categories,
		 struct mm_report_store *store)
{
	struct layout l = { .map = map };
	int err = MM_OK;

	for (size_t i = 0; !err && i < count; i++)
		err = place(&l, &objects[i]);
	if (!err && l.count) {
		map->ranges = mm_report_store_copy(store, l.ranges, l.count, sizeof *l.ranges);
		map->range_count = map->ranges ? l.count : 0;
		err = map->ranges ? MM_OK : MM_ENOMEM;
	}
	if (!err)
		sum_up(&l);
	free(l.ranges);
	for (size_t i = 0; !err && i < map->slab_count; i++)
		count_slab(&map->slabs[i], objects, count);
	map->shown = UINT32_MAX;
	if (err || !map->range_count)
		return err;
	map->shown = choose_range(map, request);
	return request->cells ? make_cells(map, objects, count, request, categories, store) : MM_OK;
}
