/* launch.h: starts the program to be recorded.
 *
 * Promise: the program gets stdin, stdout, stderr, limits, group, terminal, folder and
 * environment as without us, but for LD_PRELOAD and MM_ENV_SOCKET; no descriptor of
 * ours reaches it.
 */
#ifndef MM_COLLECT_LAUNCH_H
#define MM_COLLECT_LAUNCH_H

#include <sys/types.h>

#include "base/diag.h"

struct mm_launch {
	const char *path;    /* of the program, found already */
	char *const *argv;
	const char *preload; /* path of the hooks */
	const char *behind;  /* of a library to be loaded behind them; NULL = none */
	void (*in_child)(void *ctx); /* what is left to set, in the process that executes;
	                                NULL = nothing */
	void *in_child_ctx;
	const char *socket;
	const char *folder;  /* ours, for a link when the preload's path cannot stand
	                        in LD_PRELOAD */
};

/* Finds a command as execvp would: malloc'ed path in *ret. MM_ENOENT (127) when there is
 * none, MM_EPERM (126) when it cannot be executed; MM_ENOMEM. */
int mm_launch_find(char **ret, const char *command, struct mm_diag *diag);

/* Executes in the place of this process, with the preload alone (socket and folder are not
 * looked at): returns only with an error, MM_ENOENT and MM_EPERM as above. */
int mm_launch_become(const struct mm_launch *l, struct mm_diag *diag);

/* Forks and executes, between mm_relay_begin and mm_relay_open. MM_ENOENT, MM_EPERM as
 * above when exec fails; MM_EIO when fork does. */
int mm_launch_start(const struct mm_launch *l, pid_t *ret, struct mm_diag *diag);

#endif
