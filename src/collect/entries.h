/* entries.h: one thread's events on their way from its ring to the merge.
 *
 * Promise: entries come out in the order of their stamps, those of equal stamps in the
 * order they were put in. A realloc goes in as two entries, its halves.
 * Vocabulary: entry = one event, still in the target's terms (stamp, address, node).
 * Not shared between threads.
 */
#ifndef MM_COLLECT_ENTRIES_H
#define MM_COLLECT_ENTRIES_H

#include <stddef.h>
#include <stdint.h>

#include "core/shm.h"

enum mm_entry_kind { /* behind those of enum mm_rec_kind */
	MM_ENTRY_REALLOC_OUT = 32, /* addr = old */
	MM_ENTRY_REALLOC_IN = 33   /* addr = new; follows its OUT, nested ones between */
};

struct mm_entry {
	uint64_t stamp;
	uint64_t head; /* kind and address, as MM_REC_HEAD */
	uint64_t size; /* bytes; of the rarer kinds: struct mm_entry_rest pointer */
	uint64_t node; /* as MM_REC_NODE */
};

/* The whole record of a kind that does not fit an entry. Owned by the queue until
 * the entry is taken, then by the taker, who frees it. */
struct mm_entry_rest {
	uint32_t words;
	uint64_t w[];
};

/* Caller's memory, zero-initialised = empty. Entries begin at v[head]. */
struct mm_entries {
	struct mm_entry *v;
	size_t head, len, cap; /* len counts from v[0] */
	void *owner;
};

void mm_entries_deinit(struct mm_entries *q);

static inline size_t mm_entries_count(const struct mm_entries *q) { return q->len - q->head; }

/* Makes room for n more: 0 or MM_ENOMEM. */
int mm_entries_reserve(struct mm_entries *q, size_t n);

/* Moves the entry just stored at v[len] (room is there) to its place. */
static inline void mm_entries_settle(struct mm_entries *q)
{
	struct mm_entry *v = q->v;
	size_t i = q->len++;

	if (__builtin_expect(i > q->head && v[i - 1].stamp > v[i].stamp, 0)) {
		struct mm_entry e = v[i];
		for (; i > q->head && v[i - 1].stamp > e.stamp; i--)
			v[i] = v[i - 1];
		v[i] = e;
	}
}

/* Puts in the record at w, `words` long (mm_rec_words). 0, MM_ENOMEM, or MM_ECORRUPT
 * for a kind that no thread writes. Voids add nothing. */
int mm_entries_put(struct mm_entries *q, const uint64_t *w, uint32_t words);

/* Everything taken: forgets the entries, keeps at most `keep` places. */
void mm_entries_clear(struct mm_entries *q, size_t keep);

/* True for kinds whose entry holds a struct mm_entry_rest. */
static inline int mm_entry_has_rest(const struct mm_entry *e)
{
	uint32_t kind = MM_REC_KIND(e->head);
	return kind >= MM_REC_MAP && kind < MM_REC_KINDS && kind != MM_REC_FORK &&
	       kind != MM_REC_UNMAP;
}

#endif
