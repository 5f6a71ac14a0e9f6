/* run_tell.c: lines on standard error (run_tell.h). */
#include "manager/run_tell.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "manager/run_front.h"

enum { ERRORS_FD = 250 /* or above: out of the way of numbers that programs expect */ };

static struct {
	pid_t teller;
	int errors; /* standard error: many programs close theirs before they end */
} tell;

void mm_run_say(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));
	(void)n;
}

/* --- text ------------------------------------------------------------------------------------ */

struct text { char buf[1024]; size_t used; };

static void put(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if (t->used + n < sizeof t->buf) {
		memcpy(t->buf + t->used, s, n);
		t->used += n;
	}
}

static void put_hex(struct text *t, uint64_t value)
{
	char digits[20];
	size_t at = sizeof digits;

	digits[--at] = 0;
	do
		digits[--at] = "0123456789abcdef"[value % 16];
	while ((value /= 16) != 0);
	put(t, "0x");
	put(t, digits + at);
}

static void put_decimal(struct text *t, int64_t value)
{
	uint64_t n = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char digits[24];
	size_t at = sizeof digits;

	digits[--at] = 0;
	do
		digits[--at] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	put(t, value < 0 ? "-" : "");
	put(t, digits + at);
}

static void put_figure(struct text *t, const char *name, uint64_t value)
{
	enum { COLUMN = 24 };
	size_t from = t->used;

	put(t, "[mmprof] ");
	put(t, name);
	while (t->used - from < COLUMN + 9)
		put(t, " ");
	put_decimal(t, (int64_t)value);
	put(t, "\n");
}

/* --- misuse -------------------------------------------------------------------------------------- */

/* "[mmprof] overrun: 0x7f..., byte 100 of a block of 100 at 0x7f... (--check on)" */
static void say_misuse(const struct mm_misuse *m)
{
	struct text t = { .used = 0 };

	put(&t, "[mmprof] ");
	put(&t, mm_misuse_name(m->kind));
	put(&t, ": ");
	put_hex(&t, m->addr);
	if (m->block) {
		put(&t, ", byte ");
		put_decimal(&t, m->offset);
		put(&t, " of a block of ");
		put_decimal(&t, (int64_t)m->size);
		put(&t, " at ");
		put_hex(&t, m->block);
	}
	put(&t, " (--check ");
	put(&t, mm_check_name(m->level));
	put(&t, ")\n");
	t.buf[t.used] = 0;
	mm_run_say(t.buf);
}

void mm_run_misuse(void *arg, const struct mm_misuse *m)
{
	(void)arg;
	say_misuse(m);
	abort();
}

/* --- faults ------------------------------------------------------------------------------------------ */

/* The instruction is tried again, and then nobody is in between. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	struct mm_misuse m;

	(void)context;
	if (mm_run_heap && mm_heap_fault(mm_run_heap, (uintptr_t)info->si_addr, &m) == MM_OK)
		say_misuse(&m);
	sigaction(signal, &usual, NULL);
}

void mm_run_watch_faults(void)
{
	struct sigaction ours = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

	ours.sa_sigaction = on_fault;
	sigemptyset(&ours.sa_mask);
	sigaction(SIGSEGV, &ours, NULL);
}

/* --- the end ------------------------------------------------------------------------------------------ */

int mm_run_will_tell(pid_t teller)
{
	if (teller != getpid())
		return 0;
	tell.teller = teller;
	tell.errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, ERRORS_FD);
	return 1;
}

__attribute__((destructor)) static void tell_stats(void)
{
	struct text t = { .used = 0 };
	struct mm_account a;
	uint64_t came, went;

	if (tell.teller != getpid() || !mm_run_heap)
		return;
	mm_heap_account(mm_run_heap, &a);
	mm_heap_pages(mm_run_heap, &came, &went);
	put(&t, "[mmprof] the heap at the end, in bytes, strategy ");
	put(&t, mm_strategy_name(mm_heap_strategy(mm_run_heap)));
	put(&t, "\n");
	put_figure(&t, "committed", a.committed);
	put_figure(&t, "committed at most", mm_heap_peak(mm_run_heap));
	put_figure(&t, "requested", a.requested);
	put_figure(&t, "internal", a.internal);
	put_figure(&t, "cached", a.cached);
	put_figure(&t, "slab-external", a.slab_external);
	put_figure(&t, "tail", a.tail);
	put_figure(&t, "retained", a.retained);
	put_figure(&t, "metadata", a.metadata);
	put_figure(&t, "live blocks", a.live);
	put_figure(&t, "slabs", a.slabs);
	put_figure(&t, "pages obtained", came);
	put_figure(&t, "pages given back", went);
	ssize_t n = write(tell.errors, t.buf, t.used);
	(void)n;
}
