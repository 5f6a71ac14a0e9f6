/* symbol.h: addresses of modules become functions, files, lines and inlined frames.
 *
 * Promise: the same answer whether symbols come from the trace, the cache or the ELF
 * file; a stripped module gives its symbol table's names, then module+offset; nothing
 * hangs on the network unless the user's environment asks (DEBUGINFOD_URLS).
 * Vocabulary: module = a mapped ELF file, known by path and build-id; frame as in
 * trace/event.h, innermost first.
 * Never prints. Not shared between threads.
 */
#ifndef MM_SYMBOL_SYMBOL_H
#define MM_SYMBOL_SYMBOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "trace/event.h"

struct mm_symbols;

struct mm_symbol_options {
	int no_cache;         /* neither read nor write the cache */
	int no_debug;         /* symbol tables only, no DWARF (--symbols=names) */
	int debuginfod;       /* ask debuginfod when DEBUGINFOD_URLS is set */
	const char *sysroot;  /* put before every path; NULL = none */
	uint64_t max_bytes;   /* bound of open files and what is unpacked of them, but for
	                         the module in use; 0 = default */
	uint64_t most_debug_bytes; /* see mm_symbols_debug_bound; 0 = none */
};

int mm_symbols_create(struct mm_symbols **ret, const struct mm_symbol_options *options);

/* Writes what was learnt to the cache, frees all. */
void mm_symbols_destroy(struct mm_symbols *s);

/* Frames of one return address (the call is looked up at address - 1) in a module of a
 * process. *ret stays valid until destroy. Always gives at least one frame: with
 * function "" when nothing is known. When the file's build-id differs from the
 * module's, its names are not believed. 0, MM_ENOMEM, MM_EAGAIN. */
int mm_symbols_frames(struct mm_symbols *s, const struct mm_module *module, uint64_t address,
		      const struct mm_frame **ret, size_t *ret_count);

/* Resolves many addresses of one module at once, cheaper than one by one: later
 * mm_symbols_frames calls for them answer from memory. Stops early, with MM_EAGAIN,
 * when `deadline_ns` (CLOCK_MONOTONIC, 0 = none) has passed. */
int mm_symbols_prepare(struct mm_symbols *s, const struct mm_module *module,
		       const uint64_t *addresses, size_t count, uint64_t deadline_ns);

/* From now on, addresses of modules whose debug information takes more bytes unpacked than
 * that, or lies in parts, are not answered but with MM_EAGAIN; 0 = all are, and what is open
 * has the default bound. */
void mm_symbols_debug_bound(struct mm_symbols *s, uint64_t bytes);

/* What a byte of debug information takes to be opened, unpacked where it is packed: about as
 * many ns of processor time. */
enum { MM_SYMBOLS_NS_A_BYTE = 2 };

/* True when mm_symbols_frames would answer from memory. */
int mm_symbols_is_ready(struct mm_symbols *s, const struct mm_module *module, uint64_t address);

/* C++ (Itanium ABI) and Rust (legacy, v0) names; returns a malloc'ed text, a copy of
 * `name` when it is not mangled, NULL without memory. */
char *mm_demangle(const char *name);

#endif
