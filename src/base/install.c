/* install.c: looks beside the executable (install.h). */
#include "base/install.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Length of the leading whole components that a and b share, '/' included. */
static size_t shared_prefix(const char *a, const char *b)
{
	size_t last = 0;

	for (size_t i = 0;; i++) {
		if ((a[i] == '/' || !a[i]) && (b[i] == '/' || !b[i]))
			last = i;
		if (a[i] != b[i] || !a[i])
			return last;
	}
}

/* `to` as seen from `from`: "../lib/mmprof" for /usr/bin and /usr/lib/mmprof. */
static void relative_path(char *ret, size_t size, const char *from, const char *to)
{
	size_t common = shared_prefix(from, to), used = 0;

	ret[0] = 0;
	for (const char *p = from + common; *p; p++)
		if (*p == '/' && p[1] && p[1] != '/')
			used += (size_t)snprintf(ret + used, used < size ? size - used : 0, "../");
	if (used < size)
		snprintf(ret + used, size - used, "%s", to + common + (to[common] == '/'));
}

static int try_place(char **ret, const char *name, const char *dir, const char *sub)
{
	char path[2 * PATH_MAX];

	if (sub[0] == '/')
		snprintf(path, sizeof path, "%s/%s", sub, name);
	else
		snprintf(path, sizeof path, "%s/%s/%s", dir, sub, name);
	if (access(path, R_OK) != 0)
		return MM_ENOENT;
	char *found = realpath(path, NULL);
	if (!found)
		return MM_ENOENT;
	*ret = found;
	return MM_OK;
}

int mm_install_find(char **ret, const char *name, const char *exe_dir, const char *bindir,
		    const char *pkglibdir, struct mm_diag *diag)
{
	char relative[PATH_MAX];

	relative_path(relative, sizeof relative, bindir, pkglibdir);
	if (try_place(ret, name, exe_dir, ".libs") == MM_OK ||
	    try_place(ret, name, exe_dir, relative) == MM_OK ||
	    try_place(ret, name, exe_dir, pkglibdir) == MM_OK)
		return MM_OK;
	return mm_fail(diag, MM_ENOENT,
		       "%s is neither in %s/%s nor in %s: install mmprof again (make install)",
		       name, exe_dir, relative, pkglibdir);
}

int mm_install_library(char **ret, const char *name, struct mm_diag *diag)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

	if (n <= 0)
		return mm_fail_errno(diag, "/proc/self/exe");
	exe[n] = 0;
	char *slash = strrchr(exe, '/');
	if (slash)
		*slash = 0;
	return mm_install_find(ret, name, exe, MM_BINDIR, MM_PKGLIBDIR, diag);
}
