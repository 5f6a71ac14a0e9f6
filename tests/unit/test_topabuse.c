/* test_topabuse.c: mmtop over traces that are damaged, or that say what no program would.
 *
 * MMTOP_ABUSE = so many traces of each kind (default 40), MMTOP_ABUSE_SEED = other ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "abusekit.h"
#include "core/error.h"
#include "modelkit.h"
#include "topkit.h"
#include "trace/notice.h"

static unsigned rounds(unsigned usual)
{
	const char *wanted = getenv("MMTOP_ABUSE");

	return wanted ? (unsigned)atol(wanted) : usual;
}

static uint64_t seed_of(unsigned round)
{
	const char *wanted = getenv("MMTOP_ABUSE_SEED");

	return ((wanted ? strtoull(wanted, NULL, 10) : 1) * UINT64_C(1000003) + round + 1) *
	       UINT64_C(0x9e3779b97f4a7c15) | 1;
}

static uint8_t *load(const char *name, size_t *ret_len)
{
	const char *top = getenv("top_srcdir");
	char path[512];
	uint8_t *data = malloc(1 << 20);

	snprintf(path, sizeof path, "%s/traces/%s", top ? top : ".", name);
	FILE *f = fopen(path, "rb");
	assert_true(f && data);
	*ret_len = fread(data, 1, 1 << 20, f);
	fclose(f);
	return data;
}

static void save(char *path, const uint8_t *data, size_t len)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	close(fd);
}

/* So that a run that dies or hangs can be seen again alone. */
static void note(const char *what, unsigned round)
{
	if (getenv("MMTOP_ABUSE_SAY"))
		fprintf(stderr, "%s %u\n", what, round);
	alarm(60);
}

static void damaged_traces(void **state)
{
	static const char *const names[] = { "v1-voxel.mmt", "v1-pools.mmt", "v1.mmt", "v1-bounded.mmt",
					     "mmdig.mmt", "mmdig-pools.mmt" };
	unsigned opened = 0;

	(void)state;
	for (unsigned i = 0; i < rounds(40); i++) {
		struct abuse a = { seed_of(i) };
		char path[] = "/tmp/topabuse-XXXXXX";
		uint8_t *data, *bad;
		size_t len, bad_len;
		note("damaged", i);
		data = load(names[i % 2 ? 0 : i / 2 % 6], &len);
		abuse_damage(&a, data, len, &bad, &bad_len);
		save(path, bad, bad_len);
		opened += abuse_explore(&a, path, 60) == 0;
		unlink(path);
		free(data);
		free(bad);
	}
	alarm(0);
	assert_true(opened > rounds(40) / 4);
}

/* --- what no program would say ----------------------------------------------------------------- */

static uint64_t wild_number(struct abuse *a, uint64_t few)
{
	switch (abuse_below(a, 8)) {
	case 0: return MM_UNKNOWN;
	case 1: return MM_UNKNOWN - 1 - abuse_below(a, 3);
	case 2: return UINT64_C(1) << 63;
	case 3: return (UINT64_C(1) << 32) - 2 + abuse_below(a, 4);
	case 4: return UINT64_C(1) << abuse_below(a, 64);
	case 5: return 0;
	default: return abuse_below(a, few);
	}
}

static char wild_text[1 << 16];

static struct mm_span wild_span(struct abuse *a)
{
	static const char *const some[] = { "", "budget", "pressure", "a", "b", "c\0d", "\033[2J", "S.I.V.T." };
	uint64_t how = abuse_below(a, 40);
	const char *text = some[how % 8];

	if (how == 39)
		return (struct mm_span){ wild_text, (uint32_t)abuse_below(a, sizeof wild_text) };
	if (how > 36)
		return (struct mm_span){ wild_text + abuse_below(a, 1 << 15), (uint32_t)abuse_below(a, 40) };
	return (struct mm_span){ text, (uint32_t)strlen(text) };
}

static struct mm_notice wild_notice(struct abuse *a, unsigned kind, uint64_t few)
{
	struct mm_notice n = mm_notice_unknown();
	size_t count;
	const struct mm_notice_field *f = mm_notice_fields(kind, &count);

	for (size_t i = 0; i < count; i++) {
		struct mm_span s = wild_span(a);
		uint64_t v = wild_number(a, few);
		if (f[i].is_text)
			memcpy((char *)&n + f[i].offset, &s, sizeof s);
		else
			memcpy((char *)&n + f[i].offset, &v, sizeof v);
	}
	return n;
}

static void wild_other(struct abuse *a, struct kit *k, uint32_t p, uint64_t time, uint64_t few)
{
	struct mm_event ev = { .kind = (uint8_t)(MM_EV_OTHER + abuse_below(a, 28)), .thread = 0,
		.slot = MM_NO_SLOT, .time = time, .size = wild_number(a, 1000), .value =
		(int64_t)wild_number(a, 1000), .addr = wild_number(a, 1 << 20), .pool =
		(uint32_t)abuse_below(a, 5), .blocks = wild_number(a, 1000) };
	struct mm_span text = wild_span(a);
	struct mm_notice n;
	struct mm_sample s;
	size_t count;

	ev.text = text.text;
	ev.text_len = text.len;
	if (mm_notice_fields(ev.kind, &count)) {
		n = wild_notice(a, ev.kind, few);
		ev.notice = &n;
	}
	if (ev.kind == MM_EV_SAMPLE) {
		uint64_t *v = (uint64_t *)&s;
		for (size_t i = 0; i < sizeof s / 8; i++)
			v[i] = wild_number(a, 2000000);
		ev.sample = &s;
	}
	if (ev.kind != MM_EV_DISCARD || abuse_below(a, 10) == 0)
		mm_stream_other(k->streams[p], &ev);
}

