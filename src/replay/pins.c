/* pins.c: objects by unit, and each unit's free bytes by object (pins.h). */
#include "replay/pins.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"

enum { CALLERS = 3, CALLERS_TEXT = 400 };

void mm_pins_deinit(struct mm_pins *p)
{
	free(p->pin);
	memset(p, 0, sizeof *p);
}

static int add(struct mm_pins *p, uint64_t unit, uint32_t order, uint32_t site, uint64_t covered)
{
	if (MM_GROW(p->pin, p->cap, p->count + 1))
		return MM_ENOMEM;
	p->pin[p->count++] = (struct mm_pin){ unit, order, site, (uint32_t)covered };
	return MM_OK;
}

/* --- the engine's ------------------------------------------------------------------------ */

static void sum_slab(void *arg, const struct mm_slab_view *v)
{
	*(uint64_t *)arg += v->external;
}

static uint32_t slab_at_addr_of(const struct mm_drive *d, uint32_t dest, uint64_t addr)
{
	return d->routed ? mm_dest_slab_of(&d->routed->dest[dest], addr)
			 : mm_heap_slab_of(d->heap, addr);
}

static int add_part(struct mm_pins *p, const struct mm_drive_birth *b, uint32_t dest, uint32_t slab)
{
	return add(p, (uint64_t)dest << 32 | slab, b->order, b->site, 0);
}

/* A block of an ordered heap may lie in two regions. */
static int add_block(struct mm_pins *p, const struct mm_drive *d, const struct mm_drive_block *b,
		     const struct mm_drive_birth *birth)
{
	struct mm_routed_block at = mm_drive_unpack(b);
	uint32_t first = at.addr ? slab_at_addr_of(d, at.dest, at.addr) : 0, last;
	int err = first ? add_part(p, birth, at.dest, first) : MM_OK;

	last = first && at.size ? slab_at_addr_of(d, at.dest, at.addr + at.size - 1) : first;
	return err || last == first ? err : add_part(p, birth, at.dest, last);
}

static void each_dest(const struct mm_drive *d, struct mm_pins *p)
{
	if (!d->routed)
		mm_heap_slabs(d->heap, sum_slab, &p->free_bytes);
	for (size_t i = 0; d->routed && i < d->routed->dest_count; i++)
		mm_dest_slabs(&d->routed->dest[i], sum_slab, &p->free_bytes);
}

int mm_pins_of_engine(struct mm_pins *p, const struct mm_drive *d)
{
	int err = MM_OK;

	each_dest(d, p);
	for (size_t i = mm_drive_slot_from(d, 0); !err && i < d->slot_cap && i < d->birth_cap;
	     i = mm_drive_slot_from(d, i + 1))
		err = add_block(p, d, &d->slot[i], &d->birth[i]);
	for (size_t i = 0; !err && i < d->thread_count; i++)
		err = add_block(p, d, &d->thread[i].held, &d->thread[i].held_birth);
	return err;
}

/* --- the recorded heap's -------------------------------------------------------------------- */

/* Pages between the first and the last are all the object's own. */
static int add_object(struct mm_pins *p, const struct mm_object *o, uint64_t page,
		      uint64_t *inner_pages)
{
	uint64_t size = o->size == MM_UNKNOWN || !o->size ? 1 : o->size;
	uint64_t first = o->addr / page, last = (o->addr + size - 1) / page;
	uint64_t room = (first + 1) * page - o->addr;
	int err = add(p, first, o->order, o->site, size < room ? size : room);

	if (err || first == last)
		return err;
	*inner_pages += last - first - 1;
	return add(p, last, o->order, o->site, o->addr + size - last * page);
}

/* Objects inside others take no pages of their own. */
static int has_pages(const struct mm_object *o, struct mm_reader *r, uint32_t process)
{
	return o->addr &&
	       (o->kind != MM_EV_NOTE_ALLOC || mm_reader_site_pool(r, process, o->site));
}

static int add_objects(struct mm_pins *p, struct mm_reader *r, uint32_t process,
		       const struct mm_objects *objects, uint64_t page, uint64_t *ret_inner)
{
	struct mm_object o;
	uint32_t slot;
	size_t at = 0;
	int err = MM_OK;

	while (!err && mm_objects_next(objects, &at, &slot, &o))
		if (has_pages(&o, r, process))
			err = add_object(p, &o, page, ret_inner);
	return err;
}

