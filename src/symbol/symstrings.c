/* symstrings.c: interned texts in blocks that never move (symstrings.h). */
#include "symbol/symstrings.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024 - 64 };

struct mm_symstrings_block {
	struct mm_symstrings_block *next;
	size_t used, cap;
	_Alignas(16) char data[];
};

void mm_symstrings_deinit(struct mm_symstrings *s)
{
	while (s->blocks) {
		struct mm_symstrings_block *next = s->blocks->next;
		free(s->blocks);
		s->blocks = next;
	}
	free(s->places);
	memset(s, 0, sizeof *s);
}

uint64_t mm_symstrings_hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

static void *block_room(struct mm_symstrings *s, size_t size, size_t align)
{
	struct mm_symstrings_block *b = s->blocks;
	size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;

	if (!b || at > b->cap || size > b->cap - at) {
		size_t cap = size > BLOCK_BYTES / 4 ? size : BLOCK_BYTES;
		b = malloc(sizeof *b + cap);
		if (!b)
			return NULL;
		b->cap = cap;
		b->next = s->blocks;
		s->blocks = b;
		s->bytes += cap;
		at = 0;
	}
	b->used = at + size;
	return b->data + at;
}

void *mm_symstrings_room(struct mm_symstrings *s, size_t size)
{
	void *p = block_room(s, size, 16);

	return p ? memset(p, 0, size) : NULL;
}

static int places_grow(struct mm_symstrings *s)
{
	size_t size = s->places ? (s->mask + 1) * 2 : 256;
	const char **places = calloc(size, sizeof *places);

	if (!places)
		return 0;
	for (size_t i = 0; s->places && i <= s->mask; i++) {
		if (!s->places[i])
			continue;
		size_t at = mm_symstrings_hash(s->places[i]) & (size - 1);
		while (places[at])
			at = (at + 1) & (size - 1);
		places[at] = s->places[i];
	}
	free(s->places);
	s->places = places;
	s->mask = size - 1;
	return 1;
}

const char *mm_symstrings_keep(struct mm_symstrings *s, const char *text)
{
	if (!*text)
		return "";
	if ((!s->places || s->count * 4 >= (s->mask + 1) * 3) && !places_grow(s))
		return NULL;
	size_t at = mm_symstrings_hash(text) & s->mask;
	for (; s->places[at]; at = (at + 1) & s->mask)
		if (strcmp(s->places[at], text) == 0)
			return s->places[at];
	size_t size = strlen(text) + 1;
	char *copy = block_room(s, size, 1);
	if (!copy)
		return NULL;
	s->places[at] = memcpy(copy, text, size);
	s->count++;
	return copy;
}
