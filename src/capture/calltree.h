/* calltree.h: (parent, value, module) to a node of the shared call tree.
 *
 * Promise: a triple has one number however many threads ask at once; a node is
 * complete in the shared mapping before its number can be seen. The loser of a
 * race may waste a number, never give a wrong one.
 * Vocabulary: node as in core/shm.h. The index over the nodes is private memory.
 * Never: a lock, an allocation other than mmap, errno. Signal-safe.
 */
#ifndef MM_CAPTURE_CALLTREE_H
#define MM_CAPTURE_CALLTREE_H

#include <stdint.h>

#include "core/shm.h"

/* Binds to process slot `process` of the mapping at base, with an empty tree:
 * the directory segment is new, node 0 is the root and module 0 is unknown. Single-threaded. MM_ENOSPC when the mapping is full. */
int mm_calltree_bind(void *base, uint32_t process);

/* The child of `parent`, made if it is new; value_kind as in struct mm_shm_node.
 * 0 when there is no room for it. */
uint32_t mm_calltree_child(uint32_t parent, uint64_t value_kind, uint32_t module);

/* Checks every node against the index: 0, or the number of a node that cannot be
 * found by its own triple. Single-threaded; for tests. */
uint32_t mm_calltree_check(void);

#endif
