/* ahead.c: the thread that looks up (ahead.h). */
#include "model/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/error.h"

#define MS UINT64_C(1000000)

enum {
	ASKS_MOST = 1 << 16,     /* addresses in all */
	MODULES_MOST = 4096,
	DEBUG_MIB = 16,          /* of debug information that is opened now */
	LEAST_MS = 50, MOST_MS = 2000, SHARE = 20, /* processor time: 1/SHARE of the run's */
	GATHER_MS = 2, REST_MS = 20, FINISH_MS = 400,
	LOWEST = 19
};

struct module {
	uint32_t process, number;
	struct mm_module m; /* path is ours */
};

struct ask { uint64_t address; uint32_t module; /* index */ };

struct mm_ahead {
	/* of the thread that tells */
	struct mm_map seen;        /* addresses told of */
	struct module **known;     /* by order of telling */
	size_t known_count, known_cap;
	size_t last;               /* known: the one asked for last */
	int started, failed;
	pthread_t thread;
	/* shared, under the lock */
	pthread_mutex_t lock;
	pthread_cond_t more, done;
	struct ask *asks;
	size_t ask_count, ask_cap;
	int is_done;
	atomic_int stop;
	/* of the thread that looks up, until it is done */
	struct mm_symbols *symbols;
	uint64_t start_ns;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int mm_ahead_create(struct mm_ahead **ret, int names_only)
{
	struct mm_symbol_options options = { .no_debug = names_only,
		.most_debug_bytes = (uint64_t)DEBUG_MIB << 20 };
	struct mm_ahead *a = calloc(1, sizeof *a);
	pthread_condattr_t monotonic;

	if (!a || mm_symbols_create(&a->symbols, &options)) {
		free(a);
		return MM_ENOMEM;
	}
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->more, &monotonic);
	pthread_cond_init(&a->done, &monotonic);
	pthread_condattr_destroy(&monotonic);
	a->start_ns = now_ns(CLOCK_MONOTONIC);
	*ret = a;
	return MM_OK;
}

/* --- looking up -------------------------------------------------------------------- */

static void wait_on(struct mm_ahead *a, pthread_cond_t *cond, uint64_t ns)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + ns;
	struct timespec ts = { (time_t)(end / 1000000000u), (long)(end % 1000000000u) };

	pthread_cond_timedwait(cond, &a->lock, &ts);
}

/* Waits until there is something to do and a moment longer, since frames come in crowds;
 * takes all of it. 0 = the end. */
static size_t take_asks(struct mm_ahead *a, struct ask **ret)
{
	size_t n = 0;

	pthread_mutex_lock(&a->lock);
	while (!a->ask_count && !a->stop)
		wait_on(a, &a->more, 1000 * MS);
	if (!a->stop)
		wait_on(a, &a->done, GATHER_MS * MS);
	if (!a->stop) {
		n = a->ask_count;
		*ret = a->asks;
		a->asks = NULL;
		a->ask_count = a->ask_cap = 0;
	}
	pthread_mutex_unlock(&a->lock);
	return n;
}

static int is_used_up(void)
{
	return now_ns(CLOCK_THREAD_CPUTIME_ID) >= MOST_MS * MS;
}

static int may_go_on(const struct mm_ahead *a)
{
	uint64_t budget = (now_ns(CLOCK_MONOTONIC) - a->start_ns) / SHARE;

	budget = budget < LEAST_MS * MS ? LEAST_MS * MS : budget;
	return now_ns(CLOCK_THREAD_CPUTIME_ID) < budget;
}

static int ask_order(const void *x, const void *y)
{
	const struct ask *a = x, *b = y;

	if (a->module != b->module)
		return a->module < b->module ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

static void look_up(struct mm_ahead *a, struct ask *asks, size_t count)
{
	qsort(asks, count, sizeof *asks, ask_order);
	for (size_t i = 0; i < count; i++) {
		pthread_mutex_lock(&a->lock);
		while (!a->stop && !is_used_up() && !may_go_on(a))
			wait_on(a, &a->done, REST_MS * MS);
		const struct module *m = a->known[asks[i].module];
		pthread_mutex_unlock(&a->lock);
		if (a->stop || is_used_up())
			return;
		mm_symbols_prepare(a->symbols, &m->m, &asks[i].address, 1, 0);
	}
}

static void *run(void *arg)
{
	struct mm_ahead *a = arg;
	struct ask *asks = NULL;
	size_t n;

	/* Of this thread alone; a recorder with real-time priority has an ordinary helper. */
	sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 });
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), LOWEST);
	while (!is_used_up() && (n = take_asks(a, &asks)) != 0) {
		look_up(a, asks, n);
		free(asks);
	}
	pthread_mutex_lock(&a->lock);
	a->is_done = 1;
	pthread_cond_broadcast(&a->done);
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* Signals are the collector's. */
static int start(struct mm_ahead *a)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int err = pthread_create(&a->thread, NULL, run, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	a->started = !err;
	return err;
}

