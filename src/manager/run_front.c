/* run_front.c: the heap of a live program and its threads (run_front.h). */
#include "manager/run_front.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "alloc/lock_order.h"
#include "core/error.h"
#include "core/sink.h"
#include "manager/nodes.h"
#include "manager/run_fault.h"
#include "manager/run_tell.h"

_Thread_local struct mm_context *mm_run_context;
struct mm_heap *mm_run_heap;

static struct {
	struct mm_lock lock;      /* of the beginning */
	struct mm_lock late_lock; /* held while the late context is in use */
	struct mm_context *late;
	pthread_key_t key;
	int has_key;
} run = { .lock = MM_LOCK_OF(MM_RANK_LATE), .late_lock = MM_LOCK_OF(MM_RANK_LATE) };

static _Thread_local int is_late __attribute__((tls_model("initial-exec")));

/* --- threads ------------------------------------------------------------------------------ */

static void end_thread(void *context)
{
	mm_run_context = NULL;
	is_late = 1;
	mm_heap_leave(mm_run_heap, context);
}

/* Of the core that the thread runs on now; it stays with the thread. */
static uint32_t node_of_here(void)
{
	return mm_heap_strategy(mm_run_heap) == MM_STRATEGY_NUMA_AWARE ? mm_nodes_here() : 0;
}

static void begin_thread(void)
{
	struct mm_context *c;

	if (mm_heap_context(mm_run_heap, node_of_here(), &c))
		return;
	mm_run_context = c; /* before libc is asked for anything: it may allocate */
	if (run.has_key)
		pthread_setspecific(run.key, c);
}

/* --- who listens -------------------------------------------------------------------------------- */

/* The recorder is loaded with us or not at all. */
extern mm_sink_entry mmprof_sink_v1 __attribute__((weak));

static void tell(uint32_t flags)
{
	static uint32_t told;

	if (mm_sink)
		told = mm_sink->pool(told, "malloc", NULL, 0, 0, MM_SINK_MALLOC | flags);
	if (!told)
		return;
	mm_heap_hold(mm_run_heap);
	mm_heap_tell(mm_run_heap, told, 1);
	mm_heap_go_on(mm_run_heap);
}

/* Not when the heap begins: that may be in the middle of the recorder's own beginning. */
__attribute__((constructor)) static void listen_to_us(void)
{
	struct mm_run_seat s;

	if (!mmprof_sink_v1)
		return;
	s = mm_run_sit();
	mm_run_rise(&s);
	mm_sink = mmprof_sink_v1();
	tell(0);
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
	tell(MM_SINK_AGAIN);
}

/* --- the beginning ------------------------------------------------------------------------------ */

static int digit(const char *text)
{
	return *text >= '0' && *text <= '9' ? *text - '0' : -1;
}

/* Digits to a space or the end of the text, which *text is then behind; or -1. */
static long number(const char **text)
{
	const char *at = *text;
	long n = 0;

	if (digit(at) < 0)
		return -1;
	for (; *at && *at != ' '; at++) {
		if (digit(at) < 0 || n > 1 << 24)
			return -1;
		n = n * 10 + digit(at);
	}
	*text = *at ? at + 1 : at;
	return n;
}

/* One digit below `most`, and a space. */
static int is_choice(const char *text, int most)
{
	return digit(text) >= 0 && digit(text) < most && text[1] == ' ';
}

static struct mm_heap_options options(void)
{
	const char *text = getenv(MM_RUN_ENV);
	struct mm_heap_options o = { .retain_bytes = MM_HEAP_DEFAULT, .misuse = mm_run_misuse };

	if (!text || !is_choice(text, 2) || !is_choice(text + 2, MM_STRATEGIES) ||
	    !is_choice(text + 4, MM_CHECKS))
		return o;
	const char *rest = text + 6;
	long teller = number(&rest), nodes = number(&rest);
	if (teller < 0 || nodes < 1)
		return o;
	o.strategy = (enum mm_strategy)digit(text + 2);
	o.check = (enum mm_check)digit(text + 4);
	o.track = mm_run_will_tell((pid_t)teller);
	o.nodes = nodes < MM_HEAP_NODES ? (uint32_t)nodes : MM_HEAP_NODES;
	if (o.strategy == MM_STRATEGY_NUMA_AWARE && nodes > 1)
		o.place = mm_nodes_place;
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
	if (o.check)
		mm_run_will_look();
	if (o.check >= MM_CHECK_SAMPLED)
		mm_run_watch_faults();
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
