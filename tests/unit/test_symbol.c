/* test_symbol.c: names, symbol tables, modules and the cache of answers.
 *
 * Functions of this very program are looked up; scripts compare whole programs with
 * other tools (tests/e2e/symbol_*.sh).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "symbol/symbol.h"
#include "symbol/symcache.h"
#include "symbol/symcache_file.h"
#include "symbol/symelf.h"
#include "symbol/symline.h"
#include "symbol/symstrings.h"
#include "symbol/symtab.h"

/* --- names -------------------------------------------------------------------- */

static void names_are_demangled(void **state)
{
	static const struct { const char *mangled, *text; } cases[] = {
		{ "malloc", "malloc" }, { "", "" }, { "_Z", "_Z" }, { "_Zxyz", "_Zxyz" },
		{ "_Z3fooi", "foo(int)" },
		{ "_ZN3svo4Tree6insertIiEEvT_", "svo::Tree::insert<int>(int)" },
		{ "_ZNK3abcclEv", "abc::operator()() const" },
		{ "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad" },
		{ "_RNvCsabcde_7mycrate4main", "mycrate::main" },
		{ "_RNvMs_NtCs1234_7mycrate3fooNtB4_3Foo3new", "<mycrate::foo::Foo>::new" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text = mm_demangle(cases[i].mangled);
		assert_string_equal(text, cases[i].text);
		free(text);
	}
}

/* Each must come back, with memory and stack to spare: most as they were. */
static void hostile_names_are_bounded(void **state)
{
	static char name[200000];
	char *text;

	(void)state;
	for (size_t len = 900; len < sizeof name; len *= 3) {
		memset(name, 'P', len);
		memcpy(name, "_Z1f", 4);
		name[len] = 0;
		assert_non_null(text = mm_demangle(name));
		free(text);
	}
	/* each S_ doubles what is printed */
	strcpy(name, "_Z1fP");
	for (int i = 0; i < 200; i++)
		strcat(name, "FS_S_E");
	assert_non_null(text = mm_demangle(name));
	free(text);
	strcpy(name, "_Z1fI1AIiiE");
	for (int i = 0; i < 60; i++)
		strcat(name, "1AIS0_S0_E");
	strcat(name, "Evv");
	assert_non_null(text = mm_demangle(name));
	assert_true(strlen(text) < 300000);
	free(text);
}

static void long_names_are_demangled(void **state)
{
	static char name[30000];

	(void)state;
	strcpy(name, "_Z1fI");
	for (int i = 0; i < 100; i++)
		strcat(name, "28a_name_of_28_characters_long");
	strcat(name, "Evv");
	char *text = mm_demangle(name);
	assert_memory_equal(text, "f<a_name_of_28_characters_long, a_name", 38);
	assert_string_equal(text + strlen(text) - 2, "()");
	free(text);
}

static void texts_are_kept_once(void **state)
{
	struct mm_symstrings s = { 0 };
	char text[20];

	(void)state;
	const char *first = mm_symstrings_keep(&s, "text 7");
	for (int i = 0; i < 5000; i++) {
		snprintf(text, sizeof text, "text %d", i);
		assert_string_equal(mm_symstrings_keep(&s, text), text);
	}
	assert_ptr_equal(mm_symstrings_keep(&s, "text 7"), first);
	assert_int_equal(s.count, 5000);
	mm_symstrings_deinit(&s);
}

/* --- symbol tables -------------------------------------------------------------- */

static void symbols_must_cover(void **state)
{
	struct mm_symtab t = { 0 };

	(void)state;
	assert_null(mm_symtab_find(&t, 5));
	mm_symtab_add(&t, 100, 50, "outer", 0);
	mm_symtab_add(&t, 120, 10, "inner", 0);
	mm_symtab_add(&t, 200, 10, "_alias", 4);
	mm_symtab_add(&t, 200, 10, "alias", 4);
	mm_symtab_add(&t, 200, 10, "best", 8);
	mm_symtab_add(&t, UINT64_MAX - 5, 100, "last", 0);
	mm_symtab_sort(&t);
	assert_null(mm_symtab_find(&t, 99));
	assert_string_equal(mm_symtab_find(&t, 100)->name, "outer");
	assert_string_equal(mm_symtab_find(&t, 125)->name, "inner");
	assert_string_equal(mm_symtab_find(&t, 130)->name, "outer");
	assert_string_equal(mm_symtab_find(&t, 149)->name, "outer");
	assert_null(mm_symtab_find(&t, 150));
	assert_string_equal(mm_symtab_find(&t, 205)->name, "best");
	assert_string_equal(mm_symtab_find(&t, UINT64_MAX - 1)->name, "last");
	mm_symtab_deinit(&t);
}

/* --- files of line tables --------------------------------------------------------- */

static void paths_are_joined_and_tidied(void **state)
{
	static const struct { const char *unit, *folder, *name, *path; } cases[] = {
		{ "/w", "", "a.c", "/w/a.c" }, { "/w", "src", "a.c", "/w/src/a.c" },
		{ "/w/build", "../src", "a.c", "/w/src/a.c" },
		{ "/w", "/usr/include", "s.h", "/usr/include/s.h" },
		{ "/w", "src", "/abs/a.c", "/abs/a.c" }, { "/w", "..", "../../a.c", "/a.c" },
		{ "/w/./x//y", "./", "./a.c", "/w/x/y/a.c" },
		{ "./libio", "./libio", "a.c", "libio/a.c" },
		{ "./libio", "../sysdeps", "a.h", "sysdeps/a.h" },
		{ ".", "../up", "a.h", "../up/a.h" }, { NULL, "../..", "a.h", "../../a.h" },
		{ NULL, "", "a.c", "a.c" }, { "/w", "x..", "...c", "/w/x../...c" },
	};
	struct mm_symstrings strings = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *folders[] = { cases[i].folder };
		struct mm_symline_file file = { .name = cases[i].name };
		struct mm_symline l = {
			.files = &file, .file_count = 1, .folders = folders, .folder_count = 1,
			.unit_folder = cases[i].unit,
		};
		assert_string_equal(mm_symline_path(&l, &strings, 0), cases[i].path);
		assert_string_equal(mm_symline_path(&l, &strings, 1), "");
	}
	mm_symstrings_deinit(&strings);
}

