/* diag.h: what an error was about, for the caller to print.
 *
 * A struct mm_diag is the caller's memory; any function may get NULL instead.
 * The text is one line without a newline: what happened, to what, and what to do.
 * Not shared between threads.
 */
#ifndef MM_BASE_DIAG_H
#define MM_BASE_DIAG_H

#include "core/error.h"

struct mm_diag {
	char text[512]; /* "" = nothing to add to the code */
};

/* Fills diag (may be NULL) with a formatted text, cut to fit, and returns err:
 *     return mm_fail(diag, MM_EINVAL, "%s: not a size", text); */
int mm_fail(struct mm_diag *diag, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As mm_fail with MM_EIO (MM_ENOENT, MM_EPERM, MM_ENOSPC, MM_EEXIST by errno) and
 * ": " strerror(errno) appended. */
int mm_fail_errno(struct mm_diag *diag, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The text to print: diag's own, or the code's name where it has none. */
const char *mm_diag_text(const struct mm_diag *diag, int err);

#endif
