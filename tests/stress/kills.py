"""kills.py MMPROF DIR N SEED: kills victims, recorders and both, and compares.

Three promises, each tested by what the victim itself counted in a shared page:
  1. the victim is killed: the trace has every event published before, at most one more
     per thread of each kind;
  2. the recorder is killed while rings fill: the program ends as without it;
  3. both are killed: the trace opens and lacks at most 100 ms.
Exits 1 with a line per violation.
"""
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time

mmprof, folder, kills, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
random.seed(seed)
page, trace = os.path.join(folder, "page"), os.path.join(folder, "kill.trace")
SCHEDULING_SLACK_S = 0.05
bad = 0


def complain(text):
    global bad
    bad += 1
    print("VIOLATION", text)


def scores(threads):
    with open(page, "rb") as f:
        data = f.read(4096)
    return [struct.unpack_from("QQ", data, 64 * t) for t in range(threads)]


def start(threads):
    with open(page, "wb") as f:
        f.write(bytes(4096))
    if os.path.exists(trace):
        os.unlink(trace)
    return subprocess.Popen([mmprof, "record", "-q", "-o", trace, "--",
                             os.path.join(folder, "killpage"), page, str(threads)])


def child_of(pid, name, limit=5.0):
    end = time.time() + limit
    while time.time() < end:
        try:
            with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
                children = f.read().split()
        except OSError:
            return None
        for c in children:
            try:
                with open("/proc/%s/comm" % c) as f:
                    if f.read().strip() == name:
                        return int(c)
            except OSError:
                pass
        time.sleep(0.0005)
    return None


def begun(threads):
    end = time.time() + 10
    while time.time() < end:
        if all(a for a, _ in scores(threads)):
            return True
        time.sleep(0.0005)
    return False


def counted(thread):
    size = str(40000 + thread)
    text = subprocess.run([mmprof, "cat", trace, "--min-size", size, "--max-size", size],
                          capture_output=True)
    if text.returncode != 0:
        complain("cat failed: %r" % text.stderr)
    return text.stdout.count(b" malloc slot="), text.stdout.count(b" free slot=")


def kill_victim(k):
    threads = 1 + k % 3
    rec = start(threads)
    victim = child_of(rec.pid, "killpage")
    if victim is None or not begun(threads):
        complain("victim %d did not start" % k)
        rec.kill()
        rec.wait()
        return
    time.sleep(random.random() * 0.04)
    os.kill(victim, signal.SIGKILL)
    status = rec.wait()
    if status != 128 + signal.SIGKILL:
        complain("status %d after the victim's SIGKILL" % status)
    for t, (allocs, frees) in enumerate(scores(threads)):
        a, f = counted(t)
        if not (allocs <= a <= allocs + 1 and frees <= f <= frees + 1):
            complain("kill %d thread %d: page %d/%d trace %d/%d" % (k, t, allocs, frees, a, f))
    if k % 10 == 0:
        report = subprocess.run([mmprof, "report", "--json", trace], capture_output=True)
        try:
            json.loads(report.stdout)
        except ValueError:
            complain("report: %r %r" % (report.stdout[:80], report.stderr))


def kill_recorder():
    if os.path.exists(trace):
        os.unlink(trace)
    rec = subprocess.Popen([mmprof, "record", "-q", "-o", trace, "--",
                            os.path.join(folder, "handover"), "2", "3000000"],
                           stdout=subprocess.PIPE)
    victim = child_of(rec.pid, "handover")
    time.sleep(0.05)
    os.kill(rec.pid, signal.SIGSTOP)  # rings fill while nobody empties them
    time.sleep(0.3)
    os.kill(rec.pid, signal.SIGKILL)
    out = rec.stdout.read()  # ends when the program has closed it
    rec.wait()
    if victim is None or out != b"allocs 3000000 frees 3000000 bytes 120000000\n":
        complain("recorder killed: program said %r" % out)
    else:
        print("recorder killed: program ended well")


def kill_both():
    rec = start(1)
    victim = child_of(rec.pid, "killpage")
    begun(1)
    time.sleep(0.5)
    early = scores(1)[0]
    time.sleep(0.1 + SCHEDULING_SLACK_S)
    os.kill(rec.pid, signal.SIGKILL)
    os.kill(victim, signal.SIGKILL)
    rec.wait()
    a, f = counted(0)
    if a < early[0] or f < early[1]:
        complain("both killed: page had %d/%d 100 ms before, trace has %d/%d" % (*early, a, f))
    else:
        print("both killed: trace lacks at most 100 ms (%d of %d allocations in it)" %
              (a, scores(1)[0][0]))


for k in range(kills):
    kill_victim(k)
print("%d victims killed" % kills)
for _ in range(3):
    kill_recorder()
for _ in range(3):
    kill_both()
sys.exit(1 if bad else 0)
