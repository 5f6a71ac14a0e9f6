/* question.c: when two questions are one (question.h). */
#include "tui/question.h"

#include <string.h>

int mm_question_same(const struct mm_question *a, const struct mm_question *b)
{
	return a->from_ns == b->from_ns && a->to_ns == b->to_ns && a->metric == b->metric &&
	       a->tree == b->tree && a->all == b->all && a->map == b->map && a->map_addr == b->map_addr &&
	       a->map_range == b->map_range && a->map_cell_bytes == b->map_cell_bytes &&
	       a->map_cells == b->map_cells && a->objects == b->objects &&
	       strcmp(a->process, b->process) == 0;
}
