/* digmain.c: mmdig, a digging program on libmm: options, the course of a run, its summary. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digworld.h"

struct choice {
	uint64_t terrain, seed;
	const char *mesh, *json;
	int res, band, f32, digs, radius_lo, radius_hi, path, stream, check, plain, threads;
};

static const char *const path_names[] = { "tunnel", "crater", "random" };

static const char help[] =
"Usage: mmdig [OPTION]...\n"
"Dig in a world of voxels. The ground is kept as distances to the surface (8^3 bricks in a\n"
"narrow band around it) and as a sparse voxel octree; every dig changes both, and the\n"
"triangles of the surface. All memory comes from libmm (or, to compare, from malloc), so\n"
"this is a program to record, replay and report:\n"
"\n"
"  mmprof record -o dig.mmt -- mmdig --res 128 --digs 200\n"
"  mmprof report dig.mmt\n"
"\n"
"The ground\n"
"  --terrain SEED       hills and caves; the default, with seed 1\n"
"  --mesh FILE          a closed surface instead: .obj, .ply or .stl\n"
"  --res N              voxels on an axis: 64, 128, 256 (default), 512 or 1024\n"
"  --band N             voxels beside the surface with exact distances, 2 to 6 (default 3)\n"
"  --fmt f32|i16        how a distance is stored (default f32); values are the same\n"
"The work\n"
"  --digs N             how many spheres to take out (default 200)\n"
"  --brush N or N..M    their radius in voxels, 4 to 16 (default 4..8)\n"
"  --path NAME          where: tunnel (default), crater or random\n"
"  --stream-radius N    bricks farther than N from the camera, which goes from dig to dig\n"
"                       and then home, are packed away (default: none are)\n"
"  --seed N             of the path (default 1)\n"
"  --threads N          that work out the distances and triangles of bricks around a dig, 1\n"
"                       (default) to 64; the world is the same with any number\n"
"The run\n"
"  --alloc mm|malloc    where memory comes from (default mm)\n"
"  --check              compare with a dense copy of the world; --res at most 128; exit\n"
"                       status 1 when they differ\n"
"  --json FILE          write the counts as JSON; - is standard output\n"
"  --help               this text\n"
"\n"
"The last line is a checksum over everything: equal for equal ground, band and digs,\n"
"whatever the format, the store and the radius of streaming.\n";

_Noreturn static void refuse(const char *why, const char *what)
{
	fprintf(stderr, "mmdig: %s: %s; see mmdig --help\n", what, why);
	exit(2);
}

static uint64_t number(const char *text, uint64_t lo, uint64_t hi, const char *what)
{
	char *end;
	uint64_t v = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || v < lo || v > hi)
		refuse("not a number in its range", what);
	return v;
}

static int word(const char *text, const char *const *words, int n, const char *what)
{
	int i;

	for (i = 0; i < n; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	refuse("not one of its words", what);
}

static void brush(const char *text, struct choice *c)
{
	char lo[8] = "";
	const char *dots = strstr(text, "..");

	if (!dots) {
		c->radius_lo = c->radius_hi = (int)number(text, 4, 16, "--brush");
		return;
	}
	snprintf(lo, sizeof lo, "%.*s", (int)(dots - text), text);
	c->radius_lo = (int)number(lo, 4, 16, "--brush");
	c->radius_hi = (int)number(dots + 2, (uint64_t)c->radius_lo, 16, "--brush");
}

static void option(int o, const char *arg, struct choice *c)
{
	static const char *const formats[] = { "i16", "f32" }, *const stores[] = { "mm", "malloc" };

	switch (o) {
	case 't': c->terrain = number(arg, 0, UINT64_MAX, "--terrain"); break;
	case 'm': c->mesh = arg; break;
	case 'r': c->res = (int)number(arg, 64, 1024, "--res"); break;
	case 'b': c->band = (int)number(arg, 2, WORLD_BAND_MOST, "--band"); break;
	case 'f': c->f32 = word(arg, formats, 2, "--fmt"); break;
	case 'd': c->digs = (int)number(arg, 0, 10000000, "--digs"); break;
	case 'B': brush(arg, c); break;
	case 'p': c->path = word(arg, path_names, 3, "--path"); break;
	case 's': c->stream = (int)number(arg, 1, 128, "--stream-radius"); break;
	case 'S': c->seed = number(arg, 0, UINT64_MAX, "--seed"); break;
	case 'a': c->plain = word(arg, stores, 2, "--alloc"); break;
	case 'T': c->threads = (int)number(arg, 1, CREW_MOST, "--threads"); break;
	case 'c': c->check = 1; break;
	case 'j': c->json = arg; break;
	case 'h': fputs(help, stdout); exit(0);
	default: exit(2);
	}
}

static void options(int argc, char **argv, struct choice *c)
{
	static const struct option known[] = {
		{ "terrain", 1, 0, 't' }, { "mesh", 1, 0, 'm' }, { "res", 1, 0, 'r' },
		{ "band", 1, 0, 'b' }, { "fmt", 1, 0, 'f' }, { "digs", 1, 0, 'd' },
		{ "brush", 1, 0, 'B' }, { "path", 1, 0, 'p' }, { "stream-radius", 1, 0, 's' },
		{ "seed", 1, 0, 'S' }, { "alloc", 1, 0, 'a' }, { "threads", 1, 0, 'T' }, { "check", 0, 0, 'c' },
		{ "json", 1, 0, 'j' }, { "help", 0, 0, 'h' }, { 0, 0, 0, 0 }
	};
	int o;

	while ((o = getopt_long(argc, argv, "", known, NULL)) != -1)
		option(o, optarg, c);
	if (optind < argc)
		refuse("there are no arguments, only options", argv[optind]);
	if (c->res & (c->res - 1))
		refuse("not 64, 128, 256, 512 or 1024", "--res");
	if (c->check && c->res > 128)
		refuse("a dense copy needs --res 64 or 128", "--check");
}

/* --- what is counted ---------------------------------------------------------------------- */

