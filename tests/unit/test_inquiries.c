/* test_inquiries.c: an inquiry over a trace that grows says at any moment what a report made
 * afresh says, byte for byte: random events, refreshes, ranges and questions; gaps, damage,
 * bounded traces. With `quick`, each figure is the same or unknown.
 *
 * MMTOP_ABUSE = so many traces (default 12), MMTOP_ABUSE_SEED = other ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/error.h"
#include "model/inquiry.h"
#include "model/model.h"
#include "trace/block.h"
#include "trace/notice.h"
#include "trace/writer.h"
#include "tracegen.h"
#include "view/report_json.h"

enum { STREAMS = 3 };

struct growing {
	uint64_t state;
	char *path;
	struct mm_writer *w;
	struct tg streams[STREAMS];
	uint32_t count, round;
	int damages;
	off_t seen; /* bytes of the file at the last refresh */
	uint64_t said;
};

static uint64_t draw(struct growing *g)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return (g->state * UINT64_C(0x2545f4914f6cdd1d)) >> 11;
}

static uint64_t below(struct growing *g, uint64_t n)
{
	return draw(g) % n;
}

static unsigned rounds(void)
{
	const char *wanted = getenv("MMTOP_ABUSE");

	return wanted ? (unsigned)atol(wanted) : 12;
}

static uint64_t seed_of(unsigned round)
{
	const char *wanted = getenv("MMTOP_ABUSE_SEED");

	return ((wanted ? strtoull(wanted, NULL, 10) : 1) * UINT64_C(1000003) + round + 1) *
	       UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* --- growing -------------------------------------------------------------------------------- */

static struct mm_span word(struct growing *g)
{
	static const char *const words[] = { "", "meshes", "nodes", "budget", "pressure", "age" };
	const char *text = words[below(g, 6)];

	return (struct mm_span){ text, (uint32_t)strlen(text) };
}

static void tell(struct growing *g, struct tg *s)
{
	unsigned kind = MM_EV_TIER + (unsigned)below(g, 10);
	struct mm_notice n = mm_notice_unknown();
	struct mm_event ev = { .kind = (uint8_t)kind, .thread = MM_NO_THREAD, .slot = MM_NO_SLOT,
			       .time = s->now, .notice = &n };
	size_t count;
	const struct mm_notice_field *f = mm_notice_fields(kind, &count);

	for (size_t i = 0; i < count; i++) {
		struct mm_span text = word(g);
		uint64_t v = below(g, 4) ? below(g, 5) : below(g, 10) ? below(g, 1 << 30) : MM_UNKNOWN;
		if (f[i].is_text)
			memcpy((char *)&n + f[i].offset, &text, sizeof text);
		else
			memcpy((char *)&n + f[i].offset, &v, sizeof v);
	}
	mm_stream_other(s->s, &ev);
}

static void tell_text(struct growing *g, struct tg *s)
{
	static const uint8_t kinds[] = { MM_EV_MARK, MM_EV_METRIC, MM_EV_BUDGET, MM_EV_LOST, MM_EV_POOL,
		MM_EV_SLAB, MM_EV_SLAB_END, MM_EV_POOL_END, MM_EV_FAILED, MM_EV_MAP, MM_EV_THREAD_END };
	struct mm_span text = word(g);
	struct mm_event ev = { .kind = kinds[below(g, sizeof kinds)], .thread = (uint32_t)below(g, TG_THREADS),
		.slot = MM_NO_SLOT, .time = s->now, .text = text.text, .text_len = text.len,
		.value = (int64_t)below(g, 100000), .size = 4096 * (1 + below(g, 20)),
		.addr = UINT64_C(0x555500000000) + 4096 * below(g, 200), .pool = 1 + (uint32_t)below(g, 3),
		.blocks = below(g, 64) };

	mm_stream_other(s->s, &ev);
}

static void step(struct growing *g)
{
	struct tg *s = &g->streams[below(g, g->count)];

	for (uint32_t i = 0; i < g->count; i++) /* one clock */
		s->now = g->streams[i].now > s->now ? g->streams[i].now : s->now;
	if (!s->s)
		return;
	switch (below(g, 30)) {
	case 0: tell(g, s); break;
	case 1: tell_text(g, s); break;
	default: tg_step(s);
	}
}

static void grow(struct growing *g)
{
	uint64_t n = below(g, 5) ? below(g, 300) : below(g, 6000);

	for (uint64_t i = 0; i < n; i++)
		step(g);
	if (below(g, 4))
		mm_writer_sync(g->w, g->streams[0].now, below(g, 3) > 0);
}

/* Bytes that nobody has read yet. */
static void damage(struct growing *g)
{
	struct stat st;
	FILE *f = fopen(g->path, "r+b");

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	if (st.st_size > g->seen + 1) {
		off_t at = g->seen + (off_t)below(g, (uint64_t)(st.st_size - g->seen));
		fseeko(f, at, SEEK_SET);
		int c = getc(f);
		fseeko(f, at, SEEK_SET);
		putc(c ^ 0x55, f);
	}
	fclose(f);
}

/* --- questions ------------------------------------------------------------------------------- */

static char *json_of(struct mm_report *r)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(mm_report_json(r, "0", out), 0);
	fclose(out);
	mm_report_free(r);
	return text;
}

