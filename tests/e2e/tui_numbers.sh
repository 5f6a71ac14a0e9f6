# tui_numbers.sh: every figure that mmtop shows is that of the report of the same moment.
. "$(dirname "$0")/tap.sh"
for trace in v1 v1-pools mmdig mmdig-pools; do
	for screen in overview categories leaks calls timeline threads; do
		for range in "" "0s 50%" "25% 75%" "0s peak"; do
			# shellcheck disable=SC2086 # two words
			check "$trace, $screen, ${range:-all of it}" python3 "$src/tests/e2e/tui_numbers.py" \
				"$build/mmtop" "$mmprof" "$src/traces/$trace.mmt" "$tmp" $screen $range
		done
	done
done
for screen in overview categories tiers gpu timeline; do
	for range in "" "0s 39.5s" "10s 45s"; do
		# shellcheck disable=SC2086 # two words
		check "v1-voxel, $screen, ${range:-all of it}" python3 "$src/tests/e2e/tui_numbers.py" \
			"$build/mmtop" "$mmprof" "$src/traces/v1-voxel.mmt" "$tmp" $screen $range
	done
done
done_testing
