/* forksteps FIRST LAST STEP MODE: forks in a signal handler at one instruction of a recorded
 * malloc after another: the trap flag stops at each, the handler counts.
 *   wait   the parent waits for the child before it goes on
 *   race   the child goes on late, the parent not at all, and the recorder is stopped
 *   fresh  each in a process of its own, that has never been on that stack
 * Sizes say who allocated: 777 the call that forks, 778 the child afterwards, both in alpha();
 * 5000 + n in other<n>(). Prints how many instructions were tried. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define TRAP 0x100 /* of EFLAGS */
#define FAR __attribute__((noinline))

static volatile int counted, target, stepping, in_child, race;
static volatile pid_t child;
static void *volatile got;

static void on_step(int sig, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	(void)sig;
	(void)info;
	if (stepping && ++counted < target)
		return;
	*flags &= ~TRAP;
	if (!stepping)
		return;
	stepping = 0;
	child = fork();
	in_child = child == 0;
	if (in_child && race)
		usleep(1500);
	else if (!race && child > 0)
		waitpid(child, NULL, 0);
}

static inline void set_trap(int on)
{
	if (on)
		__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
	else
		__asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" ::: "memory", "cc");
}

FAR static void alpha(size_t n) { got = malloc(n); __asm__ volatile(""); }
FAR static void beta(size_t n) { alpha(n); __asm__ volatile(""); }

#define OTHER(k) \
	FAR static void other##k(void) { void *p = malloc(5000 + k); got = p; free(p); __asm__ volatile(""); }
OTHER(0) OTHER(1) OTHER(2) OTHER(3) OTHER(4)

static void others(void)
{
	other0(), other1(), other2(), other3(), other4();
}

/* True when there are no more instructions. */
static int one(int n)
{
	pid_t recorder = getppid();

	counted = 0, target = n, child = 0;
	if (race) {
		usleep(3000);
		kill(recorder, SIGSTOP);
	}
	stepping = 1;
	set_trap(1);
	beta(777);
	set_trap(0);
	int over = stepping;
	stepping = 0;
	void *mine = got;
	if (in_child) {
		for (int i = 0; i < 2 && !race; i++) {
			others();
			beta(778);
			free(got);
		}
		free(mine);
		_exit(0);
	}
	free(mine);
	others();
	if (race) {
		waitpid(child, NULL, 0);
		kill(recorder, SIGCONT);
	}
	return over;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
	int first = atoi(argv[1]), last = atoi(argv[2]), step = atoi(argv[3]), n, tried = 0;
	int fresh = argc > 4 && strcmp(argv[4], "fresh") == 0, status;

	race = argc > 4 && strcmp(argv[4], "race") == 0;
	sigaction(SIGTRAP, &sa, NULL);
	for (int i = 0; i < 3; i++) {
		others();
		if (!fresh) {
			beta(777);
			free(got);
		}
	}
	for (n = first; n < last; n += step, tried++) {
		pid_t worker = fresh ? fork() : 0;
		if (!fresh && one(n))
			break;
		if (fresh && worker == 0)
			_exit(one(n) ? 8 : 0);
		if (fresh && waitpid(worker, &status, 0) == worker && status != 0)
			break;
	}
	printf("%d\n", tried);
	return fresh && WIFSIGNALED(status);
}
