# report_views.sh: a program that knows its numbers, seen through every option of report:
# valid JSON that obeys its own laws, the same figures as text, lines that fit.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99
e2e=$src/tests/e2e
schema=$src/src/view/mmprof.report.1.schema.json

$CC -g -O1 -fno-optimize-sibling-calls -I"$src/include" -o known "$e2e/report_known.c" || exit 99
"$mmprof" record -q -o trace.bin ./known 2>err || { cat err; exit 99; }

report()
{
	"$mmprof" report "$@"
}

# query EXPRESSION OPTION...: a Python expression over the JSON report `r`.
query()
{
	local expression=$1
	shift
	report --json "$@" | python3 -c "import json, sys; r = json.load(sys.stdin); print($expression)"
}

# row KEY NAME OPTION...: one figure of the row of that name
row()
{
	local key=$1 name=$2
	shift 2
	query "next((x['$key'] for x in (r['table']['rows'] if r['table'] else r['sites']) if x['name'] == '$name'), None)" "$@"
}

# --- known numbers ------------------------------------------------------------------
check_is "nodes at the peak" 100000 "$(row peak_bytes node_new)"
check_is "buffers at the peak" 200000 "$(row peak_bytes buffer_new)"
check_is "nodes that are left" 60000 "$(row leak_bytes node_new --metric leaks)"
check_is "no buffer is left" None "$(row leak_bytes buffer_new --metric leaks)"
check_is "temporaries" 1000 "$(row temporary_count churn --metric temporary)"
check_is "calls" 1000 "$(row alloc_count churn --metric allocs)"
check_is "bytes of the calls" 16000 "$(row alloc_bytes churn --metric bytes)"
check_is "by function" 200000 "$(row peak_bytes buffer_new --by function)"
check_is "main's callees" "200000" \
	"$(query "next(x['inclusive']['free_bytes'] - 56000 for x in r['table']['rows'] if x['name'] == 'main')" --by function)"
check_is "the category pushed" 200000 "$(row peak_bytes mesh_data --by category)"
check_is "its own peak" 200000 \
	"$(query "next(c['peak_bytes'] for c in r['categories'] if c['name'] == 'mesh_data')")"
check_is "a size class" 100 "$(row alloc_count '512 B .. 1023 B' --by size)"
check_is "a size class that is left" 60 "$(row live_count '512 B .. 1023 B' --by size --metric live)"
check_is "marks" "load work churn end" "$(query "' '.join(m['text'] for m in r['marks'])")"
check_is "metric" "100" "$(query "r['domains']['svo']['nodes']")"
check_is "exit status" "0" "$(query "r['run']['exit']")"

# --- ranges -------------------------------------------------------------------------
range="--from mark:work --to mark:churn"
check_is "only the work" 50 "$(query "r['totals']['alloc_count']" $range)"
check_is "all of it freed" 200000 "$(query "r['totals']['free_bytes']" $range)"
check_is "nothing leaks from it" 0 "$(query "r['totals']['leak_bytes']" $range)"
check_is "live before it" 100 "$(query "r['totals']['live_begin_count'] - $(query \
	"r['totals']['live_begin_count']" --from mark:load)" $range)"
check_is "after it" 1000 "$(query "r['totals']['alloc_count']" --from mark:churn)"
count() { query "r['totals']['alloc_count']" "$@"; }
check_is "two halves make a whole" "$(count)" $(($(count --to mark:work) + $(count --from mark:work)))

# --- every combination is valid -----------------------------------------------------
valid()
{
	report --json "$@" >valid.json && python3 "$e2e/report_check.py" "$schema" valid.json
}
for by in site function file library category thread size; do
	for metric in peak live allocs bytes temporary leaks; do
		check "valid: $by, $metric" valid --by $by --metric $metric -n 3
	done
	check "valid: $by, all rows, a range" valid --by $by -n 0 --from mark:work
done
for tree in callers callees; do
	check "valid: tree=$tree" valid --tree=$tree
	check "valid: tree=$tree, all, leaks" valid --tree=$tree -n 0 --metric leaks
done
check "valid: match" valid --match 'node_*' --by function
check "valid: all processes" valid --process all
check "valid: no symbols" valid --no-symbols
check_is "the same trace, the same bytes" "$(report --json -n 0 | cksum)" "$(report --json -n 0 | cksum)"

