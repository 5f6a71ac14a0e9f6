/* text_chain.c: the callers of a site in one line, and rows that look the same as one
 * (text_parts.h). */
#include <stdlib.h>
#include <string.h>

#include "view/text_parts.h"

/* What every stack ends with, and so tells nothing. */
static int is_startup(const char *name)
{
	return strncmp(name, "__libc_start_", 13) == 0 || strcmp(name, "_start") == 0 ||
	       strcmp(name, "start_thread") == 0 || strcmp(name, "clone3") == 0 ||
	       strcmp(name, "__clone") == 0;
}

/* The caller after frame i that is worth a word: the program's, with a name; or simply the
 * next where no caller is (`telling` = 0). */
static uint32_t next_caller(const struct mm_report *r, const struct mm_report_stack *s, uint32_t i,
			    int telling)
{
	for (i++; telling && i < s->count; i++) {
		const struct mm_report_frame *f = &r->frames[s->frames[i]];
		if (*f->function && f->kind == MM_FRAME_USER && !is_startup(f->name))
			break;
	}
	return i;
}

static int tells(const struct mm_report *r, const struct mm_report_stack *s)
{
	return s->count && (next_caller(r, s, s->first, 1) < s->count ||
			    strcmp(r->frames[s->frames[s->first]].name, "main") == 0);
}

void mm_text_chain(struct mm_pen *p, const struct mm_report *r, const struct mm_report_stack *s,
		   size_t indent, uint32_t sites)
{
	char also[32] = "";
	int telling = tells(r, s);
	uint32_t i = s->count ? next_caller(r, s, s->first, telling) : 0;

	if (sites > 1)
		snprintf(also, sizeof also, "  (%u stacks)", sites);
	if (i >= s->count && !*also)
		return;
	size_t left = mm_text_room(p, indent + strlen(also)), used = 0;
	mm_pen_pad(p, indent);
	mm_pen_ink(p, MM_INK_DIM);
	for (; i < s->count; i = next_caller(r, s, i, telling)) {
		const char *name = r->frames[s->frames[i]].name;
		if (used && mm_pen_columns(p, name) + 7 > left - used) {
			fputs(" ...", p->out);
			break;
		}
		fputs(used ? " < " : "< ", p->out);
		used += (used ? 3 : 2) + mm_pen_name(p, name, left - used - (used ? 7 : 6));
	}
	fputs(used ? also : also + 2 * (*also != 0), p->out);
	mm_pen_plain(p);
	fputc('\n', p->out);
}

/* --- rows that look the same --------------------------------------------------------- */

static int same_chain(const struct mm_report *r, const struct mm_report_stack *a,
		      const struct mm_report_stack *b)
{
	if (!a->count || !b->count)
		return a->count == b->count;
	int telling = tells(r, a);
	uint32_t i = next_caller(r, a, a->first, telling), k = next_caller(r, b, b->first, telling);

	while (i < a->count && k < b->count &&
	       strcmp(r->frames[a->frames[i]].name, r->frames[b->frames[k]].name) == 0) {
		i = next_caller(r, a, i, telling);
		k = next_caller(r, b, k, telling);
	}
	return i >= a->count && k >= b->count && telling == tells(r, b);
}

static int look_same(const struct mm_report *r, const struct mm_report_row *a,
		     const struct mm_report_row *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->place, b->place) == 0 &&
	       same_chain(r, &r->stacks[a->stack], &r->stacks[b->stack]);
}

/* Puts row i, grown by another, where it belongs among the larger ones before it. */
static void move_up(struct mm_text_merged *m, size_t i)
{
	enum mm_metric metric = m->table.metric;

	for (; i > 0 && mm_measure_get(&m->rows[i].own, metric) >
			mm_measure_get(&m->rows[i - 1].own, metric); i--) {
		struct mm_report_row row = m->rows[i];
		uint32_t sites = m->sites[i];
		m->rows[i] = m->rows[i - 1];
		m->sites[i] = m->sites[i - 1];
		m->rows[i - 1] = row;
		m->sites[i - 1] = sites;
	}
}

static void merge_row(const struct mm_report *r, struct mm_text_merged *m,
		      const struct mm_report_row *row)
{
	for (size_t i = 0; i < m->table.count; i++)
		if (look_same(r, &m->rows[i], row)) {
			mm_measure_add(&m->rows[i].own, &row->own);
			m->sites[i]++;
			move_up(m, i);
			return;
		}
	m->rows[m->table.count] = *row;
	m->sites[m->table.count++] = 1;
}

/* Without memory the rows stay as they are. */
void mm_text_merge(const struct mm_report *r, const struct mm_report_table *t,
		   struct mm_text_merged *ret)
{
	struct mm_text_merged m = { .table = *t };

	m.rows = calloc(t->count + 1, sizeof *m.rows);
	m.sites = calloc(t->count + 1, sizeof *m.sites);
	if (!m.rows || !m.sites) {
		mm_text_merge_deinit(&m);
		return;
	}
	m.table.rows = m.rows;
	m.table.count = 0;
	for (size_t i = 0; i < t->count; i++)
		merge_row(r, &m, &t->rows[i]);
	*ret = m;
}

void mm_text_merge_deinit(struct mm_text_merged *m)
{
	free(m->rows);
	free(m->sites);
	m->rows = NULL;
	m->sites = NULL;
}
