/* procfs.c: reads /proc (procfs.h). */
#include "collect/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "core/error.h"

enum { CMD_MAX = 16 * 1024 };

long mm_procfs_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;

	if (fd < 0)
		return -1;
	while (len + 1 < size) {
		ssize_t n = read(fd, buf + len, size - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	buf[len] = '\0';
	return (long)len;
}

char *mm_procfs_exe(pid_t pid)
{
	char path[64], text[PATH_MAX];

	snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
	ssize_t n = readlink(path, text, sizeof text - 1);
	if (n <= 0)
		return NULL;
	text[n] = '\0';
	return strdup(text);
}

static int is_plain(const char *text)
{
	if (!*text)
		return 0;
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("_-./=:,+@%^", *p) &&
		    (unsigned char)*p < 0x80)
			return 0;
	return 1;
}

static void put_quoted(struct mm_buf *b, const char *text)
{
	if (b->len)
		mm_buf_u8(b, ' ');
	if (is_plain(text)) {
		mm_buf_put(b, text, strlen(text));
		return;
	}
	mm_buf_u8(b, '\'');
	for (const char *p = text; *p; p++) {
		if (*p == '\'')
			mm_buf_put(b, "'\\'", 3);
		mm_buf_u8(b, (uint8_t)*p);
	}
	mm_buf_u8(b, '\'');
}

static char *finish(struct mm_buf *b)
{
	mm_buf_u8(b, 0);
	if (b->failed) {
		mm_buf_deinit(b);
		return NULL;
	}
	return (char *)b->data;
}

char *mm_procfs_quote(char *const *argv)
{
	struct mm_buf b = { 0 };

	for (; *argv; argv++)
		put_quoted(&b, *argv);
	return finish(&b);
}

char *mm_procfs_cmd(pid_t pid)
{
	char path[64], comm[16];
	struct mm_buf b = { 0 };
	char *text = malloc(CMD_MAX);

	if (!text)
		return NULL;
	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	long n = mm_procfs_read(path, text, CMD_MAX);
	for (long at = 0; at < n; at += (long)strlen(text + at) + 1)
		put_quoted(&b, text + at);
	free(text);
	if (n > 0)
		return finish(&b);
	if (mm_procfs_comm(pid, pid, comm))
		return NULL;
	mm_buf_printf(&b, "[%s]", comm);
	return finish(&b);
}

int mm_procfs_comm(pid_t pid, pid_t tid, char ret[16])
{
	char path[64], text[32];

	snprintf(path, sizeof path, "/proc/%d/task/%d/comm", (int)pid, (int)tid);
	long n = mm_procfs_read(path, text, sizeof text);
	if (n <= 0)
		return MM_ENOENT;
	text[strcspn(text, "\n")] = '\0';
	snprintf(ret, 16, "%.15s", text);
	return MM_OK;
}

uint64_t mm_procfs_field(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, name, n) != 0)
			continue;
		char *end;
		unsigned long long v = strtoull(p + n, &end, 10);
		return end == p + n ? UINT64_MAX
				    : strncmp(end, " kB", 3) == 0 ? (uint64_t)v * 1024 : v;
	}
	return UINT64_MAX;
}

int mm_procfs_tasks(pid_t pid, int (*fn)(void *ctx, pid_t tid), void *ctx)
{
	char path[64];
	int err = MM_OK;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *d = opendir(path);
	if (!d)
		return MM_ENOENT;
	for (struct dirent *e; !err && (e = readdir(d));)
		if (e->d_name[0] != '.')
			err = fn(ctx, (pid_t)atoi(e->d_name));
	closedir(d);
	return err;
}

int mm_procfs_children(pid_t pid, pid_t tid, int (*fn)(void *ctx, pid_t child), void *ctx)
{
	char path[80], text[4096];

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)tid);
	if (mm_procfs_read(path, text, sizeof text) < 0)
		return MM_ENOENT;
	for (char *p = text, *end; *p; p = end) {
		long child = strtol(p, &end, 10);
		if (end == p)
			break;
		int err = fn(ctx, (pid_t)child);
		if (err)
			return err;
		while (*end == ' ')
			end++;
	}
	return MM_OK;
}

pid_t mm_procfs_inner(pid_t pid, pid_t tid)
{
	char path[64], text[4096];

	snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)tid);
	if (mm_procfs_read(path, text, sizeof text) <= 0)
		return 0;
	char *line = strstr(text, "\nNSpid:");
	if (!line)
		return 0;
	line += 7;
	line[strcspn(line, "\n")] = '\0';
	char *last = strrchr(line, '\t');
	return last ? (pid_t)atoi(last + 1) : 0;
}

struct inner_search { pid_t pid, inner, found; };

static int compare_inner(void *ctx, pid_t child)
{
	struct inner_search *s = ctx;

	if (mm_procfs_inner(child, child) != s->inner)
		return MM_OK;
	s->found = child;
	return MM_EEXIST;
}

static int compare_children(void *ctx, pid_t tid)
{
	struct inner_search *s = ctx;
	int err = mm_procfs_children(s->pid, tid, compare_inner, s);

	return err == MM_EEXIST ? err : MM_OK;
}

pid_t mm_procfs_find_child(pid_t pid, pid_t inner)
{
	struct inner_search s = { pid, inner, 0 };

	mm_procfs_tasks(pid, compare_children, &s);
	return s.found;
}

int mm_procfs_state(pid_t pid, struct mm_procfs_state *ret)
{
	char path[64], text[512];

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (mm_procfs_read(path, text, sizeof text) <= 0)
		return MM_ENOENT;
	char *p = strrchr(text, ')'), letter;
	int ppid;
	unsigned long user, system;
	if (!p || sscanf(p + 1, " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu", &letter,
			 &ppid, &user, &system) != 4)
		return MM_ENOENT;
	*ret = (struct mm_procfs_state){ ppid, letter, (uint64_t)user + system };
	return MM_OK;
}

/* Of a zombie /proc tells the status as its last figure but none; once it has been waited
 * for, newer kernels (6.15) tell it by the pidfd. */
struct pidfd_answer {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t exit_code;
	uint64_t more[8];
};

static int zombie_status(pid_t pid, int *ret)
{
	char path[64], text[1024];
	int field = 2;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	if (mm_procfs_read(path, text, sizeof text) <= 0)
		return MM_ENOENT;
	char *p = strrchr(text, ')');
	if (!p || (p[2] != 'Z' && p[2] != 'X'))
		return MM_ENOENT;
	while (field < 52 && p && (p = strchr(p, ' '))) {
		p++;
		field++;
	}
	if (!p)
		return MM_ENOENT;
	*ret = atoi(p);
	return MM_OK;
}

int mm_procfs_status(pid_t pid, int pidfd, int *ret)
{
	enum { INFO_EXIT = 1 << 3 };
	struct pidfd_answer a = { .mask = INFO_EXIT };

	if (!zombie_status(pid, ret))
		return MM_OK;
	if (pidfd < 0 || ioctl(pidfd, _IOWR(0xFF, 11, struct pidfd_answer), &a) ||
	    !(a.mask & INFO_EXIT))
		return MM_ENOENT;
	*ret = a.exit_code;
	return MM_OK;
}