/* --- this program ------------------------------------------------------------------ */

struct self { struct mm_module module; char path[4096]; };

static int take_first(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct mm_module *m = arg;

	(void)size;
	m->bias = info->dlpi_addr;
	return 1;
}

static void self_module(struct self *s)
{
	struct mm_symelf *e;
	ssize_t n = readlink("/proc/self/exe", s->path, sizeof s->path - 1);

	assert_true(n > 0);
	s->path[n] = 0;
	memset(&s->module, 0, sizeof s->module);
	s->module.path = s->path;
	dl_iterate_phdr(take_first, &s->module);
	assert_int_equal(mm_symelf_open(&e, s->path), 0);
	memcpy(s->module.build_id, e->build_id, e->build_id_len);
	s->module.build_id_len = e->build_id_len;
	mm_symelf_close(e);
}

__attribute__((noinline)) static uint64_t return_address(void)
{
	return (uint64_t)(uintptr_t)__builtin_return_address(0);
}

static void own_addresses_have_names(void **state)
{
	struct mm_symbol_options options = { .no_cache = 1 };
	const struct mm_frame *frames;
	struct mm_symbols *symbols;
	struct self self;
	size_t count;

	(void)state;
	self_module(&self);
	assert_int_equal(mm_symbols_create(&symbols, &options), 0);
	uint64_t address = return_address(); int line = __LINE__;
	assert_int_equal(mm_symbols_frames(symbols, &self.module, address, &frames, &count), 0);
	assert_true(count >= 1);
	assert_string_equal(frames[count - 1].function, "own_addresses_have_names");
	assert_non_null(strstr(frames[0].file, "test_symbol.c"));
	assert_int_equal(frames[0].line, line);
	assert_false(frames[count - 1].inlined);
	assert_true(mm_symbols_is_ready(symbols, &self.module, address));
	assert_false(mm_symbols_is_ready(symbols, &self.module, address + 1));
	/* not ours: before the file's first byte */
	assert_int_equal(mm_symbols_frames(symbols, &self.module, self.module.bias, &frames,
					   &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(frames[0].function, "");
	mm_symbols_destroy(symbols);
}

static void another_build_is_not_believed(void **state)
{
	struct mm_symbol_options options = { .no_cache = 1 };
	const struct mm_frame *frames;
	struct mm_symbols *symbols;
	struct self self;
	size_t count;

	(void)state;
	self_module(&self);
	self.module.build_id_len = 20;
	self.module.build_id[3] ^= 1;
	assert_int_equal(mm_symbols_create(&symbols, &options), 0);
	assert_int_equal(mm_symbols_frames(symbols, &self.module, return_address(), &frames,
					   &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(frames[0].function, "");
	assert_int_equal(frames[0].line, 0);
	self.module.build_id_len = 0; /* unknown: the file is believed */
	assert_int_equal(mm_symbols_frames(symbols, &self.module, return_address(), &frames,
					   &count), 0);
	assert_string_equal(frames[count - 1].function, "another_build_is_not_believed");
	mm_symbols_destroy(symbols);
}

static void strange_files_give_nothing(void **state)
{
	static const char *const paths[] = {
		"", "/nonexistent", "/dev/null", "/dev/zero", "/proc/self/status", "/etc/passwd",
		"/tmp", "[heap]", "/usr/lib/libgone.so.1 (deleted)",
	};
	struct mm_symbol_options options = { .no_cache = 1 };
	const struct mm_frame *frames;
	struct mm_symbols *symbols;
	size_t count;

	(void)state;
	assert_int_equal(mm_symbols_create(&symbols, &options), 0);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct mm_module m = { .path = paths[i], .bias = 0x1000 };
		assert_int_equal(mm_symbols_frames(symbols, &m, 0x2345, &frames, &count), 0);
		assert_int_equal(count, 1);
		assert_string_equal(frames[0].function, "");
		assert_string_equal(frames[0].file, "");
	}
	mm_symbols_destroy(symbols);
}

static void the_vdso_has_names(void **state)
{
	uint64_t base = getauxval(AT_SYSINFO_EHDR);
	struct mm_module m = { .path = "linux-vdso.so.1", .bias = base };
	struct mm_symbol_options options = { .no_cache = 1 };
	const struct mm_frame *frames;
	struct mm_symbols *symbols;
	struct mm_symelf *e;
	size_t count, found = 0;

	(void)state;
	if (mm_symelf_vdso(&e))
		skip();
	memcpy(m.build_id, e->build_id, e->build_id_len);
	m.build_id_len = e->build_id_len;
	mm_symelf_close(e);
	assert_int_equal(mm_symbols_create(&symbols, &options), 0);
	for (uint64_t at = base; at < base + 8192; at += 16) {
		assert_int_equal(mm_symbols_frames(symbols, &m, at, &frames, &count), 0);
		found += strstr(frames[0].function, "clock_gettime") != NULL;
	}
	assert_true(found > 0);
	mm_symbols_destroy(symbols);
}

static void a_passed_deadline_stops(void **state)
{
	struct mm_symbol_options options = { .no_cache = 1 };
	struct mm_symbols *symbols;
	struct self self;

	(void)state;
	self_module(&self);
	uint64_t address = return_address();
	assert_int_equal(mm_symbols_create(&symbols, &options), 0);
	assert_int_equal(mm_symbols_prepare(symbols, &self.module, &address, 1, 1), MM_EAGAIN);
	assert_false(mm_symbols_is_ready(symbols, &self.module, address));
	assert_int_equal(mm_symbols_prepare(symbols, &self.module, &address, 1, 0), 0);
	assert_true(mm_symbols_is_ready(symbols, &self.module, address));
	mm_symbols_destroy(symbols);
}

/* --- the cache ----------------------------------------------------------------------- */

static const uint8_t test_id[20] = { 0xab, 0xcd, 1, 2, 3 };
static const struct mm_symcache_key test_key = { test_id, sizeof test_id, 0 };

static const struct mm_frame test_frames[] = {
	{ .function = "inner", .file = "/a.c", .line = 7, .inlined = 1 },
	{ .function = "outer", .file = "/b.c", .line = 9 },
	{ .function = "", .file = "" },
};
static const struct mm_symcache_entry test_entries[] = {
	{ 500, test_frames, 2 }, { 100, test_frames + 2, 1 }, { 900, test_frames + 1, 1 },
};

static void use_fresh_cache(void)
{
	static char folder[64];

	snprintf(folder, sizeof folder, "/tmp/mmprof-cache-%ld-XXXXXX", (long)getpid());
	assert_non_null(mkdtemp(folder));
	setenv("XDG_CACHE_HOME", folder, 1);
}

static void drop_cache(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", getenv("XDG_CACHE_HOME"));
	assert_int_equal(system(command), 0);
}

static void cache_gives_back_what_was_put(void **state)
{
	struct mm_symcache_facts facts = { .had_dwarf = 1, .debuglink = "x.debug" };
	struct mm_symcache_entry e;
	struct mm_frame room[2];
	struct mm_symcache *c;

	(void)state;
	use_fresh_cache();
	assert_int_equal(mm_symcache_load(&c, &test_key), MM_ENOENT);
	assert_int_equal(mm_symcache_save(&test_key, &facts, test_entries, 2), 0);
	assert_int_equal(mm_symcache_save(&test_key, &facts, test_entries + 2, 1), 0);
	assert_int_equal(mm_symcache_load(&c, &test_key), 0);
	assert_int_equal(mm_symcache_count(c), 3);
	assert_int_equal(mm_symcache_find(c, 499), SIZE_MAX);
	mm_symcache_get(c, mm_symcache_find(c, 500), room, &e);
	assert_int_equal(e.count, 2);
	assert_string_equal(room[0].function, "inner");
	assert_string_equal(room[0].file, "/a.c");
	assert_int_equal(room[0].line, 7);
	assert_true(room[0].inlined);
	assert_string_equal(room[1].function, "outer");
	assert_false(room[1].inlined);
	mm_symcache_get(c, mm_symcache_find(c, 100), room, &e);
	assert_string_equal(room[0].function, "");
	mm_symcache_get_facts(c, &facts);
	assert_int_equal(facts.had_dwarf, 1);
	assert_string_equal(facts.debuglink, "x.debug");
	mm_symcache_free(c);
	drop_cache();
}

static void poorer_answers_do_not_replace_better(void **state)
{
	struct mm_symcache_facts rich = { .had_dwarf = 1 }, poor = { 0 };
	struct mm_symcache *c;

	(void)state;
	use_fresh_cache();
	assert_int_equal(mm_symcache_save(&test_key, &poor, test_entries, 3), 0);
	assert_int_equal(mm_symcache_save(&test_key, &rich, test_entries, 1), 0);
	assert_int_equal(mm_symcache_load(&c, &test_key), 0);
	assert_int_equal(mm_symcache_count(c), 1);
	mm_symcache_free(c);
	assert_int_equal(mm_symcache_save(&test_key, &poor, test_entries, 3), 0);
	assert_int_equal(mm_symcache_load(&c, &test_key), 0);
	assert_int_equal(mm_symcache_count(c), 1);
	mm_symcache_free(c);
	drop_cache();
}

static size_t read_cache_file(uint8_t *data, size_t room)
{
	char path[4096];

	assert_int_equal(mm_symcache_path(path, sizeof path, &test_key), 0);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t n = fread(data, 1, room, f);
	fclose(f);
	return n;
}

static void damaged_files_are_no_files(void **state)
{
	struct mm_symcache_facts facts = { .had_dwarf = 1 };
	static uint8_t data[4096];
	struct mm_symcache *c = NULL;

	(void)state;
	use_fresh_cache();
	assert_int_equal(mm_symcache_save(&test_key, &facts, test_entries, 3), 0);
	size_t n = read_cache_file(data, sizeof data);
	assert_in_range(n, 72, 4000);
	assert_int_equal(mm_symcache_parse(&c, &test_key, data, n), 0);
	mm_symcache_free(c);
	for (size_t len = 0; len < n; len++)
		assert_int_equal(mm_symcache_parse(&c, &test_key, data, len), MM_ECORRUPT);
	for (size_t bit = 0; bit < n * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(mm_symcache_parse(&c, &test_key, data, n), MM_ECORRUPT);
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	struct mm_symcache_key other = test_key;
	other.build_id_len = 19;
	assert_int_equal(mm_symcache_parse(&c, &other, data, n), MM_ECORRUPT);
	drop_cache();
}

/* Several processes write at once: whoever wins, the file is whole. */
static void writers_do_not_harm_each_other(void **state)
{
	struct mm_symcache_facts facts = { .had_dwarf = 1 };
	struct mm_symcache *c;
	int status;

	(void)state;
	use_fresh_cache();
	for (int child = 0; child < 4; child++) {
		if (fork())
			continue;
		for (uint64_t i = 0; i < 50; i++) {
			struct mm_symcache_entry e = { i * 4 + (uint64_t)child, test_frames, 2 };
			if (mm_symcache_save(&test_key, &facts, &e, 1))
				_exit(1);
			if (mm_symcache_load(&c, &test_key))
				_exit(2);
			mm_symcache_free(c);
		}
		_exit(0);
	}
	for (int child = 0; child < 4; child++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(mm_symcache_load(&c, &test_key), 0);
	assert_int_equal(mm_symcache_count(c), 200); /* what others wrote is kept */
	mm_symcache_free(c);
	drop_cache();
}

static void the_folder_is_trimmed(void **state)
{
	struct mm_symcache_facts facts = { .had_dwarf = 1 };
	struct timespec ago[2] = { { 1000, 0 }, { 1000, 0 } };
	struct mm_symcache_key keys[3];
	uint8_t ids[3][20] = { { 1 }, { 2 }, { 3 } };
	struct mm_symcache *c;
	struct stat st = { 0 };
	char path[4096];

	(void)state;
	use_fresh_cache();
	for (int i = 0; i < 3; i++) {
		keys[i] = (struct mm_symcache_key){ ids[i], 20, 0 };
		assert_int_equal(mm_symcache_save(&keys[i], &facts, test_entries, 3), 0);
		assert_int_equal(mm_symcache_path(path, sizeof path, &keys[i]), 0);
		ago[0].tv_sec = ago[1].tv_sec = 1000 - i;
		assert_int_equal(utimensat(-1, path, ago, 0), 0);
	}
	assert_int_equal(stat(path, &st), 0);
	mm_symcache_trim((uint64_t)st.st_size * 2);
	assert_int_equal(mm_symcache_load(&c, &keys[2]), MM_ENOENT); /* the oldest */
	assert_int_equal(mm_symcache_load(&c, &keys[1]), 0);
	mm_symcache_free(c);
	assert_int_equal(mm_symcache_load(&c, &keys[0]), 0);
	mm_symcache_free(c);
	drop_cache();
}

static void cached_answers_are_the_same(void **state)
{
	const struct mm_frame *frames;
	struct mm_symbols *symbols;
	struct self self;
	size_t count, first_count = 0;
	char function[64], file[4096];
	uint32_t line = 0;

	(void)state;
	self_module(&self);
	if (!self.module.build_id_len)
		skip();
	use_fresh_cache();
	uint64_t address = return_address();
	for (int round = 0; round < 2; round++) {
		/* the second time the file is not there any more */
		if (round)
			self.module.path = "/nonexistent";
		assert_int_equal(mm_symbols_create(&symbols, NULL), 0);
		assert_int_equal(mm_symbols_frames(symbols, &self.module, address, &frames, &count),
				 0);
		if (!round) {
			snprintf(function, sizeof function, "%s", frames[0].function);
			snprintf(file, sizeof file, "%s", frames[0].file);
			line = frames[0].line;
			first_count = count;
		}
		assert_int_equal(count, first_count);
		assert_string_equal(frames[count - 1].function, "cached_answers_are_the_same");
		assert_string_equal(frames[0].function, function);
		assert_string_equal(frames[0].file, file);
		assert_int_equal(frames[0].line, line);
		mm_symbols_destroy(symbols);
	}
	drop_cache();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_demangled),
		cmocka_unit_test(hostile_names_are_bounded),
		cmocka_unit_test(long_names_are_demangled),
		cmocka_unit_test(texts_are_kept_once),
		cmocka_unit_test(symbols_must_cover),
		cmocka_unit_test(paths_are_joined_and_tidied),
		cmocka_unit_test(own_addresses_have_names),
		cmocka_unit_test(another_build_is_not_believed),
		cmocka_unit_test(strange_files_give_nothing),
		cmocka_unit_test(the_vdso_has_names),
		cmocka_unit_test(a_passed_deadline_stops),
		cmocka_unit_test(cache_gives_back_what_was_put),
		cmocka_unit_test(poorer_answers_do_not_replace_better),
		cmocka_unit_test(damaged_files_are_no_files),
		cmocka_unit_test(writers_do_not_harm_each_other),
		cmocka_unit_test(the_folder_is_trimmed),
		cmocka_unit_test(cached_answers_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
