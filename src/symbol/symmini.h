/* symmini.h: the compressed symbol table that some distributions leave in stripped
 * files (.gnu_debugdata).
 */
#ifndef MM_SYMBOL_SYMMINI_H
#define MM_SYMBOL_SYMMINI_H

#include "symbol/symelf.h"
#include "symbol/symtab.h"

/* Adds the functions named there. MM_ENOENT when e has no such table or it cannot be
 * read, MM_ENOMEM. mm_symtab_sort afterwards. */
int mm_symmini_read(struct mm_symtab *t, const struct mm_symelf *e);

#endif
