# order.sh: threads that hand objects to each other are recorded in the order it happened:
# no free before its alloc, no address live twice, no implied free, every object counted.
# OBJECTS (default 1000000) and THREADS (default 8) may be set; the long run uses 10000000.
. "$(dirname "$0")/../e2e/tap.sh"
objects=${OBJECTS:-1000000} threads=${THREADS:-8}

check 'handover builds' "$CC" -O2 -pthread "$src/tests/stress/handover.c" -o "$tmp/handover"
check 'recording succeeds' sh -c \
	"'$mmprof' record -q -o '$tmp/t' -- '$tmp/handover' $threads $objects >'$tmp/out'"
check 'the program ran' grep -q '^allocs' "$tmp/out"

check 'the trace is in order' python3 - "$mmprof" "$tmp/t" "$objects" <<'PY'
import subprocess, sys
mmprof, trace, objects = sys.argv[1], sys.argv[2], int(sys.argv[3])
cat = subprocess.Popen([mmprof, "cat", trace, "--min-size", "40", "--max-size", "40"],
                       stdout=subprocess.PIPE)
live, births, deaths, last = {}, 0, 0, 0
for line in cat.stdout:
    word = line.split(None, 6)
    time, kind = word[0], word[3]
    addr = word[5]
    if kind == b"malloc":
        if addr in live:
            sys.exit("%r is live twice: born %r and %r" % (addr, live[addr], time))
        live[addr] = time
        births += 1
    elif kind == b"free":
        if live.pop(addr, None) is None:
            sys.exit("%r is freed before it was born, at %r" % (addr, time))
        deaths += 1
    else:
        sys.exit("unexpected kind %r" % kind)
if cat.wait() != 0:
    sys.exit("mmprof cat failed")
if births < objects or deaths < objects or births > objects + 16:
    sys.exit("births %d deaths %d, wanted %d" % (births, deaths, objects))
PY

"$mmprof" report --json "$tmp/t" >"$tmp/json" 2>"$tmp/err"
figure()
{
	python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["totals"][sys.argv[2]])' \
		"$tmp/json" "$1"
}
check_is 'implied frees' 0 "$(figure implied_free_count)"
check_is 'inherited frees' 0 "$(figure inherited_free_count)"
done_testing
