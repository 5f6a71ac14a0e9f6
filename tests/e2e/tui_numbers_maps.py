"""What the screens of places and of time show, against the report: tiers, GPU, timeline, map of
the heap; and what all screens have (tui_numbers.py). Each function reads every figure."""
import tui_numbers_read as read
from tui_numbers_lists import columns, end_of, log, row_of, sites
from tui_numbers_read import ppm, show

TITLES = {"overview": "Overview", "categories": "Categories", "tiers": "Tiers", "fragmap": "FragMap",
          "leaks": "Leaks", "calls": "Calls", "timeline": "Timeline", "threads": "Threads", "gpu": "GPU"}


# --- all screens -------------------------------------------------------------------------------

def title(s, r, view):
    run, now = r["run"], r["pressure"]
    program = run["cmd"].split(" ")[0].rpartition("/")[2]
    begin, all_ = run["from_ns"], read.time(run["duration_ns"])
    to = all_ if view["to"] is None else read.time(view["to"])
    moment = "%s to %s of %s" % (read.time(begin), to, all_) if begin else \
        "t %s" % all_ if view["to"] is None else "t %s of %s" % (to, all_)
    parts = ["mmtop"] + ([TITLES[view["screen"]]] if s.cols < 60 or s.rows < 17 else [])
    recorded = [p for p in r["processes"] if p["recorded"]]
    here = [i for i, p in enumerate(recorded, 1) if p["selected"]]
    whose = "all %d processes of %s" % (len(recorded), program) if run["pid"] is None else \
        "%s pid %d" % (program, run["pid"]) + (", %d of %d processes" % (here[0], len(recorded)) if len(recorded) > 1 else "")
    parts += [whose, "TRACE", moment]
    parts += ["pressure %d %s" % (now["level"], now["name"].upper())] if now["level"] is not None else []
    parts += ["lost {:,}".format(run["lost_events_count"])] if run["lost_events_count"] else []
    was = view.get("was")
    parts += ["MARK " + read.time(min(was["run"]["to_ns"], was["run"]["duration_ns"]))] if was else []
    line = " "
    for part in parts + [view["trace"]]:
        if len(line) + len(part) <= s.cols:
            line += part + "  "
    s.left(0, 0, "title", line, s.cols)


def line(s, r, view):
    s.left(0, 0, "line", ("q quit %s live" % read.size(r["totals"]["live_end_bytes"]))[:s.cols], s.cols)


def lacks(s, what):
    """The screen says that the trace has no such thing, and how to get it."""
    row, _ = s.find(what)
    s.mark(row)
    s.mark(row + 1)


# --- tiers -------------------------------------------------------------------------------------

def tiers_table(s, r, top, bottom, was=None):
    rows = [[("text", ("` " if x["part_of"] is not None else "") + x["name"]), ("text", x["type"] or "-"),
             ("size", x["capacity_bytes"]), ("size", x["used_bytes"]), ("bar", x["used_ppm"]),
             ("ppm", x["used_ppm"]), ("size", x["in_bytes_per_s"]), ("size", x["out_bytes_per_s"]),
             ("ppm", x["hit_ppm"]), ("time", x["stall_p99_ns"]), ("size", x["evict_bytes"])] for x in r["tiers"]]
    return s.table(["tier<", "type<", "capacity", "used", "full<", "used%", "in/s", "out/s", "hits", "stall p99",
                    "evicted"], rows, top, bottom, partial=s.cols < 100)


def matrix(s, r, top, bottom, right):
    """Moves from tier to tier; the row of the head says of how long."""
    names = [x["name"] for x in r["tiers"]]
    used = sorted({c[end] for c in r["moves"]["cells"] for end in ("from", "to")})
    told = {(c["from"], c["to"]): c["window_bytes"] for c in r["moves"]["cells"]}
    s.left(top, 0, "head", "MOVED, row to column last %s" % read.time(r["moves"]["window_ns"]), right)
    rows = [[("text", names[a])] + [("skip", None) if a == b else ("size", told.get((a, b), 0)) for b in used]
            for a in used]
    if used:
        s.table(["from<"] + [names[i] for i in used], rows, top + 1, bottom, right=right)


