/* calltree.c: the index of the call tree (calltree.h).
 *
 * An entry is two words, set at once: the hash, and half of the last step with the node's
 * number. So the nodes themselves, which would be another miss, are not looked at. Levels of
 * buckets, each a cache line: an entry goes to the first level whose bucket has a vacant way,
 * ways fill in order and are never vacated. So two threads with the same path meet at the
 * same way, and a vacant way ends a search. */
#include "capture/calltree.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "capture/segments.h"
#include "capture/touch.h"
#include "core/arch.h"
#include "core/error.h"

enum { TREE_LEVELS = 5, TREE_WAYS = 4, HUGE = 2 << 20 /* bytes of a large page */ };

/* Log2 of the buckets of each level. They grow by little at first: a level is crowded before
 * the next is needed, and crowded lines are few. */
static const uint8_t tree_bits[TREE_LEVELS] = { 11, 13, 16, 19, 23 };

struct entry {
	_Atomic uint64_t hash; /* 0 = vacant */
	_Atomic uint64_t step_node;
};

struct bucket {
	_Alignas(64) struct entry way[TREE_WAYS];
};

static struct {
	void *base;
	struct mm_shm_process *process;
	struct mm_shm_dir *dir;
	_Atomic(struct bucket *) level[TREE_LEVELS];
	uint64_t salt; /* of this binding */
} tree;

struct mm_path mm_calltree_root(void)
{
	return (struct mm_path){ 0, tree.salt };
}

struct mm_path mm_calltree_bare(uint32_t node)
{
	return (struct mm_path){ node, tree.salt + node };
}

/* --- levels ----------------------------------------------------------------------------- */

static uint64_t tree_level_bytes(int level)
{
	return sizeof(struct bucket) << tree_bits[level];
}

/* Entries come anywhere in a level, so each page of it would be a fault of its own. */
static void make_ready(struct bucket *b, uint64_t bytes)
{
	if (bytes < HUGE)
		mm_touch(b, bytes);
	else
		mm_arch_syscall(SYS_madvise, (uintptr_t)b, bytes, MADV_HUGEPAGE, 0, 0, 0);
}

static struct bucket *tree_level(int level)
{
	struct bucket *b = atomic_load_explicit(&tree.level[level], memory_order_acquire);
	struct bucket *none = NULL;
	int64_t p;

	if (__builtin_expect(b != NULL, 1))
		return b;
	p = mm_arch_syscall(SYS_mmap, 0, tree_level_bytes(level), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, ~UINT64_C(0), 0);
	if (p < 0 && p > -4096)
		return NULL;
	b = (struct bucket *)(uintptr_t)p;
	make_ready(b, tree_level_bytes(level));
	if (atomic_compare_exchange_strong(&tree.level[level], &none, b))
		return b;
	mm_arch_syscall(SYS_munmap, (uint64_t)p, tree_level_bytes(level), 0, 0, 0, 0);
	return none;
}

/* --- nodes -------------------------------------------------------------------------------- */

static inline struct mm_shm_node *node_at(uint32_t node)
{
	uint32_t seg = atomic_load_explicit(&tree.dir->nodes[node / MM_NODES_PER_SEG],
					    memory_order_relaxed);

	return (struct mm_shm_node *)mm_shm_seg(tree.base, seg) + node % MM_NODES_PER_SEG;
}

/* A complete node that nobody knows of yet; 0 when there is no room. */
static uint32_t node_new(uint32_t parent, uint64_t value_kind, uint32_t module)
{
	_Atomic uint32_t *count = &tree.process->node_count;
	uint32_t n = atomic_load_explicit(count, memory_order_relaxed);

	do {
		if (n / MM_NODES_PER_SEG >= MM_NODE_DIR ||
		    mm_segment_of(tree.base, &tree.dir->nodes[n / MM_NODES_PER_SEG], 0) == 0)
			return 0;
	} while (!atomic_compare_exchange_weak_explicit(count, &n, n + 1, memory_order_acq_rel,
							memory_order_relaxed));
	*node_at(n) = (struct mm_shm_node){ .value_kind = value_kind, .parent = parent,
					    .module = module };
	return n;
}

/* --- index ---------------------------------------------------------------------------------- */

/* Half of a last step, which 64 bits of hash agree on already. */
static inline uint64_t step_of(uint64_t value_kind, uint32_t module)
{
	return (value_kind ^ value_kind >> 24 ^ (uint64_t)module << 16) << 32;
}

/* The node of an entry when it is that of the path, else 0. */
static inline uint32_t node_in(const struct entry *e, uint64_t hash, uint64_t step)
{
	uint64_t is_it = atomic_load_explicit(&e->hash, memory_order_acquire) == hash;
	uint64_t have = atomic_load_explicit(&e->step_node, memory_order_relaxed);

	return is_it && (have ^ step) >> 32 == 0 ? (uint32_t)have : 0;
}

/* Finds or enters a path; *made is the node to enter, 0 while there is none. */
static uint32_t search_bucket(struct bucket *b, uint64_t hash, uint32_t parent,
			      uint64_t value_kind, uint32_t module, uint32_t *made, int *full)
{
	uint64_t step = step_of(value_kind, module);
	uint32_t node;

	*full = 0;
	for (int i = 0; i < TREE_WAYS; i++) {
		struct entry *e = &b->way[i];
		if (atomic_load_explicit(&e->hash, memory_order_acquire) == 0) {
			if (*made == 0)
				*made = node_new(parent, value_kind, module);
			if (*made == 0)
				return 0;
			if (mm_arch_cas_pair(e, hash, step | *made))
				return *made;
		}
		if ((node = node_in(e, hash, step)) != 0)
			return node;
	}
	*full = 1;
	return 0;
}

