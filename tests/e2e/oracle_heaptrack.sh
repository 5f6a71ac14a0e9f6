# oracle_heaptrack.sh: the same program recorded by us and by heaptrack, whose recording is
# imported, gives the same totals; and what programs print that know their own numbers.
#
# heaptrack's preload brings libstdc++ into the program, with one allocation of its own
# (the emergency pool, freed at exit). How much that is, a program that allocates nothing
# says; it is taken off. In a C++ program the pool is the program's and stays on both
# sides, but heaptrack makes the library free it at exit. heaptrack does not see memalign.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

cat >totals.py <<'PY'
import json, sys

KEYS = ("alloc_count", "free_count", "alloc_bytes", "peak_live_bytes", "live_end_bytes",
        "live_end_count")


def totals(path):
    """Of a report, or of NAME=NUMBER lines."""
    text = open(path).read()
    if text.startswith("{"):
        said = json.loads(text)["totals"]
        return {k: int(said[k]) for k in KEYS + ("temporary_count",)}
    return {k: int(v) for k, v in (l.split("=") for l in text.split())}


def main(mode, want_path, got_path, *more):
    want, got = totals(want_path), totals(got_path)
    for path in more:
        pool = totals(path)
        if mode == "freed": # in both, but freed at the end of the second only
            want["free_count"] += pool["alloc_count"]
            want["live_end_count"] -= pool["alloc_count"]
            want["live_end_bytes"] -= pool["alloc_bytes"]
        else: # part of the second only
            got = {k: got[k] - v for k, v in pool.items() if k in got}
    bad = 0
    for k in want if mode == "all" else KEYS:
        allowed = want[k] // 1000 if mode in ("near", "freed") else 0
        if abs(want[k] - got[k]) > allowed:
            print(f"{k}: {want[k]} and {got[k]}, {allowed} apart allowed")
            bad = 1
    return bad


sys.exit(main(*sys.argv[1:]))
PY

# ours NAME COMMAND...: our recording's report is NAME.ours.json, the output NAME.said.
ours()
{
	local name=$1
	shift
	"$mmprof" record -q --no-follow -o "$name.trace" -- "$@" >"$name.said" || return
	"$mmprof" report "$name.trace" --json >"$name.ours.json"
}

# theirs NAME OPTION COMMAND...: heaptrack's, imported, in NAME.theirs.json. OPTION is
# --raw or "".
theirs()
{
	local name=$1 option=$2 file=$1.heaptrack
	shift 2
	heaptrack ${option:+"$option"} -o "$file" "$@" >"$name.heaptrack.log" 2>&1 || return
	file=$file${option:+.raw}
	[ -e "$file.gz" ] && gunzip "$file.gz" && mv "$file" "$file.zst"
	"$mmprof" import -q -o "$name.imported" "$file.zst" &&
		"$mmprof" report "$name.imported" --json >"$name.theirs.json"
}

same()
{
	python3 totals.py "$@"
}

for p in churn family; do
	$CC -std=gnu17 -O1 -g -o "exact_$p" "$src/tests/e2e/exact_$p.c" || exit 99
done

# --- programs that know their own numbers --------------------------------------------
check "churn: recorded" ours churn ./exact_churn 100000
check "churn: our recording says what the program says" same all churn.said churn.ours.json
check "plain: recorded" ours plain ./exact_churn 100000 plain
check "plain: our recording says what the program says" same all plain.said plain.ours.json
check "family: recorded" ours family ./exact_family
check "every way to allocate: our recording says what the program says" \
	same all family.said family.ours.json
"$mmprof" record -q --no-follow --no-addresses -o nowhere.trace -- ./exact_churn 100000 >/dev/null
"$mmprof" report nowhere.trace --json >nowhere.ours.json
check "churn without addresses: the same" same all churn.said nowhere.ours.json

if ! command -v heaptrack >/dev/null; then
	skip "agreement with heaptrack" "heaptrack is not installed (package heaptrack)"
	done_testing
	exit
fi

check "heaptrack alone, interpreted" theirs nothing "" ./exact_churn 0
check "heaptrack alone, raw" theirs nothing_raw --raw ./exact_churn 0
for kind in raw interpreted; do
	option=
	own=nothing.theirs.json
	[ $kind = raw ] && option=--raw own=nothing_raw.theirs.json
	check "churn, $kind: recorded by heaptrack and imported" theirs churn "$option" ./exact_churn 100000
	check "churn, $kind: heaptrack's recording says what the program says" \
		same exact churn.said churn.theirs.json $own
	check "churn, $kind: and what ours says" \
		same exact churn.ours.json churn.theirs.json $own
	check "plain: recorded by heaptrack and imported" theirs plain "$option" ./exact_churn 100000 plain
	check "plain, $kind: heaptrack's recording says what the program says" \
		same exact plain.said plain.theirs.json $own
done
check "names of functions come with an interpreted recording" \
	sh -c "'$mmprof' report churn.imported | grep -q resize"
