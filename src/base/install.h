/* install.h: where the parts of this installation are.
 *
 * Promise: an installed tree may be moved as a whole, and the build tree works
 * without being installed: parts are looked for beside the running executable first.
 * Thread-safe; results are malloc'ed texts that the caller frees.
 */
#ifndef MM_BASE_INSTALL_H
#define MM_BASE_INSTALL_H

#include "base/diag.h"

#define MM_LIBRARY_RECORD "libmmprof.so" /* hooks: mmprof record */
#define MM_LIBRARY_RUN "libmmrun.so"     /* the engine as malloc: mmprof run */

/* Path of a library of ours (MM_LIBRARY_*), which is readable there. Tried in order: .libs/ beside the
 * executable (build tree), the configured library folder relative to the configured
 * program folder, the configured library folder itself. MM_ENOENT names the places
 * that were tried; MM_ENOMEM. */
int mm_install_library(char **ret, const char *name, struct mm_diag *diag);

/* The same for an executable in `exe_dir`, built with these two configured folders;
 * for tests. */
int mm_install_find(char **ret, const char *name, const char *exe_dir, const char *bindir,
		    const char *pkglibdir, struct mm_diag *diag);

#endif
