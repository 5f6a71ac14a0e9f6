# style.sh: what the house rules say about sizes, names and openings.
. "$(dirname "$0")/tap.sh"
cd "$src" || exit 99

unique_names()
{
	local twice
	twice=$(find src include examples bench tests -name '*.[ch]' 2>/dev/null |
		sed 's|.*/||' | sort | uniq -d)
	[ -z "$twice" ] || { echo "$twice"; return 1; }
}

# The lengths of all functions: "LINES FILE NAME".
functions()
{
	ctags -R --languages=C --kinds-C=f --fields=+ne --output-format=json -f - src include examples |
		python3 -c '
import json, sys
for line in sys.stdin:
    t = json.loads(line)
    if "end" in t:
        print(t["end"] - t["line"] + 1, t["path"], t["name"])'
}

none_long()
{
	awk '$1 > 80 { print; bad = 1 } END { exit bad }' "$tmp/functions"
}

median_short()
{
	sort -n "$tmp/functions" | awk '{ n[NR] = $1 }
		END { m = n[int((NR + 1) / 2)]; print "median", m, "of", NR; exit m > 15 }'
}

files_short()
{
	find src include examples -name '*.[ch]' -exec wc -l {} + |
		awk '$2 != "total" && $1 > 640 { print; bad = 1 } END { exit bad }'
}

indented_by_tabs()
{
	! grep -nE '^ {4,}[^ *]' -r src include examples --include='*.[ch]'
}

opened_by_a_comment()
{
	local f bad=0
	for f in $(find src include examples -name '*.[ch]'); do
		[ "$(head -c 2 "$f")" = '/*' ] && continue
		echo "$f"
		bad=1
	done
	return $bad
}

opening_names_the_file()
{
	local f bad=0
	for f in src/*/*.[ch] examples/*/*.[ch]; do
		head -n 1 "$f" | grep -qF "${f##*/}:" && continue
		echo "$f: $(head -n 1 "$f")"
		bad=1
	done
	return $bad
}

nothing_left_to_do()
{
	! grep -nwE 'TO''DO|FIX''ME|XX''X' -r src include examples tests/unit scripts man
}

functions >"$tmp/functions"
check "there are functions to measure" test -s "$tmp/functions"
check "no function is longer than 80 lines" none_long
check "the median function is short" median_short
check "files stay under about 600 lines" files_short
check "names of .c and .h files are unique" unique_names
check "indentation is by tabs" indented_by_tabs
check "every file opens with a comment" opened_by_a_comment
check "the opening names the file" opening_names_the_file
check "nothing is left to do" nothing_left_to_do
done_testing
