/* mm_error.h: error codes, shared by everything in mmprof and libmm.
 *
 * Error shape: a function returns 0 or a negative MM_E* code. Out-parameters come last and
 * are untouched on failure. Libraries never print and never exit.
 */
#ifndef MM_ERROR_H
#define MM_ERROR_H

#ifndef MM_API
#if defined(__GNUC__)
#define MM_API __attribute__((visibility("default")))
#else
#define MM_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum mm_err {
	MM_OK = 0,
	MM_ENOMEM = -1,   /* out of memory */
	MM_EIO = -2,      /* a system call failed; the diag carries errno's text */
	MM_ENOTRACE = -3, /* the file is not an mmprof trace */
	MM_ENEWER = -4,   /* the trace needs a newer mmprof */
	MM_ECORRUPT = -5, /* damage: a checksum or a length does not hold */
	MM_ETRUNC = -6,   /* the input ends too early */
	MM_EINVAL = -7,   /* the caller or the user gave something impossible */
	MM_ENOENT = -8,   /* what was asked for does not exist */
	MM_EEXIST = -9,   /* it is there already and must not be overwritten */
	MM_ENOSPC = -10,  /* disk, table or address space is full */
	MM_EUNSUP = -11,  /* this kernel, libc or program cannot do it */
	MM_ESYNTAX = -12, /* configuration or input text does not parse */
	MM_EAGAIN = -13,  /* nothing to do now; ask again */
	MM_EPERM = -14,   /* not allowed */
	MM_ELIMIT = -15   /* a stated limit was reached */
};

/* Name of an error code, a static string such as "out of memory".
 * Any thread, signal-safe, never NULL. */
MM_API const char *mm_strerror(int err);

#ifdef __cplusplus
}
#endif

#endif
