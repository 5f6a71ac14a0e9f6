/* table.h: rows and columns of values in a rect.
 *
 * Promise: columns that have no room go by priority, the first never; the widths are a pure
 * function of the columns and the room.
 * Vocabulary: column's `last` = the higher, the sooner it goes, 0 = it stays; list = which row
 * of those shown the cursor is on, and which is on top.
 */
#ifndef MM_TUI_TABLE_H
#define MM_TUI_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "tui/value.h"

struct mm_column {
	const char *title;
	uint8_t width;  /* columns; of one that takes what is left: the least */
	uint8_t exact;  /* width when bytes are exact; 0 = the same */
	uint8_t flex;   /* share of what is left over; 0 = none */
	uint8_t left;   /* its text begins at the left */
	uint8_t last;
};

enum { MM_COLUMNS_MOST = 16 };

/* Widths of the columns in `room` columns, one blank between; 0 = left out. Pure. */
void mm_table_widths(const struct mm_column *columns, int count, int room, int exact, int *ret);

struct mm_list { size_t at, first; };

/* Keeps at < count, and the cursor among the `rows` rows from `first` on. */
void mm_list_keep(struct mm_list *l, size_t count, int rows);

typedef void mm_cell_fn(void *ctx, size_t row, int column, struct mm_value *ret);

struct mm_table {
	const struct mm_column *columns;
	int count;
	size_t rows;             /* that there are */
	struct mm_list *list;    /* NULL = no cursor, from the first row on */
	mm_cell_fn *cell;
	void *ctx;
	int exact;               /* bytes */
	int sorted;              /* the column that rows are in order of, -1 none */
	int falling;
	const char *search;      /* "" none: rows of which a text holds it are marked */
};

/* Head and rows; gives the rows that were drawn. */
int mm_table_draw(struct mm_canvas *c, struct mm_rect r, const struct mm_table *t);

/* 1 when `text` holds `part`, whatever the case of ASCII letters. */
int mm_table_holds(const char *text, const char *part);

#endif
