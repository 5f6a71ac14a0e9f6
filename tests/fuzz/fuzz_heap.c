/* fuzz_heap.c: any bytes as calls of a heap, by every strategy and at every checked level, real
 * and simulated, in much and in little address space, against a list of what must be live.
 *
 * The first bytes choose the heap; then each call takes a few. Contents stay, blocks do not
 * overlap and are aligned, the account adds up; where every block is checked each misuse is
 * refused and told, and nothing else is.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/heap.h"
#include "core/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SLOTS = 48, CONTEXTS = 3 };

struct slot { uint64_t addr, size, seed, align; };

struct game {
	const uint8_t *at, *end;
	struct mm_heap_options o;
	struct mm_heap *heap;
	struct mm_context *context[CONTEXTS];
	struct slot slot[SLOTS];
	uint64_t freed, told, expected, seeds;
	struct mm_misuse latest;
};

static void must(int holds)
{
	if (!holds)
		abort();
}

static uint64_t byte(struct game *g)
{
	return g->at < g->end ? *g->at++ : 0;
}

/* Mostly small; up to what no heap has. */
static uint64_t a_size(struct game *g)
{
	uint64_t kind = byte(g), n = byte(g) << 8 | byte(g);

	switch (kind % 8) {
	case 0: return n % 40;
	case 1: return n;
	case 2: return n * 16;
	case 3: return (UINT64_C(1) << n % 20) - (n >> 8) % 3 + 1;
	case 4: return n << 3;
	case 5: return kind == 253 ? UINT64_MAX - n : n << (kind >> 6);
	default: return n % 1100;
	}
}

static uint64_t an_align(struct game *g)
{
	uint64_t n = byte(g);

	return n < 128 ? 0 : UINT64_C(1) << n % 18;
}

/* --- contents ----------------------------------------------------------------------------- */

static uint8_t value_of(uint64_t seed, uint64_t i)
{
	return (uint8_t)((seed + i) * 0x9e3779b1u >> 13);
}

/* The ends of long blocks, and places between. */
static uint64_t step_of(uint64_t size)
{
	return size > 5000 ? 509 : 1;
}

static void fill(const struct game *g, struct slot *s)
{
	uint8_t *p = (uint8_t *)(uintptr_t)s->addr;

	if (g->o.simulated)
		return;
	for (uint64_t i = 0; i < s->size; i += step_of(s->size))
		p[i] = value_of(s->seed, i);
	if (s->size)
		p[s->size - 1] = value_of(s->seed, s->size - 1);
}

static void look(const struct game *g, const struct slot *s)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)s->addr;

	if (g->o.simulated)
		return;
	for (uint64_t i = 0; i < s->size; i += step_of(s->size))
		must(p[i] == value_of(s->seed, i));
	must(!s->size || p[s->size - 1] == value_of(s->seed, s->size - 1));
}

/* --- what must hold ---------------------------------------------------------------------------- */

static void settle(struct game *g, struct slot *s)
{
	uint64_t granted = 0;

	must(s->addr && s->addr % (s->align > 16 ? s->align : 16) == 0);
	must(mm_heap_has(g->heap, s->addr));
	must(mm_heap_granted(g->heap, s->addr, &granted) == 0 && granted >= s->size);
	for (const struct slot *t = g->slot; t < g->slot + SLOTS; t++)
		must(t == s || !t->addr || t->addr >= s->addr + (s->size ? s->size : 1) ||
		     s->addr >= t->addr + (t->size ? t->size : 1));
	fill(g, s);
}

static void all_is_well(struct game *g)
{
	struct mm_account a;
	uint64_t live = 0, requested = 0;

	must(mm_heap_check(g->heap) == 0);
	must(mm_heap_validate(g->heap) == 0);
	must(g->told == g->expected);
	for (const struct slot *s = g->slot; s < g->slot + SLOTS; s++) {
		live += s->addr != 0;
		requested += s->addr ? s->size : 0;
		if (s->addr)
			look(g, s);
	}
	mm_heap_account(g->heap, &a);
	must(mm_account_sum(&a) == a.committed);
	if (g->o.track || g->o.check == MM_CHECK_ON || g->o.check == MM_CHECK_FULL)
		must(a.live == live && a.requested == requested);
}

static void hear(void *arg, const struct mm_misuse *m)
{
	struct game *g = arg;

	g->told++;
	g->latest = *m;
}

/* --- calls ---------------------------------------------------------------------------------------- */

static struct mm_context *someone(struct game *g)
{
	return g->context[byte(g) % CONTEXTS];
}

static void take(struct game *g, struct slot *s, int zeroed)
{
	struct slot was = *s;
	uint64_t addr = 7;
	int err;

	s->size = a_size(g);
	s->align = zeroed ? 0 : an_align(g);
	s->seed = ++g->seeds;
	err = zeroed ? mm_heap_zalloc(g->heap, someone(g), s->size, &addr)
		     : mm_heap_alloc(g->heap, someone(g), s->size, s->align, &addr);
	if (err) {
		must(addr == 7 && (err == MM_ENOMEM || err == MM_ENOSPC));
		must(s->size > g->o.bytes / 200 || g->o.bytes < UINT64_C(1) << 30);
		*s = was;
		return;
	}
	s->addr = addr;
	for (uint64_t i = 0; zeroed && !g->o.simulated && i < s->size; i += step_of(s->size))
		must(((uint8_t *)(uintptr_t)addr)[i] == 0);
	settle(g, s);
}