/* What the writer refuses is not in the trace. */
static void wild_object(struct abuse *a, struct kit *k, uint32_t p, uint32_t *sites, uint64_t time)
{
	struct mm_event ev = { .kind = (uint8_t)abuse_below(a, 6), .site = sites[abuse_below(a, 4)],
		.align_log2 = (uint8_t)abuse_below(a, 70), .time = time,
		.size = abuse_below(a, 4) ? abuse_below(a, 100000) : wild_number(a, 1 << 20),
		.addr = wild_number(a, UINT64_C(1) << 40) };
	uint32_t slot;

	if (abuse_below(a, 3)) {
		mm_stream_birth(k->streams[p], &ev, &slot);
		return;
	}
	ev = (struct mm_event){ .kind = MM_EV_FREE + (uint8_t)abuse_below(a, 5), .time = time,
				.slot = (uint32_t)abuse_below(a, 200) };
	mm_stream_death(k->streams[p], &ev);
}

static void write_wild(struct abuse *a, struct kit *k, unsigned events, uint64_t few)
{
	uint32_t sites[4], processes = 1 + (uint32_t)abuse_below(a, 2);
	uint64_t time = abuse_below(a, 2) ? 0 : wild_number(a, 1000) / 4;

	kit_begin(k);
	for (uint32_t p = 0; p < processes; p++) {
		kit_process(k, 7 + p, p ? MM_START_FORK : MM_START_COMMAND, 0);
		kit_thread(k, p, 7, "wild");
		for (uint32_t i = 0; i < 4; i++)
			sites[i] = kit_site(k, p, i == 3 ? kit_category(k, p, 0, "a") : 0, i ? "f" : "", "x.c", i);
	}
	for (unsigned i = 0; i < events; i++) {
		uint32_t p = (uint32_t)abuse_below(a, processes);
		time += abuse_below(a, 3) ? abuse_below(a, 1 << 20) : 0;
		if (abuse_below(a, 500) == 0)
			time += UINT64_C(1) << abuse_below(a, 60);
		if (abuse_below(a, 3))
			wild_other(a, k, p, time, few);
		else
			wild_object(a, k, p, sites, time);
	}
	kit_reader(k);
}

static void wild_traces(void **state)
{
	(void)state;
	struct abuse fill = { 77 };
	for (size_t i = 0; i < sizeof wild_text; i++)
		wild_text[i] = (char)(i % 7 ? abuse_random(&fill) : '.');
	for (unsigned i = 0; i < rounds(40); i++) {
		struct abuse a = { seed_of(i + 500000) };
		struct kit k;
		note("wild", i);
		write_wild(&a, &k, 50 + (unsigned)abuse_below(&a, i % 20 ? 3000 : 60000), i % 3 ? 6 : 5000);
		abuse_explore(&a, k.path, 80);
		kit_end(&k);
	}
	alarm(0);
}

/* A program may name each thing once: what is made of it takes no time of its square. */
static void very_many_names(void **state)
{
	static const uint8_t kinds[] = { MM_EV_METRIC, MM_EV_MARK, MM_EV_BUDGET };
	struct abuse a = { 5 };
	struct kit k;
	char name[32];

	(void)state;
	kit_begin(&k);
	kit_process(&k, 7, MM_START_COMMAND, 0);
	kit_thread(&k, 0, 7, "main");
	for (uint64_t i = 0; i < 300000; i++) {
		snprintf(name, sizeof name, "name %u", (unsigned)i);
		kit_text(&k, 0, kinds[i % 8 < 6 ? 0 : i % 8 - 5], name, (int64_t)i, 1000 * i);
	}
	kit_reader(&k);
	note("very many names", 0);
	assert_int_equal(abuse_explore(&a, k.path, 0), 0);
	alarm(0);
	kit_end(&k);
}

/* --- nothing yet ------------------------------------------------------------------------------ */

static int no_report(void *ctx, const struct mm_question *q, struct mm_report **ret,
		     struct mm_diag *diag)
{
	(void)ctx;
	(void)q;
	(void)ret;
	return mm_fail(diag, MM_ENOENT, "nothing yet");
}

static int nothing(void *ctx) { return ctx != NULL; }
static int no_news(void *ctx, struct mm_diag *diag) { (void)diag; return ctx != NULL; }
static enum mm_source_state is_live(void *ctx) { (void)ctx; return MM_SOURCE_LIVE; }
static int no_json(void *ctx, const struct mm_report *r, FILE *out)
{
	(void)ctx; (void)r; (void)out;
	return MM_ENOENT;
}

/* A recording that has just begun: there is no report, and any key may be pressed. */
static void keys_before_the_first_event(void **state)
{
	const struct mm_source source = { NULL, "trace", no_report, no_news, nothing, is_live, no_json };
	struct mm_top_options options = { .readonly = 1 };

	(void)state;
	for (unsigned i = 0; i < rounds(40); i++) {
		struct topkit k = { 0 };
		struct abuse a = { seed_of(i + 900000) };
		assert_int_equal(mm_top_create(&k.top, &options, &source), 0);
		assert_int_equal(mm_top_update(k.top, NULL), 0);
		abuse_keys(&a, &k, 400);
		assert_null(mm_top_report(k.top));
		mm_canvas_deinit(&k.canvas);
		mm_top_destroy(k.top);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_before_the_first_event),
		cmocka_unit_test(damaged_traces),
		cmocka_unit_test(wild_traces),
		cmocka_unit_test(very_many_names),
	};
	const char *only = getenv("MMTOP_ABUSE_ONLY");

	if (only)
		cmocka_set_test_filter(only);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
