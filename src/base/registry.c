/* registry.c: a folder with a file for each recording (registry.h). */
#include "base/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "core/error.h"

#define CANNOT_TELL UINT64_MAX

enum { ENTRY_TEXT = 3 * PATH_MAX + 2048, NAME_BYTES = 64 };

/* --- the folder ---------------------------------------------------------------------------- */

/* The folder, open, or an error. With `make` it comes to be. */
static int open_folder(int make)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char path[PATH_MAX], run[64];
	struct stat st;

	snprintf(run, sizeof run, "/run/user/%u", (unsigned)getuid());
	if (xdg && xdg[0] == '/')
		snprintf(path, sizeof path, "%s/mmprof", xdg);
	else if (stat(run, &st) == 0 && st.st_uid == getuid())
		snprintf(path, sizeof path, "%s/mmprof", run);
	else
		snprintf(path, sizeof path, "/tmp/mmprof-%u", (unsigned)getuid());
	if (make && mkdir(path, 0700) && errno != EEXIST)
		return MM_EIO;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? MM_ENOENT : MM_EPERM;
	if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 077)) {
		close(fd);
		return MM_EPERM;
	}
	return fd;
}

/* When a process started: field 22 of its stat, behind the name, which may hold anything. 0 =
 * it is gone; CANNOT_TELL = it could not be asked. */
static uint64_t start_of(pid_t pid)
{
	char path[64], text[1024];
	uint64_t start = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : CANNOT_TELL;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	char *at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	/* A zombie lives no more. */
	char *name_end = strrchr(text, ')');
	if (at && name_end[1] == ' ' && name_end[2] != 'Z')
		start = strtoull(at + 1, NULL, 10);
	return start;
}

void mm_registry_of(pid_t recorder, struct mm_registry_entry *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->recorder = recorder;
	ret->recorder_start = start_of(recorder);
}

int mm_registry_lives(const struct mm_registry_entry *e)
{
	uint64_t start = e->recorder_start ? start_of(e->recorder) : 0;

	return start && (start == e->recorder_start || start == CANNOT_TELL);
}

/* The pid namespace that our numbers are of; 0 = unknown. */
static uint64_t our_space(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : (uint64_t)st.st_ino;
}

/* --- entries as text ------------------------------------------------------------------------ */

static void put_text(struct mm_buf *b, const char *name, const char *text)
{
	mm_buf_printf(b, "%s ", name);
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == '%')
			mm_buf_printf(b, "%%%02x", (unsigned char)*text);
		else
			mm_buf_u8(b, (uint8_t)*text);
	mm_buf_u8(b, '\n');
}

static void get_text(const char *from, size_t n, char *ret, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < n && used + 1 < size; i++) {
		unsigned c;
		if (from[i] == '%' && i + 2 < n && sscanf(from + i + 1, "%2x", &c) == 1 && c) {
			ret[used++] = (char)c;
			i += 2;
		} else {
			ret[used++] = from[i];
		}
	}
	ret[used] = 0;
}

/* The value of the line that begins with `name`; NULL none. */
static const char *line_of(const char *text, const char *name, size_t *ret_len)
{
	size_t n = strlen(name);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line != 0)
		if (strncmp(line, name, n) == 0 && line[n] == ' ') {
			*ret_len = strcspn(line + n + 1, "\n");
			return line + n + 1;
		}
	return NULL;
}

static uint64_t number_of(const char *text, const char *name)
{
	size_t n;
	const char *value = line_of(text, name, &n);

	return value ? strtoull(value, NULL, 10) : 0;
}

static pid_t pid_of(const char *text, const char *name)
{
	uint64_t n = number_of(text, name);

	return n <= INT_MAX ? (pid_t)n : 0;
}

static int parse(const char *text, struct mm_registry_entry *ret, uint64_t *ret_space)
{
	size_t trace_len, cmd_len;
	const char *trace = line_of(text, "trace", &trace_len), *cmd = line_of(text, "cmd", &cmd_len);

	memset(ret, 0, sizeof *ret);
	if (!trace || trace[0] != '/' || !cmd)
		return MM_EINVAL;
	*ret_space = number_of(text, "space");
	ret->recorder = pid_of(text, "recorder");
	ret->recorder_start = number_of(text, "recorder_start");
	ret->command = pid_of(text, "command");
	ret->start_unix_ns = number_of(text, "start_unix_ns");
	get_text(trace, trace_len, ret->trace, sizeof ret->trace);
	get_text(cmd, cmd_len, ret->cmd, sizeof ret->cmd);
	return ret->recorder > 0 ? MM_OK : MM_EINVAL;
}

