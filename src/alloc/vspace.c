/* vspace.c: slices and their pages (vspace.h). */
#include "alloc/vspace.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "alloc/lock_order.h"
#include "core/error.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

#define SIMULATED_BASE UINT64_C(0x100000000000)
#define LEAST_BYTES (UINT64_C(2) << 20)
#define BASE_ALIGN (UINT64_C(1) << 30)

enum { SLICES_MOST = 1 << 24,
	REGRET_LEAST = 8 << 20 /* may be kept for regret, however little is in use */,
	FORGET_AFTER = 16 /* times as much as is in use was taken */, FORGET_SHARE = 4,
	OPEN_LEAST = 2 << 20 /* is opened at once, a huge page, or one in */,
	OPEN_SHARE = 8 /* of what is open */ };

/* --- coming and going ------------------------------------------------------------------ */

/* So that aligned blocks lie as they do in a simulated range. */
static uint64_t base_align(uint64_t bytes)
{
	uint64_t align = MM_SLICE_BYTES;

	while (align < BASE_ALIGN && align < bytes / 16)
		align *= 2;
	return align;
}

/* Less and less, where addresses are limited: then half as many stay for stacks, libraries and
 * our own tables. What is left over on both sides goes back. What nobody can touch is no memory to
 * the limits of a process, nor to one that locks all it has. */
static int reserve(struct mm_vspace *v)
{
	for (uint64_t n = v->o.bytes; n >= LEAST_BYTES || n == v->o.bytes; n /= 2) {
		uint64_t align = base_align(n), spare = n < v->o.bytes ? n / 2 : 0, base, end;
		void *p = mmap(NULL, n + align + spare, PROT_NONE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED)
			continue;
		base = ((uintptr_t)p + align - 1) & ~(align - 1);
		end = (uintptr_t)p + n + align + spare;
		if (base > (uintptr_t)p)
			munmap(p, base - (uintptr_t)p);
		if (end > base + n)
			munmap((void *)(uintptr_t)(base + n), end - (base + n));
		v->base = base;
		v->bytes = n & ~(uint64_t)(MM_SLICE_BYTES - 1);
		return MM_OK;
	}
	return MM_ENOSPC;
}

/* What is kept of slices below the frontier. */
static int open_maps(struct mm_vspace *v, uint32_t frontier)
{
	uint64_t set = mm_lowset_bytes_until(v->slices, frontier);

	return mm_meta_open(v->owner, (uint64_t)frontier * sizeof *v->owner) ||
	       mm_meta_open(v->have, frontier) || mm_meta_open(v->used, frontier) ||
	       mm_meta_open(v->sets[0], set) || mm_meta_open(v->sets[1], set) ? MM_ENOSPC : MM_OK;
}

static int tables(struct mm_vspace *v)
{
	uint64_t set = mm_lowset_bytes(v->slices);
	void *idle = mm_meta_reserve(v->meta, set), *warm = mm_meta_reserve(v->meta, set);

	v->owner = mm_meta_reserve(v->meta, (uint64_t)v->slices * sizeof *v->owner);
	v->have = mm_meta_reserve(v->meta, v->slices);
	v->used = mm_meta_reserve(v->meta, v->slices);
	v->sets[0] = idle;
	v->sets[1] = warm;
	if (!idle || !warm || !v->owner || !v->have || !v->used || open_maps(v, 0))
		return MM_ENOMEM;
	mm_lowset_init(&v->idle, v->slices, idle);
	mm_lowset_init(&v->warm, v->slices, warm);
	return MM_OK;
}

static int is_valid(const struct mm_vspace_options *o)
{
	return o->page_bytes >= 4096 && o->page_bytes <= MM_SLICE_BYTES &&
	       (o->page_bytes & (o->page_bytes - 1)) == 0 && o->bytes >= MM_SLICE_BYTES &&
	       o->bytes <= (uint64_t)SLICES_MOST << MM_SLICE_SHIFT;
}

