/* numa.c: the node that a manager prefers (numa.h). */
#include "manager/numa.h"

#include "core/error.h"
#include "manager/general.h"
#include "manager/nodes.h"

static int prefer_in_heap(const struct mm_heap *h, int node)
{
	uint64_t base, bytes;

	if (!h)
		return MM_OK;
	mm_heap_addresses(h, &base, &bytes);
	return mm_nodes_prefer(base, bytes, node);
}

static int prefer_everywhere(struct mm_manager *m, int node)
{
	int err = mm_nodes_prefer(m->vspace.base, m->vspace.bytes, node);

	if (!err)
		err = mm_voxel_pools_each_range(m, mm_nodes_prefer, node);
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
		mm_nodes_prefer(base, bytes, m->node_said - 1);
}

int mm_numa_policy_set(struct mm_manager *m, int is_on, int preferred_node)
{
	int err, node = is_on ? preferred_node : MM_NODES_NOBODYS;

	if (is_on && (preferred_node < 0 || preferred_node >= MM_NODES_MOST))
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
	int node = MM_NODES_NOBODYS;

	if (!(m = mm_general_of(m)))
		return node;
	mm_lock_take(&m->lock);
	node = m->node_said - 1;
	mm_lock_give(&m->lock);
	return node;
}
