/* top_source.c: questions of the view, answered by the model (top_source.h). */
#include "config.h"

#include "cli/top_source.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/error.h"
#include "model/inquiry.h"
#include "model/model.h"
#include "symbol/categories.h"
#include "symbol/symbol.h"
#include "trace/reader.h"
#include "view/report_json.h"

enum { ROWS = 200, TREE_PPM = 2000, TIME_TEXT = 32 };

struct mm_top_source {
	struct mm_top_source_options options;
	struct mm_source view;
	struct mm_reader *reader;
	struct mm_categories *categories;
	struct mm_inquiry *inquiry;
	struct mm_registry_entry entry; /* of a live one */
	enum mm_source_state state;
};

static const char *time_text(uint64_t ns, char *buf)
{
	snprintf(buf, TIME_TEXT, "%" PRIu64 "ns", ns);
	return buf;
}

static int answer(void *ctx, const struct mm_question *q, struct mm_report **ret,
		  struct mm_diag *diag)
{
	struct mm_top_source *s = ctx;
	char from[TIME_TEXT], to[TIME_TEXT];
	struct mm_model_options o = {
		.trace = s->options.trace, .by = MM_BY_SITE, .metric = q->metric, .top = ROWS,
		.tree = q->tree, .tree_ppm = TREE_PPM, .process = q->process[0] ? q->process : s->options.process,
		.from = q->from_ns ? time_text(q->from_ns, from) : NULL,
		.to = q->to_ns != MM_UNKNOWN ? time_text(q->to_ns, to) : NULL,
		.quick = q->all ? 0 : s->state == MM_SOURCE_LIVE ? 2 : 1, .objects = q->objects,
		.map = { .want = q->map, .range = q->map_range, .addr = q->map_addr,
			 .cell_bytes = q->map_cell_bytes, .cells = q->map_cells },
	};

	return mm_inquiry_report(ret, s->inquiry, &o, diag);
}

static void close_trace(struct mm_top_source *s)
{
	mm_inquiry_close(s->inquiry);
	if (s->reader)
		mm_reader_close(s->reader);
	s->inquiry = NULL;
	s->reader = NULL;
}

static int open_trace(struct mm_top_source *s, struct mm_diag *diag)
{
	struct mm_symbol_options how = { 0 };
	struct mm_inquiry_options o = { .categories = s->categories,
		.later = s->options.no_symbols ? NULL : &how };
	struct mm_reader *reader;
	struct mm_inquiry *inquiry;
	int err = mm_reader_open(&reader, s->options.trace, diag);

	if (err)
		return err;
	if (s->reader && mm_reader_info(s->reader)->start_unix_ns != mm_reader_info(reader)->start_unix_ns) {
		mm_reader_close(reader);
		return mm_fail(diag, MM_ENOENT, "%s: another recording has this name now", s->options.trace);
	}
	err = mm_inquiry_open(&inquiry, reader, &o);
	if (err) {
		mm_reader_close(reader);
		return err;
	}
	close_trace(s);
	s->reader = reader;
	s->inquiry = inquiry;
	return MM_OK;
}

/* A bounded trace is replaced as it goes on. */
static int reopen(struct mm_top_source *s, struct mm_diag *diag)
{
	int err = open_trace(s, diag);

	return err ? err : 1;
}

static int look(void *ctx, struct mm_diag *diag)
{
	struct mm_top_source *s = ctx;

	if (s->state != MM_SOURCE_LIVE)
		return mm_inquiry_has_names(s->inquiry);
	int lives = mm_registry_lives(&s->entry); /* asked first: what it wrote last is read */
	int got = mm_inquiry_refresh(s->inquiry, diag);
	if (got == MM_ENOENT)
		got = reopen(s, diag);
	const struct mm_trace_info *info = mm_reader_info(s->reader);
	if (got >= 0 && (info->complete || info->closed))
		s->state = MM_SOURCE_ENDED;
	else if (!lives)
		s->state = MM_SOURCE_KILLED;
	if (got < 0 && s->state == MM_SOURCE_LIVE)
		return got;
	return got > 0 || s->state != MM_SOURCE_LIVE || mm_inquiry_has_names(s->inquiry);
}

static int pending(void *ctx)
{
	struct mm_top_source *s = ctx;

	return mm_inquiry_pending(s->inquiry) > 0;
}

static enum mm_source_state state(void *ctx)
{
	return ((struct mm_top_source *)ctx)->state;
}

static int json(void *ctx, const struct mm_report *r, FILE *out)
{
	(void)ctx;
	return mm_report_json(r, PACKAGE_VERSION, out);
}

int mm_top_source_open(struct mm_top_source **ret, const struct mm_top_source_options *options,
		       struct mm_diag *diag)
{
	struct mm_top_source *s = calloc(1, sizeof *s);

	if (!s)
		return MM_ENOMEM;
	s->options = *options;
	s->state = options->live ? MM_SOURCE_LIVE : MM_SOURCE_FILE;
	if (options->live)
		s->entry = *options->live;
	s->view = (struct mm_source){ .ctx = s, .name = options->trace, .report = answer,
		.refresh = look, .pending = pending, .state = state, .json = json };
	int err = mm_categories_load(&s->categories, s->options.categories, diag);
	if (!err)
		err = open_trace(s, diag);
	if (err) {
		mm_top_source_close(s);
		return err;
	}
	*ret = s;
	return MM_OK;
}

void mm_top_source_close(struct mm_top_source *s)
{
	if (!s)
		return;
	close_trace(s);
	if (s->categories)
		mm_categories_free(s->categories);
	free(s);
}

const struct mm_source *mm_top_source_view(struct mm_top_source *s)
{
	return &s->view;
}