struct count { char name[40]; uint64_t value; };
struct tally { struct count of[64]; int n; };

static void count(struct tally *t, const char *name, uint64_t value)
{
	snprintf(t->of[t->n].name, sizeof t->of[t->n].name, "%s", name);
	t->of[t->n++].value = value;
}

static void count_bytes(struct tally *t, const struct world *w, const struct store_counts *c)
{
	count(t, "svo_node_bytes", c->svo_node);
	count(t, "sdf_field_bytes", c->sdf_field);
	count(t, "narrow_band_bytes", c->narrow_band);
	count(t, "material_channel_bytes", c->material_channel);
	count(t, "mesh_data_bytes", c->mesh_data);
	count(t, "structure_overhead_bytes", c->overhead);
	/* All bricks, in and out: as floats, and as they are kept. */
	count(t, "raw_bytes", (w->bricks + w->packed_bricks) * BRICK_VOXELS * sizeof(float));
	count(t, "stored_bytes", c->sdf_field + w->packed);
}

static void count_octree(struct tally *t, const struct world *w, const struct store_counts *c)
{
	struct octree_counts o;
	char name[40];
	int i;

	octree_count(w, &o);
	for (i = 0; i < w->levels; i++) {
		snprintf(name, sizeof name, "svo.nodes_by_depth_count.%d", i);
		count(t, name, o.nodes[i]);
	}
	count(t, "svo.inner_bytes", o.inner * sizeof(struct node));
	count(t, "svo.leaf_bytes", o.leaves * sizeof(struct node));
	count(t, "svo.nodes_count", o.inner + o.leaves);
	count(t, "svo.children_count", o.children);
	count(t, "svo.leaf_nodes_count", o.leaves);
	count(t, "svo.leaf_children_count", o.leaf_children);
	count(t, "svo.voxels_count", o.solid_voxels);
	count(t, "svo.pool_bytes", c->svo_pool);
	count(t, "svo.full_grid_bytes", (uint64_t)w->res * (uint64_t)w->res * (uint64_t)w->res / 8);
}

static void count_bricks(struct tally *t, const struct world *w, const struct store_counts *c)
{
	count(t, "sdf.brick_dim", BRICK);
	count(t, "sdf.bricks_resident_count", w->bricks);
	count(t, "sdf.bricks_free_count", c->bricks_free);
	count(t, "sdf.band_voxels_count", w->active);
	count(t, "sdf.stored_voxels_count", w->bricks * BRICK_VOXELS);
	count(t, "sdf.pool_bytes", c->sdf_pool);
	count(t, "sdf.bits_per_sample", w->store->payload_bytes * 8 / BRICK_VOXELS);
}

/* Counts, and tells a recording of it. */
static void tell(struct world *w, const char *moment, struct tally *t)
{
	struct store_counts c;
	int i;

	t->n = 0;
	w->store->ops->counts(w->store, &c);
	count_bytes(t, w, &c);
	count_octree(t, w, &c);
	count_bricks(t, w, &c);
	for (i = 0; i < t->n; i++)
		mm_metric(t->of[i].name, (int64_t)t->of[i].value);
	mm_mark(moment);
}

static void write_json(const char *path, const struct tally *t, uint64_t checksum)
{
	FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
	int i;

	if (!f)
		refuse("cannot be written", path);
	fputs("{", f);
	for (i = 0; i < t->n; i++)
		fprintf(f, "\"%s\":%llu,\n", t->of[i].name, (unsigned long long)t->of[i].value);
	fprintf(f, "\"checksum\":\"%016llx\"}\n", (unsigned long long)checksum);
	if (f != stdout)
		fclose(f);
}

/* --- the run ------------------------------------------------------------------------------ */

struct run {
	const struct choice *c;
	struct world w;
	struct dense *dense;
	struct tally tally;
	uint64_t wrong, touched;
};

static void compare(struct run *r)
{
	if (!r->dense)
		return;
	regions_all_in(&r->w);
	r->wrong += dense_compare(r->dense);
}

static void follow(struct run *r, const struct dig *d, int far)
{
	int voxel[3] = { d->at[0] / Q, d->at[1] / Q, d->at[2] / Q };
	struct box need = bricks_box(&r->w, dig_box(&r->w, d), far);

	if (r->c->stream)
		regions_follow(&r->w, voxel, r->c->stream, need);
}