int mm_vspace_init(struct mm_vspace *v, const struct mm_vspace_options *o, struct mm_meta *meta)
{
	int err = MM_OK;

	if (!is_valid(o))
		return MM_EINVAL;
	mm_lock_is(&v->lock, MM_RANK_VSPACE);
	v->o = *o;
	v->o.bytes &= ~(uint64_t)(MM_SLICE_BYTES - 1);
	v->meta = meta;
	if (o->simulated) {
		v->base = SIMULATED_BASE;
		v->bytes = v->o.bytes;
	} else {
		err = reserve(v);
	}
	v->slices = (uint32_t)(v->bytes >> MM_SLICE_SHIFT);
	if (!err)
		err = tables(v);
	if (err)
		mm_vspace_deinit(v);
	return err;
}

void mm_vspace_deinit(struct mm_vspace *v)
{
	if (!v->o.simulated && v->bytes)
		munmap((void *)(uintptr_t)v->base, v->bytes);
	memset(v, 0, sizeof *v);
}

/* --- pages ----------------------------------------------------------------------------------- */

static uint64_t page_of(const struct mm_vspace *v)
{
	return v->o.page_bytes;
}

/* Pages of a slice that starts `at` bytes behind the first, when `bytes` of all are used. */
static uint8_t pages_in(const struct mm_vspace *v, uint64_t bytes, uint64_t at)
{
	uint64_t rest = bytes > at ? bytes - at : 0;

	rest = rest < MM_SLICE_BYTES ? rest : MM_SLICE_BYTES;
	return (uint8_t)((rest + page_of(v) - 1) / page_of(v));
}

/* Pages come from the system: what went before would have served. */
static void commit(struct mm_vspace *v, uint32_t pages)
{
	uint64_t came = pages * page_of(v), again = came < v->purged_bytes ? came : v->purged_bytes;

	v->commits += pages;
	v->purged_bytes -= again;
	v->regretted_bytes += again;
}

static void use_pages(struct mm_vspace *v, uint32_t slice, uint8_t pages)
{
	v->used_bytes += ((uint64_t)pages - v->used[slice]) * page_of(v);
	v->retained_bytes -= ((uint64_t)v->have[slice] - v->used[slice]) * page_of(v);
	if (v->have[slice] < pages) {
		commit(v, pages - v->have[slice]);
		v->have[slice] = pages;
	}
	v->used[slice] = pages;
	v->retained_bytes += ((uint64_t)v->have[slice] - pages) * page_of(v);
}

static void warm_up(struct mm_vspace *v, uint32_t slice)
{
	if (!v->have[slice])
		return;
	mm_lowset_add(&v->warm, slice);
	v->warm_bytes += v->have[slice] * page_of(v);
}

static void cool_down(struct mm_vspace *v, uint32_t slice)
{
	if (!mm_lowset_has(&v->warm, slice))
		return;
	mm_lowset_remove(&v->warm, slice);
	v->warm_bytes -= v->have[slice] * page_of(v);
}

/* Pages that the program has locked stay, with what is in them, unless they are meant too. Where
 * the system does not know that, others come in their place, or they are cleared by hand: what was
 * given must be zero when it is had again. */
