# record_status.sh: what a recorded command gives back and what it gets: statuses,
# signals typed and sent, descriptors, streams, limits, environment.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

# status_is NAME WANT COMMAND...: of the command, recorded and alone.
status_is()
{
	local name=$1 want=$2
	shift 2
	"$mmprof" record -q -o t -- "$@" >out 2>err </dev/null
	check_is "$name" "$want" "$?"
}

for n in 0 1 2 7 124 125 126 127 128 255; do
	status_is "exit $n" $n sh -c "exit $n"
done
for s in INT TERM KILL HUP USR1 PIPE ABRT; do
	status_is "ended by $s" $((128 + $(kill -l $s))) sh -c "kill -$s \$\$"
done
printf 'exit 9\n' >noshebang && chmod +x noshebang
status_is "a script without an interpreter" 9 ./noshebang
printf '#!/bin/sh\nexit 8\n' >script && chmod +x script
status_is "a script" 8 ./script
check "the script's interpreter is recorded" sh -c "'$mmprof' cat t | grep -q malloc"

# What passes for a program until it is executed: the trace of before stays.
printf '#!/no/such/interpreter\n' >lost && chmod +x lost
cp t before
"$mmprof" record -q -o t -- ./lost 2>err
check_is "a script whose interpreter is missing" 127 $?
check "its name is said" grep -q lost err
check "the trace of before is still there" cmp t before

# --- options end where the command begins --------------------------------------------
"$mmprof" record -q -o t sh -c 'exit 6'
check_is "without --" 6 $?
"$mmprof" record -q -o t -- sh -c 'echo "$@"' x -q -o z >out
check_is "its own options are its own" '-q -o z' "$(cat out)"

# --- streams ---------------------------------------------------------------------------
printf 'in\n' | "$mmprof" record -q -o t -- sh -c 'cat; echo out; echo err >&2' >out 2>err
check_is "standard output" "in out" "$(echo $(cat out))"
check_is "standard error" "err" "$(cat err)"
"$mmprof" record -o t -- sh -c 'echo err >&2' 2>err >out
check "the summary goes to standard error" grep -q '^\[mmprof\] .* events' err
check_is "nothing of ours on standard output" "" "$(cat out)"
"$mmprof" record -q -o - -- sh -c 'true' >piped 2>err
check "a trace on standard output can be read" "$mmprof" cat piped

cat >streams.c <<'C'
#include <fcntl.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	FILE *f = fopen(argv[argc - 1], "w");
	for (int fd = 0; fd < 20; fd++)
		if (fileno(f) != fd && fcntl(fd, F_GETFD) >= 0)
			fprintf(f, "%d\n", fd);
	return 0;
}
C
$CC -o streams streams.c || exit 99
./streams alone <&- >&- 2>&-
"$mmprof" record -o t -- ./streams recorded <&- >&- 2>&-
check "closed streams stay closed" cmp alone recorded
check "and the trace is a trace" "$mmprof" cat t

# --- what the program finds -----------------------------------------------------------------
look='ulimit -a; umask; pwd; nice; ls -l /proc/self/fd | wc -l; cut -d" " -f5,7,8 /proc/self/stat;
grep -E "^(SigBlk|SigIgn|SigCgt|Groups|NoNewPrivs|Seccomp)" /proc/self/status; echo $PPID >/dev/null'
# same_look: but for signals 32 and 33, which are libc's own: what make starts ignores them.
same_look()
{
	local file line
	for file in alone recorded; do
		while IFS= read -r line; do
			case $line in
			SigIgn:*) printf 'SigIgn: %x\n' $((16#${line##*[[:space:]]} & ~0x180000000)) ;;
			*) printf '%s\n' "$line" ;;
			esac
		done <$file >$file.look
	done
	grep -q '^SigIgn: ' alone.look && diff alone.look recorded.look
}
sh -c "$look" >alone 2>&1
"$mmprof" record -q -o t -- sh -c "$look" >recorded 2>&1
check "limits, mask, folder, descriptors, group, terminal, signals are as alone" \
	same_look
(trap '' USR1 INT PIPE; sh -c "$look" >alone 2>&1
	"$mmprof" record -q -o t -- sh -c "$look" >recorded 2>&1)
check "ignored signals stay ignored" same_look
(ulimit -n 64; ulimit -c 0; umask 077; cd / && nice -n 3 sh -c "$look" >"$tmp/alone" 2>&1
	nice -n 3 "$mmprof" record -q -o "$tmp/t" -- sh -c "$look" >"$tmp/recorded" 2>&1)
check "changed limits too" same_look
sh -c 'env | grep -v "^_="' | sort >alone
"$mmprof" record -q -o t -- sh -c 'env | grep -v -e "^_=" -e ^MMPROF_ -e ^LD_PRELOAD=' |
	sort >recorded
check "the environment but for our two words" diff alone recorded

# --- signals sent to the recorder ------------------------------------------------------------
cat >patient.sh <<'S'
trap 'echo got TERM; exit 3' TERM
trap 'echo got HUP; exit 4' HUP
trap 'echo got USR1; exit 5' USR1
trap 'echo got INT; exit 6' INT
echo ready
i=0
while [ $i -lt 200 ]; do sleep 0.05; i=$((i + 1)); done
S
for s in TERM:3 HUP:4 USR1:5 INT:6; do
	# A shell's background jobs ignore INT: begin with every signal as it should be.
	python3 - "$mmprof" "${s%:*}" >out <<'P'
import os, signal, subprocess, sys, time
for s in (signal.SIGINT, signal.SIGQUIT):
    signal.signal(s, signal.SIG_DFL)
p = subprocess.Popen([sys.argv[1], "record", "-q", "-o", "t", "--", "sh", "patient.sh"],
                     stdout=subprocess.PIPE, text=True)
assert p.stdout.readline() == "ready\n"
p.send_signal(getattr(signal, "SIG" + sys.argv[2]))
print(p.stdout.read().strip(), p.wait(timeout=30))
P
	check_is "${s%:*} sent to us reaches the program" "got ${s%:*} ${s#*:}" "$(cat out)"
	check "${s%:*}: the trace is whole" "$mmprof" cat t
done

# --- a terminal --------------------------------------------------------------------------------
check "typed at a terminal" python3 "$src/tests/e2e/record_pty.py" "$mmprof"

# --- no time is lost ------------------------------------------------------------------------------
quick()
{
	local begin end
	begin=$(date +%s%N)
	for i in 1 2 3 4 5 6 7 8 9 10; do
		"$mmprof" record -q --symbols=none -o t -- true
	done
	end=$(date +%s%N)
	echo "ten times: $(((end - begin) / 1000000)) ms"
	[ $((end - begin)) -lt 2000000000 ]
}
check "recording true takes less than 200 ms, whatever else runs" quick
leftovers()
{
	(TMPDIR=$tmp/tmp && export TMPDIR && mkdir -p "$TMPDIR" && "$mmprof" record -q -o t -- true)
	[ -z "$(ls -A "$tmp/tmp")" ]
}
check "nothing is left in the temporary folder" leftovers
swept()
{
	mkdir -p "$tmp/sweep/mmprof-abcdef" "$tmp/sweep/mmprof-notours"
	python3 - "$tmp/sweep/mmprof-abcdef/s" <<'P'
import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])
P
	touch -d '1 minute ago' "$tmp/sweep/mmprof-abcdef"
	TMPDIR=$tmp/sweep "$mmprof" record -q -o t -- true
	[ "$(ls "$tmp/sweep")" = mmprof-notours ]
}
check "what a killed recorder left is cleared away, nothing else" swept
done_testing
