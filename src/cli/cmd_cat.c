/* cmd_cat.c: mmprof cat: every event of a trace, as text or as JSON lines.
 *
 * Promise: prints what the trace holds and nothing else; what a gap made unknown is "?"
 * (null in JSON). Names come from the trace's own symbols; without them a site is
 * module+offset. Events of all processes are merged by time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/units.h"
#include "cli/cat_print.h"
#include "cli/cli.h"
#include "core/error.h"
#include "trace/reader.h"

enum { OPT_JSON, OPT_KIND, OPT_THREAD, OPT_PROCESS, OPT_SITE, OPT_ADDRESS, OPT_MIN_SIZE,
	OPT_MAX_SIZE, OPT_FROM, OPT_TO, OPT_COUNT };

static const struct mm_cli_option cat_options[] = {
	[OPT_JSON] = { "json", 0, NULL, "one JSON object a line" },
	[OPT_KIND] = { "kind", 0, "KIND", "only events of this kind (malloc, free, realloc-in,\n"
		"mark ...), or of these: KIND,KIND" },
	[OPT_THREAD] = { "thread", 0, "THREAD", "only of this thread: its id or its name" },
	[OPT_PROCESS] = { "process", 0, "PID", "only of this process; all = every one (default)" },
	[OPT_SITE] = { "site", 0, "N", "only allocations of site N and their frees" },
	[OPT_ADDRESS] = { "address", 0, "ADDRESS", "only of objects that hold this address" },
	[OPT_MIN_SIZE] = { "min-size", 0, "SIZE", "only of objects of at least SIZE" },
	[OPT_MAX_SIZE] = { "max-size", 0, "SIZE", "only of objects of at most SIZE" },
	[OPT_FROM] = { "from", 0, "TIME", "from this time on: 12.5s, 1:02.5, 50%, peak, mark:NAME" },
	[OPT_TO] = { "to", 0, "TIME", "up to this time" },
	[OPT_COUNT] = { "count", 'n', "N", "at most N events" },
};

static const struct mm_cli_command cat_command = {
	.verb = "cat",
	.usage = "[OPTION]... [TRACE]",
	.about = "Prints every event of TRACE (default trace.bin; - = standard input), one a line:\n"
		 "time, process, thread, kind, slot, address, size, alignment and site.",
	.more = "A death repeats size, address and site of its object; ? is what damage to the\n"
		"trace made unknown.",
	.options = cat_options,
	.option_count = sizeof cat_options / sizeof cat_options[0],
	.trouble = MM_CLI_TROUBLE,
};

struct filter {
	int json;
	const char *kinds, *thread;
	uint64_t pid;     /* MM_UNKNOWN = all */
	uint64_t site, address, min_size, max_size; /* MM_UNKNOWN = any */
	struct mm_moment from, to;
	uint64_t from_ns, to_ns;
	uint64_t count;
};

/* --- filtering ---------------------------------------------------------------------------- */

/* Is name one of the comma-separated list? */
static int in_list(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, name, len) == 0 && (p[len] == ',' || !p[len]))
			return 1;
	return 0;
}

static int thread_fits(const struct mm_reader *r, uint32_t process, uint32_t thread,
		       const char *want)
{
	const struct mm_thread *t = mm_reader_thread(r, process, thread);
	char tid[16];

	snprintf(tid, sizeof tid, "%u", t->tid);
	return strcmp(want, tid) == 0 || strcmp(want, t->name) == 0;
}

static int object_fits(const struct filter *f, const struct mm_event *ev)
{
	if (f->site != MM_UNKNOWN && mm_cat_site(ev) != f->site)
		return 0;
	if (f->address != MM_UNKNOWN) {
		uint64_t span = ev->size == MM_UNKNOWN || !ev->size ? 1 : ev->size;
		if (!ev->addr || f->address - ev->addr >= span)
			return 0;
	}
	if (f->min_size == MM_UNKNOWN && f->max_size == MM_UNKNOWN)
		return 1;
	if (!mm_cat_has_size(ev) || ev->size == MM_UNKNOWN)
		return 0;
	return (f->min_size == MM_UNKNOWN || ev->size >= f->min_size) && ev->size <= f->max_size;
}

static int fits(const struct filter *f, const struct mm_reader *r, uint32_t process,
		const struct mm_event *ev)
{
	char name[MM_CAT_KIND];

	if (ev->time < f->from_ns || ev->time > f->to_ns)
		return 0;
	if (f->kinds) {
		mm_cat_kind(ev->kind, name);
		if (!in_list(f->kinds, name))
			return 0;
	}
	if (f->thread && !thread_fits(r, process, ev->thread, f->thread))
		return 0;
	return object_fits(f, ev);
}

