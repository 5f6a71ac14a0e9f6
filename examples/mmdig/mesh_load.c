/* mesh_load.c: the three formats (mesh_load.h). */
#include "mesh_load.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLYGON_MOST = 64, WORDS_MOST = 32, STL_RECORD = 50 };
static const size_t file_bytes_most = (size_t)1 << 30;

struct text { const char *at, *end; };

/* --- the soup ----------------------------------------------------------------------------- */

/* Room for one element more in an array that doubles. */
static void *room(struct soup *s, void *array, size_t count, size_t *have, size_t bytes)
{
	size_t more = *have ? *have * 2 : 1024;
	void *p;

	if (count < *have)
		return array;
	p = store_take(s->store, STORE_GENERAL, more * bytes);
	if (array)
		memcpy(p, array, count * bytes);
	store_give(s->store, STORE_GENERAL, array, *have * bytes);
	*have = more;
	return p;
}

static void add_point(struct soup *s, const double at[3])
{
	s->points = room(s, s->points, s->point_count, &s->point_room, 3 * sizeof(double));
	memcpy(s->points + 3 * s->point_count++, at, 3 * sizeof(double));
}

static void add_corner(struct soup *s, uint32_t point)
{
	s->corners = room(s, s->corners, s->corner_count, &s->corner_room, sizeof(uint32_t));
	s->corners[s->corner_count++] = point;
}

/* A polygon as a fan; 0 when a corner is no point. */
static int add_polygon(struct soup *s, const long long *corner, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (corner[i] < 0 || (unsigned long long)corner[i] >= s->point_count)
			return 0;
	for (i = 2; i < n; i++) {
		add_corner(s, (uint32_t)corner[0]);
		add_corner(s, (uint32_t)corner[i - 1]);
		add_corner(s, (uint32_t)corner[i]);
	}
	return n >= 3;
}

void mesh_forget(struct soup *s)
{
	store_give(s->store, STORE_GENERAL, s->points, s->point_room * 3 * sizeof(double));
	store_give(s->store, STORE_GENERAL, s->corners, s->corner_room * sizeof(uint32_t));
	*s = (struct soup){ 0 };
}

/* --- text --------------------------------------------------------------------------------- */

/* No infinity, no NaN, and sums of a few stay as far from them. */
static int is_usable(double v)
{
	return v > -1e30 && v < 1e30;
}

/* The next line, cut into words at blanks; -1 at the end. */
static int line_words(struct text *t, char *buf, size_t size, char **words)
{
	const char *eol;
	size_t n;
	char *save = NULL, *w;
	int count = 0;

	if (t->at >= t->end)
		return -1;
	eol = memchr(t->at, '\n', (size_t)(t->end - t->at));
	eol = eol ? eol : t->end;
	n = (size_t)(eol - t->at) < size - 1 ? (size_t)(eol - t->at) : size - 1;
	memcpy(buf, t->at, n);
	buf[n] = '\0';
	t->at = eol < t->end ? eol + 1 : eol;
	for (w = strtok_r(buf, " \t\r", &save); w && count < WORDS_MOST;
	     w = strtok_r(NULL, " \t\r", &save))
		words[count++] = w;
	return count;
}

static int three(char **words, double ret[3])
{
	int i;

	for (i = 0; i < 3; i++)
		ret[i] = strtod(words[i], NULL);
	return is_usable(ret[0]) && is_usable(ret[1]) && is_usable(ret[2]);
}

static int load_obj(struct soup *s, struct text t)
{
	char buf[2048], *words[WORDS_MOST];
	long long corner[WORDS_MOST];
	double at[3];
	int n, i, good = 1;

	while (good && (n = line_words(&t, buf, sizeof buf, words)) >= 0) {
		if (n >= 4 && strcmp(words[0], "v") == 0) {
			good = three(words + 1, at);
			add_point(s, at);
		} else if (n >= 4 && strcmp(words[0], "f") == 0) {
			for (i = 1; i < n; i++) {
				corner[i - 1] = strtoll(words[i], NULL, 10);
				corner[i - 1] += corner[i - 1] < 0 ? (long long)s->point_count : -1;
			}
			good = add_polygon(s, corner, n - 1);
		}
	}
	return good;
}

static void add_triangle(struct soup *s, double at[3][3])
{
	int i;

	for (i = 0; i < 3; i++) {
		add_corner(s, (uint32_t)s->point_count);
		add_point(s, at[i]);
	}
}

