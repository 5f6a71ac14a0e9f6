/* symdwarf.h: functions, inlined frames and lines from the DWARF of one file.
 *
 * Promise: only the compilation units that the asked addresses lie in are read, each
 * once; damaged DWARF gives fewer frames, never a crash or an endless walk.
 * Vocabulary: unit = compilation unit; address = as in the ELF file.
 * Ask in ascending order where possible: neighbours share what was read.
 * Not shared between threads.
 */
#ifndef MM_SYMBOL_SYMDWARF_H
#define MM_SYMBOL_SYMDWARF_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/symelf.h"
#include "symbol/symfind.h"
#include "symbol/symstrings.h"
#include "trace/event.h"

struct mm_symdwarf;

/* e (with the DWARF, may be a separate debug file) and strings must outlive it. f says
 * where a dwz part may be. MM_EUNSUP when there is no DWARF to read. */
int mm_symdwarf_open(struct mm_symdwarf **ret, const struct mm_symelf *e,
		     const struct mm_symfind *f, struct mm_symstrings *strings);
void mm_symdwarf_close(struct mm_symdwarf *d);

/* Of memory that was unpacked for it. */
uint64_t mm_symdwarf_bytes(const struct mm_symdwarf *d);

enum { MM_SYMDWARF_FRAMES = 256 }; /* deepest nest of inlined calls that is told */

struct mm_symdwarf_answer {
	struct mm_frame frames[MM_SYMDWARF_FRAMES]; /* texts kept in `strings` */
	size_t count;      /* 0 = nothing known */
	int name_elsewhere; /* a mangled name in the symbol table says more than the
	                       outermost name */
};

/* MM_ENOMEM or 0. */
int mm_symdwarf_find(struct mm_symdwarf *d, uint64_t address, struct mm_symdwarf_answer *ret);

#endif
