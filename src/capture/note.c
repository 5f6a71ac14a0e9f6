/* note.c: the recorder's side of mm_note.h.
 *
 * Promise: what the program says is stamped and kept in order with its
 * allocations. The table below never changes shape: a program carries the header
 * it was built with for years.
 * Never: malloc, a lock, a change of errno. Signal-safe.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/catnames.h"
#include "capture/hookstate.h"
#include "capture/recording.h"
#include "capture/ring.h"
#include "mm_note.h"

enum { TEXT_MAX = 1024 };

/* A record of `fixed` words with a text behind them. */
static void write_text(const struct mm_caller *from, uint32_t kind, const char *text,
		       uint32_t fixed, int64_t value)
{
	struct mm_hook *t = &mm_hook_self;
	uint64_t w[5 + TEXT_MAX / 8];
	size_t n;
	bool nested;

	if (text == NULL || !mm_hook_ready(t))
		return;
	n = strnlen(text, TEXT_MAX);
	w[0] = MM_REC_HEAD(kind, 0);
	w[2] = n;
	w[4] = (uint64_t)value;
	if (n % 8 != 0)
		w[fixed + n / 8] = 0;
	memcpy(&w[fixed], text, n);
	do {
		nested = mm_hook_enter(t, from);
		w[3] = MM_REC_NODE(mm_record_node(t, from, nested), 0, 0);
	} while (!mm_ring_write(t, nested, w, fixed + (uint32_t)((n + 7) / 8)) &&
		 mm_hook_ready(t));
}

static void note_mark(const char *text)
{
	struct mm_caller from = MM_CALLER_HERE();

	write_text(&from, MM_REC_MARK, text, 4, 0);
}

static void note_metric(const char *name, int64_t value)
{
	struct mm_caller from = MM_CALLER_HERE();

	write_text(&from, MM_REC_METRIC, name, 5, value);
}

static void note_push(const char *category)
{
	struct mm_hook *t = &mm_hook_self;

	if (mm_hook_ready(t))
		mm_catnames_push(t, category ? category : "");
}

static void note_pop(void)
{
	struct mm_hook *t = &mm_hook_self;

	if (mm_hook_ready(t))
		mm_catnames_pop(t);
}

static void note_alloc(const void *p, size_t n)
{
	struct mm_hook *t = &mm_hook_self;

	if (p != NULL && n <= PTRDIFF_MAX && mm_hook_ready(t)) {
		struct mm_caller from = MM_CALLER_HERE();
		mm_record_alloc(t, &from, (void *)(uintptr_t)p, n, 0, MM_CALL_NOTE);
	}
}

static void note_free(const void *p)
{
	struct mm_hook *t = &mm_hook_self;

	if (p != NULL && mm_hook_ready(t)) {
		struct mm_caller from = MM_CALLER_HERE();
		mm_record_note_free(t, &from, p);
	}
}

MM_EXPORT const struct mm_note_v1 *mmprof_note_v1(void);

MM_EXPORT const struct mm_note_v1 *mmprof_note_v1(void)
{
	static const struct mm_note_v1 table = {
		.size = sizeof table,
		.category_push = note_push, .category_pop = note_pop,
		.mark = note_mark, .metric = note_metric,
		.alloc = note_alloc, .free = note_free
	};

	return mm_hook_ready(&mm_hook_self) ? &table : NULL;
}