static int load_stl_text(struct soup *s, struct text t)
{
	char buf[512], *words[WORDS_MOST];
	double at[3][3];
	int n, have = 0, good = 1;

	while (good && (n = line_words(&t, buf, sizeof buf, words)) >= 0) {
		if (n < 4 || strcmp(words[0], "vertex") != 0)
			continue;
		good = three(words + 1, at[have++]);
		if (good && have == 3) {
			add_triangle(s, at);
			have = 0;
		}
	}
	return good;
}

static int load_stl(struct soup *s, struct text t)
{
	size_t size = (size_t)(t.end - t.at), i;
	uint32_t count = 0;
	float v[12];
	int k;

	if (size >= 84)
		memcpy(&count, t.at + 80, 4);
	if (size != 84 + (size_t)count * STL_RECORD)
		return load_stl_text(s, t);
	for (i = 0; i < count; i++) {
		double at[3][3];
		memcpy(v, t.at + 84 + i * STL_RECORD, sizeof v);
		for (k = 0; k < 9; k++) {
			at[k / 3][k % 3] = v[3 + k];
			if (!is_usable(v[3 + k]))
				return 0;
		}
		add_triangle(s, at);
	}
	return 1;
}

/* --- ply ---------------------------------------------------------------------------------- */

struct property { char type, of_count; int axis; };  /* of_count: 0 = no list */
struct element { size_t count; int vertex, face, properties; struct property p[WORDS_MOST]; };
struct ply { struct text body; int binary, elements; struct element e[8]; };

/* One letter a type: the usual two spellings of each. */
static char type_letter(const char *name)
{
	static const char *const names[] = { "cchar", "cint8", "Cuchar", "Cuint8", "sshort",
		"sint16", "Sushort", "Suint16", "iint", "iint32", "Iuint", "Iuint32", "ffloat",
		"ffloat32", "ddouble", "dfloat64" };
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i] + 1) == 0)
			return names[i][0];
	return 0;
}

static int header_property(struct element *e, char **w, int n)
{
	struct property p = { .axis = -1 };
	int list = strcmp(w[1], "list") == 0;

	if (n < (list ? 5 : 3) || e->properties == WORDS_MOST)
		return 0;
	p.type = type_letter(w[list ? 3 : 1]);
	p.of_count = list ? type_letter(w[2]) : 0;
	if (!list && strlen(w[2]) == 1 && w[2][0] >= 'x' && w[2][0] <= 'z')
		p.axis = w[2][0] - 'x';
	if (list && strncmp(w[4], "vert", 4) == 0)
		p.axis = 3;
	e->p[e->properties++] = p;
	return p.type && (!list || p.of_count);
}

/* 1 when the header was understood; the text then begins with the first element. */
static int ply_header(struct ply *p)
{
	char buf[512], *w[WORDS_MOST];
	int n, good = 1;

	if (line_words(&p->body, buf, sizeof buf, w) < 1 || strcmp(w[0], "ply") != 0)
		return 0;
	while (good && (n = line_words(&p->body, buf, sizeof buf, w)) >= 0) {
		if (n >= 1 && strcmp(w[0], "end_header") == 0)
			return 1;
		if (n >= 2 && strcmp(w[0], "format") == 0) {
			p->binary = strcmp(w[1], "binary_little_endian") == 0;
			good = p->binary || strcmp(w[1], "ascii") == 0;
		} else if (n >= 3 && strcmp(w[0], "element") == 0) {
			struct element *e = &p->e[p->elements < 8 ? p->elements++ : 0];
			*e = (struct element){ .count = strtoull(w[2], NULL, 10),
					       .vertex = strcmp(w[1], "vertex") == 0,
					       .face = strcmp(w[1], "face") == 0 };
			good = p->elements < 8;
		} else if (n >= 3 && strcmp(w[0], "property") == 0) {
			good = p->elements && header_property(&p->e[p->elements - 1], w, n);
		}
	}
	return 0;
}

static int binary_value(struct text *t, char type, double *ret)
{
	size_t bytes = strchr("cC", type) ? 1 : strchr("sS", type) ? 2 : type == 'd' ? 8 : 4;
	union { int8_t c; uint8_t C; int16_t s; uint16_t S; int32_t i; uint32_t I; float f;
		double d; } u;

	if ((size_t)(t->end - t->at) < bytes)
		return 0;
	memcpy(&u, t->at, bytes);
	t->at += bytes;
	*ret = type == 'c' ? u.c : type == 'C' ? u.C : type == 's' ? u.s : type == 'S' ? u.S :
	       type == 'i' ? u.i : type == 'I' ? u.I : type == 'f' ? (double)u.f : u.d;
	return 1;
}

