/* hooks_dl.c: a library that goes takes its unwind tables with it.
 *
 * Promise: dlclose does what it does; whatever is remembered about code at the
 * addresses that may have become free is disbelieved from then on.
 * Never: a wrap of dlopen or dlsym, whose results depend on who calls.
 */
#include <errno.h>

#include "capture/chain.h"
#include "capture/hookstate.h"
#include "capture/newops.h"
#include "capture/stack.h"

MM_EXPORT int dlclose(void *handle);

MM_EXPORT int dlclose(void *handle)
{
	int result = mm_chain.dlclose(handle);
	int keep = errno;

	mm_newops_forget();
	mm_stack_unloaded();
	errno = keep;
	return result;
}
