/* mm_note.h: what a program can tell mmprof while it is recorded.
 *
 * Header only, for C and C++; nothing to link, no symbol left undefined. Outside
 * a recording every call costs a load and a branch (the first one in each source
 * file a lookup) and does nothing. Any thread may call anything here; all of it
 * may be called in a signal handler once the file's first call has been made.
 *
 *	mm_category_push("svo_nodes");
 *	nodes = malloc(n * sizeof *nodes);       // belongs to svo_nodes
 *	mm_category_pop();
 *	mm_mark("level loaded");
 *
 * Vocabulary
 *   category  what memory is for; pushed per thread, the innermost counts
 *   mark      a named moment: `mmprof report --from mark:NAME`
 *   metric    a named number over time
 *   note      an allocation of the program's own allocator, which no malloc sees
 */
#ifndef MM_NOTE_H
#define MM_NOTE_H

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The recorder's side; members are only ever added, `size` says which are there. */
struct mm_note_v1 {
	size_t size;
	void (*category_push)(const char *category);
	void (*category_pop)(void);
	void (*mark)(const char *text);
	void (*metric)(const char *name, int64_t value);
	void (*alloc)(const void *p, size_t n);
	void (*free)(const void *p);
};

/* NULL = not asked yet; the table's own address stands for "not recorded". */
static const struct mm_note_v1 *mm_note_found;

#if defined(__GNUC__)
__attribute__((noinline, cold, unused))
#endif
static const struct mm_note_v1 *mm_note_look(void)
{
	typedef const struct mm_note_v1 *entry(void);
	union { void *object; entry *call; } at;
	const struct mm_note_v1 *table = NULL;

	at.object = dlsym((void *)0, "mmprof_note_v1"); /* RTLD_DEFAULT */
	if (at.object)
		table = at.call();
	__atomic_store_n(&mm_note_found,
			 table ? table : (const struct mm_note_v1 *)(const void *)&mm_note_found,
			 __ATOMIC_RELEASE);
	return table;
}

/* The recorder's table, NULL when this program is not recorded. */
static inline const struct mm_note_v1 *mm_note_table(void)
{
	const struct mm_note_v1 *t = __atomic_load_n(&mm_note_found, __ATOMIC_ACQUIRE);

	if (t == (const struct mm_note_v1 *)(const void *)&mm_note_found)
		return NULL;
	return t ? t : mm_note_look();
}

/* What this thread allocates from here to the matching pop belongs to the category
 * `name` (up to 63 bytes; copied). 32 levels count, deeper ones keep the 32nd. */
static inline void mm_category_push(const char *name)
{
	const struct mm_note_v1 *t = mm_note_table();

	if (t)
		t->category_push(name);
}

static inline void mm_category_pop(void)
{
	const struct mm_note_v1 *t = mm_note_table();

	if (t)
		t->category_pop();
}

/* Names this moment (up to 1024 bytes; copied). */
static inline void mm_mark(const char *text)
{
	const struct mm_note_v1 *t = mm_note_table();

	if (t)
		t->mark(text);
}

/* The counter `name` has this value now. */
static inline void mm_metric(const char *name, int64_t value)
{
	const struct mm_note_v1 *t = mm_note_table();

	if (t)
		t->metric(name, value);
}

/* An allocator of the program's own has handed out n bytes at p (not libmm, which tells of its
 * blocks itself) ... */
static inline void mm_note_alloc(const void *p, size_t n)
{
	const struct mm_note_v1 *t = mm_note_table();

	if (t)
		t->alloc(p, n);
}

/* ... and is about to take p back. */
static inline void mm_note_free(const void *p)
{
	const struct mm_note_v1 *t = mm_note_table();

	if (t)
		t->free(p);
}

#ifdef __cplusplus
}
#endif

#endif
