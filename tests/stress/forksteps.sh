# forksteps.sh: a signal handler forks in the middle of a hook, at every instruction of it. What
# the child goes on to record stands where it was allocated, and the parent's trace has what
# the parent did, neither more nor less.
. "$(dirname "$0")/../e2e/tap.sh"
cd "$tmp" || exit 99

check 'forksteps builds' "$CC" -O1 -g -fno-builtin "$src/tests/stress/forksteps.c" -o forksteps
cat >judge.py <<'PY'
import collections, json, sys
tried, forks, wrong, own = int(sys.argv[1]), 0, [], collections.Counter()
first = None
seen = collections.Counter()
for line in sys.stdin:
    e = json.loads(line)
    first = first or e["pid"]
    size = e.get("size_bytes") or 0
    forks += e["kind"] == "fork"
    if e["kind"] in ("malloc", "free") and e["pid"] == first:
        own[e["kind"], size] += 1
    if e["kind"] != "malloc":
        continue
    at = (e.get("where") or "?").split(" ")[0]
    want = "alpha" if size in (777, 778) else "other%d" % (size - 5000) if 5000 <= size < 5005 else at
    seen[size] += 1
    if at != want:
        wrong.append((size, at))
print("tried", tried, "forks", forks, "wrong", collections.Counter(wrong), "seen", seen)
lopsided = [k for k in own if k[1] in (777, 5000, 5004) and own["malloc", k[1]] != own["free", k[1]]]
sys.exit(bool(wrong or lopsided or tried < 100 or forks < tried or
              ("fresh" not in sys.argv and own["malloc", 777] != tried + 4)))
PY

# steps LABEL OPTIONS FIRST LAST STEP MODE
steps()
{
	local label=$1 options=$2 tried
	shift 2
	tried=$("$mmprof" record -q --symbols=full $options -o t -- ./forksteps "$@")
	check_is "$label: the program ends well" 0 $?
	"$mmprof" cat --json t | python3 judge.py "${tried:-0}" "$4" >log
	local status=$?
	sed 's/^/# /' log
	check_is "$label: everything stands where it was allocated" 0 "$status"
}

steps 'waited for' '' 1 5000 1 wait
steps 'a child that goes on late' '' 1 5000 3 race
steps 'one that is not followed' --no-follow 1 5000 3 race
steps 'on a new stack, which is cut' --depth=2 1 6000 13 fresh
done_testing
