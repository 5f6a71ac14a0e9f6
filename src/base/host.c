/* host.c: asks the kernel, the C library, the limits and the terminal (host.h). */
#include "base/host.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/install.h"
#include "base/term.h"
#include "base/units.h"

const char *mm_check_state_name(enum mm_check_state state)
{
	static const char *const names[] = { "ok", "note", "warning", "failed" };
	return names[state];
}

struct mm_check *mm_checks_add(struct mm_checks *c, const char *group, const char *name,
			       enum mm_check_state state, const char *format, ...)
{
	va_list ap;

	if (c->count == MM_CHECKS_MAX)
		c->count--;
	struct mm_check *check = &c->list[c->count++];
	memset(check, 0, sizeof *check);
	check->group = group;
	check->name = name;
	check->state = state;
	va_start(ap, format);
	vsnprintf(check->detail, sizeof check->detail, format, ap);
	va_end(ap);
	return check;
}

void mm_check_advise(struct mm_check *check, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(check->advice, sizeof check->advice, format, ap);
	va_end(ap);
}

/* First line of a small file without its newline: 0, or -1 when unreadable. */
static int read_line(const char *path, char *ret, size_t size)
{
	FILE *f = fopen(path, "re");

	if (!f)
		return -1;
	int ok = fgets(ret, (int)size, f) != NULL;
	fclose(f);
	if (!ok)
		return -1;
	ret[strcspn(ret, "\n")] = 0;
	return 0;
}

/* --- kernel ------------------------------------------------------------------- */

static void ask_membarrier(struct mm_checks *c)
{
	long can = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0);
	int fast = can > 0 && (can & MEMBARRIER_CMD_GLOBAL_EXPEDITED);
	int slow = can > 0 && (can & MEMBARRIER_CMD_GLOBAL);

	if (fast)
		mm_checks_add(c, "kernel", "membarrier", MM_CHECK_OK, "expedited");
	else if (slow)
		mm_checks_add(c, "kernel", "membarrier", MM_CHECK_WARN,
			      "only the slow kind: events reach the trace later");
	else
		mm_check_advise(mm_checks_add(c, "kernel", "membarrier", MM_CHECK_FAIL,
					      "not available: %s",
					      can < 0 ? strerror(errno) : "no command"),
				"Linux 4.16 or later is needed, or a seccomp profile that "
				"allows membarrier");
}

static void ask_wipe_on_fork(struct mm_checks *c)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	int ok = page != MAP_FAILED && madvise(page, 4096, MADV_WIPEONFORK) == 0;
	int saved = errno;

	if (page != MAP_FAILED)
		munmap(page, 4096);
	if (ok)
		mm_checks_add(c, "kernel", "wipe on fork", MM_CHECK_OK, "MADV_WIPEONFORK");
	else
		mm_check_advise(mm_checks_add(c, "kernel", "wipe on fork", MM_CHECK_FAIL,
					      "MADV_WIPEONFORK: %s", strerror(saved)),
				"Linux 4.14 or later is needed");
}

static void ask_vm_readv(struct mm_checks *c)
{
	int word = 42, copy = 0;
	struct iovec local = { &copy, sizeof copy }, remote = { &word, sizeof word };
	ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	if (n == sizeof copy && copy == word)
		mm_checks_add(c, "kernel", "process_vm_readv", MM_CHECK_OK, "works");
	else
		mm_check_advise(mm_checks_add(c, "kernel", "process_vm_readv", MM_CHECK_WARN,
					      "%s: stacks outside a thread's own are cut",
					      strerror(errno)),
				"allow process_vm_readv in the seccomp profile");
}

static void ask_memfd(struct mm_checks *c)
{
	int fd = memfd_create("mmprof-doctor", MFD_CLOEXEC);
	int ok = fd >= 0 && ftruncate(fd, (off_t)1 << 34) == 0;
	int saved = errno;

	if (fd >= 0)
		close(fd);
	if (ok)
		mm_checks_add(c, "kernel", "memfd", MM_CHECK_OK, "sparse, 16 GiB");
	else
		mm_check_advise(mm_checks_add(c, "kernel", "memfd", MM_CHECK_FAIL,
					      "memfd_create: %s", strerror(saved)),
				"allow memfd_create, and files of 16 GiB (ulimit -f)");
}

