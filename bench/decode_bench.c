/* decode_bench.c: decodes every event of the command's own process and keeps count of what is
 * live: the ceiling of any replay. Prints events, live bytes at the end, the peak, and ns.
 * Usage: decode_bench TRACE */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/diag.h"
#include "base/pages.h"
#include "trace/codec.h"
#include "trace/reader.h"

struct live { uint64_t *size; size_t cap; uint64_t bytes, peak, events; };

static int count(struct live *l, const struct mm_row *row)
{
	l->events++;
	if (row->slot == MM_NO_SLOT)
		return 0;
	if (row->slot >= l->cap && MM_PAGES_GROW(l->size, l->cap, (size_t)row->slot + 1))
		return MM_ENOMEM;
	if (mm_event_is_birth(row->kind)) {
		l->size[row->slot] = row->size;
		l->bytes += row->size;
		l->peak = l->bytes > l->peak ? l->bytes : l->peak;
	} else if (mm_event_is_death(row->kind)) {
		l->bytes -= l->size[row->slot];
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct mm_diag diag = { "" };
	struct mm_rows rows = { 0 };
	struct live l = { 0 };
	struct timespec a, b;
	struct mm_reader *r;

	if (argc != 2)
		return 2;
	int err = mm_reader_open(&r, argv[1], &diag);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (uint32_t c = 0; !err && c < mm_reader_chunks(r, 0); c++) {
		err = mm_reader_rows(r, 0, c, &rows);
		for (size_t i = 0; !err && i < rows.count; i++)
			err = count(&l, &rows.rows[i]);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (err) {
		fprintf(stderr, "decode_bench: %s\n", mm_diag_text(&diag, err));
		return 2;
	}
	printf("{\"events\": %" PRIu64 ", \"live_bytes\": %" PRIu64 ", \"peak_bytes\": %" PRIu64
	       ", \"ns\": %lld}\n", l.events, l.bytes, l.peak,
	       (b.tv_sec - a.tv_sec) * 1000000000LL + (b.tv_nsec - a.tv_nsec));
	return 0;
}