static void ask(struct growing *g, struct mm_model_options *o, char from[32], char to[32], uint64_t end)
{
	*o = (struct mm_model_options){ .trace = "t", .by = MM_BY_SITE,
		.metric = (enum mm_metric)below(g, MM_METRIC_COUNT), .top = below(g, 2) ? 200 : 5,
		.tree = (enum mm_tree)below(g, 3), .tree_ppm = 2000, .objects = (int)below(g, 2),
		.process = below(g, 3) ? NULL : below(g, 2) ? "all" : "#1" };
	o->map = (struct mm_map_request){ .want = (int)below(g, 2), .range = (uint32_t)below(g, 3),
		.cells = 1 + (uint32_t)below(g, 2000) };
	if (below(g, 3) == 0) {
		o->map.cell_bytes = 16u << below(g, 12);
		o->map.addr = UINT64_C(0x555500000000) + below(g, 1 << 20);
	}
	uint64_t a = below(g, end + 2), b = below(g, end + 2);
	snprintf(from, 32, "%" PRIu64 "ns", a < b ? a : b);
	snprintf(to, 32, "%" PRIu64 "ns", a < b ? b : a);
	o->from = below(g, 2) ? from : NULL;
	o->to = below(g, 2) ? to : NULL;
}

static void show_difference(const struct growing *g, const char *x, const char *y, const char *what,
			    const struct mm_model_options *o)
{
	size_t i = 0;

	while (x[i] && x[i] == y[i])
		i++;
	size_t from = i > 200 ? i - 200 : 0;
	fail_msg("trace %u, %s, from %s to %s process %s metric %d tree %d map %d objects %d at byte %zu:\n"
		 "incremental: %.300s\nfresh:       %.300s", g->round, what, o->from ? o->from : "-",
		 o->to ? o->to : "-", o->process ? o->process : "-", (int)o->metric, (int)o->tree,
		 o->map.want, o->objects, i, x + from, y + from);
}

static int fresh(struct growing *g, const struct mm_model_options *options, struct mm_report **ret)
{
	struct mm_model_options o = *options;
	struct mm_reader *r;
	int err = mm_reader_open(&r, g->path, NULL);

	if (err)
		return err;
	assert_int_equal(mm_categories_load(&o.categories, NULL, NULL), 0);
	err = mm_model_report(ret, r, &o, NULL);
	mm_categories_free(o.categories);
	mm_reader_close(r);
	return err;
}

/* The token at *p: a text, a number, null or a sign; *p moves behind it. */
static size_t token(const char **p, const char **ret)
{
	const char *at = *p + strspn(*p, " \n");
	size_t n = 1;

	*ret = at;
	if (*at == '"') {
		while (at[n] && at[n] != '"')
			n += at[n] == '\\' ? 2 : 1;
		n++;
	} else {
		n = strcspn(at, ",:{}[] \n");
		n = n || !*at ? n : 1;
	}
	*p = at + n;
	return n;
}

/* NULL when a says null wherever it does not say what b says; else the place in a. A list may be
 * null as a whole. */
static const char *neither_same_nor_unknown(const char *a, const char *b)
{
	while (*a && *b) {
		const char *x, *y;
		size_t n = token(&a, &x), m = token(&b, &y);
		if (n == m && memcmp(x, y, n) == 0)
			continue;
		/* What a leak is, and whether it ever was freed, say no more where that is unknown. */
		if (memcmp(x, "false", 5) == 0 || memcmp(x, "\"still_live\"", 12) == 0)
			continue;
		if (n != 4 || memcmp(x, "null", 4) != 0)
			return x;
		for (int depth = (*y == '{' || *y == '['); depth && *b;) {
			token(&b, &y);
			depth += (*y == '{' || *y == '[') - (*y == '}' || *y == ']');
		}
	}
	return *a == *b ? NULL : a;
}

