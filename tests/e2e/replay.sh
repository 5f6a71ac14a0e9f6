# replay.sh: recordings of real programs through the engine: the same numbers as the report,
# the same output every time, and what is said of wrong use.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

cat >judge.py <<'P'
import json, jsonschema, sys
TERMS = ("requested", "internal", "cached", "slab_external", "tail", "retained", "metadata")
replay, report = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))["totals"]
jsonschema.validate(replay, json.load(open(sys.argv[3])))
for r in replay["replays"]:
    moments = r["timeline"] + [r["at_peak"], r["at_end"]]
    for m in moments:
        assert sum(m[t + "_bytes"] for t in TERMS) == m["committed_bytes"], (r["strategy"], m)
    assert max(m["committed_bytes"] for m in moments) == r["at_peak"]["committed_bytes"]
    assert r["law_broken_count"] == r["failed_count"] == r["check_rule"] == 0, r["strategy"]
    assert r["unknown_free_count"] == r["lost_object_count"] == 0
    assert r["alloc_count"] == report["alloc_count"], (r["alloc_count"], report["alloc_count"])
    assert r["free_count"] == report["free_count"]
    assert r["at_end"]["requested_bytes"] == report["live_end_bytes"]
    assert r["at_end"]["live_count"] == report["live_end_count"]
    # A realloc holds its old block until the new one is there: the peak may be higher.
    assert r["largest_requested"]["requested_bytes"] >= report["peak_live_bytes"]
    pins = r["pinned"]
    shares = sum(x["bytes"] for x in pins["sites"]) + pins["rest_bytes"] + pins["nobody_bytes"]
    assert shares == pins["free_bytes"] == r["at_peak"]["slab_external_bytes"], r["strategy"]
    assert len(r["timeline"]) > 0 and sum(r["occupancy"]) > 0
recorded = replay["recorded"]
pins = recorded["pinned"]
assert sum(x["bytes"] for x in pins["sites"]) + pins["rest_bytes"] == pins["free_bytes"]
assert recorded["requested_bytes"] == report["peak_live_bytes"]
# What pages hold and what is free in them is all of them; an object of size 0 holds a byte.
empty = recorded["committed_bytes"] - recorded["requested_bytes"] - pins["free_bytes"]
assert 0 <= empty <= report["peak_live_count"], empty
print("fits")
P

# program NAME COMMAND...: records it and replays it with every strategy.
program()
{
	local name=$1
	shift
	"$mmprof" record -q --symbols=none --no-follow -o "$name.bin" -- "$@" >/dev/null 2>&1 &&
		"$mmprof" report -q --no-symbols --json "$name.bin" >"$name.report" &&
		"$mmprof" replay -q --json --compare all "$name.bin" >"$name.json" || return
	python3 judge.py "$name.json" "$name.report" "$src/src/view/mmprof.replay.1.schema.json"
}

check_is "sqlite3" fits "$(echo "create table t(a,b); insert into t values(1,'x'),(2,'y');
	select * from t order by b;" >q.sql; program sqlite sqlite3 :memory: '.read q.sql')"
# The interpreter itself: what would start it by exec is another image, and alone recorded.
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
check_is "python" fits "$(PYTHONMALLOC=malloc program python "$python" -c '
import json
print(len(json.dumps([{"a": i, "b": str(i) * (i % 50)} for i in range(20000)])))')"
check_is "perl" fits "$(program perl perl -e 'my %h; $h{$_ % 997} .= "x" x ($_ % 100) for 1..60000;')"

cat >threads.c <<'C'
#include <pthread.h>
#include <stdlib.h>
static void *work(void *arg)
{
	void *p[100];
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 100; i++)
			p[i] = malloc((size_t)(i * 37 + round) % 3000);
		for (int i = 0; i < 100; i++)
			free(p[(i * 7 + 3) % 100]);
	}
	return arg;
}
int main(void)
{
	pthread_t t[8];
	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, work, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
	return 0;
}
C
gcc -O1 -pthread -fno-builtin -o threads threads.c || exit 99
check_is "threads" fits "$(program threads ./threads)"

