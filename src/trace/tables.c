/* tables.c: keeping definitions, and their sections in the file (tables.h). */
#include "trace/tables.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/varint.h"
#include "trace/bytes.h"

enum { ARENA_PAGE = 4096 };

struct mm_arena_page { struct mm_arena_page *next; char text[]; };

/* Marks a site whose definition was lost, inside the table only. */
static const struct mm_site lost_site = { .kind = MM_SITE_CUT, .module = UINT32_MAX };

const char *mm_arena_text(struct mm_arena *a, const char *text, size_t len)
{
	if (!len)
		return ""; /* tables begin with some: a process with nothing else costs no page */
	if (len + 1 > a->left) {
		size_t room = len + 1 > ARENA_PAGE ? len + 1 : ARENA_PAGE;
		struct mm_arena_page *p = malloc(sizeof *p + room);
		if (!p)
			return NULL;
		p->next = a->pages;
		a->pages = p;
		a->next = p->text;
		a->left = room;
	}
	char *copy = a->next;
	memcpy(copy, text, len);
	copy[len] = 0;
	a->next += len + 1;
	a->left -= len + 1;
	return copy;
}

void mm_arena_deinit(struct mm_arena *a)
{
	for (struct mm_arena_page *p = a->pages, *next; p; p = next) {
		next = p->next;
		free(p);
	}
	memset(a, 0, sizeof *a);
}

int mm_tables_init(struct mm_tables *t)
{
	memset(t, 0, sizeof *t);
	struct mm_module unknown = { .path = "" };
	struct mm_site root = { .kind = MM_SITE_ROOT };
	int err = mm_tables_add_string(t, "", 0);
	if (!err)
		err = mm_tables_add_module(t, &unknown);
	if (!err)
		err = mm_tables_add_site(t, &root);
	if (err)
		mm_tables_deinit(t);
	return err;
}

void mm_tables_deinit(struct mm_tables *t)
{
	mm_arena_deinit(&t->arena);
	free(t->strings);
	free(t->threads);
	free(t->modules);
	free(t->sites);
	memset(t, 0, sizeof *t);
}

/* --- adding ------------------------------------------------------------------------- */

int mm_tables_add_string(struct mm_tables *t, const char *text, size_t len)
{
	if (len > MM_TEXT_MAX)
		len = MM_TEXT_MAX;
	if (MM_GROW(t->strings, t->string_cap, (size_t)t->string_count + 1))
		return MM_ENOMEM;
	const char *copy = mm_arena_text(&t->arena, text, len);
	if (!copy)
		return MM_ENOMEM;
	t->strings[t->string_count++] = (struct mm_text){ copy, (uint32_t)len };
	return MM_OK;
}

int mm_tables_add_thread(struct mm_tables *t, const struct mm_thread *thread)
{
	if (MM_GROW(t->threads, t->thread_cap, (size_t)t->thread_count + 1))
		return MM_ENOMEM;
	struct mm_thread copy = *thread;
	const char *name = thread->name ? thread->name : "";
	copy.name = mm_arena_text(&t->arena, name, strnlen(name, MM_TEXT_MAX));
	if (!copy.name)
		return MM_ENOMEM;
	t->threads[t->thread_count++] = copy;
	return MM_OK;
}

int mm_tables_add_module(struct mm_tables *t, const struct mm_module *module)
{
	if (MM_GROW(t->modules, t->module_cap, (size_t)t->module_count + 1))
		return MM_ENOMEM;
	struct mm_module copy = *module;
	const char *path = module->path ? module->path : "";
	copy.path = mm_arena_text(&t->arena, path, strnlen(path, MM_TEXT_MAX));
	if (!copy.path)
		return MM_ENOMEM;
	if (copy.build_id_len > sizeof copy.build_id)
		copy.build_id_len = sizeof copy.build_id;
	t->modules[t->module_count++] = copy;
	return MM_OK;
}

int mm_tables_add_site(struct mm_tables *t, const struct mm_site *site)
{
	if (MM_GROW(t->sites, t->site_cap, (size_t)t->site_count + 1))
		return MM_ENOMEM;
	t->sites[t->site_count++] = *site;
	return MM_OK;
}

/* --- encoding ------------------------------------------------------------------------- */

static void put_text(struct mm_buf *out, const char *text, size_t len)
{
	mm_buf_varint(out, len);
	mm_buf_put(out, text, len);
}

