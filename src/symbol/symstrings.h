/* symstrings.h: texts kept once, for as long as their set lives.
 *
 * Promise: equal texts have equal pointers; a pointer stays valid until deinit.
 * Not shared between threads.
 */
#ifndef MM_SYMBOL_SYMSTRINGS_H
#define MM_SYMBOL_SYMSTRINGS_H

#include <stddef.h>
#include <stdint.h>

struct mm_symstrings_block;

/* The caller's memory, zero-initialised = empty. */
struct mm_symstrings {
	struct mm_symstrings_block *blocks;
	const char **places; /* open addressing */
	size_t count, mask, bytes;
};

void mm_symstrings_deinit(struct mm_symstrings *s);

/* The kept copy of text, NULL without memory. "" is a static string. */
const char *mm_symstrings_keep(struct mm_symstrings *s, const char *text);

/* `size` zeroed bytes, aligned for anything, with the set's lifetime; NULL without
 * memory. */
void *mm_symstrings_room(struct mm_symstrings *s, size_t size);

/* Hash of a text; the same on every run. Pure. */
uint64_t mm_symstrings_hash(const char *text);

#endif
