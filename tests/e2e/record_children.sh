# record_children.sh: which processes are in the trace, and what is said of those that are not.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

cat >family.c <<'C'
/* family WHAT: makes children in one way and allocates so that each is known by its
 * sizes: the parent 10001 bytes ten times, children 20001 bytes five times. */
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *volatile kept;

static void allocate(int n, size_t size)
{
	for (int i = 0; i < n; i++)
		kept = malloc(size);
}

static int be_child(void)
{
	allocate(5, 20001);
	return 0;
}

int main(int argc, char **argv)
{
	extern char **environ;
	char *again[] = { argv[0], "child", NULL };
	const char *what = argc > 1 ? argv[1] : "";
	void *mine = malloc(30001);
	pid_t pid = 0;
	int told[2];

	if (strcmp(what, "child") == 0)
		return be_child();
	allocate(10, 10001);
	if (strcmp(what, "fork") == 0 && (pid = fork()) == 0) {
		free(mine); /* inherited */
		usleep(100000);
		exit(be_child());
	}
	if (strcmp(what, "forkexec") == 0 && (pid = fork()) == 0)
		_exit(execv(argv[0], again));
	if (strcmp(what, "vforkexec") == 0 && (pid = vfork()) == 0)
		_exit(execv(argv[0], again));
	if (strcmp(what, "spawn") == 0)
		posix_spawn(&pid, argv[0], NULL, NULL, again, environ);
	if (strcmp(what, "clean") == 0 && (pid = fork()) == 0)
		_exit(execle("/bin/sleep", "sleep", "0.7", (char *)NULL, (char *[]){ NULL }));
	if (strcmp(what, "killed") == 0 && (pid = fork()) == 0) {
		be_child();
		usleep(100000); /* known before it dies */
		raise(SIGKILL);
	}
	if (strcmp(what, "leave") == 0 && pipe(told) == 0 && (pid = fork()) == 0) {
		be_child();
		close(told[1]);
		sleep(2);
		allocate(5, 40001);
		_exit(0);
	}
	if (strcmp(what, "busy") == 0 && fork() == 0) {
		close(1); /* whoever reads our output need not wait */
		alarm(60);
		for (;;)
			free(malloc(20001));
	}
	if (strcmp(what, "exec") == 0)
		return execv(argv[0], again);
	if (pid > 0 && strcmp(what, "leave") == 0) /* not before the child has allocated */
		return close(told[1]), read(told[0], &pid, 1) != 0;
	return pid > 0 && waitpid(pid, NULL, 0) != pid;
}
C
$CC -O1 -fno-builtin -o family family.c || exit 99

# ask WHAT OPTION...: records and lists "start end allocations-of-20001 inherited" a process.
ask()
{
	local what=$1
	shift
	"$mmprof" record "$@" -o t -- ./family "$what" >out 2>err || return
	"$mmprof" report --json --process all -n 0 t 2>/dev/null >t.json || return
	"$mmprof" cat --json t >t.events || return
	python3 - <<'P'
import collections, json
births = collections.Counter()
frees = collections.Counter()
for line in open("t.events"):
    e = json.loads(line)
    if e["kind"] == "malloc" and e["size_bytes"] in (10001, 20001, 40001):
        births[e["process"], e["size_bytes"]] += 1
    if e["kind"] == "inherited":
        frees[e["process"]] += 1
for p in json.load(open("t.json"))["processes"]:
    if not p["recorded"]:
        print("unrecorded", p["cmd"])
        continue
    pid = p["number"]
    end = p["end"] + (str(p["signal"] if p["signal"] is not None else p["exit"])
                      if p["end"] in ("exit", "signal") else "")
    print(p["start"], end, births[pid, 10001], births[pid, 20001], births[pid, 40001],
          "inherited" if frees[pid] else "-",
          "known" if p["inherited_bytes"] is not None else "-")
P
}

check_is "fork" "command exit0 10 0 0 - -
fork exit0 0 5 0 inherited known" "$(ask fork -q)"
check_is "fork and exec" "command exit0 10 0 0 - -
fork exec 0 0 0 - known
exec exit0 0 5 0 - -" "$(ask forkexec -q)"
check_is "vfork and exec" "command exit0 10 0 0 - -
exec exit0 0 5 0 - -" "$(ask vforkexec -q)"
check_is "posix_spawn" "command exit0 10 0 0 - -
exec exit0 0 5 0 - -" "$(ask spawn -q)"
check_is "exec by the command itself" "command exec 10 0 0 - -
exec exit0 0 5 0 - -" "$(ask exec -q)"
check_is "a child that is killed" "command exit0 10 0 0 - -
fork signal9 0 5 0 - known" "$(ask killed -q)"
check_is "no following" "command exit0 10 0 0 - -" "$(ask forkexec -q --no-follow)"
check_is "no following of forks" "command exit0 10 0 0 - -" "$(ask fork -q --no-follow)"

check_is "a child with a clean environment" "command exit0 10 0 0 - -
fork exec 0 0 0 - known
unrecorded sleep 0.7" "$(ask clean)"
check "it is named in the summary" grep -qE '^\[mmprof\] not recorded: [0-9]+ sleep 0.7' err

check_is "a child that stays behind" "command exit0 10 0 0 - -
fork running 0 5 0 - known" "$(ask leave)"
check "it is named in the summary" grep -qE '^\[mmprof\] still running: [0-9]+ \./family leave' err
begin=$(date +%s%N)
check_is "waiting for a child that stays behind" "command exit0 10 0 0 - -
fork exit0 0 5 5 - known" "$(ask leave -q --wait-all | sed 's/fork unknown/fork exit0/')"
check "it did wait" [ $(($(date +%s%N) - begin)) -gt 1800000000 ]