static void put_item(const struct mm_tables *t, enum mm_defs_tag tag, uint32_t i,
		     uint32_t first, struct mm_buf *out)
{
	static const struct mm_site none;

	if (tag == MM_DEFS_STRINGS) {
		put_text(out, t->strings[i].text, t->strings[i].len);
	} else if (tag == MM_DEFS_THREADS) {
		mm_buf_varint(out, t->threads[i].tid);
		mm_buf_varint(out, t->threads[i].start_time);
		put_text(out, t->threads[i].name, strlen(t->threads[i].name));
	} else if (tag == MM_DEFS_MODULES) {
		const struct mm_module *m = &t->modules[i];
		mm_buf_varint(out, m->start);
		mm_buf_varint(out, m->end - m->start);
		mm_buf_varint(out, m->bias);
		mm_buf_varint(out, m->time);
		put_text(out, m->path, strlen(m->path));
		put_text(out, (const char *)m->build_id, m->build_id_len);
	} else {
		const struct mm_site *s = &t->sites[i];
		const struct mm_site *before = i > first ? s - 1 : &none;
		mm_buf_u8(out, s->kind);
		mm_buf_varint(out, i - s->parent);
		mm_buf_varint(out, mm_zigzag((int64_t)s->module - before->module));
		mm_buf_varint(out, mm_zigzag((int64_t)(s->value - before->value)));
	}
}

static uint32_t count_of(const struct mm_tables *t, enum mm_defs_tag tag)
{
	switch (tag) {
	case MM_DEFS_STRINGS: return t->string_count;
	case MM_DEFS_THREADS: return t->thread_count;
	case MM_DEFS_MODULES: return t->module_count;
	default: return t->site_count;
	}
}

int mm_tables_encode(const struct mm_tables *t, enum mm_defs_tag tag, uint32_t first,
		     struct mm_buf *out, uint32_t *ret_next)
{
	uint32_t count = count_of(t, tag), i = first;
	struct mm_buf body = { 0 };

	for (; i < count && i - first < MM_DEFS_ITEMS && body.len < MM_DEFS_BYTES; i++)
		put_item(t, tag, i, first, &body);
	if (i > first) {
		mm_buf_u8(out, (uint8_t)tag);
		mm_buf_varint(out, first);
		mm_buf_varint(out, i - first);
		mm_buf_varint(out, body.len);
		mm_buf_put(out, body.data, body.len);
	}
	int failed = body.failed || out->failed;
	mm_buf_deinit(&body);
	if (failed)
		return MM_ENOMEM;
	*ret_next = i;
	return MM_OK;
}

/* --- decoding --------------------------------------------------------------------------- */

/* Fills the numbers up to `first` with holes. */
static int open_holes(struct mm_tables *t, enum mm_defs_tag tag, uint32_t first)
{
	static const struct mm_thread no_thread = { .name = "" };
	static const struct mm_module no_module = { .path = "" };
	uint32_t count = count_of(t, tag);
	int err = MM_OK;

	if (first <= count)
		return MM_OK;
	if (first - count > MM_HOLES_MAX - t->holes)
		return MM_ECORRUPT;
	t->holes += first - count;
	for (; !err && count < first; count++) {
		if (tag == MM_DEFS_STRINGS)
			err = mm_tables_add_string(t, "", 0);
		else if (tag == MM_DEFS_THREADS)
			err = mm_tables_add_thread(t, &no_thread);
		else if (tag == MM_DEFS_MODULES)
			err = mm_tables_add_module(t, &no_module);
		else
			err = mm_tables_add_site(t, &lost_site);
	}
	return err;
}

static int get_string(struct mm_tables *t, uint32_t i, struct mm_bytes *b)
{
	uint64_t len = mm_bytes_varint(b);
	const uint8_t *text = mm_bytes_take(b, len);

	if (b->bad || len > MM_TEXT_MAX)
		return MM_ECORRUPT;
	if (i >= t->string_count)
		return mm_tables_add_string(t, (const char *)text, len);
	if (t->strings[i].len || !i)
		return MM_OK;
	const char *copy = mm_arena_text(&t->arena, (const char *)text, len);
	if (!copy)
		return MM_ENOMEM;
	t->strings[i] = (struct mm_text){ copy, (uint32_t)len };
	return MM_OK;
}

/* A text of the file as a C string in the arena; NULL and b->bad, or NULL = no memory. */
static const char *take_text(struct mm_tables *t, struct mm_bytes *b)
{
	uint64_t len = mm_bytes_varint(b);
	const uint8_t *text = mm_bytes_take(b, len);

	return b->bad ? NULL : mm_arena_text(&t->arena, (const char *)text, len);
}

