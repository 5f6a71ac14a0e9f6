/* output.c: appending blocks to a file (output.h). */
#include "trace/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "core/crc32c.h"
#include "core/error.h"

enum {
	FLUSH_BYTES = 1 << 20,
	PACK_LEAST = 64, /* shorter payloads stay plain */
	RESERVE_MIN = 4 << 10, RESERVE_MAX = 64 << 10,
	INDEX_BYTES = MM_BLOCK_HEADER + 16 /* at most, of the block that ends a file */
};

struct mm_output {
	int fd;
	int seekable;
	char *path;
	int level;
	uint64_t max_bytes, reserve;
	int resumed; /* the room held back may be used */
	struct mm_buf pending; /* whole blocks not yet written */
	uint64_t written;      /* bytes in the file */
	uint64_t run_end;      /* end of the first block */
	uint64_t next_events, pending_events, lost_events;
	struct mm_file_state state, flushed; /* flushed: as it stands in the file */
	ZSTD_CCtx *zstd;
	int err, err_errno;
};

/* --- system calls -------------------------------------------------------------------- */

struct quiet { sigset_t before, ours; };

/* A full file or a closed pipe is an error to us, never a signal to the program. */
static void quiet_begin(struct quiet *q)
{
	sigemptyset(&q->ours);
	sigaddset(&q->ours, SIGXFSZ);
	sigaddset(&q->ours, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &q->ours, &q->before);
}

static void quiet_end(struct quiet *q)
{
	int saved = errno;
	struct timespec now = { 0, 0 };

	if (saved == EFBIG || saved == EPIPE)
		sigtimedwait(&q->ours, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &q->before, NULL);
	errno = saved;
}

/* 0 or -1 with errno; *done counts what was written. */
static int write_all(int fd, const uint8_t *p, size_t len, uint64_t *done)
{
	struct quiet q;
	int err = 0;

	quiet_begin(&q);
	errno = 0;
	while (len && !err) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = -1;
		} else {
			p += n;
			len -= (size_t)n;
			*done += (uint64_t)n;
		}
	}
	quiet_end(&q);
	return err;
}

static int remember(struct mm_output *o, int err)
{
	if (!o->err) {
		o->err = err;
		o->err_errno = errno;
	}
	return o->err;
}

/* --- opening -------------------------------------------------------------------------- */

static char *beside(const char *path, const char *suffix)
{
	size_t len = strlen(path);
	char *name = malloc(len + strlen(suffix) + 1);

	if (name) {
		memcpy(name, path, len);
		strcpy(name + len, suffix);
	}
	return name;
}

enum { NOTHING, A_TRACE, EMPTY /* as mktemp makes it, or a full disk */ };

/* What stands at a path; MM_EEXIST: something else; or an error. */
static int what_is_at(const char *path, struct mm_diag *diag)
{
	uint8_t head[MM_FILE_STATE];
	struct mm_file_state state;
	uint32_t version, compat;
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? NOTHING : mm_fail_errno(diag, "%s", path);
	int fd = S_ISREG(st.st_mode) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	ssize_t n = fd >= 0 ? read(fd, head, sizeof head) : -1;
	if (fd >= 0)
		close(fd);
	int err = n < 0 ? MM_ENOTRACE : mm_file_decode(head, (size_t)n, &version, &compat, &state);
	if (n == 0)
		return EMPTY;
	if (!err || err == MM_ENEWER)
		return A_TRACE;
	return mm_fail(diag, MM_EEXIST,
		       "%s exists and is not a trace: choose another name", path);
}

/* Makes way: an existing trace becomes PATH.old, an empty file goes, anything else is left
 * alone. */
static int move_old(const char *path, struct mm_diag *diag)
{
	int what = what_is_at(path, diag);

	if (what == EMPTY)
		return unlink(path) ? mm_fail_errno(diag, "%s", path) : MM_OK;
	if (what != A_TRACE)
		return what;
	char *old = beside(path, ".old");
	if (!old)
		return MM_ENOMEM;
	int err = what_is_at(old, diag);
	if (err >= 0)
		err = rename(path, old) ?
			mm_fail_errno(diag, "%s: cannot rename to %s", path, old) : MM_OK;
	free(old);
	return err;
}

static int open_file(struct mm_output *o, const char *path, struct mm_diag *diag)
{
	if (strcmp(path, "-") == 0) {
		if ((fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE) == O_RDONLY)
			return mm_fail(diag, MM_EIO, "standard output is closed, or not open for writing");
		o->fd = dup(STDOUT_FILENO);
		return o->fd < 0 ? mm_fail_errno(diag, "standard output") : MM_OK;
	}
	int err = move_old(path, diag);
	if (err)
		return err;
	o->path = strdup(path);
	o->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (o->fd < 0)
		return mm_fail_errno(diag, "%s: cannot create", path);
	o->seekable = 1;
	return o->path ? MM_OK : MM_ENOMEM;
}

