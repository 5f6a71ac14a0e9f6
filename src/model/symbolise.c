/* symbolise.c: gathers a trace's addresses and writes what they are called
 * (symbolise.h). */
#include "model/symbolise.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/error.h"

enum {
	FIRST_ROUND = 512, /* addresses; each round takes twice as many */
	NAMES_LEAST_MS = 30,
	AMPLE_MS = 50      /* time in which any module is opened, which then may take longer */
};

/* One address of one module of one process. */
struct place {
	uint64_t address, use;
	uint32_t process, module, next; /* next with this address; 0 = none, else + 1 */
	uint8_t done;
	uint8_t named; /* in the trace, without a line */
};

struct places { struct place *list; size_t count, cap; };

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int is_past(uint64_t deadline_ns)
{
	return deadline_ns && now_ns() >= deadline_ns;
}

/* --- gathering ------------------------------------------------------------------- */

/* Allocations at each site of a process; those below it are added by sum_up. */
static int read_uses(struct mm_reader *r, uint32_t process, uint64_t *uses, uint32_t sites,
		     uint64_t deadline_ns)
{
	struct mm_digest d;

	for (uint32_t i = 0; i < mm_reader_chunks(r, process) && !is_past(deadline_ns); i++) {
		int err = mm_reader_digest(r, process, i, &d);
		if (err == MM_ENOMEM)
			return err;
		if (err)
			continue;
		for (size_t k = 0; k < d.site_count; k++)
			if (d.sites[k].site < sites)
				uses[d.sites[k].site] += d.sites[k].allocs;
		mm_digest_deinit(&d);
	}
	return MM_OK;
}

/* Parents come before their children. */
static void sum_up(const struct mm_reader *r, uint32_t process, uint64_t *uses, uint32_t sites)
{
	for (uint32_t i = sites; i-- > 1;) {
		uint32_t parent = mm_reader_site(r, process, i)->parent;
		if (parent < i)
			uses[parent] += uses[i];
	}
}

static int place_use(struct places *p, struct mm_map *by_address, uint32_t process,
		     const struct mm_site *site, uint64_t use)
{
	uint64_t key = site->value ? site->value : UINT64_MAX;
	struct mm_map_place *known = mm_map_find(by_address, key);
	uint32_t newest = known ? known->value : 0;

	for (uint32_t i = newest; i; i = p->list[i - 1].next)
		if (p->list[i - 1].module == site->module) {
			p->list[i - 1].use += use;
			return MM_OK;
		}
	if (p->count >= UINT32_MAX - 1 || MM_GROW(p->list, p->cap, p->count + 1))
		return MM_ENOMEM;
	p->list[p->count++] = (struct place){ .address = site->value, .use = use,
		.process = process, .module = site->module, .next = newest };
	return mm_map_set(by_address, key, (uint32_t)p->count);
}

static int gather_process(struct places *p, struct mm_reader *r, uint32_t process,
			  int with_uses, uint64_t deadline_ns)
{
	uint32_t sites = mm_reader_sites(r, process);
	uint64_t *uses = calloc((size_t)sites + 1, sizeof *uses);
	struct mm_map by_address = { 0 };
	int err = !uses ? MM_ENOMEM
		: with_uses ? read_uses(r, process, uses, sites, deadline_ns) : MM_OK;

	if (!err && with_uses)
		sum_up(r, process, uses, sites);
	for (uint32_t i = 1; i < sites && !err; i++) {
		const struct mm_site *site = mm_reader_site(r, process, i);
		if (site->kind == MM_SITE_FRAME && site->module &&
		    site->module < mm_reader_modules(r, process))
			err = place_use(p, &by_address, process, site, uses[i]);
	}
	mm_map_deinit(&by_address);
	free(uses);
	return err;
}

