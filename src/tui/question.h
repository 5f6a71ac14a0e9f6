/* question.h: where the view gets its reports from: what it asks, and who answers.
 *
 * The view knows no trace, no file and no process: the command line wires an answer to it.
 * Vocabulary: question = what a screen needs to be drawn; live = the trace still grows.
 */
#ifndef MM_TUI_QUESTION_H
#define MM_TUI_QUESTION_H

#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "model/report.h"

enum { MM_QUESTION_PROCESS = 24 };

struct mm_question {
	char process[MM_QUESTION_PROCESS]; /* "#NUMBER", a PID, "all"; "" = as the source was told */
	uint64_t from_ns, to_ns;  /* MM_UNKNOWN in to_ns = the end */
	enum mm_metric metric;
	enum mm_tree tree;
	int all;                  /* whatever it costs: nothing is left unknown to save time */
	int objects;              /* what only the live objects one by one tell */
	int map;                  /* the fragmentation map is wanted */
	uint32_t map_range;       /* number + 1; 0 = the one with most in it */
	uint64_t map_addr, map_cell_bytes; /* 0 = its begin; 0 = all of it */
	uint32_t map_cells;
};

/* Whether one answer serves both. Pure. */
int mm_question_same(const struct mm_question *a, const struct mm_question *b);

enum mm_source_state { MM_SOURCE_FILE /* a trace that does not grow */, MM_SOURCE_LIVE,
	MM_SOURCE_ENDED /* while it was watched */, MM_SOURCE_KILLED };

struct mm_source {
	void *ctx;
	const char *name;  /* of the trace, for the title */
	/* The report that answers; the caller's, by mm_report_free. MM_EAGAIN: it is being made;
	 * the same question again gets it. */
	int (*report)(void *ctx, const struct mm_question *q, struct mm_report **ret,
		      struct mm_diag *diag);
	/* Looks for what came since: 1 when an answer may be another now, 0, or an error. */
	int (*refresh)(void *ctx, struct mm_diag *diag);
	/* 1 while names are being looked up, which refresh then tells of. */
	int (*pending)(void *ctx);
	enum mm_source_state (*state)(void *ctx);
	/* As `mmprof report --json` prints it. */
	int (*json)(void *ctx, const struct mm_report *r, FILE *out);
};

#endif
