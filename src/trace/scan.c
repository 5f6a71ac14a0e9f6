/* scan.c: from bytes to blocks to tables, around any damage (scan.h).
 *
 * After damage the next block is found by its magic and the checksum of its header. */
#include "trace/scan.h"

#include <stdlib.h>
#include <string.h>

#include "core/crc32c.h"
#include "core/error.h"
#include "trace/bytes.h"

enum { PROCESS_HOLES = 65536, SEARCH = 64 << 10 };

/* Damaged blocks may overlap, and each is summed up whole before that is known: for so many times the
 * file's bytes what they enclose is searched as well. */
enum { DOUBT_SHARE = 2 };

/* --- what blocks say -------------------------------------------------------------------- */

static int find_process(struct mm_reader *r, uint32_t number, struct mm_rprocess **ret)
{
	if (number >= r->process_count) {
		uint64_t holes = (uint64_t)r->process_holes + (number - r->process_count);
		if (holes > PROCESS_HOLES)
			return MM_ECORRUPT;
		if (MM_GROW(r->processes, r->process_cap, (size_t)number + 1))
			return MM_ENOMEM;
		r->process_holes = (uint32_t)holes + 1; /* until it is made */
		r->process_count = number + 1;
	}
	if (!r->processes[number]) {
		struct mm_rprocess *p = calloc(1, sizeof *p);
		if (!p || mm_tables_init(&p->tables)) {
			free(p);
			return MM_ENOMEM;
		}
		p->facts = (struct mm_process){ .number = number, .exe = "", .cmd = "",
			.end_time = MM_UNKNOWN, .inherited_bytes = MM_UNKNOWN };
		r->processes[number] = p;
		r->process_holes--;
	}
	*ret = r->processes[number];
	return MM_OK;
}

static int take_run(struct mm_reader *r, const uint8_t *data, size_t len)
{
	struct mm_run_facts f;

	if (r->has_run)
		return MM_OK;
	int err = mm_run_decode(data, len, &r->arena, &f);
	if (err)
		return err;
	r->info.command = f.command;
	r->info.tool = f.tool;
	r->info.source = f.source;
	r->info.start_unix_ns = f.start_unix_ns;
	r->info.page_bytes = f.page_bytes;
	r->info.mem_total_bytes = f.mem_total_bytes;
	r->info.time_resolution_ns = f.resolution_ns;
	r->info.cores = f.cores;
	r->info.has_addresses = f.has_addresses;
	r->has_run = 1;
	return MM_OK;
}

static void set_facts(struct mm_reader *r, struct mm_rprocess *p, const struct mm_process *f)
{
	p->facts = *f;
	p->known = 1;
	if (f->end_time != MM_UNKNOWN && f->end_time > r->info.duration_ns)
		r->info.duration_ns = f->end_time;
}

static int take_process(struct mm_reader *r, struct mm_rprocess *p, uint32_t number,
			const uint8_t *data, size_t len)
{
	struct mm_process f;
	int err = mm_process_decode(data, len, &r->arena, &f);

	if (err)
		return err;
	f.number = number;
	set_facts(r, p, &f);
	return MM_OK;
}

/* What is missing is missing in all tables together: each could be as large as its numbers say. */
static int take_defs(struct mm_reader *r, struct mm_rprocess *p)
{
	p->tables.holes = r->holes;
	int err = mm_tables_decode(&p->tables, r->raw.data, r->raw.len);
	r->holes = p->tables.holes;
	return err;
}

static uint64_t count_events(const struct mm_reader *r)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < r->process_count; i++)
		n += r->processes[i] ? r->processes[i]->events : 0;
	return n;
}

static int take_roll(struct mm_reader *r, const struct mm_block *b, const uint8_t *stored)
{
	struct mm_bytes prefix = mm_bytes_of(stored, b->prefix);
	struct mm_bytes body = mm_bytes_of(r->raw.data, r->raw.len);
	struct mm_process_sums sums;
	struct mm_roll_head head;
	struct mm_rprocess *p;
	struct mm_process f;
	uint64_t next = MM_UNKNOWN; /* one after another: no process for the asking */
	int more = b->raw > MM_ROLL_MAX ? MM_ECORRUPT : mm_roll_decode_head(&prefix, &head);

	if (more)
		return more;
	while ((more = mm_roll_next(&body, &r->arena, &f, &sums)) > 0) {
		int err = next != MM_UNKNOWN && f.number != next ? MM_ECORRUPT
								 : find_process(r, f.number, &p);
		if (err)
			return err;
		next = (uint64_t)f.number + 1;
		set_facts(r, p, &f);
		p->sums = sums;
		p->has_sums = 1;
	}
	if (more)
		return more;
	if (!r->info.kept_from_ns && !count_events(r))
		r->info.kept_from_ns = head.time;
	r->roll = head;
	return MM_OK;
}

