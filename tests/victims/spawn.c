/* victim: posix_spawn and posix_spawnp with file actions and attributes. */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int main(void)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	sigset_t none;
	int ok = 0;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 5, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&fa, 1, 6);
	posix_spawnattr_init(&at);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&at, &none);
	posix_spawnattr_setflags(&at, POSIX_SPAWN_SETSIGMASK);
	for (int i = 0; i < 20; i++) {
		char *argv[] = { "sh", "-c", "echo spawned >&6; exit 3", NULL };
		pid_t pid;
		int status;
		if (posix_spawnp(&pid, "sh", &fa, &at, argv, environ) != 0)
			continue;
		waitpid(pid, &status, 0);
		ok += WEXITSTATUS(status) == 3;
	}
	pid_t pid;
	char *argv[] = { "x", NULL };
	printf("%d spawned, missing program gives %d\n", ok,
	       posix_spawn(&pid, "/no/such", NULL, NULL, argv, environ));
	return 0;
}
