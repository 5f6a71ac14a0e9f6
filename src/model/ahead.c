/* ahead.c: the thread that looks up (ahead.h). */
#include "model/ahead.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/error.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

enum {
	ASKS_MOST = 1 << 16,     /* addresses in all */
	MODULES_MOST = 4096,
	DEBUG_MIB = 16,          /* of debug information, in one module, at most */
	OPEN_MIB = 24,           /* of all that is open */
	LEAST_MS = 10, MOST_MS = 2000, SHARE = 20, /* processor time: 1/SHARE of the run's */
	GATHER_MS = 2,           /* frames come in crowds */
	REST_MS = 5,             /* until there may be time, or an idle core */
	WAIT_MS = 20,            /* until there may be time for what takes much */
	LINGER_MS = 50,          /* without anything to do, before the thread ends */
	IDLE_MS = 1,             /* how long an idle core is believed in */
	FINISH_MS = 100, FINISH_POLL_US = 200,
	MODEST = 10              /* added to our nice value; see be_modest */
};

struct module {
	uint32_t process, number, order;
	struct mm_module m; /* path is ours */
};

struct ask { uint64_t address; const struct module *module; };

/* Of the thread that looks up. Only while it is AT_WORK are the symbols its own. */
enum { GONE, RESTING, AT_WORK, TAKEN };

/* Nothing here is locked: a thread of low priority may be kept from going on for hundreds of
 * milliseconds wherever it is, and the recording would wait for the lock with it. */
struct mm_ahead {
	/* of the thread that tells */
	struct mm_map seen;        /* addresses told of */
	struct module **known;     /* by order of telling */
	size_t known_count, known_cap;
	struct mm_map where;       /* module_key() -> place in known */
	int failed;
	/* shared */
	struct ask *asks;          /* ASKS_MOST; those below told are the other thread's */
	atomic_size_t told;
	atomic_int state, stop, tid;
	atomic_int owners;         /* the last one frees this */
	_Atomic uint64_t spent_ns; /* processor time */
	/* of the thread that looks up */
	struct mm_symbols *symbols;
	size_t taken;              /* asks done, passed over or put off */
	size_t later;              /* asks put off: the first ones, all of them done but these */
	uint64_t bound;            /* bytes of debug information that may be opened */
	uint64_t idle_until_ns;
	/* constant */
	uint64_t start_ns;
	int nice;                  /* of the recording */
	uint32_t cores;
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void rest(uint64_t ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = (long)ns }, NULL);
}

static int move(struct mm_ahead *a, int from, int to)
{
	return atomic_compare_exchange_strong(&a->state, &from, to);
}

static const uint64_t highest_bound = (uint64_t)DEBUG_MIB << 20;

/* Bytes of debug information that may be opened now, given that time. */
static uint64_t affordable(uint64_t ns)
{
	uint64_t bytes = ns / MM_SYMBOLS_NS_A_BYTE + 1;

	return bytes < highest_bound ? bytes : highest_bound;
}

int mm_ahead_create(struct mm_ahead **ret, int names_only, uint32_t cores)
{
	struct mm_symbol_options options = { .no_debug = names_only,
		.max_bytes = (uint64_t)OPEN_MIB << 20,
		.most_debug_bytes = affordable(LEAST_MS * MS) };
	struct mm_ahead *a = calloc(1, sizeof *a);

	if (a)
		a->asks = calloc(ASKS_MOST, sizeof *a->asks);
	if (!a || !a->asks || mm_symbols_create(&a->symbols, &options)) {
		free(a ? a->asks : NULL);
		free(a);
		return MM_ENOMEM;
	}
	a->owners = 1;
	a->start_ns = now_ns(CLOCK_MONOTONIC);
	a->nice = getpriority(PRIO_PROCESS, 0);
	a->cores = cores;
	a->bound = options.most_debug_bytes;
	*ret = a;
	return MM_OK;
}

static void let_go(struct mm_ahead *a)
{
	if (atomic_fetch_sub(&a->owners, 1) != 1)
		return;
	for (size_t i = 0; i < a->known_count; i++) {
		free((char *)a->known[i]->m.path);
		free(a->known[i]);
	}
	mm_map_deinit(&a->seen);
	mm_map_deinit(&a->where);
	free(a->known);
	free(a->asks);
	free(a);
}

