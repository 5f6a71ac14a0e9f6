# tui_killed.sh: mmtop over recordings of a program that does nothing but allocate, which end at
# moments that nobody chose: the last view is what the file holds, as mmprof report reads it.
. "$(dirname "$0")/tap.sh"
export XDG_RUNTIME_DIR=$tmp/run
mkdir -p -m 700 "$XDG_RUNTIME_DIR"
cd "$tmp" || exit 99
$CC -O2 -pthread -o loop "$src/bench/workloads/loop.c" || exit 99

cat >watch.py <<'P'
import json, os, signal, subprocess, sys, time
mmprof, who, delay = sys.argv[1], sys.argv[2], float(sys.argv[3])
# Whoever is to be killed must be running still: only who ends by itself has a short way to go.
count = "1000000" if who == "nobody" else "1000000000"
recorder = subprocess.Popen([mmprof, "record", "-q", "-o", "t.bin", "./loop", "2", count],
                            stdout=subprocess.DEVNULL)
while not os.path.exists("t.bin") or os.path.getsize("t.bin") < 200:
    time.sleep(0.001)
with open("views", "w") as out:
    viewer = subprocess.Popen([mmprof, "top", "-b", "-j", "-d", "20ms", "--no-symbols", "t.bin"],
                              stdout=out, stderr=subprocess.PIPE)
while not os.path.getsize("views") and recorder.poll() is None:
    time.sleep(0.001)
if who != "nobody":
    time.sleep(delay)
    program = int(open(f"/proc/{recorder.pid}/task/{recorder.pid}/children").read().split()[0])
    if who == "recorder":
        recorder.kill()
    os.kill(program, signal.SIGKILL)
said = viewer.communicate()[1].decode()
recorder.wait()
if viewer.returncode:
    sys.exit(f"status {viewer.returncode}: {said}")
decoder, text, at, views = json.JSONDecoder(), open("views").read(), 0, []
while at < len(text):
    view, at = decoder.raw_decode(text, at)
    views.append(view)
    while at < len(text) and text[at].isspace():
        at += 1
seen = [int(v["totals"]["alloc_count"]) for v in views]
if seen != sorted(seen):
    sys.exit(f"fewer than before: {seen}")
report = json.loads(subprocess.run([mmprof, "report", "--json", "t.bin"], check=True,
                                   capture_output=True).stdout)
if views[-1]["totals"] != report["totals"]:
    sys.exit(f"{views[-1]['totals']} is not {report['totals']}")
if who == "nobody" and seen[-1] < 2000000:
    sys.exit(f"{seen[-1]} allocations at the end")
P

for delay in 0.02 0.1 0.25; do
	for who in recorder program nobody; do
		rm -f t.bin t.bin.old
		check "$who is killed after $delay s" timeout 60 python3 watch.py "$mmprof" $who $delay
	done
done
done_testing
