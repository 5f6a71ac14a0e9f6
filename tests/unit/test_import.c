/* test_import.c: small recordings whose every figure is known by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "collect/heaptrack.h"
#include "collect/importtext.h"
#include "trace/reader.h"

struct bytes { const char *at; size_t left, step; };

static ssize_t read_bytes(void *arg, void *buf, size_t len)
{
	struct bytes *b = arg;

	len = len < b->step ? len : b->step;
	len = len < b->left ? len : b->left;
	memcpy(buf, b->at, len);
	b->at += len;
	b->left -= len;
	return (ssize_t)len;
}

static char folder[64], path[128];

static int in_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/mmprof-import-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/t.bin", folder);
	return 0;
}

static int files_in_folder(void)
{
	int n = 0;
	DIR *d = opendir(folder);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static int out_of_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

static struct mm_import_summary sum;
static struct mm_diag diag;

static int import_bytes(const void *data, size_t len, size_t step)
{
	struct bytes b = { data, len, step };
	struct mm_text_input input = { read_bytes, &b, "in" };

	diag.text[0] = 0;
	return mm_import_heaptrack(&input, path, &sum, &diag);
}

static int import_text(const char *text)
{
	return import_bytes(text, strlen(text), 1 << 20);
}

static struct mm_reader *reader;

static void open_trace(void)
{
	assert_int_equal(mm_reader_open(&reader, path, &diag), MM_OK);
	assert_int_equal(mm_reader_processes(reader), 1);
}

static void close_trace(void)
{
	mm_reader_close(reader);
	reader = NULL;
}

/* --- raw -------------------------------------------------------------------------- */

#define RAW_HEAD \
	"v 10400 3\n" \
	"x 8 /bin/app\n" \
	"X ./app one two\n" \
	"I 1000 100\n" \
	"m 1 -\n" \
	"m 1 x 400000 0 1000 2000 500\n" \
	"m c /lib/libq.so 700000 0 1000\n" \
	"t 400010 0\n" \
	"t 700020 1\n"

static const char raw[] = RAW_HEAD
	"+ 64 1 9000\n"
	"+ c8 2 9100\n"
	"c a\n"
	"R 5\n"
	"- 9000\n"
	"+ 10 0 9000\n"
	"- 9000\n"     /* temporary */
	"- 7777\n"     /* from before the recording */
	"+ 32 1 9100\n"/* born where one lives: it must have been freed unseen */
	"c 14\n";

static void raw_totals(void **state)
{
	(void)state;
	assert_int_equal(import_text(raw), MM_OK);
	assert_int_equal(sum.totals.allocs, 4);
	assert_int_equal(sum.totals.frees, 3);
	assert_int_equal(sum.totals.alloc_bytes, 100 + 200 + 16 + 50);
	assert_int_equal(sum.totals.peak_bytes, 300);
	assert_int_equal(sum.totals.peak_time, 0);
	assert_int_equal(sum.totals.live_bytes, 50);
	assert_int_equal(sum.totals.live_count, 1);
	assert_int_equal(sum.totals.temporaries, 1);
	assert_int_equal(sum.totals.inherited, 1);
	assert_int_equal(sum.totals.implied, 1);
	assert_int_equal(sum.duration_ns, 20 * 1000000);
	assert_int_equal(sum.rss_peak_bytes, 5 * 4096);
	assert_int_equal(sum.tool_version, 0x010400);
	assert_int_equal(sum.format_version, 3);
	assert_int_equal(sum.lines, 19);
	assert_false(sum.interpreted);
	assert_false(sum.cut);
}

static void raw_facts(void **state)
{
	const struct mm_process *p;
	const struct mm_trace_info *info;

	(void)state;
	assert_int_equal(import_text(raw), MM_OK);
	open_trace();
	info = mm_reader_info(reader);
	assert_string_equal(info->tool, "heaptrack 1.4.0 (imported)");
	assert_string_equal(info->source, "import");
	assert_int_equal(info->page_bytes, 4096);
	assert_int_equal(info->mem_total_bytes, 256 * 4096);
	assert_true(info->complete);
	p = mm_reader_process(reader, 0);
	assert_string_equal(p->exe, "/bin/app");
	assert_string_equal(p->cmd, "./app one two");
	assert_int_equal(p->end, MM_END_UNKNOWN);
	assert_int_equal(p->end_time, 20 * 1000000);
	assert_int_equal(mm_reader_threads(reader, 0), 1);
	close_trace();
}

