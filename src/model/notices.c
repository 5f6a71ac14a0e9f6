/* notices.c: keeping notices for a report (notices.h). */
#include "model/notices.h"

#include <stdlib.h>
#include <string.h>

#include "core/error.h"

uint32_t mm_notice_place(uint64_t number)
{
	return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

static const char *keep(struct mm_notices *o, struct mm_report_store *store, struct mm_span s)
{
	size_t len = s.len ? strnlen(s.text, s.len) : 0; /* a trace's text may hold a NUL */

	if (!len)
		return mm_report_store_text(store, NULL);
	const char **recent = &o->recent[((uint8_t)s.text[0] + 3 * len) % MM_NOTICE_RECENT];
	if (*recent && strncmp(*recent, s.text, len) == 0 && !(*recent)[len])
		return *recent;
	char *text = strndup(s.text, len);
	const char *kept = mm_report_store_text(store, text);
	free(text);
	*recent = kept;
	return kept;
}

static int add_move(struct mm_notices *o, const struct mm_event *ev, uint32_t process,
		    struct mm_report_store *store)
{
	const struct mm_notice *n = ev->notice;

	if (MM_GROW(o->moves, o->move_cap, o->move_count + 1))
		return MM_ENOMEM;
	o->moves[o->move_count] = (struct mm_note_move){
		.time = ev->time, .bytes = n->bytes, .blocks = n->blocks,
		.stall_ns = n->stall_ns, .category = keep(o, store, n->category),
		.cause = keep(o, store, n->cause), .process = process,
		.from = mm_notice_place(n->tier), .to = mm_notice_place(n->to),
		.order = (uint32_t)o->move_count, .kind = ev->kind };
	o->move_count++;
	return MM_OK;
}

/* The texts of the copy become the store's. */
static void keep_texts(struct mm_notices *o, struct mm_note_state *s,
		       struct mm_report_store *store)
{
	size_t count;
	const struct mm_notice_field *f = mm_notice_fields(s->kind, &count);

	for (size_t i = 0; i < count; i++) {
		struct mm_span span;
		if (!f[i].is_text)
			continue;
		span.text = keep(o, store, mm_notice_text(&s->n, &f[i]));
		span.len = (uint32_t)strlen(span.text);
		memcpy((char *)&s->n + f[i].offset, &span, sizeof span);
	}
}

int mm_notices_add(struct mm_notices *o, const struct mm_event *ev, uint32_t process,
		   struct mm_report_store *store)
{
	size_t count;

	if (!mm_notice_fields(ev->kind, &count) || !ev->notice)
		return MM_OK;
	if (ev->kind == MM_EV_TIER_MOVE || ev->kind == MM_EV_EVICT || ev->kind == MM_EV_DENY)
		return add_move(o, ev, process, store);
	if (MM_GROW(o->states, o->state_cap, o->state_count + 1))
		return MM_ENOMEM;
	struct mm_note_state *s = &o->states[o->state_count];
	*s = (struct mm_note_state){ ev->time, process, (uint32_t)o->state_count, ev->kind,
				     *ev->notice };
	o->state_count++;
	keep_texts(o, s, store);
	return MM_OK;
}

void mm_notices_deinit(struct mm_notices *n)
{
	free(n->moves);
	free(n->states);
	memset(n, 0, sizeof *n);
}

static int by_time(uint64_t a, uint64_t b, uint32_t order_a, uint32_t order_b)
{
	if (a != b)
		return a < b ? -1 : 1;
	return order_a < order_b ? -1 : order_a > order_b;
}

static int move_order(const void *a, const void *b)
{
	const struct mm_note_move *x = a, *y = b;

	return by_time(x->time, y->time, x->order, y->order);
}

static int state_order(const void *a, const void *b)
{
	const struct mm_note_state *x = a, *y = b;

	return by_time(x->time, y->time, x->order, y->order);
}

void mm_notices_sort(struct mm_notices *n)
{
	if (n->move_count)
		qsort(n->moves, n->move_count, sizeof *n->moves, move_order);
	if (n->state_count)
		qsort(n->states, n->state_count, sizeof *n->states, state_order);
}
