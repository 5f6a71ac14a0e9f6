/* voxel.c: writing the voxel engine's trace (voxel.h). */
#include "voxel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "trace/writer.h"

#define MUST(x) do { if (!(x)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); abort(); } } while (0)
#define MIB(n) ((uint64_t)(n) << 20)
#define SECONDS(n) ((uint64_t)((n) * 1000) * 1000000)

enum { SVO, SDF, BAND, MATERIAL, MESH, GENERAL };
const char *const voxel_categories[VOXEL_CATEGORIES] = { "svo_nodes", "sdf_fields", "narrow_band",
	"material_channels", "mesh_data", "general" };

enum { MAIN, WORKER_1, WORKER_2, WORKER_3, STREAMER, RENDER, THREADS };
enum { TICK_NS = 10000000, TICKS = 6000, LEVELS = 8, REGIONS = 3 };

/* --- the program ---------------------------------------------------------------------------- */

struct place { /* one site; its number is its place in the table */
	uint8_t parent, module, category; /* category + 1 */
	const char *function, *file;      /* NULL = no name is known */
	uint16_t line;
	const char *inlined, *inlined_file; /* a function inlined there; NULL none */
	uint16_t inlined_line;
};

enum { VOX = 1, SVOLIB, LIBC, LIBSTDCXX, VULKAN, MODULES };
static const char *const modules[MODULES] = { "", "/opt/vox/voxsrv", "/opt/vox/lib/libsvo.so.2",
	"/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libstdc++.so.6",
	"/lib/x86_64-linux-gnu/libvulkan.so.1" };

enum { S_ROOT, S_MAIN, S_RUN, S_START, S_WORKER, S_INSERT, S_SVO, S_LEAF, S_INNER, S_BAKE, S_SDF,
	S_BRICK, S_UPDATE, S_BAND, S_BAND_ALLOC, S_PAINT, S_MATERIAL, S_CHANNEL, S_LOD, S_MESH,
	S_VERTICES, S_INDICES, S_RX, S_HEADER, S_PUSH, S_NEW, S_FONT, S_VULKAN, S_CLONE, S_SCRATCH,
	SITES };
static const struct place places[SITES] = {
	[S_MAIN] = { S_ROOT, VOX, 0, "main", "/src/vox/main.cc", 44, NULL, NULL, 0 },
	[S_RUN] = { S_MAIN, VOX, 0, "engine::Engine::run()", "/src/vox/engine.cc", 120,
		"engine::Clock::frame()", "/src/vox/clock.h", 33 },
	[S_START] = { S_ROOT, LIBC, 0, "start_thread", "", 0, NULL, NULL, 0 },
	[S_WORKER] = { S_START, VOX, 0, "core::worker_main(void*)", "/src/vox/core/thread.cc", 201,
		NULL, NULL, 0 },
	[S_INSERT] = { S_WORKER, SVOLIB, 0, "svo::Tree::insert(svo::Key, svo::Voxel const&)",
		"/src/svo/build.cc", 133, NULL, NULL, 0 },
	[S_SVO] = { .parent = S_INSERT, .category = SVO + 1 },
	[S_LEAF] = { S_SVO, SVOLIB, 0, "svo::Tree::alloc_leaf()", "/src/svo/node.cc", 390,
		"mem::Pool<svo::Leaf>::alloc()", "/src/mem/pool.h", 71 },
	[S_INNER] = { S_SVO, SVOLIB, 0, "svo::Tree::alloc_inner()", "/src/svo/node.cc", 351,
		"mem::Pool<svo::Inner>::alloc()", "/src/mem/pool.h", 71 },
	[S_BAKE] = { S_WORKER, VOX, 0, "sdf::bake(sdf::Job&)", "/src/vox/sdf/bake.cc", 77, NULL,
		NULL, 0 },
	[S_SDF] = { .parent = S_BAKE, .category = SDF + 1 },
	[S_BRICK] = { S_SDF, VOX, 0, "sdf::Atlas::brick_new(int)", "/src/vox/sdf/brick.cc", 58, NULL,
		NULL, 0 },
	[S_UPDATE] = { S_WORKER, VOX, 0, "sdf::Band::update()", "/src/vox/sdf/band.cc", 140, NULL,
		NULL, 0 },
	[S_BAND] = { .parent = S_UPDATE, .category = BAND + 1 },
	[S_BAND_ALLOC] = { S_BAND, VOX, 0, "sdf::Band::grow(unsigned)", "/src/vox/sdf/band.cc", 66,
		"grid::reserve<short>(unsigned)", "/src/vox/grid.h", 52 },
	[S_PAINT] = { S_RUN, VOX, 0, "material::paint(material::Brush const&)",
		"/src/vox/material/paint.cc", 31, NULL, NULL, 0 },
	[S_MATERIAL] = { .parent = S_PAINT, .category = MATERIAL + 1 },
	[S_CHANNEL] = { S_MATERIAL, VOX, 0, "material::Channel<float>::Channel(unsigned)",
		"/src/vox/material/channel.h", 19, NULL, NULL, 0 },
	[S_LOD] = { S_WORKER, VOX, 0, "mesh::lod_build(mesh::Lod&, int)", "/src/vox/mesh/lod.cc", 210,
		NULL, NULL, 0 },
	[S_MESH] = { .parent = S_LOD, .category = MESH + 1 },
	[S_VERTICES] = { S_MESH, VOX, 0, "mesh::vertices_new(unsigned)", "/src/vox/mesh/lod.cc", 88,
		NULL, NULL, 0 },
	[S_INDICES] = { S_MESH, VOX, 0, "mesh::indices_new(unsigned)", "/src/vox/mesh/lod.cc", 95,
		NULL, NULL, 0 },
	[S_RX] = { S_RUN, VOX, 0, "net::rx_loop(net::Socket&)", "/src/vox/net/rx.cc", 64, NULL, NULL,
		0 },
	[S_HEADER] = { S_RX, VOX, 0, "net_parse_hdr", "/src/vox/net/hdr.c", 88, "hdr_next",
		"/src/vox/net/hdr.h", 41 },
	[S_PUSH] = { S_RX, VOX, 0, "std::vector<net::Packet>::push_back(net::Packet const&)",
		"/usr/include/c++/12/bits/stl_vector.h", 1287, NULL, NULL, 0 },
	[S_NEW] = { S_PUSH, LIBSTDCXX, 0, "operator new(unsigned long)", "", 0, NULL, NULL, 0 },
	[S_FONT] = { S_RUN, VOX, 0, "ui::font_atlas_new()", "/src/vox/ui/font.cc", 31, NULL, NULL, 0 },
	[S_VULKAN] = { S_RUN, VULKAN, 0, NULL, NULL, 0, NULL, NULL, 0 },
	[S_CLONE] = { S_INSERT, SVOLIB, 0, "svo::clone_leaf(svo::Leaf const*)", "/src/svo/node.cc", 412,
		NULL, NULL, 0 },
	[S_SCRATCH] = { S_BAKE, VOX, 0, "sdf::scratch(unsigned)", "/src/vox/sdf/bake.cc", 140, NULL,
		NULL, 0 },
};

