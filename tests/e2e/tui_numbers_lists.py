"""What the screens of rows show, against the report: overview, categories, leaks, calls, threads
(tui_numbers.py). Each function reads every figure of its screen."""
import tui_numbers_read as read
from tui_numbers_read import ppm, show

OPEN_PPM, FOLD_PPM, SITES_MOST = 50000, 2000, 200


def row_of(rows, view):
    """That of the cursor, which stops at the last."""
    return rows[min(view.get("row", 0), len(rows) - 1)]


def site(row):
    return row["name"] + ("  " + row["place"] if row["place"] else "")


def kind_of(metric):
    return "count" if metric in ("allocs", "temporary") else "size"


def sites(s, rows, figure, kind, top, bottom, left=0, right=None):
    """Rows of a figure and a site; the number that is shown."""
    right = s.cols if right is None else right
    wide = 16 if s.exact else 9
    shown = 0
    for row, told in zip(range(top, bottom), rows):
        s.right(row, left + wide, told["name"], kind, told[figure])
        s.left(row, left + wide + 2, "site", site(told), right)
        shown += 1
    return shown


# --- time --------------------------------------------------------------------------------------

def end_of(r):
    duration = r["run"]["duration_ns"]
    return duration if r["run"]["to_ns"] is None else min(r["run"]["to_ns"], duration)


