# replay_conf.sh: replays with a configuration: laws for each destination and for all, the same
# output every time, budgets and marks, what is warned of and what is refused.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

cat >tree.c <<'C'
#include <pthread.h>
#include <stdlib.h>
#include "mm_note.h"
struct node { struct node *left, *right; long value; };
static __attribute__((noinline)) struct node *node_new(long v, struct node *l, struct node *r)
{
	struct node *n = malloc(sizeof *n);
	n->left = l;
	n->right = r;
	n->value = v;
	return n;
}
static __attribute__((noinline)) void *field_new(size_t n) { return malloc(n); }
static __attribute__((noinline)) void *shrink(void *p) { return realloc(p, 24); }
static struct node *build(int depth)
{
	return depth ? node_new(depth, build(depth - 1), build(depth - 1)) : NULL;
}
static void drop(struct node *n)
{
	if (!n)
		return;
	drop(n->left);
	drop(n->right);
	free(n);
}
static void *work(void *arg)
{
	void *f[50] = { NULL };
	for (int i = 0; i < 3000; i++) {
		free(f[i % 50]);
		f[i % 50] = field_new(300 + (size_t)(i * 37) % 2000);
	}
	f[0] = shrink(f[0]);
	for (int i = 0; i < 50; i++)
		free(f[i]);
	return arg;
}
int main(void)
{
	pthread_t t;
	mm_category_push("terrain");
	void *land = malloc(100000);
	mm_category_pop();
	pthread_create(&t, NULL, work, NULL);
	struct node *tree = build(12);
	pthread_join(t, NULL);
	mm_mark("built");
	struct node *second = build(11);
	drop(tree);
	mm_mark("dropped");
	free(land);
	return second == NULL;
}
C
$CC -g -O1 -fno-builtin -pthread -I"$src/include" -o tree tree.c || exit 99
"$mmprof" record -q -o t.bin -- ./tree || exit 99

cat >what.conf <<'E2'
# What if the nodes lived in a pool?
pool nodes { size = 24 }
pool any { size = object }
category svo_nodes {
	match  = [ "node_new" ]
	budget = 90K
	pool   = nodes
}
category terrain { strategy = first-fit; budget = 1M }
category sdf_fields { match = [ "function:field_new" ]; strategy = best-fit }
site "shrink" { pool = any }
E2

cat >judge.py <<'P'
import json, jsonschema, sys
TERMS = ("requested", "internal", "cached", "slab_external", "tail", "retained", "metadata")
replay, report = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
jsonschema.validate(replay, json.load(open(sys.argv[3])))
plain, conf = replay["replays"][-2:]
assert plain["config"] is None and plain["destinations"] == [] and plain["rules"] == []
assert conf["name"] == "what.conf" and conf["config"] == "what.conf"
for r in (plain, conf):
    assert r["law_broken_count"] == r["failed_count"] == r["check_rule"] == 0
    assert r["unknown_free_count"] == r["lost_object_count"] == 0
for which in ("at_peak", "at_end"):
    for d in conf["destinations"]:
        assert sum(d[which][t + "_bytes"] for t in TERMS) == d[which]["committed_bytes"], d["name"]
    for key in [t + "_bytes" for t in TERMS] + ["committed_bytes", "live_count", "slab_count"]:
        assert sum(d[which][key] for d in conf["destinations"]) == conf[which][key], (which, key)
assert sum(d["alloc_count"] for d in conf["destinations"]) == conf["alloc_count"]
assert sum(d["came_count"] - d["went_count"] for d in conf["destinations"]) == 0
pins = conf["pinned"]
assert sum(x["bytes"] for x in pins["sites"]) + pins["rest_bytes"] + pins["nobody_bytes"] == \
    conf["at_peak"]["slab_external_bytes"]
# The report says the same of categories, by another way.
seen = {c["name"]: c for c in conf["categories"]}
for c in report["categories"]:
    if c["alloc_count"] == 0:
        continue
    mine = seen[c["name"]]
    assert mine["alloc_count"] == c["alloc_count"], (c, mine)
    assert mine["live_end_bytes"] == c["live_bytes"], (c, mine)
    assert mine["budget_bytes"] == c["budget_bytes"], (c, mine)
    assert mine["peak_bytes"] == c["peak_bytes"], (c, mine)