/* What an engine's objects of a category are like, and how many live at which second. */
struct knot { double second; double count; };
struct habit {
	uint64_t least, step;   /* size: least + level * step */
	uint8_t region;
	uint8_t sites[3];
	uint8_t threads[2];
	struct knot knots[6];
};

static const struct habit habits[VOXEL_CATEGORIES] = {
	[SVO] = { 32768, 9376, 0, { S_LEAF, S_LEAF, S_INNER }, { WORKER_1, WORKER_2 },
		{ { 0, 0 }, { 10, 6000 }, { 38, 9300 }, { 44, 8700 }, { 60, 8900 } } },
	[SDF] = { 196608, 18720, 1, { S_BRICK, S_BRICK, S_BRICK }, { WORKER_2, WORKER_3 },
		{ { 0, 0 }, { 10, 900 }, { 38, 1600 }, { 60, 1560 } } },
	[BAND] = { 16384, 4656, 0, { S_BAND_ALLOC, S_BAND_ALLOC, S_BAND_ALLOC },
		{ WORKER_3, WORKER_1 },
		{ { 0, 0 }, { 10, 2000 }, { 38, 3000 }, { 60, 3140 } } },
	[MATERIAL] = { 24576, 6864, 0, { S_CHANNEL, S_CHANNEL, S_CHANNEL }, { MAIN, RENDER },
		{ { 0, 0 }, { 12, 1200 }, { 60, 1500 } } },
	[MESH] = { 81920, 22528, 1, { S_VERTICES, S_INDICES, S_VERTICES }, { WORKER_1, RENDER },
		{ { 0, 0 }, { 8, 500 }, { 38, 1750 }, { 38.9, 1740 }, { 39.2, 1290 }, { 60, 1250 } } },
	[GENERAL] = { 48, 352, 2, { S_HEADER, S_NEW, S_CLONE }, { MAIN, STREAMER },
		{ { 0, 0 }, { 60, 2500 } } },
};

struct object { uint64_t addr, size; uint32_t slot; uint8_t category, level; };

struct engine {
	struct voxel *v;
	struct mm_writer *w;
	struct mm_stream *s;
	uint64_t state, now;
	uint32_t sites[SITES];
	struct object *objects;
	size_t count, cap;
	uint64_t live[VOXEL_CATEGORIES], live_bytes;
	uint64_t bump[REGIONS];
	uint64_t *holes[VOXEL_CATEGORIES][LEVELS]; /* stacks of free addresses */
	size_t hole_count[VOXEL_CATEGORIES][LEVELS], hole_cap[VOXEL_CATEGORIES][LEVELS];
	uint64_t tier_hits[VOXEL_TIERS], tier_misses[VOXEL_TIERS], up, down;
	uint32_t pool_sites[2];
	uint64_t pool_live[2], pool_slabs[2];
};

