/* naming.c: addresses to frames, each once (naming.h). */
#include "model/naming.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/error.h"

enum { BATCH = 4096 }; /* addresses between two steps of the progress line */
#define NO_SPOT UINT32_MAX
#define RULE_UNASKED (UINT32_MAX - 1)

struct spot {
	uint64_t address;
	uint32_t module, next; /* next of the same address, other module; NO_SPOT none */
	uint32_t first, count; /* frames, once resolved */
	uint32_t rule;
	uint8_t resolved;
	uint8_t named;         /* by the trace, without lines */
	uint32_t process;
};

struct book { /* of one process */
	struct mm_map by_address; /* address -> index of the newest spot there + 1 */
	uint8_t *climbed;         /* sites whose stacks were collected */
	size_t climbed_cap;
};

struct mm_naming {
	struct mm_reader *reader;
	struct mm_symbols *symbols;
	struct mm_lookup *later;
	uint32_t era;
	struct mm_report_store *store;
	struct mm_progress *progress;
	struct book *books; /* by process */
	size_t book_cap;
	struct spot *spots;
	size_t spot_count, spot_cap;
	struct mm_report_frame *frames;
	size_t frame_count, frame_cap;
	struct mm_map specials; /* name (as a pointer) of a site that is no address -> frame + 1 */
};

int mm_naming_create(struct mm_naming **ret, struct mm_reader *r, struct mm_symbols *symbols,
		     struct mm_report_store *store, struct mm_progress *progress)
{
	struct mm_naming *n = calloc(1, sizeof *n);

	if (!n)
		return MM_ENOMEM;
	n->reader = r;
	n->symbols = symbols;
	n->store = store;
	n->progress = progress;
	*ret = n;
	return MM_OK;
}

void mm_naming_destroy(struct mm_naming *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->book_cap; i++) {
		mm_map_deinit(&n->books[i].by_address);
		free(n->books[i].climbed);
	}
	mm_map_deinit(&n->specials);
	free(n->books);
	free(n->spots);
	free(n->frames);
	free(n);
}

void mm_naming_show(struct mm_naming *n, struct mm_progress *progress)
{
	n->progress = progress;
}

/* --- spots ------------------------------------------------------------------------ */

