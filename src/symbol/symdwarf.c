/* symdwarf.c: from an address to its unit, function, inlined calls and line
 * (symdwarf.h). */
#include "symbol/symdwarf.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "symbol/symline.h"
#include "symbol/symname.h"
#include "symbol/symunit.h"
#include "symbol/symunpack.h"

enum { ROWS_KEPT = 4 << 20 }; /* 16 bytes each */

struct unit {
	Dwarf_Off off;      /* of its DIE */
	Dwarf_Die die;      /* with the line table; addr NULL until used */
	struct mm_symunit functions;
	struct mm_symline lines;
	int opened, has_lines; /* has_lines -1 = there are none to read */
	int is_split;          /* functions.die is in another file */
};

struct unit_range { uint64_t low, high, reach; uint32_t unit; };

struct mm_symdwarf {
	Dwarf *dwarf, *alt;
	struct mm_symelf *alt_elf;
	struct mm_symelf *unpacked; /* what is read instead of a packed file; NULL = the file */
	struct mm_symstrings *strings;
	struct mm_symnames names;
	struct mm_symline_sections sections;
	size_t rows;   /* of all line tables at hand */
	struct unit *units;
	size_t unit_count, unit_cap;
	struct unit_range *ranges;
	size_t range_count, range_cap;
	int all_units; /* ranges hold also what .debug_aranges left out */
};

void mm_symdwarf_close(struct mm_symdwarf *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->unit_count; i++) {
		mm_symunit_deinit(&d->units[i].functions);
		mm_symline_deinit(&d->units[i].lines);
	}
	free(d->units);
	free(d->ranges);
	mm_symnames_deinit(&d->names);
	dwarf_end(d->dwarf);
	dwarf_end(d->alt);
	mm_symelf_close(d->alt_elf);
	mm_symelf_close(d->unpacked);
	free(d);
}

uint64_t mm_symdwarf_bytes(const struct mm_symdwarf *d)
{
	return d->unpacked ? d->unpacked->image_bytes : 0;
}

static int range_add(struct mm_symdwarf *d, uint64_t low, uint64_t high, uint32_t unit)
{
	if (!low || high <= low) /* the linker dropped it */
		return MM_OK;
	if (MM_GROW(d->ranges, d->range_cap, d->range_count + 1))
		return MM_ENOMEM;
	d->ranges[d->range_count++] = (struct unit_range){ .low = low, .high = high,
							   .unit = unit };
	return MM_OK;
}

static int range_order(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->high != y->high)
		return x->high > y->high ? -1 : 1;
	return x->unit < y->unit ? -1 : x->unit > y->unit;
}

static void ranges_sort(struct mm_symdwarf *d)
{
	uint64_t reach = 0;

	if (d->range_count)
		qsort(d->ranges, d->range_count, sizeof *d->ranges, range_order);
	for (size_t i = 0; i < d->range_count; i++) {
		if (d->ranges[i].high > reach)
			reach = d->ranges[i].high;
		d->ranges[i].reach = reach;
	}
}

static int unit_add(struct mm_symdwarf *d, Dwarf_Off off, uint32_t *ret)
{
	if (MM_GROW(d->units, d->unit_cap, d->unit_count + 1))
		return MM_ENOMEM;
	d->units[d->unit_count] = (struct unit){ .off = off };
	*ret = (uint32_t)d->unit_count++;
	return MM_OK;
}

/* The units that .debug_aranges names. A file without that section has none here. */
static int aranges_read(struct mm_symdwarf *d)
{
	struct mm_map seen = { 0 };
	Dwarf_Aranges *aranges;
	size_t count;
	int err = MM_OK;

	if (dwarf_getaranges(d->dwarf, &aranges, &count) != 0)
		return MM_OK;
	for (size_t i = 0; i < count && !err; i++) {
		Dwarf_Arange *arange = dwarf_onearange(aranges, i);
		struct mm_map_place *place;
		Dwarf_Addr low;
		Dwarf_Word length;
		Dwarf_Off off;
		uint32_t unit;
		if (!arange || dwarf_getarangeinfo(arange, &low, &length, &off) != 0)
			continue;
		place = mm_map_find(&seen, off + 1);
		if (place)
			unit = place->value;
		else if (!(err = unit_add(d, off, &unit)))
			err = mm_map_set(&seen, off + 1, unit);
		if (!err)
			err = range_add(d, low, low + length, unit);
	}
	mm_map_deinit(&seen);
	return err;
}

