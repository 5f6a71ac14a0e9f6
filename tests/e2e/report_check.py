"""report_check.py SCHEMA [FILE]: is a JSON report valid, and does it obey its own laws?

Prints one line for each law that is broken; the exit status is 1 then.
"""
import json
import sys

import jsonschema

MEASURE = ["alloc_count", "alloc_bytes", "free_count", "free_bytes", "temporary_count",
           "peak_bytes", "peak_count", "live_bytes", "live_count", "leak_bytes", "leak_count"]
FIGURE = {"peak": "peak_bytes", "live": "live_bytes", "allocs": "alloc_count",
          "bytes": "alloc_bytes", "temporary": "temporary_count", "leaks": "leak_bytes"}
broken = []


def law(holds, text):
    if not holds:
        broken.append(text)


def whole(totals):
    """The totals as a measure."""
    t = dict(totals, peak_bytes=totals["peak_live_bytes"], peak_count=totals["peak_live_count"],
             live_bytes=totals["live_end_bytes"], live_count=totals["live_end_count"])
    return {k: t[k] for k in MEASURE}


def adds_up(name, rows, rest, total):
    for key in MEASURE:
        parts = [r[key] for r in rows] + ([rest[key]] if rest else [])
        if None in parts or total[key] is None:
            continue
        law(sum(parts) == total[key], f"{name}: {key}: {sum(parts)} is not {total[key]}")


def check_table(name, t, totals):
    adds_up(name, t["rows"], t["rest"], t["total"])
    figures = [r[FIGURE[t["metric"]]] for r in t["rows"]]
    law(figures == sorted(figures, reverse=True), f"{name}: not sorted by {t['metric']}")
    law(t["total"]["row_count"] == len(t["rows"]) + t["rest"]["row_count"], f"{name}: rows")
    for key in MEASURE:
        if None not in (t["total"][key], totals[key]):
            law(t["total"][key] <= totals[key], f"{name}: {key} exceeds the totals")


def check_tree(report):
    tree = report["tree"]
    if not tree:
        return
    nodes = tree["nodes"]
    below = [0] * len(nodes)
    for i, n in enumerate(nodes):
        law((n["parent"] is None) == (i == 0), f"tree: parent of node {i}")
        if i:
            law(n["parent"] < i, f"tree: node {i} before its parent")
            below[n["parent"]] += n["total"]
    for i, n in enumerate(nodes):
        # Bottom-up, a node's self is the whole of a first frame, and its callers have it too.
        if tree["kind"] == "callees" and "folded_count" not in n:
            law(below[i] + n["self"] == n["total"], f"tree: node {i} is not its parts")
        law(below[i] <= n["total"], f"tree: children of node {i} exceed it")


def check_stacks(report):
    frames, stacks = report["frames"], report["stacks"]
    for s in stacks:
        law(all(f < len(frames) for f in s["frames"]), "stacks: no such frame")
        law(s["first"] < max(1, len(s["frames"])), "stacks: first")
    used = {f for s in stacks for f in s["frames"]}
    if report["tree"]:
        used |= {n["frame"] for n in report["tree"]["nodes"] if n["frame"] is not None}
    law(used == set(range(len(frames))), "frames: some are not used")
    for row in report["sites"] + report["leaks"]:
        law(stacks[row["stack"]]["id"] == row["id"], "sites: id of the stack")


def check_timeline(report, totals):
    t = report["timeline"]
    law(len({len(v) for v in t.values()}) == 1, "timeline: arrays of different lengths")
    law(t["t_ns"] == sorted(t["t_ns"]), "timeline: not in order")
    if t["t_ns"]:
        for key in ("alloc_count", "alloc_bytes", "free_count"):
            law(sum(t[key]) == totals[key] or report["run"]["unattributed_count"],
                f"timeline: {key}")
        law(t["live_bytes"][-1] == totals["live_bytes"] or report["run"]["pid"] is None,
            "timeline: the end")
        law(max(t["peak_bytes"]) == totals["peak_bytes"], "timeline: peak")


