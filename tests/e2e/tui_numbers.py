"""Every figure that mmtop shows against `mmprof report --json` of the same moment.

Usage: tui_numbers.py MMTOP MMPROF WORK TRACE strict|loose
One mmtop saves all screens of the trace, by a script: whole, and of ranges of it; with exact and
with rounded sizes; large, narrow and as one line. Each is read as a person would, by the heads of
columns and the names before figures, and what is left of it may hold no figure.
strict: all is equal, and what is not known is so in both. loose (sums that digests tell): what
the screen does not know may be known to the report, which reads every event.
Prints "ok NAME" or "not ok NAME" for each screen of each range, and what differs.
"""
import concurrent.futures
import json
import os
import subprocess
import sys

import tui_numbers_lists as lists
import tui_numbers_maps as maps
from tui_numbers_read import Screen

mmtop, mmprof, work, trace, how = sys.argv[1:6]
loose = how == "loose"
ALL = "all processes"
RANGES = {"all of it": ("", ""), "the first half": ("", "50%"), "its middle": ("25%", "75%"),
          "up to the peak": ("", "peak"), ALL: ("", "")}
METRICS = ("peak", "live", "allocs", "bytes", "temporary", "leaks")
METRIC_OF = {"leaks": "leaks", "categories": "live"}  # what a screen asks for, whatever is counted
LARGE, NARROW, LINE = "200x60", "40x12", "19x4"
CELLS, NARROW_CELLS = (200 - 23) * 51, (40 - 23) * 10
CELL = 200 - 23 + 2
NAMES = ("overview", "categories", "tiers", "fragmap", "leaks", "calls", "timeline", "threads", "gpu")
SCREENS = {"overview": lists.overview, "categories": lists.categories, "tiers": maps.tiers, "fragmap": maps.fragmap,
           "leaks": lists.leaks, "calls": lists.calls, "timeline": maps.timeline, "threads": lists.threads,
           "gpu": maps.gpu}
DETAILS = {"categories": lists.categories_detail, "tiers": maps.tiers_detail, "leaks": lists.leaks_detail,
           "gpu": maps.gpu_detail}
MAIN = {"overview": lists.overview_table, "categories": lists.categories_table, "tiers": maps.tiers_table,
        "leaks": lists.leaks_table, "calls": lists.calls_table, "threads": lists.threads_table, "gpu": maps.gpu_table}


class Plan:
    """The script, and what is to be looked at in each screen that it saves."""

    def __init__(self):
        self.lines, self.todo, self.json = [":set ascii off"], [], {}

    def say(self, *lines):
        self.lines += lines

    def look(self, name, check, key, **view):
        """Saves the screen as it is now; `key` is what the report of it is called."""
        path = os.path.join(work, "screen%d" % len(self.todo))
        self.lines.append(":save-screen " + path)
        self.todo.append((name, path, check, key, view))

    def tell(self, label):
        """Saves the report that the screen is drawn from."""
        self.json[label] = os.path.join(work, "drawn%d" % len(self.json))
        self.lines.append(":json " + self.json[label])


def plan_range(p, label, narrow=True):
    begin, end = RANGES[label]
    p.say(":size " + LARGE, ":to end", ":from 0s", ":metric peak", ":screen overview",
          *([":to " + end] if end else []), *([":from " + begin] if begin else []))
    p.tell(label)
    for exact in ("off", "on"):
        p.say(":set bytes " + exact)
        for name in NAMES:
            metric = METRIC_OF.get(name, "peak")
            p.say(":screen " + name)
            p.look("%s, %s, bytes %s" % (label, name, exact), SCREENS[name], (label, metric, ""), screen=name,
                   exact=exact == "on")
            if name in DETAILS:
                p.say("Enter")
                p.look("%s, %s, detail, bytes %s" % (label, name, exact), DETAILS[name], (label, metric, ""),
                       screen=name, exact=exact == "on")
                p.say("Esc", "Down Down", "Enter")
                p.look("%s, %s, detail of the third, bytes %s" % (label, name, exact), DETAILS[name],
                       (label, metric, ""), screen=name, exact=exact == "on", row=2)
                p.say("Esc", "Home")
    p.say(":set bytes off", ":screen fragmap")
    for colour in ("age", "category", "pinned"):
        p.say("t")
        p.look("%s, fragmap, %s" % (label, colour), maps.fragmap, (label, "peak", ""), screen="fragmap", colour=colour)
    p.say("t", "Down Right Right")
    p.look("%s, fragmap, another cell" % label, maps.fragmap, (label, "peak", ""), screen="fragmap", cursor=CELL)
    p.say("Home")
    for metric in METRICS:
        p.say(":metric " + metric, ":screen overview")
        p.look("%s, overview, %s" % (label, metric), lists.overview, (label, metric, ""), screen="overview")
        p.say(":screen calls")
        p.look("%s, calls, %s" % (label, metric), lists.calls, (label, metric, ""), screen="calls")
        p.say("t")
        p.look("%s, calls, %s, bottom-up" % (label, metric), lists.calls, (label, metric, "callers"), screen="calls")
        p.say("t")
        p.look("%s, calls, %s, flame" % (label, metric), lists.calls_flame, (label, metric, ""), screen="calls")
        p.say("t")
    for name in NAMES if narrow else ():
        p.say(":metric peak", ":screen " + name, ":size " + NARROW)
        p.look("%s, %s, narrow" % (label, name), narrow_screen, (label, METRIC_OF.get(name, "peak"), "narrow"),
               screen=name)
        p.say(":size " + LINE)
        p.look("%s, %s, one line" % (label, name), maps.line, (label, "peak", ""), screen=name)
        p.say(":size " + LARGE)