static void note_place(struct mm_output *o, uint8_t type, uint64_t at)
{
	if (type == MM_BLOCK_CHUNK)
		o->state.last_chunk = at;
	else if (type == MM_BLOCK_CHECKPOINT)
		o->state.last_checkpoint = at;
}

static void output_free(struct mm_output *o)
{
	if (o->fd >= 0)
		close(o->fd);
	ZSTD_freeCCtx(o->zstd);
	mm_buf_deinit(&o->pending);
	free(o->path);
	free(o);
}

static int output_create(struct mm_output **ret, int zstd_level)
{
	struct mm_output *o = calloc(1, sizeof *o);

	if (!o)
		return MM_ENOMEM;
	o->fd = -1;
	o->level = zstd_level;
	o->zstd = ZSTD_createCCtx();
	if (!o->zstd || mm_buf_reserve(&o->pending, FLUSH_BYTES)) {
		output_free(o);
		return MM_ENOMEM;
	}
	*ret = o;
	return MM_OK;
}

/* Room for what is known only at the end: how processes ended, and what was lost. */
static uint64_t reserve_of(uint64_t max_bytes)
{
	uint64_t share = max_bytes / 8;

	if (share > RESERVE_MAX)
		return RESERVE_MAX;
	return share > RESERVE_MIN || max_bytes < 4 * RESERVE_MIN ? share : RESERVE_MIN;
}

int mm_output_open(struct mm_output **ret, const char *path, int zstd_level,
		   uint64_t max_bytes, struct mm_diag *diag)
{
	struct mm_output *o;
	int err = output_create(&o, zstd_level);

	if (err)
		return err;
	o->max_bytes = max_bytes;
	o->reserve = reserve_of(max_bytes);
	err = open_file(o, path, diag);
	if (err) {
		output_free(o);
		return err;
	}
	o->state.whole_end = MM_FILE_HEADER;
	o->flushed = o->state;
	mm_file_encode(o->pending.data, &o->state);
	o->pending.len = MM_FILE_HEADER;
	*ret = o;
	return MM_OK;
}

/* Walks the envelopes from the first: sets where the last whole block ends and its
 * number. Where the chain is broken, the rest of the file is kept as it is. */
static int find_end(struct mm_output *o, uint64_t bytes)
{
	uint8_t head[MM_BLOCK_HEADER];
	uint64_t at = MM_FILE_HEADER;
	struct mm_block b;

	while (bytes - at >= MM_BLOCK_HEADER) {
		if (pread(o->fd, head, sizeof head, (off_t)at) != sizeof head)
			return -1;
		if (mm_block_decode(head, &b)) {
			at = bytes;
			break;
		}
		if (b.stored > bytes - at - MM_BLOCK_HEADER)
			break;
		note_place(o, b.type, at);
		o->state.blocks = b.number + 1;
		at += MM_BLOCK_HEADER + b.stored;
	}
	o->written = at;
	return 0;
}

static int reopen_file(struct mm_output *o, const char *path, struct mm_diag *diag)
{
	uint8_t head[MM_FILE_HEADER];
	uint32_t version, compat;
	struct stat st;

	o->path = strdup(path);
	o->seekable = 1;
	o->fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (!o->path)
		return MM_ENOMEM;
	if (o->fd < 0 || fstat(o->fd, &st))
		return mm_fail_errno(diag, "%s", path);
	ssize_t n = pread(o->fd, head, sizeof head, 0);
	int err = n < 0 ? MM_ENOTRACE : mm_file_decode(head, (size_t)n, &version, &compat,
						       &o->state);
	if (err || st.st_size < MM_FILE_HEADER)
		return mm_fail(diag, err ? err : MM_ENOTRACE, "%s: is not a trace that can be "
			       "added to", path);
	if (find_end(o, (uint64_t)st.st_size) || ftruncate(o->fd, (off_t)o->written) ||
	    lseek(o->fd, 0, SEEK_END) < 0)
		return mm_fail_errno(diag, "%s", path);
	o->state.whole_end = o->written;
	return MM_OK;
}

int mm_output_reopen(struct mm_output **ret, const char *path, struct mm_diag *diag)
{
	struct mm_output *o;
	int err = output_create(&o, 0);

	if (err)
		return err;
	err = reopen_file(o, path, diag);
	if (err)
		output_free(o);
	else
		*ret = o;
	return err;
}

/* --- blocks ----------------------------------------------------------------------------- */

uint64_t mm_output_bytes(const struct mm_output *o)
{
	return o->written + o->pending.len;
}

