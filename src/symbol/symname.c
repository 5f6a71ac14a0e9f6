/* symname.c: names of DIEs (symname.h). */
#include "symbol/symname.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "symbol/symbol.h"
#include "symbol/symunit.h"

enum { CHAIN_MAX = 16, SCOPE_MAX = 64 };

void mm_symnames_deinit(struct mm_symnames *n)
{
	mm_map_deinit(&n->by_die);
	free(n->names);
	memset(n, 0, sizeof *n);
}

/* The DIE that a concrete or inlined instance was declared as. */
static Dwarf_Die declaration(Dwarf_Die die)
{
	Dwarf_Attribute attr;
	Dwarf_Die next;

	for (int i = 0; i < CHAIN_MAX; i++) {
		if (!dwarf_attr(&die, DW_AT_abstract_origin, &attr) &&
		    !dwarf_attr(&die, DW_AT_specification, &attr))
			break;
		if (!dwarf_formref_die(&attr, &next))
			break;
		die = next;
	}
	return die;
}

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;
	const char *name;

	if (!dwarf_attr_integrate(die, DW_AT_linkage_name, &attr) &&
	    !dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr))
		return NULL;
	name = dwarf_formstring(&attr);
	return name && *name ? name : NULL;
}

static int is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

/* True for languages whose functions live in namespaces and classes. */
static int has_scopes(Dwarf_Die *die)
{
	Dwarf_Die unit;

	if (!dwarf_diecu(die, &unit, NULL, NULL))
		return 0;
	switch (dwarf_srclang(&unit)) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case DW_LANG_Rust:
	case DW_LANG_D:
	case DW_LANG_Swift:
		return 1;
	}
	return 0;
}

static int scopes_put(struct mm_buf *b, const Dwarf_Die *die, int is_lambda, int nested);

/* A function's own scopes are those of its declaration, wherever its code is told of. */
static void function_scope_put(struct mm_buf *b, Dwarf_Die *die, int nested)
{
	const char *name = dwarf_diename(die);
	Dwarf_Die declared = declaration(*die);

	if (declared.addr != die->addr && nested < CHAIN_MAX) {
		mm_buf_clear(b);
		scopes_put(b, &declared, 0, nested + 1);
	}
	mm_buf_printf(b, "%s()::", name ? name : "");
}

/* Writes one scope; nonzero when names in it are known to their function alone. */
static int scope_put(struct mm_buf *b, Dwarf_Die *die, int is_lambda, int nested)
{
	const char *name = dwarf_diename(die);

	switch (dwarf_tag(die)) {
	case DW_TAG_namespace:
		mm_buf_printf(b, "%s::", name ? name : "(anonymous namespace)");
		return 0;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		mm_buf_printf(b, "%s::", name ? name : is_lambda ? "{lambda}" : "{unnamed}");
		return !name;
	case DW_TAG_subprogram:
		function_scope_put(b, die, nested);
		return 1;
	}
	return 0;
}

/* Writes the scopes around die: walks down from its unit, at each level into the one
 * child that spans it. */
static int scopes_put(struct mm_buf *b, const Dwarf_Die *die, int is_lambda, int nested)
{
	Dwarf_Die at, child, around = *die;
	int local = 0;

	if (!dwarf_diecu(&around, &at, NULL, NULL))
		return 0;
	for (int depth = 0; depth < SCOPE_MAX && dwarf_child(&at, &child) == 0; depth++) {
		at = child;
		while (mm_symunit_next(&child) == 0 && (char *)child.addr <= (char *)die->addr)
			at = child;
		if ((char *)at.addr >= (char *)die->addr)
			break;
		local |= scope_put(b, &at, is_lambda, nested);
	}
	return local;
}

static const char *scoped_name(struct mm_symnames *n, Dwarf_Die *die, const char *own,
			       int *ret_local)
{
	struct mm_buf b = { 0 };
	const char *kept = NULL;
	int is_lambda = strncmp(own, "operator()", 10) == 0 || strstr(own, "<lambda");

	*ret_local = scopes_put(&b, die, is_lambda, 0);
	if (mm_buf_put(&b, own, strlen(own) + 1) == MM_OK && !b.failed)
		kept = mm_symstrings_keep(n->strings, (char *)b.data);
	mm_buf_deinit(&b);
	return kept;
}

static int name_make(struct mm_symnames *n, Dwarf_Die *die, Dwarf_Die *declared,
		     struct mm_symname *ret)
{
	const char *linkage = linkage_name(die);
	const char *own = dwarf_diename(die);

	if (linkage && (is_mangled(linkage) || !own)) {
		char *text = mm_demangle(linkage);
		ret->text = text ? mm_symstrings_keep(n->strings, text) : NULL;
		ret->local = 0;
		free(text);
	} else if (own && has_scopes(declared)) {
		ret->text = scoped_name(n, declared, own, &ret->local);
	} else {
		ret->text = mm_symstrings_keep(n->strings, own ? own : "");
		ret->local = !own;
	}
	return ret->text ? MM_OK : MM_ENOMEM;
}

int mm_symnames_find(struct mm_symnames *n, Dwarf_Die *die, struct mm_symname *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Die key = *die, origin;

	/* a concrete instance may carry what its origin lacks only in clones: one name */
	if (dwarf_attr(die, DW_AT_abstract_origin, &attr) && dwarf_formref_die(&attr, &origin))
		key = origin;
	uint64_t at = (uint64_t)(uintptr_t)key.addr;
	struct mm_map_place *place = mm_map_find(&n->by_die, at);
	if (!place) {
		Dwarf_Die declared = declaration(*die);
		struct mm_symname made;
		if (MM_GROW(n->names, n->cap, n->count + 1) ||
		    name_make(n, die, &declared, &made) ||
		    mm_map_set(&n->by_die, at, (uint32_t)n->count))
			return MM_ENOMEM;
		n->names[n->count++] = made;
		*ret = made;
		return MM_OK;
	}
	*ret = n->names[place->value];
	return MM_OK;
}
