/* importplace.c: modules, instructions and their names (importplace.h). */
#include "collect/importplace.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"

enum { FRAMES_MAX = 256 }; /* of one instruction, inlined ones included */
static const size_t texts_max = (size_t)1 << 30; /* bytes of all strings: a bomb's end */

struct active { uint64_t start, end; uint32_t module; };
struct known { uint64_t bias; size_t path; uint32_t module; }; /* path: offset in texts */
struct text { size_t at; uint32_t module; };                   /* at: offset in texts */
struct instruction {
	uint64_t address;
	size_t first;
	uint32_t count, module;
};

struct mm_places {
	struct mm_writer *writer;
	struct mm_stream *stream;
	struct mm_buf texts; /* NUL-terminated */
	struct active *active;
	size_t active_count, active_cap;
	int sorted;
	struct known *known;
	size_t known_count, known_cap;
	struct mm_map known_by_hash; /* index + 1 */
	struct text *strings;
	size_t string_count, string_cap;
	struct instruction *instructions;
	size_t instruction_count, instruction_cap;
	struct mm_place_frame *frames;
	size_t frame_count, frame_cap;
};

int mm_places_create(struct mm_places **ret, struct mm_writer *writer, struct mm_stream *stream)
{
	struct mm_places *p = calloc(1, sizeof *p);

	if (!p)
		return MM_ENOMEM;
	p->writer = writer;
	p->stream = stream;
	*ret = p;
	return MM_OK;
}

void mm_places_destroy(struct mm_places *p)
{
	if (!p)
		return;
	mm_buf_deinit(&p->texts);
	free(p->active);
	free(p->known);
	mm_map_deinit(&p->known_by_hash);
	free(p->strings);
	free(p->instructions);
	free(p->frames);
	free(p);
}

static const char *text_at(const struct mm_places *p, size_t at)
{
	return (const char *)p->texts.data + at;
}

/* Keeps a text; a NUL inside it ends it. */
static int keep_text(struct mm_places *p, const char *text, size_t len, size_t *ret)
{
	size_t at = p->texts.len;

	len = strnlen(text, len);
	if (p->texts.len + len >= texts_max)
		return MM_ELIMIT;
	if (mm_buf_put(&p->texts, text, len) != MM_OK || mm_buf_u8(&p->texts, 0) != MM_OK)
		return MM_ENOMEM;
	*ret = at;
	return MM_OK;
}

/* --- raw ------------------------------------------------------------------------- */

void mm_places_forget(struct mm_places *p)
{
	p->active_count = 0;
}

static uint64_t hash_module(const char *path, size_t len, uint64_t bias)
{
	uint64_t h = UINT64_C(0xCBF29CE484222325) ^ bias;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)path[i]) * UINT64_C(0x100000001B3);
	return h | 1;
}

static int add_module(struct mm_places *p, const char *path, size_t len, uint64_t bias,
		      uint64_t time, struct mm_place_range span, uint32_t *ret)
{
	struct mm_module m = { .start = span.start, .end = span.end, .bias = bias, .time = time };
	struct known *k;
	size_t at;
	int err = keep_text(p, path, len, &at);

	if (err != MM_OK)
		return err;
	m.path = text_at(p, at);
	err = MM_GROW(p->known, p->known_cap, p->known_count + 1);
	if (err == MM_OK)
		err = mm_stream_module(p->stream, &m, ret);
	if (err != MM_OK)
		return err;
	k = &p->known[p->known_count++];
	*k = (struct known){ bias, at, *ret };
	return mm_map_set(&p->known_by_hash, hash_module(path, len, bias),
			  (uint32_t)p->known_count);
}

static int module_number(struct mm_places *p, const char *path, size_t len, uint64_t bias,
			 uint64_t time, struct mm_place_range span, uint32_t *ret)
{
	struct mm_map_place *place =
		mm_map_find(&p->known_by_hash, hash_module(path, len, bias));

	if (place) {
		const struct known *k = &p->known[place->value - 1];
		const char *known_path = text_at(p, k->path);
		if (k->bias == bias && strlen(known_path) == len &&
		    memcmp(known_path, path, len) == 0) {
			*ret = k->module;
			return MM_OK;
		}
	}
	return add_module(p, path, len, bias, time, span, ret);
}

