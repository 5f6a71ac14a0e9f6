# tui.sh: mmtop without a terminal: screens as text, JSON, scripts, and what is refused.
. "$(dirname "$0")/tap.sh"
mmtop=$build/mmtop
trace=$src/traces/mmdig.mmt
cd "$tmp" || exit 99
unset LINES COLUMNS
mkdir -m 700 noted
export XDG_RUNTIME_DIR=$tmp/noted # what others record here is not ours

# refused STATUS TEXT COMMAND...: one line that holds TEXT, and that exit status.
refused()
{
	local want=$1 text=$2 got
	shift 2
	"$@" >out 2>err </dev/null
	got=$?
	[ "$got" = "$want" ] || { echo "status $got"; cat err; return 1; }
	[ ! -s out ] || { echo "something on stdout"; return 1; }
	grep -qF -- "$text" err || { cat err; return 1; }
	[ "$(grep -vc '^Try ' err)" = 1 ] || { cat err; return 1; }
}

rows_and_cols()
{
	"$mmtop" --once --size "$1x$2" --screen "$3" "$trace" >out 2>err || return 1
	[ ! -s err ] && [ "$(wc -l <out)" = "$2" ] && [ "$(LC_ALL=C.UTF-8 wc -L <out)" -le "$1" ]
}

for screen in overview categories tiers fragmap leaks calls timeline threads gpu; do
	check "--once --screen $screen fits 80x24" rows_and_cols 80 24 $screen
	check "--once --screen $screen fits 200x60" rows_and_cols 200 60 $screen
done
check_is "mmprof top is the same" "$("$mmtop" --once "$trace" | cksum)" "$("$mmprof" top --once "$trace" | cksum)"
check_is "a pipe is 100 columns by 30 rows" 30 "$("$mmtop" --once "$trace" | wc -l)"
check_is "LINES and COLUMNS count, less the prompt" 39 "$(LINES=40 COLUMNS=50 "$mmtop" --once "$trace" | wc -l)"
"$mmtop" "$trace" >out 2>err </dev/null
check_is "without a terminal: as --once" "$("$mmtop" --once "$trace" | cksum)" "$(cksum <out)"
check "and says so" grep -q 'no terminal' err
"$mmprof" record -q --symbols=none -o nameless.bin -- "$mmprof" report "$trace" >out 2>err
check "--once looks up names that the trace lacks" sh -c "'$mmtop' --once --screen calls --size 200x60 nameless.bin | grep -q ' main '"
check "but not with --no-symbols" sh -c "'$mmtop' --once --no-symbols --screen calls --size 200x60 nameless.bin | grep -c ' main ' | grep -qx 0"
check "a C locale gets ASCII" sh -c "LC_ALL=C '$mmtop' --once '$trace' | LC_ALL=C grep -c '[^ -~]' | grep -qx 0"
check "a UTF-8 locale gets more" sh -c "LC_ALL=C.UTF-8 '$mmtop' --once '$trace' | LC_ALL=C grep -q '[^ -~]'"
check "--ascii" sh -c "LC_ALL=C.UTF-8 '$mmtop' --ascii --once '$trace' | LC_ALL=C grep -c '[^ -~]' | grep -qx 0"

without_times()
{
	sed -e 's/"version":"[^"]*"//'
}
check_is "--json is report --json" \
	"$("$mmprof" report --json -n 200 --metric peak --no-symbols "$trace" | without_times | cksum)" \
	"$("$mmtop" --json --no-symbols "$trace" | without_times | cksum)"
check_is "one line has the figure whole" "q quit 4.00 KiB" "$("$mmtop" --once --size 15x3 "$trace" | head -n 1)"
check_is "or has none" "q quit" "$("$mmtop" --once --size 14x3 "$trace" | head -n 1 | sed 's/ *$//')"
check_is "no name stands without its figure" 0 "$("$mmtop" --once --size 80x24 "$trace" | grep -c ' te$')"
check_is "--batch ends with the trace" 1 "$(timeout 20 "$mmtop" --batch "$trace" | grep -c '^ mmtop')"
"$mmtop" --once "$trace" >/dev/full 2>err
check_is "a full disk: status" 2 $?
check "a full disk: said" grep -q 'standard output' err

# --- scripts ---------------------------------------------------------------------------
cat >keys <<'S'
:size 60x17
2 / b a n d Enter
:save-screen screen
:export rows.tsv
:json report.json
q
:save-screen never
S
check "a script runs" "$mmtop" --script keys "$trace"
check_is "its screen has the size" 60x17 "$(head -n 1 screen)"
check_is "and styles below" 35 "$(wc -l <screen)"
check_is "rows with exact figures" narrow_band "$(sort rows.tsv | awk -F '\t' '$1 == "narrow_band" { print $1 }')"
check_is "heads name the units" "category	live_bytes" "$(head -n 1 rows.tsv | cut -f 1-2)"
check "the report is JSON" python3 -c 'import json, sys; json.load(open("report.json"))'
check "nothing after q" test ! -e never
check "files are left alone" refused 2 "keys:3: screen is there already" "$mmtop" --script keys "$trace"
echo 'x y nokey' >bad
check "a bad key is named" refused 2 "bad:1: 'nokey' is not a key" "$mmtop" --script bad "$trace"
rm -f screen
check "--readonly writes nothing" refused 2 "no file is written" "$mmtop" --readonly --script keys "$trace"
check "really" test ! -e screen

# --- refusals --------------------------------------------------------------------------
echo "no trace" >text
check "no such trace" refused 2 "nothere" "$mmtop" --once nothere
check "not a trace" refused 2 "text" "$mmtop" --once text
check "a folder" refused 2 "$tmp" "$mmtop" --once "$tmp"
check "no trace.bin" refused 2 "trace.bin" "$mmtop" --once
check "two traces" refused 2 "more than one" "$mmtop" --once "$trace" "$trace"
check "a screen" refused 2 "none of overview" "$mmtop" --screen nope "$trace"
check "a colour" refused 2 "auto, always, never" "$mmtop" --color blue "$trace"
check "a size" refused 2 "COLUMNSxROWS" "$mmtop" --size 80 "$trace"
check "a delay" refused 2 "10ms" "$mmtop" --delay 1ms "$trace"
check "a count without --batch" refused 2 "--count is of --batch" "$mmtop" -n 2 "$trace"
check "a script prints nothing" refused 2 "--script prints nothing" "$mmtop" --once --script /dev/null "$trace"
check "a count" refused 2 "number" "$mmtop" --count 0 "$trace"
check "a script" refused 2 "nothere" "$mmtop" --script nothere "$trace"
check "a filter that nothing passes" sh -c "'$mmtop' --once --screen categories -F zzz '$trace' | grep -q \"no row holds 'zzz'\""
done_testing
