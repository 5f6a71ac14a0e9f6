# cat.sh: mmprof cat prints every event of the kept trace as it always has, filters, and
# says what is wrong in one line.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99
golden=$src/traces/v1.mmt

# lines ARGS...: how many lines cat prints.
lines()
{
	"$mmprof" cat "$@" "$golden" | wc -l
}

# count PATTERN: lines of the expected text that match.
count()
{
	grep -cE "$1" "$src/traces/v1.cat.txt"
}

refused()
{
	"$mmprof" cat "$@" >out 2>err </dev/null
	[ $? = 2 ] && [ "$(wc -l <err)" -le 2 ] && grep -q '^mmprof cat: ' err
}

"$mmprof" cat "$golden" >all 2>err
check_is "status" 0 $?
check "text as ever" cmp all "$src/traces/v1.cat.txt"
check "nothing on stderr" test ! -s err
"$mmprof" cat --json -n 60 "$golden" >json
check "JSON lines as ever" cmp json "$src/traces/v1.cat.jsonl"
"$mmprof" cat --json "$golden" >json
check "JSON: one valid object a line" python3 -c '
import json
events = [json.loads(l) for l in open("json")]
assert len(events) == len(open("all").readlines())
assert [e["time_ns"] for e in events] == sorted(e["time_ns"] for e in events)
assert all("kind" in e and "pid" in e for e in events)'
check_is "standard input" "$(wc -l <all)" "$("$mmprof" cat - <"$golden" | wc -l)"

check_is "--kind" "$(count ' (malloc|mark) ')" "$(lines --kind malloc,mark)"
check_is "--kind of a newer writer" "$(count ' kind-200 ')" "$(lines --kind kind-200)"
for kinds in nonsense malloc,nonsense malloc, ''; do
	check "--kind '$kinds' is refused" refused --kind "$kinds" "$golden"
done
check_is "--process" "$(count '^[0-9.]+ 1077 ')" "$(lines --process 1077)"
check_is "--process all" "$(wc -l <all)" "$(lines --process all)"
check_is "--thread by id" "$(count '^[0-9.]+ [0-9]+ 1002 ')" "$(lines --thread 1002)"
check_is "--thread by name" "$(count '^[0-9.]+ [0-9]+ 1002 ')" "$(lines --thread render)"
check_is "--site" "$(count ' site=4 ')" "$(lines --site 4)"
check_is "-n" 7 "$(lines -n 7)"
check_is "--min-size and --max-size" \
	"$(awk 'match($0, / size=[0-9]+/) { n = substr($0, RSTART + 6, RLENGTH - 6) + 0
		c += n >= 16 && n <= 48 } END { print c }' all)" \
	"$(lines --min-size 16 --max-size 48)"
check_is "--to 0" "$(count '^0\.000000000 ')" "$(lines --to 0)"
check_is "--from and --to share out all" "$(wc -l <all)" \
	"$(($(lines --to 400ms) + $(lines --from 400000001ns)))"
addr=$(grep -m1 -oE 'addr=0x[0-9a-f]+' all)
check "--address: only its objects" sh -c "'$mmprof' cat --address ${addr#addr=} '$golden' |
	grep -q '$addr '"
check "--from a mark that is not there" refused --from mark:nowhere "$golden"

check "no such file" refused nothing
check "not a trace" refused "$src/FORMAT.md"
check "not a size" refused --min-size big "$golden"
check "two traces" refused "$golden" "$golden"
head -c 6000 "$golden" >cut
"$mmprof" cat cut >part 2>err
check "cut short: a warning" grep -q '^mmprof cat: warning: cut: ' err
check "cut short: what is whole is printed" test -s part
check "a closed pipe is quiet" sh -c "'$mmprof' cat '$golden' 2>err2 | head -n 1 >/dev/null; test ! -s err2"
done_testing