static void ask_clock(struct mm_checks *c)
{
	char source[64] = "unknown";

	read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
		  sizeof source);
	if (strcmp(source, "tsc") == 0)
		mm_checks_add(c, "kernel", "clock source", MM_CHECK_OK, "tsc");
	else
		mm_checks_add(c, "kernel", "clock source", MM_CHECK_WARN,
			      "%s, not tsc: times come from CLOCK_MONOTONIC, which is slower",
			      source);
}

static void ask_confinement(struct mm_checks *c)
{
	char line[128], yama[32];
	int seccomp = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "Seccomp: %d", &seccomp) == 1)
			break;
	if (f)
		fclose(f);
	mm_checks_add(c, "kernel", "seccomp", seccomp ? MM_CHECK_NOTE : MM_CHECK_OK, "%s",
		      seccomp ? "a filter is active (a container?); the checks above ran under it"
			      : "no filter");
	if (read_line("/proc/sys/kernel/yama/ptrace_scope", yama, sizeof yama) == 0)
		mm_checks_add(c, "kernel", "Yama ptrace_scope",
			      yama[0] == '0' ? MM_CHECK_OK : MM_CHECK_NOTE,
			      "%s%s", yama,
			      yama[0] == '0' ? "" : " (recording does not need ptrace)");
}

void mm_host_kernel(struct mm_checks *c)
{
	struct utsname u;

	if (uname(&u) == 0)
		mm_checks_add(c, "kernel", "release",
			      strcmp(u.machine, "x86_64") == 0 ? MM_CHECK_OK : MM_CHECK_FAIL,
			      "%s %s %s", u.sysname, u.release, u.machine);
	ask_membarrier(c);
	ask_wipe_on_fork(c);
	ask_memfd(c);
	ask_vm_readv(c);
	ask_clock(c);
	ask_confinement(c);
}

/* --- libraries ------------------------------------------------------------------ */

void mm_host_library(struct mm_checks *c)
{
	static const char loader[] = "/lib64/ld-linux-x86-64.so.2";
	struct mm_diag diag = { "" };
	const char *version = gnu_get_libc_version();
	char *preload = NULL;

	if (dlsym(RTLD_DEFAULT, "_dl_find_object"))
		mm_checks_add(c, "library", "glibc", MM_CHECK_OK, "%s", version);
	else
		mm_check_advise(mm_checks_add(c, "library", "glibc", MM_CHECK_FAIL,
					      "%s has no _dl_find_object", version),
				"glibc 2.35 or later is needed");
	if (access(loader, X_OK) == 0)
		mm_checks_add(c, "library", "loader", MM_CHECK_OK, "%s", loader);
	else
		mm_checks_add(c, "library", "loader", MM_CHECK_FAIL, "%s: %s", loader,
			      strerror(errno));
	int err = mm_install_library(&preload, MM_LIBRARY_RECORD, &diag);
	if (err)
		mm_checks_add(c, "library", "preload", MM_CHECK_FAIL, "%s",
			      mm_diag_text(&diag, err));
	else
		mm_checks_add(c, "library", "preload", MM_CHECK_OK, "%s", preload);
	free(preload);
	const char *already = getenv("LD_PRELOAD");
	if (already && already[0])
		mm_checks_add(c, "library", "LD_PRELOAD", MM_CHECK_NOTE,
			      "%.200s (kept; ours comes first)", already);
}

/* --- limits --------------------------------------------------------------------- */

static void ask_address_space(struct mm_checks *c)
{
	struct rlimit limit;
	char size[MM_UNITS_TEXT];

	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		mm_checks_add(c, "limits", "address space", MM_CHECK_OK, "unlimited");
	else
		mm_checks_add(c, "limits", "address space", MM_CHECK_WARN,
			      "%s: the recording buffer shrinks with it",
			      mm_format_size(size, limit.rlim_cur));
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		mm_check_advise(mm_checks_add(c, "limits", "file size", MM_CHECK_WARN, "%s",
					      mm_format_size(size, limit.rlim_cur)),
				"the trace ends there: ulimit -f unlimited");
}

static void ask_disk(struct mm_checks *c, const char *dir)
{
	struct statvfs fs;
	char size[MM_UNITS_TEXT];

	if (statvfs(dir, &fs) != 0) {
		mm_checks_add(c, "limits", "disk", MM_CHECK_WARN, "%s: %s", dir,
			      strerror(errno));
		return;
	}
	unsigned long long room = (unsigned long long)fs.f_bavail * fs.f_frsize;
	int writable = access(dir, W_OK) == 0;
	struct mm_check *check =
		mm_checks_add(c, "limits", "disk",
			      room >= 1ULL << 30 && writable ? MM_CHECK_OK : MM_CHECK_WARN,
			      "%s free in %s%s", mm_format_size(size, room), dir,
			      writable ? "" : ", not writable");
	if (room < 1ULL << 30 || !writable)
		mm_check_advise(check, "write the trace elsewhere: mmprof record -o FILE");
}

