/* follow.c: follows a trace that is being made: every INTERVAL ms it looks for what was appended
 * and reads the digests of it, until the writer has closed the file. Prints one JSON line: looks,
 * chunks, events, own CPU time, the longest look, and the longest time in which nothing came.
 * Usage: follow TRACE INTERVAL */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/diag.h"
#include "trace/reader.h"

enum { PROCESSES = 64, WAIT_MS = 10000 };

struct follow {
	uint32_t seen[PROCESSES];
	uint64_t looks, chunks, events, allocs, longest, gap, grew;
};

static uint64_t clock_ns(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static int read_digest(struct follow *f, struct mm_reader *r, uint32_t p)
{
	struct mm_digest d;
	int err = mm_reader_digest(r, p, f->seen[p], &d);

	if (err)
		return err;
	for (size_t i = 0; i < d.site_count; i++)
		f->allocs += d.sites[i].allocs;
	mm_digest_deinit(&d);
	f->events += mm_reader_chunk(r, p, f->seen[p]++)->events;
	f->chunks++;
	return 0;
}

/* The newest chunk's digest may be still to come: the next look has it. */
static int read_digests(struct follow *f, struct mm_reader *r)
{
	int err = 0;

	for (uint32_t p = 0; !err && p < mm_reader_processes(r) && p < PROCESSES; p++)
		while (!err && f->seen[p] < mm_reader_chunks(r, p)) {
			err = read_digest(f, r, p);
			if (err && f->seen[p] + 1 == mm_reader_chunks(r, p)) {
				err = 0;
				break;
			}
		}
	return err;
}

static int look(struct follow *f, struct mm_reader *r, struct mm_diag *diag)
{
	uint64_t began = clock_ns(CLOCK_MONOTONIC), gap = began - f->grew;
	int got = mm_reader_refresh(r, diag);
	int err = got < 0 ? got : read_digests(f, r);
	uint64_t took = clock_ns(CLOCK_MONOTONIC) - began;

	f->looks++;
	f->longest = took > f->longest ? took : f->longest;
	if (got > 0) {
		f->gap = f->grew && gap > f->gap ? gap : f->gap;
		f->grew = began;
	}
	return err;
}

int main(int argc, char **argv)
{
	struct mm_diag diag = { "" };
	struct follow f = { .looks = 0 };
	struct mm_reader *r;
	int err = -1;

	if (argc != 3)
		return 2;
	for (int i = 0; err && i < WAIT_MS; i++) {
		err = mm_reader_open(&r, argv[1], &diag);
		if (err)
			sleep_ms(1);
	}
	while (!err && !mm_reader_info(r)->closed) {
		err = look(&f, r, &diag);
		sleep_ms(atol(argv[2]));
	}
	if (err) {
		fprintf(stderr, "follow: %s\n", mm_diag_text(&diag, err));
		return 2;
	}
	printf("{\"looks\": %" PRIu64 ", \"chunks\": %" PRIu64 ", \"events\": %" PRIu64 ", \"allocs\": %"
	       PRIu64 ", \"cpu_ns\": %" PRIu64 ", \"longest_ns\": %" PRIu64 ", \"gap_ns\": %" PRIu64 "}\n",
	       f.looks, f.chunks, f.events, f.allocs, clock_ns(CLOCK_PROCESS_CPUTIME_ID), f.longest, f.gap);
	mm_reader_close(r);
	return 0;
}