static int get_thread(struct mm_tables *t, uint32_t i, struct mm_bytes *b)
{
	struct mm_thread thread = { .tid = mm_bytes_u32(b) };

	thread.start_time = mm_bytes_varint(b);
	if (i < t->thread_count && !b->bad) {
		struct mm_bytes peek = *b;
		uint64_t len = mm_bytes_varint(&peek);
		const uint8_t *text = mm_bytes_take(&peek, len);
		const char *known = t->threads[i].name;
		if (text && strlen(known) == len && memcmp(known, text, len) == 0) {
			*b = peek;
			thread.name = known;
			t->threads[i] = thread;
			return MM_OK;
		}
	}
	thread.name = take_text(t, b);
	if (!thread.name)
		return b->bad ? MM_ECORRUPT : MM_ENOMEM;
	if (i < t->thread_count) {
		t->threads[i] = thread;
		return MM_OK;
	}
	if (MM_GROW(t->threads, t->thread_cap, (size_t)i + 1))
		return MM_ENOMEM;
	t->threads[t->thread_count++] = thread;
	return MM_OK;
}

static int get_module(struct mm_tables *t, uint32_t i, struct mm_bytes *b)
{
	struct mm_module m = { .start = mm_bytes_varint(b) };

	m.end = m.start + mm_bytes_varint(b);
	m.bias = mm_bytes_varint(b);
	m.time = mm_bytes_varint(b);
	struct mm_bytes path = mm_bytes_sub(b, mm_bytes_varint(b));
	uint64_t id_len = mm_bytes_varint(b);
	const uint8_t *id = mm_bytes_take(b, id_len);
	if (b->bad || path.bad || id_len > sizeof m.build_id)
		return MM_ECORRUPT;
	if (i < t->module_count && (t->modules[i].end || !i))
		return MM_OK;
	memcpy(m.build_id, id, id_len);
	m.build_id_len = (uint8_t)id_len;
	m.path = mm_arena_text(&t->arena, (const char *)path.p, mm_bytes_left(&path));
	if (!m.path || MM_GROW(t->modules, t->module_cap, (size_t)i + 1))
		return MM_ENOMEM;
	t->modules[i] = m;
	t->module_count += i == t->module_count;
	return MM_OK;
}

static int get_site(struct mm_tables *t, uint32_t i, struct mm_bytes *b,
		    struct mm_site *before)
{
	struct mm_site s = { .kind = mm_bytes_u8(b) };
	uint32_t up = mm_bytes_u32(b);

	s.module = (uint32_t)((int64_t)before->module + mm_unzigzag(mm_bytes_varint(b)));
	s.value = before->value + (uint64_t)mm_unzigzag(mm_bytes_varint(b));
	if (b->bad || up > i || (!up && i))
		return MM_ECORRUPT;
	s.parent = i - up;
	*before = s;
	if (i >= t->site_count)
		return mm_tables_add_site(t, &s);
	if (t->sites[i].kind == MM_SITE_CUT && t->sites[i].module == UINT32_MAX) {
		t->sites[i] = s;
		t->holes--;
	}
	return MM_OK;
}

static int decode_section(struct mm_tables *t, unsigned tag, uint32_t first, uint32_t count,
			  struct mm_bytes *b)
{
	struct mm_site before = { 0 };
	int err = open_holes(t, tag, first);

	if (err || first > UINT32_MAX - count)
		return err ? err : MM_ECORRUPT;
	for (uint32_t i = first; !err && i < first + count; i++) {
		if (tag == MM_DEFS_STRINGS)
			err = get_string(t, i, b);
		else if (tag == MM_DEFS_THREADS)
			err = get_thread(t, i, b);
		else if (tag == MM_DEFS_MODULES)
			err = get_module(t, i, b);
		else
			err = get_site(t, i, b, &before);
	}
	return err;
}

int mm_tables_decode(struct mm_tables *t, const uint8_t *data, size_t len)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	int err = MM_OK;

	while (!err && mm_bytes_left(&b)) {
		unsigned tag = mm_bytes_u8(&b);
		uint32_t first = mm_bytes_u32(&b), count = mm_bytes_u32(&b);
		struct mm_bytes body = mm_bytes_sub(&b, mm_bytes_varint(&b));
		if (b.bad)
			return MM_ECORRUPT;
		if (tag >= MM_DEFS_STRINGS && tag <= MM_DEFS_SITES)
			err = decode_section(t, tag, first, count, &body);
	}
	return err;
}
