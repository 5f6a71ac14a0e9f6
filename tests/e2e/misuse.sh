# misuse.sh: each misuse of misuse.table, by a program of its own (tests/victims/misuse_*.c), at
# each level: how the program ends and what is said; and again, at the weakest level that
# catches it, by eight threads at once, by a forked child, and in a program with a handler.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99
ulimit -c 0
table=$src/tests/e2e/misuse.table
victims=$src/tests/victims

rows()
{
	sed '/^#/d; s/  *| */|/g; s/ *$//' "$table"
}

# at LEVEL PROGRAM HOW: sets status; what is said is in err.
at()
{
	{ timeout 60 "$mmprof" run --check "$1" "./$2" "$3" >out 2>err; } 2>/dev/null
	status=$?
}

# line OUTCOME LEVEL PLACE: the pattern of the line that says it.
line()
{
	local block
	case $1 in
	-) echo '^$' ;;
	invalid) echo '^mmprof run: free\(\): invalid pointer$' ;;
	*)
		[ "$3" = none ] || block=", $3 at 0x[0-9a-f]+"
		echo "^\\[mmprof\\] ${1#!}: 0x[0-9a-f]+${block:-} \\(--check $2\\)\$"
		;;
	esac
}

status_of()
{
	case $1 in
	-) echo 0 ;;
	!*) echo 139 ;;
	*) echo 134 ;;
	esac
}

says()
{
	if [ "$1" = '^$' ]; then
		cat err
		[ ! -s err ]
	else
		cat err
		head -n 1 err | grep -qE -- "$1"
	fi
}

# expect PROGRAM HOW LEVEL OUTCOME PLACE
expect()
{
	local want
	at "$3" "misuse_$1" "$2"
	want=$(status_of "$4")
	check_is "$1, $2, --check $3: how it ends" "$want" "$status"
	check "$1, $2, --check $3: what is said" says "$(line "$4" "$3" "$5")"
}

build()
{
	$CC -O0 -w -fno-builtin -D_GNU_SOURCE -pthread -o "misuse_$1" "$victims/misuse_$1.c"
}

count=0
while IFS='|' read -r name off on sampled full place; do
	build "$name" || exit 99
	count=$((count + 1))
	weakest=
	for level in off on sampled full; do
		eval "outcome=\$$level"
		expect "$name" plain $level "$outcome" "$place"
		[ -n "$weakest" ] || [ "$outcome" = - ] || weakest=$level
	done
	check "$name: a level catches it" test -n "$weakest"
	eval "outcome=\$$weakest"
	expect "$name" threads "$weakest" "$outcome" "$place"
	expect "$name" child "$weakest" "$outcome" "$place"
done < <(rows)
check_is "every program of its kind has a row" "$(ls "$victims" | grep -c '^misuse_.*\.c')" "$count"
done_testing