/* Without a branch: which way it is cannot be foretold. */
static inline uint32_t node_in_bucket(const struct bucket *b, uint64_t hash, uint64_t step)
{
	uint32_t node = 0;

	for (int i = 0; i < TREE_WAYS; i++)
		node |= node_in(&b->way[i], hash, step);
	return node;
}

static inline uint64_t bucket_of(uint64_t hash, int level)
{
	return hash >> (64 - tree_bits[level]);
}

/* A node that stands in one of the first two levels, where nearly all do; 0 = it must be
 * sought. Both are looked at, whichever has it. */
static inline uint32_t known_node(uint64_t hash, uint64_t value_kind, uint32_t module)
{
	uint64_t step = step_of(value_kind, module);
	uint32_t node = 0;

	for (int level = 0; level < 2; level++) {
		const struct bucket *b =
			atomic_load_explicit(&tree.level[level], memory_order_acquire);
		if (!b)
			return node;
		node |= node_in_bucket(b + bucket_of(hash, level), hash, step);
	}
	return node;
}

struct mm_path mm_calltree_child(struct mm_path parent, uint64_t value_kind, uint32_t module)
{
	uint64_t hash = mm_calltree_hash(parent.hash, value_kind, module);
	uint32_t made = 0, known = known_node(hash, value_kind, module);

	if (known)
		return (struct mm_path){ known, hash };
	for (int level = 0; level < TREE_LEVELS; level++) {
		struct bucket *b = tree_level(level);
		int full;
		if (!b)
			break;
		b += bucket_of(hash, level);
		uint32_t n = search_bucket(b, hash, parent.node, value_kind, module, &made, &full);
		if (!full)
			return (struct mm_path){ n, n ? hash : 0 };
	}
	return (struct mm_path){ 0, 0 };
}

uint32_t mm_calltree_find(uint64_t hash, uint64_t value_kind, uint32_t module)
{
	uint32_t known = known_node(hash, value_kind, module);

	for (int level = 2; !known && level < TREE_LEVELS; level++) {
		struct bucket *b = atomic_load_explicit(&tree.level[level], memory_order_acquire);
		if (!b)
			break;
		known = node_in_bucket(b + bucket_of(hash, level), hash,
				       step_of(value_kind, module));
	}
	return known;
}

/* Two levels hold what most programs have. */
void mm_calltree_approach(uint64_t hash)
{
	for (int level = 0; level < 2; level++) {
		struct bucket *b = atomic_load_explicit(&tree.level[level], memory_order_acquire);
		if (b)
			__builtin_prefetch(&b[bucket_of(hash, level)]);
	}
}

/* --- binding ------------------------------------------------------------------------------------ */

int mm_calltree_bind(void *base, uint32_t process)
{
	struct mm_shm_process *p = mm_shm_process(base, process);
	uint32_t dir;

	mm_segments_forget();
	atomic_store(&p->dir_seg, 0);
	dir = mm_segment_of(base, &p->dir_seg, 1);
	if (dir == 0)
		return MM_ENOSPC;
	tree.base = base;
	tree.salt += UINT64_C(0x9e3779b97f4a7c15);
	tree.process = p;
	tree.dir = (struct mm_shm_dir *)mm_shm_seg(base, dir);
	for (int i = 0; i < TREE_LEVELS; i++) {
		struct bucket *b = atomic_load(&tree.level[i]);
		if (b)
			mm_arch_syscall(SYS_madvise, (uintptr_t)b, tree_level_bytes(i),
					MADV_DONTNEED, 0, 0, 0);
	}
	if (mm_segment_of(base, &tree.dir->nodes[0], 0) == 0)
		return MM_ENOSPC;
	*node_at(0) = (struct mm_shm_node){ 0 };
	atomic_store(&p->node_count, 1);
	atomic_store(&p->module_count, 1);
	return MM_OK;
}

/* The hash of a node by its way from the root. */
static struct mm_path path_of(uint32_t node)
{
	struct mm_path p = mm_calltree_root();
	uint32_t child = node, above;

	while (p.node != node) {
		for (child = node; (above = node_at(child)->parent) != p.node; child = above)
			;
		const struct mm_shm_node *n = node_at(child);
		if (MM_NODE_KIND(n->value_kind) == MM_NODE_CATEGORY)
			p = mm_calltree_bare(p.node);
		p.hash = mm_calltree_hash(p.hash, n->value_kind, n->module);
		p.node = child;
	}
	return p;
}

uint32_t mm_calltree_check(void)
{
	uint32_t count = atomic_load(&tree.process->node_count);

	for (uint32_t i = 1; i < count; i++) {
		const struct mm_shm_node *n = node_at(i);
		if (n->parent >= i)
			return i;
		struct mm_path parent = MM_NODE_KIND(n->value_kind) == MM_NODE_CATEGORY
			? mm_calltree_bare(n->parent) : path_of(n->parent);
		struct mm_path found = mm_calltree_child(parent, n->value_kind, n->module);
		if (found.node == 0 || atomic_load(&tree.process->node_count) != count)
			return i;
	}
	return 0;
}
