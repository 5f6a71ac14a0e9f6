/* damage.c: what the engine finds wrong, told with what is known of the block (mm_check.h). */
#include "manager/damage.h"

#include "alloc/heap_notes.h"
#include "core/error.h"
#include "manager/general.h"

_Static_assert((int)MM_CHECKING_FULL == (int)MM_CHECK_FULL &&
	       (int)MM_CHECKING_ON == (int)MM_CHECK_ON &&
	       (int)MM_CHECKING_SAMPLED == (int)MM_CHECK_SAMPLED, "levels are the engine's");
_Static_assert((int)MM_DAMAGE_DOUBLE_FREE == (int)MM_MISUSE_DOUBLE_FREE &&
	       (int)MM_DAMAGE_INTERIOR_FREE == (int)MM_MISUSE_INTERIOR_FREE &&
	       (int)MM_DAMAGE_INVALID_FREE == (int)MM_MISUSE_INVALID_FREE &&
	       (int)MM_DAMAGE_OVERRUN == (int)MM_MISUSE_OVERRUN &&
	       (int)MM_DAMAGE_UNDERRUN == (int)MM_MISUSE_UNDERRUN &&
	       (int)MM_DAMAGE_USE_AFTER_FREE == (int)MM_MISUSE_USE_AFTER_FREE,
	       "kinds are the engine's");

const char *mm_damage_name(enum mm_damage_kind kind)
{
	return (unsigned)kind < MM_DAMAGES ? mm_misuse_name((enum mm_misuse_kind)kind) : NULL;
}

static struct mm_damage damage_of(const struct mm_misuse *u)
{
	return (struct mm_damage){ .kind = (enum mm_damage_kind)u->kind,
		.address = (void *)(uintptr_t)u->addr, .block = (void *)(uintptr_t)u->block,
		.size = u->size, .offset = u->offset };
}

/* A block that is being freed has no note any more: its thread carries it. */
void mm_damage_found(void *arg, const struct mm_misuse *u)
{
	struct mm_manager *m = arg;
	struct mm_damage d = damage_of(u);
	uint64_t note = mm_rider_mine() ? mm_rider_mine()->freed_note : 0;

	if (u->kind < MM_MISUSE_WRONG_SIZE)
		mm_audit_add(m, &(struct mm_audit_record){ .kind = MM_AUDIT_DAMAGE,
			.bytes = (uint64_t)u->kind, .address = (void *)(uintptr_t)u->addr });
	if (!m->options.damaged || u->kind >= MM_MISUSE_WRONG_SIZE)
		return;
	if (note)
		mm_known_info(m, u->block, u->size, note, &d.info);
	else if (u->block && mm_info(m, (void *)(uintptr_t)u->block, &d.info))
		d.info.start = NULL;
	m->options.damaged(m->options.ctx, &d);
}

int mm_damage_refuse(struct mm_manager *m, struct mm_heap *h, uint64_t addr)
{
	struct mm_misuse u = { .kind = MM_MISUSE_INVALID_FREE, .addr = addr };
	struct mm_heap_block b;

	if (!m)
		return MM_EINVAL;
	if (h && mm_heap_block_at(h, addr, &b) == MM_OK) {
		int is_live = __atomic_load_n((uint64_t *)b.note, __ATOMIC_ACQUIRE) != 0;
		if (b.addr == addr)
			u.kind = MM_MISUSE_DOUBLE_FREE;
		else if (is_live)
			u.kind = MM_MISUSE_INTERIOR_FREE;
		u.block = b.addr;
		u.size = b.requested;
		u.offset = (int64_t)(addr - b.addr);
	}
	mm_damage_found(m, &u);
	return MM_EINVAL;
}

int mm_validate(struct mm_manager *m)
{
	int err = MM_OK, also = MM_OK;

	if (!(m = mm_general_of(m)))
		return MM_OK;
	if (atomic_load(&m->heap))
		err = mm_heap_validate(m->heap);
	if (atomic_load(&m->movables.heap))
		also = mm_heap_validate(m->movables.heap);
	return err ? err : also;
}

int mm_fault(const struct mm_manager *m, const void *address, struct mm_damage *ret)
{
	struct mm_misuse u;
	struct mm_heap *h, *v;

	if (!(m = mm_general_of((struct mm_manager *)m)))
		return MM_ENOENT;
	h = atomic_load(&m->heap);
	v = atomic_load(&m->movables.heap);
	if ((!h || mm_heap_fault(h, (uintptr_t)address, &u)) &&
	    (!v || mm_heap_fault(v, (uintptr_t)address, &u)))
		return MM_ENOENT;
	*ret = damage_of(&u);
	return MM_OK;
}