uint64_t mm_output_blocks(const struct mm_output *o)
{
	return o->state.blocks;
}

int mm_output_error(const struct mm_output *o)
{
	return o->err;
}

int mm_output_resume(struct mm_output *o)
{
	int stopped = o->err;

	o->resumed = 1;
	if (stopped == MM_ELIMIT)
		o->err = MM_OK;
	/* Cut off behind the last whole block: what is small may still fit there. */
	if (stopped == MM_ENOSPC && o->seekable && o->written == o->state.whole_end &&
	    lseek(o->fd, (off_t)o->written, SEEK_SET) >= 0)
		o->err = MM_OK;
	return stopped;
}

void mm_output_stop(struct mm_output *o, int stopped)
{
	o->resumed = 0;
	if (stopped)
		o->err = stopped;
}

/* Puts the payload at p, packed if that is shorter: its length; 0 = no room. */
static size_t pack(struct mm_output *o, const struct mm_buf *payload, int packed, uint8_t *p,
		   size_t room, uint8_t *flags)
{
	if (payload->len >= PACK_LEAST && !packed) {
		size_t n = ZSTD_compressCCtx(o->zstd, p, room, payload->data, payload->len,
					     o->level);
		if (!ZSTD_isError(n) && n < payload->len) {
			*flags |= MM_BLOCKF_ZSTD;
			return n;
		}
	}
	if (payload->len)
		memcpy(p, payload->data, payload->len);
	return payload->len;
}

/* Bytes before the bound that a block of this type may not have. */
static uint64_t held_back(const struct mm_output *o, uint8_t type)
{
	if (!o->resumed)
		return o->reserve;
	return type == MM_BLOCK_INDEX ? 0 : INDEX_BYTES;
}

static int append(struct mm_output *o, const struct mm_block *kind, const struct mm_buf *prefix,
		  const struct mm_buf *payload, uint64_t *ret_offset)
{
	struct mm_block b = *kind;
	size_t room = ZSTD_compressBound(payload->len);
	uint64_t at = mm_output_bytes(o);

	if (o->err)
		return o->err;
	if (payload->failed || (prefix && prefix->failed) || payload->len > MM_RAW_MAX)
		return remember(o, MM_ENOMEM);
	b.prefix = prefix ? (uint32_t)prefix->len : 0;
	if (mm_buf_reserve(&o->pending, MM_BLOCK_HEADER + b.prefix + room))
		return remember(o, MM_ENOMEM);
	uint8_t *head = o->pending.data + o->pending.len, *body = head + MM_BLOCK_HEADER;
	if (b.prefix)
		memcpy(body, prefix->data, b.prefix);
	b.raw = (uint32_t)payload->len;
	b.stored = b.prefix +
		(uint32_t)pack(o, payload, b.type == MM_BLOCK_CHUNK, body + b.prefix, room, &b.flags);
	if (o->max_bytes && at + MM_BLOCK_HEADER + b.stored > o->max_bytes - held_back(o, b.type))
		return remember(o, MM_ELIMIT);
	b.crc = mm_crc32c(0, body, b.stored);
	b.number = o->state.blocks++;
	b.back = kind->back ? at - kind->back : 0;
	mm_block_encode(&b, head);
	o->pending.len += MM_BLOCK_HEADER + b.stored;
	note_place(o, b.type, at);
	if (!o->run_end)
		o->run_end = at + MM_BLOCK_HEADER + b.stored;
	if (ret_offset)
		*ret_offset = at;
	return MM_OK;
}

int mm_output_block(struct mm_output *o, const struct mm_block *kind,
		    const struct mm_buf *prefix, const struct mm_buf *payload,
		    uint64_t *ret_offset)
{
	uint64_t events = o->next_events;
	int err = append(o, kind, prefix, payload, ret_offset);

	o->next_events = 0;
	if (err)
		o->lost_events += events;
	else
		o->pending_events += events;
	/* A chunk's digest comes next: whoever follows sees both. */
	if (err || o->pending.len < FLUSH_BYTES || kind->type == MM_BLOCK_CHUNK)
		return err;
	return mm_output_flush(o);
}

void mm_output_expect(struct mm_output *o, uint64_t events)
{
	o->next_events = events;
}

uint64_t mm_output_lost(const struct mm_output *o)
{
	return o->lost_events;
}

/* --- writing out -------------------------------------------------------------------------- */

/* Brings the part of the header that is rewritten in place up to date. */
static int write_state(struct mm_output *o)
{
	uint8_t bytes[MM_FILE_HEADER - MM_FILE_STATE];

	if (!o->seekable)
		return 0;
	mm_file_encode_state(bytes, &o->state);
	return pwrite(o->fd, bytes, sizeof bytes, MM_FILE_STATE) == sizeof bytes ? 0 : -1;
}

