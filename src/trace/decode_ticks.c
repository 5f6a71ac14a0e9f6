/* decode_ticks.c: when few of a chunk's events were (decoder.h). */
#include "trace/decoder.h"

/* None comes when the column is used up. */
static inline void next_run(struct mm_ticks *t)
{
	while (t->run < t->run_end) {
		unsigned byte = *t->run++;
		t->ticked += byte;
		if (byte != MM_TOKEN_FAR)
			return;
	}
	t->ticked = UINT64_MAX;
}

void mm_ticks_open(struct mm_ticks *t, const struct mm_decoder *d)
{
	*t = (struct mm_ticks){ .run = d->at[MM_COL_TIME_RUN], .run_end = d->run_end,
				.step = d->at[MM_COL_TIME_STEP], .step_end = d->step_end,
				.wide = d->wide[MM_COL_TIME_WIDE], .tick = d->tick };
	next_run(t);
}

uint64_t mm_ticks_at(struct mm_ticks *ret, uint32_t event)
{
	struct mm_ticks t = *ret; /* in registers */

	while (t.ticked <= event && t.step < t.step_end) {
		unsigned step = *t.step++;
		t.tick += 1 + (step == MM_TOKEN_FAR ? mm_bytes_varint(&t.wide) : step);
		t.ticked++;
		next_run(&t);
	}
	t.bad |= t.ticked <= event || t.wide.bad;
	*ret = t;
	return t.tick;
}
