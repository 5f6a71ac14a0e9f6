/* symunit.h: the functions of one compilation unit, and what was inlined into them.
 *
 * Promise: bounded walks over whatever the file holds; a function's inline tree is read
 * once, when an address in it is asked for.
 * Vocabulary: function = a subprogram with code; node = the function itself (0) or one
 * inlined call below it.
 * Not shared between threads.
 */
#ifndef MM_SYMBOL_SYMUNIT_H
#define MM_SYMBOL_SYMUNIT_H

#include <elfutils/libdw.h>
#include <stddef.h>
#include <stdint.h>

struct mm_symunit_node {
	Dwarf_Die die;
	uint32_t parent;    /* node; 0 for the function itself */
	uint32_t depth;     /* 0 = the function itself */
	uint32_t call_line; /* of the call that was inlined, in the parent */
	uint32_t call_file; /* index into the unit's files */
	const char *name;   /* the namer's; NULL until asked */
};

struct mm_symunit_span { uint64_t low, high; uint32_t node; };

struct mm_symunit_tree {
	struct mm_symunit_node *nodes;
	size_t count, cap;
	struct mm_symunit_span *spans;
	size_t span_count, span_cap;
};

struct mm_symunit_function {
	uint64_t low, high; /* [low, high): one of its ranges */
	uint64_t reach;     /* the largest high of this and all before */
	void *die_addr;     /* with die_cu: its DIE */
	Dwarf_CU *die_cu;
	struct mm_symunit_tree *tree; /* NULL until asked */
};

/* The caller's memory; set die, zero the rest. */
struct mm_symunit {
	Dwarf_Die die;  /* of the unit (of its split part where it has one) */
	struct mm_symunit_function *functions;
	size_t count, cap;
	int scanned;    /* 0 not yet, 1 where compilers put functions, 2 everywhere */
};

void mm_symunit_deinit(struct mm_symunit *u);

/* The function that covers address, NULL in *ret when none does. MM_ENOMEM or 0. */
int mm_symunit_find(struct mm_symunit *u, uint64_t address, struct mm_symunit_function **ret);

/* Reads f's inline tree if need be. MM_ENOMEM or 0. */
int mm_symunit_expand(struct mm_symunit_function *f);

/* The deepest node of f's tree at address. */
uint32_t mm_symunit_node(const struct mm_symunit_tree *t, uint64_t address);

/* The next DIE at the same level: 0, or nonzero at the end. Only ever forward. */
int mm_symunit_next(Dwarf_Die *die);

#endif
