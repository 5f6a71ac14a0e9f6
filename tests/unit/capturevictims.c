/* capturevictims.c: see capturevictims.h. Built without builtins: every call counts. */
#include "capturevictims.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mm_note.h"

static int family(void)
{
	for (int i = 0; i < CV_FAMILY; i++) {
		void *p = malloc(CV_SIZE), *q = NULL;
		p = realloc(p, CV_SIZE + 1);
		free(p);
		free(calloc(CV_SIZE, 1));
		p = realloc(NULL, CV_SIZE + 2);
		if (realloc(p, 0) != NULL)
			return 1;
		p = reallocarray(NULL, CV_SIZE + 3, 1);
		if (realloc(p, SIZE_MAX / 2 - CV_SIZE) != NULL || malloc(SIZE_MAX / 2 - CV_SIZE) != NULL)
			return 2;
		free(p);
		if (posix_memalign(&q, 64, CV_SIZE + 4) != 0)
			return 3;
		free(q);
		free(aligned_alloc(256, CV_SIZE + 5));
		free(memalign(4096, CV_SIZE + 6));
		free(valloc(CV_SIZE + 7));
		free(pvalloc(CV_SIZE + 8));
		if (posix_memalign(&q, 3, CV_SIZE) != EINVAL)
			return 4;
	}
	return 0;
}

static int churn(void)
{
	for (int i = 0; i < CV_CHURN; i++)
		free(malloc(CV_SIZE));
	return 0;
}

/* --- threads ---------------------------------------------------------------------- */

static struct { _Alignas(64) _Atomic(void *) box; } boxes[CV_HAND_THREADS];

static void *hand(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg, next = (me + 1) % CV_HAND_THREADS;
	int made = 0, taken = 0;

	while (made < CV_HAND_EACH || taken < CV_HAND_EACH) {
		void *none = NULL, *p = made < CV_HAND_EACH && !boxes[next].box ? malloc(48) : NULL;
		if (p && atomic_compare_exchange_strong(&boxes[next].box, &none, p))
			made++;
		else if (!p)
			sched_yield();
		if ((p = atomic_exchange(&boxes[me].box, NULL)) != NULL) {
			free(p);
			taken++;
		}
	}
	return NULL;
}

static int handover(void)
{
	pthread_t t[CV_HAND_THREADS];

	for (uintptr_t i = 0; i < CV_HAND_THREADS; i++)
		pthread_create(&t[i], NULL, hand, (void *)i);
	for (int i = 0; i < CV_HAND_THREADS; i++)
		pthread_join(t[i], NULL);
	return 0;
}

static pthread_barrier_t bar;

static void *idle_now_and_then(void *arg)
{
	for (int i = 0; i < CV_IDLE_ROUNDS; i++) {
		free(malloc(CV_SIZE));
		usleep(3000);
		pthread_barrier_wait(&bar);
	}
	return arg;
}

static int idle(void)
{
	pthread_t t[CV_IDLE_THREADS];

	pthread_barrier_init(&bar, NULL, CV_IDLE_THREADS);
	for (int i = 0; i < CV_IDLE_THREADS; i++)
		pthread_create(&t[i], NULL, idle_now_and_then, NULL);
	for (int i = 0; i < CV_IDLE_THREADS; i++)
		pthread_join(t[i], NULL);
	return 0;
}

/* --- signals: notes need no allocator, so handlers may make them anywhere ---------- */

static volatile uint64_t handler_notes;
static char place[8], handler_place[1];

static void storm_handler(int sig)
{
	(void)sig;
	handler_notes++;
	mm_note_alloc(handler_place, CV_SIZE + 1);
	mm_note_free(handler_place);
}

static void tick(void (*handler)(int), int us)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval t = { { 0, us }, { 0, us } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static int storm(void)
{
	mm_mark("start");
	tick(storm_handler, 100);
	for (int i = 0; i < CV_STORM; i++) {
		mm_note_alloc(&place[i % 8], CV_SIZE);
		free(realloc(malloc(10), 20));
		mm_note_free(&place[i % 8]);
	}
	tick(SIG_IGN, 0);
	mm_metric("handled", (int64_t)handler_notes);
	return 0;
}

static sigjmp_buf back;
static volatile sig_atomic_t jumps;

static void jump_handler(int sig)
{
	(void)sig;
	mm_note_alloc(&back, CV_SIZE + 1);
	mm_note_free(&back);
	siglongjmp(back, 1);
}

/* Notes carry a number: what is recorded must be in order and next to complete. */
static int jumping(void)
{
	static volatile uint64_t n;

	mm_mark("start");
	if (sigsetjmp(back, 1) != 0)
		jumps++;
	tick(jump_handler, 150);
	while (n < CV_STORM * 4 && jumps < 1000) {
		n++;
		mm_note_alloc(place, (uint64_t)CV_SIZE << CV_SHIFT | n);
		mm_note_free(place);
	}
	tick(SIG_IGN, 0);
	mm_metric("noted", (int64_t)n);
	return 0;
}

/* --- processes ------------------------------------------------------------------------ */

static void child_work(void)
{
	for (int i = 0; i < CV_FORK_OBJECTS; i++)
		free(malloc(CV_SIZE));
	_exit(0);
}

static int children(int raw)
{
	mm_category_push("sdf_fields");
	for (int i = 0; i < CV_FORKS; i++) {
		long pid = raw ? syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
		if (pid == 0)
			child_work();
		for (int k = 0; k < 10; k++)
			free(malloc(CV_SIZE + 1));
		waitpid((pid_t)pid, NULL, 0);
	}
	return 0;
}

static int environment(void)
{
	const char *preload = getenv("LD_PRELOAD"), *sock = getenv("MMPROF_SOCKET");
	pid_t pid = fork();

	if (pid == 0)
		child_work();
	waitpid(pid, NULL, 0);
	free(malloc(CV_SIZE));
	/* 0: nothing left of us and nothing of the user's lost. */
	return (sock != NULL) + 2 * (preload == NULL || strcmp(preload, "libm.so.6") != 0);
}

/* --- notes, maps -------------------------------------------------------------------------- */

static int notes(void)
{
	void *p[4];

	p[0] = malloc(CV_SIZE);
	mm_category_push("svo_nodes");
	p[1] = malloc(CV_SIZE + 1);
	mm_category_push("mesh_data");
	p[2] = malloc(CV_SIZE + 2);
	mm_category_pop();
	p[3] = malloc(CV_SIZE + 3);
	mm_category_pop();
	mm_mark("here we are");
	mm_metric("nodes", -77);
	for (int i = 0; i < 4; i++)
		free(p[i]);
	return 0;
}

static int maps(void)
{
	for (int i = 0; i < 10; i++) {
		char *p = mmap(NULL, 3 << 16, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		p = mremap(p, 3 << 16, 5 << 16, MREMAP_MAYMOVE);
		munmap(p, 5 << 16);
		munmap((void *)1, 1);
	}
	return 0;
}

int capture_victim(int argc, char **argv)
{
	static const struct { const char *name; int (*run)(void); } all[] = {
		{ "family", family }, { "churn", churn }, { "handover", handover },
		{ "idle", idle }, { "storm", storm }, { "jumping", jumping },
		{ "environment", environment }, { "notes", notes }, { "maps", maps }
	};

	if (argc < 3 || strcmp(argv[1], "--victim") != 0)
		return -1;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(argv[2], all[i].name) == 0)
			return all[i].run();
	if (strcmp(argv[2], "forks") == 0)
		return children(0);
	return strcmp(argv[2], "clones") == 0 ? children(1) : 98;
}
