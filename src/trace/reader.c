/* reader.c: opening a trace, and looking at its tables and chunks (reader.h). */
#include "trace/reader.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "trace/digest.h"
#include "trace/scan.h"

static const struct mm_process unknown_process = {
	.exe = "", .cmd = "", .end_time = MM_UNKNOWN, .inherited_bytes = MM_UNKNOWN,
	.start = MM_START_UNRECORDED, .end = MM_END_UNKNOWN
};
static const struct mm_site cut_site = { .kind = MM_SITE_CUT };
static const struct mm_module unknown_module = { .path = "" };
static const struct mm_thread unknown_thread = { .name = "" };
static const struct mm_totals no_totals;

static const char *name_of(const struct mm_reader *r)
{
	return r->source.path ? r->source.path : r->source.fd < 0 ? "memory" : "standard input";
}

static int check_header(struct mm_reader *r, struct mm_diag *diag)
{
	size_t len = r->source.bytes < MM_FILE_HEADER ? (size_t)r->source.bytes : MM_FILE_HEADER;
	const uint8_t *head = NULL;
	struct mm_file_state state;
	int err = mm_source_view(&r->source, 0, len, &head);

	if (!err)
		err = head ? mm_file_decode(head, len, &r->info.version, &r->info.compat, &state)
			   : MM_ENOTRACE; /* an empty file has no window */
	if (err == MM_ENOMEM)
		return err;
	if (err == MM_ENEWER)
		return mm_fail(diag, err, "%s: written by a newer mmprof: update mmprof to read it",
			       name_of(r));
	if (err)
		return mm_fail(diag, err, "%s: not a trace", name_of(r));
	r->scan_at = MM_FILE_HEADER;
	return MM_OK;
}

/* Asked before the size is: what was appended until it was closed is then seen. */
static void look_whether_closed(struct mm_reader *r)
{
	uint8_t head[MM_FILE_HEADER];
	struct mm_file_state state;
	uint32_t version, compat;

	if (!r->info.closed && mm_source_read(&r->source, 0, head, sizeof head) == MM_OK &&
	    mm_file_decode(head, sizeof head, &version, &compat, &state) == MM_OK)
		r->info.closed = (state.flags & MM_FILE_CLOSED) != 0;
}

static int start(struct mm_reader *r, struct mm_reader **ret, struct mm_diag *diag)
{
	mm_hand_init(&r->hand, r);
	r->info.command = r->info.tool = r->info.source = "";
	r->info.time_resolution_ns = 1000;
	int err = check_header(r, diag);
	if (!err) {
		look_whether_closed(r);
		err = mm_source_refresh(&r->source, diag);
	}
	if (!err) {
		err = mm_scan(r);
		if (err)
			mm_fail(diag, err, "%s: out of memory", name_of(r));
	}
	if (err)
		mm_reader_close(r);
	else
		*ret = r;
	return err;
}

int mm_reader_open(struct mm_reader **ret, const char *path, struct mm_diag *diag)
{
	struct mm_reader *r = calloc(1, sizeof *r);

	if (!r)
		return MM_ENOMEM;
	int err = mm_source_open(&r->source, path, diag);
	if (err) {
		free(r);
		return err;
	}
	return start(r, ret, diag);
}

int mm_reader_peek(const char *path, uint64_t *ret_start_unix_ns)
{
	struct mm_reader *r = calloc(1, sizeof *r);

	if (!r)
		return MM_ENOMEM;
	int err = mm_source_open(&r->source, path, NULL);
	if (err) {
		free(r);
		return err;
	}
	err = check_header(r, NULL);
	if (!err)
		err = mm_scan_first(r);
	if (!err)
		*ret_start_unix_ns = r->info.start_unix_ns;
	mm_reader_close(r);
	return err;
}

int mm_reader_open_memory(struct mm_reader **ret, const void *data, size_t bytes,
			  struct mm_diag *diag)
{
	struct mm_reader *r = calloc(1, sizeof *r);

	if (!r)
		return MM_ENOMEM;
	mm_source_open_memory(&r->source, data, bytes);
	return start(r, ret, diag);
}

static void destroy_process(struct mm_rprocess *p)
{
	if (!p)
		return;
	mm_tables_deinit(&p->tables);
	for (size_t i = 0; i < p->checkpoint_count; i++)
		free(p->checkpoints[i].parts);
	free(p->checkpoints);
	free(p->chunks);
	free(p);
}

void mm_reader_close(struct mm_reader *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->process_count; i++)
		destroy_process(r->processes[i]);
	free(r->processes);
	mm_symbols_in_deinit(&r->symbols);
	mm_hand_deinit(&r->hand);
	mm_arena_deinit(&r->arena);
	mm_buf_deinit(&r->raw);
	mm_source_close(&r->source);
	free(r);
}

/* What was taken in last stands where it stood. */
static int is_cut(const struct mm_reader *r)
{
	uint8_t head[MM_BLOCK_HEADER];
	struct mm_block b;

	if (r->source.bytes < r->scan_at)
		return 1;
	if (!r->last_whole)
		return 0;
	return mm_source_read(&r->source, r->last.offset, head, sizeof head) ||
	       mm_block_decode(head, &b) || b.number != r->last.number || b.crc != r->last.crc ||
	       b.stored != r->last.stored;
}

