/* victim: a filter kills the process at openat, open, fallocate, memfd_create,
 * socket, connect and ftruncate; then it allocates a lot, in threads too.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define KILL(nr) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

static void *work(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50000; i++) {
		void *p = malloc((size_t)(i % 5000));
		p = realloc(p, (size_t)(i % 7000) + 1);
		free(p);
	}
	return NULL;
}

int main(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		KILL(SYS_openat), KILL(SYS_open), KILL(SYS_fallocate),
		KILL(SYS_memfd_create), KILL(SYS_socket), KILL(SYS_connect),
		KILL(SYS_ftruncate),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	};
	struct sock_fprog prog = { sizeof code / sizeof *code, code };
	pthread_t t[4];

	/* libc reads the number of processors for its first second arena. */
	pthread_create(&t[0], NULL, work, NULL);
	pthread_join(t[0], NULL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
		return 1;
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, NULL);
	work(NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("lived\n");
	return 0;
}
