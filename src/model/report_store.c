/* report_store.c: memory of a report (report_store.h): blocks filled from the front,
 * and an open-addressed table of the texts in them. */
#include "model/report_store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024, ALIGN = 16 };

struct block {
	struct block *next;
	size_t used, size; /* bytes of data */
	_Alignas(ALIGN) unsigned char data[];
};

struct mm_report_store {
	struct block *blocks;
	const char **texts; /* NULL = free place */
	size_t text_count, text_mask;
	struct mm_report_store *kept; /* another's texts are used, too */
	_Atomic unsigned keepers;             /* others that use these, and the owner, but for one */
	int failed;
};

struct mm_report_store *mm_report_store_create(void)
{
	return calloc(1, sizeof(struct mm_report_store));
}

void mm_report_store_free(struct mm_report_store *s)
{
	if (!s || s->keepers--)
		return;
	mm_report_store_free(s->kept);
	for (struct block *b = s->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(s->texts);
	free(s);
}

void mm_report_store_keep(struct mm_report_store *s, struct mm_report_store *other)
{
	other->keepers++;
	s->kept = other;
}

int mm_report_store_failed(const struct mm_report_store *s)
{
	return s->failed;
}

static struct block *add_block(struct mm_report_store *s, size_t bytes)
{
	size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
	struct block *b = calloc(1, sizeof *b + size);

	if (!b) {
		s->failed = 1;
		return NULL;
	}
	b->size = size;
	/* A block made to measure is full at once: keep filling the one before it. */
	if (s->blocks && bytes > BLOCK_BYTES) {
		b->next = s->blocks->next;
		s->blocks->next = b;
	} else {
		b->next = s->blocks;
		s->blocks = b;
	}
	return b;
}

void *mm_report_store_alloc(struct mm_report_store *s, size_t count, size_t size)
{
	if (!count || !size || count > SIZE_MAX / 2 / size)
		return NULL;
	size_t bytes = (count * size + ALIGN - 1) / ALIGN * ALIGN;
	struct block *b = s->blocks;

	if (!b || b->size - b->used < bytes)
		b = add_block(s, bytes);
	if (!b)
		return NULL;
	void *p = b->data + b->used;
	b->used += bytes;
	return p;
}

void *mm_report_store_copy(struct mm_report_store *s, const void *items, size_t count,
			   size_t size)
{
	void *p = mm_report_store_alloc(s, count, size);

	if (p)
		memcpy(p, items, count * size);
	return p;
}

static size_t text_hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	while (*text)
		h = (h ^ (unsigned char)*text++) * UINT64_C(0x100000001b3);
	return (size_t)(h ^ h >> 29);
}

static size_t text_place(const struct mm_report_store *s, const char *text)
{
	size_t i = text_hash(text) & s->text_mask;

	while (s->texts[i] && strcmp(s->texts[i], text) != 0)
		i = (i + 1) & s->text_mask;
	return i;
}

static int grow_texts(struct mm_report_store *s)
{
	size_t n = s->texts ? (s->text_mask + 1) * 2 : 256, old = s->texts ? s->text_mask + 1 : 0;
	const char **before = s->texts, **texts = calloc(n, sizeof *texts);

	if (!texts)
		return -1;
	s->texts = texts;
	s->text_mask = n - 1;
	for (size_t i = 0; i < old; i++)
		if (before[i])
			texts[text_place(s, before[i])] = before[i];
	free(before);
	return 0;
}

const char *mm_report_store_text(struct mm_report_store *s, const char *text)
{
	if (!text || !*text)
		return "";
	if ((!s->texts || (s->text_count + 1) * 2 > s->text_mask) && grow_texts(s)) {
		s->failed = 1;
		return "";
	}
	size_t i = text_place(s, text);
	if (!s->texts[i]) {
		s->texts[i] = mm_report_store_copy(s, text, strlen(text) + 1, 1);
		s->text_count += s->texts[i] != NULL;
	}
	return s->texts[i] ? s->texts[i] : "";
}

const char *mm_report_store_printf(struct mm_report_store *s, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	int n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		s->failed = 1;
		return "";
	}
	const char *kept = mm_report_store_text(s, text);
	free(text);
	return kept;
}