/* The first block, which tells of the run, is the same in every file of a recording. */
static int goes_on_elsewhere(const struct mm_reader *r)
{
	return mm_source_is_replaced(&r->source, MM_FILE_HEADER, MM_BLOCK_HEADER);
}

int mm_reader_refresh(struct mm_reader *r, struct mm_diag *diag)
{
	uint64_t before = r->chunk_count;
	int err;

	/* What a file that was closed by then has to say is all there. */
	look_whether_closed(r);
	err = mm_source_refresh(&r->source, diag);
	if (err)
		return err;
	if (is_cut(r))
		return mm_fail(diag, MM_ENOENT, "%s: was cut or written anew: open it again", name_of(r));
	err = mm_scan(r);
	if (err)
		return mm_fail(diag, err, "out of memory");
	if (goes_on_elsewhere(r))
		return mm_fail(diag, MM_ENOENT, "%s: goes on in another file of that name: open it again",
			       name_of(r));
	uint64_t more = r->chunk_count - before;
	return more < INT32_MAX ? (int)more : INT32_MAX;
}

const struct mm_trace_info *mm_reader_info(const struct mm_reader *r)
{
	return &r->info;
}

/* --- tables -------------------------------------------------------------------------------- */

struct mm_rprocess *mm_reader_find(const struct mm_reader *r, uint32_t process)
{
	return process < r->process_count ? r->processes[process] : NULL;
}

uint32_t mm_reader_processes(const struct mm_reader *r)
{
	return r->process_count;
}

const struct mm_process *mm_reader_process(const struct mm_reader *r, uint32_t process)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p ? &p->facts : &unknown_process;
}

uint32_t mm_reader_sites(const struct mm_reader *r, uint32_t process)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p ? p->tables.site_count : 1;
}

/* A site whose definition was lost is a cut with a module that no module has. */
static int is_lost(const struct mm_site *s)
{
	return s->kind == MM_SITE_CUT && s->module == UINT32_MAX;
}

int mm_reader_site_lost(const struct mm_reader *r, uint32_t process, uint32_t site)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	if (!p || site >= p->tables.site_count)
		return site != 0;
	return is_lost(&p->tables.sites[site]);
}

uint32_t mm_reader_site_pool(const struct mm_reader *r, uint32_t process, uint32_t site)
{
	const struct mm_site *s = mm_reader_site(r, process, site);

	return s->kind == MM_SITE_CATEGORY ? s->module : 0;
}

const struct mm_site *mm_reader_site(const struct mm_reader *r, uint32_t process, uint32_t site)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	if (!p || site >= p->tables.site_count || is_lost(&p->tables.sites[site]))
		return &cut_site;
	return &p->tables.sites[site];
}

uint32_t mm_reader_modules(const struct mm_reader *r, uint32_t process)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p ? p->tables.module_count : 1;
}

const struct mm_module *mm_reader_module(const struct mm_reader *r, uint32_t process,
					 uint32_t module)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p && module < p->tables.module_count ? &p->tables.modules[module] :
	       &unknown_module;
}

uint32_t mm_reader_threads(const struct mm_reader *r, uint32_t process)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p ? p->tables.thread_count : 0;
}

const struct mm_thread *mm_reader_thread(const struct mm_reader *r, uint32_t process,
					 uint32_t thread)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p && thread < p->tables.thread_count ? &p->tables.threads[thread] :
	       &unknown_thread;
}

const char *mm_reader_string(const struct mm_reader *r, uint32_t process, uint32_t string)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p && string < p->tables.string_count ? p->tables.strings[string].text : "";
}

size_t mm_reader_symbols(const struct mm_reader *r)
{
	return r->symbols.item_count;
}

/* --- chunks --------------------------------------------------------------------------------- */

uint32_t mm_reader_chunks(const struct mm_reader *r, uint32_t process)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p ? p->chunk_count : 0;
}

const struct mm_chunk_info *mm_reader_chunk(const struct mm_reader *r, uint32_t process,
					    uint32_t chunk)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p && chunk < p->chunk_count ? &p->chunks[chunk].info : NULL;
}

const struct mm_totals *mm_reader_totals(const struct mm_reader *r, uint32_t process)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	if (!p)
		return &no_totals;
	return p->has_sums ? &p->sums.totals : &p->after;
}

const struct mm_totals *mm_reader_last(const struct mm_reader *r, uint32_t process)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p ? &p->after : &no_totals;
}

uint64_t mm_reader_lost(const struct mm_reader *r, uint32_t process)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);

	return p && p->has_sums && p->sums.events > p->events ? p->sums.events - p->events : 0;
}

int mm_reader_digest(struct mm_reader *r, uint32_t process, uint32_t chunk,
		     struct mm_digest *ret)
{
	const struct mm_rprocess *p = mm_reader_find(r, process);
	struct mm_block b;

	if (!p || chunk >= p->chunk_count)
		return MM_ENOENT;
	if (!p->chunks[chunk].digest_at)
		return MM_ECORRUPT;
	const uint8_t *stored;
	int err = mm_scan_block(&r->source, p->chunks[chunk].digest_at, MM_BLOCK_DIGEST, &b, &stored);
	if (!err)
		err = mm_block_unpack(&b, stored, &r->raw);
	return err ? err : mm_digest_decode(r->raw.data, r->raw.len, ret);
}