/* --- looking up -------------------------------------------------------------------- */

/* Of this thread alone; a recorder with real-time priority has an ordinary helper. Not the
 * lowest: a thread must be scheduled to end, too, and a process waits for that. With the
 * lowest, on a busy machine, that takes half a second. */
static void be_modest(const struct mm_ahead *a)
{
	sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 });
	setpriority(PRIO_PROCESS, (id_t)a->tid, a->nice + MODEST);
}

/* Whether no more threads can run, this one among them, than there are cores. Where that is
 * not to be known, it is for the scheduler to say who waits. */
static int is_core_idle(const struct mm_ahead *a)
{
	int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	char text[128];
	unsigned running;

	if (fd < 0)
		return 1;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return sscanf(text, "%*s %*s %*s %u/", &running) != 1 || running <= a->cores;
}

static int is_over(const struct mm_ahead *a)
{
	return a->stop || a->state == TAKEN || a->spent_ns >= MOST_MS * MS;
}

/* What the run so far has earned and nobody has spent. */
static uint64_t left_ns(const struct mm_ahead *a, uint64_t now)
{
	uint64_t budget = (now - a->start_ns) / SHARE;

	budget = budget < LEAST_MS * MS ? LEAST_MS * MS : budget;
	return budget > a->spent_ns ? budget - a->spent_ns : 0;
}

static int may_go_on(struct mm_ahead *a)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC);

	if (left_ns(a, now) == 0)
		return 0;
	if (now < a->idle_until_ns)
		return 1;
	if (!is_core_idle(a))
		return 0;
	a->idle_until_ns = now + IDLE_MS * MS;
	return 1;
}