static int unit_ranges_add(struct mm_symdwarf *d, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;
	uint32_t unit;

	if (unit_add(d, dwarf_dieoffset(die), &unit))
		return MM_ENOMEM;
	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0)
		if (range_add(d, low, high, unit))
			return MM_ENOMEM;
	return MM_OK;
}

/* Adds the ranges of the units that .debug_aranges does not mention, from their
 * outermost DIE alone. */
static int units_read(struct mm_symdwarf *d)
{
	struct mm_map seen = { 0 };
	Dwarf_CU *unit = NULL;
	Dwarf_Die die;
	uint8_t type;
	int err = MM_OK;

	for (size_t i = 0; i < d->unit_count && !err; i++)
		err = mm_map_set(&seen, d->units[i].off + 1, 1);
	while (!err && dwarf_get_units(d->dwarf, unit, &unit, NULL, &type, &die, NULL) == 0)
		if ((type == DW_UT_compile || type == DW_UT_skeleton) &&
		    !mm_map_find(&seen, dwarf_dieoffset(&die) + 1))
			err = unit_ranges_add(d, &die);
	mm_map_deinit(&seen);
	d->all_units = 1;
	ranges_sort(d);
	return err;
}

int mm_symdwarf_open(struct mm_symdwarf **ret, const struct mm_symelf *e,
		     const struct mm_symfind *f, struct mm_symstrings *strings)
{
	struct mm_symdwarf *d = calloc(1, sizeof *d);

	if (!d)
		return MM_ENOMEM;
	d->strings = strings;
	d->names.strings = strings;
	mm_symunpack(&d->unpacked, e); /* where that cannot be, the file itself is read */
	Elf *elf = d->unpacked ? d->unpacked->elf : e->elf;
	d->dwarf = dwarf_begin_elf(elf, DWARF_C_READ, NULL);
	if (!d->dwarf) {
		mm_symdwarf_close(d);
		return MM_EUNSUP;
	}
	if (mm_symfind_open_alt(&d->alt_elf, d->dwarf, e, f) == MM_OK &&
	    (d->alt = dwarf_begin_elf(d->alt_elf->elf, DWARF_C_READ, NULL)))
		dwarf_setalt(d->dwarf, d->alt);
	mm_symline_sections_find(&d->sections, elf);
	if (aranges_read(d)) {
		mm_symdwarf_close(d);
		return MM_ENOMEM;
	}
	ranges_sort(d);
	*ret = d;
	return MM_OK;
}

static struct unit *unit_at(struct mm_symdwarf *d, uint64_t address)
{
	size_t low = 0, high = d->range_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (d->ranges[mid].low <= address)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- > 0 && d->ranges[low].reach > address)
		if (d->ranges[low].high > address)
			return &d->units[d->ranges[low].unit];
	return NULL;
}

/* The unit's DIE, and that of its split part where it has one. */
static int unit_open(struct mm_symdwarf *d, struct unit *u)
{
	Dwarf_Die any, split;
	uint8_t type;

	if (u->opened)
		return u->die.addr != NULL;
	u->opened = 1;
	if (!dwarf_offdie(d->dwarf, u->off, &any) || !dwarf_diecu(&any, &u->die, NULL, NULL))
		return 0;
	u->functions.die = u->die;
	if (dwarf_cu_info(u->die.cu, NULL, &type, NULL, &split, NULL, NULL, NULL) == 0 &&
	    type == DW_UT_skeleton && split.addr) {
		u->functions.die = split;
		u->is_split = 1;
	}
	return 1;
}

