# doctor.sh: doctor says what it finds, in text and in JSON, and its status is the verdict.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

doctor()
{
	"$mmprof" doctor "$@" >out 2>err </dev/null
	status=$?
}

# field NAME KEY: of the JSON in out.
field()
{
	python3 -c '
import json, sys
checks = json.load(open("out"))["checks"]
print([c[sys.argv[2]] for c in checks if c["name"] == sys.argv[1]][0])' "$1" "$2"
}

doctor
check_is "status here" 0 "$status"
check "the verdict is the last line" test "$(tail -n 1 out)" = "Recording works here."
check "nothing on stderr" fails test -s err
doctor --json
check_is "JSON: status" 0 "$status"
check "JSON: parses, with its schema" python3 -c '
import json
d = json.load(open("out"))
assert d["schema"] == "mmprof.doctor/1" and d["recording_works"] is True
assert all(set(c) == {"group", "name", "state", "detail", "advice"} for c in d["checks"])
assert {c["state"] for c in d["checks"]} <= {"ok", "note", "warning"}
assert {c["group"] for c in d["checks"]} == {"kernel", "library", "limits", "symbols", "terminal", "recording"}'
check_is "the preload is the build tree's" "$build/.libs/libmmprof.so" "$(field preload detail)"
check_is "the kernel is this one" "$(uname -s) $(uname -r) $(uname -m)" "$(field release detail)"
check_is "the clock source is the kernel's" \
	"$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" \
	"$(field 'clock source' detail | sed 's/,.*//')"

if nm "$mmprof" | grep -q __asan_init; then
	skip "a limit of address space is a warning" "the sanitizer needs more than any limit"
else
	(
		ulimit -v 8388608
		doctor --json
		field 'address space' state >state
	)
	check_is "a limit of address space is a warning" warning "$(cat state)"
fi
DEBUGINFOD_URLS=http://symbols.example "$mmprof" doctor --json >out
check_is "debuginfod is named" "http://symbols.example" "$(field debuginfod detail)"
TMPDIR=$tmp/nowhere "$mmprof" doctor >out 2>err
check_is "no temporary folder: status" 2 "$?"
check "no temporary folder: verdict" test "$(tail -n 1 out)" = "Recording does not work here."
doctor surplus
check_is "surplus argument: status" 2 "$status"
check "nothing is left in the temporary folder" \
	test -z "$(find "$tmp" -name 'mmprof-doctor-*')"
done_testing