static int ask_order(const void *x, const void *y)
{
	const struct ask *a = x, *b = y;

	if (a->module != b->module)
		return a->module->order < b->module->order ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

/* The thread's own turn. MM_EAGAIN: that takes more than there is time for as yet. */
static int look_up_one(struct mm_ahead *a, const struct ask *ask)
{
	uint64_t begin = now_ns(CLOCK_THREAD_CPUTIME_ID);
	int err = mm_symbols_prepare(a->symbols, &ask->module->m, &ask->address, 1, 0);

	a->spent_ns += now_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
	return err;
}

static void set_bound(struct mm_ahead *a, uint64_t bytes)
{
	mm_symbols_debug_bound(a->symbols, a->bound = bytes);
}

static void look_up(struct mm_ahead *a, struct ask *asks, size_t count)
{
	qsort(asks, count, sizeof *asks, ask_order);
	for (size_t i = 0; i < count; i++) {
		while (!is_over(a) && !may_go_on(a))
			rest(REST_MS * MS);
		if (is_over(a) || !move(a, RESTING, AT_WORK))
			return;
		uint64_t bound = affordable(left_ns(a, now_ns(CLOCK_MONOTONIC)));
		if (bound < a->bound / 2)
			set_bound(a, bound);
		if (look_up_one(a, &asks[i]) == MM_EAGAIN)
			a->asks[a->later++] = asks[i];
		a->state = RESTING;
	}
}

/* What was put off, once there is time for twice as much: each try opens its files. */
static void look_again(struct mm_ahead *a)
{
	uint64_t bound = affordable(left_ns(a, now_ns(CLOCK_MONOTONIC)));
	size_t count = a->later;

	if (bound / 2 < a->bound && bound < highest_bound)
		return;
	if (!move(a, RESTING, AT_WORK))
		return;
	set_bound(a, bound);
	a->state = RESTING;
	a->later = 0;
	look_up(a, a->asks, count);
}

static int may_look_again(const struct mm_ahead *a)
{
	return a->later > 0 && a->bound < highest_bound;
}

/* Until nothing has come for a while, and nothing is put off. */
static void serve(struct mm_ahead *a)
{
	for (int waited = 0; (waited < LINGER_MS || may_look_again(a)) && !is_over(a);
	     waited += GATHER_MS) {
		rest((may_look_again(a) ? WAIT_MS : GATHER_MS) * MS);
		size_t told = a->told;
		if (may_look_again(a))
			look_again(a);
		if (told == a->taken)
			continue;
		look_up(a, a->asks + a->taken, told - a->taken);
		a->taken = told;
		waited = 0;
	}
}

/* What is told of meanwhile is either seen here, or its teller sees that nobody is there. */
static int may_leave(struct mm_ahead *a)
{
	return a->stop || !move(a, RESTING, GONE) || a->told == a->taken ||
	       !move(a, GONE, RESTING);
}

static void *run(void *arg)
{
	struct mm_ahead *a = arg;

	a->tid = (int)syscall(SYS_gettid);
	be_modest(a);
	do
		serve(a);
	while (!may_leave(a));
	let_go(a);
	return NULL;
}

/* Signals are the collector's. */
static int start(struct mm_ahead *a)
{
	pthread_attr_t detached;
	sigset_t all, before;
	pthread_t thread;

	a->owners++;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int err = pthread_create(&thread, &detached, run, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&detached);
	if (err)
		a->owners--;
	return err;
}

/* --- telling ------------------------------------------------------------------------ */

/* The map's hash passes the lowest four bits by, as of an address. */
static uint64_t module_key(uint32_t process, uint32_t number)
{
	return ((uint64_t)process << 28 ^ number) << 4 | 1;
}

void mm_ahead_module(void *ctx, uint32_t process, uint32_t number, const struct mm_module *m)
{
	struct mm_ahead *a = ctx;
	struct module *copy = a->known_count < MODULES_MOST ? malloc(sizeof *copy) : NULL;

	if (!copy)
		return;
	*copy = (struct module){ process, number, (uint32_t)a->known_count, *m };
	copy->m.path = strdup(m->path);
	if (!copy->m.path || MM_GROW(a->known, a->known_cap, a->known_count + 1) ||
	    mm_map_set(&a->where, module_key(process, number), copy->order)) {
		free((char *)copy->m.path);
		free(copy);
		return;
	}
	a->known[a->known_count++] = copy;
}

static const struct module *find_module(const struct mm_ahead *a, uint32_t process,
					uint32_t number)
{
	const struct mm_map_place *p = mm_map_find(&a->where, module_key(process, number));

	return p ? a->known[p->value] : NULL;
}

/* Children have their parent's modules at the same addresses: one answer serves both. Two
 * modules at one address are told apart at the end. */
void mm_ahead_frame(void *ctx, uint32_t process, uint32_t module, uint64_t address)
{
	struct mm_ahead *a = ctx;
	const struct module *m;
	size_t told = a->told;

	if (!module || !address || a->failed || told == ASKS_MOST ||
	    a->spent_ns >= MOST_MS * MS || mm_map_find(&a->seen, address) ||
	    mm_map_set(&a->seen, address, 1) ||
	    !(m = find_module(a, process, module)))
		return;
	a->asks[told] = (struct ask){ address, m };
	a->told = told + 1;
	if (a->state == GONE && move(a, GONE, RESTING) && start(a)) {
		a->failed = 1;
		a->state = GONE;
	}
}

/* --- the end ---------------------------------------------------------------------------- */

/* Now it is we who wait for it. Where the system does not let us, it goes on as before. */
static void hurry(const struct mm_ahead *a)
{
	if (a->tid && a->state != GONE)
		setpriority(PRIO_PROCESS, (id_t)a->tid, a->nice);
}

/* The symbols are ours at once, but for what is under way. */
static int take(struct mm_ahead *a)
{
	uint64_t end = now_ns(CLOCK_MONOTONIC) + FINISH_MS * MS;

	hurry(a);
	while (!move(a, GONE, TAKEN) && !move(a, RESTING, TAKEN)) {
		if (now_ns(CLOCK_MONOTONIC) >= end)
			return 0;
		rest(FINISH_POLL_US * US);
	}
	return 1;
}

struct mm_symbols *mm_ahead_finish(struct mm_ahead *a, uint64_t *ret_spent_ns)
{
	struct mm_symbols *symbols = NULL;

	*ret_spent_ns = 0;
	if (!a)
		return NULL;
	/* Where others are at work on every core, and it is in the middle of something, what
	 * it holds stays with it until we end. */
	if (take(a)) {
		symbols = a->symbols;
		mm_symbols_debug_bound(symbols, 0);
	}
	a->stop = 1;
	*ret_spent_ns = a->spent_ns;
	let_go(a);
	return symbols;
}
