# tui_live.sh: mmtop over recordings that are being made: found, followed, ended, killed.
. "$(dirname "$0")/tap.sh"
mmtop=$build/mmtop
export XDG_RUNTIME_DIR=$tmp/run
mkdir -p -m 700 "$XDG_RUNTIME_DIR"
cd "$tmp" || exit 99

cat >app.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
/* Keeps 10 blocks more each hundredth of a second, until the file "stop" is there. */
int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "child") == 0) {
		pid_t child = fork();
		if (child) {
			FILE *f = fopen("child.pid", "w");
			fprintf(f, "%d\n", (int)child);
			fclose(f);
			return waitpid(child, NULL, 0) < 0;
		}
	}
	puts("it says this");
	while (access("stop", F_OK)) {
		for (int i = 0; i < 10; i++) {
			char *kept = malloc(1000);
			if (!kept)
				return 1;
			kept[0] = 1;
		}
		usleep(10000);
	}
	return 5;
}
C
$CC -O1 -g -o app app.c || exit 99

# begin NAME [ARGUMENT]: records ./app in the background.
begin()
{
	rm -f stop child.pid
	"$mmprof" record -q -o "$1" ./app "${@:2}" >out 2>err &
	recorder=$!
	local i
	for i in $(seq 100); do
		command=$("$mmtop" --list | awk -v t="$tmp/$1 " 'index($0, t) { print $1 }')
		# Until the command runs, the recorder's number stands there.
		[ -n "$command" ] && [ "$command" != "$recorder" ] && [ "$command" != "${first-}" ] && break
		sleep 0.05
	done
}

end()
{
	touch stop
	wait "$recorder"
}

live_of()
{
	"$mmtop" --json "$@" 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin)["totals"]["live_end_bytes"])'
}

grows()
{
	local first second
	first=$(live_of "$@")
	sleep 0.6
	second=$(live_of "$@")
	[ "$second" -gt "$first" ] || { echo "$first, then $second"; return 1; }
}

refused()
{
	local want=$1
	shift
	"$@" >refused.out 2>refused.err </dev/null
	[ $? = 2 ] && [ ! -s refused.out ] && [ "$(wc -l <refused.err)" = 1 ] && grep -qF -- "$want" refused.err && return 0
	cat refused.err
	return 1
}

check_is "nothing is listed" "" "$("$mmtop" --list)"
check "nothing to show" refused "nothing is being recorded" "$mmtop" --once
check "no such process" refused "process 1 is not being recorded" "$mmtop" --once -p 1
check "no number" refused "'x' is not the number of a process" "$mmtop" --once -p x

begin one.bin
check_is "the folder is ours alone" 700 "$(stat -c %a "$XDG_RUNTIME_DIR/mmprof")"
check_is "it is listed" 1 "$("$mmtop" --list | grep -c "$tmp/one.bin  *./app")"
check_is "it is completed" "$command" "$(. "$src/share/bash-completion/mmprof"
	COMP_WORDS=("$mmtop" -p ''); COMP_CWORD=2; _mmprof; echo "${COMPREPLY[*]}")"
check "by the number of its process" grows -p "$command"
check "by the number of the recorder" grows -p "$recorder"
check "by name" grows one.bin
check "as the only one" grows
check "two at once" sh -c "'$mmtop' -b -n 3 -d 100ms one.bin >a & '$mmtop' -b -n 3 -d 100ms one.bin >b && wait \$! && [ \$(grep -c LIVE a) = 3 ] && [ \$(grep -c LIVE b) = 3 ]"
rm -f stop
recorder_one=$recorder
begin two.bin child
check "two recordings: which?" refused "2 recordings are being made: say which with -p" "$mmtop" --once
for i in $(seq 100); do [ -s child.pid ] && break; sleep 0.05; done
child=$(cat child.pid)
sleep 0.5
check "by the number of a child" grows -p "$child"
check_is "its own figures" "$child" "$("$mmtop" --json -p "$child" | python3 -c 'import json, sys; print(json.load(sys.stdin)["run"]["pid"])')"
"$mmtop" -b -d 100ms -p "$command" >followed &
viewer=$!
end
wait $viewer
check_is "the view ends with the recording" 0 $?
check "and says so" grep -q ENDED followed
check "at its foot" grep -q "the recording has ended" followed
wait "$recorder_one"
check_is "nothing is listed any more" "" "$("$mmtop" --list)"
check_is "a trace that is over is one" 1 "$("$mmtop" --once one.bin | grep -c TRACE)"

# --- two with one name: the earlier one is moved away -------------------------------------------
begin same.bin
first=$command
recorder_one=$recorder
begin same.bin
check_is "the earlier one has another name" "$tmp/same.bin.old" "$("$mmtop" --list | awk -v p="$first" '$1 == p { print $4 }')"
pid_of() { "$mmtop" --json "$@" | python3 -c 'import json, sys; print(json.load(sys.stdin)["run"]["pid"])'; }
check_is "and is shown by its number" "$first" "$(pid_of -p "$first")"
check_is "the later one by its own" "$command" "$(pid_of -p "$command")"
check_is "or by the name" "$command" "$(pid_of same.bin)"
check "both grow" grows same.bin.old
rm same.bin.old
check "one that is gone" refused "is no more the trace of process $first" "$mmtop" --once -p "$first"
end
wait "$recorder_one"