/* --- telling ------------------------------------------------------------------------ */

void mm_ahead_module(void *ctx, uint32_t process, uint32_t number, const struct mm_module *m)
{
	struct mm_ahead *a = ctx;
	struct module *copy = malloc(sizeof *copy);

	if (copy) {
		*copy = (struct module){ process, number, *m };
		copy->m.path = strdup(m->path);
	}
	pthread_mutex_lock(&a->lock); /* the other thread reads the list */
	if (a->known_count == MODULES_MOST || !copy || !copy->m.path ||
	    MM_GROW(a->known, a->known_cap, a->known_count + 1)) {
		free(copy ? (char *)copy->m.path : NULL);
		free(copy);
	} else {
		a->known[a->known_count++] = copy;
	}
	pthread_mutex_unlock(&a->lock);
}

static size_t find_module(struct mm_ahead *a, uint32_t process, uint32_t number)
{
	for (size_t i = 0; i <= a->known_count; i++) {
		/* the one asked for last, then the latest told of */
		size_t at = i == 0 ? a->last : a->known_count - i;
		if (at < a->known_count && a->known[at]->process == process &&
		    a->known[at]->number == number)
			return a->last = at;
	}
	return SIZE_MAX;
}

/* Children have their parent's modules at the same addresses: one answer serves both. Two
 * modules at one address are told apart at the end. */
void mm_ahead_frame(void *ctx, uint32_t process, uint32_t module, uint64_t address)
{
	struct mm_ahead *a = ctx;
	size_t at;

	if (!module || !address || a->failed || a->seen.count >= ASKS_MOST ||
	    mm_map_find(&a->seen, address) || mm_map_set(&a->seen, address, 1) ||
	    (at = find_module(a, process, module)) == SIZE_MAX)
		return;
	if (!a->started && start(a)) {
		a->failed = 1;
		return;
	}
	/* Never wait for a thread of the lowest priority: what is not asked is asked at the end. */
	if (pthread_mutex_trylock(&a->lock))
		return;
	if (!MM_GROW(a->asks, a->ask_cap, a->ask_count + 1)) {
		a->asks[a->ask_count++] = (struct ask){ address, (uint32_t)at };
		if (a->ask_count == 1)
			pthread_cond_signal(&a->more);
	}
	pthread_mutex_unlock(&a->lock);
}

/* --- the end ---------------------------------------------------------------------------- */

static int is_finished(struct mm_ahead *a)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + FINISH_MS * MS;

	if (!a->started)
		return 1;
	pthread_mutex_lock(&a->lock);
	a->stop = 1;
	pthread_cond_broadcast(&a->more);
	pthread_cond_broadcast(&a->done);
	while (!a->is_done && now_ns(CLOCK_MONOTONIC) < end)
		wait_on(a, &a->done, 10 * MS);
	int done = a->is_done;
	pthread_mutex_unlock(&a->lock);
	return done;
}

struct mm_symbols *mm_ahead_finish(struct mm_ahead *a)
{
	struct mm_symbols *symbols;

	if (!a)
		return NULL;
	if (!is_finished(a)) {
		/* Others are at work on every core, and it is in the middle of something:
		 * what it holds stays with it until we end. */
		pthread_detach(a->thread);
		return NULL;
	}
	if (a->started)
		pthread_join(a->thread, NULL);
	for (size_t i = 0; i < a->known_count; i++) {
		free((char *)a->known[i]->m.path);
		free(a->known[i]);
	}
	symbols = a->symbols;
	mm_symbols_debug_bound(symbols, 0);
	mm_map_deinit(&a->seen);
	pthread_cond_destroy(&a->more);
	pthread_cond_destroy(&a->done);
	pthread_mutex_destroy(&a->lock);
	free(a->known);
	free(a->asks);
	free(a);
	return symbols;
}
