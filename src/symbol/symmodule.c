/* symmodule.c: finds a module's files and asks them (symmodule.h). */
#include "symbol/symmodule.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "core/error.h"
#include "symbol/symfind.h"
#include "symbol/symmini.h"

/* The bound is that of a recording under way: files may change, and nothing of ours may end
 * with them. */
static int is_beside_a_run(const struct mm_symcontext *c)
{
	return c->options.most_debug_bytes != 0;
}

static void find_init(struct mm_symfind *f, const struct mm_symmodule *m,
		      const struct mm_symcontext *c)
{
	*f = (struct mm_symfind){
		.sysroot = c->options.sysroot, .path = m->path,
		.build_id = m->build_id, .build_id_len = m->build_id_len,
		.copied = is_beside_a_run(c),
	};
	if (!m->build_id_len && m->main && m->main->build_id_len) {
		f->build_id = m->main->build_id;
		f->build_id_len = m->main->build_id_len;
	}
}

static int is_vdso(const char *path)
{
	return strcmp(path, "linux-vdso.so.1") == 0 || strcmp(path, "[vdso]") == 0;
}

/* The file at the module's path, if it is still the one that was mapped. */
static void main_open(struct mm_symmodule *m, const struct mm_symcontext *c)
{
	char path[PATH_MAX];
	struct mm_symelf *e;
	int n = snprintf(path, sizeof path, "%s%s", c->options.sysroot ? c->options.sysroot : "",
			 m->path);

	if (!*m->path || n < 0 || (size_t)n >= sizeof path)
		return;
	if (is_vdso(m->path) ? mm_symelf_vdso(&e) :
	    is_beside_a_run(c) ? mm_symelf_open_copy(&e, path) : mm_symelf_open(&e, path))
		return;
	if (m->build_id_len && !mm_symelf_is(e, m->build_id, m->build_id_len))
		mm_symelf_close(e);
	else
		m->main = e;
}

static void debug_open(struct mm_symmodule *m, struct mm_symcontext *c, struct mm_symfind *f)
{
	if (m->main && mm_symelf_has_dwarf(m->main)) {
		m->debug = m->main;
		return;
	}
	if (mm_symfind_open(&m->debug, f) == MM_OK || !c->options.debuginfod)
		return;
	int err = mm_symfind_ask_server(&m->debug, f, c->deadline_ns);
	m->asked_server = err != MM_EAGAIN;
}

/* The fullest symbol table there is: that of the program, of its debug file, then what
 * was left in a stripped file. */
static int table_open(struct mm_symmodule *m)
{
	unsigned kind = 0;
	int err = MM_OK;

	if (m->debug && m->debug != m->main)
		err = mm_symtab_read(&m->table, m->debug->elf, &kind);
	if (!err && m->main && kind != SHT_SYMTAB) {
		err = mm_symtab_read(&m->table, m->main->elf, &kind);
		if (!err && kind != SHT_SYMTAB &&
		    mm_symmini_read(&m->table, m->main) == MM_ENOMEM)
			err = MM_ENOMEM;
	}
	mm_symtab_sort(&m->table);
	return err;
}

