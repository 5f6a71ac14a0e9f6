/* make_events.c: writes a trace of as many events as asked for: a program that keeps LIVE
 * objects of random sizes and replaces one after the other, in any order.
 * Usage: make_events FILE EVENTS LIVE */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/diag.h"
#include "trace/writer.h"

static uint64_t state = 88172645463325252u;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static uint64_t any_size(void)
{
	uint64_t r = any();

	return r % 1024 == 0 ? r / 1024 % 200000 : r % 16 == 0 ? r / 16 % 4000 : r % 256;
}

static int write_events(struct mm_writer *w, struct mm_stream *s, uint64_t events, uint32_t live)
{
	uint32_t *slot = calloc(live, sizeof *slot);
	uint8_t *there = calloc(live, 1);
	struct mm_event ev = { 0 };
	int err = slot && there ? 0 : MM_ENOMEM;

	for (uint64_t i = 0; !err && i < events; i++) {
		uint32_t k = (uint32_t)(any() % live);
		ev.time += 1000;
		ev.kind = there[k] ? MM_EV_FREE : MM_EV_MALLOC;
		ev.slot = slot[k];
		ev.size = any_size();
		err = there[k] ? mm_stream_death(s, &ev) : mm_stream_birth(s, &ev, &slot[k]);
		there[k] ^= 1;
		if (i % 1000000 == 0 && !err)
			err = mm_writer_sync(w, ev.time, 0);
	}
	free(slot);
	free(there);
	return err;
}

int main(int argc, char **argv)
{
	struct mm_writer_options o = { .time_resolution_ns = 1000, .no_addresses = 1,
		.command = "./made", .tool = "make_events", .page_bytes = 4096, .cores = 1,
		.source = "record" };
	struct mm_process p = { .pid = 1, .start = MM_START_COMMAND, .exe = "", .cmd = "./made" };
	struct mm_thread t = { .tid = 1, .name = "main" };
	struct mm_diag diag = { "" };
	struct mm_writer *w;
	struct mm_stream *s;
	uint32_t thread;

	if (argc != 4)
		return 2;
	int err = mm_writer_open(&w, argv[1], &o, &diag);
	if (!err)
		err = mm_writer_process(w, &p, &s);
	if (!err)
		err = mm_stream_thread(s, &t, &thread);
	if (!err)
		err = write_events(w, s, strtoull(argv[2], NULL, 10),
				   (uint32_t)strtoul(argv[3], NULL, 10));
	if (!err)
		err = mm_stream_close(s);
	if (!err)
		err = mm_writer_close(w, &diag);
	if (err)
		fprintf(stderr, "make_events: %s\n", mm_diag_text(&diag, err));
	return err ? 2 : 0;
}
