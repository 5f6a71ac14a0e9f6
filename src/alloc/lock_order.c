/* lock_order.c: what each thread holds, and what it may take (lock_order.h). */
#include "alloc/lock_order.h"

#ifdef MM_LOCK_ORDER

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HELD_MOST = 16, TEXT = 160 };

static const char *const rank_names[MM_RANKS] = {
	[MM_RANK_LEAF] = "a leaf", [MM_RANK_LATE] = "late", [MM_RANK_TELL] = "tell",
	[MM_RANK_MANAGERS] = "managers", [MM_RANK_PASS] = "pass", [MM_RANK_TURN] = "turn",
	[MM_RANK_VARPOOL] = "varpool", [MM_RANK_MANAGER] = "manager", [MM_RANK_FRONT] = "front",
	[MM_RANK_WHATS] = "whats", [MM_RANK_BUFFERS] = "buffers", [MM_RANK_POOL] = "pool",
	[MM_RANK_FOREIGN] = "foreign", [MM_RANK_CACHEABLES] = "cacheables",
	[MM_RANK_CONTEXTS] = "contexts", [MM_RANK_GUARD] = "guard", [MM_RANK_DEPOT] = "depot",
	[MM_RANK_ORDERED] = "ordered", [MM_RANK_HANDLES] = "handles", [MM_RANK_SLABS] = "slabs",
	[MM_RANK_VSPACE] = "vspace",
};

static __thread struct {
	const struct mm_lock *held[HELD_MOST];
	int count, all;
} mine;

static _Noreturn void out_of_order(const struct mm_lock *l, const char *what,
				   const struct mm_lock *held)
{
	char text[TEXT] = "lock order: ";

	strcat(text, rank_names[l->rank]);
	strcat(text, what);
	if (held) {
		strcat(text, rank_names[held->rank]);
		strcat(text, " is held");
	}
	strcat(text, "\n");
	if (write(STDERR_FILENO, text, strlen(text)) < 0) {
		/* It aborts all the same. */
	}
	abort();
}

void mm_lock_order_taken(const struct mm_lock *l)
{
	if (mine.all)
		return;
	for (int i = 0; i < mine.count; i++) {
		const struct mm_lock *held = mine.held[i];
		if (held == l)
			out_of_order(l, " is taken twice", NULL);
		if (held->rank == MM_RANK_LEAF || (l->rank && l->rank <= held->rank))
			out_of_order(l, " is taken while ", held);
	}
	if (mine.count == HELD_MOST)
		out_of_order(l, " is one lock too many", NULL);
	mine.held[mine.count++] = l;
}

void mm_lock_order_given(const struct mm_lock *l)
{
	int at = mine.count - 1;

	if (mine.all)
		return;
	while (at >= 0 && mine.held[at] != l)
		at--;
	if (at < 0)
		out_of_order(l, " is given back and was not held", NULL);
	for (; at + 1 < mine.count; at++)
		mine.held[at] = mine.held[at + 1];
	mine.count--;
}

void mm_lock_order_all(int is_on)
{
	mine.all += is_on ? 1 : -1;
}

#endif