static void give_to_system(const struct mm_vspace *v, uint32_t slice, uint64_t from, uint64_t bytes)
{
	void *at = (void *)(uintptr_t)(v->base + ((uint64_t)slice << MM_SLICE_SHIFT) + from);
	int saved = errno;

	if (v->o.simulated || madvise(at, bytes, MADV_DONTNEED) == 0)
		return;
	if (madvise(at, bytes, MADV_DONTNEED_LOCKED) != 0 &&
	    mmap(at, bytes, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		memset(at, 0, bytes);
	errno = saved;
}

/* They have none from then on; it remains to tell the system. */
static void count_dropped(struct mm_vspace *v, uint32_t first, uint32_t count)
{
	for (uint32_t s = first; s < first + count; s++) {
		cool_down(v, s);
		v->retained_bytes -= v->have[s] * page_of(v);
		v->purges += v->have[s];
		v->have[s] = 0;
	}
}

static void drop_pages(struct mm_vspace *v, uint32_t first, uint32_t count)
{
	uint64_t before = v->purges;

	count_dropped(v, first, count);
	if (v->purges != before)
		give_to_system(v, first, 0, (uint64_t)count << MM_SLICE_SHIFT);
}

/* Pages behind those in use of a slice that is taken: how many bytes, of which it remains to tell
 * the system. */
static uint64_t count_rest_dropped(struct mm_vspace *v, uint32_t slice)
{
	uint64_t rest = (v->have[slice] - v->used[slice]) * page_of(v);

	v->retained_bytes -= rest;
	v->purges += v->have[slice] - v->used[slice];
	v->purged_bytes += rest;
	v->have[slice] = v->used[slice];
	return rest;
}

/* The highest warm slices in a row, as many as are above the limit. */
static uint32_t warm_run(const struct mm_vspace *v, uint64_t limit, uint32_t *ret_first)
{
	uint32_t last = mm_lowset_highest(&v->warm), first = last;
	uint64_t gone = v->have[last] * page_of(v);

	while (first > 0 && mm_lowset_has(&v->warm, first - 1) && v->warm_bytes - gone > limit)
		gone += v->have[--first] * page_of(v);
	*ret_first = first;
	return last - first + 1;
}

/* The system takes its time: meanwhile others may be here, and the slices are nobody's that
 * anybody could take. */
static void purge(struct mm_vspace *v, uint64_t limit)
{
	uint32_t first, count;

	while (v->warm_bytes > limit) {
		uint64_t before = v->retained_bytes;
		count = warm_run(v, limit, &first);
		count_dropped(v, first, count);
		v->purged_bytes += before - v->retained_bytes;
		for (uint32_t s = first; s < first + count; s++)
			mm_lowset_remove(&v->idle, s);
		v->purging++;
		mm_lock_give(&v->lock);
		give_to_system(v, first, 0, (uint64_t)count << MM_SLICE_SHIFT);
		mm_lock_take(&v->lock);
		v->purging--;
		for (uint32_t s = first; s < first + count; s++)
			mm_lowset_add(&v->idle, s);
	}
}

static uint64_t base_limit(const struct mm_vspace *v)
{
	uint64_t share = v->o.retain_share ? v->used_bytes / v->o.retain_share : 0;

	return share > v->o.retain_bytes ? share : v->o.retain_bytes;
}

static uint64_t retain_limit(const struct mm_vspace *v)
{
	uint64_t most = v->o.regret_share ? v->used_bytes / v->o.regret_share : 0;

	if (v->o.regret_share && most < REGRET_LEAST)
		most = REGRET_LEAST;
	return base_limit(v) + (v->regretted_bytes < most ? v->regretted_bytes : most);
}

/* More is in use: what is kept for regret alone raises no peak. */
static void rise(struct mm_vspace *v)
{
	uint64_t all = v->used_bytes + v->retained_bytes, base = base_limit(v), above;

	if (all <= v->peak_bytes)
		return;
	above = all - v->peak_bytes;
	if (v->o.regret_share && v->warm_bytes > base)
		purge(v, v->warm_bytes - base > above ? v->warm_bytes - above : base);
	all = v->used_bytes + v->retained_bytes;
	if (all > v->peak_bytes)
		v->peak_bytes = all;
}

/* What was of no use for long is forgotten, bit by bit. */
static void forget(struct mm_vspace *v, uint64_t taken)
{
	v->taken_bytes += taken;
	if (v->taken_bytes / FORGET_AFTER < v->used_bytes)
		return;
	v->taken_bytes = 0;
	v->purged_bytes -= v->purged_bytes / FORGET_SHARE;
	v->regretted_bytes -= v->regretted_bytes / FORGET_SHARE;
}

/* Nobody else can have what lies behind the pages in use of a taken slice: not much of it is kept.
 * The slice is the last of those that were taken. Bytes of which the system is to be told. */
static uint64_t keep_rest_low(struct mm_vspace *v, uint32_t slice)
{
	return v->have[slice] > v->used[slice] &&
	       v->retained_bytes - v->warm_bytes > retain_limit(v) ? count_rest_dropped(v, slice) : 0;
}

/* --- slices ------------------------------------------------------------------------------- */

/* The first slice from s on at a multiple of `align` slices, in addresses. */
static uint32_t aligned_from(const struct mm_vspace *v, uint32_t s, uint32_t align)
{
	uint64_t lead = v->base >> MM_SLICE_SHIFT;

	return (uint32_t)(((lead + s + align - 1) & ~(uint64_t)(align - 1)) - lead);
}

static uint32_t run_from(const struct mm_vspace *v, uint32_t first, uint32_t want)
{
	uint32_t n = 0;

	while (n < want && first + n < v->frontier && mm_lowset_has(&v->idle, first + n))
		n++;
	return n;
}

/* The lowest run of idle slices; MM_LOWSET_NONE when there is none below the frontier. */
static uint32_t find_run(const struct mm_vspace *v, uint32_t slices, uint32_t align)
{
	uint32_t s = mm_lowset_lowest(&v->idle), n;

	while (s != MM_LOWSET_NONE) {
		uint32_t first = aligned_from(v, s, align);
		if (first == s && (slices == 1 || (n = run_from(v, s, slices)) == slices))
			return s;
		s = mm_lowset_from(&v->idle, first == s ? s + n + 1 : first);
	}
	return MM_LOWSET_NONE;
}

static void go_to(struct mm_vspace *v, uint32_t frontier)
{
	uint64_t maps = (uint64_t)frontier * (sizeof *v->owner + 2) + frontier / 4;
	uint64_t pages = (maps + MM_META_PAGE - 1) / MM_META_PAGE * MM_META_PAGE;

	if (pages > v->map_bytes) {
		mm_meta_commit(v->meta, pages - v->map_bytes);
		v->map_bytes = pages;
	}
	v->frontier = frontier;
}

/* By its protection, so that what was said of the whole range (nodes, locked) holds. */
static int open_to(struct mm_vspace *v, uint64_t bytes)
{
	void *at = (void *)(uintptr_t)(v->base + v->opened);

	if (mprotect(at, bytes - v->opened, PROT_READ | PROT_WRITE) != 0)
		return MM_ENOSPC;
	v->opened = bytes;
	return MM_OK;
}

/* Ahead of what is asked for, so that the system is seldom asked, unless it refuses that. */
static int open_ahead(struct mm_vspace *v, uint64_t least)
{
	uint64_t step = v->opened / OPEN_SHARE > OPEN_LEAST ? v->opened / OPEN_SHARE : OPEN_LEAST;
	uint64_t most = v->opened + step > least ? v->opened + step : least;

	if (v->o.simulated || least <= v->opened)
		return MM_OK;
	most = ((v->base + most + OPEN_LEAST - 1) & ~(uint64_t)(OPEN_LEAST - 1)) - v->base;
	if (open_to(v, most < v->bytes ? most : v->bytes) == MM_OK)
		return MM_OK;
	return open_to(v, least);
}

static int advance(struct mm_vspace *v, uint32_t frontier)
{
	int err = open_maps(v, frontier);

	if (!err)
		err = open_ahead(v, (uint64_t)frontier << MM_SLICE_SHIFT);
	if (!err)
		go_to(v, frontier);
	return err;
}

/* Slices that were never used; those left out to be aligned are idle. */
static uint32_t take_new(struct mm_vspace *v, uint32_t slices, uint32_t align)
{
	uint32_t first = aligned_from(v, v->frontier, align), idle = v->frontier;

	if (first < v->frontier || first > v->slices || slices > v->slices - first)
		return MM_LOWSET_NONE;
	if (advance(v, first + slices) != MM_OK)
		return MM_LOWSET_NONE;
	for (; idle < first; idle++)
		mm_lowset_add(&v->idle, idle);
	return first;
}

int mm_vspace_take_fresh(struct mm_vspace *v, uint32_t slices, uint32_t align, uint64_t bytes,
			 uint32_t owner, uint64_t *ret_addr, int *ret_fresh)
{
	uint64_t had = 0, rest = 0;

	mm_lock_take(&v->lock);
	uint32_t first = find_run(v, slices, align);
	if (first == MM_LOWSET_NONE)
		first = take_new(v, slices, align);
	if (first != MM_LOWSET_NONE) {
		for (uint32_t s = first; s < first + slices; s++) {
			mm_lowset_remove(&v->idle, s);
			cool_down(v, s);
			had += v->have[s];
			use_pages(v, s, pages_in(v, bytes, (uint64_t)(s - first) << MM_SLICE_SHIFT));
			atomic_store_explicit(&v->owner[s], owner, memory_order_relaxed);
		}
		forget(v, (uint64_t)slices << MM_SLICE_SHIFT);
		if (bytes)
			rest = keep_rest_low(v, first + slices - 1);
		*ret_addr = v->base + ((uint64_t)first << MM_SLICE_SHIFT);
		rise(v);
	}
	mm_lock_give(&v->lock);
	if (rest)
		give_to_system(v, first + slices - 1,
			       (uint64_t)pages_in(v, bytes, (uint64_t)(slices - 1) << MM_SLICE_SHIFT) *
			       page_of(v), rest);
	*ret_fresh = had == 0;
	return first == MM_LOWSET_NONE ? MM_ENOSPC : MM_OK;
}

static int is_free_run(const struct mm_vspace *v, uint32_t first, uint32_t slices)
{
	if (first > v->slices || slices > v->slices - first)
		return 0;
	for (uint32_t s = first; s < first + slices && s < v->frontier; s++)
		if (!mm_lowset_has(&v->idle, s))
			return 0;
	return 1;
}

int mm_vspace_extend(struct mm_vspace *v, uint64_t addr, uint32_t slices, uint32_t more,
		     int only_new)
{
	uint32_t from = (uint32_t)((addr - v->base) >> MM_SLICE_SHIFT), first = from + slices;

	mm_lock_take(&v->lock);
	int fits = is_free_run(v, first, more) &&
		   (!only_new || (first == v->frontier && first + more < v->slices / 2));
	if (fits && first + more > v->frontier)
		fits = advance(v, first + more) == MM_OK;
	for (uint32_t s = first; fits && s < first + more; s++) {
		mm_lowset_remove(&v->idle, s);
		cool_down(v, s);
		atomic_store_explicit(&v->owner[s], atomic_load_explicit(&v->owner[from],
				      memory_order_relaxed), memory_order_relaxed);
	}
	mm_lock_give(&v->lock);
	return fits ? MM_OK : MM_ENOSPC;
}

void mm_vspace_mark(struct mm_vspace *v, uint64_t addr, uint32_t slices, uint32_t mark)
{
	uint64_t first = (addr - v->base) >> MM_SLICE_SHIFT;
	uint64_t word = (uint32_t)v->owner[first] | (uint64_t)mark << 32;

	for (uint64_t s = first; s < first + slices; s++)
		atomic_store_explicit(&v->owner[s], word, memory_order_relaxed);
}

int mm_vspace_take(struct mm_vspace *v, uint32_t slices, uint32_t align, uint64_t bytes,
		   uint32_t owner, uint64_t *ret_addr)
{
	int fresh;

	return mm_vspace_take_fresh(v, slices, align, bytes, owner, ret_addr, &fresh);
}

void mm_vspace_hold(struct mm_vspace *v)
{
	mm_lock_take(&v->lock);
	while (v->purging) { /* a child would never have those slices again */
		mm_lock_give(&v->lock);
		sched_yield();
		mm_lock_take(&v->lock);
	}
}

void mm_vspace_go_on(struct mm_vspace *v)
{
	mm_lock_give(&v->lock);
}

void mm_vspace_give(struct mm_vspace *v, uint64_t addr, uint32_t slices)
{
	uint32_t first = (uint32_t)((addr - v->base) >> MM_SLICE_SHIFT);

	mm_lock_take(&v->lock);
	for (uint32_t s = first; s < first + slices; s++) {
		atomic_store_explicit(&v->owner[s], 0, memory_order_relaxed);
		use_pages(v, s, 0);
		mm_lowset_add(&v->idle, s);
		warm_up(v, s);
	}
	purge(v, retain_limit(v));
	mm_lock_give(&v->lock);
}

int mm_vspace_resize(struct mm_vspace *v, uint64_t addr, uint32_t slices, uint64_t bytes)
{
	uint32_t first = (uint32_t)((addr - v->base) >> MM_SLICE_SHIFT);

	if (bytes > (uint64_t)slices << MM_SLICE_SHIFT)
		return MM_EINVAL;
	mm_lock_take(&v->lock);
	for (uint32_t s = first; s < first + slices; s++)
		use_pages(v, s, pages_in(v, bytes, (uint64_t)(s - first) << MM_SLICE_SHIFT));
	rise(v);
	mm_lock_give(&v->lock);
	return MM_OK;
}

uint64_t mm_vspace_adopt(struct mm_vspace *v, uint64_t addr, uint32_t slices)
{
	uint32_t s = (uint32_t)((addr - v->base) >> MM_SLICE_SHIFT), end = s + slices;
	uint64_t bytes = 0;
	int whole = 1;

	mm_lock_take(&v->lock);
	for (; whole && s < end; s++) {
		whole = v->have[s] * page_of(v) == MM_SLICE_BYTES;
		bytes += v->have[s] * page_of(v);
		use_pages(v, s, v->have[s]);
	}
	for (; s < end; s++)
		if (v->have[s])
			drop_pages(v, s, 1);
	mm_lock_give(&v->lock);
	return bytes;
}

void mm_vspace_trim(struct mm_vspace *v, uint64_t addr, uint32_t slices)
{
	mm_lock_take(&v->lock);
	drop_pages(v, (uint32_t)((addr - v->base) >> MM_SLICE_SHIFT), slices);
	mm_lock_give(&v->lock);
}

void mm_vspace_purge(struct mm_vspace *v, uint64_t bytes)
{
	mm_lock_take(&v->lock);
	purge(v, bytes);
	mm_lock_give(&v->lock);
}

void mm_vspace_sums(struct mm_vspace *v, uint64_t *ret_used, uint64_t *ret_retained)
{
	mm_lock_take(&v->lock);
	*ret_used = v->used_bytes;
	*ret_retained = v->retained_bytes;
	mm_lock_give(&v->lock);
}

int mm_vspace_check(struct mm_vspace *v)
{
	uint64_t used = 0, retained = 0, warm = 0;

	for (uint32_t s = 0; s < v->frontier; s++) {
		int idle = mm_lowset_has(&v->idle, s);
		used += v->used[s] * page_of(v);
		retained += (uint64_t)(v->have[s] - v->used[s]) * page_of(v);
		if (v->used[s] > v->have[s])
			return 1;
		if (idle != (atomic_load(&v->owner[s]) == 0) || (idle && v->used[s]))
			return 2;
		if (mm_lowset_has(&v->warm, s) != (idle && v->have[s] != 0))
			return 3;
		warm += idle ? v->have[s] * page_of(v) : 0;
	}
	return used != v->used_bytes || retained != v->retained_bytes || warm != v->warm_bytes ? 4 : 0;
}
