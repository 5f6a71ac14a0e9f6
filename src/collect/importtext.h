/* importtext.h: a recording made of lines of text, plain or zstd, read line by line.
 *
 * Promise: memory is bounded whatever the input: one line of at most 1 MiB and the
 * decompressor's window; a compressed or plain input that ends too early gives every
 * whole line before its end and then says that it was cut.
 * Vocabulary: word = what stands between single spaces; sized = a word or words with
 * its length in hex before it, as recordings write names.
 * Not shared between threads.
 */
#ifndef MM_COLLECT_IMPORTTEXT_H
#define MM_COLLECT_IMPORTTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"

struct mm_text;

/* Where bytes come from: read gives the number of bytes, 0 at the end, -1 with errno
 * set. `name` is for messages. Both outlive the text. */
struct mm_text_input {
	ssize_t (*read)(void *arg, void *buf, size_t len);
	void *arg;
	const char *name;
};

/* Finds out how the input is packed. MM_EUNSUP for gzip, whose text says what to do;
 * MM_EIO, MM_ENOMEM. */
int mm_text_open(struct mm_text **ret, const struct mm_text_input *input, struct mm_diag *diag);
void mm_text_close(struct mm_text *t);

/* Next line without its newline (not NUL-terminated, valid until the next call): 1,
 * 0 at the end, MM_ESYNTAX for one that is too long, MM_ECORRUPT, MM_EIO. */
int mm_text_line(struct mm_text *t, const char **ret, size_t *ret_len, struct mm_diag *diag);

/* Number of the last line given, from 1. */
uint64_t mm_text_number(const struct mm_text *t);
/* After the end: the input stopped inside a line or inside its compression. */
int mm_text_cut(const struct mm_text *t);

/* --- words of a line ------------------------------------------------------------ */

struct mm_words { const char *at, *end; };

/* The next word as a hexadecimal number: 1, 0 when no word is left, MM_ESYNTAX when
 * it is not one (or needs more than 64 bits); *ret changes only with 1. */
int mm_words_hex(struct mm_words *w, uint64_t *ret);
/* The next word as it stands: 1, or 0 when none is left. */
int mm_words_plain(struct mm_words *w, const char **ret, size_t *ret_len);
/* A sized text: 1, 0 when no word is left, MM_ESYNTAX when the line is shorter. */
int mm_words_sized(struct mm_words *w, const char **ret, size_t *ret_len);
/* All that is left behind the separator. */
void mm_words_rest(struct mm_words *w, const char **ret, size_t *ret_len);

#endif
