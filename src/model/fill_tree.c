/* fill_tree.c: the call tree, top-down or bottom-up, and which stacks --match keeps (work.h).
 *
 * Vocabulary: branch = a node in the making; its key is (parent branch, function name).
 * Top-down begins at main and ends where memory was asked for; bottom-up begins at the
 * first frame that is not the runtime's and goes to its callers.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"
#include "model/work.h"

struct branch {
	uint32_t frame, parent, depth;
	uint32_t child, next; /* list of children; 0 = none (the root is no one's child) */
	uint64_t total, self, calls;
};

struct tree {
	struct mm_work *work;
	struct branch *branches;
	size_t count, cap;
	uint32_t *path;          /* frames of the site in hand, innermost first */
	size_t path_cap;
	uint64_t floor;
	struct mm_report_node *nodes;
	size_t node_count, node_cap;
};

/* --- building ------------------------------------------------------------------------ */

static int add_branch(struct tree *t, uint32_t parent, uint32_t frame, uint32_t *ret)
{
	const char *name = mm_naming_frame(t->work->naming, frame)->name;

	for (uint32_t b = t->branches[parent].child; b; b = t->branches[b].next)
		if (mm_naming_frame(t->work->naming, t->branches[b].frame)->name == name) {
			*ret = b;
			return MM_OK;
		}
	if (MM_GROW(t->branches, t->cap, t->count + 1))
		return MM_ENOMEM;
	t->branches[t->count] = (struct branch){ .frame = frame, .parent = parent,
		.depth = t->branches[parent].depth + 1, .next = t->branches[parent].child };
	t->branches[parent].child = (uint32_t)t->count;
	*ret = (uint32_t)t->count++;
	return MM_OK;
}

static int add_path(struct tree *t, size_t n, uint64_t figure, uint64_t calls)
{
	int callers = t->work->options->tree == MM_TREE_CALLERS;
	size_t first = mm_ranking_first(&t->work->ground, t->path, n);
	uint32_t at = 0;

	t->branches[0].total += figure;
	t->branches[0].calls += calls;
	for (size_t i = first; i < n; i++) {
		uint32_t frame = callers ? t->path[i] : t->path[n - 1 - (i - first)];
		int err = add_branch(t, at, frame, &at);
		if (err)
			return err;
		t->branches[at].total += figure;
		t->branches[at].calls += calls;
		if (callers && i == first)
			t->branches[at].self += figure;
	}
	if (!callers)
		t->branches[at].self += figure;
	return MM_OK;
}

static int build(struct tree *t)
{
	struct mm_work *w = t->work;

	for (size_t k = 0; k < w->ready; k++) {
		const struct mm_sums *s = &w->sums[k];
		for (uint32_t i = 0; i < s->site_count; i++) {
			uint64_t figure = mm_measure_get(&s->sites[i], w->options->metric);
			size_t n;
			if (!figure || !mm_ranking_keeps(&w->ground, k, i))
				continue;
			int err = mm_ranking_frames(&w->ground, (struct mm_place){ (uint32_t)k, i },
						   &t->path, &t->path_cap, &n);
			if (!err)
				err = add_path(t, n, figure, s->sites[i].alloc_count);
			if (err)
				return err;
		}
	}
	return MM_OK;
}

/* --- in order ------------------------------------------------------------------------ */

static int branch_order(const void *a, const void *b, void *arg)
{
	const struct tree *t = arg;
	const struct branch *x = &t->branches[*(const uint32_t *)a];
	const struct branch *y = &t->branches[*(const uint32_t *)b];

	if (x->total != y->total)
		return x->total > y->total ? -1 : 1;
	return strcmp(mm_naming_frame(t->work->naming, x->frame)->name,
		      mm_naming_frame(t->work->naming, y->frame)->name);
}

static int put_node(struct tree *t, uint32_t branch, uint32_t parent, uint32_t *ret)
{
	const struct branch *b = &t->branches[branch];

	if (MM_GROW(t->nodes, t->node_cap, t->node_count + 1))
		return MM_ENOMEM;
	t->nodes[t->node_count] = (struct mm_report_node){
		.frame = branch ? b->frame : UINT32_MAX, .depth = b->depth, .parent = parent,
		.total = b->total, .self = b->self, .calls = b->calls };
	*ret = (uint32_t)t->node_count++;
	return MM_OK;
}

static int put_folded(struct tree *t, const uint32_t *small, size_t n, uint32_t parent)
{
	struct mm_report_node node = { .frame = UINT32_MAX, .parent = parent, .folded = 1,
		.depth = t->nodes[parent].depth + 1, .folded_count = (uint32_t)n };

	if (!n)
		return MM_OK;
	if (MM_GROW(t->nodes, t->node_cap, t->node_count + 1))
		return MM_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		node.total += t->branches[small[i]].total;
		node.calls += t->branches[small[i]].calls;
	}
	t->nodes[t->node_count++] = node;
	return MM_OK;
}

