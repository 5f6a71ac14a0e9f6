/* tracegen.c: streams of events and their shadow (tracegen.h). */
#include "tracegen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Failures here are the test's own: they end it. */
#define MUST(x) do { if (!(x)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); abort(); } } while (0)

uint64_t tg_random(struct tg *g)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return g->state * UINT64_C(0x2545F4914F6CDD1D);
}

uint64_t tg_below(struct tg *g, uint64_t n)
{
	return (tg_random(g) >> 11) % n;
}

struct mm_writer_options tg_options(void)
{
	return (struct mm_writer_options){ .command = "demo --fast", .tool = "mmprof test",
		.source = "record", .start_unix_ns = 1700000000000000000u,
		.page_bytes = 4096, .cores = 8, .mem_total_bytes = UINT64_C(1) << 34 };
}

void tg_begin(struct tg *g, struct mm_writer *w, uint64_t seed, const char *command)
{
	static const char *const names[TG_THREADS] = { "main", "io", "render", "w\303\266rk", "" };
	struct mm_process p = { .pid = 1000, .ppid = 1, .exe = "/usr/bin/demo", .cmd = command,
				.end_time = MM_UNKNOWN, .inherited_bytes = MM_UNKNOWN };
	uint32_t number;

	memset(g, 0, sizeof *g);
	g->state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	g->w = w;
	g->resolution = 1000;
	g->bump = UINT64_C(0x555500000000);
	MUST(!mm_writer_process(w, &p, &g->s));
	for (uint32_t i = 0; i < TG_THREADS; i++) {
		struct mm_thread t = { .tid = 1000 + i, .name = names[i] };
		MUST(!mm_stream_thread(g->s, &t, &number) && number == i);
	}
	struct mm_module m = { .start = 0x400000, .end = 0x500000, .bias = 0x400000,
			       .path = "/usr/bin/demo", .build_id = { 1, 2, 3 }, .build_id_len = 3 };
	MUST(!mm_stream_module(g->s, &m, &number) && number == 1);
	for (uint32_t i = 1; i < TG_SITES; i++) {
		struct mm_site s = { .parent = (uint32_t)tg_below(g, i), .module = 1,
			.value = 0x400000 + 16 * i, .kind = MM_SITE_FRAME };
		MUST(!mm_stream_site(g->s, &s, &number) && number == i);
	}
}

void tg_end(struct tg *g)
{
	for (size_t i = 0; i < g->count; i++) {
		free((void *)(uintptr_t)g->events[i].text);
		free((void *)(uintptr_t)g->events[i].sample);
	}
	free(g->events);
	free(g->objects);
	free(g->live);
	free(g->live_slots);
	free(g->stack);
}

/* --- shadow --------------------------------------------------------------------------- */

static struct mm_event *expect(struct tg *g, const struct mm_event *ev)
{
	if (g->count == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 1024;
		g->events = realloc(g->events, g->cap * sizeof *g->events);
		MUST(g->events);
	}
	struct mm_event *copy = &g->events[g->count++];
	*copy = *ev;
	copy->time = ev->time / g->resolution * g->resolution;
	return copy;
}

static void grow_slots(struct tg *g)
{
	if (g->high < g->slot_cap)
		return;
	g->slot_cap = g->slot_cap ? g->slot_cap * 2 : 256;
	g->objects = realloc(g->objects, g->slot_cap * sizeof *g->objects);
	g->live = realloc(g->live, g->slot_cap);
	g->live_slots = realloc(g->live_slots, g->slot_cap * sizeof *g->live_slots);
	g->stack = realloc(g->stack, g->slot_cap * sizeof *g->stack);
	MUST(g->objects && g->live && g->live_slots && g->stack);
}

static uint32_t shadow_birth(struct tg *g, const struct mm_event *ev)
{
	grow_slots(g);
	uint32_t slot = g->stack_len ? g->stack[--g->stack_len] : g->high++;
	g->objects[slot] = (struct tg_object){ ev->addr, ev->size, ev->time, ev->site,
					       ev->thread, g->births };
	g->live[slot] = 1;
	g->live_slots[g->live_count++] = slot;
	g->last_birth[ev->thread] = ++g->births;
	g->totals.allocs++;
	g->totals.alloc_bytes += ev->size;
	g->totals.live_bytes += ev->size;
	g->totals.live_count++;
	g->totals.reallocs += ev->kind == MM_EV_REALLOC_IN;
	if (g->totals.live_bytes > g->totals.peak_bytes) {
		g->totals.peak_bytes = g->totals.live_bytes;
		g->totals.peak_time = ev->time;
	}
	return slot;
}