by_name = {d["name"]: d for d in conf["destinations"]}
nodes = by_name["nodes"]
assert by_name["any"]["came_count"] == by_name["sdf_fields"]["went_count"] == 1
assert nodes["block_bytes"] == [24] and nodes["misfit_count"] == 0
assert nodes["alloc_count"] == 4095 + 2047 and nodes["peak_live_count"] == 4095 + 2047
assert nodes["at_end"]["live_count"] == 2047
svo = seen["svo_nodes"]
assert svo["peak_bytes"] == (4095 + 2047) * 24 and svo["budget_bytes"] == 90 * 1024
assert svo["exceeded_count"] == 1 and svo["most_above_bytes"] == svo["peak_bytes"] - 90 * 1024
assert svo["above_alloc_count"] == 4095 + 2047 - 90 * 1024 // 24
assert seen["terrain"]["peak_bytes"] == 100000 and seen["terrain"]["exceeded_count"] == 0
print("fits")
P
"$mmprof" report -q -c what.conf --json t.bin >report.json 2>err || cat err
check "one file serves the report too" test -s report.json
"$mmprof" replay -q --json -c what.conf t.bin >once.json 2>err
check_is "nothing is warned of" "" "$(cat err)"
check_is "laws, sums and budgets" fits \
	"$(python3 judge.py once.json report.json "$src/src/view/mmprof.replay.1.schema.json")"
"$mmprof" replay -q --json -c what.conf t.bin >twice.json 2>err
check "two runs are the same, byte for byte" cmp once.json twice.json
"$mmprof" replay -q -c what.conf t.bin >text1
"$mmprof" replay -q -c what.conf t.bin >text2
check "the text too" cmp text1 text2
check "a table of destinations" grep -q '^  nodes  .*pool of 24$' text1
check "of categories, with what is above budget" grep -qE '^  svo_nodes +90.0 KiB +144 KiB' text1
check "the configuration in the table, by its name" grep -qE '^  what.conf +[0-9.]+ [KM]iB' text1
check "beside the same without" grep -qE '^  size-class +[0-9.]+ [KM]iB' text1
"$mmprof" replay -q --no-pinned --json --compare all -c what.conf t.bin >all.json
check_is "and beside others" "size-class first-fit best-fit what.conf" "$(python3 -c '
import json
names = [r["name"] for r in json.load(open("all.json"))["replays"]]
print(*[n for n in names if n != "numa-aware"])')"
"$mmprof" replay -q --no-pinned --json -s best-fit -c what.conf t.bin >best.json
check_is "-s is the general heap's" "best-fit best-fit" "$(python3 -c '
import json
r = json.load(open("best.json"))["replays"]
print(r[0]["strategy"], r[1]["destinations"][0]["strategy"])')"
"$mmprof" replay -q --no-pinned --json t.bin >none.json
check "categories of the program are counted without a configuration" python3 -c '
import json
r = json.load(open("none.json"))["replays"][0]
c = {c["name"]: c for c in r["categories"]}
assert c["terrain"]["peak_bytes"] == 100000 and r["destinations"] == []'

# --- the same by another way --------------------------------------------------------------
cat >same.py <<'P'
import json, sys
TERMS = ("requested", "internal", "cached", "slab_external", "tail", "retained")
plain, conf = json.load(open(sys.argv[1]))["replays"]
if sys.argv[2] == "all":
    for key in plain:
        if key not in ("name", "config", "layout", "destinations", "categories", "rules"):
            assert plain[key] == conf[key], key
else:
    one = conf["destinations"][1]
    for key in [t + "_bytes" for t in TERMS] + ["live_count", "slab_count"]:
        assert one["at_end"][key] == plain["at_end"][key], key
    assert one["alloc_count"] == plain["alloc_count"] and one["peak_live_count"] > 0
    assert conf["moved_count"] == plain["moved_count"]
    assert conf["copied_bytes"] == plain["copied_bytes"]
P
"$mmprof" record -q --symbols=none -o perl.bin -- \
	perl -e 'my %h; $h{$_ % 997} .= "x" x ($_ % 100) for 1..20000;'
echo >nothing.conf
"$mmprof" replay -q --json -c nothing.conf perl.bin >nothing.json
check "a configuration that says nothing changes nothing" python3 same.py nothing.json all
for s in size-class first-fit best-fit; do
	printf 'strategy = %s\ncategory general { strategy = %s }\n' $s $s >one.conf
	"$mmprof" replay -q --no-pinned --json -c one.conf perl.bin >one.json 2>err
	check "all in another heap by $s is the same heap" python3 same.py one.json one
done