static int text_value(struct text *t, double *ret)
{
	char word[64];
	size_t n = 0;

	while (t->at < t->end && isspace((unsigned char)*t->at))
		t->at++;
	while (t->at < t->end && !isspace((unsigned char)*t->at) && n < sizeof word - 1)
		word[n++] = *t->at++;
	word[n] = '\0';
	*ret = strtod(word, NULL);
	return n > 0;
}

static int value(struct ply *p, char type, double *ret)
{
	return (p->binary ? binary_value(&p->body, type, ret) : text_value(&p->body, ret)) &&
	       is_usable(*ret);
}

/* Numbers that do not fit 32 bits are -1, which is no point. */
static long long whole(double v)
{
	return v >= 0 && v <= UINT32_MAX ? (long long)v : -1;
}

static int ply_list(struct soup *s, struct ply *p, const struct property *q, int wanted)
{
	long long corner[POLYGON_MOST], n, i;
	double v;

	if (!value(p, q->of_count, &v) || (n = whole(v)) < 0)
		return 0;
	for (i = 0; i < n; i++) {
		if (!value(p, q->type, &v))
			return 0;
		if (i < POLYGON_MOST)
			corner[i] = whole(v);
	}
	return !wanted || (n <= POLYGON_MOST && add_polygon(s, corner, (int)n));
}

static int ply_one(struct soup *s, struct ply *p, const struct element *e)
{
	double at[3] = { 0, 0, 0 }, v;
	int i;

	for (i = 0; i < e->properties; i++) {
		const struct property *q = &e->p[i];
		if (q->of_count) {
			if (!ply_list(s, p, q, e->face && q->axis == 3))
				return 0;
			continue;
		}
		if (!value(p, q->type, &v))
			return 0;
		if (q->axis >= 0)
			at[q->axis] = v;
	}
	if (e->vertex)
		add_point(s, at);
	return 1;
}

static int load_ply(struct soup *s, struct text t)
{
	struct ply p = { .body = t };
	size_t n;
	int i;

	if (!ply_header(&p))
		return 0;
	for (i = 0; i < p.elements; i++)
		for (n = 0; n < p.e[i].count; n++)
			if (!p.e[i].properties || !ply_one(s, &p, &p.e[i]))
				return 0;
	return 1;
}

/* --- files -------------------------------------------------------------------------------- */

static int complain(const char *path, const char *why)
{
	fprintf(stderr, "mmdig: %s: %s\n", path, why);
	return 0;
}

/* The whole file in a block of the store's; 0 when it cannot be read. */
static int slurp(struct store *store, const char *path, char **ret, size_t *ret_bytes)
{
	FILE *f = fopen(path, "rb");
	long size = -1;
	int good;

	if (!f)
		return complain(path, "cannot be opened");
	if (fseek(f, 0, SEEK_END) == 0)
		size = ftell(f);
	rewind(f);
	good = size > 0 && (size_t)size <= file_bytes_most;
	if (good) {
		*ret = store_take(store, STORE_GENERAL, (size_t)size);
		*ret_bytes = (size_t)size;
		good = fread(*ret, 1, *ret_bytes, f) == *ret_bytes;
		if (!good)
			store_give(store, STORE_GENERAL, *ret, *ret_bytes);
	}
	fclose(f);
	return good ? 1 : complain(path, "is empty, too large or cannot be read");
}

int mesh_load(struct soup *s, struct store *store, const char *path)
{
	static const struct { const char *end; int (*load)(struct soup *, struct text); } formats[] = {
		{ ".obj", load_obj }, { ".ply", load_ply }, { ".stl", load_stl }
	};
	size_t i, n = strlen(path), bytes;
	char *data;
	int good = 0;

	*s = (struct soup){ .store = store };
	for (i = 0; i < 3; i++)
		if (n > 4 && strcasecmp(path + n - 4, formats[i].end) == 0)
			break;
	if (i == 3)
		return complain(path, "is not named .obj, .ply or .stl");
	if (!slurp(store, path, &data, &bytes))
		return 0;
	good = formats[i].load(s, (struct text){ data, data + bytes });
	store_give(store, STORE_GENERAL, data, bytes);
	return good && s->corner_count ? 1 : complain(path, "holds no mesh that can be read");
}