static uint64_t file_bytes(const struct mm_symelf *e)
{
	struct stat st;

	return e && e->fd >= 0 && fstat(e->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* More debug information than may be opened now, or some in a second file. */
static int is_too_much(const struct mm_symmodule *m, const struct mm_symcontext *c)
{
	uint64_t most = c->options.most_debug_bytes;

	return most && m->debug && !c->options.no_debug &&
	       (mm_symelf_debug_bytes(m->debug, most) > most ||
		mm_symelf_has_section(m->debug, ".gnu_debugaltlink"));
}

static int files_open(struct mm_symmodule *m, struct mm_symcontext *c)
{
	struct mm_symfind f;

	if (m->opened)
		return MM_OK;
	m->opened = 1;
	main_open(m, c);
	find_init(&f, m, c);
	if (m->main) {
		mm_symfind_read_link(&f, m->main);
		free(m->debuglink);
		m->debuglink = f.debuglink ? strdup(f.debuglink) : NULL;
	}
	debug_open(m, c, &f);
	m->believed = m->main || m->debug;
	m->open_bytes = file_bytes(m->main) + (m->debug != m->main ? file_bytes(m->debug) : 0);
	if (is_too_much(m, c)) {
		mm_symmodule_close_files(m);
		m->too_much = 1;
		return MM_EAGAIN;
	}
	if (table_open(m))
		return MM_ENOMEM;
	if (!m->debug || c->options.no_debug)
		return MM_OK;
	int err = mm_symdwarf_open(&m->dwarf, m->debug, &f, &c->strings);
	m->had_dwarf = !err;
	if (!err)
		m->open_bytes += mm_symdwarf_bytes(m->dwarf);
	return err == MM_ENOMEM ? err : MM_OK;
}

void mm_symmodule_close_files(struct mm_symmodule *m)
{
	mm_symdwarf_close(m->dwarf);
	mm_symtab_deinit(&m->table);
	if (m->debug != m->main)
		mm_symelf_close(m->debug);
	mm_symelf_close(m->main);
	m->dwarf = NULL;
	m->debug = m->main = NULL;
	m->opened = 0;
	m->open_bytes = 0;
}

void mm_symmodule_deinit(struct mm_symmodule *m)
{
	mm_symmodule_close_files(m);
	mm_map_deinit(&m->by_address);
	mm_symcache_free(m->cache);
	free(m->answers);
	free(m->debuglink);
}

/* The name that the symbol table gives, demangled; NULL when no symbol covers it. */
static int table_name(struct mm_symmodule *m, struct mm_symcontext *c, uint64_t address,
		      int only_mangled, const char **ret)
{
	const struct mm_symtab_entry *e = mm_symtab_find(&m->table, address);

	*ret = NULL;
	if (!e || (only_mangled && strncmp(e->name, "_Z", 2) && strncmp(e->name, "_R", 2)))
		return MM_OK;
	char *text = mm_demangle(e->name);
	*ret = text ? mm_symstrings_keep(&c->strings, text) : NULL;
	free(text);
	return *ret ? MM_OK : MM_ENOMEM;
}

static int files_ask(struct mm_symmodule *m, struct mm_symcontext *c, uint64_t address)
{
	struct mm_symdwarf_answer *a = &c->scratch;
	const char *name;

	a->count = 0;
	a->name_elsewhere = 1;
	int err = m->too_much ? MM_EAGAIN : files_open(m, c);
	if (!err && m->dwarf)
		err = mm_symdwarf_find(m->dwarf, address, a);
	if (err)
		return err;
	if (!a->count)
		a->frames[a->count++] = (struct mm_frame){ .function = "", .file = "" };
	struct mm_frame *outer = &a->frames[a->count - 1];
	if (!a->name_elsewhere)
		return MM_OK;
	if (table_name(m, c, address, *outer->function != 0, &name))
		return MM_ENOMEM;
	if (name)
		outer->function = name;
	return MM_OK;
}

static int answer_keep(struct mm_symmodule *m, struct mm_symcontext *c, uint64_t address,
		       const struct mm_frame *frames, size_t count)
{
	struct mm_frame *copy = mm_symstrings_room(&c->strings, count * sizeof *copy);

	if (!copy || MM_GROW(m->answers, m->cap, m->count + 1) ||
	    mm_map_set(&m->by_address, address + 1, (uint32_t)m->count))
		return MM_ENOMEM;
	memcpy(copy, frames, count * sizeof *copy);
	m->answers[m->count++] = (struct mm_symcache_entry){ address, copy, count };
	return MM_OK;
}

/* Debug information may have been installed since the cache was written. */
static int cache_is_stale(const struct mm_symmodule *m, const struct mm_symcontext *c)
{
	struct mm_symcache_facts facts;
	struct mm_symfind f;

	mm_symcache_get_facts(m->cache, &facts);
	if (facts.had_dwarf)
		return 0;
	const char *urls = getenv("DEBUGINFOD_URLS");
	if (c->options.debuginfod && !facts.asked_server && urls && *urls)
		return 1;
	find_init(&f, m, c);
	f.debuglink = facts.debuglink;
	return mm_symfind_exists(&f);
}

static struct mm_symcache_key cache_key(const struct mm_symmodule *m,
					const struct mm_symcontext *c)
{
	return (struct mm_symcache_key){ m->build_id, m->build_id_len, c->options.no_debug };
}

static void cache_open(struct mm_symmodule *m, const struct mm_symcontext *c)
{
	struct mm_symcache_key key = cache_key(m, c);

	m->cache_tried = 1;
	if (c->options.no_cache || c->options.sysroot || !m->build_id_len ||
	    mm_symcache_load(&m->cache, &key))
		return;
	if (cache_is_stale(m, c)) {
		mm_symcache_free(m->cache);
		m->cache = NULL;
	}
}

static int cache_ask(struct mm_symmodule *m, struct mm_symcontext *c, uint64_t address)
{
	struct mm_symcache_entry e;

	if (!m->cache_tried)
		cache_open(m, c);
	size_t at = m->cache ? mm_symcache_find(m->cache, address) : SIZE_MAX;
	if (at == SIZE_MAX)
		return MM_ENOENT;
	mm_symcache_get(m->cache, at, NULL, &e);
	struct mm_frame *room = mm_symstrings_room(&c->strings, e.count * sizeof *room);
	if (!room || MM_GROW(m->answers, m->cap, m->count + 1) ||
	    mm_map_set(&m->by_address, address + 1, (uint32_t)m->count))
		return MM_ENOMEM;
	mm_symcache_get(m->cache, at, room, &e);
	m->answers[m->count++] = e;
	return MM_OK;
}

int mm_symmodule_knows(const struct mm_symmodule *m, uint64_t address)
{
	return mm_map_find(&m->by_address, address + 1) != NULL;
}

int mm_symmodule_find(struct mm_symmodule *m, struct mm_symcontext *c, uint64_t address,
		      const struct mm_symcache_entry **ret)
{
	struct mm_map_place *place = mm_map_find(&m->by_address, address + 1);
	int err = MM_OK;

	if (!place) {
		err = cache_ask(m, c, address);
		if (err == MM_ENOENT) {
			err = files_ask(m, c, address);
			if (!err)
				err = answer_keep(m, c, address, c->scratch.frames,
						  c->scratch.count);
			m->fresh += !err;
		}
	}
	if (!err)
		*ret = &m->answers[place ? place->value : m->count - 1];
	return err;
}

void mm_symmodule_save(struct mm_symmodule *m, const struct mm_symcontext *c)
{
	struct mm_symcache_key key = cache_key(m, c);
	struct mm_symcache_facts facts = {
		.had_dwarf = (uint8_t)m->had_dwarf, .asked_server = (uint8_t)m->asked_server,
		.debuglink = m->debuglink,
	};

	if (!m->fresh || !m->believed || !m->build_id_len || c->options.no_cache ||
	    c->options.sysroot)
		return;
	if (mm_symcache_save(&key, &facts, m->answers, m->count) == MM_OK)
		m->fresh = 0;
}