static uint64_t any(struct engine *e)
{
	e->state ^= e->state << 13;
	e->state ^= e->state >> 7;
	e->state ^= e->state << 17;
	return e->state * UINT64_C(0x2545F4914F6CDD1D) >> 11;
}

static uint64_t below(struct engine *e, uint64_t n)
{
	return any(e) % n;
}

/* --- writing and keeping -------------------------------------------------------------------- */

static struct voxel_event *keep(struct engine *e, const struct mm_event *ev)
{
	struct voxel *v = e->v;

	MUST(!MM_GROW(v->events, v->cap, v->count + 1));
	struct voxel_event *k = &v->events[v->count++];
	*k = (struct voxel_event){ .ev = *ev, .category = -1 };
	return k;
}

static void tell(struct engine *e, unsigned kind, const struct mm_notice *n)
{
	struct mm_event ev = { .kind = (uint8_t)kind, .thread = MM_NO_THREAD, .slot = MM_NO_SLOT,
			       .time = e->now, .notice = n };

	MUST(!mm_stream_other(e->s, &ev));
	keep(e, &ev)->notice = *n;
}

static void tell_text(struct engine *e, unsigned kind, const char *text, int64_t value)
{
	struct mm_event ev = { .kind = (uint8_t)kind, .thread = MAIN, .slot = MM_NO_SLOT,
			       .time = e->now, .value = value, .text = text,
			       .text_len = (uint32_t)strlen(text) };

	MUST(!mm_stream_other(e->s, &ev));
	keep(e, &ev);
}

static struct mm_span span(const char *text)
{
	return (struct mm_span){ text, (uint32_t)strlen(text) };
}

/* --- objects -------------------------------------------------------------------------------- */

static uint64_t find_room(struct engine *e, int category, int level, uint64_t size)
{
	const struct habit *h = &habits[category];
	size_t *holes = &e->hole_count[category][level];

	/* One in four goes to the end all the same: that is what tears. */
	if (*holes && below(e, 4))
		return e->holes[category][level][--*holes];
	uint64_t addr = e->bump[h->region];
	e->bump[h->region] += (size + 16 + 15) & ~UINT64_C(15);
	return addr;
}

static void born(struct engine *e, int category, int site, uint32_t thread)
{
	int level = (int)below(e, LEVELS);
	uint64_t size = habits[category].least + (uint64_t)level * habits[category].step;
	struct mm_event ev = { .kind = site == S_NEW ? MM_EV_NEW : MM_EV_MALLOC, .size = size,
		.thread = thread, .time = e->now, .site = e->sites[site],
		.addr = find_room(e, category, level, size) };
	struct object o = { ev.addr, size, 0, (uint8_t)category, (uint8_t)level };

	MUST(!mm_stream_birth(e->s, &ev, &o.slot));
	struct voxel_event *k = keep(e, &ev);
	k->category = category;
	k->bytes = (int64_t)size;
	MUST(!MM_GROW(e->objects, e->cap, e->count + 1));
	e->objects[e->count++] = o;
	e->live[category]++;
	e->live_bytes += size;
}

static void die(struct engine *e, size_t which, uint32_t thread)
{
	struct object o = e->objects[which];
	struct mm_event ev = { .kind = MM_EV_FREE, .slot = o.slot, .thread = thread,
			       .time = e->now };
	size_t n = e->hole_count[o.category][o.level]++;

	MUST(!mm_stream_death(e->s, &ev));
	struct voxel_event *k = keep(e, &ev);
	k->category = o.category;
	k->bytes = -(int64_t)o.size;
	e->objects[which] = e->objects[--e->count];
	e->live[o.category]--;
	e->live_bytes -= o.size;
	MUST(!MM_GROW(e->holes[o.category][o.level], e->hole_cap[o.category][o.level], n + 1));
	e->holes[o.category][o.level][n] = o.addr;
}

static size_t some_object(struct engine *e, int category)
{
	size_t at = below(e, e->count);

	while (e->objects[at].category != category)
		at = (at + 1) % e->count;
	return at;
}

static uint64_t wanted(int category, uint64_t now)
{
	const struct knot *k = habits[category].knots;
	double t = (double)now / 1e9;

	while (k[1].second > 0 && k[1].second < t)
		k++;
	if (k[1].second <= 0)
		return (uint64_t)k->count;
	return (uint64_t)(k->count + (k[1].count - k->count) * (t - k->second) /
				     (k[1].second - k->second));
}

static uint32_t some_thread(struct engine *e, int category)
{
	return habits[category].threads[below(e, 2)];
}

static void make(struct engine *e, int category)
{
	uint32_t thread = some_thread(e, category);

	born(e, category, habits[category].sites[below(e, 3)], thread);
}

