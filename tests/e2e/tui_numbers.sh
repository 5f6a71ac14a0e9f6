# tui_numbers.sh: every figure that mmtop shows is that of the report of the same moment.
. "$(dirname "$0")/tap.sh"
export PYTHONDONTWRITEBYTECODE=1

# compare NAME TRACE strict|loose: one line of TAP for each screen of each range.
compare()
{
	local status name
	rm -rf "$tmp/screens"
	mkdir "$tmp/screens"
	python3 "$src/tests/e2e/tui_numbers.py" "$build/mmtop" "$mmprof" "$tmp/screens" "$2" "$3" >"$tmp/out" 2>"$tmp/err"
	check_is "$1: it could be read" 0 $?
	sed 's/^/# /' "$tmp/err"
	while read -r status name; do
		case $status in
		ok) tap_result ok "$1: $name" ;;
		not) tap_result 'not ok' "$1: ${name#ok }" ;;
		*) echo "$status $name" ;;
		esac
	done <"$tmp/out"
}

for trace in v1-voxel v1 v1-pools v1-bounded mmdig mmdig-pools; do
	compare $trace "$src/traces/$trace.mmt" strict
done

# Chunks whose sums come from digests, and moments inside of them.
check "a trace of 2,500,000 events" "$build/bench/make_events" -a -s 300 -c 5 "$tmp/large.mmt" 2500000 20000
compare large "$tmp/large.mmt" loose
done_testing
