/* naming.h: sites become frames with names, files and lines.
 *
 * Promise: an address is resolved once; names kept in the trace are believed first (but
 * lines of the very same build, at hand, win over names without lines), then those of
 * the ELF files at hand, then module+offset; names that many sites need
 * are fetched in batches (mm_naming_prepare). Strings belong to the report's store.
 * Vocabulary: spot = one return address in one module of one process; frames of a spot
 * are innermost first, inlined ones included.
 * Not shared between threads.
 */
#ifndef MM_MODEL_NAMING_H
#define MM_MODEL_NAMING_H

#include <stddef.h>
#include <stdint.h>

#include "base/progress.h"
#include "model/lookup.h"
#include "model/report.h"
#include "model/report_store.h"
#include "symbol/categories.h"
#include "symbol/symbol.h"
#include "trace/reader.h"

struct mm_naming;

/* symbols NULL = only what the trace itself holds; progress may be NULL. All outlive
 * the naming. */
int mm_naming_create(struct mm_naming **ret, struct mm_reader *r, struct mm_symbols *symbols,
		     struct mm_report_store *store, struct mm_progress *progress);
void mm_naming_destroy(struct mm_naming *n);

/* What neither the trace nor `symbols` name is asked of the lookup, which outlives the naming;
 * until it has answered, it is module+offset. Marks are numbers with `era` in the upper half. */
void mm_naming_ask(struct mm_naming *n, struct mm_lookup *later, uint32_t era);
/* Takes the answers that came: how many names are others now, or MM_ENOMEM. */
int mm_naming_take(struct mm_naming *n);

/* Another progress line, or none, from now on. */
void mm_naming_show(struct mm_naming *n, struct mm_progress *progress);

/* Resolves every address on the stacks of these sites. */
int mm_naming_prepare(struct mm_naming *n, uint32_t process, const uint32_t *sites, size_t count);

/* The same for the sites whose flag is set: wanted[0 .. number of sites). */
int mm_naming_prepare_flagged(struct mm_naming *n, uint32_t process, const uint8_t *wanted);

/* Frames of the site's own address (not its callers), as numbers first .. first + count:
 * 0 of them for the root. */
int mm_naming_frames(struct mm_naming *n, uint32_t process, uint32_t site,
		     uint32_t *ret_first, uint32_t *ret_count);

/* A frame by number; valid until the next call that resolves something. */
const struct mm_report_frame *mm_naming_frame(const struct mm_naming *n, uint32_t frame);
uint32_t mm_naming_frame_count(const struct mm_naming *n);

/* Least rule that the site's own address matches, UINT32_MAX none. */
int mm_naming_rule(struct mm_naming *n, const struct mm_categories *c, uint32_t process,
		   uint32_t site, uint32_t *ret);

/* 1 when a function of this (demangled) name only passes memory on: malloc's wrappers,
 * operator new, the insides of the C++ library and of Rust's collections. Pure. */
int mm_naming_is_runtime(const char *function);

#endif
