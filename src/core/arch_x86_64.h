/* arch_x86_64.h: everything the tree knows about x86-64, in one file.
 *
 * Another architecture is another file with the same names, chosen by arch.h.
 * Vocabulary: stamp = a reading of the processor's time counter; DWARF register numbers follow the System V psABI,
 * figure 3.36.
 * Safe in a signal handler and in somebody else's process: no call, no state.
 */
#ifndef MM_CORE_ARCH_X86_64_H
#define MM_CORE_ARCH_X86_64_H

#include <emmintrin.h>
#include <stdint.h>

#define MM_ARCH_NAME "x86_64"

enum {
	MM_REG_RAX = 0, MM_REG_RDX = 1, MM_REG_RCX = 2, MM_REG_RBX = 3,
	MM_REG_RSI = 4, MM_REG_RDI = 5, MM_REG_BP = 6, MM_REG_SP = 7,
	MM_REG_R8 = 8, MM_REG_R9 = 9, MM_REG_R10 = 10, MM_REG_R11 = 11,
	MM_REG_R12 = 12, MM_REG_R13 = 13, MM_REG_R14 = 14, MM_REG_R15 = 15,
	MM_REG_RA = 16, MM_REG_COUNT = 17
};

/* Time counter, ordered after earlier loads (RDTSCP). Plain RDTSC can run
 * ahead of the load that received an object from another thread. */
static inline uint64_t mm_arch_stamp(void)
{
	uint32_t lo, hi, aux;
	__asm__ volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

/* The same where nothing comes from another thread (RDTSC): it need not wait for loads, and
 * costs 7 ns instead of 12. Readings wait for nothing, so that one is not made before the one
 * in front of it, but all run ahead of loads. */
static inline uint64_t mm_arch_stamp_alone(void)
{
	uint32_t lo, hi;
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void mm_arch_pause(void)
{
	__asm__ volatile("pause");
}

/* Brings the cache line at p here to be written; any address will do. */
static inline void mm_arch_prefetch_write(const void *p)
{
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
}

/* Stores want in *word if it still holds old; 1 = done, 0 = it had changed. One
 * instruction without a lock prefix: whole as seen by the thread's own signal
 * handlers, not by other threads. */
static inline int mm_arch_local_cas(uint64_t **word, uint64_t *old, uint64_t *want)
{
	int done;
	__asm__ volatile("cmpxchgq %3, %1"
			 : "=@ccz"(done), "+m"(*word), "+a"(old)
			 : "r"(want) : "memory");
	return done;
}

/* Stores two words at `pair`, which is aligned to both, at once if both are still 0, with a
 * lock; 1 = done. Whoever reads the first and finds it may read the second after it. */
static inline int mm_arch_cas_pair(void *pair, uint64_t first, uint64_t second)
{
	uint64_t low = 0, high = 0;
	int done;
	__asm__ volatile("lock cmpxchg16b %1"
			 : "=@ccz"(done), "+m"(*(uint64_t(*)[2])pair), "+a"(low), "+d"(high)
			 : "b"(first), "c"(second) : "memory");
	return done;
}

/* Adds 1 to *word, whole as seen by the thread's own signal handlers. */
static inline void mm_arch_local_inc(_Atomic uint64_t *word)
{
	__asm__ volatile("incq %0" : "+m"(*(uint64_t *)word) : : "memory");
}

/* Which of eight words have `tag` as their upper half, bit by bit. Without branches: where in
 * a cache line a thing stands cannot be foretold. */
static inline uint32_t mm_arch_match_upper(const void *eight, uint32_t tag)
{
	const __m128 *v = (const __m128 *)eight;
	__m128i want = _mm_set1_epi32((int)tag);
	__m128i low = _mm_castps_si128(_mm_shuffle_ps(v[0], v[1], _MM_SHUFFLE(3, 1, 3, 1)));
	__m128i high = _mm_castps_si128(_mm_shuffle_ps(v[2], v[3], _MM_SHUFFLE(3, 1, 3, 1)));

	return (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(low, want))) |
	       (uint32_t)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(high, want))) << 4;
}

/* The thread control block: above the stack of every thread whose stack libc
 * made, so a bound for what can be stack. */
static inline uint64_t mm_arch_thread_pointer(void)
{
	uint64_t tp;
	__asm__("movq %%fs:0, %0" : "=r"(tp));
	return tp;
}

/* A system call that leaves errno alone: the result, or -errno. */
static inline int64_t mm_arch_syscall(int64_t n, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
				      uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	int64_t ret;

	__asm__ volatile("syscall" : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* Registers of the calling function as it stands now: those a callee must
 * preserve, SP, and an address inside the function. Always inlined. */
__attribute__((always_inline)) static inline void
mm_arch_capture(uint64_t regs[MM_REG_COUNT])
{
	__asm__ volatile("movq %%rbx, 24(%0)\n\t"
			 "movq %%rbp, 48(%0)\n\t"
			 "movq %%rsp, 56(%0)\n\t"
			 "movq %%r12, 96(%0)\n\t"
			 "movq %%r13, 104(%0)\n\t"
			 "movq %%r14, 112(%0)\n\t"
			 "movq %%r15, 120(%0)\n\t"
			 "leaq 0(%%rip), %%rax\n\t"
			 "movq %%rax, 128(%0)\n\t"
			 : : "r"(regs) : "rax", "memory");
}

#endif
