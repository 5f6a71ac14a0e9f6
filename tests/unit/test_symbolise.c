/* test_symbolise.c: names that are put into a trace, at its end or later.
 *
 * The trace tells of this very program: its sites are return addresses of functions
 * below.
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
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "model/symbolise.h"
#include "symbol/symelf.h"

enum { SITES = 3, BUSY = 2 }; /* the site that most allocations are made at */

static char folder[64], trace[96], exe[4096];
static uint64_t addresses[SITES + 1]; /* by site */

__attribute__((noinline)) static uint64_t first_function(void)
{
	return (uint64_t)(uintptr_t)__builtin_return_address(0);
}

__attribute__((noinline)) static uint64_t second_function(void)
{
	uint64_t address = first_function();

	return address + (address == 0);
}

__attribute__((noinline)) static uint64_t third_function(void)
{
	uint64_t address = first_function();

	return address + (address == 1);
}

static int take_bias(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(uint64_t *)arg = info->dlpi_addr;
	return 1;
}

static int prepare(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/mmprof-symbolise-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(trace, sizeof trace, "%s/t.bin", folder);
	setenv("XDG_CACHE_HOME", folder, 1);
	ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	addresses[1] = second_function();
	addresses[BUSY] = third_function();
	addresses[3] = 4096; /* nothing is there */
	return n > 0 ? 0 : -1;
}

