/* runtime_names.c: which functions only pass memory on (naming.h).
 *
 * Such frames at the inner end of a stack say nothing about who wanted the memory, so
 * views look past them. A name belongs here when its callers, never itself, decide.
 */
#include <stddef.h>
#include <string.h>

#include "model/naming.h"

static const char *const exact_names[] = {
	"__libc_calloc", "__libc_malloc", "__libc_memalign", "__libc_realloc",
	"__rdl_alloc", "__rdl_realloc", "__rg_alloc", "__rg_realloc",
	"__rust_alloc", "__rust_alloc_zeroed", "__rust_realloc",
	"__strdup", "__strndup", "_Znaj", "_Znam", "_Znwj", "_Znwm",
	"aligned_alloc", "calloc", "g_malloc", "g_malloc0", "g_malloc0_n", "g_malloc_n",
	"g_memdup", "g_memdup2", "g_realloc", "g_realloc_n", "g_strdup", "g_strndup",
	"g_try_malloc", "malloc", "memalign", "posix_memalign", "pvalloc", "realloc",
	"reallocarray", "strdup", "strndup", "valloc", "xcalloc", "xmalloc", "xmemdup",
	"xrealloc", "xstrdup", "xstrndup", "xzalloc",
};

static const char *const prefixes[] = {
	"operator new", "std::", "__gnu_cxx::", "alloc::", "<alloc::", "<T as alloc::",
	"hashbrown::raw::",
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

int mm_naming_is_runtime(const char *function)
{
	for (size_t i = 0; i < sizeof exact_names / sizeof *exact_names; i++)
		if (strcmp(function, exact_names[i]) == 0)
			return 1;
	const char *name = qualified_name(function);
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return 1;
	return 0;
}