/* Children of one branch, largest first: a malloc'ed array. */
static uint32_t *sorted_children(struct tree *t, uint32_t branch, size_t *ret_count)
{
	size_t n = 0;

	for (uint32_t b = t->branches[branch].child; b; b = t->branches[b].next)
		n++;
	uint32_t *list = malloc((n + 1) * sizeof *list);
	if (!list)
		return NULL;
	n = 0;
	for (uint32_t b = t->branches[branch].child; b; b = t->branches[b].next)
		list[n++] = b;
	qsort_r(list, n, sizeof *list, branch_order, t);
	*ret_count = n;
	return list;
}

/* Depth is that of a recorded stack, which is bounded; still no recursion for the
 * stack's sake: `todo` holds (branch, parent node) with the next on top. */
struct todo { uint32_t branch, parent; size_t folded; };

static int lay_out(struct tree *t)
{
	struct todo *todo = NULL;
	size_t cap = 0, n = 0;
	int err = MM_GROW(todo, cap, 1);

	if (!err)
		todo[n++] = (struct todo){ 0, 0, 0 };
	while (!err && n) {
		struct todo it = todo[--n];
		uint32_t node;
		size_t count, large = 0;
		uint32_t *kids;

		if (it.folded) { /* the small ones of `branch`, after its large ones */
			kids = sorted_children(t, it.branch, &count);
			err = kids ? put_folded(t, kids + count - it.folded, it.folded, it.parent)
				   : MM_ENOMEM;
			free(kids);
			continue;
		}
		err = put_node(t, it.branch, it.parent, &node);
		kids = err ? NULL : sorted_children(t, it.branch, &count);
		if (!kids)
			break;
		while (large < count && t->branches[kids[large]].total >= t->floor)
			large++;
		err = MM_GROW(todo, cap, n + large + 1);
		if (!err && large < count)
			todo[n++] = (struct todo){ it.branch, node, count - large };
		for (size_t i = large; !err && i-- > 0;)
			todo[n++] = (struct todo){ kids[i], node, 0 };
		free(kids);
	}
	free(todo);
	return err;
}

static int name_counted(struct mm_work *w)
{
	for (size_t k = 0; k < w->ready; k++) {
		const struct mm_sums *s = &w->sums[k];
		uint8_t *wanted = calloc(s->site_count, 1);
		if (!wanted)
			return MM_ENOMEM;
		for (uint32_t i = 0; i < s->site_count; i++)
			wanted[i] = mm_measure_get(&s->sites[i], w->options->metric) != 0 &&
				    mm_ranking_keeps(&w->ground, k, i);
		int err = mm_naming_prepare_flagged(w->naming, s->process, wanted);
		free(wanted);
		if (err)
			return err;
	}
	return MM_OK;
}

int mm_fill_tree(struct mm_work *w)
{
	struct tree t = { .work = w };
	int err = name_counted(w);

	if (!err)
		err = MM_GROW(t.branches, t.cap, 1);
	if (!err) {
		t.branches[0] = (struct branch){ 0 };
		t.count = 1;
		err = build(&t);
	}
	if (!err) {
		t.floor = (uint64_t)((unsigned __int128)t.branches[0].total *
				     w->options->tree_ppm / 1000000);
		err = lay_out(&t);
	}
	if (!err) {
		w->report->tree_kind = w->options->tree;
		w->report->tree_floor = t.floor;
		w->report->tree_count = t.node_count;
		w->report->tree = mm_report_store_copy(w->store, t.nodes, t.node_count,
						       sizeof *t.nodes);
		err = w->report->tree ? MM_OK : MM_ENOMEM;
	}
	free(t.branches);
	free(t.nodes);
	free(t.path);
	return err;
}

/* --- match --------------------------------------------------------------------------- */

static int frame_matches(const struct mm_report_frame *f, const char *glob)
{
	return fnmatch(glob, f->name, 0) == 0 || fnmatch(glob, f->library, 0) == 0 ||
	       (*f->file && fnmatch(glob, f->file, 0) == 0);
}

static int site_matches(struct mm_work *w, uint32_t process, uint32_t site, uint8_t *ret)
{
	uint32_t first, count;
	int err = mm_naming_frames(w->naming, process, site, &first, &count);

	*ret = 0;
	for (uint32_t i = 0; !err && i < count && !*ret; i++)
		*ret = (uint8_t)frame_matches(mm_naming_frame(w->naming, first + i),
					      w->options->match);
	return err;
}

int mm_fill_match(struct mm_work *w)
{
	struct mm_ranking *g = &w->ground;
	int err = MM_OK;

	if (!w->options->match)
		return MM_OK;
	g->matched = calloc(w->ready + 1, sizeof *g->matched);
	if (!g->matched)
		return MM_ENOMEM;
	for (size_t k = 0; !err && k < w->ready; k++) {
		const struct mm_sums *s = &w->sums[k];
		uint8_t *m = g->matched[k] = malloc(s->site_count);
		if (!m)
			return MM_ENOMEM;
		memset(m, 1, s->site_count);
		err = mm_naming_prepare_flagged(w->naming, s->process, m);
		m[0] = 0;
		for (uint32_t i = 1; !err && i < s->site_count; i++) {
			uint32_t parent = mm_reader_site(w->reader, s->process, i)->parent;
			if (parent < i && m[parent])
				m[i] = 1;
			else
				err = site_matches(w, s->process, i, &m[i]);
		}
	}
	return err;
}
