/* nodes.h: which node's memory a range of addresses prefers, by the system calls alone: for
 * src/manager, whether a manager is there or not.
 *
 * Promise: asked of the system for whole ranges, so that it holds for pages that come later,
 * whoever touches them first. errno stays as it was.
 * Never: a library for it (libnuma); an allocation.
 */
#ifndef MM_MANAGER_NODES_H
#define MM_MANAGER_NODES_H

#include <stdint.h>

enum { MM_NODES_MOST = 1024, MM_NODES_NOBODYS = -1 };

/* Pages that are there stay where they are. node below MM_NODES_MOST, or MM_NODES_NOBODYS: as the
 * system does by itself. MM_EINVAL: no such node; MM_ENOMEM; MM_EUNSUP. */
int mm_nodes_prefer(uint64_t base, uint64_t bytes, int node);

/* heap.h, place: the range prefers the node, and pages that are there move to it. */
int mm_nodes_place(void *arg, uint64_t addr, uint64_t bytes, uint32_t node);

/* Nodes that the process may use, the highest and 1; 1 where the system does not say. The node
 * that the caller runs on now, 0 likewise. */
uint32_t mm_nodes_count(void);
uint32_t mm_nodes_here(void);

/* Whether the system lets a program say what addresses like that one prefer. */
int mm_nodes_is_supported(uint64_t addr);

#endif