def columns(line, key, begin, end, cols):
    """The timeline as so many columns: of what happens, the sum of each; of what holds on, the
    largest, where what was live before a column goes on in it."""
    happens = key in ("alloc_count", "free_count")
    after = line["live_bytes"] if key == "peak_bytes" else line["rss_bytes"]
    held, i, out = None if key == "rss_bytes" else 0, 0, []
    points = list(zip(line["t_ns"], line[key], after))
    while i < len(points) and points[i][0] < begin:
        held = held if points[i][2] is None else points[i][2]
        i += 1
    for col in range(cols):
        stop = begin + (end - begin) * (col + 1) // cols
        now = 0 if happens else held
        # The rise to the next point may lie anywhere since the last one.
        if key == "peak_bytes" and 0 < i < len(points) and \
                points[i][0] - points[i - 1][0] < 3 * ((end - begin) // cols):
            now = max(points[i][1], held)
        while i < len(points) and (points[i][0] < stop or col == cols - 1):
            value = points[i][1]
            if happens:
                now += value
            elif value is not None:
                now = max(value, now or 0)
            held = held if points[i][2] is None else points[i][2]
            i += 1
        out.append(now)
    return out


# --- pressure ----------------------------------------------------------------------------------

def event(r, e):
    """What the log says of one event."""
    whose, cause = e["category"] or "all", "  " + (e["cause"] or "")
    if e["kind"] == "level":
        names = [level["name"].upper() for level in r["pressure"]["levels"]]
        before = "" if e["before"] is None else names[e["before"]] + " -> "
        return "pressure " + before + names[e["level"]] + cause
    if e["kind"] == "evict":
        tier = "" if e["tier"] is None else " from " + r["tiers"][e["tier"]]["name"]
        return "evict %s %s%s%s" % (whose, read.size(e["bytes"]), tier, cause)
    if e["kind"] == "deny":
        return "deny %s %s%s" % (whose, read.size(e["bytes"]), cause)
    if e["kind"] == "budget":
        before = "" if e["before_bytes"] is None else read.size(e["before_bytes"]) + " -> "
        return "budget %s %s%s" % (whose, before, read.size(e["bytes"]))
    return "mark " + e["text"]


LISTED = 200  # rows of a table, at most


def log(s, r, top, bottom, left, right, oldest_first):
    events = r["pressure"]["log"] if oldest_first else r["pressure"]["log"][::-1]
    if oldest_first and len(events) > bottom - top:
        # Nobody has moved the cursor: the list begins with the first.
        s.left(top - 1, left + 17, "events listed", "1 to %d of %d (f F)" % (bottom - top, len(events)), right)
    for row, e in zip(range(top, bottom), events):
        s.right(row, left + 8, "time of an event", "time", e["t_ns"])
        s.left(row, left + 10, "event", event(r, e).rstrip(), right)
    if not events and "nothing" not in s.lines[top][left:right]:
        s.bad.append("no event, and not said")


# --- overview and categories -------------------------------------------------------------------

def states(c):
    used = ppm(c["live_bytes"], c["budget_bytes"])
    return "-" if used is None else "OVER" if used > 1000000 else "near" if used >= 900000 \
        else "was" if c["over"] else "ok"


def category_rows(r, was):
    """Cells by title, those with most live bytes first."""
    before = {c["name"]: c["live_bytes"] for c in was["categories"]} if was else None
    out = []
    for c in sorted(r["categories"], key=lambda c: -(c["live_bytes"] or 0)):
        used = ppm(c["live_bytes"], c["budget_bytes"])
        old = before and before.get(c["name"], 0)
        delta = None if was is None or old is None or c["live_bytes"] is None else c["live_bytes"] - old
        mean = c["live_bytes"] // c["live_count"] if c["live_count"] else None
        out.append({"name": ("text", c["name"]), "live": ("size", c["live_bytes"]),
                    "budget": ("size", c["budget_bytes"]), "used<": ("bar", used), "live%": ("ppm", used),
                    "delta": ("delta", delta), "peak": ("size", c["peak_bytes"]),
                    "blocks": ("count", c["live_count"]), "mean": ("size", mean),
                    "allocs": ("count", c["alloc_count"]), "state<": ("text", states(c))})
    return out


def category_table(s, r, name, titles, top, bottom, was):
    rows = [[row["name"]] + [row[t] for t in titles] for row in category_rows(r, was)]
    return s.table([name + "<"] + titles, rows, top, bottom, partial=s.cols < 100)


def overview_table(s, r, top, bottom, was=None):
    return category_table(s, r, "TOP CATEGORIES", ["live", "budget", "used<", "live%", "delta", "peak",
                                                   "blocks", "state<"], top, bottom, was)


def categories_table(s, r, top, bottom, was=None):
    return category_table(s, r, "category", ["live", "delta", "budget", "used<", "live%", "peak", "blocks",
                                             "mean", "allocs", "state<"], top, bottom, was)


def bars(s, r):
    t, now = r["totals"], r["pressure"]
    limit = {"cgroup": "limit of the control group", "machine": "limit, the machine's"}.get(now["limit_kind"], "limit")
    limit = "no limit known" if now["limit_bytes"] is None else limit
    pools = [p for p in r["pools"] if p["committed_bytes"] is not None and p["live_bytes"] is not None]
    slabs = sum(p["committed_bytes"] for p in pools) or None
    no_slabs = "no slabs any more" if r["pools"] else "no pools in this trace"
    peak_at = "-" if s.loose and " at -" in s.lines[3] else show("time", t["peak_at_ns"], True)
    peak_at = ("at " if now["limit_bytes"] is None else "limit, at ") + peak_at
    rows = (("heap live", t["live_end_bytes"], t["peak_live_bytes"], "heap peak"),
            ("heap peak", t["peak_live_bytes"], now["limit_bytes"], peak_at),
            ("rss", now["rss_bytes"], now["limit_bytes"], limit),
            ("unaccounted", t["unaccounted_bytes"],
             None if t["unaccounted_bytes"] is None else t["unaccounted_rss_bytes"], "rss then"),
            ("pools free", slabs and slabs - sum(p["live_bytes"] for p in pools), slabs,
             "slabs" if slabs else no_slabs))
    for row, (name, part, most, of) in enumerate(rows, 2):
        line = s.lines[row]
        s.left(row, 1, "name of a bar", name, 14)
        s.right(row, 31 if s.exact else 23, name, "size", part)
        share = ppm(part, most)
        if s.loose and part is not None and " - [" in line:
            share = None
        end = s.bar(row, 14, name, share) + 1
        if most is None or s.loose and " of " not in line[end:]:
            s.left(row, end, name, of, s.cols)
            continue
        s.right(row, end + 6, name + " %", "ppm", share)
        text = "of %s %s" % (show("size", most, s.exact), of)
        if s.loose and line[end + 7:].startswith("of - "):
            text = "of - " + of
        s.left(row, end + 7, name + " of", text, s.cols)


def rates(s, r, row):
    t, now = r["totals"], r["rates"]

    def each_second(n):
        return n * 10 ** 9 // now["window_ns"] if n is not None and now["window_ns"] else None

    s.pair(row, "allocs/s", "count", each_second(now["alloc_count"]))
    s.pair(row, "frees/s", "count", each_second(now["free_count"]))
    s.pair(row, "live blocks", "count", t["live_end_count"])
    s.pair(row, "allocs", "count", t["alloc_count"])
    s.pair(row, "frees", "count", t["free_count"])
    s.pair(row, "temporary", "ppm", ppm(t["temporary_count"], t["alloc_count"]))


def overview(s, r, view):
    bars(s, r)
    row, _ = s.find("allocs/s")
    rates(s, r, row)
    top, col = s.find("WHAT HAPPENED")
    table, _ = s.find("TOP CATEGORIES")
    below, _ = s.find("TOP SITES by " + r["query"]["metric"])
    cols = col - 1
    values = columns(view["drawn"]["timeline"], "peak_bytes", r["run"]["from_ns"], end_of(r), cols)
    most = max((v or 0 for v in values), default=0)
    s.left(top, 0, "top of the curve", "HEAP OVER TIME  top = " + read.size(most), cols)
    s.curve("heap over time", top + 1, table, 0, values, most)
    log(s, r, top + 1, table, col, s.cols, False)
    overview_table(s, r, table, below, view.get("was"))
    s.mark(below)
    sites(s, r["sites"], metric_key(r["query"]["metric"]), kind_of(r["query"]["metric"]), below + 1, s.rows - 1)


def metric_key(metric):
    return {"peak": "peak_bytes", "live": "live_bytes", "allocs": "alloc_count", "bytes": "alloc_bytes",
            "temporary": "temporary_count", "leaks": "leak_bytes"}[metric]


def category_detail(s, r, c, top, bottom):
    """The name's row and all below."""
    s.mark(top, 0, len(c["name"]))
    if not s.lines[top].startswith(c["name"]):
        s.bad.append("the first row is %s, the detail %r" % (c["name"], s.lines[top].strip()))
    s.pair(top, "peak", "size", c["peak_bytes"])
    s.pair(top, "at", "time", c["peak_at_ns"])
    s.pair(top, "freed", "count", c["free_count"])
    row = top + 1
    for p in r["pools"]:
        if p["category"] != c["name"] or row >= bottom:
            continue
        s.left(row, 0, "pool", "pool " + p["name"], 5 + len(p["name"]))
        s.pair(row, "live", "count", p["live_count"])
        s.pair(row, "slabs", "size", p["committed_bytes"])
        s.pair(row, "free", "ppm", p["fragmentation_ppm"])
        row += 1
    if row + 1 >= bottom:
        return
    s.find("     live  held by", row, row + 1)
    held = [x for x in r["sites"][:SITES_MOST] if x.get("category") == c["name"] and x["live_bytes"] != 0]
    sites(s, held, "live_bytes", "size", row + 1, bottom)


def categories(s, r, view):
    s.pair(2, "live in all", "size", r["totals"]["live_end_bytes"])
    s.pair(2, "categories", "count", len(r["categories"]))
    rule = next(row for row in range(3, s.rows) if s.lines[row].startswith("───"))
    categories_table(s, r, 3, rule, view.get("was"))
    first = sorted(r["categories"], key=lambda c: -(c["live_bytes"] or 0))[0]
    category_detail(s, r, first, rule + 1, s.rows - 1)


def categories_detail(s, r, view):
    category_detail(s, r, row_of(sorted(r["categories"], key=lambda c: -(c["live_bytes"] or 0)), view), 3, s.rows - 1)


# --- leaks -------------------------------------------------------------------------------------

WORDS = {"grow": "GROW", "one": "ONE", "still": "STILL", "cache": "CACHE?", None: "-"}


def leaks_table(s, r, top, bottom, was=None):
    rows = []
    to = end_of(r)
    for x in r["leaks"]:
        age = None if x["oldest_ns"] is None or x["oldest_ns"] > to else to - x["oldest_ns"]
        mean = None if not x["count"] or x["bytes"] is None else x["bytes"] // x["count"]
        rows.append([("text", x["name"]), ("text", x["place"] or ""), ("text", WORDS[x["trend"]]),
                     ("rate", x["growth_bytes_per_s"]), ("size", x["bytes"]), ("count", x["count"]),
                     ("size", mean), ("count", x["alloc_count"]), ("time", age), ("trend", x["trend_live_bytes"])])
    return s.table(["allocating frame<", "place<", "verdict<", "growth", "live", "blocks", "mean", "allocs",
                    "oldest", "trend<"], rows, top, bottom, partial=s.cols < 100)


def stack(s, r, leak, top, bottom):
    """The frames from row `top` on, under the line with the stack's id."""
    told = r["stacks"][leak["stack"]]
    s.left(top - 1, 0, "stack", "STACK id " + told["id"], s.cols)
    name = s.cols * 5 // 10
    place = name + s.cols * 3 // 10 + 1
    for number, (row, which) in enumerate(zip(range(top, bottom), told["frames"])):
        f = r["frames"][which]
        if row == bottom - 1 and number + 1 < len(told["frames"]):
            s.left(row, 4, "frames left out", "... %d more" % (len(told["frames"]) - number), 4 + len(
                "... %d more" % (len(told["frames"]) - number)))
            break
        s.right(row, 3, "number of a frame", "id", number)
        col = 10 if f["inlined"] else 4
        if f["inlined"] != (s.lines[row][4:9] == "(inl)"):
            s.bad.append("frame %d: inlined is %s" % (number, f["inlined"]))
        s.left(row, col, "frame", f["name"], name)
        where = (f["file"] or "") + (":%d" % f["line"] if f["line"] else "")
        s.left(row, name + 1, "place of a frame", where, place)
        if number == told["first"] and "<- look here first" not in s.lines[row]:
            s.bad.append("frame %d is where to look" % number)
        s.mark(row, place)


def leaks(s, r, view):
    t = r["totals"]
    s.pair(2, "still live", "size", t["leak_bytes"])
    s.pair(2, "blocks", "count", t["leak_count"])
    s.pair(2, "stacks", "count", len(r["leaks"]) + r["leaks_rest"]["row_count"])
    if len(r["leaks"]) + r["leaks_rest"]["row_count"] > LISTED:
        _, col = s.find("the largest")
        s.left(2, col, "rows listed", "the largest %d below" % LISTED, col + len("the largest 200 below"))
    rule = next(row for row in range(3, s.rows) if s.lines[row].startswith("───"))
    leaks_table(s, r, 3, rule)
    if r["leaks"]:
        stack(s, r, r["leaks"][0], rule + 2, s.rows - 1)


def leaks_detail(s, r, view):
    if r["leaks"]:
        stack(s, r, row_of(r["leaks"], view), 4, s.rows - 1)
    else:
        leaks(s, r, view)


# --- calls -------------------------------------------------------------------------------------

def fold(nodes, floor):
    """The tree with what is below the floor put together, behind its siblings."""
    kids = {}
    for i, n in enumerate(nodes):
        if n["parent"] is not None:
            kids.setdefault(n["parent"], []).append(i)
    out = []

    def put(i, parent):
        me = len(out)
        large = [k for k in kids.get(i, []) if nodes[k]["total"] >= floor]
        small = [k for k in kids.get(i, []) if nodes[k]["total"] < floor]
        out.append(dict(nodes[i], parent=parent, kids=bool(large or small)))
        for k in large:
            put(k, me)
        if small:
            out.append({"parent": me, "depth": nodes[i]["depth"] + 1, "frame": None, "folded_count": len(small),
                        "total": sum(nodes[k]["total"] for k in small), "self": 0, "kids": False,
                        "alloc_count": sum(nodes[k]["alloc_count"] for k in small)})
    if nodes:
        put(0, None)
    return out


def name_of(r, n):
    return "(smaller ones)" if "folded_count" in n else "(all)" if n["frame"] is None else r["frames"][n["frame"]]["name"]


def call_rows(r, tree):
    """Cells of the branches that are open at first."""
    root, kind, shown, rows = tree[0]["total"], kind_of(r["query"]["metric"]), set(), []
    for i, n in enumerate(tree):
        if n["parent"] is not None and n["parent"] not in shown:
            continue
        share = ppm(n["total"], root)
        is_open = n["kids"] and share is not None and share >= OPEN_PPM
        if is_open:
            shown.add(i)
        sign = " " if not n["kids"] else "-" if is_open else "+"
        f = None if n["frame"] is None else r["frames"][n["frame"]]
        place = "" if f is None else f["file"] or (f["module"] or "").rpartition("/")[2]
        rows.append([("text", "  " * n["depth"] + sign + " " + name_of(r, n)), (kind, n["total"]), ("ppm", share),
                     (kind, n["self"]), ("count", n["alloc_count"]), ("text", place)])
    return rows


def calls_table(s, r, top, bottom, was=None):
    if not r["tree"]["nodes"][0]["total"]:
        return s.find("Nothing of this was counted"[:s.cols - 1])
    tree = fold(r["tree"]["nodes"], floor_of(r))
    return s.table(["function<", "total", "total%", "self", "allocs", "place<"], call_rows(r, tree), top, bottom,
                   partial=s.cols < 100)


def floor_of(r):
    return r["tree"]["nodes"][0]["total"] * FOLD_PPM // 1000000


def flames(s, r, tree, top, bottom):
    root, kind = tree[0]["total"], kind_of(r["query"]["metric"])
    spots, past = {}, {}
    for i, n in enumerate(tree):
        at = 0 if n["parent"] is None else past.get(n["parent"], spots.get(n["parent"]))
        past[i] = at
        spots[i] = at
        if n["parent"] is not None:
            past[n["parent"]] = at + n["total"]
        begin = at * s.cols // root
        used = (at + n["total"]) * s.cols // root - begin
        row = top + n["depth"]
        if row >= bottom or used <= 0:
            continue
        s.left(row, begin, "flame", "|", begin + 1)
        if used > 1:
            text = "%s %s" % (name_of(r, n), show(kind, n["total"], False))
            s.left(row, begin + 1, "flame", text if len(text) < used else name_of(r, n), begin + used)


def calls(s, r, view):
    metric, kind = r["query"]["metric"], kind_of(r["query"]["metric"])
    nodes = r["tree"]["nodes"]
    if not nodes[0]["total"]:
        s.find("Nothing of this was counted")
        return
    tree = fold(nodes, floor_of(r))
    how = "bottom-up" if r["tree"]["kind"] == "callers" else "top-down"
    s.left(2, 0, "head", "counting %s (v)   view %s (t)   folded below %s" % (
        metric, how, show(kind, floor_of(r), s.exact)), s.cols)
    rule = next((row for row in range(3, s.rows) if s.lines[row].startswith("───")), s.blank(3, 30))
    calls_table(s, r, 3, rule)
    if how == "top-down":
        flames(s, r, tree, rule + 1, s.rows - 1)


def calls_flame(s, r, view):
    tree = fold(r["tree"]["nodes"], floor_of(r))
    if not tree[0]["total"]:
        return
    s.mark(2)
    rule = next(row for row in range(3, s.rows) if s.lines[row].startswith("───"))
    flames(s, r, tree, 3, rule)
    calls_table(s, r, rule + 1, s.rows - 1)


# --- threads -----------------------------------------------------------------------------------

def threads_table(s, r, top, bottom, was=None):
    rows = [[("text", h["name"] or "(no name)"), ("id", h["tid"]), ("size", h["live_bytes"]),
             ("count", h["live_count"]), ("count", h["alloc_count"]), ("size", h["alloc_bytes"]),
             ("count", h["free_count"]), ("count", h["temporary_count"]), ("time", h["start_ns"])]
            for h in sorted(r["threads"], key=lambda h: -(h["live_bytes"] or 0))]
    return s.table(["thread<", "tid", "live", "blocks", "allocs", "allocated", "frees", "temporary", "started"],
                   rows, top, bottom, partial=s.cols < 100)


def buckets(s, told, low, kind, title, left, right, top, bottom):
    s.left(top, left, "buckets", title, right)
    most = max((b["count"] for b in told), default=0)
    row = top
    for b in told:
        if not b["count"]:
            continue
        row += 1
        if row >= bottom:
            break
        exact, s.exact = s.exact, False
        s.right(row, left + 13, title, kind, b[low])
        s.exact = exact
        s.bar(row, left + 14, title, ppm(b["count"], most))
        s.right(row, right, title, "count", b["count"])


def threads(s, r, view):
    s.pair(2, "threads", "count", len(r["threads"]))
    rule = next(row for row in range(3, s.rows) if s.lines[row].startswith("───"))
    threads_table(s, r, 3, rule)
    half = s.cols // 2 - 1
    buckets(s, r["sizes"]["buckets"], "from_bytes", "size", "SIZES asked for", 0, half, rule + 1, s.rows - 1)
    buckets(s, r["lifetimes"]["buckets"], "from_ns", "time", "LIFETIMES of what was freed", half + 2, s.cols,
            rule + 1, s.rows - 1)