# --- a recording of a digging program, as it comes with the source ---------------------------
cat >dig.conf <<'E2'
pool nodes  { size = object }
pool bricks { size = [ 56, 512, 2048 ] }
heap mesh   { strategy = best-fit }
category svo_nodes         { pool = nodes;  budget = 48K }
category sdf_fields        { pool = bricks; budget = 512K }
category narrow_band       { pool = bricks }
category material_channels { pool = bricks }
category mesh_data         { heap = mesh }
E2
cat >dig.py <<'P'
import json
TERMS = ("requested", "internal", "cached", "slab_external", "tail", "retained", "metadata")
conf = json.load(open("dig.json"))["replays"][1]
report = {c["name"]: c for c in json.load(open("dig.report"))["categories"]}
assert conf["law_broken_count"] == conf["check_rule"] == conf["failed_count"] == 0
for which in ("at_peak", "at_end"):
    for d in conf["destinations"]:
        assert sum(d[which][t + "_bytes"] for t in TERMS) == d[which]["committed_bytes"], d["name"]
    assert sum(d[which]["committed_bytes"] for d in conf["destinations"]) == \
        conf[which]["committed_bytes"]
for c in conf["categories"]:
    for key in ("alloc_count", "alloc_bytes", "peak_bytes"):
        assert c[key] == report[c["name"]][key], (c, key)
    if c["name"] in ("svo_nodes", "sdf_fields"):
        assert c["most_above_bytes"] == c["peak_bytes"] - c["budget_bytes"] > 0
    else:
        assert c["exceeded_count"] == c["most_above_bytes"] == 0
allocs = {d["name"]: d["alloc_count"] for d in conf["destinations"]}
assert allocs["nodes"] == report["svo_nodes"]["alloc_count"]
assert allocs["bricks"] == sum(report[n]["alloc_count"]
                               for n in ("sdf_fields", "narrow_band", "material_channels"))
assert allocs["mesh"] == report["mesh_data"]["alloc_count"]
P
"$mmprof" replay -q --no-pinned --json -c dig.conf "$src/traces/mmdig.mmt" >dig.json 2>err
"$mmprof" report -q --no-symbols --json "$src/traces/mmdig.mmt" >dig.report
check "categories of voxels in pools" python3 dig.py

# A budget that the program set, and the file's, which wins.
for budget in "" "budget = 5K"; do
	printf 'category "text 37" { match = [ "library:*", "function:*" ]; %s }\n' "$budget" >set.conf
	"$mmprof" replay -q --no-pinned --json -c set.conf "$src/traces/v1.mmt" >set.json 2>err
	python3 -c '
import json
c = {c["name"]: c for c in json.load(open("set.json"))["replays"][1]["categories"]}["text 37"]
print(c["budget_bytes"], c["alloc_count"] > 0)'
done >budgets
check_is "budgets of the program" "2510776411370947512 True
5120 True" "$(cat budgets)"

# --- ranges ------------------------------------------------------------------------------
"$mmprof" replay -q --no-pinned --json --from mark:built --to mark:dropped -c what.conf t.bin >range.json
check "from a mark to a mark" python3 -c '
import json
j = json.load(open("range.json"))
nodes = j["replays"][1]["destinations"][1]
assert 0 < j["run"]["from_ns"] < j["run"]["to_ns"], j["run"]
assert nodes["peak_live_count"] == 4095 + 2047 and nodes["at_end"]["live_count"] == 2047
svo = {c["name"]: c for c in j["replays"][1]["categories"]}["svo_nodes"]
assert svo["exceeded_count"] == 1 and svo["above_alloc_count"] == 2047, svo
assert svo["first_exceeded_time_ns"] >= j["run"]["from_ns"], svo'
"$mmprof" replay -q --from mark:nowhere t.bin >out 2>err
check_is "a mark that is not there" 2 $?
check "is named" grep -q "the trace has no mark 'nowhere'" err

# --- check and seed ------------------------------------------------------------------------
committed()
{
	"$mmprof" replay -q --no-pinned --json "$@" t.bin | python3 -c '
import json, sys
r = json.load(sys.stdin)["replays"][0]
assert r["law_broken_count"] == r["check_rule"] == r["unknown_free_count"] == 0
print(r["at_peak"]["committed_bytes"], r["fingerprint"], r["check"], r["seed"])'
}
off=$(committed) full=$(committed --check full) sampled=$(committed --check sampled)
check "full costs memory" test "${full%% *}" -gt "${off%% *}"
check_is "the seed is said" "sampled 7" "$(committed --check sampled --seed 7 | cut -d' ' -f3-)"
check_is "the same seed, the same blocks" "$sampled" "$(committed --check sampled --seed 0)"
differ=0
for seed in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(committed --check sampled --seed $seed | cut -d' ' -f2)" = "$(echo "$sampled" | cut -d' ' -f2)" ] ||
		differ=$((differ + 1))
