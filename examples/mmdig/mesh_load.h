/* mesh_load.h: triangles from a file: Wavefront .obj, Stanford .ply, .stl; text or binary.
 *
 * Promise: what a file says is never believed about its own length; every index is in range.
 * Never: keeps normals, colours or texture coordinates.
 */
#ifndef MESH_LOAD_H
#define MESH_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "store.h"

struct soup {                /* triangles, in no order */
	struct store *store;
	double *points;          /* x y z each */
	size_t point_count, point_room;
	uint32_t *corners;       /* three a triangle: numbers of points */
	size_t corner_count, corner_room;
};

/* Reads a file whose name ends in .obj, .ply or .stl. 0, and a line on stderr, when it cannot;
 * the caller gives the soup up in either case. */
int mesh_load(struct soup *s, struct store *store, const char *path);
void mesh_forget(struct soup *s);

#endif
