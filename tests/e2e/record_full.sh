# record_full.sh: rings that are full, threads without end, a trace that must stay small.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

cat >burst.c <<'C'
/* burst THREADS COUNT [wait]: each thread allocates and frees COUNT times, as fast as it
 * can; with `wait`, after a line on standard input, and another one at the end. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
static long count;
static void *work(void *arg)
{
	for (long i = 0; i < count; i++) {
		void *volatile p = malloc(48);
		free(p);
	}
	return arg;
}
int main(int argc, char **argv)
{
	pthread_t t[64];
	int n = argc > 1 ? atoi(argv[1]) : 1;
	count = argc > 2 ? atol(argv[2]) : 1000;
	char c;
	if (argc > 3 && (write(1, "ready\n", 6) != 6 || read(0, &c, 1) != 1))
		return 2;
	for (int i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, work, NULL))
			return 1;
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	if (argc > 3 && (write(1, "done\n", 5) != 5 || read(0, &c, 1) != 1))
		return 2;
	return 0;
}
C
$CC -O1 -fno-builtin -pthread -o burst burst.c || exit 99

# count KIND: events of a kind with size 48.
count()
{
	"$mmprof" cat t | grep -c " $1 .*size=48 "
}

"$mmprof" record --symbols=none -o t -- ./burst 4 200000 2>err
check_is "waiting: the status" 0 $?
check_is "waiting: every allocation" 800000 "$(count malloc)"
check_is "waiting: every free" 800000 "$(count free)"
check "waiting: none lost" grep -q ', 0 lost,' err

# A collector that is stopped does not hold up a program that need not wait.
cat >stopped.py <<'P'
import os, re, signal, subprocess, sys, time
p = subprocess.Popen([sys.argv[1], "record", "--on-full=drop", "--symbols=none", "-o", "t", "--",
                      "./burst", "4", "200000", "wait"],
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                     text=True)
assert p.stdout.readline() == "ready\n"
p.send_signal(signal.SIGSTOP)
p.stdin.write("\n"); p.stdin.flush()
assert p.stdout.readline() == "done\n"
p.send_signal(signal.SIGCONT)
p.stdin.write("\n"); p.stdin.close()
err = p.stderr.read()
assert p.wait(timeout=60) == 0, p.returncode
open("err", "w").write(err)
P
check "dropping: the program goes on" timeout 60 python3 stopped.py "$mmprof"
lost=$(sed -n 's/^\[mmprof\] .* events, \([0-9,]*\) lost.*/\1/p' err | tr -d ,)
check "dropping: it is said" [ "${lost:-0}" -gt 0 ]
cat >drops.py <<'P'
import json, sys
n = {}
told = 0
for line in sys.stdin:
    e = json.loads(line)
    if e.get("size_bytes") == 48 or e["kind"] in ("inherited", "lost"):
        n[e["kind"]] = n.get(e["kind"], 0) + 1
    if e["kind"] == "lost":
        told += int(e["value"])
# An object whose free was lost ends when its address is born again, or not at all; a free
# whose birth was lost is a free of something never seen.
lost = 800000 - n["malloc"] + 800000 - n["free"] - n.get("inherited", 0)
print(lost, told)
P
check_is "dropping: what is there and what is lost is all" "$lost $lost" \
	"$("$mmprof" cat --json t | python3 drops.py)"

