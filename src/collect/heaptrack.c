/* heaptrack.c: lines of a heaptrack recording become events (heaptrack.h).
 *
 * A line is a letter and hexadecimal words:
 *   v TOOL FORMAT    x EXE    X COMMAND    I PAGE PAGES    S SUPPRESSION    A attached
 *   c MILLISECONDS   R PAGES  # comment
 *   raw:          m NAME BIAS (OFFSET SIZE)...   t ADDRESS PARENT   + SIZE STACK BLOCK
 *                 - BLOCK
 *   interpreted:  s NAME   i ADDRESS MODULE (FUNCTION FILE LINE)...
 *                 t INSTRUCTION PARENT   a SIZE STACK   + ALLOCATION   - ALLOCATION
 * Stacks, strings and instructions number from 1 in order of their lines, 0 = none;
 * allocations from 0. From format 3 on a name has its length before it. Format 0 is
 * interpreted but for + and -, which are raw.
 */
#include "collect/heaptrack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "collect/importout.h"
#include "collect/importplace.h"
#include "trace/writer.h"

enum { FORMAT_MAX = 3, RANGES_MAX = 1024, NAMES_MAX = 256, HEADER_TEXT = 4096,
	STACKS_MAX = 1 << 26 };
static const uint64_t size_limit = UINT64_C(1) << 47;   /* more than a process can have */
static const uint64_t clock_limit = UINT64_C(1) << 42;  /* ms: more than a century */
static const uint64_t ns_per_ms = 1000000;

struct allocation { uint64_t size; uint32_t site, last; }; /* last: youngest live slot */

enum form { FORM_UNKNOWN = 0, FORM_RAW, FORM_INTERPRETED };

struct import {
	struct mm_text *text;
	const char *name; /* of the input */
	struct mm_diag *diag;
	struct mm_import_summary sum;
	struct mm_import_out out;
	struct mm_writer *writer;
	struct mm_stream *stream;
	struct mm_places *places;
	enum form form;
	uint64_t time, page_bytes, pages;
	char exe[HEADER_TEXT], command[HEADER_TEXT];
	uint32_t *sites; /* by stack number - 1 */
	size_t site_count, site_cap;
	struct mm_map blocks; /* address -> slot */
	struct allocation *allocations;
	size_t allocation_count, allocation_cap;
	uint32_t *elder; /* by slot: the next older live one of the same allocation */
	size_t elder_cap;
};

/* "NAME:LINE: what" */
static int bad(struct import *im, const char *what)
{
	return mm_fail(im->diag, MM_ESYNTAX, "%s:%llu: %s", im->name,
		       (unsigned long long)mm_text_number(im->text), what);
}

static int not_a_recording(struct import *im)
{
	return mm_fail(im->diag, MM_ESYNTAX,
		       "%s: not a heaptrack recording (the first line is not 'v VERSION FORMAT')",
		       im->name);
}

/* --- the header, and the trace that it begins ------------------------------------ */

static int line_version(struct import *im, struct mm_words *w)
{
	uint64_t tool, format = 0;
	int got = mm_words_hex(w, &tool);

	if (got == 1)
		got = mm_words_hex(w, &format) < 0 ? MM_ESYNTAX : 1;
	if (got != 1 || tool > UINT32_MAX)
		return not_a_recording(im);
	if (format > FORMAT_MAX)
		return mm_fail(im->diag, MM_ENEWER,
			       "%s: file format %llu of heaptrack; formats up to %d can be read",
			       im->name, (unsigned long long)format, FORMAT_MAX);
	if (format == 0 && tool == 0x010200) /* it was format 1 already, but did not say */
		format = 1;
	im->sum.tool_version = (uint32_t)tool;
	im->sum.format_version = (uint32_t)format;
	return MM_OK;
}

static void keep_header(char *to, const char *text, size_t len)
{
	len = len < HEADER_TEXT - 1 ? len : HEADER_TEXT - 1;
	memcpy(to, text, len);
	to[len] = 0;
}

/* A name, with its length before it from format 3 on. */
static int name_word(struct import *im, struct mm_words *w, const char **ret, size_t *ret_len)
{
	return im->sum.format_version >= 3 ? mm_words_sized(w, ret, ret_len)
					   : mm_words_plain(w, ret, ret_len);
}

