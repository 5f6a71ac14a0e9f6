/* test_model_notes: of the model: what stands beside the events: samples of RSS, metrics, the
 * domains that follow from them, kinds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "core/error.h"
#include "modelkit.h"

static const struct mm_model_options overview;

static void put_sample(struct kit *k, uint32_t p, uint64_t rss, uint64_t anon, uint64_t time)
{
	struct mm_sample s = { rss, anon, rss + 5, MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN, MM_UNKNOWN,
			       MM_UNKNOWN };
	struct mm_event ev = { .kind = MM_EV_SAMPLE, .thread = MM_NO_THREAD, .slot = MM_NO_SLOT,
			       .time = time, .sample = &s };

	kit_other(k, p, &ev);
}

static void samples_show_what_is_unaccounted(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	kit_alloc(&k, p, t, 0, 1000, 10);
	put_sample(&k, p, 9000, 1500, 20);
	struct mm_event map = { .kind = MM_EV_MAP, .thread = t, .slot = MM_NO_SLOT, .time = 30,
				.addr = 4096, .size = 4096 };
	kit_other(&k, p, &map);
	put_sample(&k, p, 20000, 7000, 40); /* 7000 - 1000 - 4096 = 1904 */
	put_sample(&k, p, 19000, 5000, 50);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->totals.unaccounted_bytes, 1904);
	assert_int_equal(r->totals.unaccounted_at_ns, 40);
	assert_int_equal(r->totals.unaccounted_ppm, 95200);
	assert_int_equal(r->totals.rss_peak_bytes, 20005);
	assert_int_equal(r->totals.mapped_bytes, 4096);
	assert_string_equal(r->totals.unaccounted_cause, "");
	assert_int_equal(r->sample_count, 3);
	mm_report_free(r);
	kit_end(&k);
}

static void metrics_are_summed_up(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	kit_thread(&k, p, 1, "t");
	kit_text(&k, p, MM_EV_METRIC, "svo.nodes", 5, 1);
	kit_text(&k, p, MM_EV_METRIC, "sdf.bricks", 1, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.nodes", -3, 3);
	kit_text(&k, p, MM_EV_METRIC, "svo.nodes", 4, 4);
	struct mm_event lost = { .kind = MM_EV_LOST, .slot = MM_NO_SLOT, .time = 5, .value = 17 };
	kit_other(&k, p, &lost);
	struct mm_event failed = { .kind = MM_EV_FAILED, .slot = MM_NO_SLOT, .time = 6, .size = 9 };
	kit_other(&k, p, &failed);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->series_count, 2);
	assert_string_equal(r->series[0].name, "svo.nodes");
	assert_int_equal(r->series[0].count, 3);
	assert_int_equal(r->series[0].first, 5);
	assert_int_equal(r->series[0].last, 4);
	assert_int_equal(r->series[0].min, -3);
	assert_int_equal(r->series[0].max, 5);
	assert_int_equal(r->series[0].point_count, 3);
	assert_int_equal(r->series[0].values[1], -3);
	assert_int_equal(r->run.lost_events_count, 17);
	assert_int_equal(r->totals.failed_count, 1);
	assert_int_equal(r->totals.all.alloc_count, 0);
	mm_report_free(r);
	kit_end(&k);
}

/* The member of a domain; fails when the domain has none of that name. */
static const struct mm_report_member *member(const struct mm_report_domain *d, const char *name)
{
	size_t i = 0;

	while (i < d->count && strcmp(d->members[i].name, name) != 0)
		i++;
	assert_true(i < d->count);
	return &d->members[i];
}

static void assert_member(const struct mm_report_domain *d, const char *name, int64_t value)
{
	assert_true(member(d, name)->known);
	assert_int_equal(member(d, name)->value, value);
}