int mm_places_module(struct mm_places *p, const char *path, size_t path_len, uint64_t bias,
		     uint64_t time, const struct mm_place_range *ranges, size_t count)
{
	struct mm_place_range span = { UINT64_MAX, 0 };
	uint32_t module;
	int err;

	if (count == 0)
		return MM_OK;
	for (size_t i = 0; i < count; i++) {
		span.start = ranges[i].start < span.start ? ranges[i].start : span.start;
		span.end = ranges[i].end > span.end ? ranges[i].end : span.end;
	}
	err = module_number(p, path, path_len, bias, time, span, &module);
	if (err == MM_OK)
		err = MM_GROW(p->active, p->active_cap, p->active_count + count);
	if (err != MM_OK)
		return err;
	for (size_t i = 0; i < count; i++)
		p->active[p->active_count++] =
			(struct active){ ranges[i].start, ranges[i].end, module };
	p->sorted = 0;
	return MM_OK;
}

static int by_start(const void *a, const void *b)
{
	const struct active *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->module > y->module) - (x->module < y->module);
}

uint32_t mm_places_find(struct mm_places *p, uint64_t address)
{
	size_t low = 0, high = p->active_count;

	if (!p->sorted && p->active_count > 0)
		qsort(p->active, p->active_count, sizeof *p->active, by_start);
	p->sorted = 1;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (p->active[mid].start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && address < p->active[low - 1].end ? p->active[low - 1].module : 0;
}

/* --- interpreted ------------------------------------------------------------------ */

int mm_places_string(struct mm_places *p, const char *text, size_t len)
{
	size_t at;
	int err = p->string_count < MM_PLACES_MAX
		  ? MM_GROW(p->strings, p->string_cap, p->string_count + 1) : MM_ELIMIT;

	if (err == MM_OK)
		err = keep_text(p, text, len, &at);
	if (err == MM_OK)
		p->strings[p->string_count++] = (struct text){ at, 0 };
	return err;
}

static const char *string_text(const struct mm_places *p, uint32_t n)
{
	return n > 0 && n <= p->string_count ? text_at(p, p->strings[n - 1].at) : "";
}

/* Module of the file that string n names, made when first asked for. Its addresses
 * are not known: it begins and ends at 0. */
static int string_module(struct mm_places *p, uint64_t n, uint32_t *ret)
{
	struct mm_module m = {0};
	int err = MM_OK;

	*ret = 0;
	if (n == 0 || n > p->string_count)
		return MM_OK;
	if (p->strings[n - 1].module == 0) {
		m.path = string_text(p, (uint32_t)n);
		err = mm_stream_module(p->stream, &m, &p->strings[n - 1].module);
	}
	*ret = p->strings[n - 1].module;
	return err;
}

int mm_places_instruction(struct mm_places *p, uint64_t return_address, uint64_t module_string,
			  const struct mm_place_frame *frames, size_t count)
{
	struct instruction i = { .address = return_address, .first = p->frame_count };
	int err = p->instruction_count < MM_PLACES_MAX
		  ? string_module(p, module_string, &i.module) : MM_ELIMIT;

	if (count > FRAMES_MAX)
		count = FRAMES_MAX;
	i.count = (uint32_t)count;
	if (err == MM_OK)
		err = MM_GROW(p->frames, p->frame_cap, p->frame_count + count);
	if (err == MM_OK)
		err = MM_GROW(p->instructions, p->instruction_cap, p->instruction_count + 1);
	if (err != MM_OK)
		return err;
	for (size_t k = 0; k < count; k++)
		p->frames[p->frame_count++] = frames[k];
	p->instructions[p->instruction_count++] = i;
	return MM_OK;
}

int mm_places_get(const struct mm_places *p, uint64_t n, uint64_t *ret_address,
		  uint32_t *ret_module)
{
	if (n == 0 || n > p->instruction_count)
		return MM_ENOENT;
	*ret_address = p->instructions[n - 1].address;
	*ret_module = p->instructions[n - 1].module;
	return MM_OK;
}

int mm_places_write_symbols(struct mm_places *p)
{
	struct mm_frame frames[FRAMES_MAX];
	uint32_t process = mm_stream_get_process(p->stream)->number;
	int err = MM_OK;

	for (size_t n = 0; n < p->instruction_count && err == MM_OK; n++) {
		const struct instruction *i = &p->instructions[n];
		for (uint32_t k = 0; k < i->count; k++) {
			const struct mm_place_frame *f = &p->frames[i->first + k];
			frames[k] = (struct mm_frame){ .function = string_text(p, f->function),
						       .file = string_text(p, f->file),
						       .line = f->line,
						       .inlined = k + 1 < i->count };
		}
		err = mm_writer_symbol(p->writer, process, i->module, i->address, frames,
				       i->count);
	}
	return err;
}
