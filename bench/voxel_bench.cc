/* voxel_bench.cc: the voxel pools beside OpenVDB and OctoMap, on the same voxels; one part a
 * process, since memory is measured by what the process holds. One line "name value". */
#include <octomap/OcTree.h>
#include <openvdb/openvdb.h>
#include <openvdb/tools/LevelSetSphere.h>
#include <openvdb/tools/MeshToVolume.h>
#include <openvdb/version.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

extern "C" {
#include "alloc/band_pool.h"
#include "alloc/svo_pool.h"
}

static double resident()
{
	long all = 0, here = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (!f || fscanf(f, "%ld %ld", &all, &here) != 2)
		exit(1);
	fclose(f);
	return here * 4096.0;
}

static void out(const char *name, double value) { printf("%s %.17g\n", name, value); }
static void need(bool ok) { if (!ok) { fprintf(stderr, "voxel_bench: failed\n"); exit(1); } }

/* Corners "i", "i/t" or "i/t/n" of the triangles of a Wavefront file; its longest side becomes
 * 200 voxels, the diameter of the sphere. */
static openvdb::FloatGrid::Ptr of_mesh(const char *file)
{
	std::vector<openvdb::Vec3s> points;
	std::vector<openvdb::Vec3I> triangles;
	char line[512];
	FILE *f = fopen(file, "r");

	need(f);
	while (fgets(line, sizeof line, f)) {
		openvdb::Vec3s v;
		long at[3];
		if (sscanf(line, "v %f %f %f", &v[0], &v[1], &v[2]) == 3)
			points.push_back(v);
		else if (sscanf(line, "f %ld%*[^ ] %ld%*[^ ] %ld", at, at + 1, at + 2) == 3 ||
			 sscanf(line, "f %ld %ld %ld", at, at + 1, at + 2) == 3)
			triangles.push_back(openvdb::Vec3I(at[0] - 1, at[1] - 1, at[2] - 1));
	}
	fclose(f);
	need(!points.empty() && !triangles.empty());
	openvdb::Vec3s low = points[0], high = low;
	for (auto &v : points)
		low = openvdb::math::minComponent(low, v), high = openvdb::math::maxComponent(high, v);
	auto side = high - low;
	float most = std::max(side[0], std::max(side[1], side[2]));
	for (auto &v : points)
		v = (v - low) * (200 / most);
	return openvdb::tools::meshToLevelSet<openvdb::FloatGrid>(
		*openvdb::math::Transform::createLinearTransform(1), points, triangles, 3);
}

static void band(enum mm_band_format format, const char *mesh)
{
	openvdb::initialize();
	double before = resident();
	auto grid = mesh ? of_mesh(mesh)
			 : openvdb::tools::createLevelSetSphere<openvdb::FloatGrid>(
				   100, openvdb::Vec3f(0), 1, 3);
	double rss = resident() - before, active = grid->activeVoxelCount();
	mm_band_options o = { 0, 3, format };
	mm_band *p = nullptr;
	double worst = 0, held = 0;
	before = resident();
	need(!mm_band_open(&p, &o));
	for (auto leaf = grid->tree().cbeginLeaf(); leaf; ++leaf) {
		auto at = leaf->origin();
		uint64_t key;
		uint32_t b;
		need(!mm_band_key(at.x() >> 3, at.y() >> 3, at.z() >> 3, &key));
		need(!mm_band_take(p, key, MM_BAND_F32, &b));
		memcpy((void *)mm_band_payload(p, b), leaf->buffer().data(), 2048);
		for (int i = 0; i < 512; i++)
			if (leaf->isValueOn(i))
				mm_band_mask(p, b)[i / 64] |= 1ull << i % 64;
		need(!mm_band_convert(p, key, format));
	}
	double ours = resident() - before;
	for (auto leaf = grid->tree().cbeginLeaf(); leaf; ++leaf) {
		auto at = leaf->origin();
		uint64_t key;
		mm_band_key(at.x() >> 3, at.y() >> 3, at.z() >> 3, &key);
		uint32_t b = mm_band_find(p, key);
		need(b);
		auto data = mm_band_payload(p, b);
		for (int i = 0; i < 512; i++) {
			if (!leaf->isValueOn(i))
				continue;
			need(mm_band_mask(p, b)[i / 64] >> i % 64 & 1);
			held++;
			double v = format == MM_BAND_F32 ? ((float *)data)[i]
							 : ((int16_t *)data)[i] * 3.0 / 32767;
			worst = std::max(worst, std::fabs(v - leaf->getValue(i)));
		}
	}
	need(held == active);
	mm_band_account a;
	mm_band_sums(p, &a);
	out("active", active);
	out("bricks", a.bricks);
	out("vdb_memusage", grid->memUsage() / active);
	out("vdb_rss", rss / active);
	out("ours_committed", a.committed / active);
	out("ours_rss", ours / active);
	out("worst_error", worst);
}

