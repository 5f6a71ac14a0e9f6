/* tracecheck.c: field by field (tracecheck.h). */
#include "tracecheck.h"

#include <string.h>

#include "core/error.h"

#define SAME(field) do { if (got->field != want->field) return #field; } while (0)

static int sample_differs(const struct mm_sample *a, const struct mm_sample *b)
{
	return !a || !b || memcmp(a, b, sizeof *a) != 0;
}

static const char *other_differs(const struct mm_event *got, const struct mm_event *want)
{
	SAME(value);
	SAME(size);
	SAME(addr);
	SAME(text_len);
	if (got->text_len && memcmp(got->text, want->text, got->text_len) != 0)
		return "text";
	if (want->kind == MM_EV_SAMPLE && sample_differs(got->sample, want->sample))
		return "sample";
	return NULL;
}

static const char *death_differs(const struct mm_event *got, const struct mm_event *want,
				 int gaps)
{
	if (gaps && got->flags & MM_EVF_BORN_UNKNOWN) {
		if (got->size != MM_UNKNOWN || got->born_time != MM_UNKNOWN || got->born_site ||
		    got->born_thread != MM_NO_THREAD || got->temporary)
			return "unknown";
		return NULL;
	}
	SAME(flags);
	SAME(size);
	SAME(addr);
	SAME(born_site);
	SAME(born_thread);
	SAME(born_time);
	SAME(temporary);
	return NULL;
}

const char *tc_differs(const struct mm_event *got, const struct mm_event *want, int gaps)
{
	SAME(kind);
	SAME(time);
	SAME(thread);
	SAME(slot);
	SAME(site);
	if (mm_event_is_death(want->kind))
		return death_differs(got, want, gaps);
	if (!mm_event_is_birth(want->kind))
		return other_differs(got, want);
	SAME(size);
	SAME(addr);
	SAME(align_log2);
	if (want->kind == MM_EV_REALLOC_IN)
		SAME(other);
	return NULL;
}

const char *tc_totals_differ(const struct mm_totals *got, const struct mm_totals *want)
{
	SAME(allocs);
	SAME(frees);
	SAME(alloc_bytes);
	SAME(free_bytes);
	SAME(live_bytes);
	SAME(live_count);
	SAME(peak_bytes);
	SAME(peak_time);
	SAME(temporaries);
	SAME(implied);
	SAME(inherited);
	SAME(failed);
	SAME(reallocs);
	SAME(unknown_count);
	return NULL;
}

size_t tc_walk(struct mm_reader *r, const struct tg *g, const char **ret_field)
{
	struct mm_cursor *c;
	struct mm_event ev;
	size_t n = 0;
	int more;

	*ret_field = NULL;
	if (mm_cursor_open(&c, r, 0, 0, NULL)) {
		*ret_field = "open";
		return 0;
	}
	while ((more = mm_cursor_next(c, &ev)) > 0) {
		*ret_field = n < g->count ? tc_differs(&ev, &g->events[n], 0) : "too many";
		if (*ret_field)
			break;
		n++;
	}
	if (more < 0)
		*ret_field = "error";
	if (!*ret_field && n == g->count)
		*ret_field = tc_totals_differ(mm_objects_totals(mm_cursor_objects(c)),
					      &g->totals);
	if (!*ret_field && mm_objects_check(mm_cursor_objects(c)))
		*ret_field = "invariants";
	mm_cursor_close(c);
	return n;
}