static struct mm_chunk_info chunk_info(const struct mm_block *b,
				       const struct mm_chunk_head *h)
{
	return (struct mm_chunk_info){
		.offset = b->offset, .bytes = (uint64_t)MM_BLOCK_HEADER + b->stored,
		.first_time = h->start.tick * h->resolution_ns,
		.last_time = h->last_tick * h->resolution_ns,
		.events = h->events, .births = h->births, .deaths = h->deaths,
		.before = h->before, .peak_bytes = h->peak_bytes,
		.peak_time = h->peak_tick * h->resolution_ns, .peak_index = h->peak_index,
		.resolution_ns = h->resolution_ns,
	};
}

/* What the run would say, had it not been lost. */
static void learn_from_chunk(struct mm_trace_info *info, const struct mm_chunk_head *h)
{
	info->time_resolution_ns = h->resolution_ns;
	info->has_addresses = h->has_addr;
}

static int take_chunk(struct mm_reader *r, struct mm_rprocess *p, const struct mm_block *b,
		      const uint8_t *stored)
{
	struct mm_chunk_head h;
	int err = mm_chunk_decode(stored, b->prefix, &h);
	uint64_t expected = p->chunk_count ? p->chunks[p->chunk_count - 1].number + 1 : 0;

	if (err || h.number < expected)
		return MM_ECORRUPT;
	if (MM_GROW(p->chunks, p->chunk_cap, (size_t)p->chunk_count + 1))
		return MM_ENOMEM;
	struct mm_rchunk *c = &p->chunks[p->chunk_count++];
	*c = (struct mm_rchunk){ .info = chunk_info(b, &h), .number = h.number,
		.resolution_ns = h.resolution_ns, .start = h.start, .has_addr = h.has_addr };
	c->info.after_gap = h.number != expected;
	r->chunk_count++;
	p->after = h.after;
	p->events += h.events;
	p->has_sums = 0; /* those told before it are older */
	if (!r->has_run)
		learn_from_chunk(&r->info, &h);
	if (c->info.last_time > r->info.duration_ns)
		r->info.duration_ns = c->info.last_time;
	return MM_OK;
}

static int take_digest(struct mm_rprocess *p, const struct mm_block *b, const uint8_t *stored)
{
	struct mm_bytes prefix = mm_bytes_of(stored, b->prefix);
	uint64_t number = mm_bytes_varint(&prefix);

	if (prefix.bad)
		return MM_ECORRUPT;
	if (p->chunk_count && p->chunks[p->chunk_count - 1].number == number)
		p->chunks[p->chunk_count - 1].digest_at = b->offset;
	return MM_OK;
}

static void drop_unfinished(struct mm_rprocess *p)
{
	if (!p->want_part)
		return;
	free(p->checkpoints[--p->checkpoint_count].parts);
	p->want_part = 0;
}

static int take_checkpoint(struct mm_rprocess *p, const struct mm_block *b,
			   const uint8_t *stored)
{
	struct mm_checkpoint_head h;

	if (mm_checkpoint_decode_head(stored, b->prefix, &h))
		return MM_ECORRUPT;
	if (h.part != p->want_part)
		drop_unfinished(p);
	if (h.part == 0) {
		if (MM_GROW(p->checkpoints, p->checkpoint_cap, p->checkpoint_count + 1))
			return MM_ENOMEM;
		p->checkpoints[p->checkpoint_count++] =
			(struct mm_rcheckpoint){ .number = h.number };
	} else if (!p->want_part ||
		   p->checkpoints[p->checkpoint_count - 1].number != h.number) {
		return MM_OK;
	}
	struct mm_rcheckpoint *c = &p->checkpoints[p->checkpoint_count - 1];
	size_t cap = c->part_cap;
	p->want_part = h.part + 1;
	if (MM_GROW(c->parts, cap, (size_t)c->part_count + 1)) {
		drop_unfinished(p);
		return MM_ENOMEM;
	}
	c->part_cap = (uint32_t)cap;
	c->parts[c->part_count++] = b->offset;
	if (p->want_part == h.parts)
		p->want_part = 0;
	return MM_OK;
}

