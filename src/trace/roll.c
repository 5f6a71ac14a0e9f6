/* roll.c: what became of the processes of which a file does not hold everything (facts.h).
 *
 * A file that has come to its bound, or the disk to its end, has little room: the roll is
 * shortened until it fits, and says by how much.
 */
#include "core/error.h"
#include "trace/facts.h"
#include "trace/stream.h"

enum { ROLL_BYTES = 256 << 10 /* of a payload, about */ };

struct roll {
	struct mm_writer *w;
	int events, full;
	uint32_t next, most; /* processes: the first not written, as many at once */
};

static struct mm_roll_head head_of(const struct roll *r, uint32_t end)
{
	struct mm_roll_head h = { .left_out = r->w->process_count - end,
				  .time = r->events ? 0 : r->w->segment_time };

	for (uint32_t i = 0; r->events && i < r->w->process_count; i++)
		h.events += r->w->processes[i].events - r->w->processes[i].first_event;
	return h;
}

static int encode(const struct roll *r, uint32_t number, struct mm_buf *out)
{
	const struct mm_wprocess *p = &r->w->processes[number];
	const struct mm_stream *s = r->w->streams[number];
	struct mm_process_sums sums = {
		.events = r->events ? p->events - p->first_event : 0,
		.totals = s ? *mm_objects_totals(s->objects) : p->totals,
	};

	return mm_roll_encode(&p->facts, &sums, out);
}

/* Fills the payload with processes from r->next on; *ret_end is the first that is not in. */
static int fill(struct roll *r, uint32_t *ret_end)
{
	struct mm_buf *payload = &r->w->payload;
	uint32_t end = r->next;
	int err = MM_OK;

	mm_buf_clear(payload);
	while (!err && end < r->w->process_count && end - r->next < r->most &&
	       payload->len < ROLL_BYTES)
		err = encode(r, end++, payload);
	*ret_end = end;
	return err;
}

static int put(struct roll *r, uint32_t end)
{
	struct mm_block kind = { .type = MM_BLOCK_ROLL, .process = UINT32_MAX };
	struct mm_roll_head head = head_of(r, end);
	struct mm_writer *w = r->w;

	mm_buf_clear(&w->prefix);
	mm_roll_encode_head(&head, &w->prefix);
	int err = mm_output_block(w->out, &kind, &w->prefix, &w->payload, NULL);
	return !err && r->full ? mm_output_flush(w->out) : err;
}

/* One block, or half as many processes the next time: 1 = go on. */
static int step(struct roll *r)
{
	uint32_t end;
	int err = fill(r, &end);

	if (!err)
		err = put(r, end);
	if (!err) {
		r->next = end;
		return r->most && end < r->w->process_count;
	}
	if (!r->full || !r->most)
		return err;
	mm_output_resume(r->w->out);
	r->most = (end - r->next < r->most ? end - r->next : r->most) / 2;
	return r->most || !r->next;
}

int mm_writer_write_roll(struct mm_writer *w, int events, int full)
{
	struct roll r = { w, events, full, 0, UINT32_MAX };
	int more = w->process_count != 0;

	while (more > 0)
		more = step(&r);
	return more;
}
