/* stack.c: from a hook's caller to a node (stack.h). */
#include "capture/stack.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "capture/calltree.h"
#include "capture/memo.h"
#include "capture/modules.h"
#include "capture/probe.h"
#include "capture/rows.h"
#include "capture/unwind.h"
#include "capture/walk.h"
#include "core/arch.h"
#include "core/error.h"
#include "core/shm.h"

enum {
	OWN_FRAMES = 16,   /* between our caller and the capture of registers, at most */
	SMALL_TRAIL = 40   /* frames kept when there is no memory for more */
};

static struct {
	struct mm_shm_control *control; /* NULL = not bound */
	uint32_t depth;
	uint32_t binding; /* counts mm_stack_bind() */
	_Atomic uint32_t slots; /* of `left` in use */
	_Atomic(struct mm_stack_memo *) left[MM_SHM_THREADS]; /* by thread slot */
} stacks;

/* --- binding ------------------------------------------------------------------------- */

int mm_stack_bind(void *base, uint32_t process, uint32_t depth)
{
	int err;

	if (depth < 1 || depth > MM_DEPTH_MAX)
		return MM_EINVAL;
	err = mm_calltree_bind(base, process);
	if (err == MM_OK)
		err = mm_modules_bind(base, process);
	if (err != MM_OK)
		return err;
	mm_memo_forget_all();
	for (uint32_t i = 0; i < stacks.slots; i++)
		atomic_store(&stacks.left[i], NULL);
	stacks.slots = 0;
	stacks.binding++;
	stacks.control = base;
	stacks.depth = depth;
	return MM_OK;
}

static struct mm_probe *probe_of(struct mm_stack_thread *t)
{
	_Static_assert(sizeof(struct mm_probe) <= sizeof t->private_words, "probe fits");
	return (struct mm_probe *)t->private_words;
}

void mm_stack_thread_adopt(struct mm_stack_thread *t, uint32_t slot)
{
	uint32_t used = atomic_load(&stacks.slots);

	*probe_of(t) = (struct mm_probe){ 0 };
	if (slot >= MM_SHM_THREADS)
		return;
	while (used <= slot && !atomic_compare_exchange_weak(&stacks.slots, &used, slot + 1))
		;
	if (!t->memo)
		t->memo = atomic_load(&stacks.left[slot]);
	if (!t->memo && stacks.control)
		t->memo = mm_memo_new(stacks.depth);
	atomic_store(&stacks.left[slot], t->memo);
}

void mm_stack_unloaded(void)
{
	if (stacks.control)
		atomic_fetch_add(&stacks.control->load_generation, 1);
}

/* --- all registers ----------------------------------------------------------------------- */

/* What a slow row needs: registers of one frame of the trail. */
struct registers_at {
	struct mm_registers regs;
	uint32_t frame, valid;
};

/* The registers of the hook's caller, by unwinding our own frames. */
__attribute__((noinline)) static int capture_caller(const struct mm_caller *from,
						    struct mm_reach *reach, uint32_t generation,
						    struct mm_registers *ret)
{
	mm_arch_capture(ret->reg);
	ret->interrupted = 1;
	ret->known = 1u << MM_REG_RBX | 1u << MM_REG_BP | 1u << MM_REG_SP | 1u << MM_REG_R12 |
		     1u << MM_REG_R13 | 1u << MM_REG_R14 | 1u << MM_REG_R15 | 1u << MM_REG_RA;
	for (int i = 0; i < OWN_FRAMES; i++) {
		if (mm_unwind_step(ret, reach, generation) != MM_UNWIND_OK)
			return -1;
		if (ret->reg[MM_REG_SP] == from->sp && ret->reg[MM_REG_RA] == from->ra)
			return 0;
	}
	return -1;
}

