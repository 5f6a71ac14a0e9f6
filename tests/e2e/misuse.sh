# misuse.sh: each misuse of misuse.table, by a program of its own (tests/victims/misuse_*.c), at
# each level: how the program ends, what is said, and whether the place is the program's; and
# again by eight threads at once, by a forked child, and in a program with a handler of SIGSEGV.
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
		[ "$1" != 'wrong size' ] || block="$block, freed as one of 90"
		echo "^\\[mmprof\\] ${1#!}: 0x[0-9a-f]+${block:-} \\(--check $2\\)\$"
		;;
	esac
}

status_of()
{
	case $1 in
	-) echo 0 ;;
	!*) [ "$2" = handler ] && echo 7 || echo 139 ;;
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
	want=$(status_of "$4" "$2")
	check_is "$1, $2, --check $3: how it ends" "$want" "$status"
	check "$1, $2, --check $3: what is said" says "$(line "$4" "$3" "$5")"
}

# place WORD: the function that a line of err says did it.
place_of()
{
	local at
	at=$(sed -n "s/^\[mmprof\]   $1 .*misuse_[a-z_]*+\(0x[0-9a-f]*\).*/\1/p" err | head -n 1)
	[ -z "$at" ] || addr2line -f -e "misuse_$victim" "$at" | head -n 1
}

# What the second line says: the wrong call or instruction is in misuse(), and so is what
# came across the damage, or a function that it called.
place_is_right()
{
	cat err
	case $victim.$outcome in
	write_exit.use* | overrun_leaked.*) grep -q '^.mmprof.   found when the program ended$' err ;;
	write_freed.use*) [ "$(place_of 'found by')" = time_passes ] ;;
	write_reused.use*) [ "$(place_of 'found by')" = block ] ;;
	*.overrun | *.underrun) [ "$(place_of 'found by')" = misuse ] ;;
	*) [ "$(place_of by)" = misuse ] ;;
	esac
}

# Of watched blocks more is known.
history_is_right()
{
	cat err
	case $outcome in
	*invalid*) ! grep -q 'allocated by' err ;;
	*'use after'* | 'double free') [ "$(place_of 'allocated by') $(place_of 'freed by')" = 'block misuse' ] ;;
	*) [ "$(place_of 'allocated by') $(place_of 'freed by')" = 'block ' ] ;;
	esac
}

build()
{
	$CC -g -O0 -w -fno-builtin -D_GNU_SOURCE -pthread -o "misuse_$1" "$victims/misuse_$1.c"
}

count=0
while IFS='|' read -r victim off on sampled full place what; do
	build "$victim" || exit 99
	count=$((count + 1))
	weakest=
	for level in off on sampled full; do
		eval "outcome=\$$level"
		expect "$victim" plain $level "$outcome" "$place"
		case $level.$outcome in
		off.* | *.-) ;;
		on.*) check "$victim, --check on: the place" place_is_right ;;
		*)
			check "$victim, --check $level: the place" place_is_right
			check "$victim, --check $level: the block's places" history_is_right
			;;
		esac
		[ -n "$weakest" ] || [ "$outcome" = - ] || weakest=$level
	done
	check "$victim: a level catches it" test -n "$weakest"
	eval "outcome=\$$weakest"
	expect "$victim" threads "$weakest" "$outcome" "$place"
	expect "$victim" child "$weakest" "$outcome" "$place"
	for level in sampled full; do
		eval "outcome=\$$level"
		[ "$outcome" = - ] || expect "$victim" handler $level "$outcome" "$place"
	done
done < <(rows)
check_is "every program of its kind has a row" "$(ls "$victims" | grep -c '^misuse_.*\.c')" "$count"
# The manual has the same table: '-', told, or a fault at the very instruction.
in_manual()
{
	sed -n 's/^\.It \(.*\) Ta \(.*\) Ta \(.*\) Ta \(.*\) Ta \(.*\)$/\1|\2|\3|\4|\5/p' \
		"$src/man/mmprof-run.1" | grep -v '^misuse|'
}

in_table()
{
	rows | awk -F'|' 'function mark(s) { return s == "-" ? "-" : s ~ /^!/ ? "fault" : "told" }
		{ print $7 "|" mark($2) "|" mark($3) "|" mark($4) "|" mark($5) }'
}

check_is "the manual's table" "$(in_table)" "$(in_manual)"
done_testing
