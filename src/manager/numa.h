/* numa.h: which node's memory a manager's addresses prefer: for src/manager alone.
 *
 * Promise: asked of the system for whole ranges of addresses, so that it holds for pages that
 * come later, whoever touches them first; pages that are there stay where they are.
 * Never: a library for it (libnuma); a refusal that does harm.
 */
#ifndef MM_MANAGER_NUMA_H
#define MM_MANAGER_NUMA_H

#include <stdint.h>

struct mm_manager;
struct mm_heap;

/* A heap of the manager's that is new: it prefers what the manager does. */
void mm_numa_settle(struct mm_manager *m, const struct mm_heap *h);

/* Whether the system lets a program say what it prefers. */
int mm_numa_is_supported(const struct mm_manager *m);

#endif
