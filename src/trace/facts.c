/* facts.c: (key, value) pairs of runs and processes (facts.h). */
#include "trace/facts.h"

#include <string.h>

#include "core/error.h"
#include "trace/bytes.h"
#include "trace/chunk.h"

/* The numbers are the file's. Odd keys are numbers, even ones texts, so that unknown
 * ones can be skipped. */
enum run_key { RUN_START = 1, RUN_COMMAND = 2, RUN_PAGE = 3, RUN_TOOL = 4, RUN_MEMORY = 5,
	       RUN_SOURCE = 6, RUN_RESOLUTION = 7, RUN_CORES = 9, RUN_ADDRESSES = 11 };
enum process_key { PROC_PID = 1, PROC_EXE = 2, PROC_PPID = 3, PROC_CMD = 4,
		   PROC_PARENT = 5, PROC_HOW_STARTED = 7, PROC_HOW_ENDED = 9,
		   PROC_STATUS = 11, PROC_START = 13, PROC_END = 15, PROC_INHERITED = 17 };

static void put_number(struct mm_buf *out, unsigned key, uint64_t v)
{
	mm_buf_varint(out, key);
	mm_buf_varint(out, v);
}

static void put_string(struct mm_buf *out, unsigned key, const char *text)
{
	size_t len = text ? strnlen(text, MM_TEXT_MAX) : 0;

	mm_buf_varint(out, key);
	mm_buf_varint(out, len);
	mm_buf_put(out, text, len);
}

int mm_run_encode(const struct mm_run_facts *f, struct mm_buf *out)
{
	put_string(out, RUN_COMMAND, f->command);
	put_string(out, RUN_TOOL, f->tool);
	put_string(out, RUN_SOURCE, f->source);
	put_number(out, RUN_START, f->start_unix_ns);
	put_number(out, RUN_PAGE, f->page_bytes);
	put_number(out, RUN_MEMORY, f->mem_total_bytes);
	put_number(out, RUN_RESOLUTION, f->resolution_ns);
	put_number(out, RUN_CORES, f->cores);
	put_number(out, RUN_ADDRESSES, f->has_addresses ? 1 : 0);
	return out->failed ? MM_ENOMEM : MM_OK;
}

int mm_process_encode(const struct mm_process *p, struct mm_buf *out)
{
	put_number(out, PROC_PID, p->pid);
	put_number(out, PROC_PPID, p->ppid);
	put_number(out, PROC_PARENT, p->parent);
	put_number(out, PROC_HOW_STARTED, p->start);
	put_number(out, PROC_HOW_ENDED, p->end);
	put_number(out, PROC_STATUS, mm_zigzag(p->status));
	put_number(out, PROC_START, p->start_time);
	put_number(out, PROC_END, p->end_time);
	put_number(out, PROC_INHERITED, p->inherited_bytes);
	put_string(out, PROC_EXE, p->exe);
	put_string(out, PROC_CMD, p->cmd);
	return out->failed ? MM_ENOMEM : MM_OK;
}

void mm_roll_encode_head(const struct mm_roll_head *h, struct mm_buf *out)
{
	mm_buf_varint(out, h->left_out);
	mm_buf_varint(out, h->events);
	mm_buf_varint(out, h->time);
}

int mm_roll_encode(const struct mm_process *p, const struct mm_process_sums *sums,
		   struct mm_buf *out)
{
	struct mm_buf pairs = { 0 };
	int err = mm_process_encode(p, &pairs);

	mm_buf_varint(out, p->number);
	mm_buf_varint(out, pairs.len);
	mm_buf_put(out, pairs.data, pairs.len);
	mm_buf_deinit(&pairs);
	mm_buf_varint(out, sums->events);
	mm_totals_encode(&sums->totals, out);
	return err || out->failed ? MM_ENOMEM : MM_OK;
}

struct pair { uint64_t key, number; const char *text; };