static int use_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->use != y->use)
		return x->use > y->use ? -1 : 1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static int module_order(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static int has_line(const struct mm_frame *frames, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (frames[i].line)
			return 1;
	return 0;
}

/* Without uses their order means nothing. */
static int gather(struct places *p, struct mm_reader *r, int with_uses, uint64_t deadline_ns,
		  struct mm_symbolise_result *result)
{
	const struct mm_frame *frames;
	size_t count, kept = 0;
	int err = MM_OK;

	for (uint32_t i = 0; i < mm_reader_processes(r) && !err; i++)
		err = gather_process(p, r, i, with_uses, deadline_ns);
	if (err)
		return err;
	result->addresses = p->count;
	for (size_t i = 0; i < p->count; i++) {
		struct place at = p->list[i];
		int found = mm_reader_symbol(r, at.process, at.module, at.address, &frames,
						 &count);
		if (found == MM_OK && has_line(frames, count))
			continue;
		at.named = found == MM_OK && count > 0;
		p->list[kept++] = at;
	}
	result->kept = p->count - kept;
	p->count = kept;
	if (kept)
		qsort(p->list, kept, sizeof *p->list, use_order);
	return MM_OK;
}

/* --- resolving -------------------------------------------------------------------- */

static int is_known(const struct mm_frame *frames, size_t count)
{
	return count > 1 || (count == 1 && (*frames[0].function || frames[0].line));
}

static int write_place(struct mm_writer *w, struct mm_symbols *symbols,
		       const struct mm_module *m, struct place *at,
		       struct mm_symbolise_result *result)
{
	const struct mm_frame *frames;
	size_t count;
	int err = mm_symbols_frames(symbols, m, at->address, &frames, &count);

	if (err)
		return err;
	at->done = 1;
	if (at->named && !has_line(frames, count)) { /* no better than what is there */
		result->kept++;
		return MM_OK;
	}
	if (!is_known(frames, count)) {
		result->unknown++;
		return MM_OK;
	}
	result->added++;
	return mm_writer_symbol(w, at->process, at->module, at->address, frames, count);
}

/* Addresses of one module of one process. MM_EAGAIN when the deadline came. */
static int resolve_module(struct mm_writer *w, struct mm_reader *r, struct mm_symbols *symbols,
			  struct place *list, size_t count, uint64_t deadline_ns,
			  struct mm_symbolise_result *result)
{
	const struct mm_module *m = mm_reader_module(r, list->process, list->module);
	uint64_t *addresses = malloc(count * sizeof *addresses);

	if (!addresses)
		return MM_ENOMEM;
	for (size_t i = 0; i < count; i++)
		addresses[i] = list[i].address;
	int err = mm_symbols_prepare(symbols, m, addresses, count, deadline_ns);
	free(addresses);
	if (err && err != MM_EAGAIN)
		return err;
	for (size_t i = 0; i < count; i++) {
		if (err == MM_EAGAIN && !mm_symbols_is_ready(symbols, m, list[i].address))
			continue;
		int failed = write_place(w, symbols, m, &list[i], result);
		if (failed)
			return failed;
	}
	return err;
}

static int resolve_round(struct mm_writer *w, struct mm_reader *r, struct mm_symbols *symbols,
			 struct place *list, size_t count, uint64_t deadline_ns,
			 struct mm_symbolise_result *result)
{
	int err = MM_OK;

	qsort(list, count, sizeof *list, module_order);
	for (size_t first = 0, end; first < count && !err; first = end) {
		for (end = first + 1; end < count && list[end].module == list[first].module &&
				      list[end].process == list[first].process; end++)
			;
		err = resolve_module(w, r, symbols, list + first, end - first, deadline_ns,
				     result);
		/* Too much debug information for the time left is no reason to stop. */
		if (err == MM_EAGAIN && !is_past(deadline_ns))
			err = MM_OK;
	}
	return err;
}

/* Rounds, the most used first; places that were written are marked. Passing the deadline
 * ends it without an error. */
static int resolve_places(struct mm_writer *w, struct mm_reader *r, struct mm_symbols *symbols,
			  struct places *p, uint64_t deadline_ns, struct mm_progress *progress,
			  struct mm_symbolise_result *counts)
{
	size_t round = deadline_ns ? FIRST_ROUND : p->count;
	int err = MM_OK;

	for (size_t first = 0; first < p->count && !err; first += round, round *= 2) {
		if (round > p->count - first)
			round = p->count - first;
		if (progress)
			mm_progress_step(progress, first, p->count);
		err = is_past(deadline_ns) ? MM_EAGAIN :
			resolve_round(w, r, symbols, p->list + first, round, deadline_ns, counts);
	}
	return err == MM_EAGAIN ? MM_OK : err;
}

static void drop_done(struct places *p)
{
	size_t left = 0;

	for (size_t i = 0; i < p->count; i++)
		if (!p->list[i].done)
			p->list[left++] = p->list[i];
	p->count = left;
}

int mm_symbolise(struct mm_writer *w, struct mm_reader *r, struct mm_symbols *symbols,
		 uint64_t deadline_ns, struct mm_progress *progress,
		 struct mm_symbolise_result *result)
{
	struct mm_symbolise_result counts = { 0 };
	struct places p = { 0 };
	int err = gather(&p, r, 1, deadline_ns, &counts);

	if (!err)
		err = resolve_places(w, r, symbols, &p, deadline_ns, progress, &counts);
	drop_done(&p);
	counts.left = p.count;
	free(p.list);
	if (result)
		*result = counts;
	return err;
}

/* --- the end of a recording -------------------------------------------------------- */

/* Symbols that were made before, or new ones. */
static int symbols_of(struct mm_symbols **symbols, int names_only)
{
	struct mm_symbol_options options = { .no_debug = names_only };

	return *symbols ? MM_OK : mm_symbols_create(symbols, &options);
}

static int resolve_names(struct mm_writer *w, struct mm_reader *r, struct places *p,
			 struct mm_symbols *symbols, uint64_t deadline_ns,
			 struct mm_symbolise_result *counts)
{
	int err = symbols_of(&symbols, 1);

	if (!err) {
		err = resolve_places(w, r, symbols, p, deadline_ns, NULL, counts);
		mm_symbols_destroy(symbols);
	}
	return err;
}

/* Lines take time, and one unit of debug information may take more than there was: half
 * of it is theirs; then come the bare names of what is left, all that another machine
 * will know, and those get NAMES_LEAST_MS even where the time is over. */
static int resolve_in_time(struct mm_writer *w, struct mm_reader *r, struct places *p,
			   struct mm_symbols *symbols, uint64_t deadline_ns,
			   struct mm_symbolise_result *counts)
{
	uint64_t start = now_ns(), budget = deadline_ns > start ? deadline_ns - start : 0;
	int err = symbols_of(&symbols, 0);

	if (err)
		return err;
	if (deadline_ns && budget / 2 < AMPLE_MS * UINT64_C(1000000))
		mm_symbols_debug_bound(symbols, budget / 2 / MM_SYMBOLS_NS_A_BYTE + 1);
	err = resolve_places(w, r, symbols, p, deadline_ns ? start + budget / 2 : 0, NULL, counts);
	mm_symbols_destroy(symbols);
	drop_done(p);
	if (err || !p->count)
		return err;
	uint64_t least = now_ns() + NAMES_LEAST_MS * UINT64_C(1000000);
	return resolve_names(w, r, p, NULL, least > deadline_ns ? least : deadline_ns, counts);
}

/* What can be written at once comes first; how much cannot? */
static size_t ready_first(struct places *p, const struct mm_reader *r, struct mm_symbols *symbols)
{
	size_t left = 0;

	for (size_t i = 0; i < p->count; i++) {
		struct place *at = &p->list[i];
		const struct mm_module *m = mm_reader_module(r, at->process, at->module);
		at->use = mm_symbols_is_ready(symbols, m, at->address) != 0;
		left += !at->use;
	}
	if (p->count)
		qsort(p->list, p->count, sizeof *p->list, use_order);
	return left;
}

/* Uses stand in the digests of all chunks. They say which round a place comes in: where nearly
 * all was looked up ahead, the rest is one round. */
static int gather_in_time(struct places *p, struct mm_reader *r, struct mm_symbols *symbols,
			  uint64_t deadline_ns, struct mm_symbolise_result *counts)
{
	int err = symbols ? gather(p, r, 0, deadline_ns, counts) : MM_OK;

	if (err || (symbols && ready_first(p, r, symbols) <= FIRST_ROUND))
		return err;
	free(p->list);
	*p = (struct places){ 0 };
	return gather(p, r, 1, deadline_ns, counts);
}

static int resolve_in_mode(struct mm_writer *w, struct mm_reader *r, int mode,
			   struct mm_symbols *symbols, uint64_t deadline_ns)
{
	struct mm_symbolise_result counts = { 0 };
	struct places p = { 0 };
	int err = gather_in_time(&p, r, symbols, deadline_ns, &counts);

	if (err)
		mm_symbols_destroy(symbols);
	else if (mode == MM_SYMBOLISE_NAMES)
		err = resolve_names(w, r, &p, symbols, deadline_ns, &counts);
	else
		err = resolve_in_time(w, r, &p, symbols, deadline_ns, &counts);
	free(p.list);
	return err;
}

int mm_symbolise_writer(struct mm_writer *w, const char *path, int mode,
			struct mm_symbols *symbols, uint64_t deadline_ns, struct mm_diag *d)
{
	struct mm_reader *r;
	int skip = mode == MM_SYMBOLISE_NONE || strcmp(path, "-") == 0;
	int err = skip ? MM_OK : mm_reader_open(&r, path, d);

	if (skip || err) {
		mm_symbols_destroy(symbols);
		return err;
	}
	err = resolve_in_mode(w, r, mode, symbols, deadline_ns);
	mm_reader_close(r);
	return err ? mm_fail(d, err, "%s: cannot keep symbols: %s", path, mm_strerror(err)) : MM_OK;
}
