/* situations.c: ways to be called that stacks must be right in. Built many times, with
 * other compilers and options; each situation takes some hundreds of samples. */
#define _GNU_SOURCE
#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

#include "stackharness.h"

#define NOINLINE __attribute__((noinline, noclone))
#ifdef __clang__
#undef NOINLINE
#define NOINLINE __attribute__((noinline))
#endif
#define AFTER __asm__ volatile("" ::: "memory") /* no tail call */

void cxx_situations(void);

static uint32_t seed = 12345;

__attribute__((no_instrument_function)) static uint32_t dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* --- calls of every shape --------------------------------------------------------------- */

static int grow(int depth);

NOINLINE static int thin(int depth)
{
	int r = grow(depth - 1);
	AFTER;
	return r + 1;
}

NOINLINE static int wide(int depth, int a, int b, int c, int d, int e, int f, int g)
{
	int r = grow(depth - 1);
	AFTER;
	return r + a + b * c + d * e + f * g; /* arguments on the stack, kept in registers */
}

NOINLINE static int with_alloca(int depth, unsigned room)
{
	volatile char *p = alloca(room + 1);
	p[0] = 1;
	int r = grow(depth - 1);
	AFTER;
	return r + p[0];
}

NOINLINE static int with_vla(int depth, unsigned room)
{
	volatile int v[room + 1];
	v[room] = 2;
	int r = grow(depth - 1);
	AFTER;
	return r + v[room];
}

NOINLINE static int with_varargs(int depth, ...)
{
	va_list ap;
	va_start(ap, depth);
	int r = grow(depth - 1) + va_arg(ap, int);
	va_end(ap);
	AFTER;
	return r;
}

struct big { char bytes[200]; };

NOINLINE static struct big with_struct(int depth, struct big b)
{
	b.bytes[0] = (char)grow(depth - 1);
	AFTER;
	return b;
}

/* Realigns its stack, so its CFA is not SP or BP plus a constant. */
NOINLINE static int with_alignment(int depth, unsigned room)
{
	_Alignas(64) volatile char line[64];
	volatile char *p = alloca(room + 1);
	line[0] = p[0] = 3;
	int r = grow(depth - 1);
	AFTER;
	return r + line[0] + ((uintptr_t)line & 63 ? 1000 : 0);
}

NOINLINE static int with_loop(int depth)
{
	int r = 0;
	for (int i = 0, j = depth, k = 7, l = 11, m = 13; i < 2; i++, j += k, l ^= m, m += j) {
		r += grow(i == 0 ? depth - 1 : depth / 4);
		r += j * k + l;
	}
	AFTER;
	return r;
}

NOINLINE static int grow(int depth)
{
	struct big b = { { 0 } };

	if (depth <= 0 || dice(12) == 0) {
		stack_hook();
		AFTER;
		return 1;
	}
	switch (dice(8)) {
	case 0: return thin(depth) + 1;
	case 1: return wide(depth, 1, 2, 3, 4, 5, 6, 7) + 1;
	case 2: return with_alloca(depth, dice(300)) + 1;
	case 3: return with_vla(depth, dice(100)) + 1;
	case 4: return with_varargs(depth, 5) + 1;
	case 5: return with_struct(depth, b).bytes[0] + 1;
	case 6: return with_alignment(depth, dice(200)) + 1;
	default: return with_loop(depth) + 1;
	}
}

static void shapes(void)
{
	harness_situation("calls of every shape");
	for (int i = 0; i < 150; i++) {
		if (i % 2)
			seed = 1 + (uint32_t)i % 10; /* the same stacks again */
		grow(24);
	}
}

/* --- the same height by another way: what a memo of return addresses gets wrong ------------- */

NOINLINE static void inner(void) { stack_hook(); AFTER; }
NOINLINE static void middle(int room)
{
	volatile char *p = alloca(room);
	p[0] = 1;
	inner();
	AFTER;
}
NOINLINE static void short_way(int room) { middle(room); AFTER; }
NOINLINE static void long_way(int room)
{
	volatile char big[256];
	big[0] = 1;
	middle(room);
	AFTER;
}
NOINLINE static void either(void (**way)(int), const int *room)
{
	volatile int n = 2;
	for (int i = 0; i < n; i++)
		way[i](room[i]);
	AFTER;
}

static void equal_heights(void)
{
	void (*way[2])(int) = { short_way, long_way };

	harness_situation("equal heights");
	for (int i = 0; i < 4; i++)
		for (int less = 0; less <= 480; less += 16)
			either(way, (int[2]){ 512, 512 - less });
}

/* --- deeper than is kept ------------------------------------------------------------------------- */

