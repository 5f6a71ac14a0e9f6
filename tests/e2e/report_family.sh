# report_family.sh: which process a report is about, and that `all` counts nothing twice.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

$CC -g -O1 -o family "$src/tests/e2e/report_family.c" || exit 99
"$mmprof" record -q -o trace.bin "$tmp/family" 2>err
check_is "the command's status" 4 $?

# query EXPRESSION OPTION...: a Python expression over the JSON report `r`.
query()
{
	local expression=$1
	shift
	"$mmprof" report --json -n 0 "$@" >report.json || return 1
	python3 -c "
import json
r = json.load(open('report.json'))
def size(n):
    'count and bytes of the allocations of this size, over the sites of take()'
    rows = [x for x in r['sites'] if x['name'] == 'take' and x['alloc_bytes'] == n * x['alloc_count']]
    return '%d x %d' % (sum(x['alloc_count'] for x in rows), n)
print($expression)"
}

check_is "the last image is the command's own" "3 x 50" "$(query 'size(50)' --metric allocs)"
check_is "and nothing of those before" "0 x 1000" "$(query 'size(1000)' --metric allocs)"
check_is "its exit status" 4 "$(query "r['run']['exit']")"
check_is "it leaks" 150 "$(query "sum(x['bytes'] for x in r['leaks'] if x['name'] == 'take')")"
check_is "the first image" "7 x 1000" "$(query 'size(1000)' --metric allocs --process '#0')"
check_is "ended by exec" exec "$(query "r['run']['end']" --process '#0')"
check_is "which discards" True "$(query "r['totals']['discarded_bytes'] >= 7000" --process '#0')"
check_is "and leaks nothing" 0 "$(query "r['totals']['leak_bytes']" --process '#0')"

child=$(query "next(p['pid'] for p in r['processes'] if p['start'] == 'fork' and p['recorded'] and p['exe'].endswith('family'))")
check_is "the child" "5 x 300" "$(query 'size(300)' --metric allocs --process "$child")"
check_is "does not have its parent's" "0 x 1000" "$(query 'size(1000)' --metric allocs --process "$child")"
check_is "frees what it inherited" 1 "$(query "r['totals']['inherited_free_count']" --process "$child")"

check_is "all: everyone's" "7 x 1000, 5 x 300, 3 x 50" \
	"$(query "', '.join(map(size, (1000, 300, 50)))" --metric allocs --process all)"
check_is "all: the sum of each" True "$(query "r['totals']['alloc_count'] == sum(p['alloc_count'] for p in r['processes'] if p['recorded'])" --process all)"
check_is "all: bytes, too" True "$(query "r['totals']['alloc_bytes'] == sum(p['alloc_bytes'] for p in r['processes'] if p['recorded'])" --process all)"
check_is "all: no more than all peaks, no less than any" True "$(query "max(p['peak_live_bytes'] for p in r['processes'] if p['recorded']) <= r['totals']['peak_live_bytes'] <= sum(p['peak_live_bytes'] for p in r['processes'] if p['recorded'])" --process all)"
check "all: obeys the laws" python3 "$src/tests/e2e/report_check.py" \
	"$src/src/view/mmprof.report.1.schema.json" report.json
check_is "a child without our environment is listed" True \
	"$(query "any(not p['recorded'] and p['alloc_count'] is None for p in r['processes'])")"

"$mmprof" report >text
check "text: says how many others" grep -qE 'others +[0-9]+ more process' text
check "text: lists them" grep -q '^PROCESSES' text
check "text: and who was not recorded" grep -q 'not recorded' text
done_testing
