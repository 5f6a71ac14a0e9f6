/* symmodule.h: one mapped ELF file and everything that can be said of its addresses.
 *
 * Promise: names are believed only if the file found is the one that was mapped.
 * Vocabulary: answer = the frames of one address of the file, kept for good.
 * Not shared between threads.
 */
#ifndef MM_SYMBOL_SYMMODULE_H
#define MM_SYMBOL_SYMMODULE_H

#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "symbol/symbol.h"
#include "symbol/symcache.h"
#include "symbol/symdwarf.h"
#include "symbol/symelf.h"
#include "symbol/symstrings.h"
#include "symbol/symtab.h"

struct mm_symmodule {
	const char *path; /* kept texts */
	uint8_t build_id[MM_BUILD_ID_MAX];
	uint8_t build_id_len;
	struct mm_symcache_entry *answers; /* by order of asking */
	size_t count, cap;
	struct mm_map by_address; /* address + 1 -> index of answer */
	struct mm_symcache *cache; /* what was known before; NULL = nothing */
	size_t fresh;     /* answers that the cache lacks */
	int cache_tried;
	/* open files */
	int opened;
	int too_much;     /* debug information: nothing is asked while the bound stands */
	struct mm_symelf *main, *debug; /* debug may be main */
	struct mm_symdwarf *dwarf;
	struct mm_symtab table;
	uint64_t open_bytes, last_use;
	/* facts for the cache */
	int believed;     /* some file of this build was there */
	int had_dwarf;
	int asked_server;
	char *debuglink;  /* malloc'ed; NULL = none */
};

/* What all modules of one mm_symbols share. */
struct mm_symcontext {
	struct mm_symbol_options options;
	struct mm_symstrings strings;
	struct mm_symdwarf_answer scratch;
	uint64_t deadline_ns; /* of the call under way, for downloads; 0 = none */
};

/* Frees what m holds, not m. */
void mm_symmodule_deinit(struct mm_symmodule *m);

/* Closes files, keeps answers. */
void mm_symmodule_close_files(struct mm_symmodule *m);

/* The answer for an address of the file, from memory, cache or the files. *ret is valid
 * until the next call, its frames for good. 0, MM_ENOMEM, or MM_EAGAIN when the files have
 * more debug information than the options let be opened. */
int mm_symmodule_find(struct mm_symmodule *m, struct mm_symcontext *c, uint64_t address,
		      const struct mm_symcache_entry **ret);

/* True when the answer is in memory already. */
int mm_symmodule_knows(const struct mm_symmodule *m, uint64_t address);

/* Writes what is new to the cache. Errors are ignored: a cache may be lost. */
void mm_symmodule_save(struct mm_symmodule *m, const struct mm_symcontext *c);

#endif
