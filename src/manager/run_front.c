/* run_front.c: the heap of a live program and its threads (run_front.h). */
#include "manager/run_front.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

_Thread_local struct mm_context *mm_run_context;
struct mm_heap *mm_run_heap;

enum { ERRORS_FD = 250 /* or above: out of the way of numbers that programs expect */ };

static struct {
	struct mm_lock lock;      /* of the beginning */
	struct mm_lock late_lock; /* held while the late context is in use */
	struct mm_context *late;
	pthread_key_t key;
	int has_key;
	pid_t teller; /* who says where its memory is; 0 = nobody */
	int errors;   /* standard error then: many programs close theirs before they end */
} run;

static _Thread_local int is_late __attribute__((tls_model("initial-exec")));

void mm_run_say(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));
	(void)n;
}

/* --- threads ------------------------------------------------------------------------------ */

static void end_thread(void *context)
{
	mm_run_context = NULL;
	is_late = 1;
	mm_heap_leave(mm_run_heap, context);
}

static void begin_thread(void)
{
	struct mm_context *c;

	if (mm_heap_context(mm_run_heap, 0, &c))
		return;
	mm_run_context = c; /* before libc is asked for anything: it may allocate */
	if (run.has_key)
		pthread_setspecific(run.key, c);
}

/* --- forks -------------------------------------------------------------------------------------- */

static void before_fork(void)
{
	mm_lock_take(&run.late_lock);
	mm_heap_hold(mm_run_heap);
}

static void in_parent(void)
{
	mm_heap_go_on(mm_run_heap);
	mm_lock_give(&run.late_lock);
}

static void in_child(void)
{
	mm_heap_go_on(mm_run_heap);
	mm_heap_forked(mm_run_heap, mm_run_context);
	run.late = NULL;
	mm_lock_give(&run.late_lock);
}

/* --- the beginning ------------------------------------------------------------------------------ */

static int digit(const char *text)
{
	return *text >= '0' && *text <= '9' ? *text - '0' : -1;
}

/* Digits to the end of the text, or -1. */
static long number(const char *text)
{
	long n = 0;

	if (!*text)
		return -1;
	for (; *text; text++) {
		if (digit(text) < 0 || n > 1 << 24)
			return -1;
		n = n * 10 + digit(text);
	}
	return n;
}

static struct mm_heap_options options(void)
{
	const char *text = getenv(MM_RUN_ENV);
	struct mm_heap_options o = { .retain_bytes = MM_HEAP_DEFAULT };

	if (text && text[0] == '1' && text[1] == ' ' && digit(text + 2) >= 0 && text[3] == ' ' &&
	    digit(text + 2) < MM_STRATEGIES && number(text + 4) >= 0) {
		o.strategy = (enum mm_strategy)digit(text + 2);
		run.teller = (pid_t)number(text + 4);
		o.track = run.teller == getpid();
		run.errors = o.track ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, ERRORS_FD) : -1;
	}
	return o;
}

static void begin_heap(void)
{
	struct mm_heap_options o = options();
	struct mm_heap *h;

	if (mm_heap_open(&h, &o)) {
		mm_run_say("mmprof run: no address space for the heap\n");
		abort();
	}
	mm_run_heap = h;
	begin_thread();
	run.has_key = pthread_key_create(&run.key, end_thread) == 0;
	if (run.has_key && mm_run_context)
		pthread_setspecific(run.key, mm_run_context);
	pthread_atfork(before_fork, in_parent, in_child);
}

struct mm_run_seat mm_run_sit_slowly(void)
{
	if (!__atomic_load_n(&mm_run_heap, __ATOMIC_ACQUIRE)) {
		mm_lock_take(&run.lock);
		if (!mm_run_heap)
			begin_heap();
		mm_lock_give(&run.lock);
	}
	if (!is_late && !mm_run_context)
		begin_thread();
	if (mm_run_context)
		return (struct mm_run_seat){ mm_run_heap, mm_run_context, 0 };
	mm_lock_take(&run.late_lock);
	if (!run.late)
		mm_heap_context(mm_run_heap, 0, &run.late);
	return (struct mm_run_seat){ mm_run_heap, run.late, 1 };
}

void mm_run_rise_slowly(void)
{
	mm_lock_give(&run.late_lock);
}

/* --- the end ---------------------------------------------------------------------------------------- */

struct text { char buf[1024]; size_t used; };

static void put(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if (t->used + n < sizeof t->buf) {
		memcpy(t->buf + t->used, s, n);
		t->used += n;
	}
}

static void put_figure(struct text *t, const char *name, uint64_t value)
{
	char digits[24];
	size_t at = sizeof digits;

	digits[--at] = 0;
	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	put(t, "[mmprof] ");
	put(t, name);
	for (size_t i = strlen(name) + strlen(digits + at); i < 34; i++)
		put(t, " ");
	put(t, digits + at);
	put(t, "\n");
}

__attribute__((destructor)) static void tell_stats(void)
{
	struct text t = { .used = 0 };
	struct mm_account a;
	uint64_t came, went;

	if (run.teller != getpid() || !mm_run_heap)
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
	ssize_t n = write(run.errors, t.buf, t.used);
	(void)n;
}
