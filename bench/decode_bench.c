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
#include "trace/hand.h"
#include "trace/reader.h"

enum { AHEAD = 16 };

struct live { uint64_t *size; size_t cap; uint64_t bytes, peak, events; };

/* Objects die in no order that a processor could foresee: what an event does is worked out without
 * a branch on it, and the slots of coming events are brought near. Slots are below `slots`. */
static void count(struct live *l, const struct mm_row *rows, size_t rows_count)
{
	uint64_t *size = l->size, bytes = l->bytes, peak = l->peak;

	for (size_t i = 0; i < rows_count; i++) {
		const struct mm_row *row = &rows[i];
		const struct mm_row *ahead = &rows[i + AHEAD < rows_count ? i + AHEAD : i];
		uint64_t *at = &size[row->slot == MM_NO_SLOT ? l->cap - 1 : row->slot];
		__builtin_prefetch(&size[ahead->slot == MM_NO_SLOT ? 0 : ahead->slot], 1);
		uint64_t born = 0 - (uint64_t)mm_event_is_birth(row->kind);
		uint64_t died = 0 - (uint64_t)mm_event_is_death(row->kind);
		bytes += (row->size & born) - (*at & died);
		*at = (row->size & born) | (*at & ~born);
		peak = bytes > peak ? bytes : peak;
	}
	l->bytes = bytes;
	l->peak = peak;
	l->events += rows_count;
}

/* The last slot of the table is that of events without one: it stays 0. */
static int make_room(struct live *l, const struct mm_rows *rows)
{
	uint32_t most = 0;

	for (size_t i = 0; i < rows->count; i++) {
		uint32_t slot = rows->rows[i].slot;
		most = slot != MM_NO_SLOT && slot > most ? slot : most;
	}
	return most + 2u <= l->cap ? MM_OK : MM_PAGES_GROW(l->size, l->cap, (size_t)most + 2);
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
		err = mm_hand_rows(mm_reader_hand(r), 0, c, &rows);
		err = err ? err : make_room(&l, &rows);
		if (!err)
			count(&l, rows.rows, rows.count);
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