/* The order of random numbers is told by statements: that of arguments is the compiler's. */
static void end_one(struct engine *e, int category)
{
	uint32_t thread = some_thread(e, category);

	die(e, some_object(e, category), thread);
}

static void step_objects(struct engine *e)
{
	for (int c = 0; c < VOXEL_CATEGORIES; c++) {
		uint64_t want = wanted(c, e->now);
		while (e->live[c] < want)
			make(e, c);
		while (e->live[c] > want)
			end_one(e, c);
	}
	if (e->count > 1000) /* what comes and goes */
		for (int i = 0; i < 2; i++) {
			int c = (int)below(e, GENERAL);
			end_one(e, c);
			e->now += 1000;
			make(e, c);
		}
	if (below(e, 3) == 0) { /* a temporary */
		born(e, GENERAL, S_SCRATCH, WORKER_3);
		e->now += 1000;
		die(e, e->count - 1, WORKER_3);
	}
}

/* --- pools ---------------------------------------------------------------------------------- */

static const struct { const char *name; uint64_t block; uint32_t per_slab; uint64_t base; } pools[2] = {
	{ "svo inner nodes", 64, 1024, UINT64_C(0x7e0000000000) },
	{ "sdf bricks", 8192, 8, UINT64_C(0x7e0100000000) },
};

static void begin_pools(struct engine *e)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct mm_event ev = { .kind = MM_EV_POOL, .pool = i + 1, .size = pools[i].block,
			.thread = MM_NO_THREAD, .slot = MM_NO_SLOT, .time = e->now,
			.text = pools[i].name, .text_len = (uint32_t)strlen(pools[i].name),
			.site = e->sites[i ? S_SDF : S_SVO] };
		MUST(!mm_stream_other(e->s, &ev));
		keep(e, &ev);
	}
}

static void step_pool(struct engine *e, uint32_t i)
{
	uint64_t slab = 65536, at = e->pool_live[i] / pools[i].per_slab;
	struct mm_event ev = { .kind = MM_EV_SLAB, .pool = i + 1, .size = slab,
		.blocks = pools[i].per_slab, .thread = MM_NO_THREAD, .slot = MM_NO_SLOT,
		.time = e->now, .addr = pools[i].base + at * slab };
	struct mm_event block = { .kind = MM_EV_NOTE_ALLOC, .size = pools[i].block,
		.site = e->pool_sites[i], .thread = WORKER_1 + i, .time = e->now,
		.addr = pools[i].base + at * slab + e->pool_live[i] % pools[i].per_slab * pools[i].block };
	uint32_t slot;

	if (at == e->pool_slabs[i]) {
		e->pool_slabs[i]++;
		MUST(!mm_stream_other(e->s, &ev));
		keep(e, &ev);
	}
	e->pool_live[i]++;
	MUST(!mm_stream_birth(e->s, &block, &slot));
	struct voxel_event *k = keep(e, &block);
	k->category = i ? SDF : SVO;
	k->bytes = (int64_t)pools[i].block;
	if (below(e, 3) == 0) {
		struct mm_event death = { .kind = MM_EV_NOTE_FREE, .slot = slot,
			.thread = WORKER_1 + i, .time = e->now };
		MUST(!mm_stream_death(e->s, &death));
		k = keep(e, &death);
		k->category = i ? SDF : SVO;
		k->bytes = -(int64_t)pools[i].block;
	}
}

/* --- tiers ---------------------------------------------------------------------------------- */

static const struct { const char *name, *type; uint64_t capacity; } tiers[VOXEL_TIERS] = {
	{ "VRAM", "device-local", MIB(4096) }, { "BAR", "host-visible", MIB(256) },
	{ "RAM", "anon heap", MIB(2048) }, { "huge", "2M pages", MIB(512) },
	{ "mmap", "file cache", MIB(8192) }, { "disk", "zstd pack", MIB(65536) },
};

/* MiB of each category in each tier when all of it is loaded. */
static const uint16_t shares[VOXEL_CATEGORIES][VOXEL_TIERS] = {
	[SVO] = { 175, 12, 604, 384, 0, 310 }, [SDF] = { 313, 31, 402, 0, 0, 1880 },
	[BAND] = { 121, 0, 96, 0, 0, 40 }, [MATERIAL] = { 640, 18, 70, 0, 180, 260 },
	[MESH] = { 1440, 0, 260, 0, 18, 402 }, [GENERAL] = { 0, 0, 4, 0, 1900, 0 },
};

static void define_tier(struct engine *e, int i, uint64_t capacity)
{
	struct mm_notice n = mm_notice_unknown();

	n.tier = (uint64_t)i;
	n.name = span(tiers[i].name);
	n.what = span(tiers[i].type);
	n.capacity_bytes = capacity;
	n.part_of = i == VOXEL_HUGE ? VOXEL_RAM : MM_UNKNOWN;
	tell(e, MM_EV_TIER, &n);
}