static int find_spot(struct mm_naming *n, uint32_t process, uint32_t module, uint64_t address,
		     uint32_t *ret)
{
	if (MM_GROW(n->books, n->book_cap, (size_t)process + 1))
		return MM_ENOMEM;
	struct mm_map *map = &n->books[process].by_address;
	uint64_t key = address ? address : UINT64_MAX;
	struct mm_map_place *place = mm_map_find(map, key);
	uint32_t newest = place ? place->value - 1 : NO_SPOT;

	for (uint32_t i = newest; i != NO_SPOT; i = n->spots[i].next)
		if (n->spots[i].module == module) {
			*ret = i;
			return MM_OK;
		}
	if (MM_GROW(n->spots, n->spot_cap, n->spot_count + 1) ||
	    mm_map_set(map, key, (uint32_t)n->spot_count + 1))
		return MM_ENOMEM;
	n->spots[n->spot_count] = (struct spot){ .address = address, .module = module,
						 .process = process,
						 .next = newest, .rule = RULE_UNASKED };
	*ret = (uint32_t)n->spot_count++;
	return MM_OK;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *offset_name(struct mm_naming *n, const char *library, uint64_t offset)
{
	return mm_report_store_printf(n->store, "%s+0x%llx", *library ? library : "[unknown]",
				      (unsigned long long)offset);
}

static int add_frame(struct mm_naming *n, const struct mm_module *m, uint64_t address,
		     const struct mm_frame *from)
{
	if (MM_GROW(n->frames, n->frame_cap, n->frame_count + 1))
		return MM_ENOMEM;
	struct mm_report_frame *f = &n->frames[n->frame_count++];
	*f = (struct mm_report_frame){
		.function = mm_report_store_text(n->store, from->function),
		.file = mm_report_store_text(n->store, from->file),
		.path = mm_report_store_text(n->store, m->path),
		.library = mm_report_store_text(n->store, m->path ? last_part(m->path) : ""),
		.offset = address - m->bias,
		.line = from->line,
		.inlined = from->inlined,
	};
	f->name = *f->function ? f->function : offset_name(n, f->library, f->offset);
	f->kind = mm_naming_is_runtime(f->function) || strncmp(f->library, "libmm.so", 8) == 0
			  ? MM_FRAME_RUNTIME : MM_FRAME_USER;
	return MM_OK;
}

static int has_line(const struct mm_frame *frames, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (frames[i].line)
			return 1;
	return 0;
}

/* True when the files at hand may know what the trace (err, frames) does not: the trace
 * holds nothing, or names without lines of a build that can be told from others. */
static int is_wanting(const struct mm_naming *n, const struct mm_module *m, int err,
		      const struct mm_frame *frames, size_t count)
{
	return (n->symbols || n->later) && (err == MM_ENOENT ||
			      (!err && m->build_id_len && !has_line(frames, count)));
}

/* Asks the files at hand. Names of the trace give way only to lines. */
static int look_up(struct mm_naming *n, const struct mm_module *m, uint64_t address, int err,
		   const struct mm_frame **frames, size_t *count)
{
	const struct mm_frame *found;
	size_t found_count;
	int failed = mm_symbols_frames(n->symbols, m, address, &found, &found_count);

	if (failed || (!err && !has_line(found, found_count)))
		return failed == MM_ENOMEM ? failed : err;
	*frames = found;
	*count = found_count;
	return MM_OK;
}

static int set_frames(struct mm_naming *n, struct spot *s, const struct mm_module *m,
		      const struct mm_frame *frames, size_t count)
{
	uint32_t first = (uint32_t)n->frame_count;

	for (size_t i = 0; i < count; i++)
		if (add_frame(n, m, s->address, &frames[i]))
			return MM_ENOMEM;
	s->first = first;
	s->count = (uint32_t)count;
	return mm_report_store_failed(n->store) ? MM_ENOMEM : MM_OK;
}

static int resolve(struct mm_naming *n, uint32_t process, uint32_t index)
{
	static const struct mm_frame nothing = { .function = "", .file = "" };
	struct spot *s = &n->spots[index];
	const struct mm_module *m = mm_reader_module(n->reader, process, s->module);
	const struct mm_frame *frames = NULL;
	size_t count = 0;

	int err = mm_reader_symbol(n->reader, process, s->module, s->address, &frames, &count);
	int wanting = is_wanting(n, m, err, frames, count);
	if (wanting && n->symbols)
		err = look_up(n, m, s->address, err, &frames, &count);
	else if (wanting)
		mm_lookup_ask(n->later, process, s->module, m, s->address,
			      (uint64_t)n->era << 32 | index);
	if (err == MM_ENOMEM)
		return err;
	s->named = !err;
	if (err || !count) {
		frames = &nothing;
		count = 1;
	}
	s->resolved = 1;
	return set_frames(n, s, m, frames, count);
}

/* --- answers that come later -------------------------------------------------------- */

void mm_naming_ask(struct mm_naming *n, struct mm_lookup *later, uint32_t era)
{
	n->later = later;
	n->era = era;
}

struct taking { struct mm_naming *naming; int changed, err; };

static void take_answer(void *arg, uint64_t mark, const struct mm_frame *frames, size_t count)
{
	struct taking *t = arg;
	struct mm_naming *n = t->naming;
	uint32_t index = (uint32_t)mark;

	if (mark >> 32 != n->era || index >= n->spot_count || t->err)
		return;
	struct spot *s = &n->spots[index];
	if (!*frames[0].function || (s->named && !has_line(frames, count)))
		return;
	s->rule = RULE_UNASKED;
	t->err = set_frames(n, s, mm_reader_module(n->reader, s->process, s->module), frames, count);
	t->changed++;
}

int mm_naming_take(struct mm_naming *n)
{
	struct taking t = { n, 0, MM_OK };

	if (n->later)
		mm_lookup_take(n->later, take_answer, &t);
	return t.err ? t.err : t.changed;
}

/* --- batches ---------------------------------------------------------------------- */

struct batch { uint32_t process; uint32_t *spots; size_t count, cap; };

static int collect_site(struct mm_naming *n, struct batch *b, uint32_t site)
{
	const struct mm_site *s = mm_reader_site(n->reader, b->process, site);
	uint32_t spot;

	if (s->kind != MM_SITE_FRAME)
		return MM_OK;
	int err = find_spot(n, b->process, s->module, s->value, &spot);
	if (err || n->spots[spot].resolved)
		return err;
	if (MM_GROW(b->spots, b->cap, b->count + 1))
		return MM_ENOMEM;
	b->spots[b->count++] = spot;
	return MM_OK;
}

static int climb(struct mm_naming *n, struct batch *b, uint32_t site)
{
	uint8_t *climbed = n->books[b->process].climbed;

	while (site && !climbed[site]) {
		int err = collect_site(n, b, site);
		if (err)
			return err;
		/* find_spot may have moved the books */
		climbed = n->books[b->process].climbed;
		climbed[site] = 1;
		site = mm_reader_site(n->reader, b->process, site)->parent;
	}
	return MM_OK;
}

static int by_module(const void *a, const void *b, void *spots)
{
	const struct spot *x = (const struct spot *)spots + *(const uint32_t *)a;
	const struct spot *y = (const struct spot *)spots + *(const uint32_t *)b;

	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static int needs_files(struct mm_naming *n, uint32_t process, const struct spot *s)
{
	const struct mm_module *m = mm_reader_module(n->reader, process, s->module);
	const struct mm_frame *frames = NULL;
	size_t count = 0;
	int err = mm_reader_symbol(n->reader, process, s->module, s->address, &frames, &count);

	return is_wanting(n, m, err, frames, count);
}

/* Spots first .. end belong to one module. */
static int prepare_module(struct mm_naming *n, struct batch *b, size_t first, size_t end)
{
	uint64_t *addresses = malloc((end - first) * sizeof *addresses);
	uint32_t module = n->spots[b->spots[first]].module;
	size_t count = 0;
	int err = MM_OK;

	if (!addresses)
		return MM_ENOMEM;
	for (size_t i = first; i < end; i++)
		if (needs_files(n, b->process, &n->spots[b->spots[i]]))
			addresses[count++] = n->spots[b->spots[i]].address;
	if (count && n->symbols)
		err = mm_symbols_prepare(n->symbols,
					 mm_reader_module(n->reader, b->process, module),
					 addresses, count, 0);
	free(addresses);
	return err == MM_ENOMEM ? err : MM_OK;
}

static int resolve_batch(struct mm_naming *n, struct batch *b)
{
	if (b->count)
		qsort_r(b->spots, b->count, sizeof *b->spots, by_module, n->spots);
	for (size_t first = 0, end; first < b->count; first = end) {
		uint32_t module = n->spots[b->spots[first]].module;
		for (end = first; end < b->count && end - first < BATCH &&
				  n->spots[b->spots[end]].module == module; end++)
			;
		if (n->progress)
			mm_progress_step(n->progress, first, b->count);
		int err = prepare_module(n, b, first, end);
		for (size_t i = first; !err && i < end; i++)
			if (!n->spots[b->spots[i]].resolved)
				err = resolve(n, b->process, b->spots[i]);
		if (err)
			return err;
	}
	return MM_OK;
}

static int open_book(struct mm_naming *n, uint32_t process)
{
	if (MM_GROW(n->books, n->book_cap, (size_t)process + 1))
		return MM_ENOMEM;
	struct book *b = &n->books[process];
	return MM_GROW(b->climbed, b->climbed_cap, mm_reader_sites(n->reader, process));
}

int mm_naming_prepare(struct mm_naming *n, uint32_t process, const uint32_t *sites, size_t count)
{
	struct batch b = { .process = process };
	int err = open_book(n, process);

	for (size_t i = 0; !err && i < count; i++)
		err = climb(n, &b, sites[i]);
	if (!err)
		err = resolve_batch(n, &b);
	free(b.spots);
	return err;
}

int mm_naming_prepare_flagged(struct mm_naming *n, uint32_t process, const uint8_t *wanted)
{
	struct batch b = { .process = process };
	int err = open_book(n, process);

	for (uint32_t i = 0; !err && i < mm_reader_sites(n->reader, process); i++)
		if (wanted[i])
			err = climb(n, &b, i);
	if (!err)
		err = resolve_batch(n, &b);
	free(b.spots);
	return err;
}

/* --- answers ---------------------------------------------------------------------- */

static int special_frame(struct mm_naming *n, const char *name, unsigned kind, uint32_t *ret)
{
	struct mm_map_place *place = mm_map_find(&n->specials, (uintptr_t)name);

	if (place) {
		*ret = place->value - 1;
		return MM_OK;
	}
	if (MM_GROW(n->frames, n->frame_cap, n->frame_count + 1) ||
	    mm_map_set(&n->specials, (uintptr_t)name, (uint32_t)n->frame_count + 1))
		return MM_ENOMEM;
	n->frames[n->frame_count] = (struct mm_report_frame){
		.name = name, .function = "", .file = "", .path = "", .library = "",
		.kind = (uint8_t)kind };
	*ret = (uint32_t)n->frame_count++;
	return MM_OK;
}

static int name_special(struct mm_naming *n, uint32_t process, uint32_t site,
			const struct mm_site *s, uint32_t *ret)
{
	if (mm_reader_site_lost(n->reader, process, site))
		return special_frame(n, mm_report_store_text(n->store, "[lost]"), MM_FRAME_LOST,
				     ret);
	if (s->kind == MM_SITE_CATEGORY) {
		const char *name = mm_reader_string(n->reader, process, (uint32_t)s->value);
		return special_frame(n, mm_report_store_printf(n->store, "[category %s]",
							       name ? name : "?"),
				     MM_FRAME_CATEGORY, ret);
	}
	return special_frame(n, mm_report_store_text(n->store, "[cut]"), MM_FRAME_CUT, ret);
}

const struct mm_report_frame *mm_naming_frame(const struct mm_naming *n, uint32_t frame)
{
	return &n->frames[frame];
}

uint32_t mm_naming_frame_count(const struct mm_naming *n)
{
	return (uint32_t)n->frame_count;
}

static int site_spot(struct mm_naming *n, uint32_t process, const struct mm_site *s,
		     uint32_t *ret)
{
	int err = find_spot(n, process, s->module, s->value, ret);

	return !err && !n->spots[*ret].resolved ? resolve(n, process, *ret) : err;
}

int mm_naming_frames(struct mm_naming *n, uint32_t process, uint32_t site,
		     uint32_t *ret_first, uint32_t *ret_count)
{
	const struct mm_site *s = mm_reader_site(n->reader, process, site);
	uint32_t spot;

	if (site == 0 || s->kind == MM_SITE_ROOT) {
		*ret_count = 0;
		return MM_OK;
	}
	if (s->kind != MM_SITE_FRAME) {
		*ret_count = 1;
		return name_special(n, process, site, s, ret_first);
	}
	int err = site_spot(n, process, s, &spot);
	if (err)
		return err;
	*ret_first = n->spots[spot].first;
	*ret_count = n->spots[spot].count;
	return MM_OK;
}

static uint32_t match_rule(const struct mm_naming *n, const struct mm_categories *c,
			   const struct spot *s, const char *path)
{
	struct mm_frame frames[64];
	size_t count = s->count < 64 ? s->count : 64;

	for (size_t i = 0; i < count; i++) {
		const struct mm_report_frame *f = &n->frames[s->first + i];
		frames[i] = (struct mm_frame){ f->function, f->file, f->line, f->inlined };
	}
	return mm_categories_match(c, path, frames, count);
}

int mm_naming_rule(struct mm_naming *n, const struct mm_categories *c, uint32_t process,
		   uint32_t site, uint32_t *ret)
{
	const struct mm_site *s = mm_reader_site(n->reader, process, site);
	uint32_t spot;

	*ret = UINT32_MAX;
	if (s->kind != MM_SITE_FRAME)
		return MM_OK;
	int err = site_spot(n, process, s, &spot);
	if (err)
		return err;
	struct spot *p = &n->spots[spot];
	if (p->rule == RULE_UNASKED)
		p->rule = match_rule(n, c, p, mm_reader_module(n->reader, process, s->module)->path);
	*ret = p->rule;
	return MM_OK;
}
