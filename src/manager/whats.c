/* whats.c: records by what they say, and strings by their text (whats.h). */
#include "manager/whats.h"

#include <string.h>

#include "alloc/lock_order.h"
#include "alloc/meta.h"
#include "core/error.h"
#include "mm_alloc.h"

enum { HEADS = 1 << 17, BARE = 512 /* places for records that say the least */ };

struct text { struct text *next; uint32_t hash; char chars[]; };
struct record { struct mm_said said; uint32_t next, hash; };

static struct {
	struct mm_lock lock;
	struct mm_meta meta;
	struct record *record;
	uint32_t *head;
	struct text **text;
	uint32_t count, most, objects;
} whats = { .lock = MM_LOCK_OF(MM_RANK_WHATS) };

/* --- text ------------------------------------------------------------------------------- */

/* FNV-1a, Fowler, Noll and Vo. */
static uint32_t hash_text(const char *s)
{
	uint32_t h = 2166136261u;

	while (*s)
		h = (h ^ (uint8_t)*s++) * 16777619u;
	return h;
}

/* The library's own copy; NULL without memory. */
static const char *copy_of(const char *s)
{
	uint32_t h = hash_text(s);
	struct text **at = &whats.text[h % HEADS], *t;
	size_t n = strlen(s);

	for (t = *at; t; t = t->next)
		if (t->hash == h && strcmp(t->chars, s) == 0)
			return t->chars;
	if (!(t = mm_meta_borrow(&whats.meta, sizeof *t + n + 1)))
		return NULL;
	memcpy(t->chars, s, n + 1);
	t->hash = h;
	t->next = *at;
	*at = t;
	return t->chars;
}

static int same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* --- records ------------------------------------------------------------------------------ */

static uint32_t hash_of(const struct mm_said *s)
{
	uint64_t h = (s->site ^ (uint64_t)s->line << 40) * UINT64_C(0x9e3779b97f4a7c15);

	h ^= (s->object + s->tag) * UINT64_C(0xc2b2ae3d27d4eb4f);
	h ^= (s->name ? hash_text(s->name) : 1) + ((uint64_t)s->category << 8 | s->priority);
	return (uint32_t)(h * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

static int is_same(const struct mm_said *a, const struct mm_said *b)
{
	return a->site == b->site && a->line == b->line && a->category == b->category &&
	       a->priority == b->priority && a->tag == b->tag && a->object == b->object &&
	       same_text(a->name, b->name) &&
	       same_text(a->file, b->file);
}

/* Heads are used everywhere from the start. Where one is refused, what was not is kept. */
static int has_heads(void)
{
	if (!whats.text)
		whats.text = mm_meta_reserve(&whats.meta, HEADS * sizeof *whats.text);
	if (!whats.head)
		whats.head = mm_meta_reserve(&whats.meta, HEADS * sizeof *whats.head);
	return whats.text && !mm_meta_open(whats.text, HEADS * sizeof *whats.text) &&
	       whats.head && !mm_meta_open(whats.head, HEADS * sizeof *whats.head);
}

static int has_tables(void)
{
	if (whats.record)
		return 1;
	whats.most = MM_WHATS_MOST;
	if (has_heads())
		whats.record = mm_meta_reserve_for(&whats.meta, sizeof *whats.record, &whats.most);
	whats.count = 1;
	return whats.record != NULL;
}

static int is_bare(const struct mm_said *s)
{
	return !s->name && !s->file && !s->site && !s->line && !s->tag && !s->object;
}

static uint32_t add(const struct mm_said *said, uint32_t hash)
{
	uint32_t n = whats.count;
	const char *name, *file;

	if (n >= whats.most - (is_bare(said) ? 0 : BARE) ||
	    mm_meta_open(whats.record, (n + UINT64_C(1)) * sizeof *whats.record) ||
	    (said->object && whats.objects == MM_OBJECTS_MOST))
		return 0;
	name = said->name ? copy_of(said->name) : NULL;
	file = said->file ? copy_of(said->file) : NULL;
	if ((said->name && !name) || (said->file && !file))
		return 0;
	whats.record[n] = (struct record){ *said, whats.head[hash % HEADS], hash };
	whats.record[n].said.name = name;
	whats.record[n].said.file = file;
	whats.head[hash % HEADS] = n;
	whats.count++;
	whats.objects += said->object != 0;
	return n;
}

static uint32_t look_up(const struct mm_said *said, uint32_t hash)
{
	uint32_t n = 0;

	mm_lock_take(&whats.lock);
	if (has_tables()) {
		n = whats.head[hash % HEADS];
		while (n && (whats.record[n].hash != hash || !is_same(&whats.record[n].said, said)))
			n = whats.record[n].next;
		if (!n)
			n = add(said, hash);
	}
	mm_lock_give(&whats.lock);
	return n;
}

uint32_t mm_whats_number(struct mm_whats_quick *quick, const struct mm_said *said)
{
	uint32_t at = (uint32_t)((said->site ^ said->line ^ (uintptr_t)said->name >> 3 ^
					said->tag ^ said->object >> 4) *
				 UINT64_C(0x9e3779b97f4a7c15) >> 59);
	uint32_t n = quick->number[at];

	if (n && is_same(&whats.record[n].said, said))
		return n;
	n = look_up(said, hash_of(said));
	if (!n && said->object) {
		struct mm_said alone = *said;
		alone.object = 0;
		n = look_up(&alone, hash_of(&alone));
	}
	if (!n) {
		struct mm_said bare = { .category = said->category, .priority = said->priority,
					.tag = said->tag };
		n = look_up(&bare, hash_of(&bare));
		bare.tag = 0;
		if (!n)
			n = look_up(&bare, hash_of(&bare));
	}
	if (n)
		quick->number[at] = n;
	return n;
}

const struct mm_said *mm_whats_said(uint32_t number)
{
	return &whats.record[number].said;
}

void mm_whats_hold(void)
{
	mm_lock_take(&whats.lock);
	mm_lock_take(&whats.meta.lock);
}

void mm_whats_go_on(void)
{
	mm_lock_give(&whats.meta.lock);
	mm_lock_give(&whats.lock);
}