/* Both stacks of the file, found by the address that they return to. */
static void raw_stacks(void **state)
{
	const struct mm_site *outer, *inner;
	const struct mm_module *m;

	(void)state;
	assert_int_equal(import_text(raw), MM_OK);
	open_trace();
	assert_int_equal(mm_reader_sites(reader, 0), 3);
	outer = mm_reader_site(reader, 0, 1);
	inner = mm_reader_site(reader, 0, 2);
	assert_int_equal(outer->kind, MM_SITE_FRAME);
	assert_int_equal(outer->parent, 0);
	assert_int_equal(outer->value, 0x400011);
	assert_int_equal(inner->parent, 1);
	assert_int_equal(inner->value, 0x700021);
	m = mm_reader_module(reader, 0, outer->module);
	assert_string_equal(m->path, "/bin/app");
	assert_int_equal(m->bias, 0x400000);
	assert_int_equal(m->start, 0x400000);
	assert_int_equal(m->end, 0x402500);
	m = mm_reader_module(reader, 0, inner->module);
	assert_string_equal(m->path, "/lib/libq.so");
	close_trace();
}

static void raw_events(void **state)
{
	static const struct { uint8_t kind; uint64_t size, addr, time; uint32_t site; } want[] = {
		{ MM_EV_MALLOC, 100, 0x9000, 0, 1 },
		{ MM_EV_MALLOC, 200, 0x9100, 0, 2 },
		{ MM_EV_SAMPLE, 0, 0, 10000000, 0 },
		{ MM_EV_FREE, 100, 0x9000, 10000000, 1 },
		{ MM_EV_MALLOC, 16, 0x9000, 10000000, 0 },
		{ MM_EV_FREE, 16, 0x9000, 10000000, 0 },
		{ MM_EV_INHERITED, 0, 0, 10000000, 0 },
		{ MM_EV_IMPLIED, 200, 0x9100, 10000000, 2 },
		{ MM_EV_MALLOC, 50, 0x9100, 10000000, 1 },
	};
	struct mm_cursor *c;
	struct mm_event ev;
	size_t n = 0;

	(void)state;
	assert_int_equal(import_text(raw), MM_OK);
	open_trace();
	assert_int_equal(mm_cursor_open(&c, reader, 0, 0, &diag), MM_OK);
	while (mm_cursor_next(c, &ev) == 1) {
		assert_in_range(n, 0, sizeof want / sizeof want[0] - 1);
		assert_int_equal(ev.kind, want[n].kind);
		assert_int_equal(ev.time, want[n].time);
		if (mm_event_is_birth(ev.kind) || (mm_event_is_death(ev.kind) &&
						   ev.kind != MM_EV_INHERITED)) {
			assert_int_equal(ev.size, want[n].size);
			assert_int_equal(ev.addr, want[n].addr);
			assert_int_equal(mm_event_is_birth(ev.kind) ? ev.site : ev.born_site,
					 want[n].site);
		}
		if (ev.kind == MM_EV_SAMPLE)
			assert_int_equal(ev.sample->rss_bytes, 5 * 4096);
		n++;
	}
	assert_int_equal(n, sizeof want / sizeof want[0]);
	mm_cursor_close(c);
	close_trace();
}

/* A library gone and another in its place: the stack belongs to the later one. */
static void raw_module_replaced(void **state)
{
	(void)state;
	assert_int_equal(import_text(RAW_HEAD "m 1 -\n"
					      "m 1 x 400000 0 1000 2000 500\n"
					      "m c /lib/libr.so 700000 0 1000\n"
					      "t 700030 0\n"
					      "t 900000 0\n"
					      "+ 1 3 9000\n"), MM_OK);
	open_trace();
	assert_int_equal(mm_reader_sites(reader, 0), 5);
	assert_string_equal(mm_reader_module(reader, 0, mm_reader_site(reader, 0, 2)->module)->path,
			    "/lib/libq.so");
	assert_string_equal(mm_reader_module(reader, 0, mm_reader_site(reader, 0, 3)->module)->path,
			    "/lib/libr.so");
	assert_int_equal(mm_reader_site(reader, 0, 4)->module, 0);
	/* "unknown", the program once though named twice, and two libraries */
	assert_int_equal(mm_reader_modules(reader, 0), 4);
	close_trace();
}

static void raw_before_1_3(void **state)
{
	(void)state;
	assert_int_equal(import_text("v 10200 2\nx /bin/app\nm /lib/q.so 700000 0 1000\n"
				     "t 700020 0\n+ 5 1 9000\n"), MM_OK);
	open_trace();
	assert_int_equal(mm_reader_site(reader, 0, 1)->value, 0x700020);
	assert_string_equal(mm_reader_module(reader, 0, 1)->path, "/lib/q.so");
	close_trace();
}