static int by_unit(const void *a, const void *b)
{
	const struct mm_pin *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* qsort takes no NULL, not even of nothing. */
static void sort_pins(struct mm_pins *p)
{
	if (p->count)
		qsort(p->pin, p->count, sizeof *p->pin, by_unit);
}

int mm_pins_of_trace(struct mm_pins *p, struct mm_reader *r, uint32_t process, uint32_t chunk,
		     uint32_t index, uint32_t page_bytes, uint64_t *ret_committed,
		     struct mm_diag *diag)
{
	struct mm_cursor *cursor;
	struct mm_event ev;
	uint64_t pages = 0;
	int more = 1, err;

	if (!mm_reader_info(r)->has_addresses)
		return MM_ENOENT;
	if ((err = mm_cursor_open(&cursor, r, process, chunk, diag)))
		return err;
	for (uint32_t i = 0; more > 0 && i <= index; i++)
		more = mm_cursor_next(cursor, &ev);
	err = more < 0 ? more : add_objects(p, r, process, mm_cursor_objects(cursor),
					     page_bytes, &pages);
	mm_cursor_close(cursor);
	if (err)
		return err;
	sort_pins(p);
	for (size_t i = 0; i < p->count; i++)
		pages += i == 0 || p->pin[i].unit != p->pin[i - 1].unit;
	*ret_committed = pages * page_bytes;
	return MM_OK;
}

/* --- sharing ------------------------------------------------------------------------------------ */

struct shares {
	struct mm_pinned_row *site; /* by site */
	uint32_t sites;
	uint64_t given;
};

static uint64_t free_of(const struct mm_drive *d, uint32_t page_bytes, const struct mm_pin *pin,
			size_t count)
{
	uint64_t covered = 0;

	if (d && d->routed)
		return mm_dest_slab_free(&d->routed->dest[pin->unit >> 32], (uint32_t)pin->unit);
	if (d)
		return mm_heap_slab_free(d->heap, (uint32_t)pin->unit);
	for (size_t i = 0; i < count; i++)
		covered += pin[i].covered;
	return covered < page_bytes ? page_bytes - covered : 0;
}

static void share_unit(struct shares *s, const struct mm_pin *pin, size_t count, uint64_t bytes)
{
	for (size_t i = 0; i < count; i++) {
		struct mm_pinned_row *row = &s->site[pin[i].site < s->sites ? pin[i].site : 0];
		row->bytes += bytes / count + (i == 0 ? bytes % count : 0);
		row->object_count += bytes != 0;
	}
	s->given += bytes;
}

static int by_bytes(const void *a, const void *b)
{
	const struct mm_pinned_row *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->site < y->site ? -1 : x->site > y->site;
}

/* Those with a share, the largest first: how many. */
static size_t rank(struct shares *s)
{
	size_t n = 0;

	for (uint32_t i = 0; i < s->sites; i++)
		if (s->site[i].bytes) {
			s->site[n] = s->site[i];
			s->site[n++].site = i;
		}
	qsort(s->site, n, sizeof *s->site, by_bytes);
	return n;
}

/* --- names ---------------------------------------------------------------------------------------- */

static int add_caller(char *text, const char *name)
{
	size_t used = strlen(text);

	if (used + strlen(name) + 4 > CALLERS_TEXT)
		return 0;
	strcat(strcat(text, used ? " < " : ""), name);
	return 1;
}

/* The first frame that is the program's, and those that called it. */
static int name_row(struct mm_pinned_row *row, struct mm_reader *r, struct mm_naming *naming,
		    uint32_t process, struct mm_report_store *store)
{
	char callers[CALLERS_TEXT] = "";
	int left = CALLERS, err = MM_OK;

	row->name = row->file = row->callers = "";
	for (uint32_t site = row->site; !err && site && left;
	     site = mm_reader_site(r, process, site)->parent) {
		uint32_t first, count;
		err = mm_naming_frames(naming, process, site, &first, &count);
		for (uint32_t i = 0; !err && left && i < count; i++) {
			const struct mm_report_frame *f = mm_naming_frame(naming, first + i);
			if (f->kind != MM_FRAME_USER)
				continue;
			if (!*row->name) {
				row->name = mm_report_store_text(store, f->name);
				row->file = mm_report_store_text(store, f->file);
				row->line = f->line;
			} else {
				left = add_caller(callers, f->name) ? left - 1 : 0;
			}
		}
	}
	row->callers = mm_report_store_text(store, callers);
	if (!*row->name)
		row->name = "[unknown]";
	return err;
}

static int name_rows(struct mm_pinned *ret, struct mm_reader *r, struct mm_naming *naming,
		     uint32_t process, struct mm_report_store *store)
{
	uint32_t *sites = malloc(ret->row_count * sizeof *sites + 1);
	int err = sites ? MM_OK : MM_ENOMEM;

	for (size_t i = 0; !err && i < ret->row_count; i++)
		sites[i] = ret->row[i].site;
	if (!err)
		err = mm_naming_prepare(naming, process, sites, ret->row_count);
	free(sites);
	for (size_t i = 0; !err && i < ret->row_count; i++)
		err = name_row(&ret->row[i], r, naming, process, store);
	return err;
}

static void share_all(struct mm_pins *p, struct shares *s, const struct mm_drive *d,
		      uint32_t page_bytes)
{
	sort_pins(p);
	for (size_t i = 0, n; i < p->count; i += n) {
		for (n = 1; i + n < p->count && p->pin[i + n].unit == p->pin[i].unit; n++)
			;
		share_unit(s, &p->pin[i], n, free_of(d, page_bytes, &p->pin[i], n));
	}
}

int mm_pins_share(struct mm_pins *p, struct mm_reader *r, const struct mm_drive *d,
		  uint32_t page_bytes, struct mm_naming *naming, uint32_t process, size_t rows,
		  struct mm_report_store *store, struct mm_pinned *ret)
{
	struct shares s = { .sites = mm_reader_sites(r, process) };
	int err;

	s.sites += s.sites == 0;
	if (!(s.site = calloc(s.sites, sizeof *s.site)))
		return MM_ENOMEM;
	share_all(p, &s, d, page_bytes);
	memset(ret, 0, sizeof *ret);
	ret->free_bytes = d ? p->free_bytes : s.given;
	ret->nobody_bytes = ret->free_bytes - s.given;
	ret->site_count = rank(&s);
	ret->row_count = rows && rows < ret->site_count ? rows : ret->site_count;
	for (size_t i = ret->row_count; i < ret->site_count; i++)
		ret->rest_bytes += s.site[i].bytes;
	ret->row = mm_report_store_copy(store, s.site, ret->row_count, sizeof *s.site);
	free(s.site);
	err = ret->row_count && !ret->row ? MM_ENOMEM : MM_OK;
	return err ? err : name_rows(ret, r, naming, process, store);
}
