/* goldens.c: writing the kept traces (goldens.h). */
#include "goldens.h"

#include <stdio.h>
#include <stdlib.h>

#define MUST(x) do { if (!(x)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); abort(); } } while (0)

static void end_process(struct mm_stream *s, enum mm_process_end end, int status,
			uint64_t time)
{
	struct mm_process p = *mm_stream_get_process(s);

	p.end = (uint8_t)end;
	p.status = status;
	p.end_time = time;
	MUST(!mm_stream_process(s, &p));
}

static void add_symbols(struct mm_writer *w)
{
	char name[32];

	for (uint32_t i = 1; i < TG_SITES; i++) {
		struct mm_frame f[2] = { { name, "/src/demo.cc", 10 * i, i % 5 == 0 },
					 { "demo::frame()", "/src/demo.cc", 7, 0 } };
		snprintf(name, sizeof name, "demo::f%u<int>(char)", i);
		size_t count = i % 7 == 0 ? 0 : i % 5 == 0 ? 2 : 1;
		MUST(!mm_writer_symbol(w, 0, 1, 0x400000 + 16 * i, f, count));
	}
}

void golden_v1(const char *path, struct tg g[GOLDEN_PROCESSES])
{
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w;
	struct mm_diag diag;

	MUST(!mm_writer_open(&w, path, &opt, &diag));
	tg_begin(&g[0], w, 2026, "demo --fast");
	for (int chunk = 0; chunk < 6; chunk++) {
		for (size_t n = g[0].count; g[0].count < n + 80;)
			tg_step(&g[0]);
		MUST(!mm_writer_sync(w, g[0].now, 1));
	}
	tg_begin(&g[1], w, 11, "demo --child");
	g[1].now = g[0].now;
	struct mm_process p = *mm_stream_get_process(g[1].s);
	p.pid = 1077;
	p.ppid = 1000;
	p.parent = 1;
	p.start = MM_START_FORK;
	p.start_time = g[1].now;
	p.inherited_bytes = g[0].totals.live_bytes;
	MUST(!mm_stream_process(g[1].s, &p));
	for (int i = 0; i < 150; i++)
		tg_step(&g[i % 2]);
	end_process(g[1].s, MM_END_SIGNAL, 6, g[1].now + 5000);
	MUST(!mm_stream_close(g[1].s));
	end_process(g[0].s, MM_END_EXIT, 3, g[0].now + 9000);
	add_symbols(w);
	MUST(!mm_writer_close(w, &diag));
}

void golden_bounded(const char *path, struct tg g[GOLDEN_BOUNDED_PROCESSES])
{
	struct mm_writer_options opt = tg_options();
	struct mm_writer *w;

	opt.max_bytes = 24000;
	opt.keep = MM_KEEP_FIRST;
	MUST(!mm_writer_open(&w, path, &opt, NULL));
	for (int i = 0; i < GOLDEN_BOUNDED_PROCESSES; i++) {
		tg_begin(&g[i], w, 31 + (uint64_t)i, "demo --bounded");
		while (g[i].count < 1500)
			tg_step(&g[i]);
		end_process(g[i].s, MM_END_EXIT, i, g[i].now + 1000);
		MUST(!mm_stream_close(g[i].s));
	}
	MUST(!mm_writer_close(w, NULL));
}

void golden_tiny(const char *path)
{
	struct mm_writer_options opt = { .command = "a", .tool = "t", .source = "record" };
	struct mm_process p = { .pid = 7, .exe = "/a", .cmd = "a", .end_time = 3000000,
		.inherited_bytes = 0, .end = MM_END_EXIT };
	struct mm_thread t = { .tid = 7, .name = "a" };
	struct mm_module m = { .start = 0x1000, .end = 0x2000, .bias = 0x1000, .path = "/a" };
	struct mm_site site = { .value = 0x1234, .kind = MM_SITE_FRAME };
	struct mm_event birth = { .kind = MM_EV_MALLOC, .size = 24, .addr = 0x5000,
				  .time = 1000000 };
	struct mm_event death = { .kind = MM_EV_FREE, .time = 1000000 };
	struct mm_writer *w;
	struct mm_stream *s;
	uint32_t thread;

	MUST(!mm_writer_open(&w, path, &opt, NULL));
	MUST(!mm_writer_process(w, &p, &s));
	MUST(!mm_stream_thread(s, &t, &thread));
	MUST(!mm_stream_module(s, &m, &site.module));
	MUST(!mm_stream_site(s, &site, &birth.site));
	MUST(!mm_stream_birth(s, &birth, &death.slot));
	MUST(!mm_stream_death(s, &death));
	MUST(!mm_writer_close(w, NULL));
}
