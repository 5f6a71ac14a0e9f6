/* modelkit.c: traces written and remembered (modelkit.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "modelkit.h"

void kit_begin(struct kit *k)
{
	struct mm_writer_options o = { .time_resolution_ns = 1, .command = "./program --fast",
		.tool = "modelkit 1", .start_unix_ns = UINT64_C(1700000000000000000),
		.page_bytes = 4096, .cores = 2, .mem_total_bytes = 1 << 30, .source = "record" };
	struct mm_diag diag = { "" };

	memset(k, 0, sizeof *k);
	memset(k->newest, 0xff, sizeof k->newest);
	strcpy(k->path, "/tmp/modelkit-XXXXXX");
	int fd = mkstemp(k->path);
	assert_true(fd >= 0);
	close(fd);
	unlink(k->path);
	k->next_address = 0x400000;
	assert_int_equal(mm_writer_open(&k->writer, k->path, &o, &diag), 0);
}

uint32_t kit_process(struct kit *k, uint32_t pid, enum mm_process_start start, uint64_t time)
{
	uint32_t n = k->process_count++;
	struct mm_process p = { .pid = pid, .ppid = 1, .start = (uint8_t)start,
		.end = MM_END_RUNNING, .start_time = time, .end_time = MM_UNKNOWN,
		.inherited_bytes = MM_UNKNOWN, .exe = "/opt/kit/program", .cmd = "./program",
		.parent = n ? 1 : 0 };
	struct mm_module m = { .start = 0x400000, .end = 0x80000000, .path = "/opt/kit/program" };

	assert_true(n < KIT_PROCESSES);
	assert_int_equal(mm_writer_process(k->writer, &p, &k->streams[n]), 0);
	if (start != MM_START_UNRECORDED)
		assert_int_equal(mm_stream_module(k->streams[n], &m, &k->module[n]), 0);
	return n;
}

void kit_process_end(struct kit *k, uint32_t process, enum mm_process_end end, int32_t status,
		     uint64_t time)
{
	struct mm_process p = *mm_stream_get_process(k->streams[process]);

	p.end = (uint8_t)end;
	p.status = status;
	p.end_time = time;
	assert_int_equal(mm_stream_process(k->streams[process], &p), 0);
	assert_int_equal(mm_stream_close(k->streams[process]), 0);
	k->streams[process] = NULL;
}

uint32_t kit_thread(struct kit *k, uint32_t process, uint32_t tid, const char *name)
{
	struct mm_thread t = { .tid = tid, .name = name };
	uint32_t n;

	assert_int_equal(mm_stream_thread(k->streams[process], &t, &n), 0);
	return n;
}

static uint32_t new_site(struct kit *k, uint32_t process, struct mm_site site)
{
	uint32_t n;

	assert_int_equal(mm_stream_site(k->streams[process], &site, &n), 0);
	return n;
}

static struct kit_symbol *new_symbol(struct kit *k, uint32_t process)
{
	assert_int_equal(MM_GROW(k->symbols, k->symbol_cap, k->symbol_count + 1), 0);
	struct kit_symbol *s = &k->symbols[k->symbol_count++];
	*s = (struct kit_symbol){ .process = process, .module = k->module[process],
				  .address = k->next_address += 16 };
	return s;
}

uint32_t kit_site(struct kit *k, uint32_t process, uint32_t parent, const char *function,
		  const char *file, uint32_t line)
{
	struct kit_symbol *s = new_symbol(k, process);

	s->frames[0] = (struct mm_frame){ function, file, line, 0 };
	s->count = *function ? 1 : 0;
	return new_site(k, process, (struct mm_site){ .parent = parent, .module = s->module,
				.value = s->address, .kind = MM_SITE_FRAME });
}

uint32_t kit_inlined(struct kit *k, uint32_t process, uint32_t parent, const char *function,
		     const char *outer)
{
	struct kit_symbol *s = new_symbol(k, process);

	s->frames[0] = (struct mm_frame){ function, "src/inner.h", 3, 1 };
	s->frames[1] = (struct mm_frame){ outer, "src/outer.c", 30, 0 };
	s->count = 2;
	return new_site(k, process, (struct mm_site){ .parent = parent, .module = s->module,
				.value = s->address, .kind = MM_SITE_FRAME });
}

uint32_t kit_category(struct kit *k, uint32_t process, uint32_t parent, const char *name)
{
	uint32_t string;

	assert_int_equal(mm_stream_string(k->streams[process], name, strlen(name), &string), 0);
	return new_site(k, process, (struct mm_site){ .parent = parent, .value = string,
						      .kind = MM_SITE_CATEGORY });
}

static size_t born(struct kit *k, uint32_t process, unsigned kind, uint32_t thread,
		   uint32_t site, uint64_t size, uint64_t time, uint32_t other)
{
	struct mm_event ev = { .kind = (uint8_t)kind, .thread = thread, .site = site, .size = size,
		.time = time, .other = other,
		.addr = k->next_object ? k->next_object : 0x10000 + (uint64_t)k->count * 16 };

	assert_int_equal(MM_GROW(k->objects, k->cap, k->count + 1), 0);
	struct kit_object *o = &k->objects[k->count];
	*o = (struct kit_object){ .process = process, .site = site, .thread = thread,
		.size = size, .born = time, .died = MM_UNKNOWN, .born_order = ++k->events };
	assert_int_equal(mm_stream_birth(k->streams[process], &ev, &o->slot), 0);
	k->newest[process][thread] = (int64_t)k->count;
	return k->count++;
}

size_t kit_alloc(struct kit *k, uint32_t process, uint32_t thread, uint32_t site, uint64_t size,
		 uint64_t time)
{
	return born(k, process, MM_EV_MALLOC, thread, site, size, time, 0);
}

static void die(struct kit *k, size_t object, unsigned kind, uint32_t thread, uint64_t time)
{
	struct kit_object *o = &k->objects[object];
	struct mm_event ev = { .kind = (uint8_t)kind, .slot = o->slot, .thread = thread,
			       .time = time };

	assert_true(o->died == MM_UNKNOWN);
	o->died = time;
	o->died_order = ++k->events;
	o->temporary = kind == MM_EV_FREE && thread == o->thread &&
		       k->newest[o->process][thread] == (int64_t)object;
	assert_int_equal(mm_stream_death(k->streams[o->process], &ev), 0);
}

void kit_free(struct kit *k, size_t object, uint32_t thread, uint64_t time)
{
	die(k, object, MM_EV_FREE, thread, time);
}

size_t kit_realloc(struct kit *k, size_t object, uint32_t thread, uint32_t site, uint64_t size,
		   uint64_t time)
{
	uint32_t process = k->objects[object].process;

	die(k, object, MM_EV_REALLOC_OUT, thread, time);
	return born(k, process, MM_EV_REALLOC_IN, thread, site, size, time,
		    k->objects[object].slot);
}

void kit_other(struct kit *k, uint32_t process, const struct mm_event *ev)
{
	k->events++;
	assert_int_equal(mm_stream_other(k->streams[process], ev), 0);
}

void kit_text(struct kit *k, uint32_t process, unsigned kind, const char *text, int64_t value,
	      uint64_t time)
{
	struct mm_event ev = { .kind = (uint8_t)kind, .thread = 0, .slot = MM_NO_SLOT,
		.time = time, .value = value, .text = text, .text_len = (uint32_t)strlen(text) };

	kit_other(k, process, &ev);
}

struct mm_reader *kit_reader(struct kit *k)
{
	struct mm_diag diag = { "" };

	for (uint32_t i = 0; i < k->process_count; i++)
		if (k->streams[i])
			assert_int_equal(mm_stream_close(k->streams[i]), 0);
	for (size_t i = 0; i < k->symbol_count; i++) {
		const struct kit_symbol *s = &k->symbols[i];
		assert_int_equal(mm_writer_symbol(k->writer, s->process, s->module, s->address,
						  s->frames, s->count), 0);
	}
	assert_int_equal(mm_writer_close(k->writer, &diag), 0);
	k->writer = NULL;
	assert_int_equal(mm_reader_open(&k->reader, k->path, &diag), 0);
	return k->reader;
}

void kit_end(struct kit *k)
{
	if (k->reader)
		mm_reader_close(k->reader);
	unlink(k->path);
	free(k->objects);
	free(k->symbols);
}

struct mm_report *kit_report(struct kit *k, const struct mm_model_options *options)
{
	struct mm_model_options o = *options;
	struct mm_categories *own = NULL;
	struct mm_diag diag = { "" };
	struct mm_report *r = NULL;

	if (!o.categories) {
		assert_int_equal(mm_categories_load(&own, NULL, &diag), 0);
		o.categories = own;
	}
	int err = mm_model_report(&r, k->reader, &o, &diag);
	if (err)
		print_error("model: %s\n", mm_diag_text(&diag, err));
	assert_int_equal(err, 0);
	if (own)
		mm_categories_free(own);
	return r;
}

int kit_refusal(struct kit *k, const struct mm_model_options *options, struct mm_diag *diag)
{
	struct mm_model_options o = *options;
	struct mm_report *r = NULL;

	assert_int_equal(mm_categories_load(&o.categories, NULL, diag), 0);
	int err = mm_model_report(&r, k->reader, &o, diag);
	assert_null(r);
	mm_categories_free(o.categories);
	return err;
}

/* --- the oracle ------------------------------------------------------------------------ */

