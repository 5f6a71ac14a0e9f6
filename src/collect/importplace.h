/* importplace.h: where the code of an imported recording is: modules and instructions.
 *
 * Promise: a raw recording's addresses are given to the module mapped there at the
 * time; an interpreted one keeps the names it came with, which go into the trace as
 * symbols, so that it reads on a machine that has none of its files.
 * Vocabulary: instruction = an address of code; what a recording calls it is one less
 * than the return address that a site holds. String numbers count from 1, 0 = none.
 * Memory: O(strings, instructions and modules), all of them in the input; past 2^24 of
 * any of them, or 1 GiB of strings, MM_ELIMIT: an input made to fill memory.
 * Not shared between threads.
 */
#ifndef MM_COLLECT_IMPORTPLACE_H
#define MM_COLLECT_IMPORTPLACE_H

#include <stddef.h>
#include <stdint.h>

#include "trace/writer.h"

struct mm_places;

enum { MM_PLACES_MAX = 1 << 24 };

/* Both writer and stream outlive it. */
int mm_places_create(struct mm_places **ret, struct mm_writer *writer, struct mm_stream *stream);
void mm_places_destroy(struct mm_places *p);

/* --- raw: modules come and go -------------------------------------------------------- */

struct mm_place_range { uint64_t start, end; };

/* Every module is gone; those that are still there are named again. */
void mm_places_forget(struct mm_places *p);
/* A module mapped at the ranges, moved by bias. */
int mm_places_module(struct mm_places *p, const char *path, size_t path_len, uint64_t bias,
		     uint64_t time, const struct mm_place_range *ranges, size_t count);
/* Number of the module mapped at an address now; 0 = none known. */
uint32_t mm_places_find(struct mm_places *p, uint64_t address);

/* --- interpreted: instructions come with names ---------------------------------------------- */

struct mm_place_frame { uint32_t function, file, line; }; /* string numbers */

int mm_places_string(struct mm_places *p, const char *text, size_t len);
/* Adds an instruction (they are numbered from 1); frames innermost first. Unknown
 * string numbers count as 0. */
int mm_places_instruction(struct mm_places *p, uint64_t return_address, uint64_t module_string,
			  const struct mm_place_frame *frames, size_t count);
/* Return address and module of instruction n: MM_ENOENT when there is none yet. */
int mm_places_get(const struct mm_places *p, uint64_t n, uint64_t *ret_address,
		  uint32_t *ret_module);
/* Writes the symbols of every instruction. */
int mm_places_write_symbols(struct mm_places *p);

#endif
