/* symcache.h: answers about addresses of a build, kept on disk between runs.
 *
 * Promise: a file is replaced whole or not at all, whoever writes at the same time; a
 * damaged one is as good as none; the folder's size is bounded.
 * Vocabulary: build = one linked file, known by build-id; kind = with debug
 * information or names only.
 * Files: $XDG_CACHE_HOME/mmprof/symbols (else ~/.cache/...), BUILDID.full or .names.
 * Not shared between threads; safe between processes.
 */
#ifndef MM_SYMBOL_SYMCACHE_H
#define MM_SYMBOL_SYMCACHE_H

#include <stddef.h>
#include <stdint.h>

#include "trace/event.h"

struct mm_symcache;

struct mm_symcache_entry {
	uint64_t address;  /* as in the ELF file */
	const struct mm_frame *frames;
	size_t count;
};

/* What the answers were made from. */
struct mm_symcache_facts {
	uint8_t had_dwarf;     /* debug information was found: they cannot get better */
	uint8_t asked_server;
	const char *debuglink; /* NULL = none */
};

struct mm_symcache_key {
	const uint8_t *build_id;
	size_t build_id_len;  /* 0: nothing is kept */
	int names_only;
};

/* Reads the file of a build. MM_ENOENT when there is none to use. */
int mm_symcache_load(struct mm_symcache **ret, const struct mm_symcache_key *key);

/* The same from memory (tests, fuzzers); copies data. MM_ECORRUPT. */
int mm_symcache_parse(struct mm_symcache **ret, const struct mm_symcache_key *key,
		      const void *data, size_t bytes);
void mm_symcache_free(struct mm_symcache *c);

void mm_symcache_get_facts(const struct mm_symcache *c, struct mm_symcache_facts *ret);
size_t mm_symcache_count(const struct mm_symcache *c);

/* Position of address, or SIZE_MAX; entry i, whose texts live as long as c and whose
 * frames are written to room (count of them; NULL: only the count is filled). */
size_t mm_symcache_find(const struct mm_symcache *c, uint64_t address);
void mm_symcache_get(const struct mm_symcache *c, size_t i, struct mm_frame *room,
		     struct mm_symcache_entry *ret);

/* Adds entries to the build's file, keeping what others wrote meanwhile. MM_EAGAIN when others
 * hold the folder for more than a second. */
int mm_symcache_save(const struct mm_symcache_key *key, const struct mm_symcache_facts *facts,
		     const struct mm_symcache_entry *entries, size_t count);

/* Deletes the files unused for longest until the folder holds at most `bytes`. */
void mm_symcache_trim(uint64_t bytes);

#endif
