/* nets.c: the surface as triangles, brick by brick (digworld.h).
 *
 * Surface nets (Gibson 1998): a cell between eight voxels, not all on one side, gets a vertex
 * at the mean of its edges' crossings; an edge that crosses the surface gets a quad between
 * the four cells around it. A brick has the quads of edges that begin in it; its cells reach
 * one voxel below it, so bricks meet without a gap.
 */
#include "digworld.h"

#include <string.h>

enum { SIDE = 10, CELLS = 9, CELL_COUNT = CELLS * CELLS * CELLS };

struct net {
	int16_t v[SIDE * SIDE * SIDE];    /* voxels -1 to 8 */
	uint16_t vertex[CELL_COUNT];      /* of a cell, 0 = none, else 1 + its number */
	struct mesh_vertex vertices[CELL_COUNT];
	uint16_t indices[3 * BRICK_VOXELS * 6];
	uint32_t vertex_count, index_count;
};

static const int voxel_step[3] = { 1, SIDE, SIDE * SIDE };
static const int cell_step[3] = { 1, CELLS, CELLS * CELLS };

static int crosses(const struct net *n, int from, int to)
{
	return n->v[from] != WORLD_NOTHING && n->v[to] != WORLD_NOTHING &&
	       (n->v[from] < 0) != (n->v[to] < 0);
}

/* Adds where an edge of a cell crosses; `corner` is 0 or Q on each axis. */
static int add_crossing(const struct net *n, int from, int axis, const int corner[3], int sum[3])
{
	int to = from + voxel_step[axis], i, a = n->v[from], b = n->v[to];

	if (!crosses(n, from, to))
		return 0;
	a = a < 0 ? -a : a;
	b = b < 0 ? -b : b;
	for (i = 0; i < 3; i++)
		sum[i] += corner[i];
	sum[axis] += a * Q / (a + b);
	return 1;
}

/* Are all eight voxels of a cell on the same side? */
static int one_side(const int16_t *v)
{
	int and = v[0] & v[1], or = v[0] | v[1], i;
	static const int row[3] = { SIDE, SIDE * SIDE, SIDE * SIDE + SIDE };

	for (i = 0; i < 3; i++) {
		and &= v[row[i]] & v[row[i] + 1];
		or |= v[row[i]] | v[row[i] + 1];
	}
	return and < 0 || or >= 0;
}

/* The vertex of the cell whose first voxel is `voxel`, if the surface passes through. */
static void cell_vertex(struct net *n, const int cell[3], int voxel, uint16_t *ret)
{
	int sum[3] = { 0, 0, 0 }, count = 0, axis, i;

	*ret = 0;
	if (one_side(&n->v[voxel]))
		return;
	for (axis = 0; axis < 3; axis++)
		for (i = 0; i < 4; i++) {
			int u = (axis + 1) % 3, v = (axis + 2) % 3, corner[3] = { 0, 0, 0 };
			corner[u] = (i & 1) * Q;
			corner[v] = (i >> 1) * Q;
			count += add_crossing(n, voxel + (i & 1) * voxel_step[u] +
					      (i >> 1) * voxel_step[v], axis, corner, sum);
		}
	if (!count)
		return;
	for (i = 0; i < 3; i++)
		n->vertices[n->vertex_count].at[i] = (uint16_t)(cell[i] * Q + sum[i] / count);
	n->vertices[n->vertex_count].material = 0;
	*ret = (uint16_t)++n->vertex_count;
}

static void all_vertices(struct net *n)
{
	int at[3], i = 0;

	for (at[2] = 0; at[2] < CELLS; at[2]++)
		for (at[1] = 0; at[1] < CELLS; at[1]++)
			for (at[0] = 0; at[0] < CELLS; at[0]++, i++)
				cell_vertex(n, at, (at[2] * SIDE + at[1]) * SIDE + at[0],
					    &n->vertex[i]);
}