static void shadow_death(struct tg *g, struct mm_event *ev)
{
	const struct tg_object *o = &g->objects[ev->slot];

	MUST(g->live[ev->slot]);
	g->live[ev->slot] = 0;
	for (uint32_t i = 0; i < g->live_count; i++)
		if (g->live_slots[i] == ev->slot) {
			g->live_slots[i] = g->live_slots[--g->live_count];
			break;
		}
	g->stack[g->stack_len++] = ev->slot;
	ev->size = o->size;
	ev->addr = o->addr;
	ev->born_site = o->site;
	ev->born_thread = o->thread;
	ev->born_time = o->time;
	ev->temporary = ev->kind != MM_EV_REALLOC_OUT && ev->thread == o->thread &&
			g->last_birth[o->thread] == o->number + 1;
	g->totals.frees++;
	g->totals.free_bytes += o->size;
	g->totals.live_bytes -= o->size;
	g->totals.live_count--;
	g->totals.temporaries += ev->temporary;
	g->totals.implied += ev->kind == MM_EV_IMPLIED;
}

/* --- events --------------------------------------------------------------------------- */

static void pass_time(struct tg *g)
{
	switch (tg_below(g, 12)) {
	case 0: g->now += tg_below(g, 3000); break;
	case 1: g->now += tg_below(g, 300); break;
	case 2: g->now += tg_below(g, 40) ? 0 : tg_below(g, 900000000); break;
	}
}

static uint64_t some_size(struct tg *g)
{
	switch (tg_below(g, 12)) {
	case 0: return 0;
	case 1: return tg_below(g, 70000);
	case 2: return tg_below(g, 60) ? 40 : UINT64_C(1) << tg_below(g, 48);
	case 3: return 1 + tg_below(g, 1024);
	}
	return 16 * (1 + tg_below(g, 6));
}

/* Reuses the place of a dead object now and then, as allocators do. */
static uint64_t some_addr(struct tg *g, uint64_t size)
{
	if (g->no_addresses)
		return 0;
	if (g->stack_len && tg_below(g, 3))
		return g->objects[g->stack[g->stack_len - 1]].addr;
	uint64_t addr = g->bump;
	g->bump += tg_below(g, 50) ? (size + 23) / 16 * 16 : tg_below(g, UINT64_C(1) << 40);
	return addr;
}

static void give_birth(struct tg *g, struct mm_event *ev)
{
	uint32_t slot;

	MUST(!mm_stream_birth(g->s, ev, &slot));
	struct mm_event *e = expect(g, ev);
	e->slot = shadow_birth(g, e);
	MUST(slot == e->slot);
}

static void give_death(struct tg *g, struct mm_event *ev)
{
	MUST(!mm_stream_death(g->s, ev));
	shadow_death(g, expect(g, ev));
}

static void birth(struct tg *g, unsigned kind, uint32_t other)
{
	struct mm_event ev = { .kind = (uint8_t)kind, .thread = (uint32_t)tg_below(g, TG_THREADS),
		.site = (uint32_t)tg_below(g, tg_below(g, 4) ? 8 : TG_SITES),
		.time = g->now, .size = some_size(g), .other = other };

	if (kind == MM_EV_ALIGNED || kind == MM_EV_NEW_ALIGNED)
		ev.align_log2 = (uint8_t)(4 + tg_below(g, 12));
	ev.addr = some_addr(g, ev.size);
	give_birth(g, &ev);
}

static uint32_t victim(struct tg *g)
{
	uint32_t back = (uint32_t)(tg_below(g, 3) ? tg_below(g, 3) : tg_below(g, g->live_count));

	return g->live_slots[g->live_count - 1 - (back < g->live_count ? back : 0)];
}

static uint32_t death(struct tg *g, unsigned kind)
{
	uint32_t slot = victim(g);
	struct mm_event ev = { .kind = (uint8_t)kind, .slot = slot, .time = g->now,
		.thread = tg_below(g, 4) ? g->objects[slot].thread :
			  (uint32_t)tg_below(g, TG_THREADS),
		.site = tg_below(g, 9) ? 0 : (uint32_t)tg_below(g, TG_SITES) };

	give_death(g, &ev);
	return slot;
}