static uint64_t in_tier(struct engine *e, int category, int tier)
{
	uint64_t full = wanted(category, SECONDS(38)), now = wanted(category, e->now);

	if (tier == VOXEL_RAM && category != GENERAL)
		return now * (habits[category].least + habits[category].step * 7 / 2);
	return MIB(shares[category][tier]) / full * now;
}

static void tell_use(struct engine *e, int tier, const char *category, uint64_t bytes)
{
	struct mm_notice n = mm_notice_unknown();

	n.tier = (uint64_t)tier;
	n.category = span(category);
	n.bytes = bytes;
	if (!*category && tier != VOXEL_BAR && tier != VOXEL_DISK) {
		n.hits = e->tier_hits[tier] += 4000 + below(e, 2000);
		n.misses = e->tier_misses[tier] += 20 + below(e, tier == VOXEL_RAM ? 15 : 300);
	}
	tell(e, MM_EV_TIER_USE, &n);
}

static void step_tiers(struct engine *e)
{
	for (int t = 0; t < VOXEL_TIERS; t++) {
		uint64_t all = 0;
		for (int c = 0; c < VOXEL_CATEGORIES; c++) {
			if (!shares[c][t])
				continue;
			tell_use(e, t, voxel_categories[c], in_tier(e, c, t));
			all += in_tier(e, c, t);
		}
		tell_use(e, t, "", all);
	}
}

static void step_move(struct engine *e)
{
	static const uint8_t ways[][2] = { { VOXEL_RAM, VOXEL_VRAM }, { VOXEL_RAM, VOXEL_VRAM },
		{ VOXEL_DISK, VOXEL_RAM }, { VOXEL_VRAM, VOXEL_DISK }, { VOXEL_RAM, VOXEL_DISK },
		{ VOXEL_VRAM, VOXEL_RAM }, { VOXEL_RAM, VOXEL_BAR }, { VOXEL_BAR, VOXEL_VRAM } };
	static const char *const causes[] = { "demand", "demand", "budget", "age", "pressure", "user" };
	static const uint32_t waits[VOXEL_TIERS] = { 900000, 0, 90000, 0, 400000, 7000000 };
	const uint8_t *way = ways[below(e, 8)];
	struct mm_notice n = mm_notice_unknown();

	n.category = span(voxel_categories[below(e, GENERAL)]);
	n.tier = way[0];
	n.to = way[1];
	n.blocks = 1 + below(e, 12);
	n.bytes = n.blocks * 65536 * (1 + below(e, 4));
	n.cause = span(causes[below(e, 6)]);
	if (waits[way[0]])
		n.stall_ns = waits[way[0]] / 2 + below(e, waits[way[0]]);
	if (below(e, 60) == 0)
		n.stall_ns = 3 * (uint64_t)waits[way[0]] + 1000;
	tell(e, MM_EV_TIER_MOVE, &n);
}

static void evict(struct engine *e, int category, int tier, uint64_t bytes, const char *cause)
{
	struct mm_notice n = mm_notice_unknown();

	n.category = span(voxel_categories[category]);
	n.tier = (uint64_t)tier;
	n.bytes = bytes;
	n.cause = span(cause);
	n.blocks = bytes / 65536;
	tell(e, MM_EV_EVICT, &n);
}

static void deny(struct engine *e, int category, uint64_t bytes, const char *cause)
{
	struct mm_notice n = mm_notice_unknown();

	n.category = span(voxel_categories[category]);
	n.bytes = bytes;
	n.cause = span(cause);
	tell(e, MM_EV_DENY, &n);
}

static void press(struct engine *e, uint64_t level, uint64_t before, const char *cause)
{
	struct mm_notice n = mm_notice_unknown();

	n.level = level;
	n.before = before;
	n.cause = span(cause);
	tell(e, MM_EV_PRESSURE, &n);
}

/* --- devices -------------------------------------------------------------------------------- */

static void begin_gpu(struct engine *e)
{
	struct mm_notice n = mm_notice_unknown();

	n.device = 0;
	n.name = span("Vexel 780 (made up)");
	n.driver = span("vxl 24.1.3");
	n.source = span("VK_EXT_memory_budget + VMA stats");
	tell(e, MM_EV_GPU_DEVICE, &n);
}

static void tell_heap(struct engine *e, uint64_t heap, const char *flags, uint64_t budget,
		      uint64_t ours, uint64_t others, uint64_t blocks, uint64_t count)
{
	struct mm_notice n = mm_notice_unknown();

	n.device = 0;
	n.heap = heap;
	n.what = span(flags);
	n.budget_bytes = budget;
	n.bytes = ours + others;
	n.ours_bytes = ours;
	n.blocks = blocks;
	n.count = count;
	if (heap == 0) {
		n.up_bytes = e->up += MIB(30) + below(e, MIB(30));
		n.down_bytes = e->down += below(e, MIB(1));
		n.movable_bytes = MIB(9);
		n.movable_blocks = 1;
	}
	tell(e, MM_EV_GPU_HEAP, &n);
}

