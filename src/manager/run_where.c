/* run_where.c: names for places in a program (run_where.h). */
#include "manager/run_where.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <stddef.h>

enum { FRAMES = 40, SHOWN = 12 };

static int is_ready;

void mm_run_where_ready(void)
{
	void *frame[2];

	is_ready = backtrace(frame, 2) > 0;
}

void mm_run_where_line(struct mm_run_text *t, const char *word, uint64_t at, int is_call)
{
	Dl_info in;

	if (!at)
		return;
	at -= is_call != 0; /* in the call, not behind it */
	mm_run_put(t, "[mmprof]   ");
	mm_run_put(t, word);
	mm_run_put(t, " ");
	if (dladdr((void *)(uintptr_t)at, &in) && in.dli_fname) {
		mm_run_put(t, in.dli_fname);
		mm_run_put(t, "+");
		mm_run_put_hex(t, at - (uintptr_t)in.dli_fbase);
		if (in.dli_sname) {
			mm_run_put(t, " (");
			mm_run_put(t, in.dli_sname);
			mm_run_put(t, "+");
			mm_run_put_hex(t, at - (uintptr_t)in.dli_saddr);
			mm_run_put(t, ")");
		}
	} else {
		mm_run_put_hex(t, at);
	}
	mm_run_put(t, "\n");
}

void mm_run_where_stack(struct mm_run_text *t, const char *word, uint64_t site, int is_call)
{
	void *frame[FRAMES];
	int n = is_ready ? backtrace(frame, FRAMES) : 0, at = 0;

	while (at < n && (uintptr_t)frame[at] != site)
		at++;
	mm_run_where_line(t, word, site, is_call);
	for (int i = 1; i < SHOWN && at + i < n; i++)
		mm_run_where_line(t, "from", (uintptr_t)frame[at + i], 1);
}
