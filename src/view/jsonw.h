/* jsonw.h: JSON to a stream, one token after the other.
 *
 * Promise: the output is always valid JSON, whatever the strings hold: commas, escapes
 * and nesting are the writer's business. Integers beyond 2^53 are written as strings,
 * since readers hold doubles; MM_UNKNOWN is null; what is not UTF-8 becomes U+FFFD.
 * Containers down to `lines` levels deep get a line for each member, deeper ones none.
 * Key NULL inside arrays and for the outermost value. Not shared between threads.
 */
#ifndef MM_VIEW_JSONW_H
#define MM_VIEW_JSONW_H

#include <stdint.h>
#include <stdio.h>

enum { MM_JSONW_DEPTH = 32 };

struct mm_jsonw { /* caller's memory */
	FILE *out;
	int depth, lines;
	uint8_t filled[MM_JSONW_DEPTH + 1]; /* the container has a member already */
	int misused;     /* nesting too deep or unbalanced: the caller's mistake */
};

void mm_jsonw_begin(struct mm_jsonw *w, FILE *out, int lines);

/* Ends the document with a newline: 0, or MM_EIO when the stream failed, or MM_EINVAL
 * when containers were left open. */
int mm_jsonw_end(struct mm_jsonw *w);

void mm_jsonw_object(struct mm_jsonw *w, const char *key);
void mm_jsonw_object_end(struct mm_jsonw *w);
void mm_jsonw_array(struct mm_jsonw *w, const char *key);
void mm_jsonw_array_end(struct mm_jsonw *w);

void mm_jsonw_text(struct mm_jsonw *w, const char *key, const char *text); /* NULL: null */
void mm_jsonw_u64(struct mm_jsonw *w, const char *key, uint64_t value);
void mm_jsonw_i64(struct mm_jsonw *w, const char *key, int64_t value);
void mm_jsonw_bool(struct mm_jsonw *w, const char *key, int value);
void mm_jsonw_null(struct mm_jsonw *w, const char *key);

#endif