static void step_heaps(struct engine *e)
{
	uint64_t ours = 0;

	for (int c = 0; c < VOXEL_CATEGORIES; c++)
		ours += in_tier(e, c, VOXEL_VRAM);
	tell_heap(e, 0, "DEVICE_LOCAL", MIB(4096), ours, MIB(194), 14, 1345);
	tell_heap(e, 1, "HOST", MIB(15900), MIB(471), MIB(41), 9, 210);
	tell_heap(e, 2, "DEVICE_LOCAL HOST_VISIBLE", MIB(256), in_tier(e, SVO, VOXEL_BAR) +
		  in_tier(e, SDF, VOXEL_BAR) + in_tier(e, MATERIAL, VOXEL_BAR), 0, 2, 24);
}

struct usage { const char *type; int category; uint64_t heap, count, dedicated, mapped, age; };

static void step_kinds(struct engine *e)
{
	static const struct usage kinds[] = {
		{ "storage buffer", SVO, 0, 18, 2, 0, 31000000000 },
		{ "image 3D", SDF, 0, 4, 4, 0, 28100000000 },
		{ "image 2D", MATERIAL, 0, 412, 6, 0, 39900000000 },
		{ "vertex buffer", MESH, 0, 880, 0, 0, 12000000000 },
		{ "storage buffer", BAND, 0, 31, 3, 1, 40200000000 },
		{ "staging buffer", SDF, 2, 6, 0, 6, 400000000 },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		struct mm_notice n = mm_notice_unknown();
		n.device = 0;
		n.heap = kinds[i].heap;
		n.what = span(kinds[i].type);
		n.category = span(voxel_categories[kinds[i].category]);
		n.count = kinds[i].count;
		n.bytes = in_tier(e, kinds[i].category, kinds[i].heap ? VOXEL_BAR : VOXEL_VRAM);
		n.dedicated = kinds[i].dedicated;
		n.mapped = kinds[i].mapped;
		n.age_ns = kinds[i].age < e->now ? kinds[i].age : e->now / 2;
		tell(e, MM_EV_GPU_KIND, &n);
	}
}

/* A block of 64 MiB, a letter for each of them. */
static void tell_block(struct engine *e, uint64_t heap, uint64_t block, unsigned fill)
{
	static const char classes[] = "SSSSIIIVVT";
	struct mm_notice n = mm_notice_unknown();
	char map[65] = "";
	uint64_t run = 0, longest = 0, used = 0;

	for (int i = 0; i < 64; i++) {
		int is_free = below(e, 100) >= fill;
		map[i] = is_free ? '.' : classes[below(e, 10)];
		run = is_free ? run + 1 : 0;
		longest = run > longest ? run : longest;
		used += !is_free;
	}
	n.device = 0;
	n.heap = heap;
	n.block = block;
	n.capacity_bytes = MIB(64);
	n.bytes = MIB(used);
	n.largest_bytes = MIB(longest);
	n.what = (struct mm_span){ map, 64 };
	tell(e, MM_EV_GPU_BLOCK, &n);
	/* The list keeps it, and frees it in voxel_end. */
	e->v->events[e->v->count - 1].notice.what.text = strdup(map);
}

static void step_blocks(struct engine *e)
{
	static const uint8_t fills[14] = { 100, 97, 93, 88, 81, 76, 70, 60, 55, 47, 40, 31, 22, 10 };

	for (uint64_t i = 0; i < 14; i++)
		tell_block(e, 0, i, fills[i]);
	tell_block(e, 2, 0, 80);
	tell_block(e, 2, 1, 15);
}

static void free_block(struct engine *e, uint64_t block)
{
	struct mm_notice n = mm_notice_unknown();

	n.device = 0;
	n.heap = 0;
	n.block = block;
	n.capacity_bytes = 0;
	tell(e, MM_EV_GPU_BLOCK, &n);
}

/* --- the surroundings ----------------------------------------------------------------------- */

static void step_sample(struct engine *e)
{
	double t = (double)e->now / 1e9;
	double full = t < 30 ? 0.002 : t < 38 ? (t - 30) * 0.016 : t < 50 ? 0.13 - (t - 38) * 0.01 : 0.004;
	struct mm_sample s = { .rss_bytes = e->live_bytes + MIB(180), .anon_bytes = e->live_bytes + MIB(60),
		.rss_peak_bytes = MM_UNKNOWN, .mem_available_bytes = MIB(10240) - e->live_bytes,
		.limit_bytes = MIB(2560), .cgroup_bytes = e->live_bytes + MIB(480),
		.psi_full_ppm = (uint64_t)(full * 1e6), .psi_some_ppm = (uint64_t)(full * 2.4e6) };
	struct mm_event ev = { .kind = MM_EV_SAMPLE, .thread = MM_NO_THREAD, .slot = MM_NO_SLOT,
			       .time = e->now, .sample = &s };

	MUST(!mm_stream_other(e->s, &ev));
	keep(e, &ev)->sample = s;
}