static int clean(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static void own_module(struct mm_module *m)
{
	struct mm_symelf *e;

	*m = (struct mm_module){ .path = exe, .end = UINT64_MAX };
	dl_iterate_phdr(take_bias, &m->bias);
	assert_int_equal(mm_symelf_open(&e, exe), 0);
	memcpy(m->build_id, e->build_id, e->build_id_len);
	m->build_id_len = e->build_id_len;
	mm_symelf_close(e);
}

/* A trace of ten allocations at the busy site, one at each other; synced, open. */
static struct mm_writer *write_trace(void)
{
	struct mm_writer_options options = { .command = "self", .tool = "test", .cores = 1,
					     .page_bytes = 4096, .source = "record" };
	struct mm_process process = { .pid = 7, .exe = exe, .cmd = "self",
				      .end_time = MM_UNKNOWN, .inherited_bytes = MM_UNKNOWN };
	struct mm_thread thread = { .tid = 7, .name = "self" };
	struct mm_module module;
	struct mm_writer *w;
	struct mm_stream *s;
	uint32_t number, module_number, slot;

	unlink(trace);
	own_module(&module);
	assert_int_equal(mm_writer_open(&w, trace, &options, NULL), 0);
	assert_int_equal(mm_writer_process(w, &process, &s), 0);
	assert_int_equal(mm_stream_thread(s, &thread, &number), 0);
	assert_int_equal(mm_stream_module(s, &module, &module_number), 0);
	for (uint32_t i = 1; i <= SITES; i++) {
		struct mm_site site = { .module = module_number, .kind = MM_SITE_FRAME,
					.value = module.bias * (i == 3) + addresses[i] };
		assert_int_equal(mm_stream_site(s, &site, &number), 0);
		assert_int_equal(number, i);
		for (int k = 0; k < (i == BUSY ? 10 : 1); k++) {
			struct mm_event ev = { .kind = MM_EV_MALLOC, .site = i, .size = 8,
					       .time = i * 1000, .other = MM_NO_SLOT };
			assert_int_equal(mm_stream_birth(s, &ev, &slot), 0);
		}
	}
	assert_int_equal(mm_writer_sync(w, UINT64_MAX, 1), 0);
	return w;
}

/* What the trace calls a site: the outermost function, "" = nothing. */
static void look(uint32_t site, char *function, uint32_t *line)
{
	const struct mm_frame *frames;
	struct mm_reader *r;
	size_t count = 0;

	function[0] = 0;
	*line = 0;
	assert_int_equal(mm_reader_open(&r, trace, NULL), 0);
	const struct mm_site *s = mm_reader_site(r, 0, site);
	if (mm_reader_symbol(r, 0, s->module, s->value, &frames, &count) == 0 && count) {
		snprintf(function, 64, "%s", frames[count - 1].function);
		*line = frames[0].line;
	}
	mm_reader_close(r);
}

static struct mm_symbolise_result symbolise(int no_debug, uint64_t deadline_ns)
{
	struct mm_symbol_options options = { .no_debug = no_debug, .no_cache = 1 };
	struct mm_symbolise_result result;
	struct mm_symbols *symbols;
	struct mm_writer *w;
	struct mm_reader *r;

	assert_int_equal(mm_reader_open(&r, trace, NULL), 0);
	assert_int_equal(mm_writer_append(&w, trace, NULL), 0);
	assert_int_equal(mm_symbols_create(&symbols, &options), 0);
	assert_int_equal(mm_symbolise(w, r, symbols, deadline_ns, NULL, &result), 0);
	mm_symbols_destroy(symbols);
	assert_int_equal(mm_writer_close(w, NULL), 0);
	mm_reader_close(r);
	return result;
}

static void a_trace_gets_names_once(void **state)
{
	char function[64];
	uint32_t line;

	(void)state;
	assert_int_equal(mm_writer_close(write_trace(), NULL), 0);
	look(1, function, &line);
	assert_string_equal(function, "");
	struct mm_symbolise_result n = symbolise(0, 0);
	assert_int_equal(n.addresses, SITES);
	assert_int_equal(n.added, 2);
	assert_int_equal(n.unknown, 1);
	assert_int_equal(n.kept + n.left, 0);
	look(1, function, &line);
	assert_string_equal(function, "second_function");
	assert_true(line > 0);
	look(BUSY, function, &line);
	assert_string_equal(function, "third_function");
	look(3, function, &line);
	assert_string_equal(function, "");
	n = symbolise(0, 0);
	assert_int_equal(n.kept, 2);
	assert_int_equal(n.added, 0);
}

static void a_passed_deadline_leaves_all(void **state)
{
	(void)state;
	assert_int_equal(mm_writer_close(write_trace(), NULL), 0);
	struct mm_symbolise_result n = symbolise(0, 1);
	assert_int_equal(n.addresses, SITES);
	assert_int_equal(n.left, SITES);
	assert_int_equal(n.added, 0);
}

static void lines_replace_bare_names(void **state)
{
	char function[64];
	uint32_t line;

	(void)state;
	assert_int_equal(mm_writer_close(write_trace(), NULL), 0);
	assert_int_equal(symbolise(1, 0).added, 2);
	look(1, function, &line);
	assert_string_equal(function, "second_function");
	assert_int_equal(line, 0);
	assert_int_equal(symbolise(1, 0).kept, 2);
	assert_int_equal(symbolise(0, 0).added, 2);
	look(1, function, &line);
	assert_string_equal(function, "second_function");
	assert_true(line > 0);
}

static void a_recording_ends_with_names(void **state)
{
	char function[64];
	uint32_t line;

	(void)state;
	for (int mode = MM_SYMBOLISE_NONE; mode <= MM_SYMBOLISE_FULL; mode++) {
		struct mm_writer *w = write_trace();
		assert_int_equal(mm_symbolise_writer(w, trace, mode, NULL, 0, NULL), 0);
		assert_int_equal(mm_writer_close(w, NULL), 0);
		look(BUSY, function, &line);
		assert_string_equal(function, mode ? "third_function" : "");
		assert_int_equal(line > 0, mode == MM_SYMBOLISE_FULL);
	}
}

/* The last block is cut: what was whole stays, the new block is found. */
static void a_cut_trace_can_be_added_to(void **state)
{
	char function[64];
	struct stat st;
	uint32_t line;

	(void)state;
	assert_int_equal(mm_writer_close(write_trace(), NULL), 0);
	assert_int_equal(stat(trace, &st), 0);
	assert_int_equal(truncate(trace, st.st_size - 3), 0);
	assert_int_equal(symbolise(0, 0).added, 2);
	look(BUSY, function, &line);
	assert_string_equal(function, "third_function");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trace_gets_names_once),
		cmocka_unit_test(a_passed_deadline_leaves_all),
		cmocka_unit_test(lines_replace_bare_names),
		cmocka_unit_test(a_recording_ends_with_names),
		cmocka_unit_test(a_cut_trace_can_be_added_to),
	};

	return cmocka_run_group_tests(tests, prepare, clean);
}