rm -f plain.imported
check "plain: recorded by heaptrack and imported" theirs plain --raw ./exact_churn 100000 plain
check_is "plain: temporaries, where realloc cannot confuse them" \
	"$(sed -n 's/^temporary_count=//p' plain.said)" \
	"$(python3 -c 'import json; print(json.load(open("plain.theirs.json"))["totals"]["temporary_count"])')"

# --- programs that everyone has --------------------------------------------------------
cat >words.cpp <<'CPP'
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>
int main()
{
	std::map<std::string, std::vector<std::string>> words;
	unsigned s = 12345;
	for (int i = 0; i < 40000; i++) {
		s = s * 1103515245 + 12345;
		words["key " + std::to_string(s % 5003)].push_back("the value " + std::to_string(s));
	}
	std::size_t n = 0;
	for (auto &w : words)
		n += w.second.size();
	std::printf("%zu\n", n);
	std::exit(0); /* what the map holds lives to the end */
}
CPP
if command -v g++ >/dev/null && g++ -O1 -o words words.cpp; then
	check "words: recorded" ours words ./words
	check "words: recorded by heaptrack and imported" theirs words "" ./words
	check "C++: within 0.1 %" same freed words.ours.json words.theirs.json nothing.theirs.json
else
	skip "C++" "no g++"
fi

cat >words.pl <<'PL'
my %h; my $s = 12345; my $n = 0;
for my $i (1 .. 20000) { $s = ($s * 1103515245 + 12345) & 0x7fffffff; push @{$h{"k" . $s % 5003}}, "v$s"; }
for my $k (sort keys %h) { $n += length(join(",", @{$h{$k}})); }
print "$n\n";
PL
export PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0
check "perl: recorded" ours perl perl words.pl
check "perl: recorded by heaptrack and imported" theirs perl "" perl words.pl
check "perl: within 0.1 %" same near perl.ours.json perl.theirs.json nothing.theirs.json

export PYTHONMALLOC=malloc PYTHONHASHSEED=0
python=$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')
cat >words.py <<'PY'
import json
tree = {"k%d" % i: {"n": i, "v": [j / 7 for j in range(i % 9)], "s": "x" * (i % 40)} for i in range(3000)}
print(len(json.dumps(json.loads(json.dumps(tree)), sort_keys=True)))
PY
check "python: recorded" ours python "$python" -s -S words.py
check "python: recorded by heaptrack and imported" theirs python "" "$python" -s -S words.py
check "python: within 0.1 %" same near python.ours.json python.theirs.json nothing.theirs.json
unset PYTHONMALLOC

if command -v sqlite3 >/dev/null; then
	python3 - >rows.sql <<'PY'
print("create table t(a integer primary key, b text); begin;")
for i in range(4000):
    print(f"insert into t values({i}, 'row {i * 7919 % 4000} of the table');")
print("commit; create index tb on t(b);")
for i in range(1500):
    print(f"select count(*) from t where b > 'row {i}' and b < 'row {i}z';")
PY
	check "sqlite: recorded" ours sqlite sqlite3 :memory: <rows.sql
	check "sqlite: recorded by heaptrack and imported" theirs sqlite "" sqlite3 :memory: <rows.sql
	check "sqlite3: within 0.1 %" same near sqlite.ours.json sqlite.theirs.json nothing.theirs.json
else
	skip "sqlite3" "sqlite3 is not installed (package sqlite3)"
fi

# --- importing, as a command ----------------------------------------------------------------
heaptrack --raw -o again ./exact_churn 30000 >/dev/null 2>&1
[ -e again.raw.gz ] && gunzip again.raw.gz && zstd -q again.raw
zstd -dqf again.raw.zst
"$mmprof" import -q -o packed.bin again.raw.zst
"$mmprof" import -q -o plain.bin again.raw
"$mmprof" import -q -o - - <again.raw >piped.bin
for how in plain piped; do
	check "$how input gives the same report as packed" \
		cmp <("$mmprof" report packed.bin --json | sed 's/packed.bin//g') \
		<("$mmprof" report "$how.bin" --json | sed "s/$how.bin//g")
done
head -c $(($(stat -c %s again.raw.zst) / 2)) again.raw.zst >cut.zst
"$mmprof" import -q -o cut.bin cut.zst 2>cut.err
check_is "a recording that was cut: status" 0 $?
check "a recording that was cut: one line of warning" grep -q 'cut.zst: ends too early, after line' cut.err
check_is "a recording that was cut: no other line" 1 "$(grep -c '' cut.err)"
check "a recording that was cut: opens" "$mmprof" report cut.bin
printf 'v 10400 3\n+ 1 7 9000\n' >bad.raw
"$mmprof" import -o bad.bin bad.raw 2>bad.err
check_is "a bad line: status" 2 $?
check "a bad line: its number" grep -q 'bad.raw:2: ' bad.err
check "a bad line: no trace" fails test -e bad.bin
gzip -c again.raw >again.gz
"$mmprof" import -o gz.bin again.gz 2>gz.err
check_is "gzip: status" 2 $?
check "gzip: says what to do" grep -q 'gunzip -c' gz.err
done_testing
