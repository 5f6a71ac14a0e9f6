/* error.c: texts for the codes in error.h. */
#include "core/error.h"

const char *mm_strerror(int err)
{
	switch (err) {
	case MM_OK: return "success";
	case MM_ENOMEM: return "out of memory";
	case MM_EIO: return "input/output error";
	case MM_ENOTRACE: return "not an mmprof trace";
	case MM_ENEWER: return "written by a newer mmprof";
	case MM_ECORRUPT: return "damaged data";
	case MM_ETRUNC: return "ends too early";
	case MM_EINVAL: return "invalid argument";
	case MM_ENOENT: return "not found";
	case MM_EEXIST: return "exists already";
	case MM_ENOSPC: return "no space left";
	case MM_EUNSUP: return "not supported here";
	case MM_ESYNTAX: return "syntax error";
	case MM_EAGAIN: return "nothing to do now";
	case MM_EPERM: return "not permitted";
	case MM_ELIMIT: return "limit reached";
	}
	return "unknown error";
}