static int line_exe(struct import *im, struct mm_words *w)
{
	const char *text;
	size_t len;

	if (name_word(im, w, &text, &len) != 1)
		return bad(im, "no program name");
	keep_header(im->exe, text, len);
	return MM_OK;
}

static int line_command(struct import *im, struct mm_words *w)
{
	const char *text;
	size_t len;

	mm_words_rest(w, &text, &len);
	keep_header(im->command, text, len);
	return MM_OK;
}

static int line_system(struct import *im, struct mm_words *w)
{
	uint64_t page, pages;

	if (mm_words_hex(w, &page) != 1 || mm_words_hex(w, &pages) != 1)
		return bad(im, "not a page size and count");
	if (page == 0 || page > UINT64_C(1) << 30 || pages > UINT64_C(1) << 52)
		return bad(im, "an impossible page size or count");
	im->page_bytes = page;
	im->pages = pages;
	return MM_OK;
}

static int open_writer(struct import *im)
{
	char tool[64];
	struct mm_writer_options o = {
		.time_resolution_ns = ns_per_ms,
		.no_addresses = im->form == FORM_INTERPRETED && im->sum.format_version > 0,
		.command = im->command,
		.tool = tool,
		.page_bytes = im->page_bytes,
		.mem_total_bytes = im->pages * im->page_bytes,
		.source = "import",
	};

	snprintf(tool, sizeof tool, "heaptrack %u.%u.%u (imported)", im->sum.tool_version >> 16,
		 im->sum.tool_version >> 8 & 255, im->sum.tool_version & 255);
	return mm_writer_open(&im->writer, mm_import_out_path(&im->out), &o, im->diag);
}

static int begin_trace(struct import *im)
{
	struct mm_process process = { .start = MM_START_COMMAND, .end = MM_END_RUNNING,
				      .end_time = MM_UNKNOWN, .inherited_bytes = 0,
				      .exe = im->exe, .cmd = im->command };
	struct mm_thread thread = { .name = "all threads" };
	uint32_t number;
	int err = open_writer(im);

	if (err == MM_OK)
		err = mm_writer_process(im->writer, &process, &im->stream);
	if (err == MM_OK)
		err = mm_stream_thread(im->stream, &thread, &number);
	if (err == MM_OK)
		err = mm_places_create(&im->places, im->writer, im->stream);
	return err;
}

/* --- where ---------------------------------------------------------------------- */

/* heaptrack 1.3 and later write addresses of calls, one less than they return to. */
static uint64_t return_address(const struct import *im, uint64_t address)
{
	return address != 0 && im->sum.tool_version >= 0x010300 ? address + 1 : address;
}

static int line_module(struct import *im, struct mm_words *w)
{
	struct mm_place_range ranges[RANGES_MAX];
	size_t count = 0, len;
	uint64_t bias, offset, size;
	const char *text;

	if (name_word(im, w, &text, &len) != 1)
		return bad(im, "no module name");
	if (len == 1 && *text == '-') {
		mm_places_forget(im->places);
		return MM_OK;
	}
	if (len == 1 && *text == 'x') {
		text = im->exe;
		len = strlen(im->exe);
	}
	if (mm_words_hex(w, &bias) != 1)
		return bad(im, "no module address");
	while (mm_words_hex(w, &offset) == 1 && mm_words_hex(w, &size) == 1) {
		uint64_t start = bias + offset;
		if (start < bias || start + size < start)
			return bad(im, "a module beyond the address space");
		if (size > 0 && count < RANGES_MAX)
			ranges[count++] = (struct mm_place_range){ start, start + size };
	}
	return w->at < w->end ? bad(im, "not a module's ranges")
			      : mm_places_module(im->places, text, strnlen(text, len), bias,
						 im->time, ranges, count);
}

static int line_string(struct import *im, struct mm_words *w)
{
	const char *text;
	size_t len;

	if (im->sum.format_version < 3)
		mm_words_rest(w, &text, &len);
	else if (mm_words_sized(w, &text, &len) != 1)
		return bad(im, "a string that is not as long as it says");
	return mm_places_string(im->places, text, len);
}

/* A string or line number; what does not fit is unknown. */
static uint32_t number32(uint64_t v)
{
	return v <= UINT32_MAX ? (uint32_t)v : 0;
}