def causes(s, head, told, top, bottom, left):
    if not told:
        s.left(top, left, head, head + " nothing", s.cols)
        return top + 1
    rows = [[("text", c["cause"] or "(not told)"), ("size", c["bytes"]), ("ppm", c["ppm"]), ("count", c["count"])]
            for c in told]
    return top + 1 + s.table([head + "<", "bytes", "share", "times"], rows, top, bottom, left)


def pressure(s, r, top, bottom):
    p = r["pressure"]
    names = [level["name"].upper() for level in p["levels"]]
    if p["source"] is None or p["level"] is None:
        s.left(top, 0, "pressure", "PRESSURE - nothing in this trace says how hard it is", s.cols)
    else:
        cause = "for %s  " % p["cause"] if p["cause"] else ""
        s.left(top, 0, "pressure", "PRESSURE %d %s  since %s  %sworst %s at %s  %s" % (
            p["level"], names[p["level"]], show("time", p["since_ns"], True), cause, names[p["worst_level"]],
            show("time", p["worst_at_ns"], True), {"told": "told by the program", "samples": "from samples"}[p["source"]]),
            s.cols)
    text = ""
    for i, level in enumerate(p["levels"]):
        name = "%d %s" % (i, names[i])
        text += "[%s] " % name if i == p["level"] else name + " "
        text += "%d%% " % (level["threshold_ppm"] // 10000) if i else ""
        text += show("time", level["spent_ns"], True) + "  "
    s.left(top + 1, 0, "levels", text, s.cols)
    s.pair(top + 2, {None: "used", "cgroup": "control group"}.get(p["limit_kind"], p["limit_kind"]), "size", p["used_bytes"])
    s.pair(top + 2, "of", "size", p["limit_bytes"])
    s.pair(top + 2, "is", "ppm", p["used_ppm"])
    s.pair(top + 2, "PSI some", "ppm", p["psi_some_ppm"])
    s.pair(top + 2, "full", "ppm", p["psi_full_ppm"])
    s.pair(top + 2, "rss", "size", p["rss_bytes"])
    log(s, r, top + 3, min(bottom, s.blank(top + 3, 5)), 0, s.cols, False)


def tiers(s, r, view):
    if not r["tiers"]:
        lacks(s, "No tiers in this trace")
        if r["pressure"]["source"]:
            pressure(s, r, 6, s.rows - 1)
        return
    names = [x["name"] for x in r["tiers"]]
    residency, _ = s.find("LIES WHERE")
    moves, _ = s.find("MOVED")
    below, _ = s.find("PRESSURE ")
    evicted, col = s.find("EVICTED for", moves)
    tiers_table(s, r, 2, residency)
    rows = [[("text", x["category"] or "(of none)")] + [("size", n) for n in x["bytes_by_tier"]] +
            [("size", x["total_bytes"]), ("count", x["moves_per_s"]), ("size", x["evict_bytes"])] for x in r["residency"]]
    s.table(["LIES WHERE<"] + names + ["total", "moves/s", "evicted"], rows, residency, moves)
    matrix(s, r, moves, below, col - 1)
    row = causes(s, "EVICTED for", r["evictions"], evicted, below, col)
    causes(s, "REFUSED for", r["denials"], row, below, col)
    pressure(s, r, below, s.rows - 1)


def tiers_detail(s, r, view):
    if not r["tiers"]:
        tiers(s, r, view)
        return
    x = row_of(r["tiers"], view)
    which = r["tiers"].index(x)
    s.left(2, 0, "tier", "%s  type %s" % (x["name"], x["type"] or "-") +
           ("" if x["part_of"] is None else "  part of " + r["tiers"][x["part_of"]]["name"]), s.cols)
    for row, pairs in ((3, (("used", "size", "used_bytes"), ("of", "size", "capacity_bytes"), ("told at", "time", "used_at_ns"))),
                       (4, (("in", "size", "in_bytes"), ("moves in", "count", "in_count"), ("out", "size", "out_bytes"),
                            ("moves out", "count", "out_count"))),
                       (5, (("hits", "count", "hit_count"), ("misses", "count", "miss_count"),
                            ("evictions", "count", "evict_count"))),
                       (6, (("waits", "count", "stall_count"), ("in all", "time", "stall_ns"),
                            ("p99", "time", "stall_p99_ns"), ("longest", "time", "stall_max_ns")))):
        for label, kind, key in pairs:
            s.pair(row, label, kind, x[key])
    rows = [[("text", q["category"] or "(of none)"), ("size", q["bytes_by_tier"][which]),
             ("ppm", ppm(q["bytes_by_tier"][which], x["used_bytes"]))] for q in r["residency"] if q["bytes_by_tier"][which] is not None]
    s.table(["LIES IN IT<", "bytes", "share"], rows, 8, s.rows - 1)


# --- GPU ---------------------------------------------------------------------------------------

def gpu_table(s, r, top, bottom, was=None):
    rows = [[("id", h["number"]), ("text", h["flags"] or "-"), ("size", h["budget_bytes"]), ("size", h["usage_bytes"]),
             ("bar", h["used_ppm"]), ("ppm", h["used_ppm"]), ("size", h["ours_bytes"]), ("size", h["others_bytes"]),
             ("count", h["block_count"]), ("count", h["alloc_count"]), ("size", h["unused_bytes"]),
             ("size", h["upload_bytes_per_s"]), ("size", h["download_bytes_per_s"])] for h in r["gpu"]["heaps"]]
    return s.table(["heap<", "flags<", "budget", "usage", "full<", "used%", "ours", "others", "blocks", "allocs", "unused",
                    "up/s", "down/s"], rows, top, bottom, partial=s.cols < 100)


def device(s, r, row, heap):
    d = r["gpu"]["devices"][heap["device"]]
    s.left(row, 0, "device", "device %d %s  driver %s  source %s" % (
        d["number"], d["name"] or "-", d["driver"] or "-", d["source"] or "-"), s.cols)


def blocks(s, r, top, bottom, heap):
    """Those of one heap, of which a map has room in the line."""
    told = [b for b in r["gpu"]["blocks"] if r["gpu"]["heaps"][b["heap"]] is heap]
    s.mark(top)
    text = 38 if s.exact else 30
    for number, (row, b) in enumerate(zip(range(top + 1, bottom), told)):
        if row == bottom - 1 and number + 1 < len(told):
            s.left(row, 0, "blocks left out", "... %d more" % (len(told) - number), 4 + len("%d more" % (len(told) - number)))
            break
        map_ = b["map"] or ""
        s.right(row, 4, "block", "id", b["number"])
        col = 5
        if len(map_) >= 8:
            s.left(row, col, "map of block %d" % b["number"], "|%s|" % map_, col + len(map_) + 2)
            col += len(map_) + 2
        s.right(row, col + 7, "used", "ppm", b["used_ppm"])
        s.right(row, col + 15, "torn", "ppm", b["fragmentation_ppm"])
        s.right(row, col + text, "longest free", "size", b["largest_free_bytes"])
    if not told:
        s.find("nothing was told of this heap's blocks", top, bottom)


def gpu(s, r, view):
    g = r["gpu"]
    if not g["heaps"]:
        lacks(s, "No GPU in this trace")
        return
    device(s, r, 2, g["heaps"][0])
    kinds, _ = s.find("ALLOCATED AS")
    below, _ = s.find("BLOCK ")
    gpu_table(s, r, 3, kinds)
    rows = [[("text", k["type"] or "(not told)"), ("id", g["heaps"][k["heap"]]["number"]), ("count", k["count"]),
             ("size", k["bytes"]), ("size", k["mean_bytes"]), ("text", k["category"] or "-"),
             ("count", k["dedicated_count"]), ("count", k["mapped_count"]), ("time", k["age_ns"])] for k in g["kinds"]]
    if rows:
        s.table(["ALLOCATED AS<", "heap", "count", "bytes", "mean", "category<", "dedicated", "mapped", "age p50"],
                rows, kinds, below)
    else:
        s.find("nothing was told of kinds", kinds, below)
    blocks(s, r, below, s.rows - 1, g["heaps"][0])


def gpu_detail(s, r, view):
    if not r["gpu"]["heaps"]:
        gpu(s, r, view)
        return
    h = row_of(r["gpu"]["heaps"], view)
    device(s, r, 2, h)
    s.left(3, 0, "heap", "heap %d %s  told at %s" % (h["number"], h["flags"] or "", show("time", h["told_at_ns"], True)), s.cols)
    s.pair(4, "uploaded", "size", h["upload_bytes"])
    s.pair(4, "downloaded", "size", h["download_bytes"])
    s.pair(5, "defragmentation would move", "size", h["movable_bytes"])
    s.pair(5, "and free blocks", "count", h["movable_block_count"])
    blocks(s, r, 7, s.rows - 1, h)


# --- timeline ----------------------------------------------------------------------------------

LABEL = 16


def timeline_curve(s, whole, view, top, bottom):
    """The curve of all the run, its top and its axis; the body's rows top .. bottom."""
    cols, end = s.cols - LABEL, end_of(whole)
    values = columns(view["drawn_whole"]["timeline"], "peak_bytes", 0, end, cols)
    most = max((v or 0 for v in values), default=0)
    s.right(top, LABEL - 1, "top of the curve", "text", read.size(most))
    s.curve("heap", top, bottom - 2, LABEL, values, most)
    for col in range(0, cols - 15, 16):
        text = "|" + read.time(end * col // cols)
        s.left(bottom - 1, LABEL + col, "time", text, LABEL + col + len(text))
    axis = ["─"] * cols
    to = end if view["to"] is None else view["to"]
    for at, sign in ((view["from"], "A"), (to, "B"), (to, "^")):
        axis[0 if at <= 0 else cols - 1 if at >= end else at * cols // end] = sign
    s.left(bottom - 2, LABEL, "range", "".join(axis), s.cols)


def strips(s, whole, view, top):
    """Resident bytes, allocations, frees, the level of pressure, events."""
    cols, end = s.cols - LABEL, end_of(whole)
    for row, (key, kind) in enumerate((("rss_bytes", "size"), ("alloc_count", "count"), ("free_count", "count")), top):
        values = columns(view["drawn_whole"]["timeline"], key, 0, end, cols)
        most = max((v or 0 for v in values), default=0) or None
        exact, s.exact = s.exact, False
        s.right(row, LABEL - 1, key, kind, most)
        s.exact = exact
        s.curve(key, row, row + 1, LABEL, values, most)
    level, events = [" "] * cols, [" "] * cols
    for e in whole["pressure"]["log"]:
        at = 0 if e["t_ns"] <= 0 else cols - 1 if e["t_ns"] >= end else e["t_ns"] * cols // end
        if e["kind"] == "level":
            level[at:] = [str(e["level"])] * (cols - at)
        else:
            events[at] = {"mark": "m", "evict": "e", "deny": "d", "budget": "b"}[e["kind"]]
    s.left(top + 3, LABEL, "level", "".join(level), s.cols)
    s.left(top + 4, LABEL, "events", "".join(events), s.cols)


def timeline(s, r, view):
    t, run = r["totals"], r["run"]
    to = run["duration_ns"] if view["to"] is None else view["to"]
    s.pair(2, "cursor", "time", to)
    s.pair(2, "from", "time", run["from_ns"])
    s.pair(2, "to", "time", end_of(r))
    net = None if None in (t["live_end_bytes"], t["live_begin_bytes"]) else t["live_end_bytes"] - t["live_begin_bytes"]
    s.pair(2, "net", "delta", net)
    s.pair(2, "allocs", "count", t["alloc_count"])
    s.pair(2, "frees", "count", t["free_count"])
    rss = next(row for row in range(3, s.rows) if s.lines[row].startswith(" rss "))
    timeline_curve(s, view["whole"], view, 3, rss)
    strips(s, view["whole"], view, rss)
    top, col = s.find("BORN IN RANGE")
    events, room = len(r["pressure"]["log"]), s.rows - 1 - (top + 1)
    s.left(top, 0, "head of the events", "EVENTS IN RANGE" + (
        "  1 to %d of %d (f F)" % (room, events) if events > room else ""), col - 1)
    log(s, r, top + 1, s.rows - 1, 0, col - 1, True)
    if s.loose and s.lines[top + 1][col:].startswith("- "):
        s.mark(top + 1, col)
        s.unknown += 1
        return
    sites(s, r["leaks"], "bytes", "size", top + 1, s.rows - 1, col)


# --- the map of the heap -----------------------------------------------------------------------

RAMP = " .:-=+*%@#"


def look(r, cell, colour):
    cell_bytes, now = r["heap_map"]["cells"]["cell_bytes"], end_of(r)
    if colour == "age":
        if cell["oldest_ns"] is None or cell["oldest_ns"] > now:
            return " "
        return str(min(9, (now - cell["oldest_ns"]) * 10 // (now + 1) if now else 0))
    if colour == "category":
        if not cell["live_bytes"]:
            return " "
        names = [c["name"] for c in r["categories"]]
        return "?" if cell["category"] is None else chr(ord("a") + names.index(cell["category"]))
    part = cell["live_bytes" if colour == "fill" else "pinned_bytes"]
    return RAMP[min(9, -(-part * 9 // cell_bytes))]


def map_cells(s, r, colour, top, bottom):
    m, per_row = r["heap_map"]["cells"], s.cols - 14 - 7 - 2
    for row in range(top, bottom):
        first = (row - top) * per_row
        here = m["rows"][first:first + per_row]
        s.left(row, 0, "address", "%12x |" % (int(m["address"], 16) + first * m["cell_bytes"]), 14)
        s.left(row, 14, "cells", "".join(look(r, c, colour) for c in here), 14 + per_row)
        s.right(row, s.cols, "share of a row", "ppm",
                ppm(sum(c["live_bytes"] for c in here), per_row * m["cell_bytes"]))


def map_lacks(s, r):
    if r["heap_map"] is None:
        several = r["run"]["pid"] is None and sum(p["recorded"] for p in r["processes"]) > 1
        s.find("Several processes have no map" if several else "This trace has no addresses")
    elif not r["heap_map"]["ranges"]:
        s.find("Nothing lives at this moment")
    return not r["heap_map"] or not r["heap_map"]["ranges"]


def fragmap(s, r, view):
    m, colour = r["heap_map"], view.get("colour", "fill")
    if map_lacks(s, r):
        return
    cells, addr = m["cells"], int(m["cells"]["address"], 16)
    number, shown = [(i, q) for i, q in enumerate(m["ranges"]) if int(q["address"], 16) <= addr][-1]
    s.left(2, 0, "head", "range %d of %d  one cell %s  %s + %s  colour %s (t)" % (
        number + 1, len(m["ranges"]), show("size", cells["cell_bytes"], s.exact), shown["address"],
        show("size", shown["bytes"], s.exact), colour), s.cols)
    for label, kind, key in (("used", "size", "live_bytes"), ("not returnable", "size", "not_returnable_bytes"),
                             ("of pages", "ppm", "not_returnable_ppm"), ("holes", "count", "hole_count"),
                             ("largest", "size", "largest_hole_bytes"), ("scattered", "ppm", "external_ppm")):
        s.pair(3, label, kind, m[key])
    map_cells(s, r, colour, 4, s.rows - 5)
    at = view.get("cursor", 0)
    cell, addr = cells["rows"][at], addr + at * cells["cell_bytes"]
    row, now = s.rows - 5, end_of(r)
    s.left(row, 0, "cursor", "cursor 0x%x" % addr, len("cursor 0x%x" % addr))
    s.pair(row, "used", "size", cell["live_bytes"])
    s.pair(row, "blocks begin", "count", cell["object_count"])
    s.pair(row, "pinned free", "size", cell["pinned_bytes"])
    s.pair(row, "oldest", "time", None if cell["oldest_ns"] is None else now - cell["oldest_ns"])
    s.pair(row, "mostly", "text", cell["category"])
    slab = [q for q in m["slabs"] if int(q["address"], 16) <= addr < int(q["address"], 16) + q["bytes"]]
    if slab:
        s.left(row + 1, 0, "slab", "slab of pool %d" % slab[0]["pool"], len("slab of pool %d" % slab[0]["pool"]))
        s.pair(row + 1, "blocks", "count", slab[0]["block_count"])
        s.pair(row + 1, "used", "count", slab[0]["used_count"])
    s.mark(row + 2)
    s.left(row + 3, 0, "HOLES", "HOLES", 5)
    for name, hole in zip(("<4K", "4-16K", "16-64K", "64-256K", "256K-1M", ">1M"), m["holes"]):
        s.pair(row + 3, name, "count", hole["count"])
