/* domains.c: what a program told of its octrees and distance fields, and what follows
 * from it (report.h). */
#include <string.h>

#include "model/report.h"

enum { MILLION = 1000000 };

/* A member is told as `metric`, or else follows: (part + more) / ((whole + rest) x times) in
 * millionths, when all of these were told. */
struct member_rule {
	const char *name, *metric;
	const char *part, *more, *whole, *rest;
	int64_t times;
};

static const struct member_rule svo_sdf_rules[] = {
	{ .name = "svo_node_bytes", .metric = "svo_node_bytes" },
	{ .name = "sdf_field_bytes", .metric = "sdf_field_bytes" },
	{ .name = "narrow_band_bytes", .metric = "narrow_band_bytes" },
	{ .name = "material_channel_bytes", .metric = "material_channel_bytes" },
	{ .name = "mesh_data_bytes", .metric = "mesh_data_bytes" },
	{ .name = "structure_overhead_bytes", .metric = "structure_overhead_bytes" },
	{ .name = "raw_bytes", .metric = "raw_bytes" },
	{ .name = "stored_bytes", .metric = "stored_bytes" },
	{ .name = "compression_ppm", .metric = "compression_ppm", .part = "raw_bytes",
	  .whole = "stored_bytes" },
};

static const struct member_rule svo_rules[] = {
	{ .name = "inner_bytes", .metric = "svo.inner_bytes" },
	{ .name = "leaf_bytes", .metric = "svo.leaf_bytes" },
	{ .name = "bytes_per_node_ppm", .metric = "svo.bytes_per_node_ppm",
	  .part = "svo.pool_bytes", .whole = "svo.nodes_count" },
	{ .name = "bytes_per_voxel_ppm", .metric = "svo.bytes_per_voxel_ppm",
	  .part = "svo.pool_bytes", .whole = "svo.voxels_count" },
	{ .name = "children_mean_ppm", .metric = "svo.children_mean_ppm",
	  .part = "svo.children_count", .whole = "svo.nodes_count" },
	{ .name = "leaf_fill_ppm", .metric = "svo.leaf_fill_ppm",
	  .part = "svo.leaf_children_count", .whole = "svo.leaf_nodes_count", .times = 8 },
	{ .name = "dedup_ppm", .metric = "svo.dedup_ppm" },
	{ .name = "pool_used_ppm", .metric = "svo.pool_used_ppm", .part = "svo.inner_bytes",
	  .more = "svo.leaf_bytes", .whole = "svo.pool_bytes" },
	{ .name = "full_grid_bytes", .metric = "svo.full_grid_bytes" },
};

static const struct member_rule sdf_rules[] = {
	{ .name = "brick_dim", .metric = "sdf.brick_dim" },
	{ .name = "bricks_resident_count", .metric = "sdf.bricks_resident_count" },
	{ .name = "bricks_free_count", .metric = "sdf.bricks_free_count" },
	{ .name = "band_voxels_count", .metric = "sdf.band_voxels_count" },
	{ .name = "stored_voxels_count", .metric = "sdf.stored_voxels_count" },
	{ .name = "band_ppm", .metric = "sdf.band_ppm", .part = "sdf.band_voxels_count",
	  .whole = "sdf.stored_voxels_count" },
	{ .name = "bytes_per_band_voxel_ppm", .metric = "sdf.bytes_per_band_voxel_ppm",
	  .part = "sdf.pool_bytes", .whole = "sdf.band_voxels_count" },
	{ .name = "atlas_fill_ppm", .metric = "sdf.atlas_fill_ppm",
	  .part = "sdf.bricks_resident_count", .whole = "sdf.bricks_resident_count",
	  .rest = "sdf.bricks_free_count" },
	{ .name = "bits_per_sample", .metric = "sdf.bits_per_sample" },
};

#define RULES(r) r, sizeof(r) / sizeof *(r)
static const struct { const char *name; const struct member_rule *rules; size_t count; }
	domain_rules[MM_DOMAIN_COUNT] = {
	[MM_DOMAIN_SVO_SDF] = { "svo_sdf", RULES(svo_sdf_rules) },
	[MM_DOMAIN_SVO] = { "svo", RULES(svo_rules) },
	[MM_DOMAIN_SDF] = { "sdf", RULES(sdf_rules) },
};

/* The last value of a metric; no name counts as 0, which changes no sum. */
static int last_value(const struct mm_report *r, const char *name, int64_t *ret)
{
	size_t i = 0;

	*ret = 0;
	if (!name)
		return 1;
	while (i < r->series_count && strcmp(r->series[i].name, name) != 0)
		i++;
	if (i == r->series_count)
		return 0;
	*ret = r->series[i].last;
	return 1;
}

static void follow(const struct mm_report *r, const struct member_rule *rule,
		   struct mm_report_member *m)
{
	int64_t part, more, whole, rest;
	__int128 quotient;

	if (!rule->whole || !last_value(r, rule->part, &part) ||
	    !last_value(r, rule->more, &more) || !last_value(r, rule->whole, &whole) ||
	    !last_value(r, rule->rest, &rest))
		return;
	quotient = (__int128)whole + rest;
	quotient *= rule->times ? rule->times : 1;
	if (quotient <= 0 || part < 0 || more < 0)
		return;
	quotient = ((__int128)part + more) * MILLION / quotient;
	if (quotient > INT64_MAX)
		return;
	m->value = (int64_t)quotient;
	m->known = 1;
}

/* Any metric of the domain, also one that is none of its members. */
static int was_told(const struct mm_report *r, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < r->series_count; i++)
		if (strncmp(r->series[i].name, name, len) == 0 && r->series[i].name[len] == '.')
			return 1;
	return 0;
}

void mm_report_domain(const struct mm_report *r, enum mm_domain which,
		      struct mm_report_domain *ret)
{
	*ret = (struct mm_report_domain){ .name = domain_rules[which].name };
	ret->told = was_told(r, ret->name);
	ret->count = domain_rules[which].count;
	for (size_t i = 0; i < ret->count; i++) {
		const struct member_rule *rule = &domain_rules[which].rules[i];
		struct mm_report_member *m = &ret->members[i];
		m->name = rule->name;
		m->known = (uint8_t)last_value(r, rule->metric, &m->value);
		if (!m->known)
			follow(r, rule, m);
		ret->told |= m->known;
	}
}