# --- threads ---------------------------------------------------------------------------------
cat >many.c <<'C'
/* many N: N threads alive at once, each with its ring, then N more, one after another. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static pthread_barrier_t all;
static void *live(void *arg)
{
	void *volatile p = malloc(104);
	pthread_barrier_wait(&all);
	free(p);
	return arg;
}
static void *brief(void *arg)
{
	void *volatile p = malloc(104);
	free(p);
	return arg;
}
int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 10;
	pthread_t *t = calloc((size_t)n, sizeof *t);
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	pthread_barrier_init(&all, NULL, (unsigned)n + 1);
	for (int i = 0; i < n; i++)
		if (pthread_create(&t[i], &small, live, NULL))
			return 3;
	pthread_barrier_wait(&all);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < n; i++)
		if (pthread_create(t, &small, brief, NULL) || pthread_join(*t, NULL))
			return 3;
	FILE *f = fopen("/proc/self/status", "r");
	for (char line[256]; fgets(line, sizeof line, f);)
		if (strncmp(line, "RssShmem:", 9) == 0)
			fputs(line + 9, stdout);
	return 0;
}
C
$CC -O1 -fno-builtin -pthread -o many many.c || exit 99
./many 10000 >alone
if [ $? -eq 0 ]; then
	timeout 120 "$mmprof" record -q --symbols=none -o t -- ./many 10000 >shared 2>err
	check_is "10,000 threads at once and 10,000 more" 0 $?
	check_is "each allocated once" 20000 "$("$mmprof" cat t | grep -c ' malloc .*size=104 ')"
	check_is "each freed once" 20000 "$("$mmprof" cat t | grep -c ' free .*size=104 ')"
	check_is "each ended" 20001 "$("$mmprof" cat t | grep -c ' thread-end')"
	check "their rings stayed under 256 MiB" [ "$(tr -cd 0-9 <shared)" -lt $((320 * 1024)) ]
else
	skip "10,000 threads" "this machine does not let one process have them"
fi

# --- size ---------------------------------------------------------------------------------------
for keep in first last; do
	"$mmprof" record -q --symbols=none --no-addresses --max-size 200k --keep $keep -o t -- \
		./burst 2 2000000
	check_is "bounded, keeping the $keep: status" 0 $?
	check "bounded, keeping the $keep: size" [ "$(stat -c %s t)" -le 204800 ]
	check "bounded, keeping the $keep: opens" "$mmprof" report t
done

# What is left out is in the trace: what is there and what is lost is all.
cat >grow.c <<'C'
/* grow COUNT [free]: COUNT allocations, each freed at once or never. */
#include <stdlib.h>
int main(int argc, char **argv)
{
	for (long i = atol(argv[1]); i > 0; i--) {
		void *volatile p = malloc(16 + (size_t)(i * 2654435761u >> 7) % 4000);
		if (argc > 2)
			free(p);
	}
	return 0;
}
C
$CC -O1 -fno-builtin -o grow grow.c || exit 99
cat >adds_up.py <<'P'
import json, re, subprocess, sys
mmprof, trace = sys.argv[1:]
said = re.search(r"\[mmprof\] ([\d,]+) events, ([\d,]+) lost", open("err").read())
events, lost = (int(n.replace(",", "")) for n in said.groups())
cat = subprocess.run([mmprof, "cat", trace], capture_output=True, text=True)
rows = cat.stdout.count("\n")
told = int(re.search(r" (\d+) events were not recorded", cat.stderr).group(1))
report = subprocess.run([mmprof, "report", "--json", trace],
                        capture_output=True, text=True)
told_report = json.loads(report.stdout)["run"]["lost_events_count"]
text = subprocess.run([mmprof, "report", trace], capture_output=True, text=True)
assert lost > 0 and rows + lost == events, (rows, lost, events)
assert told == lost == told_report, (told, lost, told_report)
for where in (report.stderr, text.stderr, text.stdout):
    assert "events were not recorded" in where, where
peak = json.loads(report.stdout)["totals"]["peak_live_bytes"]
want = re.search(r"^\[mmprof\] peak ([\d.]+ \S+),", open("err").read(), re.M).group(1)
assert ("peak         " + want) in text.stdout, (want, peak)
P
"$mmprof" record --symbols=none --max-size 50k --keep first -o t -- ./grow 300000 2>err
check_is "the first of what lives on: status" 0 $?
check "the first of what lives on: size" [ "$(stat -c %s t)" -le 51200 ]
check "the first of what lives on: it adds up" python3 adds_up.py "$mmprof" t
"$mmprof" record --symbols=none --max-size 50k --keep first -o t -- \
	sh -c './grow 200000; ./grow 200000 free & ./grow 200000; wait; true' 2>err
check "the first of many processes: size" [ "$(stat -c %s t)" -le 51200 ]
check "the first of many processes: opens" "$mmprof" report t

"$mmprof" record --symbols=none --max-size 20k -o t -- ./grow 300000 2>err
check_is "the last of what lives on: status" 0 $?
check "the last of what lives on: more than the bound is said" grep -q 'more than --max-size' err
"$mmprof" record --symbols=none --max-size 100k -o t -- ./grow 300000 free 2>err
check "the last of little: size" [ "$(stat -c %s t)" -le 102400 ]
check "the last of little: nothing to say" fails grep -q 'more than --max-size' err
for size in 1 16383 0; do
	"$mmprof" record --max-size $size -o none -- true 2>err
	check_is "a bound of $size is refused" 125 $?
done
check "the bound that may be is said" sh -c '"$0" record --max-size 1 -o none -- true 2>&1 |
	grep -q "16 KiB"' "$mmprof"
check "nothing was written" fails [ -e none ]