static void other(struct tg *g)
{
	static const uint8_t kinds[] = { MM_EV_FAILED, MM_EV_MAP, MM_EV_UNMAP, MM_EV_MARK,
		MM_EV_METRIC, MM_EV_BUDGET, MM_EV_FORK, MM_EV_SAMPLE, MM_EV_LOST,
		MM_EV_DISCARD, MM_EV_THREAD_END, 200 };
	struct mm_event ev = { .kind = kinds[tg_below(g, sizeof kinds)], .time = g->now,
		.thread = tg_below(g, 5) ? (uint32_t)tg_below(g, TG_THREADS) : MM_NO_THREAD,
		.slot = MM_NO_SLOT };
	struct mm_sample sample = { tg_below(g, 1 << 30), MM_UNKNOWN, 7, 0, tg_random(g) >> 1,
				    MM_UNKNOWN, 1, 2 };
	char text[64];

	switch (ev.kind) {
	case MM_EV_MAP: case MM_EV_UNMAP:
		ev.addr = g->no_addresses ? 0 : tg_random(g) & ~UINT64_C(4095);
		/* fall through */
	case MM_EV_FAILED:
		ev.size = some_size(g);
		ev.site = (uint32_t)tg_below(g, TG_SITES);
		break;
	case MM_EV_METRIC: case MM_EV_BUDGET:
		ev.value = (int64_t)tg_random(g);
		/* fall through */
	case MM_EV_MARK: case 200:
		ev.text_len = (uint32_t)snprintf(text, sizeof text, "text %u",
						 (unsigned)tg_below(g, 100));
		ev.text = text;
		break;
	case MM_EV_FORK: case MM_EV_LOST:
		ev.value = (int64_t)tg_below(g, 1000);
		break;
	case MM_EV_SAMPLE:
		ev.sample = &sample;
	}
	MUST(!mm_stream_other(g->s, &ev));
	struct mm_event *e = expect(g, &ev);
	g->totals.failed += ev.kind == MM_EV_FAILED;
	if (ev.text)
		e->text = strndup(text, ev.text_len);
	if (ev.sample) {
		struct mm_sample *copy = malloc(sizeof *copy);
		MUST(copy);
		*copy = sample;
		e->sample = copy;
	}
}

static void inherited(struct tg *g)
{
	struct mm_event ev = { .kind = MM_EV_INHERITED, .slot = MM_NO_SLOT, .time = g->now,
		.thread = 1, .addr = g->no_addresses ? 0 : 0x7000 + 16 * tg_below(g, 500) };

	MUST(!mm_stream_death(g->s, &ev));
	struct mm_event *e = expect(g, &ev);
	e->size = e->born_time = MM_UNKNOWN;
	e->born_thread = MM_NO_THREAD;
	g->totals.inherited++;
}

void tg_step(struct tg *g)
{
	static const uint8_t births[] = { MM_EV_MALLOC, MM_EV_MALLOC, MM_EV_CALLOC,
		MM_EV_ALIGNED, MM_EV_NEW, MM_EV_NEW_ALIGNED, MM_EV_NOTE_ALLOC };
	uint64_t dice = tg_below(g, 100);
	/* The heap swells and shrinks, so that old and new objects both die. */
	uint64_t swell = g->count / 300 % 3 < 2 && g->live_count < 400 ? 58 : 20;

	pass_time(g);
	if (dice < 2) {
		other(g);
	} else if (dice < 3) {
		inherited(g);
	} else if (dice < 5) {
		birth(g, MM_EV_REALLOC_IN, tg_below(g, 2) || !g->high ? MM_NO_SLOT :
		      (uint32_t)tg_below(g, g->high));
	} else if (dice < 10 && g->live_count) {
		uint32_t slot = death(g, MM_EV_REALLOC_OUT);
		pass_time(g);
		birth(g, MM_EV_REALLOC_IN, slot);
	} else if (dice < 10 + swell || !g->live_count) {
		birth(g, births[tg_below(g, sizeof births)], 0);
	} else {
		death(g, tg_below(g, 20) ? MM_EV_FREE :
		      tg_below(g, 2) ? MM_EV_NOTE_FREE : MM_EV_IMPLIED);
	}
}

/* --- files ------------------------------------------------------------------------------ */

void tg_write(struct tg *g, const char *path, uint64_t seed, size_t events, size_t per_chunk,
	      const struct mm_writer_options *options)
{
	struct mm_writer *w;
	struct mm_diag diag;
	size_t last = 0;

	MUST(!mm_writer_open(&w, path, options, &diag));
	tg_begin(g, w, seed, "demo --fast");
	g->no_addresses = options->no_addresses;
	g->resolution = options->time_resolution_ns ? options->time_resolution_ns : 1000;
	while (g->count < events) {
		tg_step(g);
		if (per_chunk && g->count - last >= per_chunk) {
			mm_writer_sync(w, g->now, 1);
			last = g->count;
		}
	}
	MUST(!mm_writer_close(w, &diag));
}

uint8_t *tg_load(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "rb");
	MUST(f && !fseek(f, 0, SEEK_END));
	long len = ftell(f);
	uint8_t *data = malloc((size_t)len + 1);
	MUST(len >= 0 && data);
	rewind(f);
	MUST(fread(data, 1, (size_t)len, f) == (size_t)len);
	fclose(f);
	*ret_len = (size_t)len;
	return data;
}

char *tg_path(const char *name)
{
	const char *dir = getenv("TMPDIR");
	size_t room = (dir ? strlen(dir) : 4) + strlen(name) + 40;
	char *path = malloc(room);

	MUST(path);
	snprintf(path, room, "%s/mm-%ld-%s", dir && *dir ? dir : "/tmp", (long)getpid(), name);
	unlink(path);
	return path;
}