static void resize(struct game *g, struct slot *s)
{
	uint64_t size = a_size(g), align = an_align(g), addr = 7, kept;
	struct slot was = *s;
	int err = mm_heap_realloc(g->heap, someone(g), s->addr, size, align, &addr);

	if (err) {
		must(err == MM_ENOMEM || err == MM_ENOSPC);
		look(g, s);
		return;
	}
	kept = size < was.size ? size : was.size;
	*s = (struct slot){ .addr = addr, .size = size, .align = align, .seed = was.seed };
	for (uint64_t i = 0; !g->o.simulated && i < kept; i += step_of(was.size))
		must(((uint8_t *)(uintptr_t)addr)[i] == value_of(was.seed, i));
	settle(g, s);
}

static void give(struct game *g, struct slot *s)
{
	look(g, s);
	must(mm_heap_free(g->heap, someone(g), s->addr) == 0);
	g->freed = s->addr;
	s->addr = 0;
}

static int is_live(const struct game *g, uint64_t addr)
{
	for (const struct slot *s = g->slot; s < g->slot + SLOTS; s++)
		if (s->addr == addr)
			return 1;
	return 0;
}

/* Where all is known. */
static void misuse(struct game *g, struct slot *s)
{
	uint64_t at = 0, addr = 7;
	int err, by_realloc = (int)byte(g) & 1;

	switch (byte(g) % 4) {
	case 0: at = s->addr && s->size > 1 ? s->addr + 1 + byte(g) % (s->size - 1) : 0; break;
	case 1: at = g->freed; break;
	case 2: at = (uintptr_t)g + byte(g); break;
	case 3: at = s->addr ? s->addr + ((byte(g) + 1) << 12) : 1; break;
	}
	if (!at || is_live(g, at))
		return;
	err = by_realloc ? mm_heap_realloc(g->heap, someone(g), at, a_size(g), 0, &addr)
			 : mm_heap_free(g->heap, someone(g), at);
	must(err == MM_EINVAL && addr == 7);
	must(g->told == ++g->expected);
	must(g->latest.addr == at);
}

/* The byte behind a block, where one is left over at either kind of place. */
static void overrun(struct game *g, struct slot *s)
{
	if (g->o.simulated || !s->addr || s->size % 16 == 0 || s->size > 1000 || s->align)
		return;
	((uint8_t *)(uintptr_t)s->addr)[s->size] ^= 0x40;
	must(mm_heap_free(g->heap, someone(g), s->addr) == MM_ECORRUPT);
	must(g->told == ++g->expected);
	must(g->latest.kind == MM_MISUSE_OVERRUN && g->latest.block == s->addr &&
	     g->latest.size == s->size && g->latest.offset == (int64_t)s->size);
	s->addr = 0;
}

static void step(struct game *g)
{
	uint64_t what = byte(g);
	struct slot *s = &g->slot[byte(g) % SLOTS];
	int all = g->o.check == MM_CHECK_ON || g->o.check == MM_CHECK_FULL;

	if (what >= 250)
		all_is_well(g);
	else if (what >= 247)
		mm_heap_trim(g->heap);
	else if (what >= 230 && all)
		what < 240 ? misuse(g, s) : overrun(g, s);
	else if (!s->addr)
		take(g, s, what % 4 == 0);
	else if (what % 4 == 1)
		resize(g, s);
	else
		give(g, s);
}

/* --- a game ------------------------------------------------------------------------------------- */

static int begin(struct game *g)
{
	static const uint64_t space[] = { 0, UINT64_C(4) << 20, UINT64_C(64) << 20, UINT64_C(1) << 32 };
	uint64_t kind = byte(g), more = byte(g);

	g->o = (struct mm_heap_options){ .strategy = (enum mm_strategy)(kind % MM_STRATEGIES),
		.simulated = kind >> 7, .track = (int)more & 1, .bytes = space[more >> 1 & 3],
		.retain_bytes = more & 8 ? 0 : MM_HEAP_DEFAULT, .retain_share = more & 8 ? 1 << 30 : 0,
		.misuse = hear, .misuse_arg = g, .sample_every = 1 + (uint32_t)(more >> 4),
		.watched_most = more & 16 ? 20 : 0 };
	if (g->o.strategy == MM_STRATEGY_SIZE_CLASS)
		g->o.check = (enum mm_check)(kind / 4 % MM_CHECKS);
	if (g->o.simulated && more & 32)
		g->o.page_bytes = 16384;
	if (mm_heap_open(&g->heap, &g->o))
		return 0;
	g->o.bytes = g->o.bytes ? g->o.bytes : UINT64_C(1) << 36;
	for (int i = 0; i < CONTEXTS; i++)
		must(mm_heap_context(g->heap, 0, &g->context[i]) == 0);
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct game g;
	struct mm_account a;

	g = (struct game){ .at = data, .end = data + size };
	if (!begin(&g))
		return 0;
	while (g.at < g.end)
		step(&g);
	all_is_well(&g);
	for (struct slot *s = g.slot; s < g.slot + SLOTS; s++)
		if (s->addr)
			give(&g, s);
	mm_heap_trim(g.heap);
	all_is_well(&g);
	mm_heap_account(g.heap, &a);
	must(a.live == 0 || !g.o.track);
	for (int i = 0; i < CONTEXTS; i++)
		mm_heap_leave(g.heap, g.context[i]);
	mm_heap_close(g.heap);
	return 0;
}
