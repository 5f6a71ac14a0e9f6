/* test_replay_oom.c: a configured replay without memory: whichever allocation fails, once or from
 * then on, the answer is "out of memory" or the right outcome, and nothing is leaked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "modelkit.h"
#include "oomkit.h"
#include "replay/replay.h"

static void make_trace(struct kit *k)
{
	kit_begin(k);
	kit_process(k, 10, MM_START_COMMAND, 0);
	kit_thread(k, 0, 10, "main");
	kit_thread(k, 0, 11, "worker");
	uint32_t top = kit_site(k, 0, 0, "main", "m.c", 1);
	uint32_t node = kit_site(k, 0, kit_category(k, 0, top, "terrain"), "node_new", "n.c", 2);
	size_t o = kit_alloc(k, 0, 0, node, 24, 1000);
	kit_alloc(k, 0, 1, node, 24, 2000);
	kit_alloc(k, 0, 1, top, 500, 3000);
	o = kit_realloc(k, o, 0, top, 700, 4000);
	kit_free(k, o, 0, 5000);
	kit_reader(k);
}

struct parts {
	struct mm_report_store *store;
	struct mm_naming *naming, *site_naming;
	struct mm_replay_conf *conf;
	struct mm_router router;
};

static int make_parts(struct parts *p, struct kit *k)
{
	static const char text[] = "pool nodes { size = 24 }\npool any { }\n"
		"category terrain { pool = nodes; budget = 30 }\n"
		"category x { match = [ 'f', 'thread:w*' ]; strategy = best-fit }\n"
		"site main { pool = any }\n";
	int err = mm_replay_conf_parse(&p->conf, "conf", text, sizeof text - 1, NULL);

	if (!err && !(p->store = mm_report_store_create()))
		err = MM_ENOMEM;
	if (!err)
		err = mm_naming_create(&p->naming, k->reader, NULL, p->store, NULL);
	if (!err)
		err = mm_naming_create(&p->site_naming, k->reader, NULL, p->store, NULL);
	return err ? err : mm_router_init(&p->router, p->conf, p->conf->categories, k->reader, 0,
					  p->naming, p->site_naming, NULL);
}

static void drop_parts(struct parts *p)
{
	mm_router_deinit(&p->router);
	if (p->naming)
		mm_naming_destroy(p->naming);
	if (p->site_naming)
		mm_naming_destroy(p->site_naming);
	mm_report_store_free(p->store);
	mm_replay_conf_free(p->conf);
}

static int try_replay(struct kit *k, long n, int stays)
{
	static struct mm_outcome out;
	struct parts p;

	memset(&p, 0, sizeof p);
	failures = 0;
	failure_stays = stays;
	until_failure = n;
	int err = make_parts(&p, k);
	struct mm_replay_options o = { .to_ns = MM_UNKNOWN, .router = &p.router, .store = p.store,
				       .naming = p.naming };
	if (!err)
		err = mm_replay_run(k->reader, &o, &out, NULL);
	until_failure = -1;
	if (err) {
		assert_int_equal(err, MM_ENOMEM);
	} else {
		assert_int_equal(out.failed_count + out.law_broken_count + out.check_rule, 0);
		assert_int_equal(out.at_end.requested_bytes, 524);
		assert_int_equal(out.realloc_count, 1);
		assert_int_equal(out.dest_count, 4);
		assert_int_equal(out.dest[2].depot_count, 3);
		assert_int_equal(out.category_count, 3);
		assert_int_equal(out.rule_count, 3);
	}
	drop_parts(&p);
	return failures != 0;
}

static void whichever_fails(void **state)
{
	struct kit k;

	(void)state;
	memset(&k, 0, sizeof k);
	make_trace(&k);
	for (int stays = 0; stays < 2; stays++) {
		long n = 0;
		while (try_replay(&k, n, stays))
			n++;
		assert_true(n > 50);
	}
	kit_end(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(whichever_fails) };

	return cmocka_run_group_tests_name("replay_oom", tests, NULL, NULL);
}