static int is_of(const struct kit_object *o, uint32_t process, uint32_t site, uint32_t thread)
{
	return (process == KIT_ANY || o->process == process) &&
	       (site == KIT_ANY || o->site == site) && (thread == KIT_ANY || o->thread == thread);
}

struct mm_measure kit_measure(const struct kit *k, uint32_t process, uint32_t site,
			      uint32_t thread, uint64_t from, uint64_t to)
{
	struct mm_measure m = { 0 };

	for (size_t i = 0; i < k->count; i++) {
		const struct kit_object *o = &k->objects[i];
		if (!is_of(o, process, site, thread))
			continue;
		int in = o->born >= from && o->born < to;
		m.alloc_count += in;
		m.alloc_bytes += in ? o->size : 0;
		if (o->died != MM_UNKNOWN && o->died >= from && o->died < to) {
			m.free_count++;
			m.free_bytes += o->size;
			m.temporary_count += o->temporary;
		}
		if (o->born < to && (o->died == MM_UNKNOWN || o->died >= to)) {
			m.live_count++;
			m.live_bytes += o->size;
			m.leak_count += o->born >= from;
			m.leak_bytes += o->born >= from ? o->size : 0;
		}
	}
	return m;
}

uint64_t kit_live_after(const struct kit *k, uint32_t process, uint32_t site, uint32_t thread,
			uint32_t at)
{
	uint64_t live = 0;

	for (size_t i = 0; i < k->count; i++) {
		const struct kit_object *o = &k->objects[i];
		if (is_of(o, process, site, thread) && o->born_order <= at &&
		    (o->died == MM_UNKNOWN || o->died_order > at))
			live += o->size;
	}
	return live;
}

struct kit_step { uint64_t time; int64_t delta; };

uint64_t kit_peak(const struct kit *k, unsigned mask, uint64_t from, uint64_t to,
		  uint32_t *ret_at, uint64_t *ret_time)
{
	struct kit_step *steps = calloc(k->events + 1u, sizeof *steps);
	int64_t live = 0, peak = 0;

	for (size_t i = 0; i < k->count; i++) {
		const struct kit_object *o = &k->objects[i];
		if (!(mask >> o->process & 1))
			continue;
		steps[o->born_order] = (struct kit_step){ o->born, (int64_t)o->size };
		if (o->died != MM_UNKNOWN)
			steps[o->died_order] = (struct kit_step){ o->died, -(int64_t)o->size };
	}
	*ret_at = 0;
	*ret_time = from;
	for (uint32_t e = 1; e <= k->events && steps[e].time < to; e++) {
		live += steps[e].delta;
		if (steps[e].time < from) {
			peak = live;
			*ret_at = e;
		} else if (live > peak) {
			peak = live;
			*ret_at = e;
			*ret_time = steps[e].time;
		}
	}
	free(steps);
	return (uint64_t)peak;
}
