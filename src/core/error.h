/* error.h: one set of error codes for all of mmprof: the public one.
 *
 * Error shape: a function returns 0 or a negative MM_E* code; where there is
 * more to say it also fills a struct mm_diag (base/diag.h) for the caller to
 * print. Out-parameters come last and are untouched on failure. Libraries
 * never print and never exit.
 */
#ifndef MM_CORE_ERROR_H
#define MM_CORE_ERROR_H

#include "mm_error.h"

#endif
