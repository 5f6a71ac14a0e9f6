/* victim: threads look at their signal mask and at pending signals all the time;
 * nothing may change them but the program.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void *work(void *arg)
{
	sigset_t set, now;
	long bad = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	for (int i = 0; i < 300000; i++) {
		void *p = malloc(100);
		if (i % 64 == 0) {
			pthread_sigmask(SIG_SETMASK, NULL, &now);
			bad += !sigismember(&now, SIGUSR1) || sigismember(&now, SIGTERM);
		}
		free(p);
	}
	*(long *)arg = bad;
	return NULL;
}

int main(void)
{
	pthread_t t[4];
	long bad[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, &bad[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%ld\n", bad[0] + bad[1] + bad[2] + bad[3]);
	return 0;
}
