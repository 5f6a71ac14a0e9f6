/* symtab.h: the functions that an ELF symbol table names, by address.
 *
 * Promise: an address is given a name only if a symbol covers it: by its size, or,
 * where it has none, up to the next symbol of its section.
 * Vocabulary: address = as in the ELF file. Pointers point into the Elf handle, which
 * must outlive the table. Not shared between threads.
 */
#ifndef MM_SYMBOL_SYMTAB_H
#define MM_SYMBOL_SYMTAB_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

struct mm_symtab_entry {
	uint64_t low, high;  /* [low, high) */
	uint64_t reach;      /* the largest high of this and all before */
	const char *name;    /* mangled, without @version, .cold, .part.0 ... */
	uint8_t rank;        /* better names are higher */
};

/* The caller's memory, zero-initialised = empty. */
struct mm_symtab {
	struct mm_symtab_entry *entries;
	size_t count, cap;
	char **owned;        /* names that had to be cut */
	size_t owned_count, owned_cap;
};

void mm_symtab_deinit(struct mm_symtab *t);

/* Adds the functions of .symtab, or, where it has none, of .dynsym. MM_ENOMEM; a damaged
 * table adds what can be read. *ret_kind: SHT_SYMTAB, SHT_DYNSYM or 0. */
int mm_symtab_read(struct mm_symtab *t, Elf *elf, unsigned *ret_kind);

/* One more function (from a debug-information reader); mm_symtab_sort afterwards. */
int mm_symtab_add(struct mm_symtab *t, uint64_t low, uint64_t size, const char *name,
		  unsigned rank);
void mm_symtab_sort(struct mm_symtab *t);

/* A copy of a name that lives as long as the table; NULL without memory. */
const char *mm_symtab_own(struct mm_symtab *t, const char *name, size_t len);

/* The innermost function that covers address, or NULL. */
const struct mm_symtab_entry *mm_symtab_find(const struct mm_symtab *t, uint64_t address);

#endif
