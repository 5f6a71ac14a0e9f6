/* calltree.h: paths to nodes of the shared call tree.
 *
 * Promise: a path has one node however many threads ask at once; a node is complete in
 * the shared mapping before its number can be seen. The loser of a race may waste a
 * number, never give a wrong one.
 * Vocabulary: node as in core/shm.h; path = a node with the hash of all that leads to it.
 * Paths are told apart by 64 bits of hash and 32 of their last step: so a path that is
 * known is found at once, and neither it nor its parents are looked at. The index over the
 * nodes is private memory.
 * Never: a lock, an allocation other than mmap, errno. Signal-safe.
 */
#ifndef MM_CAPTURE_CALLTREE_H
#define MM_CAPTURE_CALLTREE_H

#include <stdint.h>

#include "core/shm.h"

/* Binds to process slot `process` of the mapping at base, with an empty tree:
 * the directory segment is new, node 0 is the root and module 0 is unknown.
 * Single-threaded. MM_ENOSPC when the mapping is full. */
int mm_calltree_bind(void *base, uint32_t process);

struct mm_path {
	uint32_t node; /* 0 = the root */
	uint64_t hash; /* of the root as mm_calltree_root() says, else mm_calltree_hash() */
};

/* The root: another hash after each binding, so that a walk that began in the parent of
 * this process and goes on here enters nothing that is ever found. */
struct mm_path mm_calltree_root(void);

/* Of a path, by that of its parent; one to one for a given last step. */
static inline uint64_t mm_calltree_hash(uint64_t parent, uint64_t value_kind, uint32_t module)
{
	uint64_t h = (value_kind ^ (uint64_t)module << 40) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ h >> 32 ^ parent) * UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

/* The child of `parent`, made if it is new; value_kind as in struct mm_shm_node.
 * Node and hash 0 when there is no room for it. */
struct mm_path mm_calltree_child(struct mm_path parent, uint64_t value_kind, uint32_t module);

/* The node of the path that has this hash and this last step, 0 = it is new. */
uint32_t mm_calltree_find(uint64_t hash, uint64_t value_kind, uint32_t module);

/* Asks for what a coming call with that hash will look at. */
void mm_calltree_approach(uint64_t hash);

/* The path of a node of which nobody keeps the hash: to be its own, always. For parents of
 * categories. */
struct mm_path mm_calltree_bare(uint32_t node);

/* Checks every node against the index: 0, or the number of a node that cannot be
 * found by its own path. Single-threaded; for tests. */
uint32_t mm_calltree_check(void);

#endif
