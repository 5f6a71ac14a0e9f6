/* text_pools.c: pools of the engine in the text report (text_parts.h). */
#include "view/text_parts.h"
#include "view/text_pen.h"

enum { POOLS_LISTED = 16 };

static const char *ppm(char *ret, uint64_t share)
{
	return mm_pen_share(ret, share, share == MM_UNKNOWN ? MM_UNKNOWN : 1000000);
}

static void put_pool_row(struct mm_pen *p, const struct mm_report_pool *q)
{
	char block[MM_PEN_TEXT], peak[MM_PEN_TEXT], at[MM_PEN_TEXT], live[MM_PEN_TEXT],
		slabs[MM_PEN_TEXT], now[MM_PEN_TEXT];

	fprintf(p->out, "%10s %10s %7s %12s %10s %7s  ",
		q->block_bytes == MM_UNKNOWN ? "any" : mm_pen_size(p, block, q->block_bytes),
		mm_pen_size(p, peak, q->at_peak_committed_bytes),
		ppm(at, q->at_peak_fragmentation_ppm), mm_pen_count(live, q->live_count),
		mm_pen_size(p, slabs, q->committed_bytes), ppm(now, q->fragmentation_ppm));
	mm_pen_text(p, q->name, 16, 0);
	if (*q->category) {
		fputs(" of ", p->out);
		mm_pen_text(p, q->category, 16, 0);
	}
	if (q->inherited)
		fputs(" (from the parent)", p->out);
	fputc('\n', p->out);
}

void mm_text_pools(struct mm_pen *p, const struct mm_report *r)
{
	if (!r->pool_count)
		return;
	mm_pen_title(p, "POOLS", "memory in slabs, and how much of it is free: from slab events");
	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "%10s %10s %7s %12s %10s %7s\n", "", "at peak", "", "at the end", "", "");
	fprintf(p->out, "%10s %10s %7s %12s %10s %7s  pool\n", "block", "slabs", "free",
		"live blocks", "slabs", "free");
	mm_pen_plain(p);
	for (size_t i = 0; i < r->pool_count && i < POOLS_LISTED; i++)
		put_pool_row(p, &r->pools[i]);
	if (r->pool_count > POOLS_LISTED)
		fprintf(p->out, "%62s(%zu more; --json)\n", "", r->pool_count - POOLS_LISTED);
}
