"""Every figure that mmtop shows against `mmprof report --json` of the same moment.

Usage: tui_numbers.py MMTOP MMPROF TRACE WORK SCREEN [FROM TO]
Saves SCREEN with exact bytes, reads it as a person would: by the heads of columns and the names
before figures; and compares with the report. Prints what differs; the exit status says whether
anything does.
"""
import json
import os
import re
import subprocess
import sys

mmtop, mmprof, trace, work, name = sys.argv[1:6]
begin, end = (sys.argv[6:8] + ["", ""])[:2]
UNITS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
checked = 0
bad = []


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def screen(size="200x60"):
    path = os.path.join(work, "screen")
    lines = [":size " + size, ":set bytes on", ":metric peak"]
    lines += [":to " + end] if end else []
    lines += [":from " + begin] if begin else []
    lines += [":screen " + name, ":save-screen " + path]
    if os.path.exists(path):
        os.unlink(path)
    subprocess.run([mmtop, "--no-symbols", "--script", "-", trace], check=True, text=True,
                   input="\n".join(lines) + "\n")
    with open(path, encoding="utf-8") as f:
        text = f.read().split("\n")
    columns, rows = map(int, text[0].split("x"))
    return [line[1:-1] for line in text[1:1 + rows]]


def report(*options):
    command = [mmprof, "report", "--json", "-n", "200", "--metric", "peak", "--no-symbols", *options]
    command += ["--from", begin] if begin else []
    command += ["--to", end] if end else []
    return json.loads(run(*command, trace))


def value_of(text):
    """A figure as it is read: a number of bytes, of things, of nanoseconds or percent."""
    text = text.strip()
    if text in ("-", ""):
        return None
    clock = re.fullmatch(r"(?:(\d+):)?(\d+):(\d+\.\d)", text)
    if clock:
        return ((int(clock[1] or 0) * 60 + int(clock[2])) * 60 + float(clock[3])) * 1e9
    time = re.fullmatch(r"([\d.]+) (ns|us|ms|s)", text)
    if time:
        return float(time[1]) * UNITS[time[2]]
    if text.endswith("%"):
        return 0.05 if text == "<0.1%" else float(text[:-1])
    return int(text.replace(",", "").replace("+", ""))


def same(what, shown, told, kind="exact"):
    global checked
    checked += 1
    got = value_of(shown) if isinstance(shown, str) else shown
    if told is None or got is None:
        ok = told is None and got is None
    elif kind == "time":
        ok = abs(got - told) <= max(0.006 * told, 0.06e9 if told >= 60e9 else 0)
    elif kind == "ppm":
        ok = abs(got - told / 1e4) <= 0.0501 if told >= 1000 or told == 0 else got == 0.05
    else:
        ok = got == told
    if not ok:
        bad.append("%s: the screen says %r, the report %r" % (what, shown, told))


def share(part, whole):
    return None if part is None or not whole else part * 1000000 // whole


def after(lines, label, many=1):
    """The text behind `label` and a blank, up to two blanks; of the first line that has it."""
    found = [m[1] for line in lines for m in re.finditer(r"(?:^|\s)" + re.escape(label) + r" (\S+(?: \S+)*)", line)]
    if not found:
        bad.append("nothing is called %r on the screen" % label)
        return "?"
    return found[0]


def table(lines, heads, branches=False):
    """Rows below the line that holds all heads in order, each as {head: text}. Heads that end
    in '<' begin at the left, the others end at the right."""
    plain = [h.rstrip("<") for h in heads]
    pattern = r".*?".join(r"(?<!\S)" + re.escape(h) + r"(?![^\s↓↑v^])" for h in plain)
    for number, line in enumerate(lines):
        if re.search(pattern, line):
            break
    else:
        bad.append("no table with the heads %s" % plain)
        return []
    places = []
    at = 0
    for h in plain:
        start = re.compile(r"(?<!\S)" + re.escape(h) + r"(?![^\s↓↑v^])").search(line, at).start()
        at = start + len(h)
        places.append((start, at + (line[at:at + 1] in "↓↑v^" and line[at:at + 1] != "")))
    rows = []
    for line in lines[number + 1:]:
        if not line.strip() or line.startswith("───"):
            break
        row = {}
        for i, h in enumerate(heads):
            if h.endswith("<"):
                # A branch is indented, behind its sign.
                text = re.sub(r"^ *[-+] ", "", line[places[i][0]:]) if branches else line[places[i][0]:]
                row[plain[i]] = re.split(r"\s{2,}", text.strip())[0]
            else:
                left = line[:places[i][1]].rstrip()
                got = re.search(r"([\d.]+ (?:ns|us|ms|s)|\S+)$", left)
                row[plain[i]] = got[1] if got and len(left) == places[i][1] else "misplaced: " + left[-20:]
        rows.append(row)
    return rows


