/* tables.h: what the events of one process refer to: strings, threads, modules, sites.
 *
 * Promise: the same tables serve writer and reader; a number once defined never changes
 * (threads: the last name holds); texts handed out live as long as the tables.
 * Vocabulary: hole = a number below the count whose definition was lost.
 * Not shared between threads.
 */
#ifndef MM_TRACE_TABLES_H
#define MM_TRACE_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "trace/event.h"

enum {
	MM_TEXT_MAX = 65535,       /* bytes of one text; longer ones are cut */
	MM_DEFS_ITEMS = 65536,     /* definitions in one section */
	MM_DEFS_BYTES = 4 << 20,   /* a section is ended beyond this */
	MM_HOLES_MAX = 1 << 20     /* lost numbers the tables of a reader take in */
};

struct mm_arena_page;

/* Texts that never move. Zero-initialised = empty. */
struct mm_arena {
	struct mm_arena_page *pages;
	size_t left;
	char *next;
};

/* Copies text and adds a NUL; NULL = no memory. */
const char *mm_arena_text(struct mm_arena *a, const char *text, size_t len);
void mm_arena_deinit(struct mm_arena *a);

struct mm_text { const char *text; uint32_t len; };

/* Item 0 of strings ("") modules ("unknown") and sites (the root) is always there. */
struct mm_tables {
	struct mm_arena arena;
	struct mm_text *strings;
	struct mm_thread *threads;
	struct mm_module *modules;
	struct mm_site *sites;
	size_t string_cap, thread_cap, module_cap, site_cap;
	uint32_t string_count, thread_count, module_count, site_count;
	uint32_t holes;
};

int mm_tables_init(struct mm_tables *t);
void mm_tables_deinit(struct mm_tables *t);

int mm_tables_add_string(struct mm_tables *t, const char *text, size_t len);
int mm_tables_add_thread(struct mm_tables *t, const struct mm_thread *thread);
int mm_tables_add_module(struct mm_tables *t, const struct mm_module *module);
int mm_tables_add_site(struct mm_tables *t, const struct mm_site *site);

enum mm_defs_tag {
	MM_DEFS_STRINGS = 1, MM_DEFS_THREADS = 2, MM_DEFS_MODULES = 3, MM_DEFS_SITES = 4
};

/* Appends one section with the items of a table from `first` on, as many as a section
 * takes; *ret_next is the first left out. */
int mm_tables_encode(const struct mm_tables *t, enum mm_defs_tag tag, uint32_t first,
		     struct mm_buf *out, uint32_t *ret_next);

/* Takes in the sections of a definition block; those of unknown tag are skipped.
 * 0, MM_ENOMEM or MM_ECORRUPT (what came before the damage is kept). */
int mm_tables_decode(struct mm_tables *t, const uint8_t *data, size_t len);

#endif
