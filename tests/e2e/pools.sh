# pools.sh: what a recorded program's pools say of themselves is what its trace says of them.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

cat >prog.c <<'C'
/* Uses every kind of pool and prints, for each, name, live blocks, bytes of live blocks and
 * bytes of slabs, as the library counts them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mm.h"
#include "mm_note.h"

enum { N = 5000 };
struct node { uint32_t children, first; };

static struct mm_pool *nodes, *few, *cleared;
static struct mm_svo_pool *tree;
static struct mm_band_pool *field;
static void *block[N];

static void must(int err)
{
	if (err)
		exit(3);
}

__attribute__((noinline)) static void *make_node(void)
{
	return mm_pool_alloc(nodes);
}

static void *other_thread(void *unused)
{
	for (int i = 1; i < N; i += 5)
		mm_pool_free(nodes, block[i]);
	for (int i = 0; i < 70; i++)
		mm_pool_alloc(nodes);
	return unused;
}

static void use_pools(void)
{
	struct mm_manager *m;
	struct mm_pool *gone;
	pthread_t t;
	void *p;

	mm_category_push("svo_nodes");
	must(mm_pool_create(NULL, "nodes", 100, 0, MM_ACCESS_GENERAL, 1, &nodes));
	mm_category_pop();
	must(mm_pool_create(NULL, "few", 5000, 20, MM_ACCESS_GENERAL, 0, &few));
	must(mm_pool_set_category(few, MM_CATEGORY_MESH_DATA));
	must(mm_pool_create(NULL, "cleared", 64, 0, MM_ACCESS_GENERAL, 1, &cleared));
	for (int i = 0; i < N; i++)
		block[i] = make_node();
	for (int i = 0; i < N; i += 5)
		mm_pool_free(nodes, block[i]);
	must(pthread_create(&t, NULL, other_thread, NULL));
	pthread_join(t, NULL);
	for (int i = 0; i < 25; i++)
		if (mm_pool_try(few, &p) && i < 20)
			exit(4);
	for (int i = 0; i < 300; i++)
		mm_pool_alloc(cleared);
	mm_pool_clear(cleared);
	for (int i = 0; i < 3; i++)
		mm_pool_alloc(cleared);
	must(mm_manager_create(&m));
	must(mm_pool_create(m, "gone", 48, 0, MM_ACCESS_GENERAL, 1, &gone));
	for (int i = 0; i < 100; i++)
		mm_pool_alloc(gone);
	mm_free(m, mm_alloc(m, 1000));
	mm_alloc(m, 100000);
	mm_manager_destroy(m);
}

static uint32_t children(void *ctx, const void *node, uint32_t *ret)
{
	const struct node *n = node;

	(void)ctx;
	*ret = n->first;
	return n->children;
}

static void relink(void *ctx, void *node, uint32_t handle)
{
	(void)ctx;
	((struct node *)node)->first = handle;
}

static void use_voxels(void)
{
	struct mm_node_links links = { children, relink, NULL };
	uint64_t key = mm_node_key(2, 1, 1, 1), far = mm_node_key(2, 3, 3, 3);
	uint32_t run, first, h, b;

	must(mm_svo_pool_create(NULL, "tree", sizeof(struct node), 4, 0, &tree));
	must(mm_svo_pool_take(tree, key, MM_NODES_INNER, 8, &first));
	for (uint32_t i = 0; i < 8; i++) {
		must(mm_svo_pool_take(tree, key, MM_NODES_INNER, 5, &run));
		*(struct node *)mm_svo_pool_node(tree, first + i) = (struct node){ 5, run };
		memset(mm_svo_pool_node(tree, run), 0, 5 * sizeof(struct node));
	}
	for (uint32_t i = 0; i < 8; i += 3) {
		struct node *n = mm_svo_pool_node(tree, first + i);
		must(mm_svo_pool_give(tree, n->first, 5));
		n->children = 0;
	}
	must(mm_svo_pool_take(tree, key, MM_NODES_LEAVES, 8, &h));
	must(mm_svo_pool_give(tree, h + 2, 3));
	for (int i = 0; i < 600; i++)
		must(mm_svo_pool_take(tree, far, MM_NODES_INNER, 7, &h));
	must(mm_svo_pool_compact(tree, key, 8, &links));
	must(mm_svo_pool_give(tree, ((struct node *)mm_svo_pool_node(tree, first + 1))->first, 5));
	if (mm_svo_pool_drop(tree, far) != 1)
		exit(5);

	must(mm_band_pool_create(NULL, "field", 8, 3, MM_PRECISION_I16, &field));
	for (int i = 0; i < 400; i++)
		must(mm_band_pool_take(field, mm_brick_key(i % 20, i / 20, 0), &b));
	memset(mm_band_pool_payload(field, mm_band_pool_find(field, mm_brick_key(3, 3, 0))), 0, 1024);
	memset(mm_band_pool_payload(field, mm_band_pool_find(field, mm_brick_key(4, 3, 0))), 0, 1024);
	must(mm_band_pool_convert(field, mm_brick_key(3, 3, 0), MM_PRECISION_CONST));
	must(mm_band_pool_convert(field, mm_brick_key(4, 3, 0), MM_PRECISION_F32));
	must(mm_band_pool_give(field, mm_brick_key(5, 5, 0)));
	if (!mm_band_pool_drop(field, mm_brick_key(8, 8, 0), 2))
		exit(6);
}

static void use_heap(void)
{
	void *p[100];

	for (int i = 0; i < 100; i++)
		p[i] = MM_ALLOC(NULL, (size_t)i * 977, MM_CATEGORY_MATERIAL_CHANNELS, "channel");
	for (int i = 0; i < 100; i += 2)
		p[i] = mm_realloc(NULL, p[i], 10 + (size_t)i * 1500);
	for (int i = 0; i < 100; i += 3)
		mm_free(NULL, p[i]);
}

static void use_movables(void)
{
	static struct mm_movable n[3000];
	struct mm_manager *m;

	for (int i = 0; i < 3000; i++)
		must(mm_movable_create(NULL, 300, &n[i]));
	for (int i = 0; i < 3000; i++)
		if (i % 4)
			must(mm_movable_free(NULL, n[i]));
	must(mm_defragment(NULL, 10000, MM_PRIORITY_CACHEABLE, NULL));
	for (int i = 0; i < 3000; i += 8)
		must(mm_movable_free(NULL, n[i]));
	must(mm_manager_create(&m));
	must(mm_movable_create(m, 70, &n[0]));
	must(mm_movable_create(m, 7000000, &n[1]));
	mm_manager_destroy(m);
}

static void say_pool(struct mm_pool *pool)
{
	struct mm_pool_stats s;

	mm_pool_stats(pool, &s);
	printf("%s %llu %llu %.0f\n", s.name, (unsigned long long)s.allocated,
	       (unsigned long long)(s.allocated * s.block_bytes),
	       (double)(s.allocated * s.block_bytes) / (1 - s.fragmentation / 100));
}

static void say_all(void)
{
	struct mm_svo_pool_stats t;
	struct mm_band_pool_stats f;
	struct mm_totals h;

	say_pool(nodes);
	say_pool(few);
	say_pool(cleared);
	mm_svo_pool_stats(tree, &t);
	printf("tree %llu %llu %llu\n", (unsigned long long)t.live,
	       (unsigned long long)(t.nodes + t.values),
	       (unsigned long long)(t.committed - t.retained - t.metadata));
	mm_band_pool_stats(field, &f);
	printf("field %llu %llu %llu\n",
	       (unsigned long long)(f.bricks - f.by_precision[MM_PRECISION_CONST]),
	       (unsigned long long)f.payload,
	       (unsigned long long)(f.committed - f.retained - f.metadata - f.hash));
	mm_totals(NULL, &h);
	struct mm_usage u;
	must(mm_usage(NULL, MM_CATEGORY_MATERIAL_CHANNELS, &u));
	struct mm_movables_stats v;
	mm_movables_stats(NULL, &v);
	printf("movables %llu %llu\n", (unsigned long long)v.live_count,
	       (unsigned long long)v.requested_bytes);
	printf("heap %llu %llu\n", (unsigned long long)u.live_count,
	       (unsigned long long)u.used_bytes);
}

int main(int argc, char **argv)
{
	use_pools();
	use_voxels();
	use_heap();
	use_movables();
	if (argc > 1 && strcmp(argv[1], "fork") == 0 && fork() == 0) {
		for (int i = 0; i < 1234; i++)
			block[i] = make_node();
		mm_pool_free(nodes, block[7]);
		mm_pool_free(few, NULL);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	say_all();
	return 0;
}
C

cat >compare.py <<'PY'
# Prints what differs between the program's own figures and the report's.
import json, sys
report = json.load(open(sys.argv[1]))
pools = {p["name"]: p for p in report["pools"] if not p["under_malloc"] and not p["ended"]}
for line in open(sys.argv[2]):
    name, live, size, *slabs = line.split()
    if name == "heap":
        p = pools["general heap"]
    elif name == "movables":
        p = pools["movable blocks"]
    else:
        p = pools[name]
    got = [p["live_count"], p["live_bytes"]] + ([p["committed_bytes"]] if slabs else [])
    want = [int(live), int(size)] + [int(s) for s in slabs]
    if got != want:
        print(name, "has", want, "and is said to have", got)
PY

program()
{
	"$CC" -O1 -g -pthread -I"$src/include" -o "$1" prog.c "${@:2}"
}

# recorded NAME TRACE COMMAND...: its own figures are the report's.
recorded()
{
	local name=$1 trace=$2
	shift 2
	"$@" >said 2>err
	check_is "$name: ends well" 0 $?
	"$mmprof" report --json "$trace" >report.json
	check_is "$name: the report has the program's figures" "" \
		"$(python3 compare.py report.json said 2>&1)"
}

check "a program with libmm.a" program ./static "$build/libmm.a"
check "with libmm.so" program ./shared -L"$build/.libs" -Wl,-rpath,"$build/.libs" -lmm
sed 's/^int main(/int start(/' prog.c >plugin.c
"$CC" -O1 -g -fPIC -shared -pthread -I"$src/include" -o plugin.so plugin.c -L"$build/.libs" \
	-Wl,-rpath,"$build/.libs" -lmm
cat >loader.c <<'C'
#include <dlfcn.h>
int main(int argc, char **argv)
{
	void *plugin = dlopen("./plugin.so", RTLD_NOW | RTLD_LOCAL);
	int (*start)(int, char **) = plugin ? (int (*)(int, char **))dlsym(plugin, "start") : 0;

	return start ? start(argc, argv) : 9;
}
C
check "with libmm.so in a plugin" "$CC" -w -o loader loader.c

for how in static shared loader; do
	recorded "$how" "$how.mmt" "$mmprof" record -q -o "$how.mmt" "./$how"
done
recorded "no addresses" bare.mmt "$mmprof" record -q --no-addresses -o bare.mmt ./static
recorded "under the engine" run.mmt "$mmprof" run --trace run.mmt ./shared

./static >plain 2>plain.err
"$mmprof" record -q -o static.mmt ./static >said 2>said.err
check "blocks are placed as without a recorder" cmp -s plain said
check_is "not recorded it prints nothing of ours" "" "$(cat plain.err)"

# --- events ----------------------------------------------------------------------------------
"$mmprof" cat static.mmt >events
check_is "a pool is an event" 1 "$(grep -c ' pool pool=.* size=104 blocks=0 "nodes"' events)"
check_is "moves of a compaction, and of a pass" 1 \
	"$(awk '/ block-move /{ n++ } END { print (n > 220) }' events)"
check_is "keys" 1 "$(awk '/ block-key /{ n++ } END { print (n > 900) }' events)"
check_is "no block ends unseen" 0 "$(grep -c -E ' (implied|inherited) ' events)"
check_is "a pool that is destroyed has no block and no slab left" "0 0 0" \
	"$("$mmprof" report --json static.mmt | python3 -c '
import json, sys
p = next(p for p in json.load(sys.stdin)["pools"] if p["name"] == "gone")
print(p["live_count"], p["slab_count"], p["committed_bytes"])')"
check_is "slabs come and go in pairs" "" "$(awk '
	/ slab / { if (at[$6]) print; at[$6] = $7 }
	/ slab-size / { if (at[$6] != "size=" substr($8, 8)) print; at[$6] = $7 }
	/ slab-end / { if (at[$6] != $7) print; at[$6] = "" }' events | head -3)"
"$mmprof" report --by category --metric live static.mmt >by 2>&1
check "blocks are of their pools' categories" grep -q 'mesh_data' by
check_is "the text has a block of pools" 1 \
	"$("$mmprof" report static.mmt | grep -c '^POOLS .*from slab events')"
check_is "a block's site is its caller" 1 \
	"$("$mmprof" report --by function static.mmt | grep -c ' make_node')"

# --- a fork ------------------------------------------------------------------------------------
recorded "a program that forks" fork.mmt "$mmprof" record -q -o fork.mmt ./shared fork
check_is "the child has its parent's pools" "1234 1 True None" "$("$mmprof" report --json \
	--process '#1' fork.mmt | python3 -c '
import json, sys
p = next(p for p in json.load(sys.stdin)["pools"] if p["name"] == "nodes")
print(p["alloc_count"], p["free_count"], p["inherited"], p["live_count"])')"

# --- replay ------------------------------------------------------------------------------------
check_is "a replay takes blocks of pools for blocks" "$(grep -c -E \
	' (malloc|calloc|aligned|note-alloc|realloc-in) ' events)" "$("$mmprof" replay --json static.mmt |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["replays"][0]["alloc_count"])')"
check "and executes them" "$mmprof" replay --real static.mmt

# --- the engine under malloc --------------------------------------------------------------------
cat >churn.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	static void *b[20000];

	for (int i = 0; i < 20000; i++)
		b[i] = malloc(16 + i % 700);
	for (int i = 0; i < 20000; i++)
		if (i % 3)
			free(b[i]);
	b[1] = malloc(1 << 20);
	b[2] = malloc(3000000);
	b[1] = realloc(b[1], 5 << 20);
	free(malloc(70000));
	if (argc > 1 && fork() == 0) {
		for (int i = 0; i < 1000; i++)
			b[1] = malloc(100);
		_exit(b[1] == NULL || argv == NULL);
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
C
"$CC" -O0 -w -o churn churn.c
for how in "" "-s first-fit" "-s best-fit" "-s numa-aware" "--check on" "--check sampled" "--check full"; do
	# shellcheck disable=SC2086
	"$mmprof" run $how --stats --trace churn.mmt ./churn >out 2>err
	check_is "run $how: slab events add up to what the engine counts" \
		"$(awk '/ (committed|retained|metadata)  / { v[$2] = $3 }
		END { print v["committed"] - v["retained"] - v["metadata"] }' err)" \
		"$("$mmprof" report --json churn.mmt | python3 -c '
import json, sys
print(json.load(sys.stdin)["pools"][0]["committed_bytes"])')"
done
"$mmprof" run --trace churn.mmt ./churn >out 2>err
check_is "what lives in its slabs is what malloc gave" "True True" "$("$mmprof" report --json churn.mmt |
	python3 -c '
import json, sys
r = json.load(sys.stdin)
p, t = r["pools"][0], r["totals"]
print(p["live_bytes"] == t["live_end_bytes"],
      p["fragmentation_ppm"] == (p["committed_bytes"] - p["live_bytes"]) * 1000000 // p["committed_bytes"])' 2>&1)"
"$mmprof" run --trace churn.mmt ./churn fork >out 2>err
check_is "a forked child is one process with the same slabs" "2 True" "$("$mmprof" report --json \
	--process all churn.mmt | python3 -c '
import json, sys
r = json.load(sys.stdin)
print(len(r["processes"]), all(p["slab_count"] > 100 for p in r["pools"]))')"
check_is "--trace keeps the status" 7 "$("$mmprof" run --trace s.mmt sh -c 'exit 7' 2>err; echo $?)"
"$mmprof" run --trace nowhere/x.mmt true 2>err
check_is "--trace to a place that is not there" 125 $?

# --- a trace of before --------------------------------------------------------------------------
"$mmprof" cat "$src/traces/v1-pools.mmt" >golden
check "a stored trace of pools: cat" cmp golden "$src/traces/v1-pools.cat.txt"
"$mmprof" report --json "$src/traces/v1-pools.mmt" | python3 -c '
import json, sys
for p in json.load(sys.stdin)["pools"]: print(json.dumps(p, sort_keys=True))' >golden
check "a stored trace of pools: report" cmp golden "$src/traces/v1-pools.json.txt"
done_testing