"$mmprof" replay -q --json threads.bin >once.json
"$mmprof" replay -q --json threads.bin >twice.json
check "two runs are the same, byte for byte" cmp once.json twice.json
"$mmprof" replay -q --json --pages 16K threads.bin >pages.json
check "the machine is as asked for" grep -q '"page_bytes":16384' pages.json
check "and it makes a difference" fails cmp -s once.json pages.json
"$mmprof" replay -q --no-pinned --json threads.bin >bare.json
check "pins can be left out" grep -q '"pinned":null' bare.json
"$mmprof" replay -q threads.bin >text
check "the text names the strategy" grep -q '^  size-class *simulated: pages of 4096 bytes' text
check "and the account" grep -q '^  slab-external ' text
check "and who keeps slabs" grep -q '^Who keeps half-empty slabs' text
check "and the recorded heap" grep -q '^The heap that was recorded' text
"$mmprof" replay -q --to 0ns threads.bin >/dev/null 2>err
check_is "a range of nothing is refused" 2 $?
"$mmprof" replay -q --from 50% --json threads.bin >half.json
check "a range is looked at" python3 -c '
import json
r = json.load(open("half.json"))
assert r["run"]["from_ns"] > 0
assert r["replays"][0]["timeline"][0]["time_ns"] >= r["run"]["from_ns"]'

# --- the map ------------------------------------------------------------------------------
cat >map.py <<'P'
import json, jsonschema, sys
replay = json.load(open(sys.argv[1]))
jsonschema.validate(replay, json.load(open(sys.argv[2])))
for r in replay["replays"]:
    end, rows = r["at_end"], r["map"]
    assert rows == sorted(rows, key=lambda x: (x["destination"], ["slab", "part", "large"].index(x["kind"]),
        x["block_bytes"] if x["kind"] != "large" else 0, int(x["address"], 16)))
    assert len({x["address"] for x in rows}) == len(rows)
    assert sum(x["external_bytes"] for x in rows) == end["slab_external_bytes"], r["strategy"]
    used = sum(x["bytes"] for x in rows)
    assert used == end["committed_bytes"] - end["retained_bytes"] - end["metadata_bytes"], r["strategy"]
    out = sum((x["block_count"] - x["free_count"]) * x["block_bytes"] for x in rows)
    assert out == end["requested_bytes"] + end["internal_bytes"] + end["cached_bytes"], r["strategy"]
print("fits")
P
"$mmprof" replay -q --no-pinned --map --json --compare all --to 50% threads.bin >map.json
check_is "a map adds up to the account" fits \
	"$(python3 map.py map.json "$src/src/view/mmprof.replay.1.schema.json")"
check "no map unless asked for" grep -q '"map":null' once.json
map() # LOCALE OPTION...: the map alone
{
	local locale=$1
	shift
	LC_ALL=$locale "$mmprof" replay -q --no-pinned --map "$@" | sed -n '/^Map of/,/^$/p'
}
map C --to 50% threads.bin >text
check "a line for a size of block" grep -Eq "^ +1.00 KiB +[0-9]+ +[0-9.]+ KiB +[0-9.]+ K?i?B +[0-9]+ ['.:=+*%@#-]+\$" text
check "as wide as asked for, at most" fails grep -Eq '.{101}' text
check "nothing but ASCII" fails env LC_ALL=C grep -q '[^ -~]' text
map C.UTF-8 --to 50% threads.bin >text
check "and with blocks, in UTF-8" grep -q '█' text
map C --width 60 --compare first-fit,best-fit threads.bin >text
check "for each that is compared, and narrow" fails grep -Eq '.{61}' text
check "cells of addresses for first and best fit" grep -q 'any size' text
map C --width 60 --to peak "$src/traces/mmdig.mmt" >text
check "two slabs a cell where there are more than fit" grep -Eq '2.00 KiB +11 .* 2 .{6}$' text

# --- executed ---------------------------------------------------------------------------
cat >contest.py <<'P'
import json, jsonschema, sys
c = json.load(open(sys.argv[1]))
jsonschema.validate(c, json.load(open(sys.argv[2])))
names = [x["allocator"] for x in c["contest"]]
assert len({x["op_count"] for x in c["contest"]}) == 1
for x in c["contest"]:
    assert x["failed_count"] == 0 and x["round_count"] == 2
    assert x["op_low_ps"] <= x["op_median_ps"] <= x["op_high_ps"]
    # One of each 64, at both rounds, and each thread's and batch's rest may lack its own.
    assert 0.9 < x["sample_count"] * 64 / (2 * x["op_count"]) < 1.1, x
    shares = [x[k] for k in ("op_p50_ns", "op_p99_ns", "op_p999_ns")]
    known = [s for s in shares if s is not None]
    assert known == sorted(known) == shares[:len(known)] and known, x
    assert (shares[1] is not None) == (x["sample_count"] >= 1000), x
    assert x["allocator"] == "none" or x["rss_peak_bytes"] >= x["rss_end_bytes"]
    assert x["allocator"] == "none" or x["rss_peak_bytes"] > int(sys.argv[3]), x