static void step_metrics(struct engine *e)
{
	tell_text(e, MM_EV_METRIC, "svo.nodes_count", (int64_t)(e->live[SVO] * 900));
	tell_text(e, MM_EV_METRIC, "svo.voxels_count", (int64_t)(e->live[SVO] * 52000));
	tell_text(e, MM_EV_METRIC, "sdf.bricks_resident_count", (int64_t)(e->live[SDF] * 61));
	tell_text(e, MM_EV_METRIC, "frame_us", (int64_t)(15000 + below(e, 3000)));
}

/* --- the story ------------------------------------------------------------------------------ */

static void begin_story(struct engine *e)
{
	static const uint64_t budgets[GENERAL] = { MIB(512), MIB(512), MIB(128), MIB(256), MIB(256) };

	for (int i = 0; i < GENERAL; i++)
		tell_text(e, MM_EV_BUDGET, voxel_categories[i], (int64_t)budgets[i]);
	for (int i = 0; i < VOXEL_TIERS; i++)
		define_tier(e, i, tiers[i].capacity);
	begin_gpu(e);
	begin_pools(e);
	press(e, MM_LEVEL_OK, MM_UNKNOWN, "");
	tell_text(e, MM_EV_MARK, "load", 0);
}

static void high_noon(struct engine *e, unsigned tick)
{
	switch (tick) {
	case 3840: deny(e, MESH, MIB(4), "budget"); break;
	case 3850: deny(e, MESH, MIB(6), "budget"); break;
	case 3880: press(e, MM_LEVEL_HIGH, MM_LEVEL_WARN, "budget"); break;
	case 3885: deny(e, SVO, MIB(16), "pressure"); break;
	case 3890:
		tell_text(e, MM_EV_MARK, "evict", 0);
		for (int i = 0; i < 12; i++)
			evict(e, MESH, VOXEL_VRAM, MIB(4), i % 4 ? "budget" : "pressure");
		evict(e, MESH, VOXEL_RAM, MIB(48), "budget");
		break;
	case 3920: evict(e, SDF, VOXEL_RAM, MIB(12), "pressure"); break;
	case 4400: press(e, MM_LEVEL_WARN, MM_LEVEL_HIGH, "budget"); break;
	default: break;
	}
}

static void story(struct engine *e, unsigned tick)
{
	switch (tick) {
	case 1000: tell_text(e, MM_EV_MARK, "spawn", 0); break;
	case 1200: tell_text(e, MM_EV_BUDGET, "svo_nodes", (int64_t)MIB(640)); break;
	case 2000: define_tier(e, VOXEL_DISK, MIB(98304)); break;
	case 2200: press(e, MM_LEVEL_NOTE, MM_LEVEL_OK, "vram"); break;
	case 2410: tell_text(e, MM_EV_MARK, "bake", 0); break;
	case 3140: press(e, MM_LEVEL_WARN, MM_LEVEL_NOTE, "heap"); break;
	case 4800: free_block(e, 13); break;
	case 5000: press(e, MM_LEVEL_NOTE, MM_LEVEL_WARN, "heap"); break;
	case 5200: tell_text(e, MM_EV_BUDGET, "narrow_band", (int64_t)MIB(96)); break;
	case 5230: deny(e, BAND, MIB(1), "budget"); break;
	case 5600: press(e, MM_LEVEL_OK, MM_LEVEL_NOTE, "vram"); break;
	case 5800: tell_text(e, MM_EV_MARK, "save", 0); break;
	default: high_noon(e, tick);
	}
	if (tick % 300 == 299) {
		uint64_t bytes = MIB(1 + below(e, 6));
		evict(e, (int)below(e, GENERAL), tick % 600 == 299 ? VOXEL_VRAM : VOXEL_RAM, bytes,
		      tick < 3000 ? "age" : "budget");
	}
}

static void tick_once(struct engine *e, unsigned tick)
{
	e->now = (uint64_t)(tick + 1) * TICK_NS;
	story(e, tick);
	if (tick % 100 == 50) {
		step_tiers(e);
		step_heaps(e);
	}
	if (tick % 500 == 60) {
		step_kinds(e);
		if (tick < 4800)
			step_blocks(e);
	}
	if (tick % 50 == 20)
		step_sample(e);
	if (tick % 200 == 70)
		step_metrics(e);
	if (tick > 500 && tick % 5 == 0)
		step_move(e);
	if (tick % 8 == 3)
		step_pool(e, tick % 16 == 3);
	if (tick % 40 == 7 && tick < 400)
		born(e, GENERAL, tick % 80 == 7 ? S_FONT : S_VULKAN, MAIN);
	step_objects(e);
}