static void ask_cgroup(struct mm_checks *c)
{
	static const char *const places[] = {
		"/sys/fs/cgroup/memory.max",
		"/sys/fs/cgroup/memory/memory.limit_in_bytes",
	};
	char text[64], size[MM_UNITS_TEXT];

	for (size_t i = 0; i < 2; i++) {
		if (read_line(places[i], text, sizeof text) != 0)
			continue;
		unsigned long long n = strtoull(text, NULL, 10);
		int limited = n && n < 1ULL << 60;
		mm_checks_add(c, "limits", "cgroup memory", MM_CHECK_OK, "v%d, %s", i ? 1 : 2,
			      limited ? mm_format_size(size, n) : "no limit");
		return;
	}
	mm_checks_add(c, "limits", "cgroup memory", MM_CHECK_NOTE,
		      "no limit is visible from here");
}

void mm_host_limits(struct mm_checks *c, const char *output_dir)
{
	char line[128];

	ask_address_space(c);
	ask_disk(c, output_dir);
	ask_cgroup(c);
	if (read_line("/proc/pressure/memory", line, sizeof line) == 0)
		mm_checks_add(c, "limits", "memory pressure", MM_CHECK_OK, "%s", line);
	else
		mm_checks_add(c, "limits", "memory pressure", MM_CHECK_NOTE,
			      "the kernel publishes no PSI: the timeline lacks it");
}

/* --- symbols -------------------------------------------------------------------- */

static void ask_cache(struct mm_checks *c)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char path[4096];

	if (xdg && xdg[0] == '/')
		snprintf(path, sizeof path, "%s", xdg);
	else if (home && home[0])
		snprintf(path, sizeof path, "%s/.cache", home);
	else
		path[0] = 0;
	int missing = path[0] && access(path, F_OK) != 0;
	char *slash = strrchr(path, '/');
	const char *where = path;
	char parent[4096];
	if (missing && slash) {
		snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
		where = parent[0] ? parent : "/";
	}
	if (path[0] && access(where, W_OK) == 0)
		mm_checks_add(c, "symbols", "cache", MM_CHECK_OK, "%.200s/mmprof", path);
	else
		mm_check_advise(mm_checks_add(c, "symbols", "cache", MM_CHECK_NOTE,
					      "%.200s: not writable: symbols are looked up each time",
					      path[0] ? path : "no HOME"),
				"set XDG_CACHE_HOME");
}

void mm_host_symbols(struct mm_checks *c)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	int files = access("/usr/lib/debug/.build-id", R_OK | X_OK) == 0;

	mm_checks_add(c, "symbols", "debug files", files ? MM_CHECK_OK : MM_CHECK_NOTE, "%s",
		      files ? "/usr/lib/debug/.build-id"
			    : "none in /usr/lib/debug: stripped libraries show symbols without lines");
	mm_checks_add(c, "symbols", "debuginfod", MM_CHECK_NOTE, "%.200s",
		      urls && urls[0] ? urls : "not asked (DEBUGINFOD_URLS is not set)");
	ask_cache(c);
}

/* --- terminal ------------------------------------------------------------------- */

void mm_host_terminal(struct mm_checks *c)
{
	const char *term = getenv("TERM");
	int is = mm_term_is(STDERR_FILENO);

	mm_checks_add(c, "terminal", "stderr", MM_CHECK_OK, "%s",
		      is ? "a terminal: progress is shown" : "not a terminal: no progress");
	if (is)
		mm_checks_add(c, "terminal", "type", MM_CHECK_OK, "%s, %d columns, %s",
			      term ? term : "unknown", mm_term_columns(STDERR_FILENO, 80),
			      mm_term_colours(STDERR_FILENO) ? "colours" : "no colours");
	mm_checks_add(c, "terminal", "characters", mm_term_utf8() ? MM_CHECK_OK : MM_CHECK_NOTE,
		      "%s", mm_term_utf8() ? "UTF-8" : "not UTF-8: lines are drawn in ASCII");
}
