/* victim: a thousand coroutines on small stacks of their own, each allocating on
 * every turn; stacks are freed and used again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { COUNT = 1000, TURNS = 20, STACK = 32768 };

static ucontext_t boss, co[COUNT];
static long done, sum;

__attribute__((noinline)) static void *nested(int depth)
{
	void *volatile p = depth ? nested(depth - 1) : malloc(48);
	return p;
}

static void run(int me)
{
	for (int turn = 0; turn < TURNS; turn++) {
		char *p = nested(me % 9);
		p[0] = (char)turn;
		swapcontext(&co[me], &boss);
		sum += p[0];
		free(p);
	}
	done++;
}

int main(void)
{
	static char *stack[COUNT];

	for (int i = 0; i < COUNT; i++) {
		stack[i] = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		getcontext(&co[i]);
		co[i].uc_stack.ss_sp = stack[i];
		co[i].uc_stack.ss_size = STACK;
		co[i].uc_link = &boss;
		makecontext(&co[i], (void (*)(void))run, 1, i);
	}
	for (int turn = 0; turn <= TURNS; turn++)
		for (int i = 0; i < COUNT; i++)
			swapcontext(&boss, &co[i]);
	for (int i = 0; i < COUNT; i++) {
		munmap(stack[i], STACK);
		free(malloc(100));
	}
	printf("%ld done, %ld\n", done, sum);
	return 0;
}