# --- several processes in a bounded trace ------------------------------------------------------
cat >line.c <<'C'
/* line N: N children, one after another, that allocate and leave some. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	for (int k = argc > 1 ? atoi(argv[1]) : 1; k > 0; k--) {
		if (fork() == 0) {
			for (int i = 0; i < 20000; i++) {
				void *volatile p = malloc((size_t)(16 + (i * 7919 + k) % 1000));
				if (i % 8)
					free(p);
			}
			_exit(0);
		}
		wait(NULL);
	}
	return 0;
}
C
gcc -O1 -o line line.c || exit 99
for size in 64k 128k; do
	"$mmprof" record -q --symbols=none --max-size $size -o t -- ./line 12
	check "the last $size of several: what began before counts at the peak" \
		sh -c '"$0" report -q --json -p all t | python3 -c "
import json, sys
t = json.load(sys.stdin)[\"totals\"]
sys.exit(not 0 < int(t[\"peak_live_bytes\"]) <= int(t[\"alloc_bytes\"]))"' "$mmprof"
done

# Whatever was kept of them, totals are of the whole run.
"$mmprof" record -q --symbols=none -o whole -- ./line 12
for keep in last first; do
	"$mmprof" record -q --symbols=none --max-size 64k --keep $keep -o t -- ./line 12
	check "the $keep of several: totals are of the whole run" python3 - "$mmprof" <<'P'
import json, subprocess, sys
def report(trace):
    return json.loads(subprocess.run([sys.argv[1], "report", "-q", "--json", "-p", "all", trace],
                                     capture_output=True, check=True).stdout)
whole, kept = report("whole"), report("t")
assert kept["run"]["complete"] and kept["run"]["unlisted_process_count"] == 0, kept["run"]
assert kept["run"]["event_count"] < whole["run"]["event_count"] / 2
assert kept["totals"]["peak_partial"] and not whole["totals"]["peak_partial"]
for key in "alloc_count", "alloc_bytes", "free_count", "live_end_bytes", "live_end_count":
    assert kept["totals"][key] == whole["totals"][key], (key, kept["totals"], whole["totals"])
def rows(r):
    return [[p[k] for k in ("number", "alloc_count", "alloc_bytes", "peak_live_bytes",
                            "live_end_bytes")] for p in r["processes"]]
assert rows(kept) == rows(whole), (rows(kept), rows(whole))
P
done

# The peak is that of the whole run, also where what made it is not in the trace.
cat >hill.c <<'C'
/* hill first|last: many allocations, and one of 50 MB before or after them. */
#include <stdlib.h>
#include <string.h>
static void climb(void)
{
	char *volatile p = malloc(50000000);
	p[0] = 1;
	free(p);
}
int main(int argc, char **argv)
{
	int first = argc > 1 && strcmp(argv[1], "first") == 0;
	if (first)
		climb();
	for (unsigned i = 0; i < 400000; i++) {
		void *volatile p = malloc(1 + i * 31 % 1000);
		free(p);
	}
	if (!first)
		climb();
	return 0;
}
C
gcc -O1 -o hill hill.c || exit 99
for case in "last first" "last last" "first first" "first last"; do
	set -- $case
	"$mmprof" record -q --symbols=none --max-size 32k --keep $1 -o t -- ./hill $2
	[ $1 = $2 ] && seen=True || seen=False
	check "the $1 with the peak $2: it is told" python3 - "$mmprof" $seen <<'P'
import json, subprocess, sys
mmprof, seen = sys.argv[1], sys.argv[2] == "True"
r = json.loads(subprocess.run([mmprof, "report", "-q", "--json", "t"], capture_output=True).stdout)
t = r["totals"]
assert 50000000 <= t["peak_live_bytes"] < 50100000, t
assert (t["peak_live_count"] is not None) == seen, t
assert (sum(s["peak_bytes"] for s in r["sites"]) == t["peak_live_bytes"]) == seen, r["sites"]
text = subprocess.run([mmprof, "report", "-q", "t"], capture_output=True, text=True).stdout
assert ("which is not in the trace" in text) != seen, text
P
done
"$mmprof" record -q --symbols=none --max-size 32k -o t -- ./hill first
check "what is kept can be asked for alone" python3 - "$mmprof" <<'P'
import json, subprocess, sys
def report(*options):
    return subprocess.run([sys.argv[1], "report", "-q", *options, "t"], capture_output=True, text=True)