static void begin_process(struct engine *e)
{
	static const char *const names[THREADS] = { "voxsrv", "worker-1", "worker-2", "worker-3",
						    "streamer", "render" };
	struct mm_process p = { .pid = 4242, .ppid = 1, .exe = modules[VOX],
		.cmd = "./voxsrv --scene caves", .end_time = MM_UNKNOWN, .inherited_bytes = MM_UNKNOWN };
	uint32_t number;

	MUST(!mm_writer_process(e->w, &p, &e->s));
	for (uint32_t i = 0; i < THREADS; i++) {
		struct mm_thread t = { .tid = 4242 + i, .name = names[i], .start_time = i * 2000000u };
		MUST(!mm_stream_thread(e->s, &t, &number) && number == i);
	}
	for (uint32_t i = 1; i < MODULES; i++) {
		uint64_t base = UINT64_C(0x7f4000000000) + i * UINT64_C(0x10000000);
		struct mm_module m = { .start = base, .end = base + 0x1000000, .bias = base,
			.path = modules[i], .build_id = { 0xf0, (uint8_t)i }, .build_id_len = 20 };
		MUST(!mm_stream_module(e->s, &m, &number) && number == i);
	}
}

static uint64_t code_address(uint32_t site)
{
	return UINT64_C(0x7f4000000000) + places[site].module * UINT64_C(0x10000000) + 0x1000 + 64 * site;
}

static void begin_sites(struct engine *e)
{
	for (uint32_t i = 1; i < SITES; i++) {
		const struct place *p = &places[i];
		struct mm_site s = { .parent = e->sites[p->parent], .module = p->module,
			.value = code_address(i), .kind = MM_SITE_FRAME };
		if (p->category) {
			const char *name = voxel_categories[p->category - 1];
			uint32_t string;
			MUST(!mm_stream_string(e->s, name, strlen(name), &string));
			s = (struct mm_site){ .parent = s.parent, .value = string,
					      .kind = MM_SITE_CATEGORY };
		}
		MUST(!mm_stream_site(e->s, &s, &e->sites[i]));
	}
	for (uint32_t i = 0; i < 2; i++) {
		const char *name = voxel_categories[i ? SDF : SVO];
		struct mm_site s = { .parent = e->sites[i ? S_BRICK : S_INNER], .module = i + 1,
				     .kind = MM_SITE_CATEGORY };
		uint32_t string;
		MUST(!mm_stream_string(e->s, name, strlen(name), &string));
		s.value = string;
		MUST(!mm_stream_site(e->s, &s, &e->pool_sites[i]));
	}
}

static void write_symbols(struct engine *e)
{
	for (uint32_t i = 1; i < SITES; i++) {
		const struct place *p = &places[i];
		struct mm_frame f[2];
		size_t n = 0;
		if (p->category)
			continue;
		if (p->inlined)
			f[n++] = (struct mm_frame){ p->inlined, p->inlined_file, p->inlined_line, 1 };
		if (p->function)
			f[n++] = (struct mm_frame){ p->function, p->file, p->line, 0 };
		MUST(!mm_writer_symbol(e->w, 0, p->module, code_address(i), f, n));
	}
}

static void end_process(struct engine *e)
{
	struct mm_process p = *mm_stream_get_process(e->s);

	p.end = MM_END_EXIT;
	p.end_time = SECONDS(60.5);
	MUST(!mm_stream_process(e->s, &p));
	MUST(!mm_stream_close(e->s));
}

void voxel_write(const char *path, struct voxel *ret)
{
	struct mm_writer_options o = { .time_resolution_ns = 1000, .command = "./voxsrv --scene caves",
		.tool = "mmprof test", .start_unix_ns = UINT64_C(1700000000000000000),
		.page_bytes = 4096, .cores = 8, .mem_total_bytes = MIB(16384), .source = "record" };
	struct engine e = { .v = ret, .state = 4242, .now = 1000000,
		.bump = { UINT64_C(0x7f2100000000), UINT64_C(0x7f2200000000), UINT64_C(0x555500010000) } };

	*ret = (struct voxel){ 0 };
	MUST(!mm_writer_open(&e.w, path, &o, NULL));
	begin_process(&e);
	begin_sites(&e);
	begin_story(&e);
	for (unsigned tick = 0; tick < TICKS; tick++)
		tick_once(&e, tick);
	end_process(&e);
	write_symbols(&e);
	MUST(!mm_writer_close(e.w, NULL));
	for (int c = 0; c < VOXEL_CATEGORIES; c++)
		for (int l = 0; l < LEVELS; l++)
			free(e.holes[c][l]);
	free(e.objects);
}

void voxel_end(struct voxel *v)
{
	for (size_t i = 0; i < v->count; i++)
		if (v->events[i].ev.kind == MM_EV_GPU_BLOCK && v->events[i].notice.what.len)
			free((void *)(uintptr_t)v->events[i].notice.what.text);
	free(v->events);
}
