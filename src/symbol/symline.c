/* symline.c: runs line programs, DWARF 2 to 5 (symline.h). */
#include "symbol/symline.h"

#include <dwarf.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "core/varint.h"

enum { ROWS_MAX = 1 << 26, NAMES_MAX = 1 << 20, FORMATS_MAX = 16 };

void mm_symline_deinit(struct mm_symline *l)
{
	free(l->rows);
	free(l->sequences);
	free(l->files);
	free(l->folders);
	memset(l, 0, sizeof *l);
}

/* --- sections ----------------------------------------------------------------- */

static void section_take(Elf_Scn *scn, const uint8_t **ret, size_t *ret_bytes)
{
	Elf_Data *data = elf_getdata(scn, NULL);

	if (data && data->d_buf) {
		*ret = data->d_buf;
		*ret_bytes = data->d_size;
	}
}

void mm_symline_sections_find(struct mm_symline_sections *s, Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t strings;

	memset(s, 0, sizeof *s);
	if (elf_getshdrstrndx(elf, &strings))
		return;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *name = gelf_getshdr(scn, &shdr) && shdr.sh_type != SHT_NOBITS
				 ? elf_strptr(elf, strings, shdr.sh_name) : NULL;
		if (!name || (strncmp(name, ".debug_", 7) && strncmp(name, ".zdebug_", 8)))
			continue;
		name = strchr(name, '_') + 1;
		if (strcmp(name, "line") == 0)
			section_take(scn, &s->line, &s->line_bytes);
		else if (strcmp(name, "line_str") == 0)
			section_take(scn, &s->line_str, &s->line_str_bytes);
		else if (strcmp(name, "str") == 0)
			section_take(scn, &s->str, &s->str_bytes);
	}
}

/* --- reading -------------------------------------------------------------------- */

/* A place in a section; p is NULL once something did not fit. */
struct line_bytes { const uint8_t *p, *end; };

static uint64_t take_fixed(struct line_bytes *b, unsigned bytes)
{
	uint64_t v = 0;

	if (!b->p || (size_t)(b->end - b->p) < bytes) {
		b->p = NULL;
		return 0;
	}
	memcpy(&v, b->p, bytes);
	b->p += bytes;
	return v;
}

static uint64_t take_uleb(struct line_bytes *b)
{
	uint64_t v = 0;

	if (b->p && b->p < b->end && *b->p < 0x80)
		return *b->p++;
	if (b->p)
		b->p = mm_varint_get(b->p, b->end, &v);
	return b->p ? v : 0;
}

static int64_t take_sleb(struct line_bytes *b)
{
	uint64_t v = 0;
	unsigned shift = 0;
	uint8_t byte = 0x80;

	while (byte & 0x80) {
		byte = (uint8_t)take_fixed(b, 1);
		if (!b->p)
			return 0;
		if (shift < 64)
			v |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	}
	if (shift < 64 && byte & 0x40)
		v |= ~UINT64_C(0) << shift;
	return (int64_t)v;
}

static void take_skip(struct line_bytes *b, uint64_t bytes)
{
	if (b->p && bytes <= (size_t)(b->end - b->p))
		b->p += bytes;
	else
		b->p = NULL;
}

static const char *take_text(struct line_bytes *b)
{
	const char *text = (const char *)b->p;
	const uint8_t *zero = b->p ? memchr(b->p, 0, (size_t)(b->end - b->p)) : NULL;

	b->p = zero ? zero + 1 : NULL;
	return zero ? text : "";
}

static const char *text_at(const uint8_t *section, size_t bytes, uint64_t offset)
{
	if (!section || offset >= bytes || !memchr(section + offset, 0, bytes - offset))
		return "";
	return (const char *)section + offset;
}

/* --- names of files ---------------------------------------------------------------- */

struct line_reader {
	struct mm_symline *l;
	const struct mm_symline_sections *sections;
	struct line_bytes bytes;
	unsigned offset_size; /* 4 or 8 */
	uint8_t min_length, line_range, opcode_base;
	int8_t line_base;
	const uint8_t *lengths; /* of the standard opcodes' arguments */
};

static int folder_add(struct mm_symline *l, const char *name)
{
	if (MM_GROW(l->folders, l->folder_cap, l->folder_count + 1))
		return MM_ENOMEM;
	l->folders[l->folder_count++] = name;
	return MM_OK;
}

static int file_add(struct mm_symline *l, const char *name, uint64_t folder)
{
	if (MM_GROW(l->files, l->file_cap, l->file_count + 1))
		return MM_ENOMEM;
	l->files[l->file_count++] = (struct mm_symline_file){
		.name = name, .folder = folder < UINT32_MAX ? (uint32_t)folder : UINT32_MAX };
	return MM_OK;
}

