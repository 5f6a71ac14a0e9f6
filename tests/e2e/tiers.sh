# tiers.sh: notices of a stored trace as events, and what the report makes of them.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99
trace=$src/traces/v1-voxel.mmt
schema=$src/src/view/mmprof.report.1.schema.json

# first KIND [OPTION]: the first event of that kind.
first()
{
	local kind=$1
	shift
	"$mmprof" cat -n 1 --kind "$kind" "$@" "$trace"
}

check_is "cat: a tier" \
	'0.001000000 4242 - tier tier=3 name="huge" type="2M pages" capacity=536870912 part_of=2' \
	"$("$mmprof" cat --kind tier "$trace" | sed -n 4p)"
check_is "cat: pressure" \
	'38.810000000 4242 - pressure level=3 before=2 cause="budget"' \
	"$("$mmprof" cat --kind pressure "$trace" | sed -n 4p)"
check_is "cat: what is not known is left out" '0.001000000 4242 - pressure level=0' \
	"$(first pressure)"
check_is "cat: a refusal" \
	'38.410000000 4242 - deny category="mesh_data" asked=4194304 cause="budget"' "$(first deny)"
check "cat --json: a key for each field, null unknown" python3 - "$mmprof" "$trace" <<'END'
import json, subprocess, sys
want = {"tier": 5, "tier-use": 5, "tier-move": 7, "evict": 5, "deny": 3, "pressure": 3,
        "gpu-device": 4, "gpu-heap": 12, "gpu-kind": 9, "gpu-block": 7}
seen = {}
for line in subprocess.check_output([sys.argv[1], "cat", "--json", "--kind", ",".join(want),
                                     sys.argv[2]], text=True).splitlines():
    e = json.loads(line)
    seen[e["kind"]] = len(e) - 5
    if e["kind"] == "tier":
        assert (e["part_of"] is None) == (e["name"] != "huge")
assert seen == want, seen
END

for range in "" "--to=25s" "--from=10s --to=40s" "--from=50%" "--process=all"; do
	"$mmprof" report --json -q $range "$trace" >report
	check "valid and lawful: ${range:-all}" \
		python3 "$src/tests/e2e/report_check.py" "$schema" report
done
"$mmprof" report --width 90 "$trace" >text
for section in PRESSURE TIERS GPU; do
	check "text: $section" grep -q "^$section " text
done
check "text: the level" grep -q '^PRESSURE  ok at the end, high at 38.8 s (told by the program)$' text
check "text: a tier" grep -qE '^ *2\.28 GiB +4\.00 GiB +56\.9 %.* VRAM, device-local$' text
sed -n '/^PRESSURE/,/^STILL/p' text >part
check "text: lines fit" awk 'length > 90 { exit 1 }' part
"$mmprof" report "$src/traces/mmdig.mmt" >text
check "text: nothing of what was not told" sh -c '! grep -qE "^(TIERS|GPU) " text'
done_testing
