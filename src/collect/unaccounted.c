/* unaccounted.c: looks for allocators inside the program (unaccounted.h). */
#include "collect/unaccounted.h"

#include <stdio.h>
#include <string.h>

#include "collect/program.h"
#include "trace/event.h"

enum { WORTH_BYTES = 4 * 1024 * 1024 };

enum { ALLOCATORS = 7 };

static const char *const symbols[ALLOCATORS] = { "mi_malloc", "mi_heap_malloc", "je_malloc",
	"_rjem_malloc", "je_mallocx", "tc_malloc", "TCMallocInternalMalloc" };
static const char *const names[ALLOCATORS] = { "mimalloc", "mimalloc", "jemalloc", "jemalloc",
	"jemalloc", "tcmalloc", "tcmalloc" };

int mm_unaccounted_matters(uint64_t unaccounted, uint64_t rss)
{
	if (unaccounted == MM_UNKNOWN || rss == MM_UNKNOWN)
		return 0;
	return unaccounted >= WORTH_BYTES && unaccounted > rss / 5;
}

/* A malloc in the program itself is found before ours: none of its calls is seen. */
int mm_unaccounted_hidden(const char *exe, char *ret, size_t size)
{
	if (!mm_program_exports(exe, "malloc"))
		return 0;
	snprintf(ret, size, "the program has a malloc of its own, whose calls cannot be seen: "
		 "annotate it with mm_note_alloc and mm_note_free");
	return 1;
}

void mm_unaccounted_cause(const char *exe, char *ret, size_t size)
{
	size_t i = mm_program_find_symbol(exe, symbols, ALLOCATORS);

	if (i < ALLOCATORS) {
		snprintf(ret, size, "%s is built into the program (%s): "
			 "annotate it with mm_note_alloc and mm_note_free", names[i], symbols[i]);
		return;
	}
	if (mm_unaccounted_hidden(exe, ret, size))
		return;
	snprintf(ret, size, "mappings made by the program itself (record with --mmap), or "
		 "stacks: deep calls, many threads");
}