print(c["threads_count"], *names)
P
cat >big.c <<'C'
#include <stdlib.h>
#include <string.h>
int main(void)
{
	static char *p[64];
	for (int i = 0; i < 4000; i++) {
		free(p[i % 64]);
		p[i % 64] = malloc(100000 + (size_t)i * 7 % 50000);
		if (i % 3 == 0)
			p[i % 64] = realloc(p[i % 64], 200000);
	}
	return p[3] == NULL;
}
C
gcc -O1 -fno-builtin -o big big.c && "$mmprof" record -q --symbols=none -o big.bin -- ./big || exit 99
contest() # FILE BYTES OPTION...
{
	local file=$1 bytes=$2
	shift 2
	"$mmprof" replay -q --real --rounds 2 --json "$@" "$file" >contest.json 2>err &&
		python3 contest.py contest.json "$src/src/view/mmprof.contest.1.schema.json" "$bytes"
}
check_is "none, ours and glibc" "1 none size-class glibc" \
	"$(contest big.bin 6400000 --compare none,size-class,glibc)"
check_is "every byte touched" "1 size-class" "$(contest big.bin 6400000 --touch all)"
check_is "threads kept" "9 size-class glibc" \
	"$(contest threads.bin 1 --threads keep --compare size-class,glibc)"
check_is "a library" "1 libjemalloc.so.2" "$(contest big.bin 6400000 --compare libjemalloc.so.2)"
"$mmprof" replay -q --real --rounds 1 --compare none,glibc big.bin >text
check "and one of single calls" grep -Eq '^  glibc  *[0-9.]+ [mun]s +(-|[0-9.]+ [mun]s) +- +[0-9]+$' text
check "the text has a line for each" grep -q '^  glibc  *[0-9.]* ' text
"$mmprof" replay -q --real --compare libz.so.1 big.bin >out 2>err
check_is "a library that is no allocator is refused" "2 0" "$? $(wc -c <out)"
check "and named" grep -q 'libz.so.1: cannot be preloaded as an allocator' err

# --- wrong use ---------------------------------------------------------------------------
refuses()
{
	local status
	"$mmprof" replay "$@" >out 2>err
	status=$?
	[ "$status" = 2 ] && [ ! -s out ]
}
check "glibc without --real" refuses --compare glibc threads.bin
check "says what to do" grep -q -e '--real' err
check "--rounds without --real" refuses --rounds 2 threads.bin
check "--map with --real" refuses --real --map threads.bin
check "--from with --real" refuses --real --from 1ms threads.bin
check "an unknown strategy" refuses --strategy first-ft threads.bin
check "says what is unknown, what was meant and what there is" grep -qF \
	"unknown strategy 'first-ft'; did you mean 'first-fit'? (one of size-class, first-fit, best-fit, numa-aware)" err
check "the beginning of a strategy" refuses --compare numa,first-fit threads.bin
check "says which" grep -qF "unknown strategy 'numa'; did you mean 'numa-aware'?" err
check "an unknown level" refuses --check ful threads.bin
check "says all" grep -qF "unknown level 'ful'; did you mean 'full'? (one of off, on, sampled, full)" err
check "a name that is missing" refuses --compare first-fit,,best-fit threads.bin
check "says so" grep -q 'a name is missing' err
check "an allocator that is no library's name" refuses --real --compare jemalloc threads.bin
check "says which library" grep -qF "did you mean 'libjemalloc.so.2'? (one of size-class," err
check "a library that is nowhere" refuses --real --compare libnowhere.so threads.bin
check "says so too" grep -q 'libnowhere.so: the dynamic loader finds no such library' err
check "--threads one without --real" refuses --threads one threads.bin
check "a range behind the end" refuses --from 1000s threads.bin
check "says where the end is" grep -q 'the recording ends at' err
check_is "all within a list" "none size-class first-fit best-fit numa-aware" "$("$mmprof" replay -q --real \
	--rounds 1 --json --compare none,all big.bin |
	python3 -c 'import json, sys; print(*[c["allocator"] for c in json.load(sys.stdin)["contest"]])')"
check "pages of no machine" refuses --pages 5000 threads.bin
check "no cores" refuses --cores 0 threads.bin
check "not a trace" refuses "$src/README.md"
check "says so" grep -q 'not a trace' err
check "no such file" refuses nowhere.bin
check "no such process" refuses -p 1 threads.bin
check "two traces" refuses threads.bin threads.bin
head -c 3000 threads.bin >cut.bin
"$mmprof" replay -q --json cut.bin >cut.json 2>err
check_is "a trace cut short is replayed as far as it goes" 0 $?
done_testing