/* name, folder, time, length; file numbers begin at 1 */
static int old_file_read(struct line_reader *in, const char *name)
{
	uint64_t folder = take_uleb(&in->bytes);

	take_uleb(&in->bytes);
	take_uleb(&in->bytes);
	return in->bytes.p ? file_add(in->l, name, folder) : MM_ECORRUPT;
}

/* Before DWARF 5: texts until an empty one. */
static int old_names_read(struct line_reader *in)
{
	int err = folder_add(in->l, "");
	const char *name;

	while (!err && *(name = take_text(&in->bytes)) && in->l->folder_count < NAMES_MAX)
		err = folder_add(in->l, name);
	if (!err)
		err = file_add(in->l, "", 0);
	while (!err && *(name = take_text(&in->bytes)) && in->l->file_count < NAMES_MAX)
		err = old_file_read(in, name);
	return err;
}

/* One field of an entry: a text, a number, or bytes to skip. */
static void field_read(struct line_reader *in, uint64_t form, const char **text,
		       uint64_t *number)
{
	const struct mm_symline_sections *s = in->sections;

	switch (form) {
	case DW_FORM_string:
		*text = take_text(&in->bytes);
		break;
	case DW_FORM_line_strp:
		*text = text_at(s->line_str, s->line_str_bytes,
				take_fixed(&in->bytes, in->offset_size));
		break;
	case DW_FORM_strp:
		*text = text_at(s->str, s->str_bytes, take_fixed(&in->bytes, in->offset_size));
		break;
	case DW_FORM_udata: *number = take_uleb(&in->bytes); break;
	case DW_FORM_data1: *number = take_fixed(&in->bytes, 1); break;
	case DW_FORM_data2: *number = take_fixed(&in->bytes, 2); break;
	case DW_FORM_data4: *number = take_fixed(&in->bytes, 4); break;
	case DW_FORM_data8: *number = take_fixed(&in->bytes, 8); break;
	case DW_FORM_data16: take_skip(&in->bytes, 16); break;
	case DW_FORM_block: take_skip(&in->bytes, take_uleb(&in->bytes)); break;
	default: in->bytes.p = NULL; /* of unknown length */
	}
}

/* DWARF 5: a description of the fields, then the entries. */
static int new_names_read(struct line_reader *in, int are_files)
{
	uint64_t types[FORMATS_MAX], forms[FORMATS_MAX];
	unsigned formats = (unsigned)take_fixed(&in->bytes, 1);

	if (formats > FORMATS_MAX)
		return MM_ECORRUPT;
	for (unsigned i = 0; i < formats; i++) {
		types[i] = take_uleb(&in->bytes);
		forms[i] = take_uleb(&in->bytes);
	}
	uint64_t count = take_uleb(&in->bytes);
	if (count > NAMES_MAX || (count && !formats))
		return MM_ECORRUPT;
	for (uint64_t i = 0; i < count && in->bytes.p; i++) {
		const char *name = "";
		uint64_t folder = 0;
		for (unsigned k = 0; k < formats; k++) {
			const char *text = "";
			uint64_t number = 0;
			field_read(in, forms[k], &text, &number);
			if (types[k] == DW_LNCT_path)
				name = text;
			else if (types[k] == DW_LNCT_directory_index)
				folder = number;
		}
		if (are_files ? file_add(in->l, name, folder) : folder_add(in->l, name))
			return MM_ENOMEM;
	}
	return in->bytes.p ? MM_OK : MM_ECORRUPT;
}

/* --- the program ----------------------------------------------------------------------- */

struct line_state { uint64_t address; uint32_t line, file; size_t first; int sorted; };

static void state_reset(struct line_state *st, const struct mm_symline *l)
{
	*st = (struct line_state){ .line = 1, .file = 1, .first = l->row_count, .sorted = 1 };
}

static int row_add(struct mm_symline *l, struct line_state *st)
{
	if (l->row_count >= ROWS_MAX)
		return MM_ECORRUPT;
	if (l->row_count > st->first) {
		uint64_t last = l->rows[l->row_count - 1].address;
		l->row_count -= last == st->address; /* of rows at one address the last holds */
		st->sorted &= last <= st->address;
	}
	if (l->row_count == l->row_cap && MM_GROW(l->rows, l->row_cap, l->row_count + 1))
		return MM_ENOMEM;
	l->rows[l->row_count++] = (struct mm_symline_row){ st->address, st->line, st->file };
	return MM_OK;
}