/* --- interpreted ------------------------------------------------------------------- */

static const char interpreted[] =
	"v 10400 3\n"
	"X ./app\n"
	"I 1000 100\n"
	"s 8 /bin/app\n"
	"s 4 main\n"
	"s 5 app.c\n"
	"s 6 inline\n"
	"s 5 two w\n"
	"i 400010 1 4 3 7 2 3 9\n" /* inline (app.c:7) in main (app.c:9) */
	"i 400020 1 5\n"
	"i 400030 1\n"
	"t 1 0\n"
	"t 2 1\n"
	"t 3 2\n"
	"a 64 2\n"
	"a 10 3\n"
	"+ 0\n"
	"+ 0\n"
	"+ 1\n"
	"- 1\n"
	"c 7\n"
	"- 0\n"
	"- 0\n"
	"- 0\n";

static void interpreted_totals(void **state)
{
	(void)state;
	assert_int_equal(import_text(interpreted), MM_OK);
	assert_true(sum.interpreted);
	assert_int_equal(sum.totals.allocs, 3);
	assert_int_equal(sum.totals.frees, 3);
	assert_int_equal(sum.totals.inherited, 1);
	assert_int_equal(sum.totals.peak_bytes, 216);
	assert_int_equal(sum.totals.live_bytes, 0);
	open_trace();
	assert_false(mm_reader_info(reader)->has_addresses);
	close_trace();
}

static void interpreted_symbols(void **state)
{
	const struct mm_site *site;
	const struct mm_frame *f;
	size_t count;

	(void)state;
	assert_int_equal(import_text(interpreted), MM_OK);
	open_trace();
	assert_int_equal(mm_reader_sites(reader, 0), 4);
	site = mm_reader_site(reader, 0, 1);
	assert_string_equal(mm_reader_module(reader, 0, site->module)->path, "/bin/app");
	assert_int_equal(mm_reader_symbol(reader, 0, site->module, site->value, &f, &count), MM_OK);
	assert_int_equal(count, 2);
	assert_string_equal(f[0].function, "inline");
	assert_int_equal(f[0].line, 7);
	assert_true(f[0].inlined);
	assert_string_equal(f[1].function, "main");
	assert_string_equal(f[1].file, "app.c");
	assert_int_equal(f[1].line, 9);
	assert_false(f[1].inlined);
	site = mm_reader_site(reader, 0, 2);
	assert_int_equal(mm_reader_symbol(reader, 0, site->module, site->value, &f, &count), MM_OK);
	assert_int_equal(count, 1);
	assert_string_equal(f[0].function, "two w");
	assert_string_equal(f[0].file, "");
	site = mm_reader_site(reader, 0, 3);
	assert_int_equal(mm_reader_symbol(reader, 0, site->module, site->value, &f, &count), MM_OK);
	assert_int_equal(count, 0);
	close_trace();
}

/* Of two blocks alike the younger goes first: the older stays with its birth time. */
static void interpreted_youngest_first(void **state)
{
	struct mm_cursor *c;
	struct mm_event ev;

	(void)state;
	assert_int_equal(import_text("v 10400 3\ns 1 f\ni 10 1 1\nt 1 0\na 8 1\n+ 0\nc 5\n+ 0\n"
				     "c 6\n- 0\n"), MM_OK);
	open_trace();
	assert_int_equal(mm_cursor_open(&c, reader, 0, 0, &diag), MM_OK);
	while (mm_cursor_next(c, &ev) == 1)
		if (mm_event_is_death(ev.kind))
			assert_int_equal(ev.born_time, 5000000);
	mm_cursor_close(c);
	close_trace();
	assert_int_equal(sum.totals.live_count, 1);
}

/* Format 0: names as interpreted, + and - as raw. */
static void format_0(void **state)
{
	(void)state;
	assert_int_equal(import_text("v 10000\ns a name with spaces\ni 10 0 1\nt 1 0\n"
				     "+ 20 1 9000\n+ 20 1 9100\n- 9000\n"), MM_OK);
	assert_int_equal(sum.format_version, 0);
	assert_int_equal(sum.totals.allocs, 2);
	assert_int_equal(sum.totals.live_bytes, 32);
	open_trace();
	assert_true(mm_reader_info(reader)->has_addresses);
	close_trace();
}

