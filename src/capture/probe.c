/* probe.c: asks the kernel what is readable, and remembers it (probe.h). */
#include "capture/probe.h"

#include <errno.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "core/arch.h"

enum {
	PAGE = 4096,
	PAGES_AHEAD = 4,        /* asked at least, of a stack */
	PAGES_FAR = 2,
	NEAR = 1024 * 1024      /* beyond the known run by less: the same stack */
};

/* --- questions ------------------------------------------------------------------ */

/* The kernel copies the new mask before it looks at `how`, which is impossible: EFAULT
 * says unreadable, EINVAL readable, and nothing changes. A call that every program
 * makes, so no sandbox kills for it, and several times cheaper than the one below. */
static int64_t ask_by_mask(uint64_t page)
{
	return mm_arch_syscall(SYS_rt_sigprocmask, ~UINT64_C(0), page, 0, 8, 0, 0);
}

/* A byte of the page, copied by the kernel from ourselves. */
static int readable_by_copy(uint64_t page)
{
	uint8_t byte;
	struct iovec local = { .iov_base = &byte, .iov_len = 1 };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)page, .iov_len = 1 };
	int64_t pid = mm_arch_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);

	return mm_arch_syscall(SYS_process_vm_readv, (uint64_t)pid, (uintptr_t)&local, 1,
			       (uintptr_t)&remote, 1, 0) == 1;
}

static int page_readable(uint64_t page)
{
	int64_t answer = ask_by_mask(page);

	if (answer == -EINVAL)
		return 1;
	return answer != -EFAULT && readable_by_copy(page);
}

uint32_t mm_probe_pages(uint64_t page, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && page_readable(page + (uint64_t)i * PAGE))
		i++;
	return i;
}

/* --- memory of stacks -------------------------------------------------------------- */

/* In an order that leaves the range empty to a handler in between. */
static void set_guest(struct mm_probe *p, uint64_t lo, uint64_t hi)
{
	*(volatile uint64_t *)&p->guest_hi = 0;
	*(volatile uint64_t *)&p->guest_lo = lo;
	*(volatile uint64_t *)&p->guest_hi = hi;
}

/* The end of the thread's own stack as far as libc and the kernel tell: the
 * thread's control block, or for the first thread the program's file name. */
static uint64_t own_top(uint64_t lo, uint64_t hi)
{
	uint64_t tcb = mm_arch_thread_pointer();
	uint64_t name = getauxval(AT_EXECFN);

	if (tcb > lo && tcb < hi)
		return tcb;
	if (name > lo && name < hi)
		return hi;
	return 0;
}

/* [lo, hi) is proven: whether it is the thread's own stack, which then begins at lo. Done in
 * a handler, this is at worst undone by what the handler interrupted. */
static int remember_deeper(struct mm_probe *p, uint64_t lo, uint64_t hi)
{
	if (p->own_hi == 0 || hi < p->own_lo || lo >= p->own_hi)
		return 0;
	if (lo < p->own_lo)
		*(volatile uint64_t *)&p->own_lo = lo;
	return 1;
}

/* [lo, hi) is proven and holds the stack pointer. */
static void remember(struct mm_probe *p, uint64_t lo, uint64_t hi)
{
	uint64_t top;

	if (remember_deeper(p, lo, hi))
		return;
	top = p->own_hi == 0 ? own_top(lo, hi) : 0;
	if (top == 0) {
		set_guest(p, lo, hi);
		return;
	}
	*(volatile uint64_t *)&p->own_lo = lo;
	*(volatile uint64_t *)&p->own_hi = top;
	set_guest(p, 0, 0);
}

/* The stack pointer is in no run known: proves one that starts at its page. */
static void prove_from(struct mm_reach *r, struct mm_probe *p, uint64_t sp)
{
	uint64_t lo = sp & ~(uint64_t)(PAGE - 1), hi = lo;

	do {
		uint32_t n = mm_probe_pages(hi, PAGES_AHEAD);
		hi += (uint64_t)n * PAGE;
		if (n < PAGES_AHEAD)
			break;
	} while (hi < p->own_lo && p->own_lo - hi < NEAR);
	r->lo = lo;
	r->hi = hi;
	if (p->own_hi != 0 && lo < p->own_lo && hi >= p->own_lo)
		r->hi = p->own_hi;
	if (r->learn)
		remember(r->learn, r->lo, r->hi);
	else
		remember_deeper(p, r->lo, r->hi);
}

void mm_reach_begin(struct mm_reach *r, struct mm_probe *p, uint64_t sp, int nested)
{
	r->far_lo = r->far_hi = 0;
	r->learn = nested ? NULL : p;
	if (sp >= p->own_lo && sp < p->own_hi) {
		r->lo = p->own_lo;
		r->hi = p->own_hi;
	} else if (!nested && sp >= p->guest_lo && sp < p->guest_hi) {
		r->lo = p->guest_lo;
		r->hi = p->guest_hi;
	} else {
		prove_from(r, p, sp);
	}
}

/* Upwards from the run that holds the stack pointer. */
static int extend_near(struct mm_reach *r, uint64_t addr)
{
	uint64_t pages = (addr + 8 - r->hi + PAGE - 1) / PAGE;
	uint32_t ask = pages > PAGES_AHEAD ? (uint32_t)pages : PAGES_AHEAD;

	if (r->hi % PAGE != 0)
		return 0; /* ends at the thread's control block */
	r->hi += (uint64_t)mm_probe_pages(r->hi, ask) * PAGE;
	if (r->learn) {
		if (r->lo >= r->learn->own_lo && r->lo < r->learn->own_hi)
			*(volatile uint64_t *)&r->learn->own_hi = r->hi;
		else
			remember(r->learn, r->lo, r->hi);
	}
	return addr < r->hi && r->hi - addr >= 8;
}

int mm_reach_extend(struct mm_reach *r, uint64_t addr)
{
	uint64_t page = addr & ~(uint64_t)(PAGE - 1);
	uint32_t n;

	if (addr > UINT64_MAX - 2 * PAGE || addr < PAGE)
		return 0;
	if (addr >= r->far_lo && addr < r->far_hi && r->far_hi - addr >= 8)
		return 1;
	if (addr + 8 > r->hi && addr >= r->lo && addr - r->lo < r->hi - r->lo + NEAR &&
	    extend_near(r, addr))
		return 1;
	n = mm_probe_pages(page, PAGES_FAR);
	r->far_lo = page;
	r->far_hi = page + (uint64_t)n * PAGE;
	return addr < r->far_hi && r->far_hi - addr >= 8;
}