NOINLINE static int recurse(int n)
{
	int r;
	if (n == 0) {
		stack_hook();
		r = 0;
	} else {
		r = n & 1 ? recurse(n - 1) : recurse(n - 1) * 2;
	}
	AFTER;
	return r + 1;
}

static void recursion(void)
{
	harness_situation("deep recursion");
	for (int i = 0; i < 400; i++)
		recurse(i < 300 ? i : i * 2);
}

/* --- through libraries ------------------------------------------------------------------------------ */

NOINLINE static int compare_ints(const void *a, const void *b)
{
	if (dice(8) == 0)
		stack_hook();
	AFTER;
	return *(const int *)a - *(const int *)b;
}

static void libraries(void)
{
	int v[300];

	harness_situation("callbacks from libraries");
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 300; i++)
			v[i] = (int)dice(1000);
		qsort(v, 300, sizeof v[0], compare_ints);
		bsearch(&v[7], v, 300, sizeof v[0], compare_ints);
	}
}

/* --- libraries that come and go ------------------------------------------------------------------------ */

static void load_and_call(const char *path, void **ret_at, uint32_t *ret_module)
{
	void *lib = dlopen(path, RTLD_NOW);
	if (!lib) {
		printf("# %s\n", dlerror());
		return;
	}
	int (*fn)(void (*)(void), int) = (int (*)(void (*)(void), int))dlsym(lib, "plugin_call");
	*ret_at = (void *)fn;
	for (int i = 0; i < 6; i++) {
		fn(stack_hook, i % 3);
		AFTER;
	}
	*ret_module = harness_last_module();
	dlclose(lib);
	harness_unloaded();
}

static void reloading(const char *one, const char *two)
{
	void *at[2] = { 0 };
	uint32_t module[2] = { 0 };
	int same = 0, confused = 0;

	harness_situation("reused addresses");
	harness_step_only(1);
	for (int i = 0; i < 20; i++) {
		load_and_call(one, &at[0], &module[0]);
		load_and_call(two, &at[1], &module[1]);
		same += at[0] == at[1];
		confused += module[0] == module[1];
	}
	harness_step_only(0);
	printf("%s reused addresses: %d of 20 loads, %d with the other's module number\n",
	       same > 0 && confused == 0 ? "good" : "BAD ", same, confused);
}

/* --- jumps ------------------------------------------------------------------------------------------------ */

static jmp_buf back;

NOINLINE __attribute__((noreturn)) static void leave(void)
{
	stack_hook();
	longjmp(back, 1);
}

/* Its call is its last instruction: the return address is another function's. */
NOINLINE static void ends_in_a_call(int n)
{
	volatile char room[24];
	room[0] = (char)n;
	if (n > 0)
		ends_in_a_call(n - 1);
	leave();
}

static void jumps(void)
{
	harness_situation("longjmp, no return");
	for (int i = 0; i < 200; i++) {
		uint32_t height = shadow_height();
		if (setjmp(back) == 0)
			ends_in_a_call(i % 7);
		shadow_set_height(height);
		stack_hook();
	}
}

/* --- signals -------------------------------------------------------------------------------------------------- */

static volatile int signals;
static volatile uint64_t spun;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
	stack_hook();
	if (dice(4) == 0)
		grow(3);
	AFTER;
}

static sigjmp_buf out_of_handler;

static void on_signal_jump(int sig)
{
	(void)sig;
	stack_hook();
	siglongjmp(out_of_handler, 1);
}

static void install(int sig, void (*handler)(int), int flags)
{
	struct sigaction a = { .sa_flags = flags };
	a.sa_handler = handler;
	sigaction(sig, &a, NULL);
}

NOINLINE static void raise_deep(int n, int sig)
{
	volatile char *p = alloca((unsigned)n * 16 + 1);
	p[0] = 1;
	if (n > 0)
		raise_deep(n - 1, sig);
	else
		raise(sig);
	AFTER;
}

static void synchronous_signals(void)
{
	static char space[256 * 1024];
	stack_t alt = { .ss_sp = space, .ss_size = sizeof space };

	harness_situation("signal handlers");
	install(SIGUSR1, on_signal, SA_RESTART);
	for (int i = 0; i < 100; i++)
		raise_deep(i % 9, SIGUSR1);
	harness_situation("handlers on another stack");
	sigaltstack(&alt, NULL);
	install(SIGUSR2, on_signal, SA_ONSTACK);
	for (int i = 0; i < 100; i++)
		raise_deep(i % 9, SIGUSR2);
	harness_situation("jumps out of handlers");
	install(SIGUSR1, on_signal_jump, SA_ONSTACK);
	for (int i = 0; i < 100; i++) {
		uint32_t height = shadow_height();
		if (sigsetjmp(out_of_handler, 1) == 0)
			raise_deep(i % 9, SIGUSR1);
		harness_left_hook();
		shadow_set_height(height);
		stack_hook();
	}
}

