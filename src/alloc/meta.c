/* meta.c: pieces from the system, cut from front to back (meta.h). */
#include "alloc/meta.h"

#include <string.h>
#include <sys/mman.h>

#include "core/error.h"

enum { ALIGN = 64, PIECE = 1 << 20, OPEN_STEP = 64 << 10,
	LEFT = 4 /* a table that was made smaller takes one in so many of the addresses left */ };

struct piece { /* at the start of each mapping */
	struct piece *next;
	uint64_t bytes;
	uint64_t open; /* of those, may be written to */
};

static int may_write(void *at, uint64_t bytes)
{
	return mprotect(at, bytes, PROT_READ | PROT_WRITE) == 0;
}

/* All of it can be read from the start on: what is not yet there is zero. */
static struct piece *map_piece(struct mm_meta *m, uint64_t bytes, uint64_t open)
{
	int is_whole = open == bytes;
	struct piece *p = mmap(NULL, bytes, is_whole ? PROT_READ | PROT_WRITE : PROT_READ,
			       MAP_PRIVATE | MAP_ANONYMOUS | (is_whole ? 0 : MAP_NORESERVE), -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (!is_whole && !may_write(p, open)) {
		munmap(p, bytes);
		return NULL;
	}
	p->next = m->pieces;
	p->bytes = bytes;
	p->open = open;
	m->pieces = p;
	return p;
}

void mm_meta_deinit(struct mm_meta *m)
{
	for (struct piece *p = m->pieces, *next; p; p = next) {
		next = p->next;
		munmap(p, p->bytes);
	}
	memset(m, 0, sizeof *m);
}

/* Whole pages count from their first byte in use. */
static void count(struct mm_meta *m, uint64_t bytes)
{
	if (bytes > m->page_left) {
		uint64_t pages = (bytes - m->page_left + MM_META_PAGE - 1) / MM_META_PAGE;
		m->committed += pages * MM_META_PAGE;
		m->page_left += pages * MM_META_PAGE;
	}
	m->page_left -= bytes;
}

static void *cut(struct mm_meta *m, uint64_t bytes)
{
	bytes = (bytes + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
	if (bytes > m->left) {
		uint64_t whole = bytes + ALIGN > PIECE
			? (bytes + ALIGN + MM_META_PAGE - 1) & ~(uint64_t)(MM_META_PAGE - 1) : PIECE;
		struct piece *p = map_piece(m, whole, whole);
		if (!p)
			return NULL;
		m->at = (uint8_t *)p + ALIGN;
		m->left = whole - ALIGN;
		m->page_left = 0;
		count(m, ALIGN);
	}
	count(m, bytes);
	m->at += bytes;
	m->left -= bytes;
	return m->at - bytes;
}

void *mm_meta_take(struct mm_meta *m, uint64_t bytes)
{
	mm_lock_take(&m->lock);
	void *p = cut(m, bytes);
	mm_lock_give(&m->lock);
	return p;
}

/* What a record of that size takes: 64, 128, 192, 256, 384, 512, 768 ... */
static uint64_t rounded(uint64_t bytes)
{
	unsigned log = bytes <= ALIGN ? 5 : 63 - (unsigned)__builtin_clzll(bytes - 1);
	uint64_t between = UINT64_C(3) << log >> 1;

	return log > 6 && bytes <= between ? between : UINT64_C(2) << log;
}

/* The list of spare records of that (rounded) size. */
static unsigned kind_of(uint64_t bytes)
{
	unsigned log = 63 - (unsigned)__builtin_clzll(bytes);

	return 2 * log + (bytes != UINT64_C(1) << log);
}

static void *borrow_piece(struct mm_meta *m, uint64_t bytes)
{
	struct piece *p = map_piece(m, bytes + MM_META_PAGE, bytes + MM_META_PAGE);

	if (!p)
		return NULL;
	m->committed += p->bytes;
	return (uint8_t *)p + MM_META_PAGE;
}

static void return_piece(struct mm_meta *m, void *p)
{
	struct piece *gone = (struct piece *)((uint8_t *)p - MM_META_PAGE);
	struct piece **at = (struct piece **)&m->pieces;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	m->committed -= gone->bytes;
	munmap(gone, gone->bytes);
}

static void *borrow_small(struct mm_meta *m, uint64_t bytes)
{
	void **spare = &m->spare[kind_of(bytes)], *p = *spare;

	if (!p)
		return cut(m, bytes);
	*spare = *(void **)p;
	return memset(p, 0, bytes);
}

void *mm_meta_borrow(struct mm_meta *m, uint64_t bytes)
{
	bytes = rounded(bytes);
	mm_lock_take(&m->lock);
	void *p = bytes < MM_META_ALONE ? borrow_small(m, bytes) : borrow_piece(m, bytes);
	mm_lock_give(&m->lock);
	return p;
}

void mm_meta_return(struct mm_meta *m, void *p, uint64_t bytes)
{
	if (!p)
		return;
	bytes = rounded(bytes);
	mm_lock_take(&m->lock);
	if (bytes < MM_META_ALONE) {
		*(void **)p = m->spare[kind_of(bytes)];
		m->spare[kind_of(bytes)] = p;
	} else {
		return_piece(m, p);
	}
	mm_lock_give(&m->lock);
}

void *mm_meta_reserve(struct mm_meta *m, uint64_t bytes)
{
	bytes = (bytes + ALIGN + MM_META_PAGE - 1) & ~(uint64_t)(MM_META_PAGE - 1);
	mm_lock_take(&m->lock);
	struct piece *p = map_piece(m, bytes, bytes < OPEN_STEP ? bytes : OPEN_STEP);
	mm_lock_give(&m->lock);
	return p ? (uint8_t *)p + ALIGN : NULL;
}

static int has_addresses(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p != MAP_FAILED && munmap(p, bytes) == 0;
}

void *mm_meta_reserve_for(struct mm_meta *m, uint64_t record_bytes, uint32_t *ret_most)
{
	uint32_t most = *ret_most;
	void *table = mm_meta_reserve(m, most * record_bytes);

	while (!table && (most /= 2) >= MM_META_RECORDS)
		if (has_addresses(most * record_bytes * LEFT) || most / 2 < MM_META_RECORDS)
			table = mm_meta_reserve(m, most * record_bytes);
	if (table)
		*ret_most = most;
	return table;
}

/* Ahead, by a part of what is open, so that the system is seldom asked. */
static uint64_t open_until(const struct piece *p, uint64_t bytes)
{
	uint64_t step = p->open / 8 > OPEN_STEP ? p->open / 8 : OPEN_STEP;

	bytes = (bytes + step + OPEN_STEP - 1) & ~(uint64_t)(OPEN_STEP - 1);
	return bytes < p->bytes ? bytes : p->bytes;
}

int mm_meta_open(void *table, uint64_t bytes)
{
	struct piece *p = (struct piece *)((uint8_t *)table - ALIGN);
	uint64_t open;

	if (bytes + ALIGN <= p->open || p->open == p->bytes)
		return MM_OK;
	open = open_until(p, bytes + ALIGN);
	if (!may_write((uint8_t *)p + p->open, open - p->open))
		return MM_ENOMEM;
	p->open = open;
	return MM_OK;
}

void mm_meta_commit(struct mm_meta *m, uint64_t bytes_more)
{
	mm_lock_take(&m->lock);
	m->committed += bytes_more;
	mm_lock_give(&m->lock);
}

uint64_t mm_meta_committed(struct mm_meta *m)
{
	mm_lock_take(&m->lock);
	uint64_t n = m->committed;
	mm_lock_give(&m->lock);
	return n;
}