static int row_order(const void *a, const void *b)
{
	const struct mm_symline_row *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static int sequence_end(struct mm_symline *l, struct line_state *st)
{
	size_t count = l->row_count - st->first;
	struct mm_symline_row *rows = l->rows + st->first;

	if (count && !st->sorted)
		qsort(rows, count, sizeof *rows, row_order);
	/* an address of 0: the linker dropped the code */
	if (!count || !rows->address || st->address <= rows->address) {
		l->row_count = st->first;
	} else {
		if (MM_GROW(l->sequences, l->sequence_cap, l->sequence_count + 1))
			return MM_ENOMEM;
		l->sequences[l->sequence_count++] = (struct mm_symline_sequence){
			.low = rows->address, .high = st->address,
			.first = st->first, .count = count };
	}
	state_reset(st, l);
	return MM_OK;
}

static int extended_run(struct line_reader *in, struct line_state *st)
{
	uint64_t length = take_uleb(&in->bytes);
	const uint8_t *start = in->bytes.p;
	int err = MM_OK;

	if (!start || !length || length > (size_t)(in->bytes.end - start))
		return MM_ECORRUPT;
	struct line_bytes all = in->bytes;
	in->bytes.end = start + length;
	switch (take_fixed(&in->bytes, 1)) {
	case DW_LNE_end_sequence:
		err = sequence_end(in->l, st);
		break;
	case DW_LNE_set_address:
		st->address = take_fixed(&in->bytes, length - 1 == 4 ? 4 : 8);
		break;
	case DW_LNE_define_file:
		err = old_file_read(in, take_text(&in->bytes));
		break;
	}
	if (!in->bytes.p)
		err = err ? err : MM_ECORRUPT;
	in->bytes = (struct line_bytes){ start + length, all.end };
	return err;
}

static int standard_run(struct line_reader *in, struct line_state *st, uint8_t op)
{
	switch (op) {
	case DW_LNS_copy:
		return row_add(in->l, st);
	case DW_LNS_advance_pc:
		st->address += take_uleb(&in->bytes) * in->min_length;
		return MM_OK;
	case DW_LNS_advance_line:
		st->line += (uint32_t)take_sleb(&in->bytes);
		return MM_OK;
	case DW_LNS_set_file:
		st->file = (uint32_t)take_uleb(&in->bytes);
		return MM_OK;
	case DW_LNS_const_add_pc:
		st->address += (uint64_t)((255 - in->opcode_base) / in->line_range) *
			       in->min_length;
		return MM_OK;
	case DW_LNS_fixed_advance_pc:
		st->address += take_fixed(&in->bytes, 2);
		return MM_OK;
	}
	for (unsigned n = in->lengths[op - 1]; n; n--)
		take_uleb(&in->bytes);
	return MM_OK;
}

static int program_run(struct line_reader *in)
{
	struct line_state st;
	int err = MM_OK;

	state_reset(&st, in->l);
	while (!err && in->bytes.p && in->bytes.p < in->bytes.end) {
		uint8_t op = *in->bytes.p++;
		if (op >= in->opcode_base) {
			unsigned n = (unsigned)op - in->opcode_base;
			st.address += (uint64_t)(n / in->line_range) * in->min_length;
			st.line += (uint32_t)(in->line_base + (int)(n % in->line_range));
			err = row_add(in->l, &st);
		} else if (op == 0) {
			err = extended_run(in, &st);
		} else {
			err = standard_run(in, &st, op);
		}
	}
	in->l->row_count = st.first; /* a sequence without an end */
	return err == MM_ENOMEM ? err : MM_OK;
}

/* --- the table ------------------------------------------------------------------------- */

static int header_read(struct line_reader *in)
{
	struct line_bytes *b = &in->bytes;
	uint64_t length = take_fixed(b, 4);

	in->offset_size = 4;
	if (length == 0xffffffff) {
		length = take_fixed(b, 8);
		in->offset_size = 8;
	}
	if (!b->p || length > (size_t)(b->end - b->p))
		return MM_ECORRUPT;
	b->end = b->p + length;
	in->l->version = (unsigned)take_fixed(b, 2);
	if (in->l->version < 2 || in->l->version > 5)
		return MM_EUNSUP;
	if (in->l->version == 5)
		take_skip(b, 2); /* sizes of addresses and selectors */
	uint64_t rest = take_fixed(b, in->offset_size);
	if (!b->p || rest > (size_t)(b->end - b->p))
		return MM_ECORRUPT;
	const uint8_t *program = b->p + rest;
	in->min_length = (uint8_t)take_fixed(b, 1);
	if (in->l->version >= 4)
		take_skip(b, 1); /* operations an instruction: 1 on every machine here */
	take_skip(b, 1);         /* default_is_stmt */
	in->line_base = (int8_t)take_fixed(b, 1);
	in->line_range = (uint8_t)take_fixed(b, 1);
	in->opcode_base = (uint8_t)take_fixed(b, 1);
	in->lengths = b->p;
	take_skip(b, in->opcode_base ? in->opcode_base - 1u : 0);
	if (!b->p || !in->line_range || !in->opcode_base)
		return MM_ECORRUPT;
	struct line_bytes all = *b;
	b->end = program;
	int err = in->l->version < 5 ? old_names_read(in) : new_names_read(in, 0);
	if (!err && in->l->version == 5)
		err = new_names_read(in, 1);
	*b = (struct line_bytes){ program, all.end };
	return err == MM_ENOMEM ? err : MM_OK;
}

static int sequence_order(const void *a, const void *b)
{
	const struct mm_symline_sequence *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return x->high > y->high ? -1 : x->high < y->high;
}

int mm_symline_read(struct mm_symline *l, const struct mm_symline_sections *s,
		    Dwarf_Die *unit)
{
	struct line_reader in = { .l = l, .sections = s };
	Dwarf_Attribute attr;
	Dwarf_Word offset;
	uint64_t reach = 0;

	if (!dwarf_attr(unit, DW_AT_stmt_list, &attr) || dwarf_formudata(&attr, &offset) ||
	    !s->line || offset >= s->line_bytes)
		return MM_ENOENT;
	if (dwarf_attr(unit, DW_AT_comp_dir, &attr))
		l->unit_folder = dwarf_formstring(&attr);
	in.bytes = (struct line_bytes){ s->line + offset, s->line + s->line_bytes };
	int err = header_read(&in);
	if (!err)
		err = program_run(&in);
	if (err)
		return err == MM_ENOMEM ? err : MM_ENOENT;
	if (l->sequence_count)
		qsort(l->sequences, l->sequence_count, sizeof *l->sequences, sequence_order);
	for (size_t i = 0; i < l->sequence_count; i++) {
		if (l->sequences[i].high > reach)
			reach = l->sequences[i].high;
		l->sequences[i].reach = reach;
	}
	return MM_OK;
}

static const struct mm_symline_row *sequence_find(const struct mm_symline *l,
						  const struct mm_symline_sequence *q,
						  uint64_t address)
{
	size_t low = q->first, high = q->first + q->count;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;
		if (l->rows[mid].address <= address)
			low = mid;
		else
			high = mid;
	}
	return &l->rows[low];
}

