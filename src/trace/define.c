/* define.c: the writer's definitions: numbers given out, and their blocks (writer.h). */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "trace/facts.h"
#include "trace/stream.h"

/* FNV-1a; never 0, which the map keeps for itself. */
static uint64_t text_hash(const char *text, size_t len)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return h ? h : 1;
}

int mm_stream_string(struct mm_stream *s, const char *text, size_t len, uint32_t *ret)
{
	if (len > MM_TEXT_MAX)
		len = MM_TEXT_MAX;
	uint64_t hash = text_hash(text, len);
	if (!len) {
		*ret = 0;
		return MM_OK;
	}
	for (;; hash = hash + 1 ? hash + 1 : 1) {
		struct mm_map_place *p = mm_map_find(&s->interned, hash);
		if (!p)
			break;
		const struct mm_text *known = &s->tables.strings[p->value];
		if (known->len == len && memcmp(known->text, text, len) == 0) {
			*ret = p->value;
			return MM_OK;
		}
	}
	int err = mm_tables_add_string(&s->tables, text, len);
	if (!err)
		err = mm_map_set(&s->interned, hash, s->tables.string_count - 1);
	if (!err)
		*ret = s->tables.string_count - 1;
	return err;
}

int mm_stream_thread(struct mm_stream *s, const struct mm_thread *t, uint32_t *ret)
{
	int err = mm_tables_add_thread(&s->tables, t);

	if (!err)
		*ret = s->tables.thread_count - 1;
	return err;
}

int mm_stream_thread_name(struct mm_stream *s, uint32_t thread, const char *name)
{
	if (thread >= s->tables.thread_count)
		return MM_ENOENT;
	struct mm_thread *t = &s->tables.threads[thread];
	if (strcmp(t->name, name) == 0)
		return MM_OK;
	const char *copy = mm_arena_text(&s->tables.arena, name, strnlen(name, MM_TEXT_MAX));
	if (!copy || MM_GROW(s->renamed, s->renamed_cap, s->renamed_count + 1))
		return MM_ENOMEM;
	t->name = copy;
	if (thread < s->threads_out)
		s->renamed[s->renamed_count++] = thread;
	return MM_OK;
}

int mm_stream_module(struct mm_stream *s, const struct mm_module *m, uint32_t *ret)
{
	int err = mm_tables_add_module(&s->tables, m);

	if (!err)
		*ret = s->tables.module_count - 1;
	return err;
}

int mm_stream_site(struct mm_stream *s, const struct mm_site *site, uint32_t *ret)
{
	if (site->parent >= s->tables.site_count)
		return MM_EINVAL;
	int err = mm_tables_add_site(&s->tables, site);
	if (!err)
		*ret = s->tables.site_count - 1;
	return err;
}

/* --- blocks ------------------------------------------------------------------------------ */

/* Writes items of one table from *next on. */
static int write_table(struct mm_stream *s, enum mm_defs_tag tag, uint32_t *next,
		       uint32_t count, uint8_t flags)
{
	struct mm_buf *payload = &s->w->payload;
	int err = MM_OK;

	while (!err && *next < count) {
		err = mm_tables_encode(&s->tables, tag, *next, payload, next);
		if (!err && payload->len >= MM_DEFS_BYTES / 4) {
			err = mm_stream_block(s, MM_BLOCK_DEFS, flags, &s->defs_at);
			mm_buf_clear(payload);
		}
	}
	return err;
}

/* A renamed thread is its definition over again. */
static int write_renamed(struct mm_stream *s)
{
	int err = MM_OK;

	for (size_t i = 0; !err && i < s->renamed_count; i++) {
		uint32_t next, keep = s->tables.thread_count;
		s->tables.thread_count = s->renamed[i] + 1;
		err = mm_tables_encode(&s->tables, MM_DEFS_THREADS, s->renamed[i],
				       &s->w->payload, &next);
		s->tables.thread_count = keep;
	}
	s->renamed_count = 0;
	return err;
}

int mm_stream_write_defs(struct mm_stream *s, int again)
{
	struct mm_tables *t = &s->tables;
	struct mm_buf *payload = &s->w->payload;
	uint8_t flags = again ? MM_BLOCKF_REPEAT : 0;

	if (again) {
		s->strings_out = s->modules_out = s->sites_out = 1;
		s->threads_out = 0;
	}
	mm_buf_clear(payload);
	int err = write_renamed(s);
	if (!err)
		err = write_table(s, MM_DEFS_STRINGS, &s->strings_out, t->string_count, flags);
	if (!err)
		err = write_table(s, MM_DEFS_THREADS, &s->threads_out, t->thread_count, flags);
	if (!err)
		err = write_table(s, MM_DEFS_MODULES, &s->modules_out, t->module_count, flags);
	if (!err)
		err = write_table(s, MM_DEFS_SITES, &s->sites_out, t->site_count, flags);
	if (!err && payload->len)
		err = mm_stream_block(s, MM_BLOCK_DEFS, flags, &s->defs_at);
	return err;
}

int mm_writer_write_process(struct mm_writer *w, uint32_t number)
{
	struct mm_block kind = { .type = MM_BLOCK_PROCESS, .process = number };

	mm_buf_clear(&w->payload);
	int err = mm_process_encode(&w->processes[number].facts, &w->payload);
	return err ? err : mm_output_block(w->out, &kind, NULL, &w->payload, NULL);
}