/* Brings *at to the trail's last frame. */
static int registers_reach(struct registers_at *at, struct mm_walk *w,
			   const struct mm_caller *from)
{
	const struct mm_frame *last = &w->trail->frame[w->trail->count - 1];

	if (!at->valid) {
		at->frame = 0;
		if (capture_caller(from, w->reach, w->generation, &at->regs) != 0)
			return -1;
		at->valid = 1;
	}
	for (; at->frame < w->trail->count - 1; at->frame++)
		if (mm_unwind_step(&at->regs, w->reach, w->generation) != MM_UNWIND_OK)
			return -1;
	return mm_unwind_place(&at->regs) == last->place && at->regs.reg[MM_REG_SP] == last->sp ?
		0 : -1;
}

static enum mm_walk_end slow_step(struct registers_at *at, struct mm_walk *w,
				  const struct mm_caller *from)
{
	enum mm_unwind_result r;

	if (registers_reach(at, w, from) != 0)
		return MM_WALK_CUT;
	if (w->trail->count == w->trail->limit)
		return MM_WALK_FULL;
	r = mm_unwind_step(&at->regs, w->reach, w->generation);
	if (r != MM_UNWIND_OK)
		return r == MM_UNWIND_END ? MM_WALK_WHOLE : MM_WALK_CUT;
	at->frame++;
	mm_walk_add(w, mm_unwind_place(&at->regs), at->regs.reg[MM_REG_SP],
		    at->regs.known >> MM_REG_BP & 1 ? &at->regs.reg[MM_REG_BP] : NULL);
	return MM_WALK_ON;
}

/* --- walking ------------------------------------------------------------------------------ */

static struct mm_path cut_path(void)
{
	return mm_calltree_child(mm_calltree_root(), (uint64_t)MM_NODE_CUT << 56, 0);
}

/* Entries of a memo are good for one load generation of one binding. */
static uint64_t memo_stamp(void)
{
	return (uint64_t)stacks.binding << 32 |
	       atomic_load_explicit(&stacks.control->load_generation, memory_order_acquire);
}

/* Hashes of the paths that end in the trail's first `count` frames, `hash` being that of
 * the path before them. */
static void hash_frames(struct mm_trail *t, uint32_t count, uint64_t hash)
{
	for (uint32_t i = count; i-- > 0; hash = t->frame[i].hash)
		t->frame[i].hash = mm_calltree_hash(hash, t->frame[i].place,
						    mm_row_module(t->frame[i].row));
}

static uint32_t node_of(const struct mm_frame *f, uint64_t row)
{
	return mm_calltree_find(f->hash, f->place, mm_row_module(row));
}

/* Makes the nodes of the trail's first `count` frames, from the outermost inwards. */
static uint32_t new_node(const struct mm_trail *t, uint32_t count, struct mm_path path)
{
	for (uint32_t i = count; i-- > 0;) {
		const struct mm_frame *f = &t->frame[i];
		path = mm_calltree_child(path, f->place, mm_row_module(f->row));
		if (path.node == 0)
			return 0;
	}
	return path.node;
}

/* The path before the frames that a walk has found itself; hash 0 = there is no room for
 * it. */
static struct mm_path outer_path(const struct mm_trail *t, int joined, enum mm_walk_end end)
{
	if (joined)
		return (struct mm_path){ 0, t->frame[t->count - 1].hash };
	return end == MM_WALK_WHOLE ? mm_calltree_root() : cut_path();
}

/* The node of the trail's innermost frame. `count` frames have been found by the walk, the
 * next one, if joined, has a node already. */
static uint32_t node_of_trail(const struct mm_walk *w, uint32_t count, int joined,
			      struct mm_path outer)
{
	const struct mm_frame *f = w->trail->frame, *next = f + count;
	uint32_t node = count > 0 ? node_of(f, f->row) : 0;

	if (node)
		return node;
	if (joined && (outer.node = node_of(next, mm_rows_get(next->place, w->generation))) == 0)
		return 0;
	return new_node(w->trail, count, outer);
}

static enum mm_walk_end walk_on(struct mm_walk *w, const struct mm_stack_memo *memo,
				struct mm_memo_join *join, const struct mm_caller *from)
{
	struct registers_at at;
	enum mm_walk_end end;

