/* memo.c: see memo.h. */
#include "capture/memo.h"

#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "core/arch.h"

struct mm_stack_memo {
	uint64_t bytes;
	struct mm_trail trail;
};

struct mm_stack_memo *mm_memo_new(uint32_t depth)
{
	uint64_t words = (uint64_t)depth * MM_WALK_WORDS;
	uint64_t bytes = sizeof(struct mm_stack_memo) + depth * sizeof(struct mm_frame) +
			 words * (sizeof(uint64_t) + sizeof(uint32_t));
	int64_t p = mm_arch_syscall(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, ~UINT64_C(0), 0);
	struct mm_stack_memo *m = (struct mm_stack_memo *)(uintptr_t)p;

	if (p < 0 && p > -4096)
		return NULL;
	m->bytes = bytes;
	m->trail.limit = depth;
	m->trail.frame = (struct mm_frame *)(m + 1);
	m->trail.value = (uint64_t *)(m->trail.frame + depth);
	m->trail.offset = (uint32_t *)(m->trail.value + words);
	return m;
}

struct mm_trail *mm_memo_trail(struct mm_stack_memo *m)
{
	return &m->trail;
}

void mm_memo_free(struct mm_stack_memo *m)
{
	mm_arch_syscall(SYS_munmap, (uintptr_t)m, m->bytes, 0, 0, 0, 0);
}