begin=$(date +%s%N)
"$mmprof" record --symbols=none -o t -- ./family busy >out 2>err
check_is "a child that never rests" 0 $?
check "it is not waited for" [ $(($(date +%s%N) - begin)) -lt 10000000000 ]
check "it is named in the summary" grep -qE '^\[mmprof\] still running: [0-9]+ \./family busy' err
busy=$(sed -n 's/.*still running: \([0-9]*\) .*/\1/p' err)
sleep 0.2
check "it runs on without us" kill -0 "$busy"
kill "$busy"

# Three generations through a shell, an exec chain, and many at once.
"$mmprof" record -q -o t -- sh -c 'sh -c "sh -c \"exec ./family child\""; ./family child | cat;
	for i in 1 2 3 4 5 6 7 8 9 10; do ./family child & done; wait' >out 2>err
check_is "every ./family is there" 12 "$("$mmprof" cat --json t | python3 -c '
import collections, json, sys
n = collections.Counter()
for line in sys.stdin:
    e = json.loads(line)
    n[e["pid"]] += e["kind"] == "malloc" and e["size_bytes"] == 20001
print(sum(1 for v in n.values() if v == 5))')"
check "nothing was lost on the way" fails grep -q lost err

if unshare -pf true 2>/dev/null; then
	"$mmprof" record -q -o t -- unshare -pf ./family fork >out 2>err
	check_is "a pid namespace: both processes, and how they ended" "exec exit0 10
fork exit0 5" "$("$mmprof" report --json --process all t >t.json
	"$mmprof" cat --json t | python3 -c '
import json, sys
n = {}
for line in sys.stdin:
    e = json.loads(line)
    if e["kind"] == "malloc" and e["size_bytes"] in (10001, 20001):
        n[e["process"]] = n.get(e["process"], 0) + 1
for p in json.load(open("t.json"))["processes"]:
    if p["number"] in n:
        print(p["start"], p["end"] + str(p["exit"]), n[p["number"]])')"
else
	skip "a pid namespace" "none may be made here"
fi

# A process table that is used up: forked children without end in one image.
cat >forks.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	for (int i = 0; i < 6000; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			void *volatile p = malloc(20001);
			free(p);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			return 1;
	}
	return 0;
}
C
$CC -O1 -fno-builtin -o forks forks.c || exit 99
check "6000 forks of one image" "$mmprof" record -q --symbols=none -o t -- ./forks
check_is "all are in the trace" 6000 \
	"$("$mmprof" cat t | grep -c 'malloc .*size=20001')"

# Images of one process follow each other: their figures must never be summed.
cat >chain.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 0;
	char next[16];
	void *volatile p = malloc(1000000);
	if (n == 0)
		return p == NULL;
	snprintf(next, sizeof next, "%d", n - 1);
	return execl(argv[0], argv[0], next, (char *)NULL);
}
C
$CC -O1 -fno-builtin -o chain chain.c || exit 99
check "a chain of execs" "$mmprof" record -q --symbols=none -o t -- ./chain 60
check_is "no image ends after the next one began" "61 images, 0 late, peak of 1" \
	"$("$mmprof" report --json --process all t | python3 -c '
import json, sys
r = json.load(sys.stdin)
at = {p["number"]: p for p in r["processes"]}
late = [p for p in at.values() if p["start"] == "exec"
        and at[p["parent"]]["end_ns"] > p["start_ns"]]
print("%d images, %d late, peak of %d" %
      (len(at), len(late), r["totals"]["peak_live_bytes"] // 1000000))')"

# A program that closes every descriptor it has, ours too if there were any.
cat >closer.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *volatile kept;
int main(void)
{
	kept = malloc(10001);
	for (int fd = 0; fd < 1024; fd++)
		close(fd);
	pid_t pid = fork();
	for (int i = 0; i < 5; i++)
		kept = malloc(pid ? 10001 : 20001);
	return pid > 0 && waitpid(pid, NULL, 0) != pid;
}
C
$CC -O1 -fno-builtin -o closer closer.c || exit 99
check "a program without descriptors" "$mmprof" record -q --symbols=none -o t -- ./closer
check_is "its child is recorded" "6 5" \
	"$("$mmprof" cat t | grep -c size=10001) $("$mmprof" cat t | grep -c size=20001)"
# --- many at once, and soon over -------------------------------------------------------------
cat >crowd.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	for (int i = 0; i < 100; i++)
		if (fork() == 0) {
			void *volatile p = malloc(40);
			execl("/bin/true", "true", p ? NULL : "", NULL);
			_exit(3);
		}
	while (wait(NULL) > 0)
		;
	return 0;
}
C
gcc -O1 -o crowd crowd.c || exit 99
check "a crowd" "$mmprof" record -q --symbols=none -o crowd.bin -- ./crowd
ends() { "$mmprof" report -q --json -p all "$1" | python3 -c '
import collections, json, sys
print(*sorted("%s %d" % x for x in collections.Counter(
    p["end"] for p in json.load(sys.stdin)["processes"]).items()))'; }
check_is "each is replaced, then ends" "exec 100 exit 101" "$(ends crowd.bin)"

# --- a descendant without end ------------------------------------------------------------------
"$mmprof" record -q --wait-all -o endless.bin -- bash -c 'exec >/dev/null 2>&1; sleep 60 & exit 3' &
recorder=$!
sleep 2
kill "$recorder"
wait "$recorder"
check_is "a signal ends the wait for it: the command's status" 3 $?
check_is "and the trace is whole" "exec 1 exit 1 running 1" "$(ends endless.bin)"
pkill -x -f 'sleep 60'

done_testing