run = json.loads(report("--json").stdout)["run"]
assert run["kept_from_ns"] > 0, run
alone = json.loads(report("--json", "--from", "%.9fs" % (run["kept_from_ns"] / 1e9)).stdout)
births = alone["totals"]["alloc_count"]
assert births > 0 and births == sum(s["alloc_count"] for s in alone["sites"]), alone["totals"]
assert alone["totals"]["peak_live_bytes"] < 100000, alone["totals"]
before = report("--to", "%.9fs" % (run["kept_from_ns"] / 2e9))
assert before.returncode == 2 and "before what the trace holds" in before.stderr, before
behind = report("--from", "1000s")
assert behind.returncode == 2 and "behind the end of the trace" in behind.stderr, behind
P

# One that does nothing while the kept part lasts is there with what it holds.
cat >idler.c <<'C'
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	void *volatile kept = malloc(1 << 20);
	if (fork() == 0) {
		for (unsigned i = 0; i < 400000; i++) {
			void *volatile p = malloc(1 + i * 31 % 1000);
			free(p);
		}
		_exit(0);
	}
	wait(NULL);
	return kept == NULL;
}
C
gcc -O1 -o idler idler.c || exit 99
"$mmprof" record -q --symbols=none --max-size 32k -o t -- ./idler
check "what an idle process holds counts" python3 - "$mmprof" <<'P'
import json, subprocess, sys
def report(*options):
    return json.loads(subprocess.run([sys.argv[1], "report", "-q", "--json", *options, "t"],
                                     capture_output=True, check=True).stdout)
at = report()["run"]["kept_from_ns"]
assert at > 0
for who in ("-p", "all"), ("-p", "#0"):
    r = report(*who, "--from", "%.9fs" % (at / 1e9))
    t = r["totals"]
    assert t["live_begin_bytes"] >= 1 << 20 and t["live_end_bytes"] >= 1 << 20, t
    assert 1 << 20 <= t["peak_live_bytes"] < (1 << 20) + 5000, t
    assert sum(s["peak_bytes"] for s in r["sites"]) == t["peak_live_bytes"], t
P
"$mmprof" record -q --symbols=none --max-size 16k --keep first -o t -- ./grow 50000
check "what lives on leaks, though nobody knows where" python3 - "$mmprof" <<'P'
import json, subprocess, sys
r = json.loads(subprocess.run([sys.argv[1], "report", "-q", "--json", "t"], capture_output=True).stdout)
t = r["totals"]
assert r["run"]["lost_events_count"] > 0
assert t["leak_bytes"] == t["live_end_bytes"] > 0 and t["leak_count"] == t["live_end_count"], t
P
"$mmprof" record -q --max-size 32k -o - -- true >out 2>err
check_is "the last cannot be kept on a pipe" 125 $?
"$mmprof" record -q --symbols=none --max-size 16k --keep first -o t -- ./grow 1000 free "$(seq 20000)"
check "a long command line leaves room for events" \
	sh -c '[ "$("$0" cat t | wc -l)" -gt 500 ]' "$mmprof"

# --- little address space -------------------------------------------------------------------
cat >idle.c <<'C'
/* idle THREADS: as many threads that allocate once, then live on. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static _Atomic int done;
static void *work(void *arg)
{
	void *volatile p = malloc(8);
	free(p);
	done++;
	pause();
	return arg;
}
int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1, started = 0;
	pthread_attr_t small;
	pthread_t t;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	while (started < n && pthread_create(&t, &small, work, NULL) == 0)
		started++;
	while (done < started)
		usleep(1000);
	printf("%d\n", started);
	fflush(stdout);
	_exit(0);
}
C
gcc -O1 -pthread -o idle idle.c || exit 99
(ulimit -v 3000000; timeout 100 "$mmprof" record -q -o t -- ./idle 2000 >out 2>err)
check_is "more idle threads than the mapping has segments: status" 0 $?
check_is "all of them went on" 2000 "$(cat out)"
check "and are in the trace" sh -c '"$0" report -q --json t | grep -q "\"lost_events_count\": *0"' "$mmprof"

# --- a full disk --------------------------------------------------------------------------------
mkdir full
if mount -t tmpfs -o size=64k tmpfs full 2>/dev/null; then
	"$mmprof" record -o full/t -- ./grow 1000000 free 2>err
	check_is "a full disk: status" 0 $?
	cp full/t t
	umount full
	check "a full disk: it is said" grep -q 'No space left on device' err
	check "a full disk: it adds up" python3 adds_up.py "$mmprof" t
else
	skip "a full disk" "no file system may be mounted here"
fi
done_testing