/* Next pair: 1, 0 at the end, or an error. */
static int next_pair(struct mm_bytes *b, struct mm_arena *a, struct pair *ret)
{
	if (!mm_bytes_left(b))
		return 0;
	ret->key = mm_bytes_varint(b);
	ret->number = mm_bytes_varint(b);
	ret->text = NULL;
	if (b->bad || ret->key & 1)
		return b->bad ? MM_ECORRUPT : 1;
	const uint8_t *text = mm_bytes_take(b, ret->number);
	if (!text || ret->number > MM_TEXT_MAX)
		return MM_ECORRUPT;
	ret->text = mm_arena_text(a, (const char *)text, ret->number);
	return ret->text ? 1 : MM_ENOMEM;
}

static void set_run(struct mm_run_facts *f, const struct pair *p)
{
	switch (p->key) {
	case RUN_COMMAND: f->command = p->text; break;
	case RUN_TOOL: f->tool = p->text; break;
	case RUN_SOURCE: f->source = p->text; break;
	case RUN_START: f->start_unix_ns = p->number; break;
	case RUN_PAGE: f->page_bytes = p->number; break;
	case RUN_MEMORY: f->mem_total_bytes = p->number; break;
	case RUN_RESOLUTION: f->resolution_ns = p->number; break;
	case RUN_CORES: f->cores = (uint32_t)p->number; break;
	case RUN_ADDRESSES: f->has_addresses = p->number != 0; break;
	}
}

int mm_run_decode(const uint8_t *data, size_t len, struct mm_arena *a,
		  struct mm_run_facts *ret)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	struct mm_run_facts f = { .command = "", .tool = "", .source = "",
				  .resolution_ns = 1000 };
	struct pair p;
	int more;

	while ((more = next_pair(&b, a, &p)) > 0)
		set_run(&f, &p);
	if (!more)
		*ret = f;
	return more;
}

static void set_process(struct mm_process *f, const struct pair *p)
{
	switch (p->key) {
	case PROC_PID: f->pid = (uint32_t)p->number; break;
	case PROC_PPID: f->ppid = (uint32_t)p->number; break;
	case PROC_PARENT: f->parent = (uint32_t)p->number; break;
	case PROC_HOW_STARTED: f->start = (uint8_t)p->number; break;
	case PROC_HOW_ENDED: f->end = (uint8_t)p->number; break;
	case PROC_STATUS: f->status = (int32_t)mm_unzigzag(p->number); break;
	case PROC_START: f->start_time = p->number; break;
	case PROC_END: f->end_time = p->number; break;
	case PROC_INHERITED: f->inherited_bytes = p->number; break;
	case PROC_EXE: f->exe = p->text; break;
	case PROC_CMD: f->cmd = p->text; break;
	}
}

int mm_process_decode(const uint8_t *data, size_t len, struct mm_arena *a,
		      struct mm_process *ret)
{
	struct mm_bytes b = mm_bytes_of(data, len);
	struct mm_process f = { .exe = "", .cmd = "", .end_time = MM_UNKNOWN,
				.inherited_bytes = MM_UNKNOWN };
	struct pair p;
	int more;

	while ((more = next_pair(&b, a, &p)) > 0)
		set_process(&f, &p);
	if (!more)
		*ret = f;
	return more;
}

int mm_roll_decode_head(struct mm_bytes *b, struct mm_roll_head *ret)
{
	struct mm_roll_head h = { .left_out = mm_bytes_varint(b) };

	h.events = mm_bytes_varint(b);
	h.time = mm_bytes_varint(b);
	if (b->bad)
		return MM_ECORRUPT;
	*ret = h;
	return MM_OK;
}

int mm_roll_next(struct mm_bytes *b, struct mm_arena *a, struct mm_process *ret,
		 struct mm_process_sums *ret_sums)
{
	struct mm_process p;
	struct mm_process_sums sums;

	if (!mm_bytes_left(b))
		return 0;
	uint32_t number = mm_bytes_u32(b);
	uint64_t len = mm_bytes_varint(b);
	const uint8_t *pairs = mm_bytes_take(b, len);
	sums.events = mm_bytes_varint(b);
	mm_totals_decode(b, &sums.totals);
	if (!pairs || b->bad)
		return MM_ECORRUPT;
	int err = mm_process_decode(pairs, len, a, &p);
	if (err)
		return err;
	p.number = number;
	*ret = p;
	*ret_sums = sums;
	return 1;
}