# --- killed --------------------------------------------------------------------------------
begin killed.bin
"$mmtop" -b -d 100ms killed.bin >followed &
viewer=$!
sleep 0.5
kill -9 "$command"
wait "$recorder"
wait $viewer
check "the program is killed: it has ended" grep -q ENDED followed
begin killed2.bin
"$mmtop" -b -d 100ms killed2.bin >followed &
viewer=$!
sleep 0.5
kill -9 "$recorder"
wait $viewer
check "the recorder is killed: said" grep -q "the recorder is gone before its end" followed
check "the last view stays" sh -c "tail -n 30 followed | grep -q 'heap live *[1-9]'"
check "its entry is removed by who looks" sh -c "'$mmtop' --list && [ -z \"\$(ls '$XDG_RUNTIME_DIR/mmprof')\" ]"
check "the program runs on" kill -0 "$command"
touch stop
check "what it saved can be seen" sh -c "'$mmtop' --once killed2.bin | grep -q 'heap live *[1-9]'"

# --- a full disk -------------------------------------------------------------------------------
if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=8k none small 2>/dev/null; then
	begin small/full.bin
	"$mmtop" -b -d 100ms small/full.bin >followed &
	viewer=$!
	sleep 1.5
	end
	wait $viewer
	umount -l small
	check "a full disk: it is" grep -q "No space left" err
	check "a full disk: it has ended" grep -q ENDED followed
	check "a full disk: not that the recorder was killed" fails grep -q KILLED followed
else
	skip "a full disk" "no tmpfs may be mounted here"
fi

# --- a bounded trace, which is replaced as it goes on ------------------------------------------
rm -f stop
"$mmprof" record -q --max-size 64K -o bounded.bin sh -c 'while [ ! -e stop ]; do /bin/true; ./app & sleep 0.2; kill $!; done' >/dev/null 2>&1 &
recorder=$!
sleep 1
"$mmtop" -b -d 100ms bounded.bin >followed 2>followed.err &
viewer=$!
sleep 2
touch stop
wait $recorder
wait $viewer
check_is "a bounded trace is followed" 0 $?
check "without a word" test ! -s followed.err
check "to its end" grep -q ENDED followed

# --- the folder ----------------------------------------------------------------------------
chmod 755 "$XDG_RUNTIME_DIR/mmprof"
check "a folder of others is not believed" refused "not yours alone" "$mmtop" --list
rm -f stop
(sleep 0.3; touch stop) &
"$mmprof" record -q -o open.bin ./app >/dev/null 2>err
check_is "and harms no recording" 5 $?
check "without a word" test ! -s err
rm -rf "$XDG_RUNTIME_DIR/mmprof"
ln -s "$tmp" "$XDG_RUNTIME_DIR/mmprof"
check "nor is a link" refused "not yours alone" "$mmtop" --list
rm "$XDG_RUNTIME_DIR/mmprof"
mkdir -m 700 "$XDG_RUNTIME_DIR/mmprof"
printf 'recorder 1\nrecorder_start 5\ntrace /x\ncmd y\n' >"$XDG_RUNTIME_DIR/mmprof/1"
printf 'nonsense' >"$XDG_RUNTIME_DIR/mmprof/22"
mkfifo "$XDG_RUNTIME_DIR/mmprof/33"
check_is "nonsense is no recording" "" "$(timeout 5 "$mmtop" --list)"

# --- record --top ----------------------------------------------------------------------------
check "--top needs a terminal" sh -c "'$mmprof' record --top ./app </dev/null 2>err >out; [ \$? = 125 ] && grep -q 'needs a terminal' err"
check "run --top needs a trace" sh -c "'$mmprof' run --top ./app </dev/null 2>err >out; [ \$? = 125 ] && grep -q 'needs --trace' err"
if ! command -v tmux >/dev/null; then
	skip "record --top" "tmux is not installed"
	done_testing
	exit 0
fi
export TMUX_TMPDIR=$tmp
server=
trap 'leave; touch stop; sleep 0.3; rm -rf "$tmp"' EXIT

leave()
{
	[ -z "$server" ] || tmux -L "$server" kill-server 2>/dev/null
}

# top NAME COMMAND...: under a terminal of its own.
top()
{
	leave
	server=mmlive-$$-$1
	rm -f stop status
	printf 'trap : INT\n%s\necho $? >status\nexec sleep 1000\n' "${*:2}" >run.sh
	tmux -L "$server" -f /dev/null -u new-session -d -x 100 -y 30 "exec env LC_ALL=C.UTF-8 bash run.sh"
}

