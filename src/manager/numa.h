/* numa.h: which node's memory a manager's addresses prefer: for src/manager alone.
 *
 * Promise: asked of the system for whole ranges of addresses, so that it holds for pages that
 * come later, whoever touches them first; pages that are there stay where they are.
 * Never: a refusal that does harm.
 */
#ifndef MM_MANAGER_NUMA_H
#define MM_MANAGER_NUMA_H

#include <stdint.h>

struct mm_manager;
struct mm_heap;

/* A heap of the manager's that is new: it prefers what the manager does. */
void mm_numa_settle(struct mm_manager *m, const struct mm_heap *h);

/* The same of any of its ranges; under its lock. */
void mm_numa_settle_range(struct mm_manager *m, uint64_t base, uint64_t bytes);

#endif
