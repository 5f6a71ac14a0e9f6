/* symbol.c: the modules of a trace and their answers (symbol.h). */
#include "symbol/symbol.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "core/error.h"
#include "symbol/symmodule.h"

enum { DEFAULT_OPEN_MIB = 512, CACHE_FOLDER_MIB = 512 };

struct mm_symbols {
	struct mm_symcontext context;
	struct mm_symmodule **modules;
	size_t count, cap;
	struct mm_symmodule *last; /* of the call before */
	uint64_t uses;
};

int mm_symbols_create(struct mm_symbols **ret, const struct mm_symbol_options *options)
{
	struct mm_symbols *s = calloc(1, sizeof *s);

	if (!s)
		return MM_ENOMEM;
	if (options)
		s->context.options = *options;
	if (!s->context.options.max_bytes)
		s->context.options.max_bytes = (uint64_t)DEFAULT_OPEN_MIB << 20;
	if (options && options->sysroot &&
	    !(s->context.options.sysroot =
	      mm_symstrings_keep(&s->context.strings, options->sysroot))) {
		free(s);
		return MM_ENOMEM;
	}
	*ret = s;
	return MM_OK;
}

void mm_symbols_destroy(struct mm_symbols *s)
{
	int wrote = 0;

	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++) {
		wrote |= s->modules[i]->fresh != 0;
		mm_symmodule_save(s->modules[i], &s->context);
		mm_symmodule_deinit(s->modules[i]);
		free(s->modules[i]);
	}
	if (wrote && !s->context.options.no_cache)
		mm_symcache_trim((uint64_t)CACHE_FOLDER_MIB << 20);
	free(s->modules);
	mm_symstrings_deinit(&s->context.strings);
	free(s);
}

static int is_same(const struct mm_symmodule *have, const struct mm_module *m)
{
	return have->build_id_len == m->build_id_len &&
	       memcmp(have->build_id, m->build_id, m->build_id_len) == 0 &&
	       strcmp(have->path, m->path) == 0;
}

static int module_add(struct mm_symbols *s, const struct mm_module *m,
		      struct mm_symmodule **ret)
{
	struct mm_symmodule *fresh = calloc(1, sizeof *fresh);

	if (!fresh)
		return MM_ENOMEM;
	fresh->path = mm_symstrings_keep(&s->context.strings, m->path);
	if (!fresh->path || MM_GROW(s->modules, s->cap, s->count + 1)) {
		free(fresh);
		return MM_ENOMEM;
	}
	fresh->build_id_len = m->build_id_len;
	memcpy(fresh->build_id, m->build_id, m->build_id_len);
	s->modules[s->count++] = fresh;
	*ret = fresh;
	return MM_OK;
}

static int module_find(struct mm_symbols *s, const struct mm_module *m,
		       struct mm_symmodule **ret)
{
	int err = MM_OK;

	if (m->build_id_len > MM_BUILD_ID_MAX)
		return MM_EINVAL;
	if (!s->last || !is_same(s->last, m)) {
		struct mm_symmodule *found = NULL;
		for (size_t i = 0; i < s->count && !found; i++)
			if (is_same(s->modules[i], m))
				found = s->modules[i];
		if (!found)
			err = module_add(s, m, &found);
		if (!err)
			s->last = found;
	}
	if (!err) {
		s->last->last_use = ++s->uses;
		*ret = s->last;
	}
	return err;
}

void mm_symbols_debug_bound(struct mm_symbols *s, uint64_t bytes)
{
	s->context.options.most_debug_bytes = bytes;
	if (!bytes)
		s->context.options.max_bytes = (uint64_t)DEFAULT_OPEN_MIB << 20;
	for (size_t i = 0; i < s->count; i++)
		s->modules[i]->too_much = 0;
}

/* Closes the files used longest ago until the open ones fit the bound; never those
 * of `keep`. */
static void files_bound(struct mm_symbols *s, const struct mm_symmodule *keep)
{
	for (;;) {
		struct mm_symmodule *oldest = NULL;
		uint64_t sum = 0;
		for (size_t i = 0; i < s->count; i++) {
			struct mm_symmodule *m = s->modules[i];
			sum += m->open_bytes;
			if (m != keep && m->open_bytes &&
			    (!oldest || m->last_use < oldest->last_use))
				oldest = m;
		}
		if (!oldest || sum <= s->context.options.max_bytes)
			return;
		mm_symmodule_close_files(oldest);
	}
}

static int answer_find(struct mm_symbols *s, struct mm_symmodule *m, uint64_t address,
		       const struct mm_symcache_entry **ret)
{
	int was_open = m->opened;
	int err = mm_symmodule_find(m, &s->context, address, ret);

	if (m->opened && !was_open)
		files_bound(s, m);
	return err;
}

/* A return address belongs to the call before it. */
static uint64_t call_address(const struct mm_module *m, uint64_t address)
{
	return address - m->bias - 1;
}

int mm_symbols_frames(struct mm_symbols *s, const struct mm_module *module, uint64_t address,
		      const struct mm_frame **ret, size_t *ret_count)
{
	static const struct mm_frame unknown = { .function = "", .file = "" };
	const struct mm_symcache_entry *e;
	struct mm_symmodule *m;
	int err = module_find(s, module, &m);

	if (err == MM_EINVAL || address - module->bias == 0) {
		*ret = &unknown;
		*ret_count = 1;
		return MM_OK;
	}
	if (!err)
		err = answer_find(s, m, call_address(module, address), &e);
	if (err)
		return err;
	*ret = e->frames;
	*ret_count = e->count;
	return MM_OK;
}

int mm_symbols_is_ready(struct mm_symbols *s, const struct mm_module *module, uint64_t address)
{
	struct mm_symmodule *m;

	return module_find(s, module, &m) == MM_OK &&
	       mm_symmodule_knows(m, call_address(module, address));
}

static int past(uint64_t deadline_ns)
{
	struct timespec now;

	if (!deadline_ns)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec >= deadline_ns;
}

static int number_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* In ascending order, so that a unit of debug information is read once. */
static int prepare_sorted(struct mm_symbols *s, struct mm_symmodule *m, uint64_t *pending,
			  size_t count, uint64_t deadline_ns)
{
	const struct mm_symcache_entry *e;
	int err = MM_OK;

	qsort(pending, count, sizeof *pending, number_order);
	s->context.deadline_ns = deadline_ns;
	for (size_t i = 0; i < count && !err; i++)
		err = past(deadline_ns) ? MM_EAGAIN : answer_find(s, m, pending[i], &e);
	s->context.deadline_ns = 0;
	return err;
}

int mm_symbols_prepare(struct mm_symbols *s, const struct mm_module *module,
		       const uint64_t *addresses, size_t count, uint64_t deadline_ns)
{
	struct mm_symmodule *m;
	int err = module_find(s, module, &m);
	size_t pending_count = 0;

	if (err)
		return err == MM_EINVAL ? MM_OK : err;
	uint64_t *pending = malloc((count ? count : 1) * sizeof *pending);
	if (!pending)
		return MM_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		uint64_t at = call_address(module, addresses[i]);
		if (at != UINT64_MAX && !mm_symmodule_knows(m, at))
			pending[pending_count++] = at;
	}
	err = prepare_sorted(s, m, pending, pending_count, deadline_ns);
	free(pending);
	return err;
}
