/* victim: gives up its privileges, in every thread, then runs a program.
 * root: yes
 * expect: 19
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *churn(void *arg)
{
	for (int i = 0; i < 30000; i++)
		free(malloc(80));
	return arg;
}

int main(void)
{
	pthread_t t[4];
	int dropped;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, churn, NULL);
	dropped = setgid(65534) == 0 && setuid(65534) == 0;
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("%d\n", dropped);
	fflush(stdout);
	execlp("sh", "sh", "-c", "exit 19", (char *)NULL);
	return 1;
}