/* 1.2.0 once meant format 1 without saying so. */
static void format_1_unsaid(void **state)
{
	(void)state;
	assert_int_equal(import_text("v 10200\ns f\ni 10 0 1\nt 1 0\na 20 1\n+ 0\n"), MM_OK);
	assert_int_equal(sum.format_version, 1);
	assert_int_equal(sum.totals.live_bytes, 32);
}

/* --- packing ---------------------------------------------------------------------- */

static size_t pack(char *to, size_t size, const char *text, size_t len)
{
	size_t n = ZSTD_compress(to, size, text, len, 1);

	assert_false(ZSTD_isError(n));
	return n;
}

static void zstd_in_two_frames(void **state)
{
	char packed[4096];
	size_t half = 100, n;

	(void)state;
	n = pack(packed, sizeof packed, raw, half);
	n += pack(packed + n, sizeof packed - n, raw + half, strlen(raw) - half);
	for (size_t step = 1; step < 5000; step = step * 3 + 1) {
		assert_int_equal(import_bytes(packed, n, step), MM_OK);
		assert_int_equal(sum.totals.allocs, 4);
		assert_int_equal(sum.totals.peak_bytes, 300);
		assert_false(sum.cut);
	}
}

static void zstd_cut_short(void **state)
{
	char packed[4096];
	size_t kept = (size_t)(strstr(raw, "- 9000") - raw), n;

	(void)state;
	n = pack(packed, sizeof packed, raw, kept);
	n += pack(packed + n, sizeof packed - n, raw + kept, strlen(raw) - kept);
	assert_int_equal(import_bytes(packed, n - 3, 4096), MM_OK);
	assert_true(sum.cut);
	assert_int_equal(sum.totals.allocs, 2);
	assert_int_equal(sum.totals.live_bytes, 300);
	assert_int_equal(import_bytes(packed, 10, 4096), MM_ETRUNC);
}

static void zstd_damaged(void **state)
{
	char packed[4096];
	size_t n = pack(packed, sizeof packed, raw, strlen(raw));

	(void)state;
	packed[6] = (char)(packed[6] ^ 0x55);
	assert_int_equal(import_bytes(packed, n, 4096), MM_ECORRUPT);
	assert_non_null(strstr(diag.text, "damaged"));
	assert_int_equal(files_in_folder(), 0);
}

static void gzip_says_what_to_do(void **state)
{
	(void)state;
	assert_int_equal(import_bytes("\x1f\x8b\x08\0\0", 5, 5), MM_EUNSUP);
	assert_non_null(strstr(diag.text, "gunzip -c"));
	assert_int_equal(files_in_folder(), 0);
}

/* Cut at every byte: what whole lines say is kept, and never anything else. */
static void cut_at_every_byte(void **state)
{
	size_t whole = strlen(raw);

	(void)state;
	for (size_t n = strlen("v 10400 3\n"); n < whole; n++) {
		assert_int_equal(import_bytes(raw, n, 1 << 20), MM_OK);
		assert_int_equal(sum.cut, raw[n - 1] != '\n');
		assert_in_range(sum.totals.allocs, 0, 4);
		assert_in_range(sum.totals.alloc_bytes, 0, 366);
	}
}

/* --- bad input ------------------------------------------------------------------- */

