/* source.c: bounded reading of a trace (source.h). */
#include "trace/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

enum { WINDOW = 256 << 10 };

/* A file without a name, for what comes from a pipe: its descriptor or -1. */
static int unnamed_file(void)
{
	const char *dir = getenv("TMPDIR");
	char name[4096];

	if (!dir || !*dir)
		dir = "/tmp";
#ifdef O_TMPFILE
	int made = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (made >= 0)
		return made;
#endif
	if (snprintf(name, sizeof name, "%s/mmprof-XXXXXX", dir) >= (int)sizeof name)
		return -1;
	int fd = mkstemp(name);
	if (fd >= 0)
		unlink(name);
	return fd;
}

static int spool(int from, int to)
{
	char buffer[65536];

	for (;;) {
		ssize_t n = read(from, buffer, sizeof buffer);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : 0;
		for (ssize_t done = 0; done < n;) {
			ssize_t m = write(to, buffer + done, (size_t)(n - done));
			if (m < 0 && errno != EINTR)
				return -1;
			done += m > 0 ? m : 0;
		}
	}
}

static int open_stdin(struct mm_source *s, struct mm_diag *diag)
{
	s->fd = unnamed_file();
	if (s->fd < 0)
		return mm_fail_errno(diag, "cannot make a temporary file");
	if (spool(STDIN_FILENO, s->fd)) {
		int err = mm_fail_errno(diag, "standard input");
		close(s->fd);
		return err;
	}
	return MM_OK;
}

int mm_source_open(struct mm_source *ret, const char *path, struct mm_diag *diag)
{
	struct mm_source s = { .fd = -1 };
	struct stat st;

	if (strcmp(path, "-") == 0) {
		int err = open_stdin(&s, diag);
		if (err)
			return err;
	} else {
		s.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (s.fd < 0)
			return mm_fail_errno(diag, "%s: cannot open", path);
		s.path = strdup(path);
	}
	if (fstat(s.fd, &st) != 0 || !S_ISREG(st.st_mode) || (!s.path && strcmp(path, "-"))) {
		mm_source_close(&s);
		return mm_fail(diag, MM_ENOTRACE, "%s: not a trace: no regular file", path);
	}
	s.bytes = (uint64_t)st.st_size;
	*ret = s;
	return MM_OK;
}

void mm_source_open_memory(struct mm_source *ret, const void *data, size_t bytes)
{
	*ret = (struct mm_source){ .fd = -1, .memory = data, .bytes = bytes };
}

void mm_source_close(struct mm_source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	mm_buf_deinit(&s->window);
	s->fd = -1;
}

int mm_source_refresh(struct mm_source *s, struct mm_diag *diag)
{
	struct stat now;

	if (s->fd < 0)
		return MM_OK;
	if (fstat(s->fd, &now) != 0)
		return mm_fail_errno(diag, "%s", s->path ? s->path : "standard input");
	s->bytes = (uint64_t)now.st_size;
	s->window.len = 0;
	s->looks++;
	return MM_OK;
}

static int read_at(int fd, uint64_t at, void *ret, size_t len)
{
	ssize_t n;

	do
		n = pread(fd, ret, len, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? MM_OK : MM_ETRUNC;
}

int mm_source_read(const struct mm_source *s, uint64_t at, void *ret, size_t len)
{
	if (at > s->bytes || len > s->bytes - at)
		return MM_ETRUNC;
	if (s->fd >= 0)
		return read_at(s->fd, at, ret, len);
	memcpy(ret, s->memory + at, len);
	return MM_OK;
}

int mm_source_is_replaced(const struct mm_source *s, uint64_t at, size_t len)
{
	uint8_t ours[MM_SOURCE_MARK], theirs[MM_SOURCE_MARK];
	struct stat own, other;

	if (!s->path || len > sizeof ours || fstat(s->fd, &own) || stat(s->path, &other) ||
	    (own.st_ino == other.st_ino && own.st_dev == other.st_dev) || !S_ISREG(other.st_mode))
		return 0;
	int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;
	int same = read_at(s->fd, at, ours, len) == MM_OK && read_at(fd, at, theirs, len) == MM_OK &&
		   memcmp(ours, theirs, len) == 0;
	close(fd);
	return same;
}

/* Fills the window from `at` on, as far as there is something. */
static int fill(struct mm_source *s, uint64_t at, size_t want)
{
	s->window.len = 0;
	s->window_at = at;
	if (mm_buf_reserve(&s->window, want))
		return MM_ENOMEM;
	while (s->window.len < want) {
		ssize_t n = pread(s->fd, s->window.data + s->window.len, want - s->window.len,
				  (off_t)(at + s->window.len));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		s->window.len += (size_t)n;
	}
	return MM_OK;
}

int mm_source_view(struct mm_source *s, uint64_t at, size_t len, const uint8_t **ret)
{
	if (at > s->bytes || len > s->bytes - at)
		return MM_ETRUNC;
	if (s->fd < 0) {
		*ret = s->memory + at;
		return MM_OK;
	}
	if (!s->window.data || at < s->window_at || at + len > s->window_at + s->window.len) {
		uint64_t left = s->bytes - at;
		size_t want = len > WINDOW ? len : left < WINDOW ? (size_t)left : WINDOW;
		int err = fill(s, at, want);
		if (err)
			return err;
		if (s->window.len < len)
			return MM_ETRUNC;
	}
	*ret = s->window.data + (at - s->window_at);
	return MM_OK;
}