static int write_error(int e)
{
	return e == ENOSPC || e == EFBIG || e == EDQUOT ? MM_ENOSPC : MM_EIO;
}

static int fail_write(struct mm_output *o, uint64_t whole)
{
	int saved = errno;

	if (o->seekable && ftruncate(o->fd, (off_t)whole) == 0)
		o->written = whole;
	o->state = o->flushed;
	o->pending.len = 0;
	o->lost_events += o->pending_events;
	o->pending_events = 0;
	errno = saved;
	return remember(o, write_error(saved));
}

int mm_output_flush(struct mm_output *o)
{
	uint64_t whole = o->written;

	if (o->err && o->err != MM_ELIMIT)
		return o->err;
	if (!o->pending.len)
		return o->err;
	if (write_all(o->fd, o->pending.data, o->pending.len, &o->written))
		return fail_write(o, whole);
	o->pending.len = 0;
	o->pending_events = 0;
	o->state.whole_end = o->written;
	o->flushed = o->state;
	if (write_state(o))
		remember(o, MM_EIO);
	return o->err;
}

/* --- keeping the last ---------------------------------------------------------------------- */

static int copy_range(int from, int to, uint64_t at, uint64_t end)
{
	uint8_t *buffer = malloc(FLUSH_BYTES);
	uint64_t done = 0;
	int err = buffer ? 0 : -1;

	while (!err && at < end) {
		size_t want = end - at < FLUSH_BYTES ? (size_t)(end - at) : FLUSH_BYTES;
		ssize_t n = pread(from, buffer, want, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		err = n <= 0 ? -1 : write_all(to, buffer, (size_t)n, &done);
		at += n > 0 ? (uint64_t)n : 0;
	}
	free(buffer);
	return err;
}

/* Writes what is kept to `fd`; the new state goes to *state. */
static int write_kept(struct mm_output *o, int fd, uint64_t offset, uint64_t sunk,
		      struct mm_file_state *state)
{
	uint8_t head[MM_FILE_HEADER];
	uint64_t done = 0;

	state->whole_end -= sunk;
	state->last_chunk -= state->last_chunk >= offset ? sunk : state->last_chunk;
	state->last_checkpoint -= state->last_checkpoint >= offset ? sunk : state->last_checkpoint;
	mm_file_encode(head, state);
	if (write_all(fd, head, sizeof head, &done) ||
	    copy_range(o->fd, fd, MM_FILE_HEADER, o->run_end))
		return -1;
	return copy_range(o->fd, fd, offset, o->written);
}

/* Whether the path still names the file that is being written. */
static int is_ours(const struct mm_output *o)
{
	struct stat open_one, at_path;

	if (fstat(o->fd, &open_one) || stat(o->path, &at_path))
		return 0;
	errno = EEXIST;
	return open_one.st_ino == at_path.st_ino && open_one.st_dev == at_path.st_dev;
}

int mm_output_drop(struct mm_output *o, uint64_t offset, uint64_t *ret_sunk)
{
	struct mm_file_state state;
	uint64_t sunk = offset - o->run_end;
	int err = mm_output_flush(o);

	if (err || !o->seekable)
		return err ? err : MM_EUNSUP;
	char *part = beside(o->path, ".XXXXXX");
	if (!part)
		return remember(o, MM_ENOMEM);
	int fd = mkostemp(part, O_CLOEXEC);
	state = o->state;
	if (fd < 0 || write_kept(o, fd, offset, sunk, &state) || !is_ours(o) ||
	    rename(part, o->path)) {
		remember(o, write_error(errno));
		if (fd >= 0) {
			close(fd);
			unlink(part);
		}
		free(part);
		return o->err;
	}
	free(part);
	close(o->fd);
	o->fd = fd;
	o->state = o->flushed = state;
	o->written -= sunk;
	*ret_sunk = sunk;
	return MM_OK;
}

int mm_output_close(struct mm_output *o, struct mm_diag *diag)
{
	mm_output_flush(o);
	o->state.flags |= MM_FILE_CLOSED; /* also where the disk is full: nobody is to wait for more */
	if (write_state(o))
		remember(o, MM_EIO);
	int err = o->err == MM_ELIMIT ? MM_OK : o->err;
	if (close(o->fd) != 0 && !err) {
		err = MM_EIO;
		o->err_errno = errno;
	}
	if (err) {
		errno = o->err_errno;
		err = err == MM_ENOMEM ? mm_fail(diag, err, "out of memory while writing") :
			mm_fail_errno(diag, "%s: cannot write", o->path ? o->path : "standard output");
	}
	ZSTD_freeCCtx(o->zstd);
	mm_buf_deinit(&o->pending);
	free(o->path);
	free(o);
	return err;
}