const struct mm_symline_row *mm_symline_find(const struct mm_symline *l, uint64_t address)
{
	size_t low = 0, high = l->sequence_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (l->sequences[mid].low <= address)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- > 0 && l->sequences[low].reach > address)
		if (l->sequences[low].high > address)
			return sequence_find(l, &l->sequences[low], address);
	return NULL;
}

/* Appends the parts of `more` to a path of n bytes, without "." and "x/..": one file has
 * one name however the compiler came to it. The new length; it never passes `size`. */
static size_t path_join(char *path, size_t n, size_t size, const char *more)
{
	if (*more == '/') {
		path[0] = '/';
		n = 1;
	}
	while (*more) {
		size_t len = strcspn(more, "/"), last = n;
		while (last && path[last - 1] != '/')
			last--;
		int above = n && !(n - last == 2 && memcmp(path + last, "..", 2) == 0);
		if (len == 2 && memcmp(more, "..", 2) == 0 && above) {
			n = last > 1 ? last - 1 : last;
		} else if (len && !(len == 1 && *more == '.') && n + len + 2 < size) {
			if (n && path[n - 1] != '/')
				path[n++] = '/';
			memcpy(path + n, more, len);
			n += len;
		}
		more += len + (more[len] == '/');
	}
	path[n] = 0;
	return n;
}

/* Relative folders are below the compiler's; but where that was itself mapped to a
 * relative one, a folder that begins with it was mapped in the same way. */
static int is_below_unit(const char *folder, const char *unit)
{
	size_t len = strlen(unit);

	return folder[0] != '/' && (strncmp(folder, unit, len) ||
				    (folder[len] && folder[len] != '/'));
}

const char *mm_symline_tidy(struct mm_symstrings *strings, const char *folder, const char *name)
{
	char path[4096];
	size_t n = *name ? path_join(path, 0, sizeof path, folder) : 0;

	path_join(path, n, sizeof path, name);
	return mm_symstrings_keep(strings, path);
}

const char *mm_symline_path(struct mm_symline *l, struct mm_symstrings *strings, uint32_t file)
{
	struct mm_symline_file *f = file < l->file_count ? &l->files[file] : NULL;

	if (!f || !*f->name)
		return "";
	if (!f->path) {
		const char *folder = f->folder < l->folder_count ? l->folders[f->folder] : "";
		const char *unit = l->unit_folder ? l->unit_folder : "";
		char path[4096];
		size_t n = 0;
		if (is_below_unit(folder, unit))
			n = path_join(path, n, sizeof path, unit);
		n = path_join(path, n, sizeof path, folder);
		path_join(path, n, sizeof path, f->name);
		f->path = mm_symstrings_keep(strings, path);
	}
	return f->path;
}