static const struct { const char *text, *says; int err; } bad_inputs[] = {
	{ "", "not a heaptrack recording", MM_ESYNTAX },
	{ "v 104", "ends in its first line", MM_ETRUNC },
	{ "hello\n", "not a heaptrack recording", MM_ESYNTAX },
	{ "+ 1 0 9000\n", "not a heaptrack recording", MM_ESYNTAX },
	{ "v\n", "not a heaptrack recording", MM_ESYNTAX },
	{ "v zz 3\n", "not a heaptrack recording", MM_ESYNTAX },
	{ "v 10500 4\n", "format 4", MM_ENEWER },
	{ RAW_HEAD "q 1\n", "in:10: not a line", MM_ESYNTAX },
	{ RAW_HEAD "+1 0 9000\n", "in:10: not a line", MM_ESYNTAX },
	{ RAW_HEAD "v 10400 3\n", "in:10: not a line", MM_ESYNTAX },
	{ RAW_HEAD "+ 1 3 9000\n", "in:10: an allocation at a stack not seen", MM_ESYNTAX },
	{ RAW_HEAD "+ 1 ffffffffffffffff 9000\n", "stack not seen", MM_ESYNTAX },
	{ RAW_HEAD "+ ffffffffffffffff 0 9000\n", "impossible size", MM_ESYNTAX },
	{ RAW_HEAD "+ 1 0 10000000000000000\n", "not an allocation", MM_ESYNTAX },
	{ RAW_HEAD "+ 1 0 0\n", "impossible size or address", MM_ESYNTAX },
	{ RAW_HEAD "+ 1 0\n", "not an allocation", MM_ESYNTAX },
	{ RAW_HEAD "+ 1G 0 9000\n", "not an allocation", MM_ESYNTAX },
	{ RAW_HEAD "- 0\n", "address 0", MM_ESYNTAX },
	{ RAW_HEAD "-\n", "not a free", MM_ESYNTAX },
	{ RAW_HEAD "t 1 3\n", "continues one not seen", MM_ESYNTAX },
	{ RAW_HEAD "t 1 ffffffff\n", "continues one not seen", MM_ESYNTAX },
	{ RAW_HEAD "m ffffffffffff /x\n", "no module name", MM_ESYNTAX },
	{ RAW_HEAD "m 2 /x ffffffffffffffff 1 1\n", "beyond the address space", MM_ESYNTAX },
	{ RAW_HEAD "m 2 /x 1 1 zz\n", "ranges", MM_ESYNTAX },
	{ RAW_HEAD "s 1 f\n", "same file", MM_ESYNTAX },
	{ RAW_HEAD "c fffffffffffffff\n", "not a time", MM_ESYNTAX },
	{ "v 10400 3\nI 0 0\n", "in:2: an impossible page size", MM_ESYNTAX },
	{ "v 10400 3\ns ff x\n", "in:2: a string that is not as long", MM_ESYNTAX },
	{ "v 10400 3\na 1 0\n+ 1\n", "in:3: an allocation not seen", MM_ESYNTAX },
	{ "v 10400 3\na 1 0\n- 7fffffffffffffff\n", "in:3: a free of an allocation", MM_ESYNTAX },
	{ "v 10400 3\na 1 5\n", "stack not seen", MM_ESYNTAX },
	{ "v 10400 3\ns 1 f\nt 5 0\n", "instruction not seen", MM_ESYNTAX },
};

static void bad_input_leaves_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_inputs / sizeof bad_inputs[0]; i++) {
		int err = import_text(bad_inputs[i].text);
		if (err != bad_inputs[i].err || !strstr(diag.text, bad_inputs[i].says))
			fail_msg("%s: %d, '%s'", bad_inputs[i].text, err, diag.text);
		assert_null(strchr(diag.text, '\n'));
		assert_int_equal(files_in_folder(), 0);
	}
}

static void line_too_long(void **state)
{
	size_t n = 3 << 20;
	char *text = malloc(n);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', n);
	memcpy(text, "v 10400 3\ns ", 12);
	assert_int_equal(import_bytes(text, n, n), MM_ESYNTAX);
	assert_non_null(strstr(diag.text, "in:2: a line longer"));
	assert_int_equal(files_in_folder(), 0);
	free(text);
}

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void other_files_are_left_alone(void **state)
{
	char line[32] = "";
	FILE *f;

	(void)state;
	write_file("precious\n");
	assert_int_equal(import_text(raw), MM_EEXIST);
	assert_non_null(strstr(diag.text, "left alone"));
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	assert_string_equal(line, "precious\n");
	assert_int_equal(files_in_folder(), 1);
}

static void a_trace_becomes_old(void **state)
{
	char old[160];
	struct stat before, after;

	(void)state;
	snprintf(old, sizeof old, "%s.old", path);
	assert_int_equal(import_text(raw), MM_OK);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(import_text("v 10400 3\nbad\n"), MM_ESYNTAX);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(import_text(raw), MM_OK);
	assert_int_equal(stat(old, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(files_in_folder(), 2);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, in_folder, out_of_folder)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(raw_totals), CASE(raw_facts), CASE(raw_stacks), CASE(raw_events),
		CASE(raw_module_replaced), CASE(raw_before_1_3), CASE(interpreted_totals),
		CASE(interpreted_symbols), CASE(interpreted_youngest_first), CASE(format_0),
		CASE(format_1_unsaid), CASE(zstd_in_two_frames), CASE(zstd_cut_short),
		CASE(zstd_damaged), CASE(gzip_says_what_to_do), CASE(cut_at_every_byte),
		CASE(bad_input_leaves_nothing), CASE(line_too_long),
		CASE(other_files_are_left_alone), CASE(a_trace_becomes_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