static int line_instruction(struct import *im, struct mm_words *w)
{
	struct mm_place_frame frames[NAMES_MAX];
	uint64_t address, module, word = 0;
	size_t count = 0;
	int got = 1;

	if (mm_words_hex(w, &address) != 1 || mm_words_hex(w, &module) != 1)
		return bad(im, "not an instruction");
	while (count < NAMES_MAX && (got = mm_words_hex(w, &word)) == 1) {
		struct mm_place_frame *f = &frames[count++];
		*f = (struct mm_place_frame){ .function = number32(word) };
		got = mm_words_hex(w, &word);
		if (got != 1)
			break;
		f->file = number32(word);
		got = mm_words_hex(w, &word);
		if (got != 1)
			break;
		f->line = number32(word);
	}
	return got < 0 ? bad(im, "not an instruction's functions")
		       : mm_places_instruction(im->places, return_address(im, address), module,
					       frames, count);
}

static int line_stack(struct import *im, struct mm_words *w)
{
	struct mm_site site = { .kind = MM_SITE_FRAME };
	uint64_t where, parent;
	uint32_t number;
	int err;

	if (mm_words_hex(w, &where) != 1 || mm_words_hex(w, &parent) != 1)
		return bad(im, "not a stack");
	if (im->site_count >= STACKS_MAX)
		return MM_ELIMIT;
	if (parent > im->site_count)
		return bad(im, "a stack that continues one not seen before");
	site.parent = parent ? im->sites[parent - 1] : 0;
	if (im->form == FORM_INTERPRETED) {
		if (mm_places_get(im->places, where, &site.value, &site.module) != MM_OK &&
		    where != 0)
			return bad(im, "a stack of an instruction not seen before");
	} else {
		site.module = mm_places_find(im->places, where);
		site.value = return_address(im, where);
	}
	err = MM_GROW(im->sites, im->site_cap, im->site_count + 1);
	if (err == MM_OK)
		err = mm_stream_site(im->stream, &site, &number);
	if (err == MM_OK)
		im->sites[im->site_count++] = number;
	return err;
}

/* Site of a stack number of the file: 0 or MM_ENOENT. */
static int site_of(const struct import *im, uint64_t stack, uint32_t *ret)
{
	if (stack > im->site_count)
		return MM_ENOENT;
	*ret = stack ? im->sites[stack - 1] : 0;
	return MM_OK;
}

/* --- what --------------------------------------------------------------------------- */

static int birth(struct import *im, uint64_t size, uint32_t site, uint64_t addr, uint32_t *ret)
{
	struct mm_event ev = { .kind = MM_EV_MALLOC, .size = size, .site = site, .addr = addr,
			       .other = MM_NO_SLOT, .time = im->time };

	return mm_stream_birth(im->stream, &ev, ret);
}

static int death(struct import *im, uint8_t kind, uint32_t slot, uint64_t addr)
{
	struct mm_event ev = { .kind = kind, .slot = slot, .addr = addr, .other = MM_NO_SLOT,
			       .time = im->time };

	return mm_stream_death(im->stream, &ev);
}

static int raw_alloc(struct import *im, uint64_t size, struct mm_words *w)
{
	uint64_t stack, addr;
	uint32_t site, slot;
	int err = MM_OK;

	if (mm_words_hex(w, &stack) != 1 || mm_words_hex(w, &addr) != 1)
		return bad(im, "not an allocation");
	if (size >= size_limit || addr == 0)
		return bad(im, "an allocation of an impossible size or address");
	if (site_of(im, stack, &site) != MM_OK)
		return bad(im, "an allocation at a stack not seen before");
	if (mm_map_take(&im->blocks, addr, &slot))
		err = death(im, MM_EV_IMPLIED, slot, addr);
	if (err == MM_OK)
		err = birth(im, size, site, addr, &slot);
	return err == MM_OK ? mm_map_set(&im->blocks, addr, slot) : err;
}

static int raw_free(struct import *im, uint64_t addr)
{
	uint32_t slot;

	if (addr == 0)
		return bad(im, "a free of address 0");
	if (mm_map_take(&im->blocks, addr, &slot))
		return death(im, MM_EV_FREE, slot, addr);
	return death(im, MM_EV_INHERITED, MM_NO_SLOT, addr);
}