# The process that shows, and the one that records.
front()
{
	pgrep -P "$(tmux -L "$server" display-message -p '#{pane_pid}')"
}

behind()
{
	pgrep -P "$(front)"
}

until_shown()
{
	local i
	for i in $(seq 150); do
		tmux -L "$server" capture-pane -p | grep -qF -- "$1" && return 0
		sleep 0.1
	done
	tmux -L "$server" capture-pane -p
	return 1
}

until_status()
{
	local i
	for i in $(seq 150); do
		[ -s status ] && break
		sleep 0.1
	done
	[ "$(cat status)" = "$1" ] && return 0
	tmux -L "$server" capture-pane -p
	return 1
}

top a "$mmprof record --top -o top.bin ./app"
check "record --top: live" until_shown "LIVE"
check "record --top: its files are named" until_shown "what it writes: top.bin.out"
touch stop
check "record --top: ended" until_shown "ENDED"
tmux -L "$server" send-keys q
check "record --top: the command's status" until_status 5
check "record --top: the summary" until_shown "Next: mmprof report top.bin"
check_is "record --top: what it wrote" "it says this" "$(cat top.bin.out)"
check "record --top: nothing that is empty" test ! -e top.bin.err
top b "$mmprof record --top -o top.bin ./app"
until_shown LIVE >/dev/null
tmux -L "$server" send-keys q
check "left early: said" until_shown "the recording goes on"
check "left early: it does" test ! -s status
touch stop
check "left early: the command's status" until_status 5
check_is "what is there is kept" "it says this" "$(cat top.bin.out)"
check_is "and the rest has another name" "it says this" "$(cat top.bin.out.2)"
top c "$mmprof record --top -o top.bin ./app"
until_shown LIVE >/dev/null
kill -TERM "$(front)"
check "SIGTERM ends the program, as without the view" until_status 143
top d "$mmprof record --top -o top.bin ./app >kept"
until_shown LIVE >/dev/null
tmux -L "$server" send-keys q
until_shown "goes on" >/dev/null
tmux -L "$server" send-keys C-c
check "Ctrl-C then ends the program" until_status 130
top f "$mmprof record --top -o top.bin ./app >kept"
until_shown LIVE >/dev/null
tmux -L "$server" send-keys q
until_shown "goes on" >/dev/null
kill -TERM "$(front)"
check "SIGTERM ends it without the view, too" until_status 143
top g "$mmprof record --top -o top.bin ./app >kept"
until_shown LIVE >/dev/null
kill -KILL "$(behind)"
check "the recorder is killed: said in the view" until_shown "the recorder is gone before its end"
tmux -L "$server" send-keys q
check "the recorder is killed: our failure" until_status 125
check "the recorder is killed: said" until_shown "the recorder was killed by signal 9"
touch stop
sleep 0.3
top h "$mmprof record --top -o top.bin ./app >kept"
until_shown LIVE >/dev/null
kill -KILL "$(front)"
check "the view is killed" until_status 137
touch stop
ended() { timeout 20 sh -c "while '$mmtop' --list | grep -q .; do sleep 0.1; done"; }
check "and the recording is made to its end" ended
check "with all of it" sh -c "'$mmprof' report top.bin >report.out && ! grep -qi incomplete report.out"
top k "$mmprof record --top -o top.bin ./app"
until_shown LIVE >/dev/null
leave
server=
check "the terminal goes away: the program, too" ended
check "and its trace is whole" sh -c "'$mmprof' report top.bin >report.out && ! grep -qi incomplete report.out"
top l "PS1='shell> ' exec bash --norc --noprofile -i"
until_shown "shell>" >/dev/null
tmux -L "$server" send-keys "$mmprof record --top -o top.bin ./app" Enter
until_shown LIVE >/dev/null
tmux -L "$server" send-keys C-z
check "Ctrl-Z: the shell is back" until_shown "Stopped"
check "and the program runs on" grows top.bin
tmux -L "$server" send-keys "clear; fg" Enter
check "fg: the view is back" until_shown LIVE
tmux -L "$server" send-keys q
touch stop
check "and ends as any" until_shown "Next: mmprof report top.bin"
: >empty.bin
top i "$mmprof record --top -o empty.bin ./app"
check "in the place of an empty file" until_shown LIVE
touch stop
until_shown ENDED >/dev/null
tmux -L "$server" send-keys q
check "in the place of an empty file: the status" until_status 5
printf '#!/no/such/program\n' >broken
chmod +x broken
top j "$mmprof record --top -o broken.bin ./broken"
check "what cannot be executed is not shown" until_shown "./broken: No such file"
check "what cannot be executed: the status" until_status 127
check "and leaves no file" sh -c '! ls broken.bin* 2>/dev/null'
top e "$mmprof run --top --trace run.bin ./app"
check "run --top: live" until_shown "LIVE"
touch stop
until_shown ENDED >/dev/null
tmux -L "$server" send-keys q
check "run --top: the command's status" until_status 5
done_testing