# --- screens ------------------------------------------------------------------------------

def categories_table(lines, r, head):
    rows = table(lines, [head + "<", "live", "budget", "live%", "peak", "blocks"])
    told = {c["name"]: c for c in r["categories"]}
    if len(rows) != len(told):
        bad.append("%d categories are shown, %d told" % (len(rows), len(told)))
    for row in rows:
        c = told[row[head]]
        same(c["name"] + " live", row["live"], c["live_bytes"])
        same(c["name"] + " budget", row["budget"], c["budget_bytes"])
        same(c["name"] + " live%", row["live%"], share(c["live_bytes"], c["budget_bytes"]), "ppm")
        same(c["name"] + " peak", row["peak"], c["peak_bytes"])
        same(c["name"] + " blocks", row["blocks"], c["live_count"])


def bar(lines, label, told, most):
    for line in lines:
        m = re.match(r" " + label + r" +(\S+) \[.*?\](?: +(\S+) of (\S+))?", line)
        if m:
            same(label, m[1], told)
            same(label + " %", m[2] or "-", share(told, most), "ppm")
            same(label + " of", m[3] or "-", most if told is not None or m[3] else None)
            return
    bad.append("no bar is called " + label)


def pressure(lines, r):
    """The level in the title, and the log, the newest first."""
    p = r["pressure"]
    title = re.search(r"  pressure (\d) (\w+)  ", lines[0])
    if p["source"] is None:
        return
    same("pressure", title[1] if title else "-", p["level"])
    if title and title[2] != p["name"].upper():
        bad.append("%s is shown, %s told" % (title[2], p["name"]))
    place = [(i, line.index("WHAT HAPPENED")) for i, line in enumerate(lines) if "WHAT HAPPENED" in line]
    for number, col in place:
        for line, told in zip(lines[number + 1:], reversed(p["log"])):
            if line.startswith("TOP CATEGORIES"):
                break
            at, text = re.match(r" *(\S+ ?(?:ns|us|ms|s)?)  (.*)", line[col:]).groups()
            same("time of " + text, at, told["t_ns"], "time")
            wanted = {"mark": [told["text"]], "evict": [told["category"], told["cause"]],
                      "deny": [told["category"], told["cause"]], "budget": [told["category"]],
                      "level": [told["cause"]]}[told["kind"]]
            for word in wanted:
                if word and word[:12] not in text:
                    bad.append("%r does not say %r" % (text, word))


def overview(lines, r):
    t, now = r["totals"], r["pressure"]
    limit = now["limit_bytes"]
    bar(lines, "heap live", t["live_end_bytes"], t["peak_live_bytes"])
    bar(lines, "heap peak", t["peak_live_bytes"], limit)
    bar(lines, "rss", now["rss_bytes"], limit)
    pressure(lines, r)
    bar(lines, "unaccounted", t["unaccounted_bytes"],
        t["unaccounted_rss_bytes"] if t["unaccounted_bytes"] is not None else None)
    pools = [p for p in r["pools"] if p["committed_bytes"] is not None and p["live_bytes"] is not None]
    slabs = sum(p["committed_bytes"] for p in pools) or None
    bar(lines, "pools free", slabs and slabs - sum(p["live_bytes"] for p in pools), slabs)
    same("peak at", after(lines, "limit, at").split("  ")[0], t["peak_at_ns"], "time")
    same("allocs", after(lines, "allocs"), t["alloc_count"])
    same("frees", after(lines, "frees"), t["free_count"])
    same("live blocks", after(lines, "live blocks"), t["live_end_count"])
    categories_table(lines, r, "TOP CATEGORIES")