/* --- merging processes ------------------------------------------------------------------------------ */

struct walk {
	uint32_t process;
	struct mm_cursor *cursor; /* NULL until its first chunk is due, and after its end */
	struct mm_event ev;       /* next to print */
	uint64_t due;             /* its time; MM_UNKNOWN = at its end */
};

struct merge {
	struct mm_reader *r;
	struct walk *walks;
	size_t count, cap;
};

/* The chunk that a walk from `from` has to begin with. */
static uint32_t chunk_at(const struct mm_reader *r, uint32_t process, uint64_t from)
{
	uint32_t lo = 0, hi = mm_reader_chunks(r, process);

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (mm_reader_chunk(r, process, mid)->last_time < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int merge_begin(struct merge *m, struct mm_reader *r, const struct filter *f)
{
	memset(m, 0, sizeof *m);
	m->r = r;
	for (uint32_t i = 0; i < mm_reader_processes(r); i++) {
		uint32_t chunk = chunk_at(r, i, f->from_ns);
		if (f->pid != MM_UNKNOWN && mm_reader_process(r, i)->pid != f->pid)
			continue;
		if (chunk >= mm_reader_chunks(r, i))
			continue;
		if (MM_GROW(m->walks, m->cap, m->count + 1))
			return MM_ENOMEM;
		m->walks[m->count++] = (struct walk){ .process = i,
			.due = mm_reader_chunk(r, i, chunk)->first_time };
	}
	return MM_OK;
}

static int advance(struct walk *w)
{
	int more = mm_cursor_next(w->cursor, &w->ev);

	w->due = more > 0 ? w->ev.time : MM_UNKNOWN;
	if (more <= 0) {
		mm_cursor_close(w->cursor);
		w->cursor = NULL;
	}
	return more < 0 ? more : MM_OK;
}

/* Next event in order of time: its walk in *ret, NULL at the end. The event is its `ev`
 * until advance. */
static int merge_next(struct merge *m, uint64_t from, struct walk **ret)
{
	for (;;) {
		struct walk *first = NULL;
		for (size_t i = 0; i < m->count; i++)
			if (m->walks[i].due != MM_UNKNOWN &&
			    (!first || m->walks[i].due < first->due))
				first = &m->walks[i];
		if (!first || first->cursor) {
			*ret = first;
			return MM_OK;
		}
		int err = mm_cursor_open(&first->cursor, m->r, first->process,
					 chunk_at(m->r, first->process, from), NULL);
		if (!err)
			err = advance(first);
		if (err)
			return err;
	}
}

static void merge_end(struct merge *m)
{
	for (size_t i = 0; i < m->count; i++)
		mm_cursor_close(m->walks[i].cursor);
	free(m->walks);
}

static int print_all(struct mm_reader *r, const struct filter *f)
{
	struct mm_buf scratch = { 0 };
	struct merge m;
	struct walk *w;
	uint64_t printed = 0;
	int err = merge_begin(&m, r, f);

	while (!err && printed < f->count && !(err = merge_next(&m, f->from_ns, &w)) && w) {
		if (w->ev.time > f->to_ns || ferror(stdout))
			break;
		if (fits(f, r, w->process, &w->ev)) {
			if (f->json)
				mm_cat_json(r, w->process, &w->ev, &scratch);
			else
				mm_cat_text(r, w->process, &w->ev, &scratch);
			printed++;
		}
		err = advance(w);
	}
	merge_end(&m);
	mm_buf_deinit(&scratch);
	return err;
}

/* --- times ---------------------------------------------------------------------------------------------- */

static int find_mark(struct mm_reader *r, const char *name, uint64_t *ret)
{
	struct filter all = { .pid = MM_UNKNOWN, .to_ns = MM_UNKNOWN };
	struct merge m;
	struct walk *w;
	int err = merge_begin(&m, r, &all), found = 0;

	while (!err && !found && !(err = merge_next(&m, 0, &w)) && w) {
		found = w->ev.kind == MM_EV_MARK && w->ev.text_len == strlen(name) &&
			memcmp(w->ev.text, name, w->ev.text_len) == 0;
		if (found)
			*ret = w->ev.time;
		else
			err = advance(w);
	}
	merge_end(&m);
	return err ? err : found ? MM_OK : MM_ENOENT;
}

static int resolve(struct mm_reader *r, const struct mm_moment *at, uint64_t *ret)
{
	switch (at->kind) {
	case MM_MOMENT_RATIO:
		*ret = (uint64_t)((double)mm_reader_info(r)->duration_ns * at->ppm / 1e6);
		return MM_OK;
	case MM_MOMENT_PEAK:
		*ret = mm_reader_totals(r, 0)->peak_time;
		return MM_OK;
	case MM_MOMENT_MARK:
		return find_mark(r, at->mark, ret);
	}
	*ret = at->ns;
	return MM_OK;
}

static void warn_of_gaps(const char *path, const struct mm_reader *r)
{
	const struct mm_trace_info *info = mm_reader_info(r);
	uint64_t lost = info->unlisted_events;

	for (uint32_t i = 0; i < mm_reader_processes(r); i++)
		lost += mm_reader_lost(r, i);
	if (info->damaged_blocks || info->lost_bytes)
		mm_cli_warn("%s: damaged or cut short: %llu bytes could not be read; what is whole "
			    "follows", path, (unsigned long long)info->lost_bytes);
	if (lost)
		mm_cli_warn("%s: %llu events were not recorded; what was follows", path,
			    (unsigned long long)lost);
}

static int cat(const char *path, struct filter *f)
{
	struct mm_reader *r;
	struct mm_diag diag = { "" };
	int err = mm_reader_open(&r, path, &diag);

	if (err) {
		mm_cli_fail(&diag, err);
		return MM_CLI_TROUBLE;
	}
	warn_of_gaps(path, r);
	err = resolve(r, &f->from, &f->from_ns);
	if (!err)
		err = resolve(r, &f->to, &f->to_ns);
	if (err == MM_ENOENT)
		mm_cli_error("%s: no such mark", path);
	else if (!err)
		err = print_all(r, f);
	if (err && err != MM_ENOENT)
		mm_cli_fail(NULL, err);
	mm_reader_close(r);
	return mm_cli_flush(err ? MM_CLI_TROUBLE : MM_CLI_OK, MM_CLI_TROUBLE);
}

/* --- options --------------------------------------------------------------------------------------------- */

static int parse_number(const char *text, uint64_t *ret)
{
	char *end;

	if (*text == '-' || !*text)
		return MM_EINVAL;
	*ret = strtoull(text, &end, 0);
	return *end ? MM_EINVAL : MM_OK;
}

/* Every word of a list must be a kind that an event can be shown as. */
static int take_kinds(const char *list, const char **ret)
{
	char name[MM_CAT_KIND];
	size_t found = 0, words = 1;

	for (const char *p = list; *p; p++)
		words += *p == ',';
	for (unsigned kind = 0; kind <= UINT8_MAX; kind++) {
		mm_cat_kind(kind, name);
		found += (size_t)in_list(list, name);
	}
	if (found != words)
		return MM_EINVAL;
	*ret = list;
	return MM_OK;
}

static int take_option(struct filter *f, int option, const char *value)
{
	switch (option) {
	case OPT_JSON: f->json = 1; return MM_OK;
	case OPT_KIND: return take_kinds(value, &f->kinds);
	case OPT_THREAD: f->thread = value; return MM_OK;
	case OPT_PROCESS:
		f->pid = MM_UNKNOWN;
		return strcmp(value, "all") == 0 ? MM_OK : parse_number(value, &f->pid);
	case OPT_SITE: return parse_number(value, &f->site);
	case OPT_ADDRESS: return parse_number(value, &f->address);
	case OPT_MIN_SIZE: return mm_parse_size(value, &f->min_size);
	case OPT_MAX_SIZE: return mm_parse_size(value, &f->max_size);
	case OPT_FROM: return mm_parse_time(value, &f->from);
	case OPT_TO: return mm_parse_time(value, &f->to);
	}
	return parse_number(value, &f->count);
}

int mm_cmd_cat(int argc, char **argv)
{
	struct filter f = { .pid = MM_UNKNOWN, .site = MM_UNKNOWN, .address = MM_UNKNOWN,
		.min_size = MM_UNKNOWN, .max_size = MM_UNKNOWN, .count = MM_UNKNOWN,
		.to = { .kind = MM_MOMENT_NS, .ns = MM_UNKNOWN } };
	struct mm_cli_parse p;
	int option;

	mm_cli_begin(&p, &cat_command, argc, argv);
	while ((option = mm_cli_next(&p)) >= 0)
		if (take_option(&f, option, p.value))
			return mm_cli_usage(&p, "--%s: '%s' is not understood",
					    cat_options[option].name, p.value);
	if (option == MM_CLI_STOP)
		return p.status;
	if (argc - p.operand > 1)
		return mm_cli_usage(&p, "one trace at a time");
	return cat(p.operand < argc ? argv[p.operand] : "trace.bin", &f);
}