static void dig_all(struct run *r)
{
	struct dig_plan plan = { .path = (enum dig_path)r->c->path, .radius_lo = r->c->radius_lo,
				 .radius_hi = r->c->radius_hi, .random = dig_mix(r->c->seed) };
	char moment[32];
	int i;

	for (i = 1; i <= r->c->digs; i++) {
		struct dig d = dig_next(&r->w, &plan);
		follow(r, &d, 2);
		r->touched += dig_apply(&r->w, &d);
		if (r->dense)
			dense_dig(r->dense, &d);
		if (i % 100)
			continue;
		snprintf(moment, sizeof moment, "dig %d", i);
		tell(&r->w, moment, &r->tally);
	}
}

/* Straight across the world and back, a brick at a time. */
static void walk_home(struct run *r)
{
	int step, steps = 2 * r->w.side;

	for (step = 0; r->c->stream && step < steps; step++) {
		int at = (step < r->w.side ? step : steps - 1 - step) * BRICK * Q;
		struct dig here = { .at = { at, r->w.res / 2 * Q, at }, .radius = 0 };
		follow(r, &here, 0);
	}
}

static void course(struct run *r)
{
	world_build(&r->w);
	tell(&r->w, "built", &r->tally);
	if (r->c->check)
		r->dense = dense_open(&r->w);
	compare(r);
	dig_all(r);
	walk_home(r);
	tell(&r->w, "walked", &r->tally);
	compare(r);
}

static uint64_t tallied(const struct tally *t, const char *name)
{
	int i;

	for (i = 0; i < t->n; i++)
		if (strcmp(t->of[i].name, name) == 0)
			return t->of[i].value;
	return 0;
}

static void summary(FILE *f, const struct run *r, uint64_t checksum)
{
	const struct tally *t = &r->tally;
	unsigned long long node_bytes = tallied(t, "svo_node_bytes");
	unsigned long long brick_bytes = tallied(t, "sdf_field_bytes");

	fprintf(f, "world     %d^3 voxels, band %d, %s, memory from %s\n", r->w.res,
		r->w.band / Q, r->w.f32 ? "f32" : "i16", r->c->plain ? "malloc" : "libmm");
	fprintf(f, "digs      %d, %llu bricks changed\n", r->c->digs,
		(unsigned long long)r->touched);
	fprintf(f, "octree    %llu nodes, %llu bytes, %llu solid voxels\n", node_bytes / 8, node_bytes,
		(unsigned long long)tallied(t, "svo.voxels_count"));
	fprintf(f, "bricks    %llu in, %llu bytes, %llu active voxels\n",
		(unsigned long long)tallied(t, "sdf.bricks_resident_count"), brick_bytes,
		(unsigned long long)tallied(t, "sdf.band_voxels_count"));
	fprintf(f, "meshes    %llu bytes; materials %llu bytes; overhead %llu bytes\n",
		(unsigned long long)tallied(t, "mesh_data_bytes"),
		(unsigned long long)tallied(t, "material_channel_bytes"),
		(unsigned long long)tallied(t, "structure_overhead_bytes"));
	fprintf(f, "streamed  %llu regions out, %llu in\n", (unsigned long long)r->w.regions_out,
		(unsigned long long)r->w.regions_in);
	if (r->c->check)
		fprintf(f, "check     %llu differences\n", (unsigned long long)r->wrong);
	fprintf(f, "checksum  %016llx\n", (unsigned long long)checksum);
}

int main(int argc, char **argv)
{
	struct choice c = { .terrain = 1, .seed = 1, .res = 256, .band = 3, .f32 = 1, .digs = 200,
			    .radius_lo = 4, .radius_hi = 8 };
	struct run r = { .c = &c };
	struct ground *g;
	struct store *s;
	uint64_t checksum;

	options(argc, argv, &c);
	s = store_need((c.plain ? store_malloc_open : store_mm_open)(c.f32 ? 2048 : 1024,
								  (unsigned)c.band));
	g = c.mesh ? mesh_open(s, c.res, c.mesh) : terrain_open(s, c.res, c.terrain);
	if (!g) {
		store_close(s);
		return 2;
	}
	world_open(&r.w, s, g, c.band, c.f32);
	if (c.threads > 1 && !(r.w.crew = crew_open(s, (unsigned)c.threads)))
		refuse("so many cannot be started", "--threads");
	course(&r);
	crew_close(r.w.crew);
	regions_all_in(&r.w);
	checksum = world_checksum(&r.w);
	mm_mark("end");
	summary(c.json && strcmp(c.json, "-") == 0 ? stderr : stdout, &r, checksum);
	if (c.json)
		write_json(c.json, &r.tally, checksum);
	if (r.dense)
		dense_close(r.dense);
	world_close(&r.w);
	g->ops->close(g);
	store_close(s);
	if (r.w.missed)
		fprintf(stderr, "mmdig: %llu reads of bricks that were out\n",
			(unsigned long long)r.w.missed);
	return r.wrong || r.w.missed ? 1 : 0;
}