def categories(lines, r):
    same("live in all", after(lines, "live in all"), r["totals"]["live_end_bytes"])
    same("categories", after(lines, "categories"), len(r["categories"]))
    categories_table(lines, r, "category")
    told = {c["name"]: c for c in r["categories"]}
    for row in table(lines, ["category<", "mean", "allocs"]):
        c = told[row["category"]]
        same("mean of " + c["name"], row["mean"],
             c["live_bytes"] // c["live_count"] if c["live_count"] else None)
        same("allocs of " + c["name"], row["allocs"], c["alloc_count"])


def leaks(lines, r):
    t = r["totals"]
    same("still live", after(lines, "still live"), t["leak_bytes"])
    same("blocks", after(lines, "blocks"), t["leak_count"])
    same("stacks", after(lines, "stacks"), len(r["leaks"]) + r["leaks_rest"]["row_count"])
    to = r["run"]["to_ns"]
    rows = table(lines, ["allocating frame<", "live", "blocks", "mean", "allocs", "oldest"])
    for row, told in zip(rows, r["leaks"]):
        what = told["name"]
        same(what + " live", row["live"], told["bytes"])
        same(what + " blocks", row["blocks"], told["count"])
        same(what + " mean", row["mean"], told["bytes"] // told["count"] if told["count"] else None)
        same(what + " allocs", row["allocs"], told["alloc_count"])
        same(what + " oldest", row["oldest"],
             None if told["oldest_ns"] is None else to - told["oldest_ns"], "time")
    if len(rows) < min(len(r["leaks"]), 10):
        bad.append("%d leaks are shown of %d" % (len(rows), len(r["leaks"])))


def threads(lines, r):
    told = {(h["name"], h["tid"]): h for h in r["threads"]}
    rows = table(lines, ["thread<", "tid", "live", "blocks", "allocs", "allocated", "frees", "temporary",
                         "started"])
    if len(rows) != len(told):
        bad.append("%d threads are shown, %d told" % (len(rows), len(told)))
    for row in rows:
        tid = value_of(row["tid"]) or 0
        h = told.get((row["thread"], tid)) or told[("", tid)]
        for head, key in (("live", "live_bytes"), ("blocks", "live_count"), ("allocs", "alloc_count"),
                          ("allocated", "alloc_bytes"), ("frees", "free_count"),
                          ("temporary", "temporary_count")):
            same("%s %s" % (row["thread"], head), row[head], h[key])
        same(row["thread"] + " started", row["started"], h["start_ns"], "time")
    sizes = {b["from_bytes"]: b["count"] for b in r["sizes"]["buckets"] if b["count"]}
    buckets = [m for line in lines for m in re.findall(r"^from +(\S+ \S+) \[.*?\] +(\S+)", line)]
    for low, count in buckets:
        number, unit = low.split()
        low = float(number) * {"B": 1, "KiB": 1024, "MiB": 1 << 20, "GiB": 1 << 30}[unit]
        same("sizes from %d" % low, count, sizes.get(int(low)))
    if len(buckets) < min(len(sizes), 3):
        bad.append("sizes are missing")


def calls(lines, r):
    r = report("--tree", "-n", "0")
    tree = r["tree"]["nodes"]
    frames = r["frames"]
    told = {}
    for n in tree:
        if n["frame"] is not None and not n.get("folded_count"):
            told.setdefault(frames[n["frame"]]["name"], []).append(n)
    root = tree[0]["total"] if tree else 0
    if not root:
        return
    rows = table(lines, ["function<", "total", "total%", "self", "allocs"], branches=True)
    if root and not rows:
        bad.append("no calls are shown")
    for row in rows:
        label = row["function"]
        found = [tree[0]] if label == "(all)" else told.get(label, [])
        if label == "(smaller ones)":
            continue
        if "..." in label:
            head, tail = label.split("...", 1)
            found = [n for k, v in told.items() if k.startswith(head) and k.endswith(tail) for n in v]
        shown = tuple(value_of(row[h]) for h in ("total", "self", "allocs"))
        if not any((n["total"], n["self"], n["alloc_count"]) == shown for n in found):
            bad.append("%s: %s is none of %s" % (label, shown, [(n["total"], n["self"], n["alloc_count"]) for n in found]))
        same(label + " %", row["total%"], share(shown[0], root), "ppm")


def timeline(lines, r):
    t, run_ = r["totals"], r["run"]
    head = lines[2:4]
    same("from", after(head, "from").split("  ")[0], run_["from_ns"], "time")
    same("to", after(head, "to").split("  ")[0], run_["to_ns"], "time")
    same("net", after(head, "net").split("  ")[0].replace(" B", ""),
         t["live_end_bytes"] - t["live_begin_bytes"])
    same("allocs", after(head, "allocs").split("  ")[0], t["alloc_count"])
    same("frees", after(head, "frees").split("  ")[0], t["free_count"])
    place = [(i, line.index("BORN IN RANGE")) for i, line in enumerate(lines) if "BORN IN RANGE" in line]
    if not place:
        bad.append("what was born in the range is not shown")
    for (number, col) in place:
        for line, told in zip(lines[number + 1:-1], r["leaks"]):
            shown, site = line[col:].split(None, 1)
            same("grown: " + told["name"], shown, told["bytes"])
            if not site.startswith(told["name"].split("...")[0][:40]):
                bad.append("%s is not %s" % (site, told["name"]))
    for line in lines:
        label = re.match(r" (heap) +(\S+ \S+)", line)
        if label and not begin and not end:
            most = max(r["timeline"]["peak_bytes"], default=0)
            number, unit = label[2].split()[:2]
            shown = float(number) * {"B": 1, "KiB": 1024, "MiB": 1 << 20, "GiB": 1 << 30}[unit]
            if abs(shown - most) > 0.006 * most:
                bad.append("the curve's top is %s, the largest %d" % (label[2], most))


def row_of(rows, head, name):
    found = [row for row in rows if row[head].lstrip("` ") == name]
    if not found:
        bad.append("no row is called %r" % name)
    return found[0] if found else None


def check_row(row, what, figures, told):
    """figures: (head, key of the report, kind)"""
    for head, key, *kind in figures if row else []:
        same("%s %s" % (what, head), row[head], told[key], *kind)


def tier_moves(lines, r):
    names = [x["name"] for x in r["tiers"]]
    used = sorted({c[end] for c in r["moves"]["cells"] for end in ("from", "to")})
    cells = {(c["from"], c["to"]): c["window_bytes"] for c in r["moves"]["cells"]}
    start = next((i for i, line in enumerate(lines) if line.startswith("MOVED, row to column")), None)
    if not used or start is None:
        return
    for row in table(lines[start:], ["from<"] + [names[i] for i in used])[:len(used)]:
        place = names.index(row["from"])
        for other in used:
            if other != place:
                same("moved %s to %s" % (row["from"], names[other]), row[names[other]],
                     cells.get((place, other), 0))


def causes(lines, head, told):
    for line in lines:
        if head in line:
            start = line.index(head)
    rows = table([line[start:] for line in lines], [head + "<", "bytes", "share", "times"]) if told else []
    for row, c in zip(rows, told):
        if row[head] != c["cause"]:
            bad.append("%s: %s is shown, %s told" % (head, row[head], c["cause"]))
        check_row(row, "%s %s" % (head, c["cause"]),
                  [("bytes", "bytes"), ("share", "ppm", "ppm"), ("times", "count")], c)


def tiers(lines, r):
    names = [x["name"] for x in r["tiers"]]
    rows = table(lines, ["tier<", "capacity", "used", "used%", "in/s", "out/s", "hits", "stall p99", "evicted"])
    for told in r["tiers"]:
        check_row(row_of(rows[:len(names)], "tier", told["name"]), told["name"],
                  [("capacity", "capacity_bytes"), ("used", "used_bytes"), ("used%", "used_ppm", "ppm"),
                   ("in/s", "in_bytes_per_s"), ("out/s", "out_bytes_per_s"), ("hits", "hit_ppm", "ppm"),
                   ("stall p99", "stall_p99_ns", "time"), ("evicted", "evict_bytes")], told)
    rows = table(lines, ["LIES WHERE<"] + names + ["total", "moves/s", "evicted"])
    for told in r["residency"]:
        row = row_of(rows, "LIES WHERE", told["category"])
        check_row(row, told["category"], [("total", "total_bytes"), ("moves/s", "moves_per_s"),
                                          ("evicted", "evict_bytes")], told)
        for name_, bytes_ in zip(names, told["bytes_by_tier"]) if row else []:
            same("%s in %s" % (told["category"], name_), row[name_], bytes_)
    tier_moves(lines, r)
    causes(lines, "EVICTED for", r["evictions"])
    causes(lines, "REFUSED for", r["denials"])
    p = r["pressure"]
    line = next(line for line in lines if line.startswith("PRESSURE "))
    same("level", line.split()[1], p["level"])
    same("since", after([line], "since").split("  ")[0], p["since_ns"], "time")
    same("worst at", after([line], "at").split("  ")[0], p["worst_at_ns"], "time")
    same("used", after(lines, p["limit_kind"].replace("cgroup", "control group")).split("  ")[0],
         p["used_bytes"])
    same("PSI some", after(lines, "PSI some").split("  ")[0], p["psi_some_ppm"], "ppm")
    same("PSI full", after(lines, "full").split("  ")[0], p["psi_full_ppm"], "ppm")
    for i, level in enumerate(p["levels"]):
        found = [m for line in lines for m in re.findall(
            r"%d %s\]?(?: \d+%%)? (\S+(?: ?(?:ns|us|ms|s))?)" % (i, level["name"].upper()), line)]
        same("spent at %d" % i, found[-1] if found else "-", level["spent_ns"], "time")


def gpu(lines, r):
    g = r["gpu"]
    rows = table(lines, ["heap<", "budget", "usage", "used%", "ours", "others", "blocks", "allocs", "unused",
                         "up/s", "down/s"])
    for told in g["heaps"]:
        check_row(row_of(rows, "heap", str(told["number"])), "heap %d" % told["number"],
                  [("budget", "budget_bytes"), ("usage", "usage_bytes"), ("used%", "used_ppm", "ppm"),
                   ("ours", "ours_bytes"), ("others", "others_bytes"), ("blocks", "block_count"),
                   ("allocs", "alloc_count"), ("unused", "unused_bytes"), ("up/s", "upload_bytes_per_s"),
                   ("down/s", "download_bytes_per_s")], told)
    rows = table(lines, ["ALLOCATED AS<", "heap", "count", "bytes", "mean", "category<", "dedicated", "mapped",
                         "age p50"])
    for row, told in zip(rows, g["kinds"]):
        if (row["ALLOCATED AS"], row["category"]) != (told["type"], told["category"]):
            bad.append("%s is shown, %s told" % (row, told))
        check_row(row, told["type"], [("count", "count"), ("bytes", "bytes"), ("mean", "mean_bytes"),
                  ("dedicated", "dedicated_count"), ("mapped", "mapped_count"), ("age p50", "age_ns", "time")],
                  told)
    shown = [m for line in lines for m in re.findall(r"^ +(\d+) \|(\S+)\| +(\S+) +(\S+) +(\S+)", line)]
    told = {b["number"]: b for b in g["blocks"] if b["heap"] == 0}
    for number, map_, used, torn, longest in shown:
        b = told[int(number)]
        if map_ != b["map"]:
            bad.append("block %s: another map" % number)
        same("block %s used" % number, used, b["used_ppm"], "ppm")
        same("block %s torn" % number, torn, b["fragmentation_ppm"], "ppm")
        same("block %s longest" % number, longest, b["largest_free_bytes"])
    if len(shown) != len(told):
        bad.append("%d blocks are shown, %d told" % (len(shown), len(told)))


lines = screen()
{"overview": overview, "categories": categories, "leaks": leaks, "threads": threads, "calls": calls,
 "timeline": timeline, "tiers": tiers, "gpu": gpu}[name](lines, report())
nothing = not report()["totals"]["alloc_count"]
if checked < (0 if nothing else 3):
    bad.append("only %d figures were found" % checked)
for line in bad:
    print(line)
if bad:
    print("\n".join(lines))
sys.exit(1 if bad else 0)