# --- text ---------------------------------------------------------------------------
number() { query "format(r['totals']['$1'], ',')"; }
report --bytes >text
check "text: peak" grep -qF "peak         $(number peak_live_bytes) live in $(number peak_live_count) objects" text
check "text: allocations" grep -qF "allocated    $(number alloc_count) times, $(number alloc_bytes) in all" text
check "text: end" grep -qF "at the end   $(number live_end_bytes) in $(number live_end_count) objects" text
check "text: temporaries" grep -qF "temporary    $(number temporary_count) (" text
check "text: freed" grep -qF "freed        $(number free_count) times" text
check "text: row" grep -qE '^ +200,000 .* 50  buffer_new  report_known.c:[0-9]+$' text
check "text: marks" grep -qE ' churn$' text
check "text: hints" grep -q 'mmprof report --tree' text
check "no colour into a file" fails grep -q $'\033' text

fits()
{
	local width=$1
	shift
	report --width "$width" "$@" | python3 -c '
import sys
wide = [l for l in sys.stdin.read().splitlines() if len(l) > int(sys.argv[1])]
print("\n".join(wide))
sys.exit(bool(wide))' "$width"
}
for width in 80 100 120; do
	check "fits in $width" fits $width
	check "fits in $width: leaks" fits $width --metric leaks
	check "fits in $width: functions" fits $width --by function -n 0
	check "fits in $width: tree" fits $width --tree -n 0
done
check "ASCII in the C locale" env LC_ALL=C sh -c '"$1" report | LC_ALL=C grep -qv "[^ -~]"' - "$mmprof"
ascii_only() { LC_ALL=C "$mmprof" report | python3 -c 'import sys; sys.stdin.buffer.read().decode("ascii")'; }
check "nothing but ASCII in the C locale" ascii_only

# --- where the trace comes from -----------------------------------------------------
check_is "standard input" "$(number alloc_count)" \
	"$(report --json - <trace.bin | python3 -c 'import json, sys; print(format(json.load(sys.stdin)["totals"]["alloc_count"], ","))')"
check "a name" report trace.bin

# --- terminals ----------------------------------------------------------------------
on_terminal()
{
	python3 -c '
import os, pty, sys
def read(fd):
    data = os.read(fd, 65536)
    out.write(data)
    return data
out = open("pty.out", "wb")
status = pty.spawn(sys.argv[1:], read)
sys.exit(os.waitstatus_to_exitcode(status))' "$@" >/dev/null </dev/null
}
check "on a terminal" on_terminal env TERM=xterm COLUMNS=90 "$mmprof" report
check "in colour" grep -q $'\033\[1;36mPEAK' pty.out
check "on a terminal, NO_COLOR" on_terminal env TERM=xterm NO_COLOR=1 "$mmprof" report
check "without colour" fails grep -q $'\033\[' pty.out
check "on a dumb terminal" on_terminal env TERM=dumb "$mmprof" report
check "without colour there" fails grep -q $'\033\[' pty.out

# --- what makes no sense ------------------------------------------------------------
refused()
{
	local name=$1 pattern=$2
	shift 2
	report "$@" >out 2>err </dev/null
	check_is "$name: status" 2 $?
	check "$name: says why" grep -qE -e "$pattern" err
	check_is "$name: nothing on stdout" 0 "$(wc -c <out)"
}
refused "unknown key" 'by.*colour.*function' --by colour
refused "unknown metric" 'metric.*weight.*peak' --metric weight
refused "bad rows" "rows.*'many'" -n many
refused "bad width" 'width' --width 10
refused "bad time" "from.*'soon'.*mark:NAME" --from soon
refused "unknown mark" "mark 'nowhere'" --from mark:nowhere
refused "empty range" 'empty' --from mark:end --to mark:load
refused "unknown process" 'process 1' --process 1
refused "two traces" 'more than one trace' trace.bin known
refused "no trace" 'no.such' no.such
refused "not a trace" 'known.*not' known
refused "no rules" 'no.rules' -c no.rules
echo 'category x { colour = red }' >rules
refused "bad rules" 'rules:1.*colour' -c rules
if [ -w /dev/full ]; then
	report >/dev/full 2>err
	check_is "full disk: status" 2 $?
	check "full disk: says so" grep -q 'space' err
fi

# --- rules --------------------------------------------------------------------------
cat >rules <<'RULES'
category scene { budget = 90KB; match = [ "node_*" ] }
category noise { match = [ "file:*known.c" ] }
RULES
check_is "rule: scene" 100000 "$(row peak_bytes scene --by category -c rules)"
check_is "rule: the pushed one wins" 200000 "$(row peak_bytes mesh_data --by category -c rules)"
check_is "rule: the others" 1000 "$(row alloc_count noise --by category --metric allocs -c rules)"
check_is "rule: over budget" True \
	"$(query "next(c['over'] for c in r['categories'] if c['name'] == 'scene')" -c rules)"
report -c rules >text
check "rule: text says so" grep -qE 'scene +over budget' text
check "valid: rules" valid -c rules
done_testing
