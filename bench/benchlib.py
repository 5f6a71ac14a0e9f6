"""What the benches share: finding the tools, measuring a run, medians, tables, bars.

Rules: a rival is named with its version; everything compared runs in turn in the same
session; medians with their spread; a figure that was not measured prints '-' and its
bar is 'unknown', never 'met'. Nothing is written outside the work directory.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
MIB = 1 << 20


def arguments(description, rounds=5):
    p = argparse.ArgumentParser(description=description)
    p.add_argument("-n", "--rounds", type=int, default=rounds, help="times each is run, in turn")
    p.add_argument("--only", help="comma-separated names of workloads")
    p.add_argument("--scale", type=float, default=1.0,
                   help="size of the workloads; bars are judged at 1 only")
    p.add_argument("--build", help="directory of the built mmprof (default: MMPROF, ., PATH)")
    p.add_argument("--work", help="work directory, kept (default: a fresh one in /tmp, removed)")
    p.add_argument("--json", help="file for the results, one JSON object a line")
    return p


class Bench:
    def __init__(self, args):
        self.args = args
        self.temporary = None if args.work else tempfile.mkdtemp(prefix="mmprof-bench.")
        self.work = os.path.abspath(args.work or self.temporary)
        os.makedirs(self.work, exist_ok=True)
        self.json = open(args.json, "w") if args.json else None
        self.measure_tool = self.compile("measure", "measure.c")
        self.mmprof = find_mmprof(args.build)
        self.heaptrack = shutil.which("heaptrack")
        self.versions = {"mmprof": version(self.mmprof), "heaptrack": version(self.heaptrack)}

    def compile(self, name, *sources, flags=()):
        binary = os.path.join(self.work, name)
        subprocess.run(["cc", "-std=gnu17", "-O2", "-g", "-o", binary,
                        *[os.path.join(HERE, s) for s in sources], *flags], check=True)
        return binary

    def close(self):
        if self.json:
            self.json.close()
        if self.temporary:
            shutil.rmtree(self.temporary, ignore_errors=True)

    def note(self, **record):
        if self.json:
            self.json.write(json.dumps(record) + "\n")
            self.json.flush()

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def run(self, argv, stdin=None, env=None, cwd=None):
        """Runs argv under measure; its answer, with the command's stdout in 'output'."""
        answer = self.path("measure.json")
        if os.path.exists(answer):
            os.unlink(answer)
        log = self.path("stderr.txt")
        with open(stdin or os.devnull) as source, open(log, "w") as err:
            p = subprocess.run([self.measure_tool, answer, *argv], stdin=source,
                               stdout=subprocess.PIPE, stderr=err, cwd=cwd,
                               env={**os.environ, **(env or {})})
        if not os.path.exists(answer):
            raise RuntimeError(f"{' '.join(argv)}: not measured: {tail(log)}")
        with open(answer) as f:
            result = json.load(f)
        result["output"] = p.stdout
        result["cpu_ns"] = result["user_ns"] + result["sys_ns"]
        result["stderr"] = tail(log)
        return result

    def workload(self, w, wrap=lambda argv: argv, env=None):
        if w.prepare:
            w.prepare()
        return self.run(wrap(w.argv), w.stdin, {**w.env, **(env or {})}, w.cwd)


def tail(path):
    with open(path, errors="replace") as f:
        return " / ".join(f.read().strip().splitlines()[-3:])


def find_mmprof(build):
    candidates = [os.path.join(build, "mmprof")] if build else [
        os.environ.get("MMPROF", ""), "./mmprof", os.path.join(TOP, "mmprof")]
    for c in candidates:
        if c and os.access(c, os.X_OK):
            return os.path.abspath(c)
    return None if build else shutil.which("mmprof")


def version(tool):
    if not tool:
        return None
    p = subprocess.run([tool, "--version"], capture_output=True, text=True)
    return (p.stdout or p.stderr).strip().splitlines()[0] if p.returncode == 0 else "unknown"


def header(bench, what):
    with open("/proc/cpuinfo") as f:
        model = next((l.split(":", 1)[1].strip() for l in f if l.startswith("model name")), "?")
    print(f"{what}: {bench.versions['mmprof'] or 'mmprof not found'} against "
          f"{bench.versions['heaptrack'] or 'heaptrack not found (package heaptrack)'}, "
          f"{bench.args.rounds} rounds in turn, {os.cpu_count()} cores of {model}, "
          f"Linux {os.uname().release}")
    bench.note(record="header", bench=what, versions=bench.versions, rounds=bench.args.rounds,
               scale=bench.args.scale, cores=os.cpu_count(), cpu=model, kernel=os.uname().release)


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def spread(values):
    """'median [low high]' of what was measured."""
    values = [v for v in values if v is not None]
    if not values:
        return "-"
    return f"{statistics.median(values):.2f} [{min(values):.2f} {max(values):.2f}]"


def geometric_mean(values):
    values = [v for v in values if v is not None and v > 0]
    return statistics.geometric_mean(values) if values else None


def figure(value, form="{:.2f}"):
    return "-" if value is None else form.format(value)


def table(rows, heads):
    """Prints rows (lists of strings) under heads, columns aligned, the first to the left."""
    width = [max(len(str(r[i])) for r in [heads] + rows) for i in range(len(heads))]
    for r in [heads] + rows:
        print("  ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w)
                        for i, (c, w) in enumerate(zip(r, width))).rstrip())
    print()


class Bars:
    """The promises, each judged as it is measured and listed at the end."""

    def __init__(self, bench):
        self.bench = bench
        self.rows = []

    def at_most(self, name, value, limit, form="{:.2f}"):
        verdict = "unknown" if value is None else "met" if value <= limit else "NOT MET"
        self.rows.append([name, figure(value, form), "at most " + form.format(limit), verdict])
        self.bench.note(record="bar", name=name, value=value, at_most=limit, verdict=verdict)

    def at_least(self, name, value, limit, form="{:.2f}"):
        verdict = "unknown" if value is None else "met" if value >= limit else "NOT MET"
        self.rows.append([name, figure(value, form), "at least " + form.format(limit), verdict])
        self.bench.note(record="bar", name=name, value=value, at_least=limit, verdict=verdict)

    def show(self):
        if self.bench.args.scale != 1:
            print("Bars are meant for --scale 1; these are of a smaller run.")
        table(self.rows, ["bar", "measured", "promised", ""])


def selected(args, table_of):
    names = args.only.split(",") if args.only else list(table_of)
    return [n for n in names if n in table_of]


def say(text):
    print(text, file=sys.stderr, flush=True)