static int take_index(struct mm_reader *r, const struct mm_block *b)
{
	r->info.complete = r->raw.len > 0 && !b->prefix;
	return MM_OK;
}

/* Blocks whose payload is read during the scan. */
static int is_unpacked(const struct mm_reader *r, const struct mm_block *b)
{
	switch (b->type) {
	case MM_BLOCK_RUN:
	case MM_BLOCK_PROCESS:
	case MM_BLOCK_SYMBOLS:
	case MM_BLOCK_INDEX:
	case MM_BLOCK_ROLL:
		return 1;
	case MM_BLOCK_DEFS:
		return !(b->flags & MM_BLOCKF_REPEAT) || r->broken_chain;
	}
	return 0;
}

static int take_of_process(struct mm_reader *r, const struct mm_block *b, const uint8_t *stored)
{
	struct mm_rprocess *p;
	int err = find_process(r, b->process, &p);

	if (err)
		return err;
	switch (b->type) {
	case MM_BLOCK_PROCESS: return take_process(r, p, b->process, r->raw.data, r->raw.len);
	case MM_BLOCK_DEFS:
		return is_unpacked(r, b) ? take_defs(r, p) : MM_OK;
	case MM_BLOCK_CHUNK: return take_chunk(r, p, b, stored);
	case MM_BLOCK_DIGEST: return take_digest(p, b, stored);
	default: return take_checkpoint(p, b, stored);
	}
}

/* 0, MM_ENOMEM, or MM_ECORRUPT when a sound envelope holds nonsense. */
static int take_block(struct mm_reader *r, const struct mm_block *b, const uint8_t *stored)
{
	if (b->number != r->next_number)
		r->broken_chain = 1;
	r->next_number = b->number + 1;
	r->info.complete = 0;
	if (is_unpacked(r, b)) {
		int err = mm_block_unpack(b, stored, &r->raw);
		if (err)
			return err;
	}
	switch (b->type) {
	case MM_BLOCK_RUN: return take_run(r, r->raw.data, r->raw.len);
	case MM_BLOCK_SYMBOLS:
		return mm_symbols_in_decode(&r->symbols, r->raw.data, r->raw.len);
	case MM_BLOCK_INDEX: return take_index(r, b);
	case MM_BLOCK_ROLL: return take_roll(r, b, stored);
	case MM_BLOCK_PROCESS:
	case MM_BLOCK_DEFS:
	case MM_BLOCK_CHUNK:
	case MM_BLOCK_DIGEST:
	case MM_BLOCK_CHECKPOINT: return take_of_process(r, b, stored);
	}
	return MM_OK; /* a type of a newer writer */
}

/* --- the walk ------------------------------------------------------------------------------- */

static int header_at(struct mm_source *s, uint64_t at, struct mm_block *ret)
{
	const uint8_t *head;
	int err = mm_source_view(s, at, MM_BLOCK_HEADER, &head);

	if (err)
		return err;
	err = mm_block_decode(head, ret);
	ret->offset = at;
	return err;
}

/* Offset of the next header from `at` on, or the offset where one may yet begin. */
static uint64_t next_header(struct mm_reader *r, uint64_t at)
{
	struct mm_block b;

	while (at + MM_BLOCK_HEADER <= r->source.bytes) {
		uint64_t left = r->source.bytes - at;
		size_t len = left < SEARCH ? (size_t)left : SEARCH;
		const uint8_t *p;
		if (mm_source_view(&r->source, at, len, &p))
			break;
		const uint8_t *hit = memchr(p, MM_BLOCK_MAGIC & 0xff, len - 3);
		if (!hit) {
			at += len - 3;
			continue;
		}
		at += (uint64_t)(hit - p);
		if (mm_get32(hit) == MM_BLOCK_MAGIC && header_at(&r->source, at, &b) == MM_OK)
			return at;
		at++;
	}
	uint64_t tail = r->source.bytes >= MM_BLOCK_HEADER - 1 ?
			r->source.bytes - (MM_BLOCK_HEADER - 1) : 0;
	return at > tail ? at : tail;
}