static void compare(struct growing *g, struct mm_inquiry *q, uint64_t end)
{
	struct mm_model_options o;
	struct mm_report *mine, *theirs;
	char from[32], to[32];

	ask(g, &o, from, to, end);
	o.quick = below(g, 4) == 0 ? 1 + (int)below(g, 2) : 0;
	int err = mm_inquiry_report(&mine, q, &o, NULL), quick = o.quick;
	o.quick = 0;
	int other = fresh(g, &o, &theirs);
	if (err != other)
		fail_msg("trace %u: %d, but afresh %d (from %s to %s, process %s)", g->round, err, other,
			 o.from ? o.from : "-", o.to ? o.to : "-", o.process ? o.process : "-");
	if (err)
		return;
	char *x = json_of(mine), *y = json_of(theirs);
	const char *bad = quick ? neither_same_nor_unknown(x, y) : NULL;
	if (bad)
		print_error("neither the same nor unknown: %.*s\n", 300, bad - x > 100 ? bad - 100 : x);
	if (quick ? bad != NULL : strcmp(x, y) != 0)
		show_difference(g, x, y, quick ? "quick" : "whole", &o);
	free(x);
	free(y);
}

/* --- all together ----------------------------------------------------------------------------- */

static void begin(struct growing *g, unsigned round)
{
	struct mm_writer_options o = tg_options();

	*g = (struct growing){ .state = seed_of(round), .round = round, .path = tg_path("inquiries"),
			       .seen = MM_FILE_HEADER };
	g->damages = below(g, 4) == 0;
	o.time_resolution_ns = 1000;
	o.no_addresses = below(g, 6) == 0;
	if (!g->damages && below(g, 4) == 0) {
		o.max_bytes = MM_MAX_BYTES_LEAST << below(g, 5);
		o.keep = below(g, 2) ? MM_KEEP_LAST : MM_KEEP_FIRST;
	}
	assert_int_equal(mm_writer_open(&g->w, g->path, &o, NULL), 0);
	tg_begin(&g->streams[0], g->w, seed_of(round), "demo --fast");
	g->streams[0].no_addresses = o.no_addresses;
	g->count = 1;
}

static void maybe_fork(struct growing *g)
{
	if (g->count == STREAMS || below(g, 8))
		return;
	uint64_t now = g->streams[0].now;
	tg_begin(&g->streams[g->count], g->w, seed_of(g->round) + g->count, "demo child");
	g->streams[g->count].now = now;
	g->streams[g->count++].no_addresses = g->streams[0].no_addresses;
}

static void look(struct growing *g, struct mm_reader **r, struct mm_inquiry **q,
		 struct mm_categories **c)
{
	struct stat st;
	int got = *q ? mm_inquiry_refresh(*q, NULL) : MM_ENOENT;

	if (got == MM_ENOENT) { /* another file, or the first look */
		struct mm_inquiry_options o = { 0 };
		mm_inquiry_close(*q);
		if (*r)
			mm_reader_close(*r);
		if (*c)
			mm_categories_free(*c);
		assert_int_equal(mm_categories_load(c, NULL, NULL), 0);
		assert_int_equal(mm_reader_open(r, g->path, NULL), 0);
		o.categories = *c;
		assert_int_equal(mm_inquiry_open(q, *r, &o), 0);
	} else {
		assert_true(got >= 0);
	}
	g->seen = stat(g->path, &st) == 0 ? st.st_size : MM_FILE_HEADER;
}

static void one_trace(unsigned round)
{
	struct growing g;
	struct mm_reader *r = NULL;
	struct mm_inquiry *q = NULL;
	struct mm_categories *c = NULL;

	begin(&g, round);
	mm_writer_sync(g.w, 0, 1);
	for (int i = 0; i < 25; i++) {
		grow(&g);
		maybe_fork(&g);
		if (g.damages && below(&g, 4) == 0)
			damage(&g);
		look(&g, &r, &q, &c);
		for (uint64_t n = below(&g, 4); n; n--)
			compare(&g, q, mm_reader_info(r)->duration_ns);
	}
	mm_writer_close(g.w, NULL);
	look(&g, &r, &q, &c);
	for (int n = 0; n < 6; n++)
		compare(&g, q, mm_reader_info(r)->duration_ns);
	mm_inquiry_close(q);
	mm_reader_close(r);
	mm_categories_free(c);
	for (uint32_t i = 0; i < g.count; i++)
		tg_end(&g.streams[i]);
	unlink(g.path);
	free(g.path);
}

static void reports_are_those_made_afresh(void **state)
{
	const char *first = getenv("MMTOP_ABUSE_FIRST");

	(void)state;
	for (unsigned i = first ? (unsigned)atol(first) : 0; i < rounds(); i++)
		one_trace(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reports_are_those_made_afresh) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
