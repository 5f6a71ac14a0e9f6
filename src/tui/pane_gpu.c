/* pane_gpu.c: see below. */
#include "tui/top_parts.h"

static const char *lacks(const struct mm_top *t)
{
	(void)t;
	return "This trace says nothing about it.";
}

const struct mm_pane mm_pane_gpu = { .title = "GPU", .exports = "gpu", .sort = -1, .lacks = lacks };
