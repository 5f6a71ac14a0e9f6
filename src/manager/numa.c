/* numa.c: memory policies of ranges of addresses, by the system calls alone (numa.h). */
#include "manager/numa.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/error.h"
#include "manager/general.h"

enum { NODES = 1024, NOBODYS = -1 };

/* The kernel reads one bit less than it is told of. */
static int prefer(uint64_t base, uint64_t bytes, int node)
{
	unsigned long nodes[NODES / 64 + 1] = { 0 };
	long err;

	if (node == NOBODYS) {
		err = syscall(SYS_mbind, base, bytes, MPOL_DEFAULT, NULL, 0ul, 0ul);
	} else {
		nodes[node / 64] = 1ul << node % 64;
		err = syscall(SYS_mbind, base, bytes, MPOL_PREFERRED, nodes, NODES + 1ul, 0ul);
	}
	if (!err)
		return MM_OK;
	return errno == EINVAL ? MM_EINVAL : errno == ENOMEM ? MM_ENOMEM : MM_EUNSUP;
}

static int prefer_in_heap(const struct mm_heap *h, int node)
{
	uint64_t base, bytes;

	if (!h)
		return MM_OK;
	mm_heap_addresses(h, &base, &bytes);
	return prefer(base, bytes, node);
}

static int prefer_everywhere(struct mm_manager *m, int node)
{
	int err = prefer(m->vspace.base, m->vspace.bytes, node);

	if (!err)
		err = mm_voxel_pools_each_range(m, prefer, node);
	if (!err)
		err = prefer_in_heap(atomic_load(&m->heap), node);
	return err ? err : prefer_in_heap(atomic_load(&m->movables.heap), node);
}

void mm_numa_settle(struct mm_manager *m, const struct mm_heap *h)
{
	if (m->node_said)
		prefer_in_heap(h, m->node_said - 1);
}

void mm_numa_settle_range(struct mm_manager *m, uint64_t base, uint64_t bytes)
{
	if (m->node_said)
		prefer(base, bytes, m->node_said - 1);
}

uint32_t mm_numa_nodes(void)
{
	unsigned long nodes[NODES / 64 + 1] = { 0 };

	if (syscall(SYS_get_mempolicy, NULL, nodes, NODES + 1ul, NULL,
		    (long)MPOL_F_MEMS_ALLOWED) || !nodes[0])
		return 1;
	return 64 - (uint32_t)__builtin_clzl(nodes[0]);
}

uint32_t mm_numa_here(void)
{
	unsigned node = 0;

	return syscall(SYS_getcpu, NULL, &node, NULL) ? 0 : node;
}

int mm_numa_place(void *arg, uint64_t addr, uint64_t bytes, uint32_t node)
{
	(void)arg;
	return prefer(addr, bytes, (int)node);
}

int mm_numa_is_supported(const struct mm_manager *m)
{
	int mode;

	return syscall(SYS_get_mempolicy, &mode, NULL, 0ul, m->vspace.base, (long)MPOL_F_ADDR) == 0;
}

int mm_numa_policy_set(struct mm_manager *m, int is_on, int preferred_node)
{
	int err, node = is_on ? preferred_node : NOBODYS;

	if (is_on && (preferred_node < 0 || preferred_node >= NODES))
		return MM_EINVAL;
	if (!(m = mm_general_of(m)))
		return MM_ENOMEM;
	if (mm_seal_check(m, "mm_numa_policy_set"))
		return MM_EPERM;
	mm_lock_take(&m->lock);
	err = m->node_said == node + 1 ? MM_OK : prefer_everywhere(m, node);
	if (!err)
		m->node_said = node + 1;
	else
		prefer_everywhere(m, m->node_said - 1); /* what it was */
	mm_lock_give(&m->lock);
	if (!err)
		mm_audit_add(m, &(struct mm_audit_record){ .kind = MM_AUDIT_POLICY,
							   .call = "mm_numa_policy_set" });
	return err;
}

int mm_numa_node(struct mm_manager *m)
{
	int node = NOBODYS;

	if (!(m = mm_general_of(m)))
		return node;
	mm_lock_take(&m->lock);
	node = m->node_said - 1;
	mm_lock_give(&m->lock);
	return node;
}
