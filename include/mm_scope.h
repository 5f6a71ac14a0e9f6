/* mm_scope.h: things of libmm that end with the block of C that they are declared in, by the
 * cleanup attribute of gcc and clang. mm.h does not include it.
 *
 *	MM_SCOPED_CATEGORY(MM_CATEGORY_MESH_DATA);     // until the closing brace
 *	MM_SCOPED_MANAGER *m = NULL;                   // destroyed there, pools and all
 *	MM_SCOPED_POOL *nodes = NULL;
 *	MM_SCOPED_BLOCK char *text = mm_alloc(NULL, 80); // of the default manager
 *
 * Promise: what was never made is nothing: begin with NULL. A scope ends by its brace, return,
 * break, continue and goto out of it; not by longjmp or exit.
 * Never: more than the call that a program would write itself.
 */
#ifndef MM_SCOPE_H
#define MM_SCOPE_H

#include "mm.h"

static inline void mm_scope_manager(struct mm_manager **m)
{
	mm_manager_destroy(*m);
}

static inline void mm_scope_pool(struct mm_pool **p)
{
	mm_pool_destroy(*p);
}

/* At a pointer of any type. */
static inline void mm_scope_block(void *at)
{
	mm_free(NULL, *(void **)at);
}

static inline uint32_t mm_scope_begin(uint32_t category)
{
	mm_category_begin(category);
	return category;
}

static inline void mm_scope_end(uint32_t *category)
{
	(void)category;
	mm_category_end();
}

#define MM_SCOPED_MANAGER __attribute__((cleanup(mm_scope_manager))) struct mm_manager
#define MM_SCOPED_POOL __attribute__((cleanup(mm_scope_pool))) struct mm_pool
#define MM_SCOPED_BLOCK __attribute__((cleanup(mm_scope_block)))

/* Several may be in one scope: they end in the reverse order. */
#define MM_SCOPE_NAME_(a, b) a##b
#define MM_SCOPE_NAME(a, b) MM_SCOPE_NAME_(a, b)
#define MM_SCOPED_CATEGORY(category)                                             \
	__attribute__((cleanup(mm_scope_end), unused)) uint32_t MM_SCOPE_NAME(   \
		mm_scope_at_, __LINE__) = mm_scope_begin(category)

#endif
