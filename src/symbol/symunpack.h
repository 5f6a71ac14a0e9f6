/* symunpack.h: the debug information of a file as one piece of memory, unpacked.
 *
 * Promise: what libdw reads from it is what it would read from the file; sections that
 * nobody here asks for (locations of variables, macros, indexes) are left out, and the rest
 * is unpacked several times faster than libelf does it.
 * Sizes that the file claims are checked before they are believed.
 */
#ifndef MM_SYMBOL_SYMUNPACK_H
#define MM_SYMBOL_SYMUNPACK_H

#include "symbol/symelf.h"

/* A new ELF image with nothing but e's sections of debug information; close it with
 * mm_symelf_close, e may be closed before. MM_EUNSUP when nothing in e is packed, or not in
 * the way that is known here (zlib, 64 bits): e is then to be used itself. MM_ENOMEM. */
int mm_symunpack(struct mm_symelf **ret, const struct mm_symelf *e);

#endif