NOINLINE static uint64_t mixer(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
			       uint64_t f, uint64_t g)
{
	volatile uint64_t v[12];
	v[g % 12] = a * b ^ c;
	AFTER;
	return v[g % 12] + d * e + f;
}

/* Spins in code of every kind; the timer interrupts it anywhere. */
NOINLINE static uint64_t spin(uint64_t n)
{
	struct timespec t;
	char text[64];

	for (uint64_t i = 0; i < n; i++) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		snprintf(text, sizeof text, "%lu %ld", i, t.tv_nsec);
		spun += strlen(text) + mixer(1, 2, 3, 4, 5, 6, i);
	}
	AFTER;
	return spun;
}

static void timer_signals(int until)
{
	struct itimerval every = { { 0, 200 }, { 0, 200 } }, never = { { 0, 0 }, { 0, 0 } };
	struct timespec start, t;

	harness_situation("interrupted anywhere");
	install(SIGALRM, on_signal, SA_RESTART);
	signals = 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	setitimer(ITIMER_REAL, &every, NULL);
	do {
		spin(20);
		clock_gettime(CLOCK_MONOTONIC, &t);
	} while (signals < until && t.tv_sec - start.tv_sec < 60);
	setitimer(ITIMER_REAL, &never, NULL);
}

/* --- coroutines --------------------------------------------------------------------------------------------------- */

enum { COROUTINES = 4, STACK = 64 * 1024 };

static ucontext_t main_context, context[COROUTINES];
static struct shadow *shadow_of[COROUTINES];

__attribute__((no_instrument_function)) static void switch_to_main(int n)
{
	shadow_use(NULL);
	swapcontext(&context[n], &main_context);
	shadow_use(shadow_of[n]);
}

NOINLINE static int coroutine_body(int n, int depth)
{
	volatile char room[100];
	room[depth] = (char)depth;
	stack_hook();
	if (depth > 0)
		coroutine_body(n, depth - 1);
	switch_to_main(n);
	stack_hook();
	AFTER;
	return room[depth];
}

static void coroutine(int n)
{
	coroutine_body(n, 6);
	AFTER;
}

static void run_coroutines(int round)
{
	char *space[COROUTINES];

	for (int i = 0; i < COROUTINES; i++) {
		size_t size = (size_t)STACK + (size_t)((round + i) % 3) * 4096;
		space[i] = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		getcontext(&context[i]);
		context[i].uc_stack.ss_sp = space[i];
		context[i].uc_stack.ss_size = size;
		context[i].uc_link = &main_context;
		makecontext(&context[i], (void (*)(void))(void *)coroutine, 1, i);
		shadow_of[i] = shadow_new();
	}
	for (int turn = 0; turn < 7; turn++)
		for (int i = 0; i < COROUTINES; i++) {
			shadow_use(shadow_of[i]);
			swapcontext(&main_context, &context[i]);
			shadow_use(NULL);
			stack_hook();
		}
	for (int i = 0; i < COROUTINES; i++) {
		munmap(space[i], (size_t)STACK + (size_t)((round + i) % 3) * 4096);
		free(shadow_of[i]);
	}
}

static void coroutines(void)
{
	harness_situation("coroutines");
	for (int round = 0; round < 5; round++)
		run_coroutines(round);
}

/* --- threads ------------------------------------------------------------------------------------------------------- */

static void *thread_main(void *arg)
{
	(void)arg;
	harness_thread();
	for (int i = 0; i < 20; i++)
		grow(14);
	return NULL;
}

static void many_threads(void)
{
	pthread_t t[6];

	harness_situation("threads");
	for (int i = 0; i < 6; i++)
		pthread_create(&t[i], NULL, thread_main, NULL);
	for (int i = 0; i < 6; i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	if (argc > 3)
		seed = (uint32_t)atoi(argv[3]);
	harness_begin(256);
	shapes();
	equal_heights();
	recursion();
	libraries();
	jumps();
	coroutines();
	many_threads();
	synchronous_signals();
	timer_signals(argc > 4 ? atoi(argv[4]) : 600);
#ifdef __clang__
	harness_no_shadow(1); /* its instrumentation misses exits by exception */
#endif
	cxx_situations();
	if (argc > 2)
		reloading(argv[1], argv[2]);
	return harness_end();
}