static void domains_follow_from_metrics(void **state)
{
	struct mm_report_domain d;
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	kit_thread(&k, p, 1, "t");
	kit_text(&k, p, MM_EV_METRIC, "raw_bytes", 9, 1);
	kit_text(&k, p, MM_EV_METRIC, "raw_bytes", 3000, 2); /* the last counts */
	kit_text(&k, p, MM_EV_METRIC, "stored_bytes", 2000, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.inner_bytes", 100, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.leaf_bytes", 200, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.pool_bytes", 400, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.nodes_count", 0, 2); /* nothing is divided by 0 */
	kit_text(&k, p, MM_EV_METRIC, "svo.leaf_children_count", 6, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.leaf_nodes_count", 3, 2);
	kit_text(&k, p, MM_EV_METRIC, "svo.dedup_ppm", 7, 2);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	mm_report_domain(r, MM_DOMAIN_SVO_SDF, &d);
	assert_string_equal(d.name, "svo_sdf");
	assert_true(d.told);
	assert_member(&d, "raw_bytes", 3000);
	assert_member(&d, "compression_ppm", 1500000);
	assert_false(member(&d, "mesh_data_bytes")->known);
	mm_report_domain(r, MM_DOMAIN_SVO, &d);
	assert_true(d.told);
	assert_member(&d, "pool_used_ppm", 750000);
	assert_member(&d, "leaf_fill_ppm", 250000);
	assert_member(&d, "dedup_ppm", 7);
	assert_false(member(&d, "bytes_per_node_ppm")->known);
	assert_false(member(&d, "children_mean_ppm")->known);
	mm_report_domain(r, MM_DOMAIN_SDF, &d);
	assert_false(d.told);
	for (size_t i = 0; i < d.count; i++)
		assert_false(d.members[i].known);
	mm_report_free(r);
	kit_end(&k);
}

static void domains_bear_any_value(void **state)
{
	struct mm_report_domain d;
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	kit_thread(&k, p, 1, "t");
	kit_text(&k, p, MM_EV_METRIC, "raw_bytes", INT64_MAX, 1);
	kit_text(&k, p, MM_EV_METRIC, "stored_bytes", 1, 1); /* the ratio fits no integer */
	kit_text(&k, p, MM_EV_METRIC, "sdf.bricks_resident_count", INT64_MAX, 1);
	kit_text(&k, p, MM_EV_METRIC, "sdf.bricks_free_count", INT64_MAX, 1);
	kit_text(&k, p, MM_EV_METRIC, "sdf.band_voxels_count", INT64_MIN, 1);
	kit_text(&k, p, MM_EV_METRIC, "sdf.stored_voxels_count", 5, 1);
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	mm_report_domain(r, MM_DOMAIN_SVO_SDF, &d);
	assert_false(member(&d, "compression_ppm")->known);
	mm_report_domain(r, MM_DOMAIN_SDF, &d);
	assert_member(&d, "atlas_fill_ppm", 500000);
	assert_member(&d, "band_voxels_count", INT64_MIN);
	assert_false(member(&d, "band_ppm")->known);
	mm_report_free(r);
	kit_end(&k);
}

static void kinds_are_told_apart(void **state)
{
	struct kit k;

	(void)state;
	kit_begin(&k);
	uint32_t p = kit_process(&k, 1, MM_START_COMMAND, 0);
	uint32_t t = kit_thread(&k, p, 1, "t");
	size_t a = kit_alloc(&k, p, t, 0, 10, 1);
	a = kit_realloc(&k, a, t, 0, 30, 2);
	struct mm_event inherited = { .kind = MM_EV_INHERITED, .slot = MM_NO_SLOT, .thread = t,
				      .time = 3, .addr = 1 << 20 };
	k.events++;
	assert_int_equal(mm_stream_death(k.streams[p], &inherited), 0);
	kit_alloc(&k, p, t, 0, 0, 4); /* size 0 counts as a call */
	kit_reader(&k);
	struct mm_report *r = kit_report(&k, &overview);
	assert_int_equal(r->totals.realloc_count, 1);
	assert_int_equal(r->totals.inherited_free_count, 1);
	assert_int_equal(r->totals.all.alloc_count, 3);
	assert_int_equal(r->totals.all.free_count, 1);
	assert_int_equal(r->totals.all.temporary_count, 0);
	assert_int_equal(r->totals.all.live_count, 2);
	assert_int_equal(r->totals.peak_live_bytes, 30);
	mm_report_free(r);
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_show_what_is_unaccounted),
		cmocka_unit_test(metrics_are_summed_up),
		cmocka_unit_test(domains_follow_from_metrics),
		cmocka_unit_test(domains_bear_any_value),
		cmocka_unit_test(kinds_are_told_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
