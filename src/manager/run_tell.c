/* run_tell.c: lines on standard error (run_tell.h). */
#include "manager/run_tell.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/lock_order.h"
#include "core/error.h"
#include "manager/run_front.h"
#include "manager/run_text.h"
#include "manager/run_where.h"

enum { ERRORS_FD = 250 /* or above: out of the way of numbers that programs expect */ };

static struct {
	struct mm_lock lock; /* of the text of a misuse: stacks for signals are small */
	int looks;           /* at the end */
	pid_t teller;
	int errors; /* standard error: many programs close theirs before they end */
} tell = { .lock = MM_LOCK_OF(MM_RANK_TELL) };

void mm_run_say(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));
	(void)n;
}

/* --- misuse -------------------------------------------------------------------------------------- */

/* "[mmprof] overrun: 0x7f..., byte 100 of a block of 100 at 0x7f... (--check on)" */
static void put_misuse(struct mm_run_text *t, const struct mm_misuse *m)
{
	mm_run_put(t, "[mmprof] ");
	mm_run_put(t, mm_misuse_name(m->kind));
	mm_run_put(t, ": ");
	mm_run_put_hex(t, m->addr);
	if (m->block) {
		mm_run_put(t, ", byte ");
		mm_run_put_decimal(t, m->offset);
		mm_run_put(t, " of a block of ");
		mm_run_put_decimal(t, (int64_t)m->size);
		mm_run_put(t, " at ");
		mm_run_put_hex(t, m->block);
	}
	if (m->kind == MM_MISUSE_WRONG_SIZE) {
		mm_run_put(t, ", freed as one of ");
		mm_run_put_decimal(t, (int64_t)m->said);
	}
	mm_run_put(t, " (--check ");
	mm_run_put(t, mm_check_name(m->level));
	mm_run_put(t, ")\n");
}

/* Of a write that was found later, the call that came to look is known. */
static const char *word_for(const struct mm_misuse *m, int is_fault)
{
	int is_late = m->kind == MM_MISUSE_OVERRUN || m->kind == MM_MISUSE_UNDERRUN ||
		      m->kind == MM_MISUSE_USE_AFTER_FREE;

	return is_late && !is_fault ? "found by" : "by";
}

/* What is sure comes first: stacks may be short, and what they say damaged. */
void mm_run_tell_misuse(const struct mm_misuse *m, int is_fault)
{
	static struct mm_run_text t;

	mm_lock_take(&tell.lock);
	t.used = 0;
	put_misuse(&t, m);
	mm_run_text_write(&t, STDERR_FILENO);
	t.used = 0;
	if (m->site)
		mm_run_where_stack(&t, word_for(m, is_fault), m->site, !is_fault);
	else
		mm_run_put(&t, "[mmprof]   found when the program ended\n");
	mm_run_where_line(&t, "allocated by", m->born, 1);
	mm_run_where_line(&t, "freed by", m->died, 1);
	mm_run_text_write(&t, STDERR_FILENO);
	mm_lock_give(&tell.lock);
}

void mm_run_misuse(void *arg, const struct mm_misuse *m)
{
	(void)arg;
	mm_run_tell_misuse(m, 0);
	abort();
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

static void put_figure(struct mm_run_text *t, const char *name, uint64_t value)
{
	enum { COLUMN = 24 };
	size_t from = t->used;

	mm_run_put(t, "[mmprof] ");
	mm_run_put(t, name);
	while (t->used - from < COLUMN + 9)
		mm_run_put(t, " ");
	mm_run_put_decimal(t, (int64_t)value);
	mm_run_put(t, "\n");
}

void mm_run_will_look(void)
{
	tell.looks = 1;
}

/* Before the program's own begin: what comes later must not allocate. */
__attribute__((constructor)) static void prepare(void)
{
	struct mm_run_seat s = mm_run_sit();

	mm_run_rise(&s);
	if (tell.looks)
		mm_run_where_ready();
}

static void look(void)
{
	struct mm_run_seat s = mm_run_sit();

	if (s.context)
		s.context->site = 0;
	if (s.context && !s.late)
		mm_heap_validate_last(s.heap, s.context);
	mm_run_rise(&s);
}

static void put_nodes(struct mm_run_text *t)
{
	static char name[] = "node 00";
	struct mm_heap_node n;

	if (mm_heap_strategy(mm_run_heap) != MM_STRATEGY_NUMA_AWARE)
		return;
	if (mm_heap_nodes(mm_run_heap) == 1)
		mm_run_put(t, "[mmprof] this machine has one node: all of it is in one arena\n");
	for (uint32_t i = 0; i < mm_heap_nodes(mm_run_heap); i++) {
		mm_heap_node(mm_run_heap, i, &n);
		name[5] = (char)('0' + i / 10 % 10);
		name[6] = (char)('0' + i % 10);
		put_figure(t, name, n.slab_bytes + n.large_bytes);
		put_figure(t, "  freed here of others", n.remote_frees);
		put_figure(t, "  not placed", n.misplaced);
	}
}

static void tell_stats(void)
{
	struct mm_run_text t = { .used = 0 };
	struct mm_account a;
	uint64_t came, went;

	if (tell.teller != getpid() || !mm_run_heap)
		return;
	mm_heap_account(mm_run_heap, &a);
	mm_heap_pages(mm_run_heap, &came, &went);
	mm_run_put(&t, "[mmprof] the heap at the end, in bytes, strategy ");
	mm_run_put(&t, mm_strategy_name(mm_heap_strategy(mm_run_heap)));
	mm_run_put(&t, "\n");
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
	put_nodes(&t);
	mm_run_text_write(&t, tell.errors);
}

__attribute__((destructor)) static void end(void)
{
	if (tell.looks)
		look();
	tell_stats();
}
