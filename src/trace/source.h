/* source.h: where a trace is read from: a file, standard input, or memory.
 *
 * Never maps the file: one that is cut while it is read gives short reads, not signals.
 */
#ifndef MM_TRACE_SOURCE_H
#define MM_TRACE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/diag.h"

/* Caller's memory. */
struct mm_source {
	int fd; /* -1 = memory */
	const uint8_t *memory;
	uint64_t bytes;  /* as last looked at */
	char *path;      /* NULL for memory and standard input */
	struct mm_buf window;
	uint64_t window_at;
	uint64_t looks;  /* at the size: what windows held before is forgotten */
};

int mm_source_open(struct mm_source *ret, const char *path, struct mm_diag *diag);
void mm_source_open_memory(struct mm_source *ret, const void *data, size_t bytes);
void mm_source_close(struct mm_source *s);

/* Looks at the size again; what the window held is forgotten. */
int mm_source_refresh(struct mm_source *s, struct mm_diag *diag);

/* Bytes [at, at + len) into ret, without the window. MM_ETRUNC when they are not all there. */
int mm_source_read(const struct mm_source *s, uint64_t at, void *ret, size_t len);

/* Whether the path names another file now, which holds at [at, at + len), at most
 * MM_SOURCE_MARK bytes, what this one does. A path that names nothing, or something else,
 * is no reason to leave this file. */
enum { MM_SOURCE_MARK = 64 };
int mm_source_is_replaced(const struct mm_source *s, uint64_t at, size_t len);

/* In *ret bytes [at, at + len), valid until the next call; MM_ETRUNC when they are not all there,
 * MM_ENOMEM. len is at most a block with its header. */
int mm_source_view(struct mm_source *s, uint64_t at, size_t len, const uint8_t **ret);

#endif
