/* progress.c: the line on stderr (progress.h). */
#include "base/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/term.h"

enum { QUIET_NS = 500000000, EVERY_NS = 100000000 };

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

void mm_progress_begin(struct mm_progress *p, const char *what, int quiet)
{
	memset(p, 0, sizeof *p);
	p->what = what;
	p->enabled = !quiet && mm_term_is(STDERR_FILENO);
	if (!p->enabled)
		return;
	p->start_ns = monotonic_ns();
	p->next_ns = p->start_ns + QUIET_NS;
}

void mm_progress_step(struct mm_progress *p, uint64_t done, uint64_t total)
{
	if (!p->enabled)
		return;
	uint64_t now = monotonic_ns();
	if (now < p->next_ns)
		return;
	p->next_ns = now + EVERY_NS;
	p->shown = 1;
	int width = mm_term_columns(STDERR_FILENO, 80) - 1;
	char line[256];
	if (total)
		snprintf(line, sizeof line, "%s: %.0f%%", p->what,
			 100.0 * (double)done / (double)total);
	else
		snprintf(line, sizeof line, "%s: %" PRIu64, p->what, done);
	fprintf(stderr, "\r%.*s\033[K", width, line);
	fflush(stderr);
}

void mm_progress_end(struct mm_progress *p)
{
	if (p->shown) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	p->shown = 0;
	p->enabled = 0;
}
