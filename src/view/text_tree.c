/* text_tree.c: the call tree as text (text_parts.h). */
#include <stdlib.h>

#include "view/text_parts.h"

static int is_count(enum mm_metric metric)
{
	return metric == MM_METRIC_ALLOCS || metric == MM_METRIC_TEMPORARY;
}

static void put_figure(struct mm_pen *p, enum mm_metric metric, uint64_t v)
{
	char buf[MM_PEN_TEXT];

	fprintf(p->out, "%12s", !v ? "" : is_count(metric) ? mm_pen_count(buf, v)
		: mm_pen_size(p, buf, v));
}

/* A chain without branches stays at one depth, so that deep stacks fit the screen. */
static uint32_t indent_of(const struct mm_report *r, size_t i, const uint32_t *indents,
			  const uint32_t *children)
{
	const struct mm_report_node *n = &r->tree[i];

	if (!i)
		return 0;
	return indents[n->parent] + (children[n->parent] > 1 || n->parent == 0);
}

static void put_node_name(struct mm_pen *p, const struct mm_report *r, size_t i, size_t columns)
{
	const struct mm_report_node *n = &r->tree[i];

	if (n->folded) {
		mm_pen_ink(p, MM_INK_DIM);
		fprintf(p->out, "(%u more)", n->folded_count);
		mm_pen_plain(p);
	} else if (n->frame == UINT32_MAX) {
		fputs("(all)", p->out);
	} else {
		const struct mm_report_frame *f = &r->frames[n->frame];
		mm_pen_text(p, f->name, columns, 0);
	}
	fputc('\n', p->out);
}

static void put_nodes(struct mm_pen *p, const struct mm_report *r, uint32_t *indents,
		      uint32_t *children)
{
	for (size_t i = 1; i < r->tree_count; i++)
		children[r->tree[i].parent]++;
	for (size_t i = 0; i < r->tree_count; i++) {
		const struct mm_report_node *n = &r->tree[i];
		char share[MM_PEN_TEXT];
		indents[i] = indent_of(r, i, indents, children);
		size_t indent = indents[i] > 30 ? 30 : indents[i];
		put_figure(p, r->table.metric, n->total);
		put_figure(p, r->table.metric, n->self);
		fprintf(p->out, " %8s  ", mm_pen_share(share, n->total, r->tree[0].total));
		mm_pen_pad(p, indent * 2);
		size_t used = 35 + indent * 2, width = (size_t)p->options->width;
		put_node_name(p, r, i, width > used + 16 ? width - used : 16);
	}
}

void mm_text_tree(struct mm_pen *p, const struct mm_report *r)
{
	uint32_t *indents = calloc(r->tree_count + 1, sizeof *indents);
	uint32_t *children = calloc(r->tree_count + 1, sizeof *children);
	char title[64];

	snprintf(title, sizeof title, "CALL TREE of %s, %s", mm_metric_name(r->table.metric),
		 r->tree_kind == MM_TREE_CALLERS ? "who allocated and who called them"
						 : "from main to where memory was asked for");
	mm_pen_title(p, title, "");
	mm_pen_ink(p, MM_INK_DIM);
	fprintf(p->out, "%12s%12s %8s  function\n", "total", "self", "share");
	mm_pen_plain(p);
	if (indents && children)
		put_nodes(p, r, indents, children);
	free(indents);
	free(children);
}
