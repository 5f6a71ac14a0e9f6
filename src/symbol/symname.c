/* symname.c: names of DIEs (symname.h). */
#include "symbol/symname.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "symbol/symbol.h"
#include "symbol/symunit.h"

enum { CHAIN_MAX = 16, SCOPE_MAX = 64, CHILDREN_MAX = 1 << 20 };

static void levels_drop(struct mm_symnames *n)
{
	for (size_t i = 0; i < n->level_count; i++)
		free(n->levels[i].children);
	free(n->levels);
	mm_map_deinit(&n->by_parent);
	n->levels = NULL;
	n->level_count = n->level_cap = n->child_count = 0;
}

void mm_symnames_deinit(struct mm_symnames *n)
{
	levels_drop(n);
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

/* The children of a DIE; NULL without memory. A level is read once, since the wide ones
 * (units, namespaces) are asked for again and again. */
static const struct mm_symname_level *level_find(struct mm_symnames *n, Dwarf_Die *parent)
{
	uint64_t key = (uint64_t)(uintptr_t)parent->addr;
	struct mm_map_place *known = mm_map_find(&n->by_parent, key);
	Dwarf_Die child;

	if (known)
		return &n->levels[known->value];
	if (n->child_count > CHILDREN_MAX)
		levels_drop(n);
	if (MM_GROW(n->levels, n->level_cap, n->level_count + 1))
		return NULL;
	struct mm_symname_level *level = &n->levels[n->level_count];
	*level = (struct mm_symname_level){ 0 };
	for (int end = dwarf_child(parent, &child); !end; end = mm_symunit_next(&child)) {
		if (MM_GROW(level->children, level->cap, level->count + 1)) {
			free(level->children);
			return NULL;
		}
		level->children[level->count++] = child.addr;
	}
	n->level_count++;
	n->child_count += level->count;
	return mm_map_set(&n->by_parent, key, (uint32_t)n->level_count - 1) ? NULL : level;
}

/* The last child that begins at or before address; NULL where none does. */
static void *child_at(const struct mm_symname_level *level, const void *address)
{
	size_t low = 0, high = level->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if ((char *)level->children[mid] <= (const char *)address)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? level->children[low - 1] : NULL;
}

struct scope_path {
	struct mm_symnames *names;
	struct mm_buf text;
	int is_lambda;
	int is_local; /* met a function or an unnamed type */
	int nested;   /* declarations followed */
};

static void scopes_put(struct scope_path *path, const Dwarf_Die *die);

/* A function's own scopes are those of its declaration, wherever its code is told of. */
static void function_scope_put(struct scope_path *path, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);
	Dwarf_Die declared = declaration(*die);

	if (declared.addr != die->addr && path->nested++ < CHAIN_MAX) {
		mm_buf_clear(&path->text);
		scopes_put(path, &declared);
	}
	mm_buf_printf(&path->text, "%s()::", name ? name : "");
	path->is_local = 1;
}

static void scope_put(struct scope_path *path, Dwarf_Die *die)
{
	const char *name = dwarf_diename(die);

	switch (dwarf_tag(die)) {
	case DW_TAG_namespace:
		mm_buf_printf(&path->text, "%s::", name ? name : "(anonymous namespace)");
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		mm_buf_printf(&path->text, "%s::",
			      name ? name : path->is_lambda ? "{lambda}" : "{unnamed}");
		path->is_local |= !name;
		break;
	case DW_TAG_subprogram:
		function_scope_put(path, die);
		break;
	}
}

/* Writes the scopes around die: walks down from its unit, at each level into the one
 * child that spans it. */
static void scopes_put(struct scope_path *path, const Dwarf_Die *die)
{
	Dwarf_Die at, around = *die;

	if (!dwarf_diecu(&around, &at, NULL, NULL))
		return;
	for (int depth = 0; depth < SCOPE_MAX; depth++) {
		const struct mm_symname_level *level = level_find(path->names, &at);
		void *child = level ? child_at(level, die->addr) : NULL;
		if (!level)
			path->text.failed = 1;
		if (!child || child == die->addr)
			return;
		at = (Dwarf_Die){ .addr = child, .cu = at.cu };
		scope_put(path, &at);
	}
}

static const char *scoped_name(struct mm_symnames *n, Dwarf_Die *die, const char *own,
			       int *ret_local)
{
	struct scope_path path = {
		.names = n,
		.is_lambda = strncmp(own, "operator()", 10) == 0 || strstr(own, "<lambda"),
	};
	const char *kept = NULL;

	scopes_put(&path, die);
	if (mm_buf_put(&path.text, own, strlen(own) + 1) == MM_OK && !path.text.failed)
		kept = mm_symstrings_keep(n->strings, (char *)path.text.data);
	*ret_local = path.is_local;
	mm_buf_deinit(&path.text);
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