int mm_registry_path(const char *path, char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char folder[PATH_MAX], real[PATH_MAX], full[2 * PATH_MAX];

	if (snprintf(folder, sizeof folder, "%.*s", (int)(name - path), path) >= (int)sizeof folder ||
	    !realpath(folder[0] ? folder : ".", real))
		return MM_ENOENT;
	int n = snprintf(full, sizeof full, "%s/%s", real[1] ? real : "", name);
	if (n >= PATH_MAX)
		return MM_ENOENT;
	memcpy(ret, full, (size_t)n + 1);
	return MM_OK;
}

/* --- writing ------------------------------------------------------------------------------- */

static int write_all(int folder, const char *name, const struct mm_buf *b)
{
	char draft[NAME_BYTES + 1];
	int err = MM_EIO;

	snprintf(draft, sizeof draft, ".%s", name);
	unlinkat(folder, draft, 0);
	int fd = openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return MM_EIO;
	if (write(fd, b->data, b->len) == (ssize_t)b->len &&
	    renameat(folder, draft, folder, name) == 0)
		err = MM_OK;
	close(fd);
	if (err)
		unlinkat(folder, draft, 0);
	return err;
}

/* The name of an entry is never another's, whatever numbers are used again: to remove a stale one
 * is to remove no other. */
static void name_entry(char name[NAME_BYTES])
{
	snprintf(name, NAME_BYTES, "%d-%" PRIu64 "-%" PRIu64, (int)getpid(), start_of(getpid()),
		 our_space());
}

int mm_registry_add(const struct mm_registry_entry *e)
{
	struct mm_buf b = { 0 };
	char name[NAME_BYTES];
	int folder = open_folder(1);

	if (folder < 0)
		return folder;
	mm_buf_printf(&b, "recorder %d\nrecorder_start %" PRIu64 "\nspace %" PRIu64 "\ncommand %d\n"
		      "start_unix_ns %" PRIu64 "\n", (int)getpid(), start_of(getpid()), our_space(),
		      (int)e->command, e->start_unix_ns);
	put_text(&b, "trace", e->trace);
	put_text(&b, "cmd", e->cmd);
	name_entry(name);
	int err = b.failed ? MM_ENOMEM : write_all(folder, name, &b);
	mm_buf_deinit(&b);
	close(folder);
	return err;
}

void mm_registry_remove(void)
{
	char name[NAME_BYTES];
	int folder = open_folder(0);

	if (folder < 0)
		return;
	name_entry(name);
	unlinkat(folder, name, 0);
	close(folder);
}

/* --- reading ------------------------------------------------------------------------------- */

/* MM_EINVAL when it is none; MM_EIO when that cannot be told now. */
static int read_entry(int folder, const char *name, struct mm_registry_entry *ret, uint64_t *ret_space)
{
	char *text = malloc(ENTRY_TEXT);
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int err = !text || (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		? MM_EIO : MM_EINVAL;
	ssize_t n = fd < 0 || !text ? -1 : read(fd, text, ENTRY_TEXT - 1);

	if (n > 0) {
		text[n] = 0;
		err = parse(text, ret, ret_space);
	}
	if (fd >= 0)
		close(fd);
	free(text);
	return err;
}

static int newest_first(const void *a, const void *b)
{
	const struct mm_registry_entry *x = a, *y = b;

	return x->start_unix_ns == y->start_unix_ns ? 0 : x->start_unix_ns > y->start_unix_ns ? -1 : 1;
}

static int read_folder(int folder, DIR *dir, struct mm_registry_entry **all, size_t *count)
{
	size_t cap = 0;
	struct dirent *d;
	uint64_t ours = our_space(), space;

	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] < '1' || d->d_name[0] > '9')
			continue;
		if (MM_GROW(*all, cap, *count + 1))
			return MM_ENOMEM;
		struct mm_registry_entry *e = &(*all)[*count];
		int err = read_entry(folder, d->d_name, e, &space);
		if (!err && space != ours)
			continue;
		if (!err && mm_registry_lives(e))
			++*count;
		else if (err != MM_EIO)
			unlinkat(folder, d->d_name, 0);
	}
	return MM_OK;
}

int mm_registry_list(struct mm_registry_entry **ret, size_t *ret_count)
{
	struct mm_registry_entry *all = NULL;
	size_t count = 0;
	int folder = open_folder(0), err = MM_OK;

	if (folder < 0 && folder != MM_ENOENT)
		return folder;
	DIR *dir = folder < 0 ? NULL : fdopendir(folder);
	if (dir)
		err = read_folder(folder, dir, &all, &count);
	if (dir)
		closedir(dir);
	else if (folder >= 0)
		close(folder);
	if (err) {
		free(all);
		return err;
	}
	if (count)
		qsort(all, count, sizeof *all, newest_first);
	*ret = all;
	*ret_count = count;
	return MM_OK;
}
