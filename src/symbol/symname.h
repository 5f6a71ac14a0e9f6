/* symname.h: what the function of a DIE is called.
 *
 * Promise: the mangled name, demangled, where the DIE has one; else its own name, in
 * C++-like languages behind its namespaces and classes. Each DIE is asked once.
 * Not shared between threads.
 */
#ifndef MM_SYMBOL_SYMNAME_H
#define MM_SYMBOL_SYMNAME_H

#include <elfutils/libdw.h>

#include "base/map.h"
#include "symbol/symstrings.h"

struct mm_symname {
	const char *text;
	int local; /* of a lambda, or declared in a function: a mangled name tells more */
};

/* The children of one DIE, in order. */
struct mm_symname_level { void **children; size_t count, cap; };

/* The caller's memory; set strings, zero the rest. */
struct mm_symnames {
	struct mm_symstrings *strings;
	struct mm_map by_die;
	struct mm_symname *names;
	size_t count, cap;
	struct mm_map by_parent; /* address of a DIE -> number of its level */
	struct mm_symname_level *levels;
	size_t level_count, level_cap, child_count;
};

void mm_symnames_deinit(struct mm_symnames *n);

/* Fills *ret; text "" where the DIE has no name. MM_ENOMEM or 0. */
int mm_symnames_find(struct mm_symnames *n, Dwarf_Die *die, struct mm_symname *ret);

#endif
