/* run_fault.c: SIGSEGV passes by us (run_fault.h). */
#include "manager/run_fault.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "core/error.h"
#include "manager/run_front.h"
#include "manager/run_tell.h"

#define EXPORT __attribute__((visibility("default")))

/* The C library's other names for them. */
int __sigaction(int number, const struct sigaction *now, struct sigaction *was);
sighandler_t bsd_signal(int number, sighandler_t handler);

static struct {
	struct mm_lock lock;      /* of theirs: taken with signals held off */
	int watches;
	struct sigaction theirs;  /* what the program would have set */
} fault;

static uint64_t instruction(const void *context)
{
	const ucontext_t *u = context;

#if defined(__x86_64__)
	return (uint64_t)u->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return u->uc_mcontext.pc;
#else
	return (void)u, 0;
#endif
}

static struct sigaction take_theirs(void)
{
	struct sigaction was;

	mm_lock_take(&fault.lock);
	was = fault.theirs;
	if (was.sa_flags & SA_RESETHAND) {
		fault.theirs.sa_handler = SIG_DFL;
		fault.theirs.sa_flags = 0;
	}
	mm_lock_give(&fault.lock);
	return was;
}

/* A fault happens again when we return, and then nobody is in between; a signal that was sent
 * has to be sent again. */
static void as_usual(int number, const siginfo_t *info)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };

	__sigaction(number, &usual, NULL);
	if (info->si_code <= 0)
		raise(number);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
	struct sigaction theirs;
	struct mm_misuse m;

	if (info->si_code > 0 && mm_run_heap &&
	    mm_heap_fault(mm_run_heap, (uintptr_t)info->si_addr, &m) == MM_OK) {
		m.site = instruction(context);
		mm_run_tell_misuse(&m, 1);
	}
	theirs = take_theirs();
	if (theirs.sa_flags & SA_SIGINFO)
		theirs.sa_sigaction(number, info, context);
	else if (theirs.sa_handler == SIG_DFL)
		as_usual(number, info);
	else if (theirs.sa_handler != SIG_IGN)
		theirs.sa_handler(number);
	else if (info->si_code > 0)
		as_usual(number, info);
}

/* Theirs with us in the place of the handler. */
static struct sigaction ours_for(const struct sigaction *theirs)
{
	struct sigaction a = *theirs;
	int is_handler = theirs->sa_flags & SA_SIGINFO ||
			 (theirs->sa_handler != SIG_DFL && theirs->sa_handler != SIG_IGN);

	a.sa_sigaction = on_fault;
	a.sa_flags = SA_SIGINFO | (is_handler ? theirs->sa_flags & ~(int)SA_RESETHAND : SA_ONSTACK);
	return a;
}

static int set_theirs(const struct sigaction *now, struct sigaction *was)
{
	struct sigaction copy, before, ours;
	sigset_t all, held;
	int err = 0;

	if (now) {
		copy = *now;
		ours = ours_for(&copy);
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &held);
	mm_lock_take(&fault.lock);
	before = fault.theirs;
	if (now && (err = __sigaction(SIGSEGV, &ours, NULL)) == 0)
		fault.theirs = copy;
	mm_lock_give(&fault.lock);
	sigprocmask(SIG_SETMASK, &held, NULL);
	if (was && !err)
		*was = before;
	return err;
}

void mm_run_watch_faults(void)
{
	struct sigaction ours;

	__sigaction(SIGSEGV, NULL, &fault.theirs);
	ours = ours_for(&fault.theirs);
	fault.watches = __sigaction(SIGSEGV, &ours, NULL) == 0;
}

EXPORT int sigaction(int number, const struct sigaction *now, struct sigaction *was)
{
	return number == SIGSEGV && fault.watches ? set_theirs(now, was)
						  : __sigaction(number, now, was);
}

/* As the C library's: what is interrupted goes on. */
EXPORT sighandler_t signal(int number, sighandler_t handler)
{
	struct sigaction now = { .sa_flags = SA_RESTART }, was;

	if (number != SIGSEGV || !fault.watches || handler == SIG_ERR)
		return bsd_signal(number, handler);
	now.sa_handler = handler;
	sigemptyset(&now.sa_mask);
	sigaddset(&now.sa_mask, number);
	return set_theirs(&now, &was) ? SIG_ERR : was.sa_handler;
}