static void skip_to(struct mm_reader *r, uint64_t at)
{
	r->lost_before += at - r->scan_at;
	r->broken_chain = 1;
	r->scan_at = at;
}

int mm_scan_block(struct mm_source *s, uint64_t at, uint8_t type, struct mm_block *ret,
		  const uint8_t **ret_stored)
{
	const uint8_t *stored;
	struct mm_block b;
	int err = header_at(s, at, &b);

	if (!err)
		err = b.type == type ? mm_source_view(s, at + MM_BLOCK_HEADER, b.stored, &stored)
				     : MM_ECORRUPT;
	if (err)
		return err == MM_ENOMEM ? err : MM_ECORRUPT;
	if (mm_crc32c(0, stored, b.stored) != b.crc)
		return MM_ECORRUPT;
	*ret = b;
	*ret_stored = stored;
	return MM_OK;
}

/* A block whose body does not hold. Its length is believed if a block, or the end of the
 * file, follows where it says, or too many were not; else the search begins behind its header. */
static void skip_damaged(struct mm_reader *r, const struct mm_block *b)
{
	struct mm_block next;
	uint64_t end = b->offset + MM_BLOCK_HEADER + b->stored;
	int follows = end == r->source.bytes || header_at(&r->source, end, &next) == MM_OK;

	r->info.damaged_blocks++;
	r->doubted += follows ? 0 : b->stored;
	follows |= r->doubted / DOUBT_SHARE > r->source.bytes;
	skip_to(r, follows ? end : next_header(r, b->offset + MM_BLOCK_HEADER));
}

/* One step of the walk: 1 = go on, 0 = nothing more for now, or MM_ENOMEM. */
static int step(struct mm_reader *r)
{
	struct mm_block b;
	int err = header_at(&r->source, r->scan_at, &b);

	if (err == MM_ETRUNC || err == MM_ENOMEM)
		return err == MM_ENOMEM ? err : 0;
	if (err) {
		uint64_t next = next_header(r, r->scan_at + 1);
		skip_to(r, next);
		return next + MM_BLOCK_HEADER <= r->source.bytes;
	}
	uint64_t end = b.offset + MM_BLOCK_HEADER + b.stored;
	if (end > r->source.bytes) {
		/* Cut short, or still being written, or a hole before its end. */
		uint64_t next = next_header(r, b.offset + MM_BLOCK_HEADER);
		if (next + MM_BLOCK_HEADER > r->source.bytes)
			return 0;
		r->info.damaged_blocks++;
		skip_to(r, next);
		return 1;
	}
	const uint8_t *stored;
	err = mm_scan_block(&r->source, b.offset, b.type, &b, &stored);
	if (err == MM_ENOMEM)
		return err;
	if (err) {
		skip_damaged(r, &b);
		return 1;
	}
	b.offset = r->scan_at;
	err = take_block(r, &b, stored);
	if (err == MM_ENOMEM)
		return err;
	r->info.damaged_blocks += err != MM_OK;
	r->scan_at = r->last_whole = end;
	r->last = b;
	return 1;
}

/* How many processes the file has no room for, and what they did not leave behind. */
static void count_unlisted(struct mm_reader *r)
{
	uint64_t known = 0;

	for (uint32_t i = 0; r->roll.left_out && i < r->process_count; i++)
		if (r->processes[i])
			known += r->processes[i]->events + mm_reader_lost(r, i);
	r->info.unlisted_processes = r->roll.left_out;
	r->info.unlisted_events =
		r->roll.left_out && r->roll.events > known ? r->roll.events - known : 0;
}

int mm_scan_first(struct mm_reader *r)
{
	int more = step(r);

	return more < 0 ? more : r->has_run ? MM_OK : MM_ENOTRACE;
}

int mm_scan(struct mm_reader *r)
{
	int more;

	do {
		more = step(r);
	} while (more > 0);
	count_unlisted(r);
	r->info.file_bytes = r->source.bytes;
	r->info.lost_bytes = r->lost_before +
		(r->source.bytes > r->scan_at ? r->source.bytes - r->scan_at : 0);
	return more;
}