/* Two triangles around an edge, seen from the air. */
static void quad(struct net *n, int cell, int axis, int flip, unsigned material)
{
	int u = cell_step[(axis + 1) % 3], v = cell_step[(axis + 2) % 3], i;
	int corner[4] = { cell - u - v, cell - v, cell, cell - u };
	static const int order[2][6] = { { 0, 1, 2, 0, 2, 3 }, { 0, 2, 1, 0, 3, 2 } };

	for (i = 0; i < 6; i++) {
		uint16_t vertex = (uint16_t)(n->vertex[corner[order[flip][i]]] - 1);
		n->indices[n->index_count++] = vertex;
		n->vertices[vertex].material = (uint16_t)material;
	}
}

/* A quad needs its four cells; at the edge of the world some are not there. */
static int cells_there(const struct net *n, int cell, int axis)
{
	int u = cell_step[(axis + 1) % 3], v = cell_step[(axis + 2) % 3];

	return n->vertex[cell] && n->vertex[cell - u] && n->vertex[cell - v] &&
	       n->vertex[cell - u - v];
}

/* Quads of the edges that begin in one voxel of the brick. */
static void voxel_quads(struct net *n, const struct brick *b, const int at[3])
{
	int voxel = ((at[2] + 1) * SIDE + at[1] + 1) * SIDE + at[0] + 1, axis;
	int cell = ((at[2] + 1) * CELLS + at[1] + 1) * CELLS + at[0] + 1;
	unsigned material = b->channel ? b->channel[at[2] * 64 + at[1] * 8 + at[0]] : 0;

	for (axis = 0; axis < 3; axis++)
		if (crosses(n, voxel, voxel + voxel_step[axis]) && cells_there(n, cell, axis))
			quad(n, cell, axis, n->v[voxel] >= 0, material);
}

static void all_quads(struct net *n, const struct brick *b)
{
	int at[3];

	for (at[2] = 0; at[2] < BRICK; at[2]++)
		for (at[1] = 0; at[1] < BRICK; at[1]++)
			for (at[0] = 0; at[0] < BRICK; at[0]++)
				voxel_quads(n, b, at);
}

/* Puts the mesh where exactly it fits; a block of the same size is used again. */
static void keep(struct world *w, struct brick *b, const struct net *n)
{
	uint32_t bytes = (uint32_t)(sizeof *b->mesh + n->vertex_count * sizeof *n->vertices +
				    n->index_count * sizeof *n->indices);
	char *p;

	if (!n->index_count)
		bytes = 0;
	if (bytes != b->mesh_bytes) {
		store_give(w->store, STORE_MESH, b->mesh, b->mesh_bytes);
		b->mesh = bytes ? store_take(w->store, STORE_MESH, bytes) : NULL;
		b->mesh_bytes = bytes;
	}
	if (!bytes)
		return;
	*b->mesh = (struct mesh){ n->vertex_count, n->index_count };
	p = (char *)(b->mesh + 1);
	memcpy(p, n->vertices, n->vertex_count * sizeof *n->vertices);
	memcpy(p + n->vertex_count * sizeof *n->vertices, n->indices,
	       n->index_count * sizeof *n->indices);
}

/* Are there voxels on either side? */
static int has_sides(const struct net *n)
{
	int i, solid = 0, air = 0;

	for (i = 0; i < SIDE * SIDE * SIDE; i++) {
		solid |= n->v[i] < 0 && n->v[i] != WORLD_NOTHING;
		air |= n->v[i] >= 0;
	}
	return solid && air;
}

static int neighbour_out(const struct world *w, const struct brick *b)
{
	struct box near = { { b->at[0], b->at[1], b->at[2] }, { b->at[0], b->at[1], b->at[2] } };
	int at[3];

	near = bricks_box(w, near, 1);
	for (at[2] = near.lo[2]; at[2] <= near.hi[2]; at[2]++)
		for (at[1] = near.lo[1]; at[1] <= near.hi[1]; at[1]++)
			for (at[0] = near.lo[0]; at[0] <= near.hi[0]; at[0]++)
				if (world_bit(w->out, dig_key(at)))
					return 1;
	return 0;
}

void nets_renew(struct world *w, struct brick *b)
{
	struct net n;

	b->pending = (uint8_t)neighbour_out(w, b);
	if (b->pending)
		return;
	bricks_window(w, b->at, 1, n.v);
	n.vertex_count = n.index_count = 0;
	if (has_sides(&n)) {
		all_vertices(&n);
		all_quads(&n, b);
	}
	keep(w, b, &n);
}
