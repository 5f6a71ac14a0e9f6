/* runtime_names.c: which functions only pass memory on (naming.h).
 *
 * Such frames at the inner end of a stack say nothing about who wanted the memory, so
 * views look past them. A name belongs here when its callers, never itself, decide.
 */
#include <stddef.h>
#include <string.h>

#include "model/naming.h"

/* What no rule below tells. libmm's own names are those of its parts when it is linked in. */
static const char *const exact_names[] = {
	"_Znaj", "_Znam", "_Znwj", "_Znwm", "__libc_memalign", "__rdl_alloc", "__rg_alloc",
	"__rust_alloc", "__rust_alloc_zeroed", "__strndup", "aligned_alloc", "band_convert",
	"band_tell_brick", "g_memdup", "g_memdup2", "g_strndup", "general_resize",
	"general_take", "memalign", "mm_alloc", "mm_alloc_as", "mm_alloc_at",
	"mm_band_convert", "mm_band_pool_convert", "mm_band_pool_take", "mm_band_pool_take_as",
	"mm_band_take", "mm_calloc", "mm_note_alloc", "mm_pool_alloc", "mm_pool_try",
	"mm_realloc", "mm_svo_pool_take", "mm_svo_take", "posix_memalign", "pvalloc",
	"strndup", "svo_tell_nodes", "take_brick", "take_run", "valloc", "xmemdup", "xstrndup",
	"xzalloc",
};

static const char *const prefixes[] = {
	"operator new", "std::", "__gnu_cxx::", "alloc::", "<alloc::", "<T as alloc::",
	"hashbrown::raw::", "mm_told_",
};

/* "void std::f<int>(int)" names std::f: skips a return type, which only templates show. */
static const char *qualified_name(const char *f)
{
	const char *name = f;
	int depth = 0;

	for (const char *p = f; *p; p++) {
		if (strncmp(p, "operator", 8) == 0)
			return name;
		if (*p == '<' || *p == '(') {
			if (*p == '(' && !depth && p > name)
				return name;
			depth++;
		} else if (*p == '>' || *p == ')') {
			depth -= depth > 0;
		} else if (*p == ' ' && !depth) {
			name = p + 1;
		}
	}
	return *f == '<' ? f : name;
}

/* sqlite3DbMallocRaw, CRYPTO_malloc, PyMem_RawRealloc, my_strdup: wrappers by their name. */
static int names_a_wrapper(const char *function)
{
	return strcasestr(function, "malloc") || strcasestr(function, "calloc") ||
	       strcasestr(function, "realloc") || strcasestr(function, "strdup");
}

int mm_naming_is_runtime(const char *function)
{
	for (size_t i = 0; i < sizeof exact_names / sizeof *exact_names; i++)
		if (strcmp(function, exact_names[i]) == 0)
			return 1;
	const char *name = qualified_name(function);
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return 1;
	/* A C++ or Rust name says so in its arguments and namespaces, too: only plain C. */
	return !strchr(function, ':') && !strchr(function, '(') && names_a_wrapper(function);
}
