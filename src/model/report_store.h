/* report_store.h: the memory of one report: strings kept once, arrays freed together.
 *
 * Everything given out lives until mm_report_store_free. A failed allocation is
 * remembered: a run of calls may be checked once, by mm_report_store_failed.
 * Not shared between threads, but that the last that keeps a store may free it from another
 * thread than the one that fills it.
 */
#ifndef MM_MODEL_REPORT_STORE_H
#define MM_MODEL_REPORT_STORE_H

#include <stddef.h>
#include <stdint.h>

struct mm_report_store;

struct mm_report_store *mm_report_store_create(void); /* NULL without memory */
void mm_report_store_free(struct mm_report_store *s);

/* `s` keeps `other` and its texts from now on until it is freed itself; `other` may be freed
 * before. */
void mm_report_store_keep(struct mm_report_store *s, struct mm_report_store *other);

/* Zeroed, aligned for any type; NULL without memory (or for 0 bytes). */
void *mm_report_store_alloc(struct mm_report_store *s, size_t count, size_t size);

/* A copy of count items, as mm_report_store_alloc. */
void *mm_report_store_copy(struct mm_report_store *s, const void *items, size_t count,
			   size_t size);

/* The one copy of a text (NULL counts as ""); "" without memory. Equal texts give
 * equal pointers. */
const char *mm_report_store_text(struct mm_report_store *s, const char *text);
const char *mm_report_store_printf(struct mm_report_store *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

int mm_report_store_failed(const struct mm_report_store *s);

#endif
