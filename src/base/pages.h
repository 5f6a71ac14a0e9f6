/* pages.h: growing arrays of which the unused part costs nothing.
 *
 * Promise: items never written are zero and take no memory, whatever the capacity; growing
 * moves page tables, not bytes. For the few arrays that become large.
 * Vocabulary: capacity = items of address space at hand.
 * Not shared between threads.
 */
#ifndef MM_BASE_PAGES_H
#define MM_BASE_PAGES_H

#include <stddef.h>

/* Makes room for `want` items of `size` bytes (at least doubling *cap) in *array, a `T *`
 * that is NULL at first: 0, or MM_ENOMEM, nothing being changed. */
int mm_pages_grow(void *array, size_t *cap, size_t want, size_t size);

/* Gives everything back; array as above. */
void mm_pages_free(void *array, size_t *cap, size_t size);

/* All items are zero again; the memory is given back, the capacity stays. */
void mm_pages_clear(void *array, size_t cap, size_t size);

/* MM_PAGES_GROW(a, cap, want): for a `T *a; size_t cap`. */
#define MM_PAGES_GROW(a, cap, want) mm_pages_grow(&(a), &(cap), (want), sizeof *(a))
#define MM_PAGES_FREE(a, cap) mm_pages_free(&(a), &(cap), sizeof *(a))

#endif