done
check "another seed, others" test $differ -gt 5
for wrong in "--check most" "--check on -s best-fit"; do
	"$mmprof" replay -q $wrong t.bin >out 2>err
	check_is "$wrong" "2 0" "$? $(wc -c <out)"
done
check "the text says so" grep -q '; check on, seed 5$' <("$mmprof" replay -q --no-pinned --check on --seed 5 t.bin)
printf 'check = on\n' >check.conf
check "the file may say so" grep -q '; check on, seed 0$' <("$mmprof" replay -q --no-pinned -c check.conf t.bin)

# --- warnings ------------------------------------------------------------------------------
cat >idle.conf <<'E2'
pool used { }
pool idle { }
category svo_nodes { match = [ "nood_new" ]; pool = used }
site "nowhere*" { strategy = best-fit }
E2
"$mmprof" replay -q --no-pinned -c idle.conf t.bin >out 2>err
check_is "rules that match nothing are no failure" 0 $?
check_is "but are warned of" "mmprof replay: idle.conf:4: site 'nowhere*' matches no allocation of this replay
mmprof replay: idle.conf:3: category 'svo_nodes' matches no allocation of this replay
mmprof replay: idle.conf:2: no category and no site goes to pool 'idle'" "$(sed 's/warning: //' err)"

# --- wrong use -----------------------------------------------------------------------------
refuses() # TEXT MESSAGE
{
	local status
	printf "$1" >bad.conf
	"$mmprof" replay -q --no-pinned -c bad.conf t.bin >out 2>err
	status=$?
	[ "$status" = 2 ] && [ ! -s out ] && grep -qF "bad.conf:$2" err || { cat err; return 1; }
}
check "an unknown key" refuses 'pool a { }\nrules { }' "2: unknown key 'rules'"
check "pool size 0" refuses 'pool a { size = 0 }' "1: a pool of blocks of 0 bytes"
check "a budget beyond 2^63" refuses 'category general { budget = 9223372036854775809 }' \
	"1: '9223372036854775809': a budget is at most 2^63 bytes"
check "an unknown strategy" refuses 'strategy = first-fitt' "1: unknown strategy 'first-fitt'; did you mean 'first-fit'?"
check "a category that does not exist" refuses 'category terain { strategy = best-fit }' \
	"1: there is no category 'terain'"
check "and which was meant" grep -q "did you mean 'terrain'?" err
check "the same twice" refuses 'pool a { }\npool a { }' "2: pool 'a' is given twice (first in line 1)"
"$mmprof" replay -q -c nowhere.conf t.bin >out 2>err
check_is "no such file" 2 $?
"$mmprof" replay -q --real -c what.conf t.bin >out 2>err
check_is "-c with --real" 2 $?
"$mmprof" replay -q --seed x t.bin >out 2>err
check_is "a seed that is no number" 2 $?
head -c 3000 t.bin >cut.bin
"$mmprof" replay -q --json -c check.conf cut.bin >cut.json 2>err
check_is "a trace cut short" 0 $?

# --- run -------------------------------------------------------------------------------------
printf 'strategy = best-fit\n' >run.conf
"$mmprof" run --stats -c run.conf ls / >out 2>err
check_is "run takes the strategy from it" "0" $?
check "and says so" grep -q 'best-fit' err
"$mmprof" run -c check.conf -- ./tree >out 2>err
check_is "and the level of checks" "0 " "$? $(cat err)"
printf 'strategy = best-fit\ncheck = on\n' >both.conf
"$mmprof" run -c both.conf true >out 2>err
check_is "which not every strategy has" 125 $?
"$mmprof" run -c both.conf --strategy size-class true >out 2>err
check_is "options win" 0 $?
"$mmprof" run -c what.conf true >out 2>err
check_is "what is for replay alone is said to be left out" \
	"0 mmprof run: what.conf: categories, sites and pools are for mmprof replay: left out" \
	"$? $(sed 's/warning: //' err)"
"$mmprof" run -c bad.conf true >out 2>err
check_is "a wrong configuration" 125 $?
done_testing