def plan_mark(p):
    """The change since the middle."""
    p.say(":size " + LARGE, ":metric peak", ":from 0s", ":to 50%", ":screen overview", "m", ":to end")
    for exact in ("off", "on"):
        p.say(":set bytes " + exact)
        for name in ("overview", "categories"):
            p.say(":screen " + name)
            p.look("%s since a mark, bytes %s" % (name, exact), SCREENS[name],
                   ("all of it", METRIC_OF.get(name, "peak"), ""), screen=name, exact=exact == "on", was=("the first half", "peak", ""))
    p.say("M", ":set bytes off")


def narrow_screen(s, r, view):
    """The main panel alone."""
    name = view["screen"]
    if name == "timeline":
        maps.timeline_curve(s, view["whole"], view, 1, s.rows - 1)
    elif name == "fragmap":
        if not maps.map_lacks(s, r):
            maps.map_cells(s, r, "fill", 1, s.rows - 1)
    elif name in ("tiers", "gpu") and not (r["tiers"] if name == "tiers" else r["gpu"]["heaps"]):
        maps.lacks(s, "No %s in this trace" % ("tiers" if name == "tiers" else "GPU"))
    else:
        MAIN[name](s, r, 1, s.rows - 1)


def report(key):
    label, metric, kind = key
    begin, end = RANGES[label]
    command = [mmprof, "report", "--json", "--metric", metric, "--no-symbols", "-q", "-n", "0"]
    command += ["--map=%d" % (NARROW_CELLS if kind == "narrow" else CELLS)] if metric == "peak" else []
    command += ["--tree=callers" if kind == "callers" else "--tree"]
    command += ["--from", begin] if begin else []
    command += ["--to", end] if end else []
    command += ["-p", "all"] if label == ALL else []
    done = subprocess.run(command + [trace], check=True, capture_output=True, text=True)
    return json.loads(done.stdout, object_hook=big)


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f, object_hook=big)


def big(o):
    """Integers beyond 2^53 stand as text."""
    return {k: int(v) if isinstance(v, str) and k.endswith(("bytes", "_ns", "count", "total", "self", "_per_s")) else v
            for k, v in o.items()}


def judge(item, reports, drawn):
    name, path, check, key, view = item
    r = reports[key]
    with open(path, encoding="utf-8") as f:
        text = f.read().split("\n")
    rows = int(text[0].split("x")[1])
    s = Screen([line[1:-1] for line in text[1:1 + rows]], r, view.get("exact", False), loose)
    view["whole"] = reports[(ALL if key[0] == ALL else "all of it", "peak", "")]
    view["was"] = reports[view["was"]] if "was" in view else None
    view["from"], view["to"] = r["run"]["from_ns"], r["run"]["to_ns"] if RANGES[key[0]][1] else None
    view["trace"] = trace
    view["drawn"] = drawn.get(key[0], r)
    view["drawn_whole"] = drawn.get("all of it", view["whole"])
    if s.rows > 4:
        maps.title(s, r, view)
        s.mark(s.rows - 1)
        if s.cols >= 60:
            s.mark(1)
    try:
        check(s, r, view)
    except (TypeError, IndexError, StopIteration) as e:
        s.bad.append("%s: %r" % (type(e).__name__, e))
        if os.environ.get("TUI_NUMBERS_TRACE"):
            raise
    s.leftovers()
    return s


def main():
    p = Plan()
    for label in RANGES:
        if label != ALL:
            plan_range(p, label)
    plan_mark(p)
    if not loose:
        p.say(":process all")
        plan_range(p, ALL)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        keys = sorted({item[3] for item in p.todo})
        futures = {key: pool.submit(report, key) for key in keys}
        subprocess.run([mmtop, "--no-symbols", "--script", "-", trace], check=True, text=True,
                       input="\n".join(p.lines) + "\n")
        reports = {key: f.result() for key, f in futures.items()}
    # Curves have as many points as what drew them knows.
    drawn = {label: load(path) for label, path in p.json.items()} if loose else {}
    groups, count, unknown = {}, 0, 0
    for item in p.todo:
        s = judge(item, reports, drawn)
        count, unknown = count + s.count, unknown + s.unknown
        groups.setdefault("%s, %s" % (item[3][0], item[4]["screen"]), []).extend(
            "%s: %s" % (item[0], line) for line in s.bad[:12])
    groups["%d figures, %d of them unknown" % (count, unknown)] = [] if count > 10000 and (
        unknown < count // 10 if loose else not unknown) else ["too few, or too few known"]
    for name, bad in groups.items():
        print(("not ok " if bad else "ok ") + name)
        for line in bad[:30]:
            print("# " + line)


main()