	at.valid = 0;
	do {
		if (join->entry && w->trail->plain &&
		    (end = mm_memo_join(memo, join, w)) != MM_WALK_ON)
			break;
		end = mm_walk_step(w);
		if (end == MM_WALK_SLOW)
			end = slow_step(&at, w, from);
	} while (end == MM_WALK_ON);
	return end;
}

/* Walks; `memo`, if not NULL, is joined where it can be and learns the result: that is
 * written while what is known of the node comes near. */
static uint32_t walk_stack(struct mm_trail *trail, struct mm_stack_memo *memo, uint64_t stamp,
			   struct mm_reach *reach, const struct mm_caller *from)
{
	struct mm_walk w = { .trail = trail, .reach = reach, .generation = (uint32_t)stamp };
	struct mm_memo_join join = { .entry = NULL };
	struct mm_memo_entry *entry = NULL;

	if (memo)
		mm_memo_join_begin(memo, stamp, &join);
	mm_walk_begin(&w, from->ra, from->sp, from->bp);
	enum mm_walk_end end = walk_on(&w, memo, &join, from);
	uint32_t count = trail->count - (join.joined != 0), node;
	struct mm_path outer = outer_path(trail, join.joined, end);
	if (outer.hash == 0)
		return 0;
	hash_frames(trail, count, outer.hash);
	mm_calltree_approach(trail->frame[0].hash);
	if (memo && trail->plain && !w.alien)
		entry = mm_memo_keep(memo, &join, &w, end);
	node = node_of_trail(&w, count, join.joined, outer);
	if (entry && node)
		mm_memo_seal(memo, entry, stamp, node);
	return node;
}

/* With a trail on our own stack: no memory for more. */
__attribute__((noinline)) static uint32_t walk_small(struct mm_reach *reach,
						     const struct mm_caller *from)
{
	struct mm_frame frame[SMALL_TRAIL];
	uint64_t value[SMALL_TRAIL * MM_WALK_WORDS];
	uint32_t offset[SMALL_TRAIL * MM_WALK_WORDS];
	struct mm_trail t = { .limit = stacks.depth < SMALL_TRAIL ? stacks.depth : SMALL_TRAIL,
			      .frame = frame, .value = value, .offset = offset };

	return walk_stack(&t, NULL, memo_stamp(), reach, from);
}

/* In a handler: the interrupted walk's memory is left alone. */
__attribute__((noinline)) static uint32_t walk_nested(struct mm_stack_memo *interrupted,
						      struct mm_reach *reach,
						      const struct mm_caller *from)
{
	struct mm_stack_memo *m = interrupted ? mm_memo_take_spare(interrupted) : NULL;
	uint32_t node;

	if (!m)
		return walk_small(reach, from);
	node = walk_stack(mm_memo_trail(m), NULL, memo_stamp(), reach, from);
	mm_memo_give_spare(interrupted, m);
	return node;
}

uint32_t mm_stack_node(struct mm_stack_thread *t, const struct mm_caller *from, int nested)
{
	struct mm_reach reach;
	uint64_t stamp;
	uint32_t node;

	if (!stacks.control)
		return 0;
	mm_reach_begin(&reach, probe_of(t), (uintptr_t)__builtin_frame_address(0), nested);
	if (__builtin_expect(nested, 0))
		return walk_nested(t->memo, &reach, from);
	if (__builtin_expect(!t->memo, 0))
		return walk_small(&reach, from);
	stamp = memo_stamp();
	if (mm_memo_find(t->memo, stamp, from->ra, from->sp, from->bp,
			 from->sp < reach.hi ? reach.hi : from->sp, &node))
		return node;
	return walk_stack(mm_memo_trail(t->memo), t->memo, stamp, &reach, from);
}

uint32_t mm_stack_category(uint32_t node, uint32_t name)
{
	return mm_stack_pool(node, name, 0);
}

uint32_t mm_stack_pool(uint32_t node, uint32_t name, uint32_t pool)
{
	if (!stacks.control)
		return node;
	return mm_calltree_child(mm_calltree_bare(node), (uint64_t)MM_NODE_CATEGORY << 56 | name,
				 pool).node;
}