static int line_allocation(struct import *im, struct mm_words *w)
{
	struct allocation a = { .last = MM_NO_SLOT };
	uint64_t stack;
	int err;

	if (mm_words_hex(w, &a.size) != 1 || mm_words_hex(w, &stack) != 1)
		return bad(im, "not a size and a stack");
	if (a.size >= size_limit || site_of(im, stack, &a.site) != MM_OK)
		return bad(im, "an impossible size, or a stack not seen before");
	if (im->allocation_count >= STACKS_MAX)
		return MM_ELIMIT;
	err = MM_GROW(im->allocations, im->allocation_cap, im->allocation_count + 1);
	if (err == MM_OK)
		im->allocations[im->allocation_count++] = a;
	return err;
}

static int numbered_alloc(struct import *im, uint64_t number)
{
	struct allocation *a;
	uint32_t slot;
	int err;

	if (number >= im->allocation_count)
		return bad(im, "an allocation not seen before");
	a = &im->allocations[number];
	err = birth(im, a->size, a->site, 0, &slot);
	if (err == MM_OK)
		err = MM_GROW(im->elder, im->elder_cap, (size_t)slot + 1);
	if (err != MM_OK)
		return err;
	im->elder[slot] = a->last;
	a->last = slot;
	return MM_OK;
}

static int numbered_free(struct import *im, uint64_t number)
{
	struct allocation *a;
	uint32_t slot;

	if (number >= im->allocation_count)
		return bad(im, "a free of an allocation not seen before");
	a = &im->allocations[number];
	if (a->last == MM_NO_SLOT)
		return death(im, MM_EV_INHERITED, MM_NO_SLOT, 0);
	slot = a->last;
	a->last = im->elder[slot];
	return death(im, MM_EV_FREE, slot, 0);
}

/* Whether + and - name addresses (else numbers of `a` lines). */
static int names_addresses(const struct import *im)
{
	return im->form != FORM_INTERPRETED || im->sum.format_version == 0;
}

static int line_alloc(struct import *im, struct mm_words *w)
{
	uint64_t word;

	if (mm_words_hex(w, &word) != 1)
		return bad(im, "not an allocation");
	return names_addresses(im) ? raw_alloc(im, word, w) : numbered_alloc(im, word);
}

static int line_free(struct import *im, struct mm_words *w)
{
	uint64_t word;

	if (mm_words_hex(w, &word) != 1)
		return bad(im, "not a free");
	return names_addresses(im) ? raw_free(im, word) : numbered_free(im, word);
}

static int line_clock(struct import *im, struct mm_words *w)
{
	uint64_t ms;

	if (mm_words_hex(w, &ms) != 1 || ms > clock_limit)
		return bad(im, "not a time");
	if (ms * ns_per_ms > im->time)
		im->time = ms * ns_per_ms;
	return mm_writer_sync(im->writer, im->time, 0);
}

static int line_resident(struct import *im, struct mm_words *w)
{
	struct mm_sample s = { MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN,
			       MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN };
	struct mm_event ev = { .kind = MM_EV_SAMPLE, .thread = MM_NO_THREAD, .slot = MM_NO_SLOT,
			       .time = im->time, .sample = &s };
	uint64_t pages;

	if (mm_words_hex(w, &pages) != 1 || pages >= size_limit)
		return bad(im, "not a resident set size");
	if (im->page_bytes == 0 || pages > size_limit / im->page_bytes)
		return MM_OK;
	s.rss_bytes = pages * im->page_bytes;
	if (s.rss_bytes > im->sum.rss_peak_bytes)
		im->sum.rss_peak_bytes = s.rss_bytes;
	s.rss_peak_bytes = im->sum.rss_peak_bytes;
	return mm_stream_other(im->stream, &ev);
}

/* --- the whole -------------------------------------------------------------------- */

static int header_line(struct import *im, char letter, struct mm_words *w)
{
	switch (letter) {
	case 'x': return line_exe(im, w);
	case 'X': return line_command(im, w);
	case 'I': return line_system(im, w);
	default: return MM_OK;
	}
}

static int body_line(struct import *im, char letter, struct mm_words *w)
{
	switch (letter) {
	case '+': return line_alloc(im, w);
	case '-': return line_free(im, w);
	case 't': return line_stack(im, w);
	case 'a': return line_allocation(im, w);
	case 's': return line_string(im, w);
	case 'i': return line_instruction(im, w);
	case 'm': return line_module(im, w);
	case 'c': return line_clock(im, w);
	default: return line_resident(im, w);
	}
}