struct Copy {
	octomap::OcTree *tree;
	mm_svo *pool;
	unsigned cut;
	double nodes = 0;

	uint32_t children(octomap::OcTreeNode *n, uint64_t key, uint64_t group, unsigned depth)
	{
		octomap::OcTreeNode *kid[8];
		uint64_t name[8], mask = 0, leaves = 0;
		unsigned count = 0;
		uint32_t h;
		if (depth == cut)
			group = key;
		for (unsigned i = 0; i < 8; i++)
			if (tree->nodeChildExists(n, i)) {
				kid[count] = tree->getNodeChild(n, i);
				name[count++] = key << 3 | i;
				mask |= 1u << i;
			}
		for (unsigned i = 0; i < count; i++)
			leaves += !tree->nodeHasChildren(kid[i]);
		auto kind = leaves == count ? MM_SVO_LEAVES : MM_SVO_INNER;
		need(!mm_svo_take(pool, group, kind, count, &h));
		nodes += count;
		for (unsigned i = 0; i < count; i++) {
			*(float *)mm_svo_value(pool, h + i) = kid[i]->getLogOdds();
			if (kind == MM_SVO_INNER)
				*(uint64_t *)mm_svo_node(pool, h + i) = tree->nodeHasChildren(kid[i])
					? children(kid[i], name[i], group, depth + 1) : 0;
		}
		return h;
	}
};

static void octree(const char *file, unsigned cut)
{
	double before = resident();
	auto tree = new octomap::OcTree(std::string(file));
	double rss = resident() - before;
	mm_svo_options o = { 0, 8, 4, 0 };
	mm_svo *p = nullptr;
	before = resident();
	need(tree->size() && !mm_svo_open(&p, &o));
	Copy c = { tree, p, cut };
	c.children(tree->getRoot(), 1, 1, 0);
	double ours = resident() - before;
	mm_svo_account a;
	mm_svo_sums(p, &a);
	need(a.live == c.nodes && c.nodes + 1 == tree->size());
	out("nodes", tree->size());
	out("chunks", a.chunks);
	out("octomap_memusage", (double)tree->memoryUsage() / tree->size());
	out("octomap_rss", rss / tree->size());
	out("ours_committed", a.committed / c.nodes);
	out("ours_rss", ours / c.nodes);
}

/* OpenVDB's own bricks, 32^3 of them: one is deleted and made anew, its buffer with it and not
 * filled, row by row or in a fixed random order. */
static void churn(bool any)
{
	using Leaf = openvdb::FloatTree::LeafNodeType;
	std::vector<Leaf *> leaves(32768);
	auto make = [](size_t i) {
		auto leaf = new Leaf(openvdb::PartialCreate(),
				     openvdb::Coord(i % 32 * 8, i / 32 % 32 * 8, i / 1024 * 8), 0.f, false);
		leaf->allocate();
		return leaf;
	};
	uint64_t r = 1;
	for (size_t i = 0; i < leaves.size(); i++) {
		leaves[i] = make(i);
		memset(leaves[i]->buffer().data(), 1, 2048);
	}
	std::vector<double> rounds;
	const size_t pairs = 2000000;
	for (int round = 0; round < 7; round++) {
		auto start = std::chrono::steady_clock::now();
		for (size_t i = 0; i < pairs; i++) {
			r = r * 6364136223846793005ull + 1442695040888963407ull;
			size_t k = any ? r >> 49 : i % 32768;
			delete leaves[k];
			leaves[k] = make(k);
		}
		std::chrono::duration<double, std::nano> t = std::chrono::steady_clock::now() - start;
		rounds.push_back(t.count() / pairs);
	}
	std::sort(rounds.begin(), rounds.end());
	out("pair_ns", rounds[3]);
	out("pair_ns_low", rounds[0]);
	out("pair_ns_high", rounds[6]);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "f32"))
		band(MM_BAND_F32, argv[2]);
	else if (argc > 1 && !strcmp(argv[1], "i16"))
		band(MM_BAND_I16, argv[2]);
	else if (argc > 3 && !strcmp(argv[1], "octree"))
		octree(argv[2], atoi(argv[3]));
	else if (argc > 1 && !strcmp(argv[1], "churn"))
		churn(false);
	else if (argc > 1 && !strcmp(argv[1], "random"))
		churn(true);
	else
		return 2;
	return 0;
}
