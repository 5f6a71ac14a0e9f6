/* diag.c: formats diagnostics (diag.h). */
#include "base/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int mm_fail(struct mm_diag *diag, int err, const char *format, ...)
{
	if (diag) {
		va_list ap;
		va_start(ap, format);
		vsnprintf(diag->text, sizeof diag->text, format, ap);
		va_end(ap);
	}
	return err;
}

static int from_errno(int e)
{
	switch (e) {
	case ENOENT: case ENOTDIR: return MM_ENOENT;
	case EACCES: case EPERM: return MM_EPERM;
	case ENOSPC: case EDQUOT: case EFBIG: return MM_ENOSPC;
	case EEXIST: return MM_EEXIST;
	case ENOMEM: return MM_ENOMEM;
	}
	return MM_EIO;
}

int mm_fail_errno(struct mm_diag *diag, const char *format, ...)
{
	int saved = errno;

	if (diag) {
		va_list ap;
		va_start(ap, format);
		int n = vsnprintf(diag->text, sizeof diag->text, format, ap);
		va_end(ap);
		if (n >= 0 && (size_t)n < sizeof diag->text)
			snprintf(diag->text + n, sizeof diag->text - (size_t)n, ": %s",
				 strerror(saved));
	}
	errno = saved;
	return from_errno(saved);
}

const char *mm_diag_text(const struct mm_diag *diag, int err)
{
	return diag && diag->text[0] ? diag->text : mm_strerror(err);
}
