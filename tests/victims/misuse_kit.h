/* misuse_kit.h: what the misuse_*.c share: each has a function misuse() that does one wrong
 * thing, and this main, which has it done in the way that its argument names:
 *   plain    by the main thread       threads  by 8 threads at once
 *   child    by a forked child        handler  by the main thread, in a program that handles
 *                                              SIGSEGV itself (and exits with 7)
 * The status is 0 when nobody noticed; that of a child that ended by a signal is 128 and the
 * signal's number.
 */
#ifndef MISUSE_KIT_H
#define MISUSE_KIT_H

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MISUSE_THREADS = 8, TRIES = 45000 /* more than the level leaves between two that it draws */ };

static void misuse(void);

/* FULL: a block of this size leaves nothing over of what is granted, and it is an odd multiple
 * of 16, so that it ends there in a slice only where a guard page follows. */
enum { FULL = 208, SLICE = 65536, PAGE = 4096 };

static inline int is_watched(unsigned char *p, size_t size)
{
	if (size == FULL)
		return ((uintptr_t)p + size) % SLICE == SLICE - PAGE;
	return malloc_usable_size(p) == size;
}

/* A block with a guard page, where the level draws some; else any. Every level that looks at all
 * says of a watched block that no more may be used than was asked for. */
static unsigned char *block(size_t size)
{
	static __thread void *others[TRIES];
	unsigned char *p = malloc(size);
	int n = 0;

	while (!is_watched(p, size) && n < TRIES) {
		others[n++] = p;
		p = malloc(size);
	}
	while (n)
		free(others[--n]);
	memset(p, 0x11, size);
	return p;
}

/* So many blocks come and go that no quarantine of drawn ones keeps what was freed before. */
static inline void time_passes(void)
{
	for (int i = 0; i < 4000000; i++)
		free(malloc(100));
}

static pthread_barrier_t together;

static void *one_of_many(void *arg)
{
	pthread_barrier_wait(&together);
	misuse();
	return arg;
}

static int by_threads(void)
{
	pthread_t t[MISUSE_THREADS];

	pthread_barrier_init(&together, NULL, MISUSE_THREADS);
	for (int i = 0; i < MISUSE_THREADS; i++)
		if (pthread_create(&t[i], NULL, one_of_many, NULL))
			return 99;
	for (int i = 0; i < MISUSE_THREADS; i++)
		pthread_join(t[i], NULL);
	return 0;
}

static int by_child(void)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return 99;
	if (child == 0) {
		misuse();
		exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void handle(int number)
{
	(void)number;
	_exit(7);
}

static int with_handler(void)
{
	struct sigaction a = { .sa_handler = handle };

	sigaction(SIGSEGV, &a, NULL);
	misuse();
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "plain";

	if (strcmp(how, "threads") == 0)
		return by_threads();
	if (strcmp(how, "child") == 0)
		return by_child();
	if (strcmp(how, "handler") == 0)
		return with_handler();
	misuse();
	return 0;
}

#endif
