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

/* The same of any of its ranges; under its lock. */
void mm_numa_settle_range(struct mm_manager *m, uint64_t base, uint64_t bytes);

/* Nodes that the process may use, the highest and 1, at most MM_HEAP_NODES; 1 where the system
 * does not say. The node that the caller runs on now, 0 likewise. */
uint32_t mm_numa_nodes(void);
uint32_t mm_numa_here(void);

/* heap.h, place: the range prefers the node. */
int mm_numa_place(void *arg, uint64_t addr, uint64_t bytes, uint32_t node);

/* Whether the system lets a program say what it prefers. */
int mm_numa_is_supported(const struct mm_manager *m);

#endif