def check_tiers(report):
    tiers, cells = report["tiers"], report["moves"]["cells"]
    for i, t in enumerate(tiers):
        law(t["in_bytes"] == sum(c["bytes"] for c in cells if c["to"] == i), f"tiers: in of {i}")
        law(t["out_bytes"] == sum(c["bytes"] for c in cells if c["from"] == i),
            f"tiers: out of {i}")
        law(t["part_of"] is None or t["part_of"] != i, f"tiers: {i} is part of itself")
    moved = sum(c["bytes"] for c in cells)
    law(sum(r["moved_bytes"] for r in report["residency"]) == moved, "residency: moves")
    law(sum(c["bytes"] for c in report["moves"]["causes"]) == moved, "moves: causes")
    for name, key in (("evictions", "evict_bytes"), ("denials", "deny_bytes")):
        law(sum(c["bytes"] for c in report[name]) == sum(r[key] for r in report["residency"]),
            f"{name}: by cause and by category")
    for r in report["residency"]:
        law(len(r["bytes_by_tier"]) == len(tiers), "residency: tiers")
        known = [b for b, t in zip(r["bytes_by_tier"], tiers)
                 if b is not None and t["part_of"] is None]
        law(r["total_bytes"] == (sum(known) if known else None), "residency: total")


def check_pressure(report):
    p, run = report["pressure"], report["run"]
    law((p["source"] is None) == (p["worst_level"] is None) or p["level"] is None,
        "pressure: source")
    law(sum(l["spent_ns"] for l in p["levels"]) <= run["to_ns"] - run["from_ns"],
        "pressure: time")
    times = [e["t_ns"] for e in p["log"]]
    law(times == sorted(times) and len(times) <= 512, "pressure: log")
    law(all(e["level"] != e["before"] for e in p["log"] if e["kind"] == "level"),
        "pressure: a level that stayed")
    for c in report["categories"]:
        law(c["over"] or c["exceeded_at_ns"] is None, f"categories: {c['name']} over")


def check_gpu(report):
    g = report["gpu"]
    law(all(h["device"] < len(g["devices"]) for h in g["heaps"]), "gpu: devices")
    law(all(x["heap"] < len(g["heaps"]) for x in g["kinds"] + g["blocks"]), "gpu: heaps")


def check(report):
    check_tiers(report)
    check_pressure(report)
    check_gpu(report)
    totals = whole(report["totals"])
    if report["run"]["complete"] and not report["run"]["unattributed_count"]:
        adds_up("categories", [dict.fromkeys(MEASURE) | c for c in report["categories"]], None,
                dict.fromkeys(MEASURE) | {k: totals[k] for k in ("alloc_count", "alloc_bytes",
                    "free_count", "temporary_count", "live_bytes", "live_count", "leak_bytes")})
        adds_up("threads", report["threads"], None, totals)
        law(sum(b["count"] for b in report["sizes"]["buckets"]) == totals["alloc_count"], "sizes")
        law(sum(b["count"] for b in report["lifetimes"]["buckets"]) == totals["free_count"],
            "lifetimes")
    law(sum(c["at_peak_bytes"] for c in report["categories"]) == totals["peak_bytes"],
        "categories: the peak")
    adds_up("sites", report["sites"], report["sites_rest"],
            totals if report["query"]["match"] is None else dict.fromkeys(MEASURE))
    for name in ("temporaries", "callers", "table"):
        if report[name]:
            check_table(name, report[name], totals)
    check_tree(report)
    check_stacks(report)
    check_timeline(report, totals)


def main():
    with open(sys.argv[1]) as f:
        schema = json.load(f)
    jsonschema.Draft7Validator.check_schema(schema)
    with open(sys.argv[2]) if len(sys.argv) > 2 else sys.stdin as f:
        report = json.load(f)
    for e in jsonschema.Draft7Validator(schema).iter_errors(report):
        broken.append(f"schema: {'/'.join(map(str, e.path))}: {e.message[:200]}")
    if not broken:
        check(report)
    for text in broken[:20]:
        print(text)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
