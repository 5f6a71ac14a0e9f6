"""report_cat.py MMPROF TRACE: every event that `cat` prints, counted by hand, against what
`report` says, for each process, whole and in ranges.

Prints one TAP line for each comparison, and the plan.
"""
import collections
import json
import subprocess
import sys

BIRTHS = {"malloc", "calloc", "aligned", "new", "new-aligned", "note-alloc", "realloc-in"}
DEATHS = {"free", "note-free", "realloc-out", "implied"}
tests = 0


def run(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout


def is_equal(name, want, got):
    global tests
    tests += 1
    print(f"{'ok' if want == got else 'not ok'} {tests} - {name}")
    if want != got:
        print(f"# wanted {want}\n# got    {got}")


def bucket(v):
    return v.bit_length()


class Count:
    """One process's events in [start, end)."""

    def __init__(self, events, start, end):
        self.totals = collections.Counter(dict.fromkeys(
            ("alloc_count", "alloc_bytes", "free_count", "free_bytes", "temporary_count",
             "realloc_count", "failed_count", "implied_free_count", "inherited_free_count",
             "live_begin_bytes", "live_begin_count"), 0))
        self.live, self.sizes, self.lives = {}, collections.Counter(), collections.Counter()
        self.threads = collections.Counter()
        self.peak, self.peak_at, self.now = 0, start, 0
        began = False
        for e in events:
            if e["time_ns"] >= end:
                break
            inside = e["time_ns"] >= start
            if inside and not began:
                began = True
                self.begin()
            self.take(e, inside)
        if not began:
            self.begin()
        self.leaks = [o for o in self.live.values() if o["time_ns"] >= start]

    def begin(self):
        self.peak = self.now
        self.totals["live_begin_bytes"] = self.now
        self.totals["live_begin_count"] = len(self.live)

    def take(self, e, inside):
        kind = e["kind"]
        if kind in BIRTHS:
            self.live[e["slot"]] = e
            self.now += e["size_bytes"]
            if inside:
                self.born(e)
        elif kind in DEATHS:
            o = self.live.pop(e["slot"])
            self.now -= o["size_bytes"]
            if inside:
                self.died(e, o)
        elif inside:
            self.totals["inherited_free_count"] += kind == "inherited"
            self.totals["failed_count"] += kind == "failed"

    def born(self, e):
        t = self.totals
        t["alloc_count"] += 1
        t["alloc_bytes"] += e["size_bytes"]
        t["realloc_count"] += e["kind"] == "realloc-in"
        self.sizes[bucket(e["size_bytes"])] += 1
        self.threads[e["tid"]] += e["size_bytes"]
        if self.now > self.peak:
            self.peak, self.peak_at = self.now, e["time_ns"]

    def died(self, e, o):
        t = self.totals
        t["free_count"] += 1
        t["free_bytes"] += o["size_bytes"]
        t["temporary_count"] += bool(e.get("temporary"))
        t["implied_free_count"] += e["kind"] == "implied"
        self.lives[max(1, bucket(e["time_ns"] - o["time_ns"]))] += 1


def compare(mmprof, trace, process, events, start, end, options):
    name = f"process {process}, {start} to {end}"
    out = run(mmprof, "report", "--json", "-n", "0", "--process", f"#{process}", *options, trace)
    report = json.loads(out)
    c = Count(events, start, end)
    got = report["totals"]
    is_equal(f"{name}: totals", dict(c.totals), {k: got[k] for k in c.totals})
    is_equal(f"{name}: peak", (c.peak, c.peak_at if c.peak else got["peak_at_ns"]),
             (got["peak_live_bytes"], got["peak_at_ns"]))
    is_equal(f"{name}: live at the end", (c.now, len(c.live)),
             (got["live_end_bytes"], got["live_end_count"]))
    is_equal(f"{name}: born in it and left", (sum(o["size_bytes"] for o in c.leaks), len(c.leaks)),
             (got["leak_bytes"] + got["discarded_bytes"], got["leak_count"] + got["discarded_count"]))
    is_equal(f"{name}: sizes", sorted(c.sizes.values()),
             sorted(b["count"] for b in report["sizes"]["buckets"] if b["count"]))
    is_equal(f"{name}: lifetimes", sorted(c.lives.values()),
             sorted(b["count"] for b in report["lifetimes"]["buckets"]))
    threads = collections.Counter()
    for t in report["threads"]:
        if t["alloc_bytes"]:
            threads[t["tid"]] += t["alloc_bytes"]
    is_equal(f"{name}: threads", +c.threads, threads)


def main():
    mmprof, trace = sys.argv[1:]
    events = collections.defaultdict(list)
    for line in run(mmprof, "cat", "--json", trace).splitlines():
        e = json.loads(line)
        events[e["process"]].append(e)
    for process, es in sorted(events.items()):
        compare(mmprof, trace, process, es, 0, 1 << 63, [])
        last = es[-1]["time_ns"]
        for a, b in ((0, 1), (1, 2), (1, 3), (2, 3)):
            start, end = last * a // 3, last * b // 3
            if start < end:
                compare(mmprof, trace, process, es, start, end,
                        ["--from", f"{start}ns", "--to", f"{end}ns"])
    print(f"1..{tests}")


main()
