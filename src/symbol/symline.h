/* symline.h: the line table of one compilation unit.
 *
 * Promise: nothing is read outside the section; a damaged table gives the rows before
 * the damage.
 * Vocabulary: row = the file and line from an address on; sequence = rows of adjoining
 * code; its last row is where it ends.
 * Not shared between threads.
 */
#ifndef MM_SYMBOL_SYMLINE_H
#define MM_SYMBOL_SYMLINE_H

#include <elfutils/libdw.h>
#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/symstrings.h"

/* The sections that line tables are in, of one file. Texts are read by offset. */
struct mm_symline_sections {
	const uint8_t *line, *line_str, *str;
	size_t line_bytes, line_str_bytes, str_bytes;
};

/* Finds them; call after dwarf_begin_elf, which unpacks compressed ones. */
void mm_symline_sections_find(struct mm_symline_sections *s, Elf *elf);

struct mm_symline_row { uint64_t address; uint32_t line, file; };

struct mm_symline_sequence {
	uint64_t low, high, reach; /* [low, high); largest high of this and all before */
	size_t first, count;       /* rows */
};

struct mm_symline_file {
	const char *name;  /* in a section */
	uint32_t folder;
	const char *path;  /* kept; NULL until asked */
};

/* The caller's memory, zero-initialised = empty. */
struct mm_symline {
	struct mm_symline_row *rows;
	struct mm_symline_sequence *sequences;
	struct mm_symline_file *files;
	const char **folders;
	size_t row_count, row_cap, sequence_count, sequence_cap;
	size_t file_count, file_cap, folder_count, folder_cap;
	const char *unit_folder; /* the compiler's working directory, NULL = unknown */
	unsigned version;
};

void mm_symline_deinit(struct mm_symline *l);

/* Reads the table that `unit` names. MM_ENOENT when it names none, MM_ENOMEM. */
int mm_symline_read(struct mm_symline *l, const struct mm_symline_sections *s,
		    Dwarf_Die *unit);

/* The row at address, or NULL. */
const struct mm_symline_row *mm_symline_find(const struct mm_symline *l, uint64_t address);

/* Path of a file by its number in the table, kept in `strings`; "" when there is no such
 * file. NULL without memory. */
const char *mm_symline_path(struct mm_symline *l, struct mm_symstrings *strings, uint32_t file);

/* A file's name behind the folder it is relative to, tidied in the same way, kept. */
const char *mm_symline_tidy(struct mm_symstrings *strings, const char *folder, const char *name);

#endif
