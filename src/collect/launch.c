/* launch.c: finds, forks, executes (launch.h). */
#include "collect/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "collect/relay.h"
#include "core/error.h"
#include "core/shm.h"

/* --- finding ----------------------------------------------------------------- */

static int is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int found(char **ret, const char *path)
{
	*ret = strdup(path);
	return *ret ? MM_OK : MM_ENOMEM;
}

static int find_here(char **ret, const char *path, struct mm_diag *diag)
{
	struct stat st;

	if (stat(path, &st))
		return mm_fail_errno(diag, "%s", path) == MM_EPERM ? MM_EPERM : MM_ENOENT;
	if (S_ISDIR(st.st_mode))
		return mm_fail(diag, MM_EPERM, "%s: is a directory", path);
	if (access(path, X_OK))
		return mm_fail(diag, MM_EPERM, "%s: not executable", path);
	return found(ret, path);
}

int mm_launch_find(char **ret, const char *command, struct mm_diag *diag)
{
	const char *dirs = getenv("PATH");
	char path[PATH_MAX], seen[PATH_MAX] = "";

	if (strchr(command, '/'))
		return find_here(ret, command, diag);
	if (!dirs)
		dirs = "/bin:/usr/bin";
	for (const char *d = dirs; *command; d++) {
		size_t n = strcspn(d, ":");
		snprintf(path, sizeof path, "%.*s%s%s", (int)n, d, n ? "/" : "", command);
		if (is_file(path) && access(path, X_OK) == 0)
			return found(ret, path);
		if (is_file(path) && !seen[0])
			memcpy(seen, path, sizeof seen);
		d += n;
		if (!*d)
			break;
	}
	if (seen[0])
		return find_here(ret, seen, diag);
	return mm_fail(diag, MM_ENOENT, "%s: command not found", command);
}

/* --- environment ----------------------------------------------------------------- */

/* LD_PRELOAD knows separators and $TOKENS, but no quotes. */
static int needs_link(const char *path)
{
	return strpbrk(path, " :$\t\n") != NULL;
}

/* Ours goes first: allocators that are preloaded too are then behind it. */
static int set_preload(const char *preload)
{
	const char *old = getenv("LD_PRELOAD");
	struct mm_buf b = { 0 };

	mm_buf_printf(&b, "%s%s%s", preload, old && *old ? ":" : "", old ? old : "");
	int err = b.failed || setenv("LD_PRELOAD", (char *)b.data, 1);
	mm_buf_deinit(&b);
	return err ? -1 : 0;
}

/* A path that can stand in LD_PRELOAD: itself, or a link of that name, spelled out in `link`. */
static const char *plain_path(const struct mm_launch *l, const char *path, const char *name,
			      char link[PATH_MAX])
{
	if (!needs_link(path))
		return path;
	snprintf(link, PATH_MAX, "%s/%s", l->folder, name);
	return symlink(path, link) && errno != EEXIST ? NULL : link;
}

static int set_environment(const struct mm_launch *l)
{
	char link[PATH_MAX], second[PATH_MAX], both[2 * PATH_MAX];
	const char *preload = plain_path(l, l->preload, "libmmprof.so", link);
	const char *behind = l->behind ? plain_path(l, l->behind, "libbehind.so", second) : "";

	if (!preload || !behind)
		return -1;
	snprintf(both, sizeof both, "%s%s%s", preload, *behind ? ":" : "", behind);
	return set_preload(both) || setenv(MM_ENV_SOCKET, l->socket, 1) ? -1 : 0;
}

/* --- starting -------------------------------------------------------------------- */

/* As execvp: a text file without #! is a shell script. */
static void execute(const struct mm_launch *l)
{
	extern char **environ;
	size_t n = 0;

	execve(l->path, l->argv, environ);
	if (errno != ENOEXEC)
		return;
	while (l->argv[n])
		n++;
	const char **args = calloc(n + 2, sizeof *args);
	if (!args)
		return;
	args[0] = "/bin/sh";
	args[1] = l->path;
	for (size_t i = 1; i < n; i++)
		args[i + 1] = l->argv[i];
	execve(args[0], (char *const *)args, environ);
}

int mm_launch_become(const struct mm_launch *l, struct mm_diag *diag)
{
	if (needs_link(l->preload))
		return mm_fail(diag, MM_EUNSUP, "%s: a library cannot be preloaded from a folder with a "
			       "space, colon or $ in its name: install mmprof elsewhere", l->preload);
	if (set_preload(l->preload))
		return MM_ENOMEM;
	execute(l);
	return mm_fail_errno(diag, "%s", l->argv[0]);
}

__attribute__((noreturn)) static void be_child(const struct mm_launch *l, int report)
{
	if (!set_environment(l)) {
		if (l->in_child)
			l->in_child(l->in_child_ctx);
		mm_relay_restore();
		execute(l);
	}
	int e = errno;
	ssize_t n = write(report, &e, sizeof e);
	(void)n;
	_exit(127);
}

static int read_error(int fd)
{
	int e = 0;
	ssize_t n;

	do
		n = read(fd, &e, sizeof e);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof e ? e : 0;
}

int mm_launch_start(const struct mm_launch *l, pid_t *ret, struct mm_diag *diag)
{
	int report[2];

	if (pipe2(report, O_CLOEXEC))
		return mm_fail_errno(diag, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0)
		be_child(l, report[1]);
	int e = errno;
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		errno = e;
		mm_fail_errno(diag, "cannot start a process");
		return MM_EIO;
	}
	e = read_error(report[0]);
	close(report[0]);
	if (e == 0) {
		*ret = pid;
		return MM_OK;
	}
	waitpid(pid, NULL, 0);
	errno = e;
	mm_fail_errno(diag, "%s", l->path);
	return e == ENOENT || e == ENOTDIR ? MM_ENOENT : MM_EPERM;
}
