/* topkit.h: mmtop over a trace of the tree, without the command line. */
#ifndef MM_TESTS_TOPKIT_H
#define MM_TESTS_TOPKIT_H

#include <stdint.h>

#include "cli/top_source.h"
#include "tui/top.h"

struct topkit {
	struct mm_top_source *source;
	struct mm_top *top;
	struct mm_canvas canvas;
};

/* A trace of the folder traces/ ("v1.mmt"); fails the test when it cannot be had. */
void topkit_begin(struct topkit *k, const char *trace, enum mm_screen screen);
/* The same by a path. */
void topkit_open(struct topkit *k, const char *path, enum mm_screen screen);
void topkit_end(struct topkit *k);

/* Another size, and the screen as it is then. */
void topkit_draw(struct topkit *k, int rows, int cols);

/* The row of the canvas as text without blanks at its end, into buf. */
const char *topkit_row(const struct topkit *k, int row, char *buf, size_t size);
/* 1 when any row holds the text. */
int topkit_shows(const struct topkit *k, const char *text);

/* Fails the test on a cell that no terminal should be given. */
void topkit_check_cells(const struct topkit *k);

#endif
