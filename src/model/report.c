/* report.c: names and arithmetic of the report (report.h). */
#include "model/report.h"

#include <stdlib.h>

#include "model/report_store.h"

const char *mm_metric_name(enum mm_metric metric)
{
	static const char *const names[] = { "peak", "live", "allocs", "bytes", "temporary",
					     "leaks" };

	return (unsigned)metric < MM_METRIC_COUNT ? names[metric] : NULL;
}

const char *mm_by_name(enum mm_by by)
{
	static const char *const names[] = { "site", "function", "file", "library", "category",
					     "thread", "size" };

	return (unsigned)by < MM_BY_COUNT ? names[by] : NULL;
}

const char *mm_level_name(uint64_t level)
{
	static const char *const names[] = { "ok", "note", "warn", "high", "critical" };

	return level < MM_LEVEL_COUNT ? names[level] : NULL;
}

const char *mm_log_kind_name(enum mm_log_kind kind)
{
	static const char *const names[] = { "level", "evict", "deny", "budget", "mark" };

	return (unsigned)kind <= MM_LOG_MARK ? names[kind] : NULL;
}

uint64_t mm_measure_get(const struct mm_measure *m, enum mm_metric metric)
{
	switch (metric) {
	case MM_METRIC_PEAK: return m->peak_bytes;
	case MM_METRIC_LIVE: return m->live_bytes;
	case MM_METRIC_ALLOCS: return m->alloc_count;
	case MM_METRIC_BYTES: return m->alloc_bytes;
	case MM_METRIC_TEMPORARY: return m->temporary_count;
	case MM_METRIC_LEAKS: return m->leak_bytes;
	default: return 0;
	}
}

static void add_known(uint64_t *a, uint64_t b)
{
	*a = *a == MM_UNKNOWN || b == MM_UNKNOWN ? MM_UNKNOWN : *a + b;
}

/* A part larger than its whole comes of damage: the rest is then nothing. */
static void take_known(uint64_t *a, uint64_t b)
{
	if (*a == MM_UNKNOWN || b == MM_UNKNOWN)
		*a = MM_UNKNOWN;
	else
		*a -= b < *a ? b : *a;
}

static void combine(struct mm_measure *a, const struct mm_measure *b,
		    void (*op)(uint64_t *, uint64_t))
{
	op(&a->alloc_count, b->alloc_count);
	op(&a->alloc_bytes, b->alloc_bytes);
	op(&a->free_count, b->free_count);
	op(&a->free_bytes, b->free_bytes);
	op(&a->temporary_count, b->temporary_count);
	op(&a->peak_bytes, b->peak_bytes);
	op(&a->peak_count, b->peak_count);
	op(&a->live_bytes, b->live_bytes);
	op(&a->live_count, b->live_count);
	op(&a->leak_bytes, b->leak_bytes);
	op(&a->leak_count, b->leak_count);
}

void mm_measure_add(struct mm_measure *a, const struct mm_measure *b)
{
	combine(a, b, add_known);
}

void mm_measure_take(struct mm_measure *a, const struct mm_measure *b)
{
	combine(a, b, take_known);
}

void mm_report_free(struct mm_report *r)
{
	if (!r)
		return;
	mm_report_store_free(r->store);
	free(r);
}

uint64_t mm_report_lifetime_quantile(const struct mm_report *r, uint32_t ppm)
{
	uint64_t total = 0, below = 0;

	for (size_t i = 0; i < r->lifetime_count; i++)
		total += r->lifetimes[i].count;
	if (!total)
		return MM_UNKNOWN;
	for (size_t i = 0; i < r->lifetime_count; i++) {
		below += r->lifetimes[i].count;
		if ((unsigned __int128)below * 1000000 >= (unsigned __int128)total * ppm)
			return r->lifetimes[i].high;
	}
	return r->lifetimes[r->lifetime_count - 1].high;
}