/* Forgets line tables when there are too many rows: they can be read again. */
static void lines_bound(struct mm_symdwarf *d, const struct unit *keep)
{
	if (d->rows <= ROWS_KEPT)
		return;
	for (size_t i = 0; i < d->unit_count; i++) {
		struct unit *u = &d->units[i];
		if (u == keep || u->has_lines <= 0)
			continue;
		mm_symline_deinit(&u->lines);
		u->has_lines = 0;
	}
	d->rows = keep->lines.row_count;
}

static int lines_open(struct mm_symdwarf *d, struct unit *u)
{
	if (u->has_lines)
		return MM_OK;
	int err = mm_symline_read(&u->lines, &d->sections, &u->die);
	u->has_lines = err ? -1 : 1;
	d->rows += u->lines.row_count;
	lines_bound(d, u);
	return err == MM_ENOMEM ? err : MM_OK;
}

/* The file of a call, by its number in the table that belongs to the function's DIE. */
static const char *call_file(struct mm_symdwarf *d, struct unit *u, uint32_t index)
{
	Dwarf_Files *files;
	size_t count;

	if (!u->is_split)
		return mm_symline_path(&u->lines, d->strings, index);
	const char *name = dwarf_getsrcfiles(&u->functions.die, &files, &count) == 0 &&
		index < count ? dwarf_filesrc(files, index, NULL, NULL) : NULL;
	return mm_symline_tidy(d->strings, u->lines.unit_folder ? u->lines.unit_folder : "",
			       name ? name : "");
}

static int line_find(struct mm_symdwarf *d, struct unit *u, uint64_t address,
		     struct mm_frame *ret)
{
	if (lines_open(d, u))
		return MM_ENOMEM;
	const struct mm_symline_row *row = mm_symline_find(&u->lines, address);
	ret->file = row && row->line ? mm_symline_path(&u->lines, d->strings, row->file) : "";
	ret->line = row ? row->line : 0;
	return ret->file ? MM_OK : MM_ENOMEM;
}

static int frames_fill(struct mm_symdwarf *d, struct unit *u, struct mm_symunit_tree *t,
		       uint64_t address, struct mm_symdwarf_answer *a)
{
	uint32_t at = mm_symunit_node(t, address);
	struct mm_symname name;

	for (;;) {
		struct mm_symunit_node *node = &t->nodes[at];
		struct mm_frame *frame = &a->frames[a->count];
		if (mm_symnames_find(&d->names, &node->die, &name))
			return MM_ENOMEM;
		frame->function = name.text;
		frame->inlined = node->depth > 0;
		a->name_elsewhere = name.local;
		a->count++;
		if (!node->depth || a->count == MM_SYMDWARF_FRAMES)
			return MM_OK;
		frame[1].file = call_file(d, u, node->call_file);
		frame[1].line = node->call_line;
		if (!frame[1].file)
			return MM_ENOMEM;
		at = node->parent;
	}
}

int mm_symdwarf_find(struct mm_symdwarf *d, uint64_t address, struct mm_symdwarf_answer *ret)
{
	struct mm_symunit_function *f;
	struct unit *u = unit_at(d, address);

	ret->count = 0;
	ret->name_elsewhere = 1;
	if (!u && !d->all_units) {
		if (units_read(d))
			return MM_ENOMEM;
		u = unit_at(d, address);
	}
	if (!u || !unit_open(d, u))
		return MM_OK;
	ret->frames[0] = (struct mm_frame){ .function = "", .file = "" };
	if (line_find(d, u, address, &ret->frames[0]) ||
	    mm_symunit_find(&u->functions, address, &f))
		return MM_ENOMEM;
	if (!f) {
		ret->count = ret->frames[0].line ? 1 : 0;
		return MM_OK;
	}
	return mm_symunit_expand(f) ? MM_ENOMEM : frames_fill(d, u, f->tree, address, ret);
}
