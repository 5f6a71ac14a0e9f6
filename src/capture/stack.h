/* stack.h: from a hook's caller to a node of the call tree.
 *
 * Promise: the node returned names exactly the stack that a fresh walk by the
 * program's own unwind tables would give at this moment; where the walk could
 * not go on the stack ends under a MM_NODE_CUT node. Costs a few nanoseconds a
 * frame when the stack is one seen before. Reads nothing that a walk would not
 * read and nothing that is not proven readable.
 *
 * Vocabulary
 *   row, memo  capture/rows.h, capture/memo.h; node as in core/shm.h
 *   value      of a frame's node: its return address; of a frame that a signal
 *              interrupted, the address of the interrupted instruction + 1: so
 *              value - 1 always lies in the instruction the frame stands at
 *   cut        a stack that could not be followed to its end: no unwind table
 *              for an address, memory that is not readable, or more than `depth`
 *              frames, of which the innermost are kept. Its outermost frame's
 *              parent is the one MM_NODE_CUT child of the root.
 *
 * Never: malloc, a lock, the loader's lock, stdio, a change of errno.
 */
#ifndef MM_CAPTURE_STACK_H
#define MM_CAPTURE_STACK_H

#include <stdint.h>

/* Where the hook was called from: return address, stack pointer just after the
 * return (the hook's CFA), and the caller's frame-pointer register. */
struct mm_caller {
	uint64_t ra, sp, bp;
};

/* Of the function this is expanded in, which must be compiled with frame
 * pointers (the hooks are). */
#define MM_CALLER_HERE()                                                        \
	((struct mm_caller){                                                    \
		.ra = (uint64_t)__builtin_return_address(0),                    \
		.sp = (uint64_t)__builtin_frame_address(0) + 16,                \
		.bp = *(uint64_t *)__builtin_frame_address(0) })

/* One thread's memo. The storage belongs to the caller's thread-local block and
 * is zero at first; memory it maps is kept for the next thread that is given the
 * same thread slot (mm_stack_thread_adopt). */
struct mm_stack_memo;

struct mm_stack_thread {
	struct mm_stack_memo *memo;
	uint64_t private_words[14]; /* for stack.c: readable ranges and so on */
};

/* Binds the module to process slot `process` of the mapping at `base`. Called
 * once at attach and again in a forked child, whose tree then starts empty: the
 * slot gets a directory segment, node 0 (the root) and module 0 (unknown), with
 * the modules known so far under their old numbers; memos are no longer believed.
 * `depth` frames are kept, 1 .. MM_DEPTH_MAX, the same in a child. Returns 0,
 * MM_EINVAL, or MM_ENOSPC when the mapping has no room. Single-threaded. */
int mm_stack_bind(void *base, uint32_t process, uint32_t depth);

/* Prepares *t for the calling thread, which owns thread slot `slot`; reuses the
 * memo memory that the slot's former owner left. Signal-safe, never fails: with
 * no memory the thread walks without memo. */
void mm_stack_thread_adopt(struct mm_stack_thread *t, uint32_t slot);

/* The node of the calling thread's stack, seen from *from. `nested` is true in a
 * hook entered while another of the same thread is at work (signal handler): the
 * memo is then left alone. 0 (the root) when nothing can be said. Signal-safe; it
 * may be left for good at any instruction (longjmp out of a signal handler), so
 * an entry of the memo is made unbelievable before it is rewritten. */
uint32_t mm_stack_node(struct mm_stack_thread *t, const struct mm_caller *from, int nested);

/* The child of `node` for program-given category `name` (number in the shared
 * name table). Signal-safe, lock-free. */
uint32_t mm_stack_category(uint32_t node, uint32_t name);

/* The same for a block of pool `pool` (not 0); name 0 = the pool's is the only word on it. */
uint32_t mm_stack_pool(uint32_t node, uint32_t name, uint32_t pool);

/* Tells that a module may have been unloaded: raises the load generation. */
void mm_stack_unloaded(void);

#endif