static int settle_form(struct import *im, char letter)
{
	enum form form = strchr("sia", letter) ? FORM_INTERPRETED : FORM_RAW;

	if (im->form == FORM_UNKNOWN && strchr("siamt+-", letter))
		im->form = form;
	else if (form != im->form && strchr("siam", letter))
		return bad(im, "a raw recording and an interpreted one in the same file");
	return MM_OK;
}

static int one_line(struct import *im, const char *line, size_t len)
{
	struct mm_words w = { line + (len > 0), line + len };
	char letter = len > 0 ? *line : '#';
	int err;

	if (letter == 0 || (len > 1 && line[1] != ' ' && letter != '#'))
		letter = '?';
	if (mm_text_number(im->text) == 1)
		return letter == 'v' ? line_version(im, &w) : not_a_recording(im);
	if (strchr("xXISA#", letter))
		return header_line(im, letter, &w);
	if (!strchr("siamt+-cR", letter))
		return bad(im, "not a line of a heaptrack recording");
	err = settle_form(im, letter);
	if (err == MM_OK && !im->stream)
		err = begin_trace(im);
	return err == MM_OK ? body_line(im, letter, &w) : err;
}

static int every_line(struct import *im)
{
	const char *line;
	size_t len;
	int got, err = MM_OK;

	while (err == MM_OK && (got = mm_text_line(im->text, &line, &len, im->diag)) != 0)
		err = got < 0 ? got : one_line(im, line, len);
	if (err == MM_ELIMIT)
		err = mm_fail(im->diag, err, "%s:%llu: more than a recording of a program can hold",
			      im->name, (unsigned long long)mm_text_number(im->text));
	im->sum.lines = mm_text_number(im->text);
	im->sum.cut = mm_text_cut(im->text);
	if (err == MM_OK && im->sum.lines == 0)
		err = im->sum.cut ? mm_fail(im->diag, MM_ETRUNC, "%s: ends in its first line",
					    im->name)
				  : not_a_recording(im);
	if (err == MM_OK && !im->stream)
		err = begin_trace(im);
	return err;
}

static int end_trace(struct import *im)
{
	struct mm_process process = *mm_stream_get_process(im->stream);
	int err = mm_places_write_symbols(im->places);

	process.end = MM_END_UNKNOWN;
	process.end_time = im->time;
	im->sum.totals = *mm_objects_totals(mm_stream_objects(im->stream));
	im->sum.duration_ns = im->time;
	im->sum.interpreted = im->form == FORM_INTERPRETED;
	if (err == MM_OK)
		err = mm_stream_process(im->stream, &process);
	if (err == MM_OK)
		err = mm_stream_close(im->stream);
	if (err == MM_OK)
		err = mm_writer_sync(im->writer, im->time, 1);
	return err;
}

/* Closes the writer; the first error is the one that counts. */
static int close_writer(struct import *im, int err)
{
	struct mm_diag closing = {0};
	int close_err = mm_writer_close(im->writer, &closing);

	if (close_err == MM_OK || (err != MM_OK && im->diag->text[0]))
		return err;
	return mm_fail(im->diag, close_err, "%s", mm_diag_text(&closing, close_err));
}

static int run(struct import *im)
{
	int err = every_line(im);

	if (err == MM_OK)
		err = end_trace(im);
	if (!im->writer)
		return err;
	err = close_writer(im, err);
	if (err == MM_OK)
		err = mm_import_out_commit(&im->out, im->diag);
	if (err != MM_OK)
		mm_import_out_abandon(&im->out);
	return err;
}

int mm_import_heaptrack(const struct mm_text_input *input, const char *out,
			struct mm_import_summary *ret, struct mm_diag *diag)
{
	struct mm_diag unwanted = {0};
	struct import *im = calloc(1, sizeof *im);
	int err = im ? MM_OK : MM_ENOMEM;

	if (err == MM_OK) {
		im->name = input->name;
		im->diag = diag ? diag : &unwanted;
		err = mm_import_out_init(&im->out, out, im->diag);
	}
	if (err == MM_OK)
		err = mm_text_open(&im->text, input, im->diag);
	if (err == MM_OK)
		err = run(im);
	if (err == MM_OK)
		*ret = im->sum;
	if (im) {
		mm_places_destroy(im->places);
		mm_text_close(im->text);
		mm_map_deinit(&im->blocks);
		mm_import_out_deinit(&im->out);
		free(im->sites);
		free(im->allocations);
		free(im->elder);
		free(im);
	}
	return err;
}
