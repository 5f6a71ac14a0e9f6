/* symunit.c: walks the DIEs of a unit (symunit.h). */
#include "symbol/symunit.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"

enum { DEPTH_MAX = 200, NODES_MAX = 1 << 20 };

static void tree_free(struct mm_symunit_tree *t)
{
	if (t) {
		free(t->nodes);
		free(t->spans);
		free(t);
	}
}

void mm_symunit_deinit(struct mm_symunit *u)
{
	for (size_t i = 0; i < u->count; i++)
		tree_free(u->functions[i].tree);
	free(u->functions);
	memset(u, 0, sizeof *u);
}

int mm_symunit_next(Dwarf_Die *die)
{
	Dwarf_Die next;

	if (dwarf_siblingof(die, &next) != 0 || (char *)next.addr <= (char *)die->addr)
		return 1;
	*die = next;
	return 0;
}

static int function_add(struct mm_symunit *u, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		if (!low || high <= low) /* the linker dropped it */
			continue;
		if (MM_GROW(u->functions, u->cap, u->count + 1))
			return MM_ENOMEM;
		u->functions[u->count++] = (struct mm_symunit_function){
			.low = low, .high = high, .die_addr = die->addr, .die_cu = die->cu,
		};
	}
	return MM_OK;
}

/* Compilers put the functions that have code below the unit and its namespaces;
 * `everywhere` also looks into types, blocks and functions. */
static int functions_scan(struct mm_symunit *u, Dwarf_Die *parent, int everywhere, int depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return MM_OK;
	do {
		int down = 0;
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			if (function_add(u, &die))
				return MM_ENOMEM;
			down = everywhere;
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
			down = 1;
			break;
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
		case DW_TAG_enumeration_type:
		case DW_TAG_lexical_block:
			down = everywhere;
			break;
		}
		if (down && functions_scan(u, &die, everywhere, depth + 1))
			return MM_ENOMEM;
	} while (mm_symunit_next(&die) == 0);
	return MM_OK;
}

static int function_order(const void *a, const void *b)
{
	const struct mm_symunit_function *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->high != y->high)
		return x->high > y->high ? -1 : 1;
	return x->die_addr < y->die_addr ? -1 : x->die_addr > y->die_addr;
}

static int unit_scan(struct mm_symunit *u, int everywhere)
{
	uint64_t reach = 0;
	struct mm_symunit fresh = { .die = u->die };

	if (functions_scan(&fresh, &fresh.die, everywhere, 0)) {
		mm_symunit_deinit(&fresh);
		return MM_ENOMEM;
	}
	mm_symunit_deinit(u);
	*u = fresh;
	u->scanned = everywhere ? 2 : 1;
	if (u->count)
		qsort(u->functions, u->count, sizeof *u->functions, function_order);
	for (size_t i = 0; i < u->count; i++) {
		if (u->functions[i].high > reach)
			reach = u->functions[i].high;
		u->functions[i].reach = reach;
	}
	return MM_OK;
}

static struct mm_symunit_function *function_at(const struct mm_symunit *u, uint64_t address)
{
	size_t low = 0, high = u->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (u->functions[mid].low <= address)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- > 0 && u->functions[low].reach > address)
		if (u->functions[low].high > address)
			return &u->functions[low];
	return NULL;
}

int mm_symunit_find(struct mm_symunit *u, uint64_t address, struct mm_symunit_function **ret)
{
	struct mm_symunit_function *f = NULL;

	for (int everywhere = 0; everywhere <= 1 && !f; everywhere++) {
		if (u->scanned <= everywhere && unit_scan(u, everywhere))
			return MM_ENOMEM;
		f = function_at(u, address);
	}
	*ret = f;
	return MM_OK;
}

static uint32_t number_attr(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	Dwarf_Word value;

	if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &value) != 0 ||
	    value > UINT32_MAX)
		return 0;
	return (uint32_t)value;
}

static int spans_add(struct mm_symunit_tree *t, Dwarf_Die *die, uint32_t node)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		if (high <= low)
			continue;
		if (MM_GROW(t->spans, t->span_cap, t->span_count + 1))
			return MM_ENOMEM;
		t->spans[t->span_count++] = (struct mm_symunit_span){ low, high, node };
	}
	return MM_OK;
}

static int node_add(struct mm_symunit_tree *t, Dwarf_Die *die, uint32_t parent)
{
	if (MM_GROW(t->nodes, t->cap, t->count + 1))
		return MM_ENOMEM;
	t->nodes[t->count] = (struct mm_symunit_node){
		.die = *die,
		.parent = parent,
		.depth = t->count ? t->nodes[parent].depth + 1 : 0,
		.call_line = t->count ? number_attr(die, DW_AT_call_line) : 0,
		.call_file = t->count ? number_attr(die, DW_AT_call_file) : 0,
	};
	t->count++;
	return t->count > 1 ? spans_add(t, die, (uint32_t)t->count - 1) : MM_OK;
}

static int tree_scan(struct mm_symunit_tree *t, Dwarf_Die *parent, uint32_t node, int depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return MM_OK;
	do {
		uint32_t below = node;
		switch (dwarf_tag(&die)) {
		case DW_TAG_inlined_subroutine:
			if (t->count >= NODES_MAX)
				return MM_OK;
			if (node_add(t, &die, node))
				return MM_ENOMEM;
			below = (uint32_t)t->count - 1;
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
		case DW_TAG_with_stmt:
			break;
		default:
			continue;
		}
		if (tree_scan(t, &die, below, depth + 1))
			return MM_ENOMEM;
	} while (mm_symunit_next(&die) == 0);
	return MM_OK;
}

int mm_symunit_expand(struct mm_symunit_function *f)
{
	Dwarf_Die die = { .addr = f->die_addr, .cu = f->die_cu };

	if (f->tree)
		return MM_OK;
	struct mm_symunit_tree *t = calloc(1, sizeof *t);
	if (!t)
		return MM_ENOMEM;
	if (node_add(t, &die, 0) || tree_scan(t, &die, 0, 0)) {
		tree_free(t);
		return MM_ENOMEM;
	}
	f->tree = t;
	return MM_OK;
}

uint32_t mm_symunit_node(const struct mm_symunit_tree *t, uint64_t address)
{
	uint32_t best = 0;

	for (size_t i = 0; i < t->span_count; i++) {
		const struct mm_symunit_span *s = &t->spans[i];
		if (address >= s->low && address < s->high &&
		    t->nodes[s->node].depth > t->nodes[best].depth)
			best = s->node;
	}
	return best;
}
